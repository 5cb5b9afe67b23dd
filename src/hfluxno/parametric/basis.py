"""Bases in which an unknown flux is linear, scaled to the observed range of the data.

A basis maps states (field, *points) to its functions (function, *points). No basis contains the
constant: a constant flux has no effect.
"""

import abc
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.laws.base import Matrix, State, by_field, pointwise_jacobian
from hfluxno.parametric.horner import horner

# The width over which new kinks are rounded, as a fraction of the half range.
KINK_WIDTH = 0.02

# Parameters are NumPy arrays, and JAX arrays within a program.
Coefficients = Float[Array | np.ndarray, "field function"]


def as_array(value):
    """JAX arrays unchanged, other numbers as a NumPy array in float64."""
    return value if isinstance(value, jax.Array) else np.asarray(value, float)


class Basis(eqx.Module):
    """Functions φ_k(u) of the state."""

    @property
    def kinks(self) -> int:
        """The number of kinks, whose places are not coefficients."""
        return 0

    @property
    @abc.abstractmethod
    def names(self) -> tuple[str, ...]:
        """One readable name per function."""

    @abc.abstractmethod
    def __call__(self, u: State) -> Float[Array, "function *points"]: ...

    def flowing(self, u: State) -> State:
        """The state whose flux is that of u: another one only over ground that may be dry."""
        return u

    def expand(self, coefficients: Coefficients, u: State) -> State:
        """Σ_k C_ik φ_k(u), written out: the compiler fuses sums, but not small matrix products."""
        return _combine(coefficients, list(self(u)))

    def gradient(self, coefficients: Coefficients, u: State) -> Matrix:
        """Σ_k C_ik ∂φ_k/∂u_j at index (i, j)."""
        return pointwise_jacobian(lambda state: self.expand(coefficients, state), u)


class Chebyshev(Basis):
    """T_1(v), …, T_size(v) of one field, v = (u - middle)/half in [-1, 1]."""

    middle: Float[Array | np.ndarray, " field"]
    half: Float[Array | np.ndarray, " field"]
    size: int = eqx.field(static=True)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"T{k}" for k in range(1, self.size + 1))

    def __call__(self, u: State) -> Float[Array, "function *points"]:
        return jnp.stack(chebyshev(scaled(u, self.middle, self.half)[0], self.size)[1:])

    def expand(self, coefficients: Coefficients, u: State) -> State:
        return horner(self._powers(coefficients), scaled(u, self.middle, self.half))

    def gradient(self, coefficients: Coefficients, u: State) -> Matrix:
        powers = self._powers(coefficients)
        derivative = powers[1:] * jnp.arange(1, self.size + 1, dtype=powers.dtype)
        return horner(derivative / self.half, scaled(u, self.middle, self.half))[None]

    def _powers(self, coefficients):
        """The coefficients of 1, v, v², …: Horner's rule is cheapest in a solver, and on [-1, 1]
        the change of basis loses only a few digits up to degree ten."""
        matrix = np.zeros((self.size, self.size + 1))
        for k in range(1, self.size + 1):
            matrix[k - 1, : k + 1] = np.polynomial.chebyshev.cheb2poly([0.0] * k + [1.0])
        return coefficients[0] @ jnp.asarray(matrix, coefficients.dtype)


class Kinked(Basis):
    """T_1(v), …, T_size(v) of one field, and √((v - a)² + w²) for each kink at a place a.

    The latter is |v - a|, rounded to be differentiable in a: larger by less than w²/(2 |v - a|).

    - `smooth`: the polynomials.
    - `at`: a, the places of the kinks.
    - `width`: w, over which they are rounded, in half ranges.
    """

    smooth: Chebyshev
    at: Float[Array | np.ndarray, " kink"]
    width: Float[Array | np.ndarray, ""] = eqx.field(converter=as_array, default=KINK_WIDTH)

    @property
    def kinks(self) -> int:
        return self.at.shape[0]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.smooth.names, *(f"|v - kink {k + 1}|" for k in range(self.kinks)))

    def __call__(self, u: State) -> Float[Array, "function *points"]:
        beside = [self._rounded(d) for d in self._beside(u)]
        return jnp.concatenate([self.smooth(u), jnp.stack(beside)])

    def expand(self, coefficients: Coefficients, u: State) -> State:
        value = self.smooth.expand(coefficients[:, : self.smooth.size], u)
        for weight, d in zip(coefficients[0, self.smooth.size :], self._beside(u), strict=True):
            value = value + weight * self._rounded(d)[None]
        return value

    def gradient(self, coefficients: Coefficients, u: State) -> Matrix:
        slope = self.smooth.gradient(coefficients[:, : self.smooth.size], u)
        for weight, d in zip(coefficients[0, self.smooth.size :], self._beside(u), strict=True):
            sign = d / self._rounded(d)
            slope = slope + weight / self.smooth.half[0] * sign[None, None]
        return slope

    def _beside(self, u):
        v = scaled(u, self.smooth.middle, self.smooth.half)[0]
        return [v - self.at[k] for k in range(self.at.shape[0])]

    def _rounded(self, d):
        return jnp.sqrt(d * d + self.width**2)


class TensorChebyshev(Basis):
    """Products T_i(v_1) T_j(v_2) … of total degree 1 to `degree`."""

    middle: Float[Array | np.ndarray, " field"]
    half: Float[Array | np.ndarray, " field"]
    degree: int = eqx.field(static=True)
    fields: int = eqx.field(static=True)

    @property
    def orders(self) -> tuple[tuple[int, ...], ...]:
        """i, j, … of each function."""
        return exponents_up_to(self.fields, self.degree)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(
            "·".join(f"T{k}(v{i})" for i, k in enumerate(degrees) if k) for degrees in self.orders
        )

    def __call__(self, u: State) -> Float[Array, "function *points"]:
        v = scaled(u, self.middle, self.half)
        factors = [chebyshev(component, self.degree) for component in v]
        return jnp.stack(
            [_product(factors[i][k] for i, k in enumerate(degrees) if k) for degrees in self.orders]
        )


class Dictionary(Basis):
    """Monomials and quotients Π_i (u_i/scale_i)^{e_i} with integer exponents.

    A negative exponent is only sensible for a field that stays away from zero, or for the density
    of a flow over ground that may be dry: its momentum counts at most as `fastest` times it.

    - `scale`: a size of each field.
    - `exponents`: e of each function.
    - `flow`: the indices of that density and its momentum, or none.
    - `fastest`: its largest velocity, momentum over density.
    """

    scale: Float[Array | np.ndarray, " field"]
    exponents: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    fields: tuple[str, ...] = eqx.field(static=True)
    flow: tuple[int, ...] = eqx.field(static=True, default=())
    fastest: Float[Array | np.ndarray, ""] = eqx.field(converter=as_array, default=0.0)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(_term_name(self.fields, powers) for powers in self.exponents)

    @property
    def sizes(self) -> Float[np.ndarray, " function"]:
        """Π_i scale_i^{e_i}, the divisors that make coefficients those of unscaled monomials."""
        powers = np.array(self.exponents, float)
        return np.prod(np.asarray(self.scale, float) ** powers, axis=1)

    def flowing(self, u: State) -> State:
        if not self.flow:
            return u
        density, momentum = self.flow
        most = self.fastest * jnp.maximum(u[density], 0.0)
        return u.at[momentum].set(jnp.clip(u[momentum], -most, most))

    def gradient(self, coefficients: Coefficients, u: State) -> Matrix:
        v, inverse = self._scaled(u)
        columns = []
        for j in range(len(self.fields)):
            lowered = [
                (k, powers[j], (*powers[:j], powers[j] - 1, *powers[j + 1 :]))
                for k, powers in enumerate(self.exponents)
                if powers[j] != 0
            ]
            terms = [factor * self._term(v, inverse, e) for _, factor, e in lowered]
            if not terms:
                columns.append(jnp.zeros((len(coefficients), *u.shape[1:]), u.dtype))
                continue
            used = coefficients[:, [k for k, _, _ in lowered]]
            columns.append(_combine(used, terms) / self.scale[j])
        return jnp.stack(columns, axis=1)

    def __call__(self, u: State) -> Float[Array, "function *points"]:
        v, inverse = self._scaled(u)
        return jnp.stack([self._term(v, inverse, powers) for powers in self.exponents])

    def _scaled(self, u):
        v = [u[i] / self.scale[i] for i in range(len(self.fields))]
        divides = [any(powers[i] < 0 for powers in self.exponents) for i in range(len(v))]
        return v, [1.0 / x if needed else x for x, needed in zip(v, divides, strict=True)]

    def _term(self, v, inverse, powers):
        factors = [
            (v[i] if e > 0 else inverse[i]) for i, e in enumerate(powers) for _ in range(abs(e))
        ]
        return _product(factors) if factors else jnp.ones_like(v[0])


def exponents_up_to(fields: int, degree: int) -> tuple[tuple[int, ...], ...]:
    """All exponents of total degree 1 to `degree`, by degree."""
    candidates = itertools.product(range(degree + 1), repeat=fields)
    return tuple(
        sorted((e for e in candidates if 0 < sum(e) <= degree), key=lambda e: (sum(e), e[::-1]))
    )


def physical_exponents(positive: tuple[bool, ...]) -> tuple[tuple[int, ...], ...]:
    """The dictionary of a system: the terms of common fluxes in mechanics.

    Monomials of degree 1 and 2; and for every field p that stays away from zero: p³, p² q, and the
    quotients q/p and q r/p with the other fields q, r (velocities and momentum fluxes).
    """
    count = len(positive)
    terms = list(exponents_up_to(count, 2))
    unit = [tuple(int(i == j) for j in range(count)) for i in range(count)]
    for p in range(count):
        if not positive[p]:
            continue
        others = [q for q in range(count) if q != p]
        terms.append(_add(unit[p], unit[p], unit[p]))
        for q in others:
            terms.append(_add(unit[p], unit[p], unit[q]))
            terms.append(_add(unit[q], _negative(unit[p])))
        for q, r in itertools.combinations_with_replacement(others, 2):
            terms.append(_add(unit[q], unit[r], _negative(unit[p])))
    return tuple(dict.fromkeys(terms))


def fluid_exponents(fields: int, density: int | None) -> tuple[tuple[int, ...], ...]:
    """The dictionary of a fluid: monomials of degree 1 and 2; and if there is a density p that may
    divide, with the other fields q, r, s: p³, p² q, q/p, q r/p and q r s/p²."""
    terms = list(exponents_up_to(fields, 2))
    if density is not None:
        p, unit = density, np.eye(fields, dtype=int)
        others = [q for q in range(fields) if q != p]
        further = [3 * unit[p]] + [2 * unit[p] + unit[q] for q in others]
        for degree in (1, 2, 3):
            for chosen in itertools.combinations_with_replacement(others, degree):
                further.append(sum(unit[list(chosen)]) - max(1, degree - 1) * unit[p])
        terms += [tuple(map(int, each)) for each in further]
    return tuple(dict.fromkeys(terms))


def chebyshev(v: Float[Array, "*points"], degree: int) -> list[Float[Array, "*points"]]:
    """T_0(v), …, T_degree(v) by the three-term recurrence."""
    values = [jnp.ones_like(v), v]
    for _ in range(degree - 1):
        values.append(2.0 * v * values[-1] - values[-2])
    return values[: degree + 1]


def scaled(u, middle, half):
    """(u - middle)/half of each field."""
    return (u - by_field(middle, u)) / by_field(half, u)


def _combine(coefficients, functions):
    rows = []
    for row in coefficients:
        terms = [c * function for c, function in zip(row, functions, strict=True)]
        rows.append(sum(terms[1:], start=terms[0]))
    return jnp.stack(rows)


def _product(factors):
    result = None
    for factor in factors:
        result = factor if result is None else result * factor
    return result


def _add(*exponents):
    return tuple(sum(parts) for parts in zip(*exponents, strict=True))


def _negative(exponents):
    return tuple(-e for e in exponents)


def _term_name(fields, powers):
    above = _factors(fields, [max(e, 0) for e in powers])
    below = _factors(fields, [max(-e, 0) for e in powers])
    return above if not below else f"{above or '1'}/{below}"


def _factors(fields, powers):
    superscript = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    return "·".join(
        name if e == 1 else name + str(e).translate(superscript)
        for name, e in zip(fields, powers, strict=True)
        if e
    )
