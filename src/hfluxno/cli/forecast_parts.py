"""Forecasts of a file, at once or, for many trajectories, part by part.

A part is written as soon as it is finished, so memory holds only one, and a later run reuses it.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from hfluxno.cli import report
from hfluxno.cli.progress import progress
from hfluxno.data.parts import Parts
from hfluxno.data.replacing import replacing


@runtime_checkable
class Piece(Protocol):
    """The forecasts of some trajectories; `rows` are the reports on each."""

    rows: list[dict]

    def write(self, path: Path) -> None: ...


Made = TypeVar("Made", bound=Piece)


@dataclasses.dataclass(frozen=True)
class _Task:
    """What a process of a cluster does; the files are on a file system that all of them see."""

    make: Callable[[slice], Piece]
    files: Parts

    def __call__(self, part: slice) -> slice:
        piece = self.make(part)
        self.files.write(part, piece.write, piece.rows)
        return part


def at_once(make: Callable[[slice], Made], part: slice, output: Path, task: str) -> Made:
    """Makes and writes the forecasts of the only part."""
    with report.working(task):
        piece = make(part)
    with replacing(output) as (temporary,):
        piece.write(temporary)
    return piece


def part_by_part(
    make: Callable[[slice], Made],
    parts: Sequence[slice],
    output: Path,
    task: str,
    *,
    made_by: str,
    what: str,
    drawn: bool,
    attributes: Callable[[list[dict]], dict[str, dict]] = lambda rows: {},
    scheduler: str | None = None,
    workers: int | None = None,
) -> tuple[Made | None, list[dict]]:
    """The same for several parts: the first of them, if it is to be `drawn`, and the rows of all.

    - `made_by`: what determines them: data, options and version.
    - `what`: what the messages count, `context` or `trajectory`.
    - `attributes`: those of variables in the whole, by name, for these rows.
    - `scheduler`, `workers`: the cluster whose processes make the parts, if there is one.

    The parts of an interrupted run that was made by the same are reused, except the one that is
    drawn.

    Raises `ValueError` or `OSError` as the forecasts and the writing do; the message says what
    remains.
    """
    total = parts[-1].stop - parts[0].start
    files = Parts(output, total, made_by)
    rows = {part.start: there for part in parts if (there := files.rows(part)) is not None}
    if drawn:
        rows.pop(parts[0].start, None)
    left = [part for part in parts if part.start not in rows]
    done = [row for found in rows.values() for row in found]
    shown: Made | None = None
    with (
        files.finished(done, total, what),
        progress(task, total, files.kept) as advance,
        contextlib.ExitStack() as stack,
    ):

        def finish(part: slice, found: list[dict]) -> None:
            rows[part.start] = found
            done.extend(found)
            advance(len(found))

        if done:
            advance(len(done), computed=False)
        if left and scheduler is not None:
            from hfluxno.datasets.cluster import connected
            from hfluxno.datasets.cluster import done as done_by

            client = stack.enter_context(connected(scheduler, workers))
            for part in done_by(client, _Task(make, files), left):
                finish(part, files.rows(part) or [])
        else:
            for part in left:
                piece = make(part)
                if drawn and shown is None:
                    shown = piece
                files.write(part, piece.write, piece.rows)
                finish(part, piece.rows)
        every = [row for part in parts for row in rows[part.start]]
        with replacing(output) as (temporary,):
            files.join(temporary, parts, attributes(every))
    return shown, every
