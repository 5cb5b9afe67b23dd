"""A conservation law whose flux and diffusivity were identified from data."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, overload

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from numpy.typing import NDArray

from hfluxno.forecast_checks import left_observed_range
from hfluxno.laws.base import ConservationLaw, Matrix, Places, State, Time, by_field
from hfluxno.laws.place import PlaceModes, share_inside
from hfluxno.parametric.basis import Basis, as_array, chebyshev, scaled
from hfluxno.parametric.on_numbers import on_numbers
from hfluxno.parametric.ranges import widened, within
from hfluxno.parametric.source_beyond import source_beyond
from hfluxno.parametric.source_terms import Functions, expanded, names_of, names_of_force

# States other than JAX arrays; those of one field may lack its axis.
Numbers = float | Sequence[float] | Sequence[Sequence[float]] | NDArray[Any]


class Terms(eqx.Module):
    """The terms of a law beyond its flux and its diffusivity, in units of the field over time.

    - `by_state`: S, shape (field, term); no such source if it has no terms.
    - `functions`: χ of a source of several fields, one for each term, as exponents of the fields
      and of their sizes (see `hfluxno.parametric.source_terms`); none for one field.
    - `source_by_place`: P, shape (field, mode).
    - `carrier`: the field by which what arises by place is multiplied, as the force of a bed that
      slopes is by the depth of the water; `None` for most laws.
    - `flux_by_place`: K, shape (mode,).
    - `flux_offset`: c, added to f(u) before it is multiplied by k(x), shape (field,), in units of
      the flux. It only matters where k changes or at an end that is closed.
    - `modes`: ψ of both.
    - `stretches`: the begin, end and log factor of each stretch of the domain on which the flux is
      multiplied by another number, shape (stretch, 3). On a circle an end may lie beyond it.
    """

    by_state: Float[Array | np.ndarray, "field term"]
    source_by_place: Float[Array | np.ndarray, "field mode"]
    flux_by_place: Float[Array | np.ndarray, " mode_"]
    flux_offset: Float[Array | np.ndarray, " field"]
    modes: PlaceModes
    stretches: Float[Array | np.ndarray, "stretch 3"] = eqx.field(
        converter=as_array, default_factory=lambda: np.zeros((0, 3))
    )
    functions: Functions = eqx.field(static=True, default=())
    carrier: int | None = eqx.field(static=True, default=None)

    def names(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """The functions of the source that depends on the state."""
        if self.functions:
            return names_of(self.functions, fields)
        return tuple(f"T{k}" for k in range(self.by_state.shape[1]))

    def names_of_force(self, fields: tuple[str, ...]) -> list[str]:
        """The coefficients of what arises by place, if it has a carrier."""
        if self.carrier is None:
            return []
        return names_of_force(fields, fields[self.carrier], self.source_by_place.shape[1])

    @property
    def scales_flux(self) -> bool:
        """Whether the flux depends on place."""
        return self.flux_by_place.size > 0 or self.stretches.size > 0


class FittedLaw(ConservationLaw):
    """f_i(u) = Σ_k C_ik φ_k(u), ν_i(u) = max(0, Σ_k D_ik T_k(v_i)), and optionally

        s_i(u, x) = Σ_k S_ik χ_k(u) + Σ_m P_im ψ_m(x),   or Σ_m P_im ψ_m(x) u_p for the last,
        k(x) = exp(Σ_m K_m ψ_m(x) + Σ_s J_s 1[a_s < x < b_s]),

    a source, and a factor of the flux. With one field χ_k(u) = T_k(v).

    Beyond the observed range [lower, upper] of a field the law is unknown: there the flux continues
    linearly, f(u) = f(ū) + f′(ū) (u - ū) with the nearest observed state ū, and ν keeps its value
    at ū. So does s of several fields; that of one continues linearly, but nothing is lost in the
    emptiest state (see `hfluxno.parametric.source_beyond`). A law of a few terms is used further,
    by `reach` widths of the range, but not closer to zero than a quarter of the observed values.

    States are JAX arrays of shape (field, *points), or numbers, lists and NumPy arrays. For the
    latter the results are NumPy arrays in float64, or in the precision of shorter floats; those of
    a single field may lack its axis, and then so does the result.

    **Attributes:**

    - `basis`: the functions φ_k.
    - `flux_coefficients`: C, shape (field, function), in units of flux.
    - `diffusion_coefficients`: D, shape (field, term); v_i is u_i scaled to [-1, 1] on its observed
      range. No diffusion if it has no terms.
    - `lower`, `upper`: the observed range of each field.
    - `terms`: any terms beyond a flux and a diffusivity; `None` for most laws.
    - `reach`: how far beyond the observed range the flux is still Σ C φ.
    - `least`, `most`: bounds of one field, which sources do not lead beyond.
    """

    fields: tuple[str, ...] = eqx.field(static=True)
    basis: Basis
    flux_coefficients: Float[Array | np.ndarray, "field function"]
    diffusion_coefficients: Float[Array | np.ndarray, "field term"]
    lower: Float[Array | np.ndarray, " field"]
    upper: Float[Array | np.ndarray, " field"]
    negated: tuple[int, ...] = eqx.field(static=True, default=())
    terms: Terms | None = None
    reach: Float[Array | np.ndarray, ""] = eqx.field(converter=as_array, default=0.0)
    least: Float[Array | np.ndarray, ""] = eqx.field(converter=as_array, default=-np.inf)
    most: Float[Array | np.ndarray, ""] = eqx.field(converter=as_array, default=np.inf)

    @property
    def negated_fields(self) -> tuple[int, ...]:
        return self.negated

    @overload
    def flux(self, u: Array) -> Array: ...
    @overload
    def flux(self, u: Numbers) -> NDArray[Any]: ...
    def flux(self, u: Any) -> Any:
        """f(u).

        **Raises:**

        - `ValueError`, if the first axis of u is not that of the fields.
        """
        return self._at(_flux, u, 1)

    @overload
    def jacobian(self, u: Array) -> Array: ...
    @overload
    def jacobian(self, u: Numbers) -> NDArray[Any]: ...
    def jacobian(self, u: Any) -> Any:
        """∂f_i/∂u_j at index (i, j)."""
        return self._at(_jacobian, u, 2)

    @overload
    def diffusivity(self, u: Array) -> Array | None: ...
    @overload
    def diffusivity(self, u: Numbers) -> NDArray[Any] | None: ...
    def diffusivity(self, u: Any) -> Any:
        """ν(u), or `None` without diffusion."""
        if self.diffusion_coefficients.shape[1] == 0:
            return None
        return self._at(_diffusivity, u, 1)

    def source(self, u: State, x: Places, t: Time) -> State | None:
        """s(u, x), for states and coordinates that are JAX arrays."""
        if self.terms is None:
            return None
        return _source(self._like(u), u, x)

    def confined(self, before: State, after: State) -> State:
        low = jnp.minimum(jnp.asarray(self.least, after.dtype), before)
        high = jnp.maximum(jnp.asarray(self.most, after.dtype), before)
        return within(jnp, low, high, after)

    def factor(
        self, x: Float[Array, "*points"], width: float | None = None
    ) -> Float[Array, "*points"] | None:
        """k(x), or `None` if the flux is the same everywhere. With a `width`, jumps of k are
        averaged over an interval of this width about x."""
        if self.terms is None or not self.terms.scales_flux:
            return None
        return self.smooth_factor(x) * self.stretch_factor(x, width)

    def smooth_factor(self, x: Float[Array, "*points"]) -> Float[Array, "*points"]:
        """The part of k(x) that the modes of place describe; 1 without any."""
        weights = self._terms.flux_by_place.astype(x.dtype)
        if not weights.shape[0]:
            return jnp.ones_like(x)
        modes = self._terms.modes(x)[: weights.shape[0]]
        return jnp.exp(jnp.tensordot(weights, modes, axes=1))

    def stretch_factor(
        self, x: Float[Array, "*points"], width: float | None = None
    ) -> Float[Array, "*points"]:
        """The part of k(x) that jumps; 1 without stretches."""
        modes, found = self._terms.modes, jnp.ones_like(x)
        period = modes.upper - modes.lower if modes.periodic else None
        for begin, end, log_factor in jnp.asarray(self._terms.stretches, x.dtype):
            inside = share_inside(x, begin, end, width, period)
            found = found * (1.0 + jnp.expm1(log_factor) * inside)
        return found

    @property
    def _terms(self) -> Terms:
        assert self.terms is not None
        return self.terms

    def arising(self, x: Float[Array, "*points"]) -> State | None:
        """The part of the source that depends on place, for each unit of its carrier if it has one;
        `None` without further terms."""
        if self.terms is None:
            return None
        weights = self.terms.source_by_place.astype(x.dtype)
        modes = self.terms.modes(x)[: weights.shape[1]]
        return jnp.tensordot(weights, modes, axes=1)

    def source_beyond(self) -> Float[Array, "end power"]:
        """Of one field, by how much the source that depends on the state differs at a distance d
        below and above the range from its value there: the coefficients of d and d²."""
        low, high = widened(jnp, self.lower[0], self.upper[0], self.reach)
        ends = (low, high), (self.least, self.most)
        return source_beyond(self._terms.by_state[0], self.lower[0], self.upper[0], *ends)

    def without_place(self) -> "FittedLaw":
        """The part of the law that is the same everywhere."""
        if self.terms is None:
            return self
        terms = self.terms
        still = (terms.source_by_place[:, :0], terms.flux_by_place[:0], terms.stretches[:0])
        changed = eqx.tree_at(
            lambda t: (t.source_by_place, t.flux_by_place, t.stretches), terms, still
        )
        return dataclasses.replace(self, terms=changed)

    def _at(self, function: Callable, u: Any, field_axes: int) -> Any:
        if isinstance(u, jax.Array):
            return function(self._like(u), u)
        return on_numbers(function, self, u, field_axes)

    def _nearest_observed(self, u):
        low, high = widened(jnp, jnp.asarray(self.lower), jnp.asarray(self.upper), self.reach)
        return jnp.clip(u, by_field(low, u), by_field(high, u))

    def range_of_flux(self) -> tuple[Float[np.ndarray, " field"], Float[np.ndarray, " field"]]:
        """The states between which the flux is Σ C φ."""
        # In NumPy, which has nothing to compile.
        return widened(np, np.asarray(self.lower), np.asarray(self.upper), np.asarray(self.reach))

    def is_left_by(
        self, states: Float[np.ndarray, "time field *points"]
    ) -> Bool[np.ndarray, " time"]:
        """The times at which a state has left these bounds, and all later ones."""
        low, high = self.range_of_flux()
        return np.logical_or.accumulate(left_observed_range(states[:, None], low[None], high[None]))

    @property
    def width(self) -> Float[np.ndarray, " field"]:
        """The width of the observed range."""
        return np.asarray(self.upper) - np.asarray(self.lower)

    def unknown_beyond(
        self,
        states: Float[np.ndarray, "time field *points"],
        guessed: Float[np.ndarray, "time field *points"] | None,
    ) -> Float[np.ndarray, "time field *points"]:
        """The deviation of states that the law has reached, because of what is unknown beyond these
        bounds: the difference to those with the other guess of it, but not more than the width of
        the range, which it is if there are none."""
        width = self.width.reshape(-1, *(1,) * (states.ndim - 2))
        apart = np.full(states.shape, np.inf) if guessed is None else np.abs(guessed - states)
        later = self.is_left_by(states).reshape(-1, *(1,) * (states.ndim - 1))
        return np.where(later, np.minimum(apart, width), 0.0)

    def further(self) -> "FittedLaw":
        """The same with Σ C φ one more width of the range beyond: as good a guess of what is
        unknown as a flux that continues linearly."""
        return dataclasses.replace(self, reach=np.asarray(self.reach, float) + 1.0)

    def _like(self, u) -> "FittedLaw":
        """The law in the precision of the states: it is fitted in float64 and used in any."""
        if self.lower.dtype == u.dtype:
            return self
        return jax.tree.map(lambda leaf: leaf.astype(u.dtype), self)


def _flux(law: FittedLaw, u: State) -> State:
    if u.shape[0] == 1:
        return _flux_of_one(jax.tree.map(jnp.asarray, law), u)
    return _continued(law, u)


def _continued(law: FittedLaw, u):
    u = law.basis.flowing(u)
    inside = law._nearest_observed(u)
    slope = law.basis.gradient(law.flux_coefficients, inside)
    value = law.basis.expand(law.flux_coefficients, inside)
    beyond = u - inside
    extension = [slope[:, j] * beyond[j][None] for j in range(u.shape[0])]
    return value + sum(extension[1:], start=extension[0])


@eqx.filter_custom_jvp
def _flux_of_one(law: FittedLaw, u):
    return _continued(law, u)


@_flux_of_one.def_jvp
def _flux_of_one_jvp(primals, tangents):
    """f'(u) du and the change of f with the law. Of one field f' is what the flux continues with,
    within the observed range and beyond; differentiated, both sums would have twice the terms."""
    (law, u), (dlaw, du) = primals, tangents
    parts = [] if du is None else [_jacobian(law, u)[0] * du]
    if jax.tree.leaves(dlaw):
        parts.append(eqx.filter_jvp(_continued, (law, u), (dlaw, None))[1])
    return _continued(law, u), sum(parts[1:], start=parts[0]) if parts else None


def _jacobian(law: FittedLaw, u: State) -> Matrix:
    return law.basis.gradient(law.flux_coefficients, law._nearest_observed(law.basis.flowing(u)))


def _source(law: FittedLaw, u, x):
    assert law.terms is not None
    by_state, functions = law.terms.by_state, law.terms.functions
    if functions:
        found = expanded(functions, by_state, law._nearest_observed(u))
    else:
        found = _series(law, by_state, u) + _beyond(law, u)
    arising = law.arising(x[0])
    assert arising is not None
    carrier = law.terms.carrier
    return found + (arising if carrier is None else arising * u[carrier][None])


def _beyond(law: FittedLaw, u):
    """The change of the source from the nearest observed state."""
    away = u - law._nearest_observed(u)
    (a, b), (c, d) = law.source_beyond()
    return away * jnp.where(away < 0.0, a + b * away, c + d * away)


def _scaled_state(law: FittedLaw, u):
    middle, half = 0.5 * (law.lower + law.upper), 0.5 * (law.upper - law.lower)
    return scaled(law._nearest_observed(u), middle, half)


def _diffusivity(law: FittedLaw, u: State) -> State:
    return jnp.maximum(_series(law, law.diffusion_coefficients, u), 0.0)


def _series(law: FittedLaw, coefficients, u: State):
    """Σ_k C_ik T_k(v_i), written out: the compiler fuses sums of arrays."""
    terms = coefficients.shape[1]
    if terms == 0:
        return jnp.zeros_like(u)
    functions = chebyshev(_scaled_state(law, u), max(terms - 1, 1))[:terms]
    parts = [by_field(coefficients[:, k], u) * each for k, each in enumerate(functions)]
    return sum(parts[1:], start=parts[0])
