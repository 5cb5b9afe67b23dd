"""`hfluxno identify`: infer only the law."""

import contextlib
import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from hfluxno.cli.clustered import ClusterConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class IdentifyConfig(ClusterConfig):
    """Infer the law from the first frames of a file, and report it.

    INPUT is as for `hfluxno forecast`: NetCDF, HDF5, Zarr, NPZ, CSV or Parquet with one variable
    with the dimensions time (or t) and x, and optionally trajectory and field; in two dimensions
    also y, or HDF5 as written by The Well, PDEBench and PDEGym.

    Example: hfluxno identify traffic.nc --context 20 --csv law.csv --figure law.png
    """

    context: Annotated[int | None, tyro.conf.arg(metavar="K", aliases=["-k"])] = None
    """Infer the law from the first K frames, 4 or more; by default from all frames."""
    momentum: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The field of a system whose sign a reflecting wall reverses, if it cannot be inferred; in two
    dimensions a pair m_x,m_y."""
    csv: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the flux, its derivative and the diffusivity over the observed range as .csv."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Draw them as .png, .pdf or .svg; for a batch, those of the first trajectory."""
    save: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Save the law as .json, for `hfluxno forecast OTHER --law FILE` and `hfluxno export FILE`; for
    a batch, that of the first trajectory."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE", aliases=["-o"])] = None
    """With --scheduler, where to write the laws of all trajectories: .zarr; by default
    INPUT_laws.zarr in the current folder."""


def main(config: IdentifyConfig) -> int:
    """Reads, identifies, reports and writes. Raises `ValueError` if an option or the input is at
    fault; `OSError` if a file cannot be read or written."""
    from hfluxno.cli import plane, report, runtime
    from hfluxno.cli.acting import mistakes
    from hfluxno.cli.files import FIGURES, LAWS, Files
    from hfluxno.cli.progress import progress
    from hfluxno.cli.summary import law_summary, read_result
    from hfluxno.data.law_table import tabulate, write_csv
    from hfluxno.data.parts import parts_of
    from hfluxno.data.replacing import replacing

    config.check_scheduler()
    if config.output is not None and config.scheduler is None:
        raise ValueError("--output belongs to --scheduler; choose --csv or --save.")
    if plane.is_meant(config):
        from hfluxno.cli import plane_identify

        return plane_identify.main(config)
    if config.scheduler is not None:
        from hfluxno.cli import clustered
        from hfluxno.datasets.work import Identify

        work = Identify(config.context, config.momentum)
        return clustered.main(
            config, "laws", "Inferring laws", lambda source: work, ("csv", "figure", "save")
        )
    wanted = ((config.csv, (".csv",)), (config.figure, FIGURES), (config.save, LAWS))
    files = Files(config.input, *wanted, ends=config.ends)
    with runtime.prepared():
        source = config.read()
        context = source.context(config.context)
        report.hint(source)
        parts, results, first = parts_of(source.trajectories), [], None
        task = f"Inferring the law of {source.variable}"
        with contextlib.ExitStack() as stack:
            tables = stack.enter_context(replacing(config.csv))[0] if config.csv else None
            advance = stack.enter_context(progress(task, source.trajectories))
            # Imported only now, so that a fault in the input is reported at once.
            from hfluxno.identify import identifier

            identify_some = identifier(context, config.momentum)
            for members in parts:
                found = identify_some(members)
                first = first or found[0]
                if tables is not None:
                    write_csv(tables, [tabulate(each) for each in found], members.start)
                results += [read_result(each) for each in found]
                advance(len(found))
        assert first is not None
        results[0]["notes"] = mistakes(context)
        files.written += [config.csv] if config.csv else []
        files.save_law(config.save, first, source)
        files.draw(
            config.figure,
            lambda plots: plots.law_figure(first, context.states, report.labels(source)),
        )
    return files.finish(law_summary(source, context, results), config.json)
