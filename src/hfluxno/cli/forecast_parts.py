"""Forecasts of a file, at once or, for many trajectories, part by part.

A part is written as soon as it is finished, so memory holds only one, and a later run reuses it.
"""

import contextlib
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from hfluxno.cli.progress import progress, working
from hfluxno.data.partial import Partial
from hfluxno.data.parts import Parts
from hfluxno.data.replacing import replacing


@runtime_checkable
class Piece(Protocol):
    """The forecasts of some trajectories; `rows` are the reports on each."""

    rows: list[dict]

    def write(self, path: Path) -> None: ...


Made = TypeVar("Made", bound=Piece)


def _written(make: Callable[[slice], Piece], files: Parts, part: slice) -> slice:
    """What a process of a cluster does; the files are on a file system that all of them see."""
    piece = make(part)
    files.write(part, piece.write, piece.rows)
    return part


def _count(parts: Sequence[slice]) -> int:
    return sum(part.stop - part.start for part in parts)


def part_by_part(
    make: Callable[[slice], Made],
    parts: Sequence[slice],
    output: Path,
    task: str,
    *,
    made_by: Callable[[], str],
    what: str,
    drawn: bool,
    attributes: Callable[[list[dict]], dict[str, dict]] = lambda rows: {},
    scheduler: str | None = None,
    workers: int | None = None,
) -> tuple[Made | None, list[dict]]:
    """Makes and writes the forecasts of all parts: the only part, or the first one if it is to be
    `drawn`, and the rows of all.

    - `made_by`: tells what determines several: data, options and version.
    - `what`: what the messages count, `context` or `trajectory`.
    - `attributes`: those of variables in the whole, by name, for these rows.
    - `scheduler`, `workers`: the cluster whose processes make the parts, if there is one.

    The parts of an interrupted run that was made by the same are reused, except the one that is
    drawn.

    Raises `ValueError` or `OSError` as the forecasts and the writing do; the message says what
    remains.
    """
    if len(parts) == 1:  # which needs no folder
        with working(task):
            piece = make(parts[0])
        with replacing(output) as (temporary,):
            piece.write(temporary)
        return piece, piece.rows
    files = Parts(output, _count(parts), made_by())
    left = [part for part in parts if (drawn and part == parts[0]) or not files.is_done(part)]
    shown: list[Made] = []
    rows: list[dict] = []

    def made(part: slice) -> Made:
        piece = make(part)
        if drawn and part == parts[0]:
            shown.append(piece)
        return piece

    def join() -> None:
        rows.extend(row for part in parts for row in files.rows(part))
        files.join(parts, attributes(rows))

    work = functools.partial(_written, make if scheduler else made, files)
    resumed(files.partial, parts, left, work, join, task, what, scheduler, workers)
    return next(iter(shown), None), rows


def resumed(
    partial: Partial,
    parts: Sequence[slice],
    left: Sequence[slice],
    work: Callable[[slice], slice],
    finish: Callable[[], None],
    task: str,
    what: str,
    scheduler: str | None = None,
    workers: int | None = None,
) -> None:
    """Has the parts that are `left` made by `work`, here or by the processes of a cluster, and then
    the output by `finish`.

    Raises `ValueError` or `OSError` as these do; the message says what remains.
    """
    total = _count(parts)
    done = total - _count(left)
    with (
        partial.making(lambda: done, total, what),
        progress(task, total, partial.kept) as advance,
        contextlib.ExitStack() as stack,
    ):
        if done:
            advance(done, computed=False)
        if left and scheduler is not None:
            from hfluxno.datasets import cluster

            client = stack.enter_context(cluster.connected(scheduler, workers))
            ready = cluster.done(client, work, left)
        else:
            ready = map(work, left)
        for part in ready:
            done += part.stop - part.start
            advance(part.stop - part.start)
        finish()
