"""Laws of fewer terms than one that explains the measurements.

Without some unknowns d (z_d = 0, the mean of their prior) the logarithm of the evidence changes by

    -½ z_dᵀ C_dd⁻¹ z_d - ½ ln det C_dd,

with their estimate z_d and its covariance C_dd (the Savage–Dickey ratio: Dickey, Annals of
Mathematical Statistics 42, 1971, 204-223, for Laplace's approximation), and the others become
z_f - C_fd C_dd⁻¹ z_d. So a single estimate tells which law of fewer terms is more probable.

The evidence takes errors of the scheme for noise, and a flux of a higher degree may fit some of
them. Where no finer grid tells, as between a few sensors, what it explains beyond a simpler one
must be more than this error.
"""

import dataclasses
import itertools

import numpy as np
from jaxtyping import Float, Int

from hfluxno.identify.joint.estimate import Estimate, difference, nearby
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.forward_runs import states_at
from hfluxno.identify.joint.kind import Kind
from hfluxno.trajectory import Trajectory

# The degree of a flux that goes on beyond the observed range, and how far, in widths of it.
_PARABOLA, _REACH = 2, 0.5


def simpler(
    found: Estimate, kind: Kind, without_flux: bool
) -> tuple[Kind, Float[np.ndarray, " unknown"]] | None:
    """The kind with a flux, diffusivity and source of lower degrees that should have the highest
    evidence, and the estimate to start it from; `None` if that is the kind itself, or if the law is
    one of several fields. Whether there may be no flux at all: `without_flux`."""
    if len(found.forward.shape.fields) > 1 or kind.kinks:
        return None
    # Diffusion can do without a flux, if nothing multiplies it.
    may_lack = without_flux and kind.diffusion and not (kind.flux_modes or kind.stretches)
    sizes = range(0 if may_lack else 1, kind.size + 1)
    terms = range(min(kind.by_state, 1), kind.by_state + 1)
    diffusion = range(min(kind.diffusion, 1), kind.diffusion + 1)
    best, gain = None, 0.0
    for size, by_state, degree in itertools.product(sizes, terms, diffusion):
        other = dataclasses.replace(kind, size=size, by_state=by_state, diffusion=degree)
        lost = _terms_lost(found.forward, kind, other)
        if not len(lost):
            continue
        z, C = found.z[lost], found.covariance[np.ix_(lost, lost)]
        change = -0.5 * float(z @ np.linalg.solve(C, z) + np.linalg.slogdet(C)[1])
        if change > gain:
            best, gain = (other, lost), change
    if best is None:
        return None
    return best[0], _without(found, best[1])


def of_degree(found: Estimate, kind: Kind, size: int) -> tuple[Kind, Float[np.ndarray, " unknown"]]:
    """The kind with a flux of a lower degree, and the estimate to start it from."""
    other = dataclasses.replace(kind, size=size)
    return other, _without(found, _terms_lost(found.forward, kind, other))


def _without(found: Estimate, lost: Int[np.ndarray, " lost"]) -> Float[np.ndarray, " unknown"]:
    step = np.linalg.solve(found.covariance[np.ix_(lost, lost)], found.z[lost])
    return found.z - found.covariance[:, lost] @ step


def misses_no_more(plain: Estimate, rich: Estimate, context: Trajectory) -> bool:
    """Whether a plainer law misses no more than a richer one and the error e of its scheme,

        Σ w (r² - r_rich²) < Σ w e²,    w = 1/(σ² + e²),

    over all measured values, with the noise σ that the richer one leaves. Without these weights e
    at a few jumps, where it is as large as they are, would excuse what is missed elsewhere."""
    fields = len(plain.forward.shape.fields)
    states = states_at(plain.forward, plain.z, plain.times)
    away = difference(plain.forward, plain.z, plain.times, states)
    squares = nearby(plain.forward, away) ** 2
    weights = 1.0 / (_missed(rich, context, fields)[1] + squares)
    more = _missed(plain, context, fields)[0] - _missed(rich, context, fields)[0]
    seen = np.asarray(context.observed)[:, :fields]
    return bool(np.sum(weights * (more - squares), where=seen) < 0.0)


def _missed(found: Estimate, context: Trajectory, fields: int):
    """The squares of what is missed, and the mean of each field."""
    away = (found.observed(context.times) - np.asarray(context.values))[:, :fields] ** 2
    return away, np.nanmean(away, axis=(0, 2))[:, None]


def reaching(found: Estimate, kind: Kind) -> Estimate:
    """The same with a parabola, if that is all the flux needs, some way beyond the observed range:
    a queue that grows at a ramp becomes denser than any before. Other terms that depend on the
    state are known in this range alone."""
    if kind.size != _PARABOLA or kind.kinks or kind.by_state or kind.diffusion > 1:
        return found
    shape = dataclasses.replace(found.forward.shape, reach=np.asarray(_REACH))
    return dataclasses.replace(found, forward=dataclasses.replace(found.forward, shape=shape))


def _terms_lost(forward: Forward, kind: Kind, other: Kind) -> Int[np.ndarray, " lost"]:
    """The indices of the free coefficients that the other kind of law of one field lacks."""
    flux, diffusion, by_state, source, offset, *_ = forward.shape.sizes
    begin = np.cumsum([0, flux, diffusion, by_state, source])
    lost = [
        np.arange(begin[0] + other.size, begin[0] + kind.size),
        np.arange(begin[1] + other.diffusion, begin[1] + kind.diffusion),
        np.arange(begin[2] + other.by_state, begin[2] + kind.by_state),
        np.arange(begin[4], begin[4] + (offset if other.size == 0 else 0)),
    ]
    found = np.concatenate(lost)
    return found[forward.spread[found] > 0.0]
