"""Speed of the solver on a plane beside PyClaw, in one run on one machine.

    taskset -c 0 python benchmarks/speed_plane.py [--peer PYTHON]

Both advance the same smooth gas on periodic cells by steps of equal length in float64: `Roe` is the
scheme of PyClaw, here without transverse waves (with its compiled Riemann solver; `PYTHON` has
Clawpack and NumPy). PyClaw is timed before and after hfluxno, so that a changing load affects both.
It uses one core; `taskset` leaves as many to hfluxno.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

STEPS = {64: 200, 256: 20}
GAMMA, TIMES = 1.4, 3


def gas(cells: int) -> np.ndarray:
    """(ρ, m_x, m_y, E) on [0, 1]²."""
    x, y = np.meshgrid(*[2.0 * np.pi * (np.arange(cells) + 0.5) / cells] * 2, indexing="ij")
    rho, p = 1.0 + 0.3 * np.sin(x + y), 1.0 + 0.2 * np.cos(x)
    u, v = 0.3 * np.sin(y), 0.2 * np.cos(x)
    return np.stack([rho, rho * u, rho * v, p / (GAMMA - 1.0) + 0.5 * rho * (u * u + v * v)])


def measured(name: str, cells: int, run) -> None:
    """Prints the cells × steps a second of the fastest of a few runs."""
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        run(gas(cells), 0.1 / cells, STEPS[cells])
        seconds.append(time.perf_counter() - began)
    speed = cells**2 * STEPS[cells] / min(seconds)
    print(f"{name:<28}{cells:>4}²{speed / 1e6:>8.2f} million cells × steps a second", flush=True)


def peer() -> None:
    """Needs only Clawpack and NumPy."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "oracle"))
    from record_pyclaw_plane import run

    options = {"limiter": "MC", "upper": (1.0, 1.0), "parameter": GAMMA}
    sides = [["periodic"] * 2] * 2
    for cells in STEPS:
        measured(
            "PyClaw", cells, lambda q, dt, steps: run("euler", q, dt, steps, bc=sides, **options)
        )


def ours() -> None:
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from hfluxno.fv import MUSCL, Roe, solve
    from hfluxno.grid import Grid
    from hfluxno.laws import Euler

    compiled = eqx.filter_jit(solve)
    with jax.enable_x64(True):
        law = Euler(axes=2, gamma=GAMMA)
        schemes = {
            "Roe, mc": Roe(law, "mc", entropy_fix=False),
            "MUSCL, mc, hllc": MUSCL(law, "mc", "hllc"),
            "MUSCL, mc, rusanov": MUSCL(law, "mc", "rusanov"),
        }
        for cells in STEPS:
            grid = Grid.rectangle((cells, cells))
            for name, scheme in schemes.items():

                def run(q, dt, steps, scheme=scheme, grid=grid):
                    times = np.array([0.0, steps * dt])
                    found = compiled(scheme, jnp.asarray(q), times, grid, substeps=steps)
                    assert int(found.status) == 0

                run(gas(cells), 0.1 / cells, STEPS[cells])  # compiles
                measured(name, cells, run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", help="a Python with Clawpack and NumPy")
    options = parser.parse_args()
    if options.peer == "here":
        peer()
        return
    both = [options.peer, __file__, "--peer", "here"]
    if options.peer:
        subprocess.run(both, check=True)
    ours()
    if options.peer:
        subprocess.run(both, check=True)


if __name__ == "__main__":
    main()
