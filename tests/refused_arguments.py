"""Arguments that cannot be meant, each with a part of the sentence that refuses it.

As a program it prints the sentences: the tests check the types of all arguments before the library
sees them, which no user's process does.
"""

import json

import dask.array
import numpy as np
import pandas as pd
import xarray as xr

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.boundary import Given, Inflow, Wall
from hfluxno.contexts import as_trajectory
from hfluxno.forecaster import check_steps
from hfluxno.observation import Flow, Points, TimeMean
from tests.identify.laws import identification, polynomial

TIMES, X = 0.1 * np.arange(6), (np.arange(8) + 0.5) / 8
VALUES = 1.0 + 0.1 * np.sin(2 * np.pi * (X - TIMES[:, None]))[:, None]
BOTH = np.concatenate([VALUES, VALUES], axis=1)


def one(**options):
    return Trajectory.from_numpy(**{"values": VALUES, "times": TIMES, "x": X} | options)


def between(times, states):
    return one(boundary=(Given(np.asarray(times), np.asarray(states)), "outflow"))


def plane(**options):
    values = np.broadcast_to(VALUES[..., None], (6, 1, 8, 8))
    return Trajectory.from_numpy(values, TIMES, X, y=X, **options)


def law():
    return identification(polynomial(0.5, 1.5, 0.0, 1.0, fields=("u",)))


def lazily(data, **options):
    return hfluxno.identify_dataset(data, **options)


NO_GRID = r"An array does not hold its times and grid: pass times=… and grid=Grid\.interval\("
CONTEXTS = r"A context is a Trajectory, an xarray\.DataArray, an array with times and grid, or a"
BOUNDARIES = (
    "A boundary is one of periodic, outflow, open, wall, reflecting, inflow, given, or an "
    r"object of hfluxno\.boundary, or two of these, for the lower and the upper end; got"
)
DATA = xr.Dataset({"u": (("trajectory", "time", "x"), VALUES[None, :, 0])})
CASES = [
    (lambda: one(units=["s"]), "a mapping from names to units"),
    (lambda: one(units={"x": 3}), "The unit of x is a text; got 3"),
    (lambda: one(units={"z": "m"}), "no 'z' to have a unit; there are time, x, u"),
    (lambda: one(values=BOTH, fields="hu"), "a list, one name per field"),
    (lambda: one(values=BOTH, fields={"a", "b"}), "a list, one name per field"),
    (lambda: one(fields=3), "a list, one name per field"),
    (lambda: one(fields=[""]), "cannot be called ''"),
    (lambda: one(fields=["a\nb"]), "give it a name in one line"),
    (lambda: one(boundary=Wall), r"Wall is a kind of boundary; pass an object, as in Wall\(\)"),
    (lambda: one(times=pd.date_range("2024", periods=6, tz="UTC")), "The times have a time zone"),
    (lambda: one(times=list("abcdef")), "The times must be real numbers"),
    (lambda: Trajectory.from_xarray(VALUES), "A DataArray of xarray is needed, not ndarray"),
    (lambda: Grid.interval(8, boundary="inflow", inflow=[1.0, 2.0]), r"it needs \(field, 2\)"),
    (lambda: Inflow(np.array([np.nan])), "must be finite numbers"),
    (lambda: Given(np.array([1.0, 0.0]), np.ones((1, 2))), "needs increasing times"),
    (lambda: Given(np.zeros(0), np.ones((1, 0))), "increasing times, at least one"),
    (lambda: Given(TIMES, np.full((1, 6), np.nan)), "needs finite states"),
    (lambda: as_trajectory(between([0.0, 1.0], np.ones((2, 2)))), "has 2 fields, the context 1"),
    (lambda: as_trajectory(between([0.2, 1.0], np.ones((1, 2)))), "given from 0.2 to 1, but the"),
    (lambda: as_trajectory(between([0.0, 0.3], np.ones((1, 2)))), "the context goes from 0 to 0.5"),
    (
        lambda: as_trajectory(one(boundary=(Inflow(np.ones(2)), "outflow"))),
        "The state at the lower end of x has 2 fields",
    ),
    (lambda: Points(np.zeros((2, 8))), "need an offset of each cell"),
    (lambda: Points(np.full(8, 0.6)), "from -0.5 to 0.5 cells"),
    (lambda: as_trajectory(one(observation=(Points(np.zeros(5)),))), "offsets of 5 points for 8"),
    (lambda: as_trajectory(one(observation=(Flow(),))), "the last of two fields"),
    (lambda: as_trajectory(one(observation=TimeMean(0.1))), "is a tuple of steps"),
    (lambda: as_trajectory(one(observation=(Flow,))), "is a tuple of steps"),
    (
        lambda: as_trajectory(one(values=BOTH, observation=(TimeMean(0.1), Flow()))),
        "in the order flow, points, mean",
    ),
    (lambda: as_trajectory([one(units={"x": "km"}), one(units={"x": "mi"})]), "fields or units"),
    (
        lambda: hfluxno.identify(one(values=1e-310 * VALUES)),
        "values of u reach 1.1e-310 in size, be",
    ),
    (
        lambda: hfluxno.identify(one(values=1e200 * VALUES)),
        "units in which they lie between 1e-150",
    ),
    (lambda: one().with_deviation(1e-300), "deviation, 1e-150 or more; got 1e-300 where"),
    (lambda: hfluxno.reconstruct(plane()), "field along one space axis is reconstructed; identify"),
    (lambda: hfluxno.reconstruct(one(), every=0), "every must be a positive time; got 0"),
    (lambda: hfluxno.reconstruct(one(), every=0.6), "farther than the measurements reach"),
    (lambda: Grid.interval(24.7), "cells must be a whole number; got 24.7"),
    (lambda: Grid.interval("24"), "cells must be a whole number; got '24'"),
    (lambda: Grid.rectangle(8), "numbers of cells along x and y; got 8"),
    (lambda: lazily(DATA["u"].values), "DataArray of xarray is needed, not ndarray"),
    (lambda: lazily(None), "DataArray of xarray is needed, not NoneType"),
    (lambda: lazily(DATA, variable=3), "A variable is one text, as in 'h,hu'; got 3"),
    (lambda: lazily(DATA, context="10"), "context must be a whole number; got '10'"),
    (lambda: lazily(DATA, context=4.5), "context must be a whole number; got 4.5"),
    (lambda: lazily(DATA, noise="sigma"), "The standard deviations of the noise must be real"),
    (lambda: lazily(DATA, noise={"u": 0.1}), "The standard deviations of the noise must be real"),
    (lambda: Grid.interval(32, "a", "b"), "lower must be a number; got 'a'"),
    (lambda: Grid.interval(32, 0.0, [[1], []]), r"upper must be a number; got \[\[1\], \[\]\]"),
    (lambda: one().with_bounds("a"), "least must be a number; got 'a'"),
    (
        lambda: one(values=[[1.0, 2.0], [3.0]]),
        "values must be an array, and their rows diff",
    ),
    (lambda: one().window(20, 10), "None of the 6 frames, .* is from 20 to before 10; choose"),
    (lambda: one().window(1.5, 3), "start must be a whole number; got 1.5"),
    (
        lambda: one(values=np.stack([VALUES, VALUES])).single(9),
        "There are 2 trajectories, counted from 0; got 9",
    ),
    (
        lambda: one(values=np.stack([VALUES, VALUES])).single(0.5),
        "index of one of 2 trajectories must be a whole number; got 0.5",
    ),
    (lambda: hfluxno.load_law(None), "named by a text or a pathlib.Path, .*; got None"),
    (lambda: hfluxno.load_law(3), "named by a text or a pathlib.Path, .*; got 3"),
    (lambda: law().save(None), "named by a text or a pathlib.Path, .*; got None"),
    (lambda: hfluxno.load_law("/"), "/ is a folder; name a law file"),
    (lambda: hfluxno.forecast(one(), 1, every=np.timedelta64(1, "s")), "must be a positive time"),
    (lambda: check_steps(True), "steps must be a whole number; got True"),
    (lambda: check_steps(np.array([2])), "steps must be a whole number"),
    (lambda: hfluxno.identify(VALUES), f"^{NO_GRID}"),
    (lambda: hfluxno.forecast(VALUES, 3, times=TIMES), f"^{NO_GRID}"),
    (lambda: hfluxno.reconstruct(VALUES), f"^{NO_GRID}"),
    (
        lambda: hfluxno.identify(one(), times=TIMES),
        r"^times, grid and fields belong to an array; this context has its own\.$",
    ),
    (lambda: hfluxno.identify(VALUES.tolist()), f"^{CONTEXTS}"),
    (lambda: hfluxno.identify("traffic.nc"), f"^{CONTEXTS}"),
    (lambda: hfluxno.identify([]), r"^The list of contexts is empty; give one or more\.$"),
    (
        lambda: hfluxno.identify(dask.array.from_array(VALUES), times=TIMES, grid=Grid.interval(8)),
        f"^{CONTEXTS} list of the first two; got Array; of an array that is not in memory, as Dask",
    ),
    (
        lambda: hfluxno.identify(pd.DataFrame(), times=TIMES, grid=Grid.interval(8)),
        f"^{CONTEXTS} list of the first two; got DataFrame; with the columns time, x and density",
    ),
    (lambda: hfluxno.forecast(one(), 2.5), r"^steps must be a whole number; got 2\.5\.$"),
    (lambda: hfluxno.forecast(one(), "3"), r"^steps must be a whole number; got '3'\.$"),
    (lambda: hfluxno.forecast(one(), 0), r"^steps must be at least 1; got 0\.$"),
    (lambda: one(boundary=3), rf"^{BOUNDARIES} 3\.$"),
    (lambda: one(boundary=("wall",)), rf"^{BOUNDARIES} \('wall',\)\.$"),
    (
        lambda: plane(boundary=(("wall",) * 3, "wall")),
        rf"^{BOUNDARIES} \('wall', 'wall', 'wall'\)\.$",
    ),
    (
        lambda: one(x=3),
        r"^The coordinate x has the shape \(\), but the data have 8 entries along it; give one "
        r"number for each of these\.$",
    ),
    (
        lambda: hfluxno.forecast(one(), 3, law={}),
        r"^A law is an identification, what load_law returned, or the name of its file; got dict\.",
    ),
    (lambda: hfluxno.forecast(one(), 3, method=[]), r"^Unknown method \[\]; choose one of fit"),
    (
        lambda: hfluxno.forecast(one(), 3, method="persistence", every="soon"),
        r"every must be a positive time; got 'soon'\.$",
    ),
]


def sentence_of(call) -> str:
    try:
        call()
    except (ValueError, OSError) as error:
        return str(error)
    return "not refused"


if __name__ == "__main__":
    print(json.dumps([sentence_of(call) for call, _ in CASES]))
