"""The measures of a misfit."""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.identify.residuals.delays import SpeedChange, changes_of_speed, other_times
from hfluxno.identify.residuals.explained import Unexplained
from hfluxno.identify.residuals.misfit import UNKNOWN, Misfit
from hfluxno.identify.residuals.noise import correlation, noise_level, ratio, rms

# Of a misfit that is mostly noise, the fraction beyond noise counts if the change is as certain as
# that, in variances. Of 76 contexts of laws with 1 and 3 % noise (seeds 61 and 62) one was, and the
# change explained .18; of 24 of roads whose speed changes 11 were, and .31 to 1 in ten of them.
_CERTAIN = 75.0
# Beside other unknowns, which leave less to chance, this is as certain, if speeds change by
# `_SLOWING` or more to either side. Of 96 contexts of laws with 1 and 3 % noise (seeds 76 and 77)
# none is flagged for it, of 48 of roads whose speed changes 28 are. Without these unknowns it was
# 23 of 48 (seeds 71 and 72).
_CERTAIN_BESIDE = 25.0
# What chance makes of a² in units of its variance, with some certainty.
_BY_CHANCE = 4.0
# The same of dispersion, in cells³ per frame: of 48 contexts of laws without diffusion with 1 and
# 3 % noise (seed 74) it was as certain in one, with .022, the dispersion of the scheme; of 22 of
# dispersive waves that were `OK` nine are flagged.
CERTAIN_DISPERSION, _BY_SCHEMES = 42.0, 0.05
# A sudden change, the most certain of several, counts if it is as certain as that.
_CERTAIN_SUDDEN = 25.0
# In standard deviations; of counts of 5 to 60 that dispersion seemed to explain it was .39.
TOO_NOISY = 0.2
# Noise of the first frame is carried along, so neighbouring frames share at most that much of it;
# the rest allows for chance.
_NOISE_ALLOWANCE = 1.5
_CELLS = 5
# The median frame of as many is missed by noise if it is by less than this times.
_FEWEST_FRAMES, _LIKE_NOISE = 8, 1.5
# A field that varies by less than this fraction of its size is constant.
_ROUNDING = 1e-12


def measure(
    simulated: Float[np.ndarray, "time field cells"],
    observed: Float[np.ndarray, "time field cells"],
    times: Float[np.ndarray, " time"] | None = None,
) -> Misfit:
    """The measures of `simulated` minus `observed`, both beginning with the first frame; at equal
    intervals if no `times` are given. Of a run that failed only the noise of the data is known."""
    deviation = np.std(observed, axis=(0, 2))
    varies = deviation > _ROUNDING * np.max(np.abs(observed), axis=(0, 2))
    scale = np.where(varies, deviation, 1.0)[:, None]
    e = ((simulated - observed) / scale)[1:, varies]
    data = (observed / scale)[:, varies]
    size, noise, third = rms(e), noise_level(data), max(1, len(e) // 3)
    if not np.isfinite(size):
        return dataclasses.replace(UNKNOWN, noise=noise)
    timing, odd_frame = other_times(simulated[:, varies], observed[:, varies], times)
    change = changes_of_speed(simulated[:, varies], observed[:, varies], times)
    return Misfit(
        size=size,
        of_motion=ratio(size, rms(data[1:] - data[:1])),
        in_time=correlation(e[1:], e[:-1]),
        in_space=correlation(e[..., 1:], e[..., :-1]),
        growth=ratio(rms(e[-third:]), rms(e[:third])),
        noise=noise,
        shared=_shared(e[-max(2, third) :], noise),
        changing=change.gradual.fraction(_CERTAIN),
        timing=timing,
        odd_frame=odd_frame,
        sudden=change.sudden.fraction(_CERTAIN_SUDDEN),
        slower=change.sudden.a,
        slower_from=change.frame,
        at_end=_at_end(e, noise),
    )


def beside_unknowns(
    found: Misfit,
    simulated: Float[np.ndarray, "time field cells"],
    observed: Float[np.ndarray, "time field cells"],
    beside: Float[np.ndarray, "unknown time-1 field cells"],
    dispersed: Float[np.ndarray, "time-1 field cells"] | None = None,
    carried: bool = False,
) -> Misfit:
    """The same with a change of speed, and what `dispersed` as a derivative of the frames explains,
    beside the derivatives with respect to other unknowns. The run may have `carried` the noise of
    the first frame along, which then doubles the variance of the misfit."""
    noisy = np.sqrt(2.0) if carried else 1.0
    change = changes_of_speed(simulated, observed, beside=beside, noisy=noisy)
    measured = with_speed_change(found, change)
    if dispersed is None:
        return measured
    scale, count = np.std(observed, axis=(0, 2))[:, None], len(beside)
    others, missed = (beside / scale).reshape(count, -1), (observed - simulated)[1:] / scale
    noise = noise_level(observed / scale)
    by = Unexplained(missed.ravel(), others, noisy * noise).by((dispersed / scale).ravel())
    counts = by.certainty > CERTAIN_DISPERSION and abs(by.a) > _BY_SCHEMES
    # A run from a frame of so much noise has waves of its own.
    counts = counts and noise < TOO_NOISY
    return dataclasses.replace(measured, dispersing=by.beyond_noise if counts else 0.0)


def with_speed_change(
    found: Misfit, change: SpeedChange, certain: float = _CERTAIN_BESIDE
) -> Misfit:
    """The same with a change of speed that was judged beside other unknowns, and counts beyond
    noise if it is this `certain`."""
    gradual, sudden = change.gradual, change.sudden
    not_by_chance = 1.0 - _BY_CHANCE / max(gradual.certainty, _BY_CHANCE)
    return dataclasses.replace(
        found,
        changing=gradual.fraction(certain),
        beside=True,
        slowing=gradual.a,
        likely=not_by_chance * np.sqrt(gradual.beyond_noise),
        sudden=sudden.fraction(_CERTAIN_SUDDEN),
        slower=sudden.a,
        slower_from=change.frame,
    )


def _at_end(e: np.ndarray, noise: float) -> float:
    # What was not measured is not missed.
    counts = np.maximum(np.count_nonzero(e, axis=(1, 2)), 1)
    by_frame = np.sqrt(np.sum(e**2, axis=(1, 2)) / counts)
    usual = float(np.median(by_frame))
    if len(e) < _FEWEST_FRAMES or usual > _LIKE_NOISE * noise:
        return 0.0
    return ratio(float(np.min(by_frame[-2:])), usual)


def _shared(e: np.ndarray, noise: float) -> float:
    if len(e) < 2:
        return 0.0
    means = np.mean(np.lib.stride_tricks.sliding_window_view(e, _CELLS, axis=2), axis=3)
    common = np.mean(means[1:] * means[:-1])
    return float(np.sqrt(max(0.0, common - _NOISE_ALLOWANCE * noise**2 / _CELLS)))
