"""What a conservation law is.

    ∂t u + ∂x f(u) = ∂x(ν(u) ∂x u) + s(u, x, t)

with the state u of d fields, the flux f, the diffusivity ν (diagonal: one number per field) and the
source s, which most laws do not have.
Nothing downstream asks whether a law was written down or inferred from data.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# Nodes and weights of the three-point Gauss rule on [0, 1]: exact to degree five.
GAUSS_NODES = (0.5 - 0.15**0.5, 0.5, 0.5 + 0.15**0.5)
GAUSS_WEIGHTS = (5 / 18, 8 / 18, 5 / 18)


class ConservationLaw(eqx.Module):
    """∂t u + ∂x f(u) = ∂x(ν(u) ∂x u) + s(u, x, t).

    All methods are pointwise: they take states of shape (field, *points) with any trailing axes.
    A law must give its flux; everything else has a default that follows from it.
    """

    fields: eqx.AbstractVar[tuple[str, ...]]

    @abc.abstractmethod
    def flux(self, u: Float[Array, "field *points"]) -> Float[Array, "field *points"]:
        """f(u), the amount of each field that passes a point in unit time."""

    @property
    def odd_fields(self) -> tuple[int, ...]:
        """The fields that change sign when x does (a momentum): what a wall has to know."""
        return ()

    def diffusivity(self, u: Float[Array, "field *points"]) -> Float[Array, "field *points"] | None:
        """ν(u) ≥ 0, or `None` for a law without diffusion."""
        return None

    def source(
        self,
        u: Float[Array, "field *points"],
        x: Float[Array, "axis *points"],
        t: Float[Array, ""],
    ) -> Float[Array, "field *points"] | None:
        """s(u, x, t), what arises of each field in unit time, or `None` for a law without sources.

        `x` holds the coordinates of the points, one row per axis.
        """
        return None

    def jacobian(self, u: Float[Array, "field *points"]) -> Float[Array, "field field *points"]:
        """∂f_i/∂u_j at index (i, j)."""
        return pointwise_jacobian(self.flux, u)

    def roe_matrix(
        self, left: Float[Array, "field *points"], right: Float[Array, "field *points"]
    ) -> Float[Array, "field field *points"]:
        """A(l, r) with A (r - l) = f(r) - f(l), the linearisation of a Riemann problem.

        The default is the Jacobian averaged along the straight path from l to r,
        ∫₀¹ f′(l + θ (r - l)) dθ, which has this property for every flux (Roe, J. Comput. Phys. 43,
        1981, 357-372); three Gauss points make it exact for fluxes up to degree six.
        """
        sampled = self.jacobian(on_the_way(left, right, GAUSS_NODES))
        terms = [weight * sampled[:, :, k] for k, weight in enumerate(GAUSS_WEIGHTS)]
        return sum(terms[1:], start=terms[0])


def on_the_way(
    left: Float[Array, "field *points"],
    right: Float[Array, "field *points"],
    positions: tuple[float, ...],
) -> Float[Array, "field position *points"]:
    """l + θ (r - l) for several θ in [0, 1].

    One array for all of them: a law that is evaluated once is compiled once.
    """
    theta = jnp.asarray(positions, left.dtype).reshape((1, -1) + (1,) * (left.ndim - 1))
    return left[:, None] + theta * (right - left)[:, None]


def pointwise_jacobian(
    flux, u: Float[Array, "field *points"]
) -> Float[Array, "field field *points"]:
    """The Jacobian of a pointwise map, one forward-mode derivative per field."""
    columns = []
    for j in range(u.shape[0]):
        direction = jnp.zeros_like(u).at[j].set(1.0)
        columns.append(jax.jvp(flux, (u,), (direction,))[1])
    return jnp.stack(columns, axis=1)


def coefficient(value) -> Float[Array, ""]:
    """A coefficient of a law as a scalar array of the current default precision."""
    return jnp.asarray(value, dtype=jnp.result_type(float))
