"""What the bands of a step's Jacobian save: a run with derivatives by a first state and an end.

    python benchmarks/derivatives.py [--cells N] [--directions N]

Burgers' equation between an inflow that changes in time and a free end, MUSCL, 10 intervals: the
derivatives by the coefficient of the flux and by modes of the first state and of the inflow, with
the derivative of the whole step along each direction, and with its bands (`hfluxno.fv.banded`).
"""

import argparse
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from hfluxno.boundary import Given
from hfluxno.fv import MUSCL, StepControl
from hfluxno.fv.problem import Problem
from hfluxno.fv.sensitivity import solve_with_derivatives
from hfluxno.grid import Grid
from hfluxno.laws import Cubic

_REPEATS, _OF_LAW, _INFLOW = 5, 8, 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=320)
    parser.add_argument("--directions", type=int, default=72)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    found = {}
    for name, banded in (("the whole step", False), ("its bands", True)):
        run = _run(options.cells, options.directions, banded)
        began = time.process_time()
        compiled = jax.jit(run).lower().compile()
        made = time.process_time() - began
        found[name] = jax.block_until_ready(compiled())
        began = time.process_time()
        for _ in range(_REPEATS):
            jax.block_until_ready(compiled())
        each = (time.process_time() - began) / _REPEATS
        print(f"{name}: {each:.3f} s of processor time, {made:.1f} s to compile")
    (_, whole), (_, bands) = (each[:2] for each in found.values())
    away = float(jnp.max(jnp.abs(whole - bands)) / jnp.max(jnp.abs(whole)))
    print(f"largest difference of the derivatives: {away:.1e} of the largest")


def _run(cells: int, directions: int, banded: bool):
    """A function without arguments: states, derivatives, steps."""
    x = (np.arange(cells) + 0.5) / cells
    times = np.linspace(0.0, 1.0, 11)
    later = np.linspace(0.0, 1.0, _INFLOW)
    modes = np.stack([np.cos(np.pi * k * x) / (1.0 + k) for k in range(directions)])

    def problem(z):
        grid = Grid.interval(
            cells, boundary=(Given(later, 1.0 + z[None, 1 : 1 + _INFLOW]), "outflow")
        )
        return Problem(MUSCL(Cubic(a=0.0, b=0.5 + z[0], c=0.0)), grid)

    def first(z):
        return (1.0 + 0.4 * np.sin(2.0 * np.pi * x) + 0.1 * z @ modes)[None]

    def run():
        z, along = jnp.zeros(directions), jnp.eye(directions)
        made, changes = jax.vmap(lambda d: eqx.filter_jvp(problem, (z,), (d,)), out_axes=(None, 0))(
            along
        )
        starts = jax.vmap(lambda d: jax.jvp(first, (z,), (d,))[1])(along)
        if banded:
            of_law = jax.tree.map(lambda change: change[:_OF_LAW], changes.numerical_flux)
            changes = Problem(of_law, changes.grid)
        control, rate = StepControl(0.4, 0.4, False), jnp.asarray(-1.0)
        intervals = jnp.diff(jnp.asarray(times))
        return solve_with_derivatives(
            made, changes, first(z), starts, intervals, control, rate, 10_000
        )

    return run


if __name__ == "__main__":
    main()
