"""Steps of many stages, for diffusion that crosses many cells within one of them.

A step of s stages of the Runge-Kutta-Legendre scheme of second order,

    Y_j = μ_j Y_{j-1} + ν_j Y_{j-2} + (1 - μ_j - ν_j) u + μ̃_j Δ(Y_{j-1}) + γ̃_j Δ(u),

with Δ(Y) the change of a forward step from Y, is stable up to a diffusion number 2νΔt/Δx², summed
over the axes, of (s² + s - 2)/4: so s stages replace some s²/4 forward steps (Meyer, Balsara and
Aslam, J. Comput. Phys. 257, 2014, 594-626). As each Δ is a difference of fluxes, the step conserves
as they do. If diffusion does not limit the step, its stages are the two of the strong-stability-
preserving scheme.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from hfluxno.fv.numerical_flux import Number

State = TypeVar("State")

# The name of the integrator.
RKL2 = "rkl2"
# The share of the stable diffusion number that is used; the rest is for a diffusivity that grows
# within the step.
_SHARE = 0.75
# With an even number of stages the shortest wave would not be damped at the limit. With more than
# seven, a jump loses its short waves slowly: after a diffusion number of 100, with a share of .6,
# seven leave an error of .0002, nine .001 and fifteen .02.
_COUNTS = (3, 5, 7)
# The diffusion number up to which the two stages of advection do; their CFL number is as large.
_TWO = 0.5


class Stage(NamedTuple):
    """The coefficients of a stage, and the share of the step at which the stage before it is."""

    of_last: Array
    of_before: Array
    of_change: Array
    of_first_change: Array
    elapsed: Array

    def of(self, start, last, before, change, first_change):
        """The newest state."""
        of_start = 1.0 - self.of_last - self.of_before
        known = of_start * start + self.of_last * last + self.of_before * before
        return known + self.of_change * change + self.of_first_change * first_change


def _largest_number(count: int) -> float:
    return _SHARE * (count**2 + count - 2) / 4.0


_NUMBERS = np.array([_TWO, *map(_largest_number, _COUNTS)])
# A diffusion number may be so many times the CFL number.
_LONGER = float(_NUMBERS[-1] / _TWO)


def _legendre(count: int) -> np.ndarray:
    """The stages of the scheme of second order, shape (stage, coefficient)."""
    j = np.arange(count + 1.0)
    b = np.full(count + 1, 1.0 / 3.0)
    b[2:] = (j[2:] ** 2 + j[2:] - 2.0) / (2.0 * j[2:] * (j[2:] + 1.0))
    a, w = 1.0 - b, 4.0 / (count**2 + count - 2.0)
    at = (j**2 + j - 2.0) / (count**2 + count - 2.0)
    at[:2] = 0.0, at[2] / 4.0
    found = [(1.0, 0.0, b[1] * w, 0.0, 0.0)]
    for k in range(2, count + 1):
        mu = (2.0 * k - 1.0) / k * b[k] / b[k - 1]
        nu = -(k - 1.0) / k * b[k] / b[k - 2]
        found.append((mu, nu, mu * w, -a[k - 1] * mu * w, at[k - 1]))
    return np.array(found)


def _table() -> np.ndarray:
    """The stages of every number of them, shape (choice, stage, coefficient)."""
    two = np.array([(1.0, 0.0, 1.0, 0.0, 0.0), (0.5, 0.0, 0.5, 0.0, 1.0)])
    every = [two, *map(_legendre, _COUNTS)]
    return np.stack([np.pad(one, ((0, _COUNTS[-1] - len(one)), (0, 0))) for one in every])


_STAGES = _table()


def limiting_rate(diffusion: Number, least: float) -> Number:
    """The rate by which diffusion limits a step, from 2ν/Δx². What many stages gain does not reduce
    it below `least`, so that steps stay short beside the time between two frames."""
    return jnp.maximum(diffusion / _LONGER, jnp.minimum(diffusion, least))


def stages(diffusion_number: Number) -> tuple[Int[Array, ""], Stage]:
    """How many stages a step of this diffusion number takes, and the coefficients of all, each of
    shape (stage,)."""
    number = jax.lax.stop_gradient(diffusion_number)
    # Steps that are as long as they may be are so up to rounding.
    enough = jnp.asarray(_NUMBERS * (1.0 + 1e-6), number.dtype) >= number
    choice = jnp.where(enough[-1], jnp.argmax(enough), len(_NUMBERS) - 1)
    coefficients = jnp.asarray(_STAGES, number.dtype)[choice]
    return jnp.asarray((2, *_COUNTS))[choice], Stage(*jnp.moveaxis(coefficients, -1, 0))


def super_step(
    change: Callable[[State, Number], State], start: State, diffusion_number: Number
) -> State:
    """The state after a step of this diffusion number. A state may be a tree of arrays, such as one
    with its derivatives: the stages are linear in them.

    - `change`: the change of a state in a forward step, at a share of the step.
    """
    count, each = stages(diffusion_number)

    def advance(j, carry):
        last, before, first = carry
        stage = jax.tree.map(lambda one: one[j], each)
        here = change(last, stage.elapsed)
        first = jax.tree.map(lambda new, old: jnp.where(j == 0, new, old), here, first)
        return jax.tree.map(stage.of, start, last, before, here, first), last, first

    nothing = jax.tree.map(jnp.zeros_like, start)
    return jax.lax.fori_loop(0, count, advance, (start, start, nothing))[0]
