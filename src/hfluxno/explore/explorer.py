"""The state behind one page: the request, the results so far, and the worker threads.

It knows the page only as a function to call when something has changed. Any error in a thread
becomes a sentence in `fault`.
"""

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from hfluxno.data.plane import PlaneSource
from hfluxno.data.source import Source
from hfluxno.explore.inference import Outcome, Rival, infer, rival
from hfluxno.explore.problem import FileChoice, Problem, Request, opened, prepare
from hfluxno.identify.listener import Tried, listening


class _Stopped(Exception):
    pass


class Explorer:
    """What a page shows.

    - `problem`: the problem of the current request; `None` until it is prepared, or if it cannot
      be.
    - `outcome`: the law of `problem`, once it is inferred.
    - `tried`: the candidates of the current run, or of the last one.
    - `rivals`: other methods on the same problem.
    - `fault`: what went wrong, in a sentence; empty if nothing did.
    - `running`: whether a run is going on.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None):
        self.problem: Problem | None = None
        self.outcome: Outcome | None = None
        self.tried: tuple[Tried, ...] = ()
        self.rivals: tuple[Rival, ...] = ()
        self.fault = ""
        self.running = False
        self._changed = changed
        self._request: Request | None = None
        self._prepared: tuple[Request, Problem] | None = None
        self._source: tuple[FileChoice, Source | PlaneSource] | None = None
        self._stop = threading.Event()
        self._guard, self._preparing = threading.Lock(), threading.Lock()
        # One prepares a request while the other is still working.
        self._preview, self._work = ThreadPoolExecutor(1), ThreadPoolExecutor(1)

    def ask(self, request: Request) -> None:
        """Sets the request: prepares it, and forgets the earlier results."""
        with self._guard:
            if request == self._request:
                return
            self._request, self.outcome, self.rivals, self.tried = request, None, (), ()
            self._stop.set()
        self._preview.submit(self._show, request)

    def run(self, compare: str = "") -> bool:
        """Starts inferring the law of the request; returns whether it did, or one was going on
        already.

        - `compare`: a network to compare with, beside persistence.
        """
        with self._guard:
            if self.running or self._request is None:
                return False
            request, self.running = self._request, True
            self.tried, self.rivals, self.outcome, self.fault = (), (), None, ""
            self._stop.clear()
        self._changed()
        self._work.submit(self._run, request, compare)
        return True

    def stop(self) -> None:
        """Ends a run after the current candidate."""
        self._stop.set()

    def close(self) -> None:
        """The page is closed: nothing more is started or reported."""
        self._changed = lambda: None
        self.stop()
        for pool in (self._preview, self._work):
            pool.shutdown(wait=False, cancel_futures=True)

    def _show(self, request: Request) -> None:
        if request != self._request:  # replaced meanwhile
            return
        try:
            problem, fault = self._problem_of(request), ""
        except Exception as error:
            problem, fault = None, sentence(error)
        with self._guard:
            if request != self._request:
                return
            self.problem, self.fault = problem, fault
        self._changed()

    def _run(self, request: Request, compare: str) -> None:
        fault = ""
        try:
            problem = self._problem_of(request)
            with listening(self._hear):
                outcome = infer(problem)
            self._keep(request, problem, outcome, ())
            rivals: tuple[Rival, ...] = ()
            for name in filter(None, ("persistence", compare)):
                self._check_going_on()
                rivals += (rival(problem, name),)
                self._keep(request, problem, outcome, rivals)
        except _Stopped:
            pass
        except Exception as error:
            fault = sentence(error)
        finally:
            with self._guard:
                if request == self._request and fault:
                    self.fault = fault
                self.running = False  # last, for those who wait for it without the guard
            self._changed()

    def _keep(self, request, problem, outcome, rivals) -> None:
        with self._guard:
            if request == self._request:
                self.problem, self.outcome, self.rivals = problem, outcome, rivals
        self._changed()

    def _hear(self, tried: Tried) -> None:
        self._check_going_on()
        self.tried += (tried,)
        self._changed()

    def _check_going_on(self) -> None:
        if self._stop.is_set():
            raise _Stopped

    def _problem_of(self, request: Request) -> Problem:
        """The prepared problem; prepared once, by whichever thread asks first."""
        with self._preparing:
            if self._prepared is None or self._prepared[0] != request:
                source = self._open(request.origin)
                self._prepared = request, prepare(request, source)
            return self._prepared[1]

    def _open(self, origin) -> Source | PlaneSource | None:
        if not isinstance(origin, FileChoice):
            return None
        key = dataclasses.replace(origin, trajectory=0, start=0)
        if self._source is None or self._source[0] != key:
            self._source = key, opened(origin)
        return self._source[1]


def sentence(error: BaseException) -> str:
    """What went wrong, the same as on the command line if the input is at fault."""
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ValueError | OSError | MemoryError):
        return said
    return (
        f"hfluxno itself is at fault ({type(error).__name__}: {said}); nothing is lost: change "
        "something and run again, and report it with the output of `hfluxno doctor`."
    )
