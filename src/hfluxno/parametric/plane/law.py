"""A law on a plane whose fluxes were identified from data."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.grid import Grid
from hfluxno.laws.base import Admissible, Contact, Places, Speed, State, Time, by_field
from hfluxno.laws.by_axis import ByAxis
from hfluxno.laws.place import LawByPlace
from hfluxno.laws.space import AlongAxis, SpaceLaw
from hfluxno.parametric.basis import Basis, Chebyshev, Dictionary
from hfluxno.parametric.plane.contact import contact
from hfluxno.parametric.plane.flow import SteadyFlow
from hfluxno.parametric.ranges import widened


class FittedPlaneLaw(SpaceLaw):
    """∂t u + ∂x F(u) + ∂y G(u) = s(u) + ν_0 ∂xx u + ν_1 ∂yy u with F_i = Σ_k C_0ik φ_k(u),
    G_i = Σ_k C_1ik φ_k(u) and s_i = Σ_k S_ik Π_j u_j^e_kj.

    Polynomials of one field and sources continue linearly beyond the observed range. The law is
    fitted in float64 and used in the precision of the states.

    - `fields`: their names.
    - `basis`: the functions φ.
    - `coefficients`: C, shape (axis, field, function).
    - `lower`, `upper`: the observed range of each field.
    - `vectors`: the components of the momentum, if there is one.
    - `positive`: the fields that the law divides by, which must be positive.
    - `is_fluid`: whether its waves are sound in both directions and what the flow carries.
    - `arising`: e, the exponents of the sources.
    - `sources`: S, shape (field, source); `None` for a law without sources.
    - `diffusivities`: the coefficients of ν, shape (axis, field, power): of more than one power,
      which one field may have, of those of w = (u - middle)/half, with the middle and half of its
      basis, within the range and not below zero; `None` for a law without diffusion.
    - `constant`: is added to the fluxes, shape (axis, field), which only walls show; or `None`.
    - `flow`: V, with which the only flux is V u of one field, and what arises by place; or `None`.
      With it the law on the cells of a grid, which can be solved, is `on(grid)`.
    """

    fields: tuple[str, ...] = eqx.field(static=True)
    basis: Basis
    coefficients: Float[Array | np.ndarray, "axis field function"]
    lower: Float[Array | np.ndarray, " field"]
    upper: Float[Array | np.ndarray, " field"]
    vectors: tuple[tuple[int, ...], ...] = eqx.field(static=True, default=())
    positive: tuple[int, ...] = eqx.field(static=True, default=())
    is_fluid: bool = eqx.field(static=True, default=False)
    arising: tuple[tuple[int, ...], ...] = eqx.field(static=True, default=())
    sources: Float[Array | np.ndarray, "field source"] | None = None
    diffusivities: Float[Array | np.ndarray, "axis field power"] | None = None
    constant: Float[Array | np.ndarray, "axis field"] | None = None
    flow: SteadyFlow | None = None
    axes: int = eqx.field(static=True, default=2)

    def flux(self, u: Any, axis: int = 0) -> Any:
        """F(u), or G(u) for axis 1; NumPy arrays keep their precision. Raises `ValueError` if it
        depends on place."""
        if self.flow is not None:
            raise ValueError("The flow of this law depends on place; take law.on(grid).")
        if not isinstance(u, jax.Array):
            with jax.enable_x64(True):
                return np.asarray(self.flux(jnp.asarray(u), axis))
        law = self._like(u)
        if not self.is_continued:
            found = law.basis.expand(law.coefficients[axis], u)
        else:
            inside = jnp.clip(u, law.lower[0], law.upper[0])
            slope = law.basis.gradient(law.coefficients[axis], inside)[0]
            found = law.basis.expand(law.coefficients[axis], inside) + slope * (u - inside)
        if law.constant is None:
            return found
        return found + by_field(law.constant[axis], u)

    def on(self, grid: Grid) -> SpaceLaw:
        """The law on the cells of a grid, with its flow there; the same if it has none."""
        if self.flow is None:
            return self
        unit = Dictionary(np.ones(1), ((1,),), self.fields)
        carried = dataclasses.replace(
            self, basis=unit, coefficients=np.ones((2, 1, 1)), constant=None, flow=None
        )
        # Along both axes the source would count twice.
        parts = (carried, dataclasses.replace(carried, sources=None))
        supply, none = None, np.zeros(1)
        if self.flow.supply is not None:
            supply = jnp.asarray(self.flow.supplied(grid.centers(0), grid.centers(1)))[None]
        along = [
            LawByPlace(self.fields, AlongAxis(part, axis), self.flow.through(grid, axis), none, p)
            for axis, (part, p) in enumerate(zip(parts, (supply, None), strict=True))
        ]
        return ByAxis(tuple(along))

    def source(self, u: State, x: Places, t: Time) -> State | None:
        if self.sources is None:
            return None
        law = self._like(u)
        lower, upper = (by_field(jnp.asarray(end), u) for end in (law.lower, law.upper))
        inside = jnp.clip(u, lower, upper)
        value, beyond = jax.jvp(law._arising, (inside,), (u - inside,))
        return value + beyond

    def _arising(self, u: State) -> State:
        rates = jnp.asarray(self.sources)
        found = jnp.zeros_like(u)
        for k, powers in enumerate(self.arising):
            term = jnp.ones_like(u[0])
            for j, power in enumerate(powers):
                term = term * u[j] ** power if power else term
            found = found + by_field(rates[:, k], u) * term[None]
        return found

    def diffusivity(self, u: State, axis: int = 0) -> State | None:
        if self.diffusivities is None:
            return None
        nu = jnp.asarray(self.diffusivities)[axis].astype(u.dtype)
        found = jnp.broadcast_to(by_field(nu[:, -1], u), u.shape)
        if nu.shape[1] == 1:
            return found
        law = self._like(u)
        assert isinstance(law.basis, Chebyshev)
        w = (jnp.clip(u, law.lower[0], law.upper[0]) - law.basis.middle[0]) / law.basis.half[0]
        for k in reversed(range(nu.shape[1] - 1)):
            found = found * w + by_field(nu[:, k], u)
        return jnp.maximum(found, 0.0)

    def jacobian(
        self, u: Float[Array, "field *points"], axis: int = 0
    ) -> Float[Array, "field field *points"]:
        law = self._like(u)
        if self.is_continued:
            u = jnp.clip(u, law.lower[0], law.upper[0])
        return law.basis.gradient(law.coefficients[axis], u)

    def speed_range(self, u: State, axis: int = 0) -> tuple[Speed, Speed]:
        """Bounds from the first two moments of the eigenvalues λ of the Jacobian A, with d fields,

            n = tr A/d,   |λ - n| ≤ √(tr (A - n)² (d - 1)/d)

        (Samuelson, J. Am. Stat. Assoc. 63, 1968, 1522-1525), which are exact for one and two
        fields. The speeds n - c, n, …, n, n + c of a fluid have |λ - n| ≤ √(½ tr (A - n)²).
        """
        a, d = self.jacobian(u, axis), len(self.fields)
        trace = sum((a[i, i] for i in range(1, d)), start=a[0, 0])
        pairs = [a[i, j] * a[j, i] for i in range(d) for j in range(d)]
        spread = self.spread * (sum(pairs[1:], start=pairs[0]) - trace * trace / d)
        moves = spread > 0.0
        reach = jnp.where(moves, jnp.sqrt(jnp.where(moves, spread, 1.0)), 0.0)
        return trace / d - reach, trace / d + reach

    @property
    def spread(self) -> float:
        """The factor of tr (A - n)² in the bounds of the speeds."""
        count = len(self.fields)
        return 0.5 if self.is_fluid else (count - 1.0) / count

    def contact(
        self, left: State, right: State, slowest: Speed, fastest: Speed, axis: int = 0
    ) -> Contact:
        if not self.has_contact:
            return super().contact(left, right, slowest, fastest, axis)
        return contact(self._like(left), left, right, slowest, fastest, axis)

    @property
    def is_continued(self) -> bool:
        """Whether the flux continues linearly beyond the observed range."""
        return isinstance(self.basis, Chebyshev)

    @property
    def depends_on_range(self) -> bool:
        """Whether its flux or a source continues linearly beyond the observed range."""
        return self.is_continued or self.sources is not None

    def further(self) -> "FittedPlaneLaw":
        """The same with polynomials that continue linearly only one more width of the range
        beyond: as good a guess of what is unknown."""
        low, high = widened(np, np.asarray(self.lower), np.asarray(self.upper), 1.0)
        return dataclasses.replace(self, lower=low, upper=high)

    @property
    def has_further(self) -> bool:
        """Whether it has sources, diffusion or a supply by place."""
        supplied = self.flow is not None and self.flow.supply is not None
        return supplied or self.sources is not None or self.diffusivities is not None

    @property
    def has_contact(self) -> bool:
        """Whether it is known what the flow carries."""
        return self.is_fluid and len(self.positive) == 1 and len(self.vectors) == 1

    def admissible(self, u: State) -> Admissible | None:
        """A positive density."""
        if not self.positive:
            return None
        return jnp.all(jnp.stack([u[i] > 0.0 for i in self.positive]), axis=0)

    def _like(self, u) -> "FittedPlaneLaw":
        if self.coefficients.dtype == u.dtype:
            return self
        return jax.tree.map(lambda leaf: jnp.asarray(leaf).astype(u.dtype), self)
