"""Reports from a running search: each candidate as soon as it is scored.

    with listening(print):
        hfluxno.identify(context)

A listener belongs to the thread in which it was set. The search for a single context runs in the
thread of the caller; those for the contexts of a batch run in other threads, without listeners.
"""

import contextlib
import contextvars
import dataclasses
from collections.abc import Callable, Iterator
from typing import Literal

Measure = Literal["back-test error", "log evidence"]


@dataclasses.dataclass(frozen=True)
class Tried:
    """A candidate that was tried.

    - `label`: the candidate in words.
    - `score`: how good it is.
    - `measure`: what the score is: a relative back-test error (smaller is better), or for joint
      estimates the logarithm of the evidence (larger is better).
    """

    label: str
    score: float
    measure: Measure


_listener: contextvars.ContextVar[Callable[[Tried], None] | None] = contextvars.ContextVar(
    "listener", default=None
)


@contextlib.contextmanager
def listening(listener: Callable[[Tried], None]) -> Iterator[None]:
    """Within the block, `listener` is called with every candidate; its exceptions end the
    search."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


def announce(label: str, score: float, measure: Measure) -> None:
    """Calls the listener, if there is one."""
    listener = _listener.get()
    if listener is not None:
        listener(Tried(label, score, measure))
