"""`hfluxno reconstruct`: the whole field behind the measurements."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hfluxno.cli.clustered import ClusterConfig
from hfluxno.plural import plural

if TYPE_CHECKING:
    from hfluxno.data.source import Source
    from hfluxno.identify.plane.saved import SavedPlaneLaw
    from hfluxno.identify.saved.law import SavedLaw


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReconstructConfig(ClusterConfig):
    """Estimate the whole field behind the measurements of a file, together with its law, its first
    state and the inflow at open ends.

    INPUT is as for `hfluxno forecast`; missing values are gaps. The output contains the field at
    the times of the measurements with the limits of its 90 % bands, the estimated noise, and the
    law.

    Example: hfluxno reconstruct detectors.csv --boundary open --figure road.png
    """

    context: Annotated[int | None, tyro.conf.arg(metavar="K", aliases=["-k"])] = None
    """Use the first K frames, 4 or more; by default all frames. With --law, 2 are enough."""
    law: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Use this law, found by `hfluxno identify OTHER --save FILE` in other data of the same fields,
    instead of inferring one; the status says whether it explains the measurements."""
    every: Annotated[float | None, tyro.conf.arg(metavar="DT")] = None
    """Write the field at even times so far apart, in the units of the file's time (seconds, if a
    table has dates), from the first measurement to the last, instead of those of the frames."""
    boundary: Annotated[str, tyro.conf.arg(metavar="NAME")] = "open"
    """The boundaries at the ends of x: open (estimated), periodic, outflow, wall or given (see
    --ends); two names with a comma (wall,open) if the left end differs from the right."""
    momentum: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The field of a system whose sign a wall reverses, if it cannot be inferred."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE", aliases=["-o"])] = None
    """Where to write: .nc, .h5 or .zarr; by default INPUT_reconstruction.nc in the current folder.
    An existing file is replaced when the run succeeds."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw a picture, as .png, .pdf or .svg."""
    save: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Save the law as .json, for `hfluxno forecast OTHER --law FILE` and `hfluxno export FILE`."""


def main(config: ReconstructConfig) -> int:
    """Reads, reconstructs, reports and writes. Raises `ValueError` if an option or the input is at
    fault; `OSError` if a file cannot be read or written."""

    from hfluxno.cli import plane, report, runtime
    from hfluxno.cli.files import FIGURES, LAWS, Files
    from hfluxno.cli.progress import working
    from hfluxno.cli.recommended import takes_long
    from hfluxno.cli.streams import say
    from hfluxno.cli.summary import reconstruction_summary
    from hfluxno.coordinates import check_interval
    from hfluxno.data.plane.layouts import opened_plane
    from hfluxno.data.replacing import replacing
    from hfluxno.data.writers import SUFFIXES, check_storable, of_reconstruction, write

    config.check_scheduler()
    if config.law is not None and config.save is not None:
        raise ValueError("--save takes a law that is inferred; with --law there is none.")
    if config.every is not None:
        check_interval(config.every, "--every")
    if plane.is_meant(config):
        with opened_plane(config.input, config.axes):  # which refuses three axes of space
            pass
        raise ValueError(
            f"{config.input} contains two-dimensional frames, and reconstruct is one-dimensional; "
            "hfluxno identify and forecast take frames on a plane with gaps and noise."
        )
    if config.scheduler is not None:
        from hfluxno.cli import clustered
        from hfluxno.datasets.work import Reconstruct

        def work(source: "Source") -> Reconstruct:
            return Reconstruct(config.context, config.momentum, config.every, _law(config, source))

        return clustered.main(
            config,
            "reconstruction",
            "Reconstructing fields",
            work,
            ("figure", "save"),
        )
    output = config.output or Path(f"{config.input.stem}_reconstruction.nc")
    wanted = ((output, SUFFIXES), (config.figure, FIGURES), (config.save, LAWS))
    files = Files(config.input, *wanted, ends=config.ends)
    with runtime.prepared():
        source = config.read()
        check_storable(part.name for part in source.parts)
        law = _law(config, source)
        seen = source.context if law is None else source.beginning
        context = seen(config.context)
        if context.is_batched and len(context.values) == 1:
            context = context.single(0)
        if context.is_batched:
            raise ValueError(
                f"{config.input} has {plural(len(context.values), 'trajectory')}, and a "
                "reconstruction takes one: choose it with --trajectory N, or take all with "
                "--scheduler local."
            )
        report.hint(source)  # which a fault in the input need not follow
        say(*takes_long(context.frames))
        with working(f"Reconstructing {source.variable}"):
            from hfluxno.identify import reconstruct

            found = reconstruct(context, config.momentum, every=config.every, law=law)
        with replacing(output) as (temporary,):
            write(temporary, of_reconstruction(source, found))
        files.written.append(output)
        files.save_law(config.save, found.identification, source)
        files.draw(
            config.figure,
            lambda plots: plots.reconstruction_figure(context.states, found, report.labels(source)),
        )
    return files.finish(reconstruction_summary(source, context, found), config.json)


def _law(config: ReconstructConfig, source: "Source") -> "SavedLaw | SavedPlaneLaw | None":
    """The given law, if there is one, for the fields of the file."""
    from hfluxno.cli.given_law import check_fields

    if config.given_law is not None:
        check_fields(config.given_law, source)
    return config.given_law
