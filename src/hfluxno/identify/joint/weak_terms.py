"""Laws of one field with sources or a factor of place, from the weak form: starts of their fits.

    ∫∫ u ψ_t + k(x) (f(u) + c) ψ_x + N(u) ψ_xx + s(u, x) ψ dx dt = 0,   N′ = ν,

is linear in flux, diffusivity and source. The factor k = 1 + Σ_m b_m φ_m(x) multiplies the flux:
nonlinear least squares begin with the product that is nearest to what explains the most if all
φ_m f_n are free. Without such a start the flux has imitated the terms that a law lacked, and a fit
ends beside it: a factor of ±15 % became one of ±2 %, with another constant.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.polynomial import chebyshev
from scipy.optimize import least_squares

from hfluxno.identify.joint.diffusion_alone import FEWEST_CELLS, FEWEST_FRAMES, MOST_FRAMES
from hfluxno.identify.joint.forward import Forward
from hfluxno.parametric.weak_integrals import WeakIntegrals

# Directions that the frames hardly show are left out.
_SMALLEST = 1e-4
_EVALUATIONS = 50
_LEAST_FACTOR = 0.05
_MOST_SPREADS = 3.0


@dataclasses.dataclass(frozen=True)
class _Equations:
    """The weak equations of a kind of law, in spreads of its coefficients.

    - `products`: of every wave and function of the flux.
    - `columns`: of the diffusivity and the sources.
    - `rhs`: what they explain.
    """

    products: Float[np.ndarray, "wave function equation"]
    columns: Float[np.ndarray, "column equation"]
    rhs: Float[np.ndarray, " equation"]

    def left(self, found: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float:
        """The fraction of the right-hand side that weights of waves, functions and columns leave,
        root mean square."""
        along, of_flux, others = found
        explained = of_flux @ np.tensordot(along, self.products, 1) + others @ self.columns
        return float(np.linalg.norm(explained - self.rhs) / np.linalg.norm(self.rhs))


def weak_terms(
    target: Forward, field: Float[np.ndarray, "time field cells"]
) -> Float[np.ndarray, " coefficient"] | None:
    """The coefficients of a law of one field, in spreads, from frames at even times; `None` if it
    has neither source nor factor, or has kinks or stretches, or there are too few frames."""
    equations = _equations(target, field[:MOST_FRAMES])
    found = None if equations is None else _best_product(equations)
    if found is None:
        return None
    spread, places = np.asarray(target.spread), _used(target)
    waves = _waves(target, places)
    along, law = found[0], np.zeros(len(spread))
    log_factor = np.log(np.maximum(along @ waves, _LEAST_FACTOR))
    mean = log_factor.mean()
    of_waves = np.linalg.lstsq(waves[1:].T, log_factor - mean, rcond=None)[0]
    flux, diffusion, by_state, by_place, offset, factor, *_ = places
    law[factor] = of_waves / spread[factor]
    law[np.append(flux, offset)] = found[1] * np.exp(mean)
    law[np.concatenate([diffusion, by_state, by_place])] = found[2]
    return np.clip(law, -_MOST_SPREADS, _MOST_SPREADS)


def left_of_late(target: Forward, field: Float[np.ndarray, "time field cells"]) -> float | None:
    """The fraction of the weak form of the second half of the frames that a law leaves with its
    coefficients from the first half, root mean square; `None` where `weak_terms` is."""
    half = len(field) // 2
    early, late = (_equations(target, part) for part in (field[:half], field[half:]))
    if early is None or late is None or (found := _best_product(early)) is None:
        return None
    return late.left(found)


def _used(target: Forward) -> list[np.ndarray]:
    """The indices of the coefficients of each part that the law has."""
    spread = np.asarray(target.spread)
    return [place[spread[place] > 0.0] for place in _places(target.shape.sizes)]


def _waves(target: Forward, places: list[np.ndarray]) -> Float[np.ndarray, "wave cells"]:
    """One, and the modes of the factor of the flux."""
    shape = target.shape
    modes = np.asarray(shape.modes(jnp.asarray(target.settings.grid.centers())))
    own = modes[places[5] - sum(shape.sizes[:5])]
    return np.append(np.ones((1, modes.shape[1])), own, 0)


def _equations(target: Forward, field: Float[np.ndarray, "time field cells"]) -> _Equations | None:
    shape, spread, u = target.shape, np.asarray(target.spread), np.asarray(field[:, 0])
    places = _used(target)
    flux, diffusion, by_state, by_place, offset, factor, stretches, kinks = places
    few = u.shape[0] < FEWEST_FRAMES or u.shape[1] < FEWEST_CELLS
    further = len(by_state) + len(by_place) + len(factor)
    if few or len(shape.fields) > 1 or not further or len(stretches) + len(kinks):
        return None
    weak = WeakIntegrals(u.shape[0], u.shape[1], shape.modes.periodic)
    half = 0.5 * float(shape.upper[0] - shape.lower[0])
    v = (u - 0.5 * float(shape.upper[0] + shape.lower[0])) / half
    modes = np.asarray(shape.modes(jnp.asarray(target.settings.grid.centers())))

    def powers(degrees: np.ndarray, integrated: bool) -> np.ndarray:
        rows = np.eye(max(shape.diffusion, shape.by_state, 1))[degrees]
        each = [chebyshev.chebval(v, chebyshev.chebint(c) if integrated else c) for c in rows]
        return half * np.array(each).reshape(-1, *u.shape)

    begin = np.cumsum([0, *shape.sizes])
    of_flux, others = np.append(flux, offset), np.concatenate([diffusion, by_state, by_place])
    functions = np.append(np.asarray(shape.basis(jnp.asarray(u[None]))), np.ones((1, *u.shape)), 0)
    functions = half * functions[np.append(flux, np.full(len(offset), len(functions) - 1))]
    products = np.stack([weak(wave * functions, 0, 1) for wave in _waves(target, places)[:, None]])
    by_modes = half * modes[by_place - begin[3]][:, None] * np.ones_like(u)
    columns = np.concatenate(
        [
            weak(powers(diffusion - begin[1], True), 0, 2),
            weak(powers(by_state - begin[2], False), 0, 0),
            weak(by_modes, 0, 0),
        ]
    )
    return _Equations(
        products * spread[of_flux, None], columns * spread[others, None], -weak(u[None], 1, 0)[0]
    )


def _places(sizes: tuple[int, ...]) -> list[np.ndarray]:
    """The indices of each part of a vector of parts of these sizes."""
    return np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])


def _best_product(of: _Equations) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The weights a, b and c with which Σ a_m b_n P_mn + Σ c_k C_k is nearest to the target, with
    a_0 = 1; `None` if there are fewer equations than weights, or if the first wave is not in the
    product to begin with."""
    products, columns, target = of.products, of.columns, of.rhs
    waves, count, equations = products.shape
    if equations < waves - 1 + count + len(columns):
        return None
    every = np.concatenate([products.reshape(-1, equations), columns])
    found = np.linalg.lstsq(every.T, target, rcond=_SMALLEST)[0]
    if not count:
        return np.eye(waves)[0], found[:0], found
    left, sizes, right = np.linalg.svd(found[: waves * count].reshape(waves, count))
    if abs(left[0, 0]) < _LEAST_FACTOR:
        return None
    along, of_flux = left[:, 0] / left[0, 0], left[0, 0] * sizes[0] * right[0]

    def parts(x):
        return np.append(1.0, x[: waves - 1]), *np.split(x[waves - 1 :], [count])

    def rest(x):
        a, b, c = parts(x)
        return b @ np.tensordot(a, products, 1) + c @ columns - target

    def derivatives(x):
        a, b, _ = parts(x)
        by_wave = np.tensordot(b, products, (0, 1))[1:]
        return np.concatenate([by_wave, np.tensordot(a, products, 1), columns]).T

    begin = np.concatenate([along[1:], of_flux, found[waves * count :]])
    return parts(least_squares(rest, begin, derivatives, method="lm", max_nfev=_EVALUATIONS).x)
