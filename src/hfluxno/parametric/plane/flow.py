"""A steady flow on a plane, which carries a tracer, and where the tracer arises.

    V_a(x, y) = Σ_m c_am X_m(x) Y_m(y),   p(x, y) = Σ_m p_m P_m(x) Q_m(y),
    ∂t u + ∂x(V_0 u) + ∂y(V_1 u) = p + …

Along a periodic axis the functions are 1, cos 2πkξ and sin 2πkξ, of order k. Along another one
those of V are the Legendre polynomials of degree d in 2ξ - 1, of order d/2, which have no trouble
at the ends, and those of p are cos πdξ, which are as fine everywhere: polynomials of a degree that
resolves what arises inside vary over less than a cell at the ends. ξ runs from 0 to 1 over the
domain. Products have all orders whose sum is at most that of the flow.

Derivatives of the functions of V are sums of them, so the flows without divergence are a linear
subspace.
"""

import functools
import itertools
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.grid import Grid

Around = tuple[bool, bool]

_NONE = 1e-10


class SteadyFlow(eqx.Module):
    """The velocity V, and the supply p.

    - `coefficients`: c, shape (axis, mode), in the order of `modes`.
    - `lower`, `upper`: the ends of the domain along each axis.
    - `order`: the largest order of a product.
    - `around`: which axes are periodic.
    - `supply`: p, shape (mode,), or `None`.
    """

    coefficients: Float[Array | np.ndarray, "axis mode"]
    lower: Float[Array | np.ndarray, " axis"]
    upper: Float[Array | np.ndarray, " axis"]
    order: int = eqx.field(static=True)
    around: Around = eqx.field(static=True)
    supply: Float[Array | np.ndarray, " mode"] | None = None

    def velocity(
        self, axis: int, x: Float[np.ndarray, " x"], y: Float[np.ndarray, " y"]
    ) -> Float[np.ndarray, "x y"]:
        """V_a at all pairs of these coordinates."""
        waves = products(self.order, self.around, *self._scaled(x, y))
        return np.tensordot(np.asarray(self.coefficients)[axis], waves, axes=1)

    def supplied(
        self, x: Float[np.ndarray, " x"], y: Float[np.ndarray, " y"]
    ) -> Float[np.ndarray, "x y"]:
        """p at all pairs of these coordinates; zero without a supply."""
        if self.supply is None:
            return np.zeros((len(x), len(y)))
        waves = _products(_waves, self.order, self.around, *self._scaled(x, y))
        return np.tensordot(np.asarray(self.supply), waves, axes=1)

    def _scaled(self, x, y):
        low, high = np.asarray(self.lower), np.asarray(self.upper)
        return ((np.asarray(at, float) - low[a]) / (high - low)[a] for a, at in enumerate((x, y)))

    def through(self, grid: Grid, axis: int) -> Float[Array, "others interface"]:
        """V_a in the middle of the interfaces along an axis, after the cells along the other."""
        edges = np.linspace(grid.lower[axis], grid.upper[axis], grid.shape[axis] + 1)
        others = grid.centers(1 - axis)
        if axis == 0:
            return jnp.asarray(self.velocity(0, edges, others).T)
        return jnp.asarray(self.velocity(1, others, edges))

    @property
    def linear(self) -> Float[np.ndarray, "axis 3"] | None:
        """The constant and the slopes along x and y of each V_a; `None` if these are not all."""
        every, lower = np.asarray(self.coefficients), np.asarray(self.lower)
        of = {pair: every[:, m] for m, pair in enumerate(modes(self.order, self.around))}
        bent = [of[pair] for pair in of if sum(pair) > 1]
        if any(self.around) or np.any(np.abs(bent) > _NONE * np.abs(every).max()):
            return None
        lengths = np.asarray(self.upper) - lower
        slopes = 2.0 * np.stack([of[1, 0], of[0, 1]], axis=1) / lengths
        middle = lower + 0.5 * lengths
        return np.column_stack([of[0, 0] - slopes @ middle, slopes])

    def fastest(self) -> float:
        """The largest speed, on a fine net."""
        x, y = (
            np.linspace(low, high, 16 * self.order + 1)
            for low, high in zip(*map(np.asarray, (self.lower, self.upper)), strict=True)
        )
        return float(np.hypot(self.velocity(0, x, y), self.velocity(1, x, y)).max())


def modes(order: int, around: Around) -> tuple[tuple[int, int], ...]:
    """The pairs of functions along x and along y in the products of at most this order."""
    along_x, along_y = (_orders(order, each) for each in around)
    pairs = itertools.product(range(len(along_x)), range(len(along_y)))
    return tuple((i, j) for i, j in pairs if along_x[i] + along_y[j] <= order)


def orders(order: int, around: Around) -> list[float]:
    """The order of each of `modes`."""
    along_x, along_y = (_orders(order, each) for each in around)
    return [along_x[i] + along_y[j] for i, j in modes(order, around)]


def products(
    order: int, around: Around, x: Float[np.ndarray, " x"], y: Float[np.ndarray, " y"]
) -> Float[np.ndarray, "mode x y"]:
    """The products of `modes` in a velocity, for coordinates from 0 to 1."""
    return _products(_functions, order, around, x, y)


def carried(
    order: int, around: Around, cells: tuple[int, ...]
) -> list[Callable[[np.ndarray], np.ndarray]]:
    """Each product times the field, for states (field, time, x, y) on the cells of a domain."""
    x, y = ((np.arange(n) + 0.5) / n for n in cells)
    return [functools.partial(_times, wave) for wave in products(order, around, x, y)]


def supplying(
    order: int, around: Around, cells: tuple[int, ...]
) -> tuple[Callable[[np.ndarray], np.ndarray], ...]:
    """The products in a supply without the constant, as functions of states on the cells of a
    domain."""
    x, y = ((np.arange(n) + 0.5) / n for n in cells)
    waves = _products(_waves, order, around, x, y)[1:]
    return tuple(functools.partial(_alone, wave) for wave in waves)


def _alone(wave: np.ndarray, states: np.ndarray) -> np.ndarray:
    return np.broadcast_to(wave, states[0].shape)


def _times(wave: np.ndarray, states: np.ndarray) -> np.ndarray:
    return wave * states[0]


def without_divergence(
    order: int, around: Around, lengths: tuple[float, float]
) -> Float[np.ndarray, "unknown 2 mode"]:
    """The coefficients of flows that span all those without divergence, on a domain with these
    sides."""
    every = modes(order, around)
    place = {pair: m for m, pair in enumerate(every)}
    of_x, of_y = (
        _derivatives(order, each) / length for each, length in zip(around, lengths, strict=True)
    )
    divergence = np.zeros((2, len(every), len(every)))
    for m, (i, j) in enumerate(every):
        for k in map(int, np.flatnonzero(of_x[i])):
            divergence[0, m, place[k, j]] = of_x[i, k]
        for k in map(int, np.flatnonzero(of_y[j])):
            divergence[1, m, place[i, k]] = of_y[j, k]
    return without(divergence.reshape(-1, len(every))).reshape(-1, 2, len(every))


def without(
    effects: Float[np.ndarray, "unknown effect"],
) -> Float[np.ndarray, "combination unknown"]:
    """An orthonormal basis of the combinations of unknowns that have no effect."""
    _, sizes, right = np.linalg.svd(effects.T)
    return right[int(np.sum(sizes > _NONE * sizes[0])) :]


def _orders(order: int, around: bool) -> list[float]:
    count = 2 * order + 1
    return [float((k + 1) // 2) if around else 0.5 * k for k in range(count)]


def _products(functions, order: int, around: Around, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    along_x, along_y = (functions(order, *each) for each in zip(around, (x, y), strict=True))
    return np.stack([along_x[i][:, None] * along_y[j] for i, j in modes(order, around)])


def _functions(order: int, around: bool, xi: Float[np.ndarray, " x"]) -> np.ndarray:
    """Of a velocity."""
    if not around:
        return np.polynomial.legendre.legvander(2.0 * xi - 1.0, 2 * order).T
    return _waves(order, around, xi)


def _waves(order: int, around: bool, xi: Float[np.ndarray, " x"]) -> np.ndarray:
    """Of a supply."""
    if not around:
        return np.cos(np.pi * np.arange(2 * order + 1)[:, None] * xi)
    angles = [2.0 * np.pi * k * xi for k in range(1, order + 1)]
    waves = [wave(angle) for angle in angles for wave in (np.cos, np.sin)]
    return np.stack([np.ones_like(xi), *waves])


def _derivatives(order: int, around: bool) -> np.ndarray:
    """D with φ_i′ = Σ_k D_ik φ_k."""
    count = 2 * order + 1
    found = np.zeros((count, count))
    if around:
        for k in range(1, order + 1):
            cosine, sine = 2 * k - 1, 2 * k
            found[cosine, sine], found[sine, cosine] = -2.0 * np.pi * k, 2.0 * np.pi * k
        return found
    for degree in range(1, count):
        slope = 2.0 * np.polynomial.legendre.legder(np.eye(count)[degree])
        found[degree, : len(slope)] = slope
    return found
