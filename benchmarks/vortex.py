"""Errors and orders of the schemes on a plane: an isentropic vortex in a uniform stream.

The vortex is that of Shu (Lecture Notes in Mathematics 1697, 1998, section 5.1) with strength 5, on
[-5, 5]², periodic, in a stream (1, 1); the error, in float64, is the mean of |ρ - ρ exact| over the
cells at t = 2. At the periodic edge exp(-r²/2) is below 4e-6.

    python benchmarks/vortex.py [cells ...]
"""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from hfluxno.fv import MUSCL, NumericalFlux, Roe, Rusanov, solve
from hfluxno.grid import Grid
from hfluxno.laws import Euler

TIME = 2.0


def vortex(law: Euler, cells: int, time: float) -> np.ndarray:
    """Cell averages (field, x, y), from sixteen points in each cell."""
    fine = Grid.interval(4 * cells, -5.0, 5.0).centers()
    x, y = np.meshgrid(*[(fine - time + 5.0) % 10.0 - 5.0] * 2, indexing="ij")
    bump = 5.0 / (2.0 * np.pi) * np.exp(0.5 * (1.0 - x**2 - y**2))
    density = (1.0 - 0.4 / 2.8 * bump**2) ** 2.5
    velocity = np.stack([1.0 - bump * y, 1.0 + bump * x])
    points = law.conserved(jnp.asarray(density), jnp.asarray(velocity), jnp.asarray(density**1.4))
    return np.asarray(points).reshape(4, cells, 4, cells, 4).mean(axis=(2, 4))


def error(scheme: NumericalFlux, law: Euler, cells: int) -> float:
    grid = Grid.rectangle((cells, cells), (-5.0, -5.0), (5.0, 5.0))
    initial = jnp.asarray(vortex(law, cells, 0.0))
    run = eqx.filter_jit(solve)(scheme, initial, np.array([0.0, TIME]), grid)
    return float(np.mean(np.abs(run.values[-1] - vortex(law, cells, TIME))[0]))


def main() -> None:
    sizes = [int(cells) for cells in sys.argv[1:]] or [32, 64, 128]
    with jax.enable_x64(True):
        law = Euler(axes=2)
        schemes: dict[str, NumericalFlux] = {
            "Rusanov": Rusanov(law),
            "MUSCL, van-leer, rusanov": MUSCL(law, "van-leer"),
            "MUSCL, mc, hllc": MUSCL(law, "mc", "hllc"),
            "Roe, mc": Roe(law),
        }
        columns = [f"{cells}²" for cells in sizes]
        print("| scheme |", " | ".join(columns), "| order between the last two |")
        print("|---|" + "---|" * (len(sizes) + 1))
        for name, scheme in schemes.items():
            errors = [error(scheme, law, cells) for cells in sizes]
            order = np.log2(errors[-2] / errors[-1]) / np.log2(sizes[-1] / sizes[-2])
            print(f"| {name} |", " | ".join(f"{e:.2e}" for e in errors), f"| {order:.2f} |")


if __name__ == "__main__":
    main()
