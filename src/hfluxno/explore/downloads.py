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
    """The same in Python, from the data."""
    known = len(problem.after)
    steps = [step for step in reported_steps(problem.steps, known) if step <= known]
    reader, inference = _on_a_plane(problem) if problem.on_a_plane else _on_a_line(problem)
    return "\n".join(
        [
            "import hfluxno",
            reader,
            "from hfluxno.evaluation import errors_where_measured",
            "",
            *inference,
            f"for step in {steps}:",
            '    print(f"error after {step} steps: {100 * errors[step - 1]:.4g} %")',
            f"found.save({LAW!r})",
            "",
        ]
    )


def _on_a_line(problem: Problem) -> tuple[str, list[str]]:
    """The import of the reader, and the lines from the data to the errors."""
    frames, known = problem.context.frames, len(problem.after)
    if problem.by_sensors:
        how = f"hfluxno.reconstruct(context).forecast({problem.steps})"
    else:
        how = f"hfluxno.forecast(context, steps={problem.steps})"
    return "from hfluxno.data.readers import read", [
        f"source = read({DATA!r}, {','.join(problem.context.fields)!r}, {_ends(problem)!r})",
        f"context, after = source.window(0, {frames}), source.window({frames}, {frames + known})",
        f"forecast = {how}",
        "found = forecast.identifications[0]",
        "print(found.candidate)",
        "print(forecast.sentences[0])",
        f"known = forecast.trajectory.values[:{known}]",
        "errors = errors_where_measured(known, after.values)",
    ]


def _on_a_plane(problem: Problem) -> tuple[str, list[str]]:
    """As `_on_a_line`; the cells of a frame count as a row."""
    frames, known = problem.context.frames, len(problem.after)
    fields = ",".join(problem.context.fields)
    walls = "" if problem.context.grid.solid is None else ", walls='nan'"
    return "from hfluxno.data.plane import read_plane", [
        f"source = read_plane({DATA!r}, {fields!r}, {_ends(problem)!r}{walls})",
        f"context, after = source.context(0, {frames}), source.values(0, {frames}, "
        f"{frames + known})",
        f"forecast = hfluxno.forecast(context, steps={problem.steps})",
        "found = forecast.identifications[0]",
        "print(*found.formulas, sep='\\n')",
        "print(forecast.sentences[0])",
        f"known = forecast.trajectory.values[:{known}]",
        "cells = (*after.shape[:2], -1)",
        "errors = errors_where_measured(known.reshape(cells), after.reshape(cells))",
    ]


def _ends(problem: Problem) -> str:
    grid = problem.context.grid
    if problem.on_a_plane:
        return "/".join(",".join(grid.ends(axis)) for axis in range(2))
    return ",".join(dict.fromkeys(grid.ends()))
