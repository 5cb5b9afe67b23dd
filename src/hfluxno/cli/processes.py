"""Training by several processes on this machine, which are started, watched and ended together.

An error in one of them is raised here, so it is reported once. They end with this process, however
it ends.
"""

import multiprocessing
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

# How long the others may take to notice that one is gone, before they are ended.
_SECONDS = 10.0


def together(run: Callable[[str, int, int], Any], processes: int) -> Any:
    """What `run(coordinator, process, processes)` returns in the first of these new processes.
    Raises `ChildProcessError` if one of them is killed; what one of them raises."""
    from hfluxno.batching import cores

    threads = max(1, cores() // processes)
    spawn = multiprocessing.get_context("spawn")  # a fork would inherit threads
    coordinator = f"127.0.0.1:{_free_port()}"
    started: dict[int, tuple[BaseProcess, Connection]] = {}
    try:
        for i in range(processes):
            mine, theirs = spawn.Pipe(duplex=False)
            arguments = (theirs, run, coordinator, i, processes, threads)
            child = spawn.Process(target=_child, args=arguments)
            child.start()
            theirs.close()
            started[i] = child, mine
        return _watched(started)[0]
    finally:
        for one, _ in started.values():
            one.kill()
            one.join()


def _watched(started: dict[int, tuple[BaseProcess, Connection]]) -> dict[int, Any]:
    """What the processes return; raises the first error that is not the consequence of another."""
    returned: dict[int, Any] = {}
    lost: ConnectionError | None = None
    left = dict(started)
    while left:
        ended = wait([child.sentinel for child, _ in left.values()], _SECONDS if lost else None)
        for i, (child, answer) in list(left.items()):
            if child.sentinel not in ended:
                continue
            del left[i]
            found = _answer(answer) or _killed(i, len(started), child)
            if isinstance(found, ConnectionError):
                lost = lost or found  # the cause may show up a moment later
            elif isinstance(found, BaseException):
                raise found
            else:
                returned[i] = found[0]
        if lost and not ended:
            break
    if lost:
        raise lost
    return returned


def _answer(answer: Connection) -> BaseException | tuple[Any] | None:
    try:
        return answer.recv()
    except EOFError:
        return None


def _killed(i: int, processes: int, child: BaseProcess) -> ChildProcessError:
    child.join()
    code = child.exitcode or 0
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with the status {code}"
    return ChildProcessError(
        f"Process {i} of {processes} was ended {how}, so the others were ended too; the same "
        "command resumes from the last checkpoint."
    )


def _child(
    answer: Connection,
    run: Callable[[str, int, int], Any],
    coordinator: str,
    i: int,
    processes: int,
    threads: int,
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Gloo and JAX write messages in each process; what matters goes back to the parent.
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    if i:
        os.dup2(quiet, 2)
    os.environ |= {"JAX_PLATFORMS": "cpu", "PJRT_NPROC": str(threads)}  # read by JAX's import
    status = 0
    try:
        answer.send((run(coordinator, i, processes),))
    except Exception as error:
        error.add_note(traceback.format_exc())
        answer.send(error)
        status = 1
    sys.stderr.flush()
    os._exit(status)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]
