"""What a conservation law is.

    ∂t u + Σ_a ∂_a f_a(u) = Σ_a ∂_a(ν(u) ∂_a u) + s(u, x, t)

with the state u of d fields, a flux f_a for each space axis a, the diffusivity ν (diagonal: one
number per field) and the source s, which most laws do not have.
Nothing downstream asks whether a law was written down or inferred from data.
"""

import abc
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

# Arguments and results of pointwise methods; `*points` are any trailing axes.
State = Float[Array, "field *points"]
Matrix = Float[Array, "field field *points"]
Speed = Float[Array, "*points"]
Places = Float[Array, "axis *points"]
Time = Float[Array, ""] | float
Admissible = Bool[Array, "*points"]
# Speeds in ascending order, and a function that splits a vector (field, *points) into its parts
# (wave, field, *points) along the eigenvectors.
Waves = tuple[Float[Array, "wave *points"], Callable[[State], Float[Array, "wave field *points"]]]
# A speed, and the states to its left and right.
Contact = tuple[Speed, State, State]

# Nodes and weights of the three-point Gauss rule on [0, 1]: exact to degree five.
GAUSS_NODES = (0.5 - 0.15**0.5, 0.5, 0.5 + 0.15**0.5)
GAUSS_WEIGHTS = (5 / 18, 8 / 18, 5 / 18)


class ConservationLaw(eqx.Module):
    """∂t u + ∂x f(u) = ∂x(ν(u) ∂x u) + s(u, x, t), a law with one space axis.

    All methods are pointwise: they take states of shape (field, *points) with any trailing axes, as
    JAX arrays (those of a fitted law also take numbers, lists and NumPy arrays, and keep their
    precision). A law must define its flux; everything else has a default that follows from it.

    A law with several axes is a [`SpaceLaw`][hfluxno.laws.space.SpaceLaw], and its `along(a)` is
    the law with one axis that it becomes if nothing changes along the others. Schemes see only
    that.
    """

    fields: eqx.AbstractVar[tuple[str, ...]]

    def __check_init__(self):
        names = self.fields
        if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
            raise ValueError(
                f"The fields of a law are a tuple of names, which comes before the coefficients; "
                f"got {names!r}. Give coefficients by their names, as in LWR(v=100.0)."
            )

    def __getstate__(self) -> dict[str, Any]:
        # Pickle brings JAX's arrays back in the working precision, NumPy's as they are.
        exact = jax.tree.map(lambda a: np.asarray(a) if isinstance(a, jax.Array) else a, self)
        return dict(vars(exact))

    @abc.abstractmethod
    def flux(self, u: State) -> State:
        """f(u), the amount of each field that passes a point per unit time."""

    @property
    def axes(self) -> int:
        """The number of space axes."""
        return 1

    def along(self, axis: int) -> "ConservationLaw":
        """∂t u + ∂_a f_a(u) = ∂_a(ν(u) ∂_a u), the law of plane waves along one axis."""
        if not 0 <= axis < self.axes:
            raise ValueError(f"A law with {self.axes} axes has no axis {axis}.")
        return self

    @property
    def vectors(self) -> tuple[tuple[int, ...], ...]:
        """The vectors among the fields (a momentum): for each the indices of its components, one
        per axis. Walls, reflections and rotations follow from them."""
        return ()

    @property
    def negated_fields(self) -> tuple[int, ...]:
        """The fields that change sign when x is reflected: what a wall negates."""
        return tuple(vector[0] for vector in self.vectors)

    @property
    def rowwise(self) -> bool:
        """Whether the law is the same in all rows of cells along its axis."""
        return True

    def diffusivity(self, u: State) -> State | None:
        """ν(u) ≥ 0, or `None` for a law without diffusion."""
        return None

    def source(self, u: State, x: Places, t: Time) -> State | None:
        """s(u, x, t), the rate at which each field arises, or `None` for a law without a source.

        `x` holds the coordinates of the points, one row per axis.
        """
        return None

    def confined(self, before: State, after: State) -> State:
        """What a source leaves `after` a step that begins with the states `before`: within the
        bounds of the law, if it has any."""
        return after

    def jacobian(self, u: State) -> Matrix:
        """∂f_i/∂u_j at index (i, j)."""
        return pointwise_jacobian(self.flux, u)

    def roe_matrix(self, left: State, right: State) -> Matrix:
        """A(l, r) with A (r - l) = f(r) - f(l), the linearisation of a Riemann problem.

        The default is the [averaged Jacobian][hfluxno.laws.base.averaged_jacobian].
        """
        return averaged_jacobian(self.jacobian, left, right)

    def waves(self, left: State, right: State) -> Waves | None:
        """The waves of the Roe matrix in closed form, or `None` to compute them from the matrix:
        their speeds in ascending order, and a function that splits a vector (field, *points) into
        its parts (wave, field, *points) along the eigenvectors.

        For l = r they are those of the Jacobian.
        """
        return None

    def speed_range(self, u: State) -> tuple[Speed, Speed] | None:
        """Lower and upper bounds of all wave speeds, or `None` to compute them from the
        Jacobian."""
        return None

    def contact(self, left: State, right: State, slowest: Speed, fastest: Speed) -> Contact:
        """The speed of the contact between the outermost waves of a Riemann problem, whose speeds
        are given, and the states to its left and right."""
        raise ValueError(
            f"{type(self).__name__} has no contact wave; use riemann='hll' or riemann='rusanov'."
        )

    @property
    def apart(self) -> Bool[Array, " interface"] | None:
        """The interfaces on whose sides the law differs; `None` without such ones."""
        return None

    def across(self, left: State, right: State, flux: State) -> State:
        """The numerical flux at interfaces on whose sides the law differs; elsewhere `flux`."""
        return flux

    def admissible(self, u: State) -> Admissible | None:
        """Whether u is admissible (density and pressure positive); `None` if every state is. The
        admissible states must form a convex set."""
        return None


def averaged_jacobian(jacobian: Callable[[State], Matrix], left: State, right: State) -> Matrix:
    """∫₀¹ f′(l + θ (r - l)) dθ, which is a Roe matrix of every flux.

    (Roe, J. Comput. Phys. 43, 1981, 357-372.) Three Gauss points make it exact for fluxes up to
    degree six.
    """
    sampled = jacobian(on_the_way(left, right, GAUSS_NODES))
    terms = [weight * sampled[:, :, k] for k, weight in enumerate(GAUSS_WEIGHTS)]
    return sum(terms[1:], start=terms[0])


def on_the_way(
    left: State, right: State, positions: tuple[float, ...]
) -> Float[Array, "field position *points"]:
    """l + θ (r - l) for several θ in [0, 1].

    All in one array: a law that is evaluated once is compiled once.
    """
    theta = jnp.asarray(positions, left.dtype).reshape((1, -1) + (1,) * (left.ndim - 1))
    return left[:, None] + theta * (right - left)[:, None]


def pointwise_jacobian(flux: Callable[[State], Any], u: State) -> Matrix:
    """The Jacobian of a pointwise map, one forward-mode derivative per field."""
    columns = []
    for j in range(u.shape[0]):
        direction = jnp.zeros_like(u).at[j].set(1.0)
        columns.append(jax.jvp(flux, (u,), (direction,))[1])
    return jnp.stack(columns, axis=1)


def by_field(numbers: Any, u: Any) -> Any:
    """A number for each field, shaped to go with states u (field, *points)."""
    return numbers.reshape((-1,) + (1,) * (u.ndim - 1))


def coefficient(value: ArrayLike | Sequence[float]) -> Float[Array, "*row"]:
    """A coefficient of a law, or a row of them, as an array in the current default precision."""
    return jnp.asarray(value, dtype=jnp.result_type(float))
