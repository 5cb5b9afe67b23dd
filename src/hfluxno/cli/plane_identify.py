"""`hfluxno identify` of two-dimensional frames."""

from typing import TYPE_CHECKING

from hfluxno.cli import law, plane, report, runtime
from hfluxno.cli.progress import progress
from hfluxno.data.replacing import check_writable

if TYPE_CHECKING:
    from hfluxno.cli.identify import IdentifyConfig


def main(config: "IdentifyConfig") -> int:
    """Reads, identifies and reports.

    **Raises:**

    - `ValueError`, if an option or the input is at fault.
    - `OSError`, if a file cannot be read or written.
    """
    if config.scheduler is not None:
        raise ValueError(
            f"{config.input} holds frames on a plane, whose laws are inferred by one process: "
            "leave out --scheduler, which hfluxno forecast takes."
        )
    momentum = plane.momentum_of(config)
    if config.figure is not None:
        check_writable(config.figure, report.FIGURE_SUFFIXES, config.input)
    if config.save is not None:
        check_writable(config.save, law.SUFFIXES, config.input)
    with runtime.prepared():
        source = plane.read(config)
        frames = config.context or source.frames
        plane.check_memory(source, frames)
        members, results, first = plane.members_of(config, source), [], None
        with progress(f"Inferring the law of {source.variable}", len(members)) as advance:
            from hfluxno.identify import identify_plane

            for member in members:
                found = identify_plane(source.context(member, config.context), momentum)
                first = first or found
                results.append(plane.law_result(found) | {"notes": plane.notes(source, found)})
                advance(1)
        assert first is not None
        files, fault = [], ""
        if config.save is not None:
            fault = law.save(config.save, first, source)
            files += [] if fault else [str(config.save)]
        if config.figure is not None:
            from hfluxno.plots.plane import terms_figure

            missing = report.draw(config.figure, lambda: terms_figure(first))
            files += [] if missing else [str(config.figure)]
            fault = " ".join(filter(None, (fault, missing)))
    report.show(plane.summary(source, frames, results) | {"files": files}, config.json)
    if fault:
        raise OSError(fault)
    return 0
