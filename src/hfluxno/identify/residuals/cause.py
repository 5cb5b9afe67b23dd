"""The term that is missing if no conservation law explains a context.

In the weak form (`hfluxno.parametric.weak_form`) with smooth test functions ψ, every term beside
flux and diffusion is a few columns of a linear system:

    ∫∫ u ψ_t + f(u) ψ_x + N(u) ψ_xx + (missing term) dx dt = 0

| missing term | columns |
|---|---|
| dispersion, δ ∂xxx u | u ψ_xxx |
| a fourth derivative, -κ ∂xxxx u | u ψ_xxxx |
| a source that depends on the state | ψ, u ψ, u² ψ, u³ ψ |
| a source that depends on time | ψ, τ ψ, τ² ψ |
| a source that depends on place | modes(x) ψ |
| a flux that depends on time | τ f(u) ψ_x, τ² f(u) ψ_x |
| a flux that depends on place | modes(x) f(u) ψ_x, modes(x) u ψ_x |
| a diffusivity that depends on place | u ∂x (modes(x) ψ_x) |
| a delayed reaction, T ∂t(∂t u + ∂x g(u)) | u ψ_tt, f(u) ψ_xt, u ψ_xt |
| ends that are not periodic | δ(x) τ^k ψ, δ(x) τ^k ψ_x, k = 0, 1, 2 |

with f(u) the flux that alone explains the most, and τ the time. The share that a group explains is
1 - s²/s₀², where s and s₀ are the residuals with and without it, each per degree of freedom, which
penalises many columns. The flux is a polynomial and nothing is simulated, so this takes
milliseconds and does not depend on the fit.

A source that draws a field towards a mean that does not change is what diffusion looks like that is
no second derivative, such as a fractional one. Sources whose integral happens to vanish throughout
are rare, so it alone is not named.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from hfluxno.coordinates import is_vacuum
from hfluxno.identify.residuals.both_ways import both_ways
from hfluxno.identify.residuals.missing import (
    BY_PLACE,
    BY_STATE,
    BY_TIME,
    DISPERSION,
    LATE,
    NAMED,
    UNOBSERVED,
    Cause,
)
from hfluxno.parametric.weak_integrals import WeakIntegrals
from hfluxno.wild_values import noise_alone

# The minimum of frames and cells.
_FEWEST_FRAMES, _FEWEST_CELLS = 10, 24
# The first ones tell enough; the work is that of their square.
_MOST_FRAMES = 400
# Values per independent equation: a quarter of the smallest support.
_VALUES = 9 * 17 / 4
# With fewer degrees of freedom left a group would explain anything.
_FEWEST_FREE = 5
_DEGREE, _DEGREE_OF_SEVERAL, _MODES = 6, 3, 4
# A smaller residual of flux and diffusion, relative to ∫∫ u ψ_t, may be the error of the
# quadrature, which is up to .03 for laws. That in time looks like a delayed reaction (u ψ_tt); of
# the rest, other terms explained .7 at most on 45 contexts of laws, and dispersion more than .98
# where it was the cause.
_LITTLE, _NEARLY_ALL = 0.04, 0.95
# Of causes with residuals up to twice that of the best,
# for a single column of a hundredth, which may be the error of the quadrature, the one with the
# fewest columns is chosen: of two solitons dispersion explained .995, a flux by place all.
_ALIKE, _ALL = 2.0, 0.01
# Below this, what flux and diffusion leave may be the error of the quadrature. Above it a flux that
# depends on time explained .77 to 1 of seven contexts that have one and .52 of another, .53 of one
# with a hidden field, and .31 at most of 188 others, all by other solvers.
_NOT_QUADRATURE = 0.02
_ROUNDING = 1e-12
_TIMED, _DIFFUSIVITY = "a flux that depends on time", "a diffusivity that depends on place"
# The mean is the same throughout if it changes by less than this part of the mean change, or by no
# more than noise, which may be this part; one this small, in deviations, is the zero of a decay.
_KEPT, _BY_NOISE, _ZERO = 1e-3, 0.02, 0.1


def likely_cause(
    values: Float[np.ndarray, "time field cells"], fields: Sequence[str], periodic: bool
) -> Cause | None:
    """The likely cause of the misfit of complete frames at equal intervals, or `None` if flux and
    diffusion explain them in the weak form, or there are too few."""
    found = _of_each(values, fields, periodic)
    if not found:
        return None
    cause = max(found, key=lambda each: each.left)
    name = cause.term
    by_one_term = name != LATE and cause.shares.get(name, 0.0) > _NEARLY_ALL
    return cause if cause.left > _LITTLE or by_one_term else None


def shares_in_weak_form(
    values: Float[np.ndarray, "time field cells"], periodic: bool
) -> tuple[float, float]:
    """The largest shares, over the fields, of the residual of flux and diffusion that dispersion
    and a flux that depends on time explain, in complete frames at equal intervals; 0 if there are
    too few, the latter also if the residual may be the error of the quadrature."""
    fields = [str(i) for i in range(values.shape[1])]
    found = _of_each(values, fields, periodic)
    dispersion = [each.shares[DISPERSION] for each in found]
    timed = [each.shares[_TIMED] for each in found if each.left > _NOT_QUADRATURE]
    return max([0.0, *dispersion]), max([0.0, *timed])


def may_disperse(
    values: Float[np.ndarray, "time field cells"], periodic: bool, least: float = 0.0
) -> bool:
    """Whether the cause of the misfit of a field may be dispersion (see `Cause`), which flux and
    diffusion leave more than `least` of in the weak form."""
    fields = [str(i) for i in range(values.shape[1])]
    found = _of_each(values, fields, periodic)
    return any(each.may_be_dispersion and each.left > least for each in found)


def _of_each(
    values: Float[np.ndarray, "time field cells"], fields: Sequence[str], periodic: bool
) -> list[Cause]:
    """The cause for each field; none if there are too few frames or cells, or a constant field."""
    values = values[:_MOST_FRAMES]
    frames, _, cells = values.shape
    if frames < _FEWEST_FRAMES or cells < _FEWEST_CELLS:
        return []
    deviation = np.std(values, axis=(0, 2))
    if np.any(deviation <= _ROUNDING * np.max(np.abs(values), axis=(0, 2))):
        return []
    points = _at_centres(values, periodic)
    middle = np.mean(points, axis=(0, 2))[:, None]
    largest = np.max(np.abs(points - middle), axis=(0, 2))[:, None]
    scaled, middles = (points - middle) / largest, (middle / largest)[:, 0]
    functions = _functions(points, scaled)
    return [
        _of_field(i, fields[i], scaled, middles[i], functions, periodic, values.size / len(fields))
        for i in range(len(fields))
    ]


def _at_centres(
    means: Float[np.ndarray, "time field cells"], periodic: bool
) -> Float[np.ndarray, "time field cells"]:
    """The values at the centres of cells, ū - δ²ū/24 + O(Δx⁴), from their means ū: a flux of means
    is not the mean of a flux, and where waves steepen this would hide weak dispersion."""
    ends = [(0, 0), (0, 0), (1, 1)]
    # Lines continued beyond open ends have no second difference there.
    around = (
        np.pad(means, ends, mode="wrap")
        if periodic
        else np.pad(means, ends, mode="reflect", reflect_type="odd")
    )
    return means - np.diff(around, 2, axis=-1) / 24.0


def _of_field(
    i: int,
    name: str,
    scaled: Float[np.ndarray, "time field cells"],
    middle: float,
    functions: Float[np.ndarray, "function time cells"],
    periodic: bool,
    number: float,
) -> Cause:
    """The cause for field i, of which `middle` was subtracted."""
    u = scaled[:, i]
    weak = WeakIntegrals(u.shape[0], u.shape[1], periodic)
    target = -weak(u[None], 1, 0)[0]
    base = np.concatenate([weak(functions, 0, 1), weak(np.stack([u, u**2, u**3]), 0, 2)])
    coefficients, rest = _fitted(base, target)
    flux = np.tensordot(coefficients[: len(functions)], functions, 1)
    equations = number / _VALUES

    def variance(columns: np.ndarray, rest: float) -> float:
        return rest / max(equations - len(columns), 1.0)

    alone, groups = variance(base, rest), _groups(weak, i, scaled, flux, periodic)
    left, compared, keeps = {}, True, False
    for cause, columns in groups.items():
        all_columns = np.concatenate([base, columns])
        if equations < len(all_columns) + _FEWEST_FREE:
            left[cause], compared = 1.0, False
            continue
        found, unexplained = _fitted(all_columns, target)
        left[cause] = variance(all_columns, unexplained) / alone
        if cause == BY_STATE:
            keeps = _draws_to_mean(found[len(base) :], _states(scaled, i), u, middle)
    most = _ALIKE * min(left.values())
    likely = [
        cause
        for cause, part in left.items()
        if part <= (max(most, _ALL) if len(groups[cause]) == 1 else most)
    ]
    # Where little moves, a diffusivity imitates a source by place, which has one column more.
    best = min(likely, key=lambda cause: len(groups[cause]) + 2 * (cause == _DIFFUSIVITY))
    keeps = keeps and best == BY_STATE
    shares = {cause: 1.0 - part for cause, part in left.items()}
    total = float(np.sqrt(rest / np.sum(target**2)))
    named = best if shares[best] >= NAMED and not keeps else ""
    both = both_ways(u, weak, equations) if len(scaled[0]) == 1 and total > _LITTLE else 0.0
    if both > 0.0:
        named, keeps = UNOBSERVED, False
    return Cause(name, total, shares, named, compared, keeps, both)


def _states(scaled: Float[np.ndarray, "time field cells"], i: int) -> np.ndarray:
    """The functions of a source of field i that depends on the state."""
    u = scaled[:, i]
    return np.stack([np.ones_like(u), *_each(scaled), u**2, u**3])


def _draws_to_mean(
    coefficients: np.ndarray, functions: np.ndarray, u: np.ndarray, middle: float
) -> bool:
    """Whether a source draws a field towards its mean, which does not change and is not zero; u is
    scaled, and `middle` the mean before, in the same units."""
    means, moved = u.mean(axis=1), float(np.max(np.mean(np.abs(u - u[:1]), axis=1)))
    of_noise = 4.0 * np.sqrt(2.0 / u.shape[1]) * np.nan_to_num(noise_alone(u))
    most = max(_KEPT * moved, min(of_noise, _BY_NOISE * moved))
    if np.max(np.abs(means - means[0])) > most or abs(middle) < _ZERO * np.std(u):
        return False
    source = np.tensordot(coefficients, functions, 1)
    return bool(np.sum(source * (u - means[:, None])) < 0.0)


def _groups(weak, i, scaled, flux, periodic) -> dict[str, Float[np.ndarray, "column equation"]]:
    """The columns of each cause."""
    u, one = scaled[:, i], np.ones_like(flux)
    tau = np.linspace(-1.0, 1.0, len(flux))[:, None] * one
    x = (np.arange(flux.shape[1]) + 0.5) / flux.shape[1]
    numbers = (2.0 if periodic else 1.0) * np.pi * np.arange(1, _MODES + 1)
    modes = [wave(k * x) * one for k in numbers for wave in (np.cos, np.sin)]
    slopes = [k * wave for k in numbers for wave in (-np.sin(k * x), np.cos(k * x))]
    in_cells = np.stack(slopes)[:, None] / len(x)
    groups = {
        DISPERSION: weak(u[None], 0, 3),
        "a fourth derivative": weak(u[None], 0, 4),
        BY_STATE: weak(_states(scaled, i), 0, 0),
        BY_TIME: weak(np.stack([one, tau, tau**2]), 0, 0),
        BY_PLACE: weak(np.stack([one, *modes]), 0, 0),
        _TIMED: weak(np.stack([tau * flux, tau**2 * flux]), 0, 1),
        "a flux that depends on place": weak(
            np.stack([mode * part for mode in modes for part in (flux, u)]), 0, 1
        ),
        _DIFFUSIVITY: weak(in_cells * u, 0, 1) + weak(np.stack(modes) * u, 0, 2),
        LATE: np.concatenate([weak(u[None], 2, 0), weak(np.stack([flux, u]), 1, 1)]),
    }
    if periodic:
        seam = np.stack([tau**k * (np.arange(len(x)) == 0) for k in range(3)])
        groups["ends that are not periodic"] = np.concatenate([weak(seam, 0, 0), weak(seam, 0, 1)])
    return groups


def _each(scaled: Float[np.ndarray, "time field cells"]) -> list[np.ndarray]:
    return [scaled[:, k] for k in range(scaled.shape[1])]


def _functions(
    values: Float[np.ndarray, "time field cells"], scaled: Float[np.ndarray, "time field cells"]
) -> Float[np.ndarray, "function time cells"]:
    """Polynomials of the fields, and products of two divided by a positive third."""
    each, count = _each(scaled), scaled.shape[1]
    if count == 1:
        powers = np.polynomial.chebyshev.chebvander(each[0], _DEGREE)
        return np.moveaxis(powers, -1, 0)[1:]
    products = [
        np.prod(chosen, axis=0)
        for degree in range(1, _DEGREE_OF_SEVERAL + 1)
        for chosen in itertools.combinations_with_replacement(each, degree)
    ]
    for k in range(count):
        if not is_vacuum(values[:, k]).any():
            quotients = values / values[:, k : k + 1]
            products += [
                quotients[:, m] * values[:, n] / np.max(np.abs(values[:, n]))
                for m, n in itertools.combinations_with_replacement(range(count), 2)
                if k not in (m, n)
            ]
    return np.stack(products)


def _fitted(columns: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
    """The coefficients of the columns that fit the target best, and the residual sum of squares."""
    coefficients = np.linalg.lstsq(columns.T, target, rcond=1e-10)[0]
    return coefficients, float(np.sum((target - coefficients @ columns) ** 2))
