"""`hfluxno identify` of two-dimensional frames."""

from typing import TYPE_CHECKING

from hfluxno.cli import plane, runtime
from hfluxno.cli.files import FIGURES, LAWS, Files
from hfluxno.cli.progress import progress
from hfluxno.cli.streams import say
from hfluxno.cli.summary import law_result

if TYPE_CHECKING:
    from hfluxno.cli.identify import IdentifyConfig


def main(config: "IdentifyConfig") -> int:
    """Reads, identifies and reports. Raises `ValueError` if an option or the input is at fault;
    `OSError` if a file cannot be read or written."""
    if config.scheduler is not None:
        raise ValueError(
            f"{config.input} holds frames on a plane, whose laws are inferred by one process: "
            "leave out --scheduler, which hfluxno forecast takes."
        )
    momentum = plane.momentum_of(config)
    files = Files(config.input, (config.figure, FIGURES), (config.save, LAWS))
    with runtime.prepared():
        source = plane.read(config)
        frames = config.context or source.frames
        plane.check_memory(source, frames)
        members, results, first = plane.measured(config, source), [], None
        left_out = len(plane.members_of(config, source)) - len(members)
        several = len(members) > 1
        seen = source.context(members[0], config.context)
        notes = plane.notes(source, seen, momentum, several)
        say(*notes)  # before the minutes of a search
        with progress(f"Inferring the law of {source.variable}", len(members)) as advance:
            from hfluxno.identify import identify_plane

            for member in members:
                context = source.context(member, config.context)
                found = identify_plane(context, momentum, several)
                if first is None:
                    first = found
                else:
                    notes = plane.notes(source, context, found.momentum, several)
                results.append(law_result(found) | {"notes": notes})
                advance(1)
        assert first is not None
        files.save_law(config.save, first, source)

        def figure():
            from hfluxno.plots.plane import terms_figure

            return terms_figure(first)

        files.draw(config.figure, figure)
    return files.finish(plane.summary(source, frames, results, left_out), config.json)
