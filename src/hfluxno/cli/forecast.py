"""`hfluxno forecast`: infer the law from a context and continue it."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hfluxno.cli.clustered import ClusterConfig

if TYPE_CHECKING:
    import numpy as np

    from hfluxno.data.source import Source
    from hfluxno.forecaster import Forecast, Forecaster
    from hfluxno.trajectory import Trajectory


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForecastConfig(ClusterConfig):
    """Infer the law from the first frames of a file and continue them.

    INPUT is NetCDF, HDF5, Zarr, NPZ, CSV or Parquet. It contains one variable with the dimensions
    time (or t) and x, and optionally trajectory and field, in any order and any units. NaN, and
    times or places missing from a uniform axis, are gaps, which the method fit accepts, like uneven
    times; sensors at uneven places are assigned to the cells of a grid. Frames after the context
    are used to report the true error of the forecast. `hfluxno check INPUT` says what a file
    contains.

    Frames in two dimensions also have an axis y: in NetCDF, Zarr or NPZ, or in HDF5 as written by
    The Well, PDEBench and PDEGym.

    An array of an NPZ file, or of HDF5 without dimension scales, has the shape (time, x), (time,
    field, x) or (trajectory, time, field, x), beside arrays time (or t), x, fields and trajectory;
    an array called values is preferred. A table has the columns time (or t, timestamp, …) and x (or
    position, km, …), optionally trajectory, and one for each variable.

    The output contains the forecast as the same variable with the same dimensions and units, how
    far to trust it for each trajectory, and the inferred law as tables.

    Example: hfluxno forecast traffic.nc --context 20 --steps 40 --figure traffic.png
    """

    steps: Annotated[int, tyro.conf.arg(metavar="N", aliases=["-n"])]
    """How many frames to forecast, at the spacing of the file (the smallest if times are missing,
    the mean if they are uneven) or at --every."""
    every: Annotated[float | None, tyro.conf.arg(metavar="DT")] = None
    """The time between two frames of the forecast, in the units of the file's time (seconds, if a
    table has dates); for the methods fit and persistence."""
    context: Annotated[int | None, tyro.conf.arg(metavar="K", aliases=["-k"])] = None
    """Infer the law from the first K frames, 4 or more; by default from all frames. With --law, 1
    is enough, of a file with 4 or more (on a plane with 1)."""
    law: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Solve this law, found by `hfluxno identify OTHER --save FILE` in other data of the same
    fields, which are then read, instead of inferring one; the status says whether it explains the
    context."""
    method: Annotated[str, tyro.conf.arg(metavar="NAME")] = "fit"
    """How to forecast: fit (infer the law from the context, then solve it), a trained network (see
    --weights): hfluxno, its variants hfluxno-weak-form and hfluxno-law, or one of the baselines
    dpot, disco, fno, flux-no and icon-context (icon needs examples, which can only be given in
    Python); or persistence (repeat the last frame)."""
    weights: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The network of a trained method: shipped weights (cubic with the method hfluxno-weak-form
    means hfluxno-weak-form-cubic), a folder, or an id owner/name of the Hugging Face hub."""
    refinement: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """How many Levenberg-Marquardt steps, 0 to 3, the law of a network takes on the context; for
    the method hfluxno-law."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE", aliases=["-o"])] = None
    """Where to write: .nc, .h5 or .zarr; by default INPUT_forecast.nc in the current folder. An
    existing file is replaced when the run succeeds."""
    layout: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Write a gas in two dimensions as density, velocity and pressure in the layout of another
    program: pdebench (.hdf5 or .h5) or pdegym (.nc, also of one field); --gamma gives the
    pressure."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw a picture, as .png, .pdf or .svg; for a batch, of the first trajectory."""
    animate: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also animate two-dimensional frames, as .gif, or as .mp4 if ffmpeg is installed."""
    momentum: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The field of a system whose sign a reflecting wall reverses, if it cannot be inferred; in two
    dimensions a pair m_x,m_y."""
    float64: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Write double precision even if the file is in single. (Laws are always inferred and solved in
    double precision; networks compute in single.)"""


def main(config: ForecastConfig) -> int:
    """Reads, forecasts, reports and writes. Raises `ValueError` if an option or the input is at
    fault; `OSError` if a file cannot be read or written."""
    from hfluxno.cli import plane, report, runtime
    from hfluxno.cli.acting import mistakes
    from hfluxno.cli.files import FIGURES, Files
    from hfluxno.cli.forecast_parts import part_by_part
    from hfluxno.cli.progress import working
    from hfluxno.cli.summary import law_summary
    from hfluxno.coordinates import check_interval
    from hfluxno.data.parts import fingerprint, parts_of
    from hfluxno.data.writers import SUFFIXES, check_storable
    from hfluxno.forecaster import check_forecast_memory

    config.check_scheduler()
    if config.steps < 1:
        raise ValueError(f"--steps must be at least 1; got {config.steps}.")
    if config.every is not None:
        check_interval(config.every, "--every")
    if plane.is_meant(config):
        from hfluxno.cli import plane_forecast

        return plane_forecast.main(config)
    if config.animate is not None:
        raise ValueError(
            "--animate draws two-dimensional frames; in one dimension --figure shows all frames at "
            "once."
        )
    if config.layout is not None:
        raise ValueError(
            "--layout is for frames in two dimensions; in one dimension leave it out, and the "
            "output has the variables of the input."
        )
    from hfluxno.identify import FittedLawForecaster
    from hfluxno.methods import forecaster

    config.check_method(config.method)
    asked = config.weights, config.refinement, config.momentum, config.every, config.given_law
    method = forecaster(config.method, *asked)
    if config.scheduler is not None:
        return _in_chunks(config, method)
    output = config.output or Path(f"{config.input.stem}_forecast.nc")
    files = Files(config.input, (output, SUFFIXES), (config.figure, FIGURES), ends=config.ends)
    with runtime.prepared(config.float64):
        source = config.read()
        check_storable(part.name for part in source.parts)
        parts = parts_of(source.trajectories)
        largest = max(len(range(source.trajectories)[part]) for part in parts)
        check_forecast_memory(config.steps, largest * len(source.fields) * len(source.x), "--steps")
        context, method = _context_and_method(source, config, method)
        times = _times(source, context, config, method)
        report.hint(source)
        task = f"{'Solving' if config.law else 'Inferring'} the law of {source.variable}"
        with working(task):
            forecast_some = method.in_parts(context, config.steps)
        shown, results = part_by_part(
            lambda part: Forecasts(source.members(part), forecast_some(part), times, context),
            parts,
            output,
            task,
            made_by=lambda: fingerprint(source, parts, config.deciding()),
            what="context",
            drawn=config.figure is not None,
            attributes=lambda rows: _statuses(source, rows),
        )
        files.written.append(output)
        if isinstance(method, FittedLawForecaster):
            results[0]["notes"] = [*mistakes(context), *results[0].get("notes", ())]
        if shown is not None:
            what = context.states, shown.forecast, shown.truth
            files.draw(
                config.figure, lambda plots: plots.forecast_figure(*what, report.labels(source))
            )
    summary = law_summary(source, context, results)
    return files.finish(summary | {"steps": config.steps, "method": config.method}, config.json)


class Forecasts:
    """The forecasts of some trajectories of a file, and what really happened at their times."""

    def __init__(
        self, source: "Source", forecast: "Forecast", times: "np.ndarray", context: "Trajectory"
    ):
        from hfluxno.cli.summary import forecast_results
        from hfluxno.dead_sensors import without_dead

        self.source, self.forecast, self.frames = source, forecast, context.frames
        self.truth = without_dead(source.values_at(times), source.values)
        self.rows = forecast_results(forecast, self.truth)

    def write(self, path: Path) -> None:
        from hfluxno.data.writers import of_forecast, write

        write(path, of_forecast(self.source, self.forecast, self.frames))


def _statuses(source: "Source", rows: list[dict]) -> dict[str, dict]:
    """The attributes of the status variable; each part may lack some of the meanings."""
    from hfluxno.data.writers import status_attributes, status_meanings

    if "law" in rows[0]:
        return {}
    pairs = [(row["status"], row["status_sentence"]) for row in rows]
    name = "status_" if "status" in {part.name for part in source.parts} else "status"
    return {name: status_attributes(status_meanings(*zip(*pairs, strict=True)))}


def _context_and_method(
    source: "Source", config: ForecastConfig, method: "Forecaster"
) -> "tuple[Trajectory, Forecaster]":
    from hfluxno.cli.given_law import fitted_to
    from hfluxno.identify import GivenLawForecaster

    method = fitted_to(source, config, method)
    if not isinstance(method, GivenLawForecaster):
        return source.context(config.context), method
    return source.beginning(config.context), method


def _times(
    source: "Source", context: "Trajectory", config: ForecastConfig, method: "Forecaster"
) -> "np.ndarray":
    """The times of the forecast, for which given ends must be known."""
    import numpy as np

    from hfluxno.forecaster import forecast_times

    every = getattr(method, "every", None)
    times = source.times[0] + forecast_times(context, config.steps, every)
    enough = int(np.sum(times <= source.ends_reach[1] + 1e-6 * (times[-1] - times[0])))
    fewer = f", or choose --steps {enough} or less" if enough else ""
    source.check_ends(times[-1], "the forecast needs them from", f"give them until then{fewer}")
    return times


def _in_chunks(config: ForecastConfig, method: "Forecaster") -> int:
    from hfluxno.cli import clustered
    from hfluxno.datasets.work import Continue, sendable

    def work(source: "Source") -> Continue:
        context, ready = _context_and_method(source, config, method)
        _times(source, context, config, ready)
        by = sendable(ready, config.method, config.weights, config.refinement)
        return Continue(config.context, config.steps, by, config.float64)

    task = "Solving laws" if config.law else "Inferring laws"
    own = {"steps": config.steps, "method": config.method}
    return clustered.main(config, "forecast", task, work, ("figure",), **own)
