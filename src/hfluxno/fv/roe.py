"""Wave propagation with Roe's linearisation, in flux form.

The jump at an interface is split into waves along the eigenvectors of the Roe matrix A:
r - l = Σ W_p with speeds s_p, and the jump of the flux into f-waves, f(r) - f(l) = Σ Z_p. Then

    F = f(l) + Σ_{s_p < 0} Z_p + ½ Σ_p |s_p| (1 - |s_p| Δt/Δx) φ(θ_p) W_p,
    θ_p = W_p^upwind · W_p / W_p · W_p

(LeVeque, J. Comput. Phys. 131, 1997, 327-353; f-waves: Bale, LeVeque, Mitran and Rossmanith, SIAM
J. Sci. Comput. 24, 2002, 955-978). The f-waves make the scheme conservative for any matrix.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from hfluxno.fv import eigen
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
from hfluxno.laws.base import GAUSS_NODES, ConservationLaw, on_the_way

# How far, relative to its largest size, a speed may turn back before a wave counts as compound: two
# cells of a smooth state next to an inflection of the flux must not.
_NO_TURN = 0.03


class Roe(LawFlux):
    """Clawpack's classic second-order scheme.

    Equal to PyClaw's `ClawSolver1D` for a Riemann solver with the same Roe matrix, and in two
    dimensions to its unsplit scheme without transverse waves.

    **Attributes:**

    - `law`: the conservation law.
    - `limiter`: the name of the wave limiter.
    - `entropy_fix`: whether waves whose speed passes zero upwards between the two states (transonic
      rarefactions) get the dissipation of the local Lax-Friedrichs flux, ½ max|λ_p| W_p, after the
      "Roe with entropy fix" of Shu and Osher (J. Comput. Phys. 83, 1989, 32-78). If the speed of a
      scalar law keeps its sign or passes zero downwards, upwinding by the Roe speed is already
      Godunov's flux, so the fix needs no convexity. Without it a transonic rarefaction can remain
      an expansion shock.
    - `plain_compounds`: whether, with the entropy fix and one field, a wave gets no second-order
      part if its speed both rises and falls between the two states, each by more than 3 % of the
      largest. Such a wave is compound, a shock next to a rarefaction; sharpened into one shock it
      can move at a speed that violates Oleinik's condition on any grid (first order where the flux
      is not convex: Qiu and Shu, SIAM J. Sci. Comput. 31, 2008, 584-607). It pays if such waves are
      resolved; on coarse cells sharpening gains more than it costs.
    """

    ghost: ClassVar[int] = 2
    integrator: ClassVar[str] = "euler"
    law: ConservationLaw
    limiter: str = eqx.field(static=True, default="mc")
    entropy_fix: bool = eqx.field(static=True, default=True)
    plain_compounds: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        limiter(self.limiter)
        if self.plain_compounds and not (self.entropy_fix and len(self.law.fields) == 1):
            raise ValueError("plain_compounds needs the entropy fix and a law of one field.")

    def __call__(self, padded: Padded, dt: Number, dx: float) -> Interfaces:
        left, right = padded[..., :-1], padded[..., 1:]
        speeds, split = self._waves(left, right)
        jumps = split(right - left)
        cell_flux = self.law.flux(padded)
        flux_jumps = split(cell_flux[..., 1:] - cell_flux[..., :-1])
        negative = speeds[:, None] < 0.0
        fluctuation = jnp.where(negative, flux_jumps, 0.0)
        plain = None
        if self.entropy_fix:
            bound, transonic, compound = self._along(left, right)
            plain = compound if self.plain_compounds else None
            lax_friedrichs = 0.5 * (flux_jumps - bound[:, None] * jumps)
            fluctuation = jnp.where(transonic[:, None], lax_friedrichs, fluctuation)
        upwind_flux = interior(cell_flux[..., :-1] + _total(fluctuation), 1)
        correction = self._correction(jumps, speeds, plain, dt / dx)
        return upwind_flux + correction + diffusive_flux(self.law, interior(padded, 1), dx)

    def speed(self, padded: Padded, dx: float) -> Number:
        # The same matrices as in `__call__`, so that the compiler merges them.
        outer_left, outer_right = padded[..., :-1], padded[..., 1:]
        declared = self.law.waves(outer_left, outer_right)
        if declared is None:
            speeds = eigen.speeds(self.law.roe_matrix(outer_left, outer_right))
        else:
            speeds = declared[0]
        fastest = largest(jnp.abs(interior(speeds, 1)))
        inner = interior(padded, 1)
        left, right = inner[..., :-1], inner[..., 1:]
        if self.entropy_fix:
            bound, transonic, _ = self._along(left, right)
            fastest = jnp.maximum(fastest, largest(jnp.where(transonic, bound, 0.0)))
        return limiting_speed(self.law, fastest, padded, dx)

    def _waves(self, left, right):
        declared = self.law.waves(left, right)
        return eigen.waves(self.law.roe_matrix(left, right)) if declared is None else declared

    def _correction(self, jumps, speeds, plain, ratio):
        """The limited second-order part of the flux, none for waves that are `plain`."""
        products = _total((jumps[..., 1:] * jumps[..., :-1]).swapaxes(0, 1))
        local = jumps[..., 1:-1]
        speeds = speeds[..., 1:-1]
        upwind = jnp.where(speeds > 0.0, products[..., :-1], products[..., 1:])
        theta = jump_ratio(upwind, _total((local * local).swapaxes(0, 1)))
        size = jnp.abs(speeds)
        weight = 0.5 * size * (1.0 - size * ratio) * limiter(self.limiter)(theta)
        if plain is not None:
            weight = jnp.where(plain[..., 1:-1], 0.0, weight)
        return _total(weight[:, None] * local)

    def _along(self, left, right):
        """How λ_p goes from l to r: max |λ_p|, whether it passes zero upwards, and whether it both
        rises and falls."""
        states = on_the_way(left, right, (0.0, *GAUSS_NODES, 1.0))
        declared = self.law.waves(states, states)
        samples = eigen.speeds(self.law.jacobian(states)) if declared is None else declared[0]
        bound, lowest = jnp.abs(samples[:, 0]), samples[:, 0]
        highest, rise, fall = lowest, jnp.zeros_like(lowest), jnp.zeros_like(lowest)
        transonic = jnp.zeros(bound.shape, bool)
        for sample in jnp.moveaxis(samples[:, 1:], 1, 0):
            transonic = transonic | ((lowest < 0.0) & (sample > 0.0))
            lowest, highest = jnp.minimum(lowest, sample), jnp.maximum(highest, sample)
            rise, fall = jnp.maximum(rise, sample - lowest), jnp.maximum(fall, highest - sample)
            bound = jnp.maximum(bound, jnp.abs(sample))
        return bound, transonic, jnp.minimum(rise, fall) > _NO_TURN * bound


def _total(parts):
    return sum(parts[1:], start=parts[0])
