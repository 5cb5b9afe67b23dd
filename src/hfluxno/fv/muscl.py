"""MUSCL: a Riemann solver between linear reconstructions of the cells, second order in space.

Cell i is reconstructed as u_i ± ½ φ(θ_i) (u_{i+1} - u_i), θ_i = (u_i - u_{i-1})/(u_{i+1} - u_i)
(van Leer, J. Comput. Phys. 32, 1979, 101-136).

If one of the two reconstructed states is not admissible, the cell uses its average at both faces,
the first-order scheme. Then the average is the mean of two admissible states, and for CFL numbers
up to ½ the step is a convex combination of first-order steps, which keep density and pressure
positive with Rusanov's flux (the argument of Zhang and Shu, J. Comput. Phys. 229, 2010, 8918-8934).
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from hfluxno.fv.limiters import jump_ratio, limiter
from hfluxno.fv.numerical_flux import (
    Interfaces,
    LawFlux,
    Number,
    Padded,
    diffusive_flux,
    interior,
    largest,
    limiting_speed,
)
from hfluxno.fv.riemann import riemann_solver, speed_bound
from hfluxno.fv.super_step import RKL2, limiting_rate
from hfluxno.laws.base import ConservationLaw


class MUSCL(LawFlux):
    """A Riemann solver between limited linear reconstructions, for a strong-stability-preserving
    Runge-Kutta scheme; with CFL numbers up to ½ it is TVD for scalar laws in one dimension.

    **Attributes:**

    - `law`: the conservation law.
    - `limiter`: the name of the slope limiter; with `none` the slope is the forward difference.
    - `riemann`: the name of the Riemann solver, `rusanov`, `hll` or `hllc`.
    - `least_rate`: if given, diffusion that limits a step is taken in many stages
      (`hfluxno.fv.super_step`), in steps no longer than the CFL number over this rate. The step
      then has no derivatives in reverse mode.
    """

    ghost: ClassVar[int] = 2
    law: ConservationLaw
    limiter: str = eqx.field(static=True, default="mc")
    riemann: str = eqx.field(static=True, default="rusanov")
    least_rate: float | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        limiter(self.limiter)
        riemann_solver(self.riemann)

    @property
    def integrator(self) -> str:
        return "ssprk2" if self.least_rate is None else RKL2

    def __call__(self, padded: Padded, dt: Number, dx: float) -> Interfaces:
        left, right, _ = self._reconstructed(padded)
        convective = riemann_solver(self.riemann)(self.law, left, right)
        convective = self.law.across(left, right, convective)
        return convective + diffusive_flux(self.law, interior(padded, 1), dx)

    def speed(self, padded: Padded, dx: float) -> Number:
        left, right, admissible = self._reconstructed(padded)
        if admissible is None:  # the step does not matter, and cells are cheaper
            cells = interior(padded, 1)
            left, right = cells[..., :-1], cells[..., 1:]
        advective = largest(speed_bound(self.law, left, right))
        if self.least_rate is None:
            return limiting_speed(self.law, advective, padded, dx)
        diffusion = limiting_rate(self.diffusion_rate(padded, dx), self.least_rate)
        return jnp.maximum(advective, dx * diffusion)

    def fallbacks(self, padded: Padded) -> Int[Array, ""]:
        if self.law.admissible(padded) is None:
            return jnp.asarray(0)
        admissible = self._reconstructed(padded)[2]
        assert admissible is not None
        return jnp.sum(~interior(admissible, 1), dtype=jnp.asarray(0).dtype)

    def _reconstructed(
        self, padded: Padded
    ) -> tuple[Interfaces, Interfaces, Bool[Array, "*cells"] | None]:
        """The states on both sides of the interfaces, and the cells in which the linear
        reconstruction is admissible."""
        jumps = _beyond_rounding(padded[..., 1:] - padded[..., :-1])
        if (apart := self.law.apart) is not None:
            # Where the law jumps so do the states, whatever the slopes. Those on a circle go on.
            apart = jnp.concatenate([apart[-2:-1], apart, apart[1:2]])
            jumps = jnp.where(apart.reshape(*(1,) * (jumps.ndim - 1), -1), 0.0, jumps)
        theta = jump_ratio(jumps[..., :-1], jumps[..., 1:])
        half_slope = 0.5 * limiter(self.limiter)(theta) * jumps[..., 1:]
        cells = interior(padded, 1)
        low, high = self.law.admissible(cells - half_slope), self.law.admissible(cells + half_slope)
        admissible = None if low is None or high is None else low & high
        if admissible is not None:
            half_slope = jnp.where(admissible[None], half_slope, 0.0)
        both = (cells + half_slope)[..., :-1], (cells - half_slope)[..., 1:]
        # Otherwise the compiler would reconstruct them anew for each of their uses, which takes
        # up to twice as long.
        left, right = jax.lax.optimization_barrier(both)
        return left, right, admissible


def _beyond_rounding(jumps: Float[Array, "field *jumps"]) -> Float[Array, "field *jumps"]:
    """The same with zero for jumps below the rounding of the largest one. On ground that is empty
    up to rounding such jumps rest, and the limiter's derivatives for them, always the same, would
    grow from step to step without limit."""
    largest_jump = jax.lax.stop_gradient(jnp.max(jnp.abs(jumps), axis=-1, keepdims=True))
    return jnp.where(jnp.abs(jumps) < jnp.finfo(jumps.dtype).eps * largest_jump, 0.0, jumps)
