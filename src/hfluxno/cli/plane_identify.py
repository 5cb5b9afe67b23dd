"""`hfluxno identify` of two-dimensional frames: trajectory by trajectory, here or by the processes
of a cluster."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from hfluxno.cli import plane, runtime
from hfluxno.cli.files import FIGURES, LAWS, Files
from hfluxno.cli.progress import progress
from hfluxno.cli.streams import say
from hfluxno.cli.summary import law_result
from hfluxno.data.law_writer import along_trajectory
from hfluxno.data.plane.law_writer import of_plane_law
from hfluxno.data.plane.source import PlaneSource
from hfluxno.data.plane.writer import number_of
from hfluxno.data.writers import write
from hfluxno.identify import identify_plane

if TYPE_CHECKING:
    from hfluxno.cli.identify import IdentifyConfig


def main(config: "IdentifyConfig") -> int:
    """Reads, identifies and reports; with a scheduler also writes the laws. Raises `ValueError` if
    an option or the input is at fault; `OSError` if a file cannot be read or written."""
    momentum = plane.momentum_of(config)
    config.check_scheduler("figure", "save")
    output = config.output or Path(f"{config.input.stem}_laws.zarr")
    wanted = ((config.figure, FIGURES), (config.save, LAWS))
    files = Files(config.input, *(wanted if config.scheduler is None else ((output, (".zarr",)),)))
    with runtime.prepared():
        source = plane.read(config)
        frames = config.context or source.frames
        plane.check_memory(source, frames)
        processed = "The law of a single trajectory is inferred"
        parts, left_out = plane.parts_of(config, source, processed)
        several = len(parts) > 1
        first = source.context(parts[0].start, config.context)
        notes = plane.notes(source, first, momentum, several)
        say(*notes)  # before the minutes of a search
        noted = {parts[0].start: notes}
        make = functools.partial(PlaneLaw, source, momentum, config.context, noted, several)
        task = f"Inferring the law of {source.variable}"
        if config.scheduler is None:
            shown, results = None, []
            with progress(task, len(parts)) as advance:
                for part in parts:
                    piece = make(part)
                    shown = shown or piece
                    results += piece.rows
                    advance(1)
            assert shown is not None
            found = shown.found
            files.save_law(config.save, found, source)
            files.draw(config.figure, lambda plots: plots.plane.terms_figure(found))
        else:
            _, results = plane.one_by_one(config, source, make, parts, output, task)
            files.written.append(output)
    return files.finish(plane.summary(source, frames, results, left_out), config.json)


class PlaneLaw:
    """The law of one trajectory, from its first `frames` frames, by default all; `rows` is the
    report on it.

    - `noted`: the likely mistakes in trajectories in which they were sought before.
    - `among_others`: whether there are further trajectories, so that one may be constant.
    """

    def __init__(
        self,
        source: PlaneSource,
        momentum: tuple[str, str] | None,
        frames: int | None,
        noted: dict[int, list[str]],
        among_others: bool,
        part: slice,
    ):
        self.source, self.member = source, part.start
        context = source.context(part.start, frames)
        self.frames, self.found = context.frames, identify_plane(context, momentum, among_others)
        notes = noted.get(part.start)
        if notes is None:
            notes = plane.notes(source, context, self.found.momentum, among_others)
        self.rows = [law_result(self.found) | {"notes": notes}]

    def write(self, path: Path) -> None:
        law = of_plane_law(self.source, self.found, self.frames)
        write(path, along_trajectory(law, number_of(self.source, self.member)))
