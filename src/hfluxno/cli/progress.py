"""What a command does: contexts done, contexts per second, the time left, the laws tried."""

import contextlib
import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.markup import escape

from hfluxno.identify.listener import Tried, listening
from hfluxno.plural import plural

# Without a terminal, where every line stays in the log; of a single context, before the first line.
_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_OF_SILENCE = 20.0

_so_far = ""


def so_far() -> str:
    """What the message of Ctrl-C adds: how much of a batch is done; empty without a batch."""
    return _so_far


@dataclasses.dataclass
class Pace:
    """Contexts done of `total` since the time `began`, in seconds.

    The first contexts wait for programs to be compiled or loaded, which says nothing about the
    rest: once there are others, only these determine the rate.
    """

    total: int
    began: float
    done: int = 0
    _computed: int = 0
    _first: tuple[int, float] | None = None
    _now: float = 0.0

    def add(self, count: int, now: float, computed: bool = True) -> None:
        """Counts contexts that are done; those not `computed` by this run do not count in the
        rate."""
        self.done, self._now = self.done + count, now
        if computed:
            self._computed += count
            self._first = self._first or (count, now)

    @property
    def rate(self) -> float:
        """Contexts per second, 0 if unknown."""
        count, since = self._first or (0, self.began)
        if self._computed == count:
            count, since = 0, self.began
        return (self._computed - count) / max(self._now - since, 1e-9)

    def __str__(self) -> str:
        text = f"{self.done:,} of {plural(self.total, 'context')}"
        if not self._computed:
            return text
        text += f", {self.rate:.2g} a second" if self.rate < 10 else f", {self.rate:.0f} a second"
        left = (self.total - self.done) / self.rate
        return f"{text}, {_duration(left)} left" if left else text


def _duration(seconds: float) -> str:
    if seconds < 100.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000.0 else f"{seconds / 3600:.1f} h"


class Search:
    """The laws that the search for one context has tried."""

    def __init__(self) -> None:
        self._count, self._last = 0, ""

    def add(self, tried: Tried) -> None:
        self._count, self._last = self._count + 1, tried.label

    def __str__(self) -> str:
        """With a comma before; empty if there were none."""
        return f", {plural(self._count, 'law')} tried, the last: {self._last}" * bool(self._count)


@contextlib.contextmanager
def working(text: str) -> Iterator[None]:
    """Says what is going on in a block, on standard error: on a terminal in one line, otherwise in
    a line after 20, 40, 80 seconds and so on."""
    console, search, done = Console(stderr=True), Search(), threading.Event()

    def tell() -> None:
        total = wait = _SECONDS_OF_SILENCE
        while not done.wait(wait):
            sys.stderr.write(f"hfluxno: {text}, {total:.0f} s so far{search}\n")
            total, wait = 2.0 * total, total

    with console.status(escape(text)) as status:

        def heard(tried: Tried) -> None:
            search.add(tried)
            status.update(escape(f"{text}{search}"))

        if not console.is_terminal:
            threading.Thread(target=tell, daemon=True).start()
        with listening(heard):
            try:
                yield
            finally:
                done.set()


@contextlib.contextmanager
def progress(
    text: str, total: int, kept: str = "nothing is written"
) -> Iterator[Callable[..., None]]:
    """Shows how many of `total` contexts are done, on standard error: in one line on a terminal,
    otherwise in a line now and then, also before the first are done, but never the same twice. Of a
    single one it shows what `working` does.

    Yields a function to call with how many more are done, and whether this run computed them.
    `kept` says what an interrupted run leaves.
    """
    global _so_far
    if total == 1:
        with working(text):
            yield lambda count, computed=True: None
        return
    console = Console(stderr=True)
    pace, said = Pace(total, time.monotonic()), time.monotonic()
    begun = threading.Event()  # the first contexts of this run are done, or it has ended

    def tell_of_first() -> None:
        nonlocal said
        last = ""
        while not begun.wait(_SECONDS_BETWEEN_LINES):
            line = f"hfluxno: {pace}, compiling or computing the next\n"
            if line != last:  # a line that repeats the last one would tell nothing
                sys.stderr.write(line)
                last, said = line, time.monotonic()

    with console.status(f"{text}: {pace}") as status:
        if not console.is_terminal:
            threading.Thread(target=tell_of_first, daemon=True).start()

        def advance(count: int, computed: bool = True) -> None:
            global _so_far
            nonlocal said
            if computed:
                begun.set()
            now = time.monotonic()
            pace.add(count, now, computed)
            status.update(f"{text}: {pace}")
            _so_far = f" after {pace.done:,} of {plural(total, 'context')}; {kept}"
            late = now - said >= _SECONDS_BETWEEN_LINES or pace.done == total
            if late and count < total and not console.is_terminal:
                sys.stderr.write(f"hfluxno: {pace}\n")
                said = now

        try:
            yield advance
        except Exception:
            _so_far = ""
            raise
        finally:
            begun.set()
        _so_far = ""
