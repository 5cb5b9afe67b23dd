"""What a search says while it goes on, to whoever listens: a candidate as soon as it is scored.

    with listening(print):
        hfluxno.identify(context)

A listener belongs to the thread that it was set in. A single context is searched in the thread of
the caller; the contexts of a batch in threads of their own, which nobody listens to.
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

    **Attributes:**

    - `label`: the candidate in words.
    - `score`: how good it is.
    - `measure`: what the score is: a relative back-test error, the less the better, or of joint
      estimates the logarithm of the evidence, the more the better.
    """

    label: str
    score: float
    measure: Measure


_listener: contextvars.ContextVar[Callable[[Tried], None] | None] = contextvars.ContextVar(
    "listener", default=None
)


@contextlib.contextmanager
def listening(listener: Callable[[Tried], None]) -> Iterator[None]:
    """Within the block, `listener` is called with every candidate; what it raises ends the
    search."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


def announce(label: str, score: float, measure: Measure) -> None:
    """Tells the listener, if there is one."""
    listener = _listener.get()
    if listener is not None:
        listener(Tried(label, score, measure))
