"""Make pedestrians.nc: densities and flows of people in a corridor, from measured trajectories.

Regenerate it with `pip install h5netcdf numpy xarray`, the files uo-180-180-095.txt and
uo-180-180-070.txt of notebooks/demo-data/uni-directional in
https://github.com/PedestrianDynamics/PedPy, and

    python examples/make_pedestrians.py uo-180-180-095.txt uo-180-180-070.txt

People walk through a corridor 8 m long and 1.8 m wide with a narrower exit, of 0.95 and 0.7 m; they
come faster than they can leave. They were filmed from above, 16 frames a second (J. Zhang,
W. Klingsch, A. Schadschneider, A. Seyfried, Transitions in pedestrian fundamental diagrams of
straight corridors and T-junctions, J. Stat. Mech. 2011, P06004). A line of a file is a person, a
frame, and the place x, y, z of the head in cm; the corridor is from y = 400 to y = -400.

Density and flow are Edie's (Discussion of traffic stream measurements and definitions, 1963): of a
cell of length L and width B over an interval T,

    density = (time that all spend in it) / (L B T)     in persons/m2,
    flow = (distance that all walk in it) / (L B T)     in persons/(m s).

They are exact for people who walk straight from frame to frame. A cell of 1 m holds five people
in the jam, where somebody walks 0.7 m in an interval of 2 s: fewer people in a cell are no density,
and a longer interval blurs the front of the jam.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr

FRAME_RATE = 16.0  # 1/s
ENTRANCE = 4.0  # m, the y at which the corridor begins
LENGTH, WIDTH = 8.0, 1.8  # m
CELL = 1.0  # m
INTERVAL = 2.0  # s

LICENCE = """MIT License

Copyright (c) 2022-2025 Forschungszentrum Jülich GmbH, IAS-7
Copyright (c) 2024-2025 Tobias Schrödter

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE."""


def walks(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """The times (s, from the first frame) and the ways from the entrance (m) of each person."""
    person, frame, _, y = np.loadtxt(path, usecols=(0, 1, 2, 3)).T
    times, way = (frame - frame.min()) / FRAME_RATE, ENTRANCE - y / 100.0
    return [(times[person == one], way[person == one]) for one in np.unique(person)]


def crossings(times: np.ndarray, way: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """When somebody is at one of the edges of the cells."""
    before, after = way[:-1, None], way[1:, None]
    step, edge = np.nonzero((before - edges) * (after - edges) < 0.0)
    share = (edges[edge] - way[step]) / (way[step + 1] - way[step])
    return times[step] + share * (times[step + 1] - times[step])


def edie(
    people: list[tuple[np.ndarray, np.ndarray]], instants: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Density and flow of shape (interval, cell) between the instants and the edges."""
    spent = np.zeros((instants.size - 1, edges.size - 1))
    walked = np.zeros_like(spent)
    for times, way in people:
        # Between two of these times a person is in one cell and one interval.
        inside = instants[(instants > times[0]) & (instants < times[-1])]
        cut = np.unique(np.concatenate([times, inside, crossings(times, way, edges)]))
        place = np.interp(cut, times, way)
        middle = (0.5 * (cut[1:] + cut[:-1]), 0.5 * (place[1:] + place[:-1]))
        spent += np.histogram2d(*middle, bins=(instants, edges), weights=np.diff(cut))[0]
        walked += np.histogram2d(*middle, bins=(instants, edges), weights=np.diff(place))[0]
    size = WIDTH * np.outer(np.diff(instants), np.diff(edges))
    return spent / size, walked / size


def dataset(paths: list[Path]) -> xr.Dataset:
    """Densities and flows of one experiment after the other."""
    experiments = [walks(path) for path in paths]
    last = max(times[-1] for people in experiments for times, _ in people)
    instants = INTERVAL * np.arange(np.ceil(last / INTERVAL) + 1.0)
    edges = np.arange(0.0, LENGTH + 0.5 * CELL, CELL)
    found = [edie(people, instants, edges) for people in experiments]
    density, flow = (np.stack(each).astype(np.float32) for each in zip(*found, strict=True))
    axes = ("trajectory", "time", "x")
    return xr.Dataset(
        {
            "density": (axes, density, {"long_name": "density", "units": "persons/m2"}),
            "flow": (axes, flow, {"long_name": "flow", "units": "persons/(m s)"}),
        },
        coords={
            "time": (
                "time",
                0.5 * (instants[1:] + instants[:-1]),
                {"long_name": "time (middle of the interval)", "units": "s"},
            ),
            "x": (
                "x",
                0.5 * (edges[1:] + edges[:-1]),
                {"long_name": "way from the entrance (cell centre)", "units": "m"},
            ),
            "exit": (
                "trajectory",
                [float(path.stem.rpartition("-")[2]) / 100.0 for path in paths],
                {"long_name": "width of the exit", "units": "m"},
            ),
        },
        attrs={
            "title": "People in a corridor with a narrow exit",
            "source": (
                f"trajectories {', '.join(path.name for path in paths)} of PedPy, "
                "https://github.com/PedestrianDynamics/PedPy, notebooks/demo-data/uni-directional"
            ),
            "references": (
                "J. Zhang, W. Klingsch, A. Schadschneider, A. Seyfried, Transitions in "
                "pedestrian fundamental diagrams of straight corridors and T-junctions, "
                "J. Stat. Mech. 2011, P06004"
            ),
            "history": "Edie's densities and flows, made by examples/make_pedestrians.py",
            "license": LICENCE,
        },
    )


def main() -> None:
    paths = [Path(argument) for argument in sys.argv[1:]]
    target = Path(__file__).with_name("pedestrians.nc")
    if paths and paths[-1].suffix == ".nc":
        target = paths.pop()
    if not paths:
        sys.exit("Give the files with the trajectories: make_pedestrians.py FILE.txt …")
    packed = {"zlib": True, "complevel": 9, "shuffle": True, "_FillValue": None}
    bare = {"_FillValue": None}
    encoding = {"density": packed, "flow": packed, "time": bare, "x": bare, "exit": bare}
    dataset(paths).to_netcdf(target, engine="h5netcdf", encoding=encoding)


if __name__ == "__main__":
    main()
