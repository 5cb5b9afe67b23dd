"""Make traffic.nc: cars on a ring road, computed by PyClaw with its own traffic solver.

Regenerate it with

    pip install clawpack h5netcdf xarray numpy
    python examples/make_traffic.py [traffic.nc]

(pip builds Clawpack from source, which needs a Fortran compiler such as gfortran).

The law is that of Lighthill, Whitham and Richards with Greenshields' speed,

    rho_t + (rho v(rho))_x = 0,    v(rho) = V (1 - rho / R),

with V = 100 km/h on the empty road and R = 140 vehicles/km bumper to bumper. PyClaw's solver
works on q = rho / R, whose law is q_t + (V q (1 - q))_x = 0; x in km and t in h need no scaling.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

# PyClaw opens a log file in the current directory when it is imported.
with (
    tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch,
    contextlib.chdir(scratch),
):
    from clawpack import pyclaw, riemann  # pyright: ignore[reportMissingImports]

FREE_SPEED = 100.0  # km/h
JAM_DENSITY = 140.0  # vehicles/km
LENGTH = 10.0  # km
CELLS = 200
FRAMES = 61
INTERVAL = 6.0 / 3600.0  # h


def bump(x: np.ndarray, centre: float, width: float) -> np.ndarray:
    """A smooth periodic bump of height 1."""
    return np.exp((np.cos(2.0 * np.pi * (x - centre) / LENGTH) - 1.0) * (LENGTH / width) ** 2)


def initial_density(x: np.ndarray) -> np.ndarray:
    """Free traffic with a dense jam, and a lighter platoon that will run into its tail."""
    return 25.0 + 90.0 * bump(x, centre=6.5, width=5.0) + 35.0 * bump(x, centre=3.2, width=3.0)


def solve() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times (h), cell centres (km) and densities (vehicles/km) of shape (time, x)."""
    solver = pyclaw.ClawSolver1D(riemann.traffic_1D)
    solver.limiters = pyclaw.limiters.tvd.MC
    solver.all_bcs = pyclaw.BC.periodic

    domain = pyclaw.Domain(pyclaw.Dimension(0.0, LENGTH, CELLS, name="x"))
    state = pyclaw.State(domain, solver.num_eqn)
    state.problem_data["efix"] = True
    state.problem_data["umax"] = FREE_SPEED
    x = domain.grid.x.centers
    state.q[0] = initial_density(x) / JAM_DENSITY

    claw = pyclaw.Controller()
    claw.verbosity = 0
    claw.solver = solver
    claw.solution = pyclaw.Solution(state, domain)
    claw.output_style = 1
    claw.num_output_times = FRAMES - 1
    claw.tfinal = INTERVAL * (FRAMES - 1)
    claw.output_format = None
    claw.keep_copy = True
    claw.run()
    times = np.array([frame.t for frame in claw.frames])
    return times, x, JAM_DENSITY * np.stack([frame.q[0] for frame in claw.frames])


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("traffic.nc")
    times, x, density = solve()
    dataset = xr.Dataset(
        {
            "density": (
                ("time", "x"),
                density.astype(np.float32),
                {"long_name": "density of vehicles", "units": "vehicles/km"},
            )
        },
        coords={
            # "h", because xarray would read "hours" as a type of time difference.
            "time": ("time", times, {"long_name": "time", "units": "h"}),
            "x": ("x", x, {"long_name": "position along the road (cell centre)", "units": "km"}),
        },
        attrs={
            "title": "Traffic on a ring road of 10 km",
            "source": (
                f"PyClaw {version('clawpack')}: ClawSolver1D with the Riemann solver traffic_1D, "
                "entropy fix, MC limiter, CFL number 0.9"
            ),
            "history": "made by examples/make_traffic.py",
            "comment": (
                "rho_t + (rho v)_x = 0 with v = 100 km/h (1 - rho / (140 vehicles/km)); periodic"
            ),
        },
    )
    packed = {"zlib": True, "complevel": 9, "shuffle": True, "_FillValue": None}
    bare = {"_FillValue": None}
    encoding = {"density": packed, "time": bare, "x": bare}
    dataset.to_netcdf(target, engine="h5netcdf", encoding=encoding)


if __name__ == "__main__":
    main()
