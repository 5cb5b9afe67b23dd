"""The downloads of the page: data, law, and the lines of Python that do the same."""

import tempfile
from pathlib import Path

import numpy as np

from hfluxno.evaluation.metrics import reported_steps
from hfluxno.explore.inference import Outcome
from hfluxno.explore.problem import Problem
from hfluxno.forecaster import forecast_times

DATA, LAW, LINES = "explored.nc", "law.json", "explored.py"


def data(problem: Problem) -> bytes:
    """The context as measured and the frames after it, as NetCDF."""
    import xarray as xr

    context, known = problem.context, len(problem.after)
    values = np.concatenate([np.asarray(context.values, np.float64), problem.after])
    times = np.concatenate([np.asarray(context.times, float), forecast_times(context, known)])

    def with_units(name: str) -> dict[str, str]:
        return {"units": problem.units[name]} if problem.units.get(name) else {}

    places = {name: context.grid.centers(axis) for axis, name in enumerate(context.space)}
    dataset = xr.Dataset(
        {
            field: (("time", *context.space), values[:, i], with_units(field))
            for i, field in enumerate(context.fields)
        },
        coords={
            name: (name, entries, with_units(name))
            for name, entries in ({"time": times} | places).items()
        },
        attrs={"boundary": _ends(problem), "context_frames": context.frames},
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / DATA
        dataset.to_netcdf(path, engine="h5netcdf")
        return path.read_bytes()


def law(outcome: Outcome) -> bytes:
    """The law as a file that `hfluxno.load_law` reads. Raises `ValueError` if there is no law that
    can be saved."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / LAW
        on_a_plane = outcome.problem.on_a_plane
        known = ("x", "time", *("y" * on_a_plane), *outcome.found.law.fields)
        units = {name: unit for name, unit in outcome.problem.units.items() if name in known}
        outcome.found.save(path, units)
        return path.read_bytes()


def lines(problem: Problem) -> str:
    """The same in Python, from the data; on a plane the cells of a frame count as a row."""
    frames, known = problem.context.frames, len(problem.after)
    steps = [step for step in reported_steps(problem.steps, known) if step <= known]
    what = f"{DATA!r}, {','.join(problem.context.fields)!r}, {_ends(problem)!r}"
    how = f"hfluxno.forecast(context, steps={problem.steps})"
    if problem.by_sensors:
        how = f"hfluxno.reconstruct(context).forecast({problem.steps})"
    if problem.on_a_plane:
        what += "" if problem.context.grid.solid is None else ", walls='nan'"
        package, reader, law = "plane", "read_plane", "*found.formulas, sep='\\n'"
        parts = f"source.context(0, {frames}), source.values(0, {frames}, {frames + known})"
        pair = "known.reshape(cells), after.reshape(cells)"
    else:
        package, reader, law = "readers", "read", "found.candidate"
        parts = f"source.window(0, {frames}), source.window({frames}, {frames + known})"
        pair = "known, after.values"
    text = [
        "import hfluxno",
        f"from hfluxno.data.{package} import {reader}",
        "from hfluxno.evaluation import errors_where_measured",
        "",
        f"source = {reader}({what})",
        f"context, after = {parts}",
        f"forecast = {how}",
        "found = forecast.identifications[0]",
        f"print({law})",
        "print(forecast.sentences[0])",
        f"known = forecast.trajectory.values[:{known}]",
        *["cells = (*after.shape[:2], -1)"] * problem.on_a_plane,
        f"errors = errors_where_measured({pair})",
        f"for step in {steps}:",
        '    print(f"error after {step} steps: {100 * errors[step - 1]:.4g} %")',
        f"found.save({LAW!r})",
    ]
    return "\n".join([*text, ""])


def _ends(problem: Problem) -> str:
    grid = problem.context.grid
    if problem.on_a_plane:
        return "/".join(",".join(grid.ends(axis)) for axis in range(2))
    return ",".join(dict.fromkeys(grid.ends()))
