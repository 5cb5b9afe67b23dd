"""`hfluxno forecast`: infer the law from a context and continue it."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hfluxno.cli.clustered import ClusterConfig
from hfluxno.cli.input import MeasuredConfig

if TYPE_CHECKING:
    import numpy as np

    from hfluxno.data.source import Source
    from hfluxno.forecaster import Forecaster
    from hfluxno.trajectory import Trajectory


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForecastConfig(MeasuredConfig, ClusterConfig):
    """Infer the law from the first frames of a file and continue them.

    INPUT is NetCDF, HDF5, Zarr, NPZ, CSV or Parquet. It holds one variable with the dimensions time
    (or t) and x, and perhaps trajectory and field, in any order, in any units. NaN, and times or
    places that are left out of a uniform axis, are gaps, which the method fit takes, as it takes
    uneven times; sensors at uneven places are put in the cells of a grid. Frames after the context
    are used to report the true error of the forecast. `hfluxno check INPUT` says what a file holds.

    Frames on a plane have an axis y too: in NetCDF, Zarr or NPZ, or in HDF5 as The Well, PDEBench
    and PDEGym write it.

    An array of an NPZ file, or of HDF5 without dimension scales, is (time, x), (time, field, x) or
    (trajectory, time, field, x), beside the arrays time (or t), x, fields and trajectory; one with
    the name values is taken before others. A table has the columns time (or t, timestamp, …) and x
    (or position, km, …), perhaps trajectory, and one for each variable.

    The output holds the forecast as the same variable with the same dimensions and units, how far
    to trust it for each trajectory, and the inferred law as tables.

    Example: hfluxno forecast traffic.nc --context 20 --steps 40 --figure traffic.png
    """

    steps: Annotated[int, tyro.conf.arg(metavar="N", aliases=["-n"])]
    """How many frames to forecast, at the spacing of the file (the smallest one where it leaves out
    times, the mean one where they are uneven) or at --every."""
    every: Annotated[float | None, tyro.conf.arg(metavar="DT")] = None
    """The time between two frames of the forecast, in the units of the file's time (seconds, where
    a table has dates); for the methods fit and persistence."""
    context: Annotated[int | None, tyro.conf.arg(metavar="K", aliases=["-k"])] = None
    """Infer the law from the first K frames, 4 or more; from all frames where it is left out. With
    --law, 1 is enough."""
    law: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Solve this law, which `hfluxno identify OTHER --save FILE` found in other data of the same
    fields, in place of inferring one; the status says whether it explains the context."""
    method: Annotated[str, tyro.conf.arg(metavar="NAME")] = "fit"
    """How to forecast: fit (infer the law from the context, then solve it), a trained network (see
    --weights): hfluxno, its variants hfluxno-weak-form and hfluxno-law, or one of the baselines
    dpot, disco, fno, flux-no and icon-context (icon needs examples, which only Python can give);
    or persistence (repeat the last frame)."""
    weights: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The network of a method that is trained: shipped weights (cubic with the method
    hfluxno-weak-form stands for hfluxno-weak-form-cubic), a folder, or an id owner/name of the
    Hugging Face hub."""
    refinement: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """How many Levenberg-Marquardt steps, 0 to 3, the law of a network takes on the context; for
    the method hfluxno-law."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE", aliases=["-o"])] = None
    """Where to write: .nc, .h5 or .zarr; INPUT_forecast.nc in the present folder where it is left
    out. An older file there is replaced when the run has succeeded."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw a picture, as .png, .pdf or .svg; of a batch, the first trajectory."""
    animate: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw frames on a plane as a moving picture, .gif, or .mp4 where ffmpeg is installed."""
    momentum: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The field of a system that a reflecting wall turns round, where it cannot be inferred; on a
    plane a pair m_x,m_y."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the report as one JSON object, and nothing else."""
    float64: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Write double precision even where the file is in single. (Laws are inferred and solved in it
    in any case, networks compute in single.)"""


def main(config: ForecastConfig) -> int:
    """Reads, forecasts, reports and writes.

    **Raises:**

    - `ValueError`, where an option or the input is at fault.
    - `OSError`, where a file cannot be read or written.
    """
    from hfluxno.cli import forecast_parts, plane, report, runtime
    from hfluxno.cli.summary import law_summary
    from hfluxno.data.parts import fingerprint, parts_of
    from hfluxno.data.replacing import check_writable
    from hfluxno.data.writers import SUFFIXES, check_storable

    if config.steps < 1:
        raise ValueError(f"--steps must be at least 1; got {config.steps}.")
    if config.every is not None and not 0.0 < config.every < float("inf"):
        raise ValueError(f"--every must be a positive time; got {config.every:g}.")
    if plane.is_meant(config):
        from hfluxno.cli import plane_forecast

        return plane_forecast.main(config)
    if config.animate is not None:
        raise ValueError(
            "--animate draws frames on a plane; of a line, --figure shows all frames at once."
        )
    method = _method(config)
    if config.scheduler is not None:
        return _in_chunks(config, method)
    output = config.output or Path(f"{config.input.stem}_forecast.nc")
    check_writable(output, SUFFIXES, config.input)
    if config.figure is not None:
        check_writable(config.figure, report.FIGURE_SUFFIXES, config.input)
    with runtime.prepared(config.float64):
        source = config.read()
        report.hint(source)
        for part in source.parts:
            check_storable(part.name)
        parts = parts_of(source.trajectories)
        largest = max(len(range(source.trajectories)[part]) for part in parts)
        runtime.check_memory(config.steps, largest * len(source.fields) * len(source.x))
        context, method, noise = _fitted_to(source, config, method)
        times = _times(source, context, config, method)
        task = f"{'Solving' if config.law else 'Inferring'} the law of {source.variable}"
        job = forecast_parts.Job(source, context, method, config.steps, times, output)
        shown: forecast_parts.Shown | None
        if len(parts) == 1:
            shown, results = forecast_parts.at_once(job, task)
        else:
            made_by = fingerprint(source, parts, _deciding(config, noise))
            drawn = config.figure is not None
            shown, results = forecast_parts.part_by_part(job, task, parts, made_by, drawn)
        files, fault = [output], ""
        if config.figure is not None and shown is not None:
            from hfluxno.plots import forecast_figure

            labels = report.labels(source)
            fault = report.draw(
                config.figure, lambda: forecast_figure(context, shown.forecast, shown.truth, labels)
            )
            files += [config.figure] if not fault else []
    summary = law_summary(source, context, ()) | {"steps": config.steps, "results": results}
    summary |= {"method": config.method, "files": [str(file) for file in files]}
    report.show(summary, config.json)
    if fault:
        raise OSError(fault)
    return 0


def _method(config: ForecastConfig) -> "Forecaster":
    from hfluxno.methods import forecaster

    return forecaster(
        config.method,
        config.weights,
        config.refinement,
        config.momentum,
        config.every,
        None if config.noise == "auto" else 1.0,  # the number, when the file is read
        config.law,
    )


def _fitted_to(
    source: "Source", config: ForecastConfig, method: "Forecaster"
) -> "tuple[Trajectory, Forecaster, tuple[float, ...] | np.ndarray | None]":
    """The context, the method with what the file says, and the noise if it is known."""
    from hfluxno.cli import law
    from hfluxno.identify import FittedLawForecaster, GivenLawForecaster

    if isinstance(method, GivenLawForecaster):
        law.check_units(method.law, source)
        context, every = source.beginning(config.context), config.every
        if context.frames == 1 and every is None:
            every = float(source.times[1] - source.times[0])
        return context, dataclasses.replace(method, every=every), None
    context = source.context(config.context)
    if config.scheduler is None:
        noise = config.noise_of(source, context.frames)
    else:
        noise = config.one_noise_of(source)
    if isinstance(method, FittedLawForecaster):
        method = FittedLawForecaster(config.momentum, config.every, noise, source.offsets)
    return context, method, noise


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

    clustered.check_options(config, "figure")
    output = config.output or Path(f"{config.input.stem}_forecast.zarr")

    def work(source: "Source") -> Continue:
        context, ready, _ = _fitted_to(source, config, method)
        _times(source, context, config, ready)
        by = sendable(ready, config.method, config.weights, config.refinement)
        return Continue(config.context, config.steps, by, config.float64)

    task = "Solving laws" if config.law else "Inferring laws"
    return clustered.main(config, output, task, work, steps=config.steps, method=config.method)


def _deciding(config: ForecastConfig, noise: "tuple[float, ...] | np.ndarray | None") -> dict:
    """The options that decide what is computed, beside the data, and not where it goes."""
    elsewhere = ("input", "output", "figure", "animate", "json", "scheduler", "workers", "chunk")
    others = (*elsewhere, "ends", "noise", "law")
    options = {k: str(v) for k, v in dataclasses.asdict(config).items() if k not in others}
    law = None if config.law is None else config.law.read_text(encoding="utf-8")
    every = None if noise is None or isinstance(noise, tuple) else noise.tobytes()
    return options | {"noise": noise if every is None else every, "law": law}
