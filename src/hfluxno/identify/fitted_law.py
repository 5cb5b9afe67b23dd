"""A conservation law whose flux and diffusivity were identified from data."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.identify.basis import Basis, chebyshev
from hfluxno.laws.base import ConservationLaw


class FittedLaw(ConservationLaw):
    """f_i(u) = Σ_k C_ik φ_k(u), ν_i(u) = max(0, Σ_k D_ik T_k(v_i)).

    Beyond the observed range [lower, upper] of a field nothing is known: there the flux continues
    linearly, f(u) = f(ū) + f′(ū) (u - ū) with the nearest observed state ū, and ν keeps the value
    that it has at ū.

    **Attributes:**

    - `basis`: the functions φ_k.
    - `flux_coefficients`: C, shape (field, function), in units of flux.
    - `diffusion_coefficients`: D, shape (field, term); v_i is u_i scaled to [-1, 1] on its
      observed range. Without terms there is no diffusion.
    - `lower`, `upper`: the observed range of each field.
    """

    fields: tuple[str, ...] = eqx.field(static=True)
    basis: Basis
    flux_coefficients: Float[Array, "field function"]
    diffusion_coefficients: Float[Array, "field term"]
    lower: Float[Array, " field"]
    upper: Float[Array, " field"]
    odd: tuple[int, ...] = eqx.field(static=True, default=())

    @property
    def odd_fields(self) -> tuple[int, ...]:
        return self.odd

    def flux(self, u: Float[Array, "field *points"]) -> Float[Array, "field *points"]:
        law = self._like(u)
        inside = law._nearest_observed(u)
        slope = law.basis.gradient(law.flux_coefficients, inside)
        value = law.basis.expand(law.flux_coefficients, inside)
        beyond = u - inside
        extension = [slope[:, j] * beyond[j][None] for j in range(u.shape[0])]
        return value + sum(extension[1:], start=extension[0])

    def jacobian(self, u: Float[Array, "field *points"]) -> Float[Array, "field field *points"]:
        law = self._like(u)
        return law.basis.gradient(law.flux_coefficients, law._nearest_observed(u))

    def diffusivity(self, u: Float[Array, "field *points"]) -> Float[Array, "field *points"] | None:
        terms = self.diffusion_coefficients.shape[1]
        if terms == 0:
            return None
        law = self._like(u)
        inside = law._nearest_observed(u)
        shape = (-1,) + (1,) * (u.ndim - 1)
        middle, half = 0.5 * (law.lower + law.upper), 0.5 * (law.upper - law.lower)
        v = (inside - middle.reshape(shape)) / half.reshape(shape)
        functions = jnp.stack(chebyshev(v, max(terms - 1, 1))[:terms], axis=1)
        weights = law.diffusion_coefficients.reshape(
            (*law.diffusion_coefficients.shape, *shape[1:])
        )
        return jnp.maximum(jnp.sum(weights * functions, axis=1), 0.0)

    def _nearest_observed(self, u):
        shape = (-1,) + (1,) * (u.ndim - 1)
        return jnp.clip(u, self.lower.reshape(shape), self.upper.reshape(shape))

    def _like(self, u) -> "FittedLaw":
        """The law in the precision of the state: it is fitted in float64 and used in either."""
        if self.lower.dtype == u.dtype:
            return self
        return jax.tree.map(lambda leaf: leaf.astype(u.dtype), self)
