"""Whether a conservation law explains a context: the statuses, and the rules behind them."""

import enum

import numpy as np

from hfluxno.forecast_checks import POOR
from hfluxno.grid import Grid
from hfluxno.identify.frames.select import last_fitted_frame
from hfluxno.identify.residuals.misfit import Misfit
from hfluxno.identify.residuals.noise import INDEPENDENT

# A total is not conserved if it drifts by more than this fraction of the field's mean size, and by
# more than its scatter explains.
_DRIFT = 2e-3
# A joint estimate is poor if its residual, treated as noise, exceeds this fraction of the change.
_POOR_JOINTLY = 0.3
# A residual above this multiple of the known noise is not noise if it also exceeds this fraction of
# the change, which scheme errors do not.
_BEYOND_NOISE = 1.5
_SMALL = 0.02
# A residual above this fraction of the deviation explains next to nothing: noise alone leaves it.
_NOTHING = 0.85
# Frames with more noise than this, in standard deviations, would suit any law, and further terms
# could only fit the noise.
MOST_NOISE = 0.7
# A flux that is uncertain by more than this fraction of it, at one standard deviation, is unknown.
_OPEN = 0.5


class FitStatus(enum.IntEnum):
    """Whether a conservation law explains the data."""

    OK = 0
    POOR_FIT = 1
    SOURCE_OR_LEAK = 2
    FAILED = 3
    CONSTANT = 4
    SYSTEMATIC_MISFIT = 5
    NOT_CHECKED = 6
    UNDETERMINED = 7

    @property
    def sentence(self) -> str:
        return {
            FitStatus.OK: "a conservation law explains the data",
            FitStatus.POOR_FIT: "no conservation law of the kinds tried explains the data well: a "
            "source term, an unobserved field, a flux that depends on place, a wrong boundary or "
            "noise may be the reason; do not trust the result",
            FitStatus.SOURCE_OR_LEAK: "a total changes more than a conservation law with this "
            "boundary allows: there is a source or a leak, the boundary condition is wrong, or the "
            "zero or gain of sensors drifts",
            FitStatus.FAILED: "no candidate could be fitted; the forecast repeats the last frame",
            FitStatus.CONSTANT: "a field of the context is constant, or nothing moves: nothing can "
            "be inferred from it; the forecast repeats the last frame",
            FitStatus.SYSTEMATIC_MISFIT: "the fitted law leaves a misfit that is not noise: "
            "dispersion, an unobserved field, a flux or source that depends on place or time, "
            "relaxation, a wrong boundary, or a flux too complex for the basis; do not trust the "
            "result",
            FitStatus.NOT_CHECKED: "the law was found in other data, and nothing in this context "
            "could be compared with it: there is one frame, or nothing moves",
            FitStatus.UNDETERMINED: "the measurements leave the law open: the standard deviation "
            "of its flux exceeds half of the flux; more sensors or frames, less noise or more "
            "movement are needed; do not trust the result",
        }[self]


# A law of fluxes with one of these does not explain a context, so further terms are tried.
UNEXPLAINED = (FitStatus.POOR_FIT, FitStatus.SOURCE_OR_LEAK, FitStatus.SYSTEMATIC_MISFIT)
# For a law that was not fitted to the context.
OF_GIVEN = {
    FitStatus.OK: "the given law explains the data",
    FitStatus.POOR_FIT: "the given law does not explain the data: they follow another law or are "
    "in other units, the boundary is wrong, or the noise is large; do not trust the result",
    FitStatus.SYSTEMATIC_MISFIT: "the given law leaves a misfit that is not noise: the data follow "
    "another law, the law was not known well enough, or the boundary is wrong; do not trust the "
    "result",
}


def total_drift(values: np.ndarray, grid: Grid, doubt: np.ndarray) -> tuple[np.ndarray, bool]:
    """The relative drift of each total over the context, and whether it is insignificant.

    On a periodic domain totals must not change. The drift is that of a straight line through the
    totals; scatter about it (noise) and drift below `doubt` are ignored: it is infinite for a field
    that has a source.
    """
    size = np.mean(np.abs(values), axis=(0, 2))
    totals = values.mean(axis=2) / np.where(size > 0.0, size, 1.0)
    frames = np.arange(len(totals), dtype=float)
    centred = frames - frames.mean()
    slope = centred @ totals / (centred @ centred)
    rest = totals - totals.mean(axis=0) - np.outer(centred, slope)
    scatter = np.sqrt(np.sum(rest**2, axis=0) / max(len(frames) - 2, 1) / (centred @ centred))
    drift = slope * (len(frames) - 1)
    if not grid.is_periodic():
        return drift, True
    significant = (np.abs(drift) > _DRIFT + doubt) & (np.abs(slope) > 5.0 * scatter)
    return drift, not bool(np.any(significant))


def status_of(
    error: float,
    residual: float,
    values: np.ndarray,
    persistence: float,
    conserved: bool,
    misfit: Misfit,
    seen: np.ndarray | None,
) -> FitStatus:
    """The status of a law, from its back-test error and its residual."""
    if not np.isfinite(error):
        return FitStatus.FAILED
    if not conserved:
        return FitStatus.SOURCE_OR_LEAK
    counted = np.ones(values.shape, bool) if seen is None else seen
    size = np.std(values, axis=(0, 2), where=counted)[:, None]
    change = float(np.sqrt(np.mean(((values - values[:1]) / size) ** 2, where=counted)))
    held_out = slice(last_fitted_frame(len(values), seen) + 1, None)
    predicted = np.mean(values[held_out] ** 2, where=counted[held_out])
    relative = misfit.noise * float(np.sqrt(np.mean(size**2) / predicted))
    unpredicted = exceeds(error, persistence, relative)
    if unpredicted or residual > _NOTHING or exceeds(residual, change, misfit.noise):
        return FitStatus.POOR_FIT
    if misfit.systematic:
        return FitStatus.SYSTEMATIC_MISFIT
    return FitStatus.OK


def joint_status(
    residual: float,
    change: float,
    misfit: Misfit,
    noise: float | None = None,
    in_noise: float | None = None,
    uncertainty: float = 0.0,
    conserved: bool = True,
) -> FitStatus:
    """The status of a joint estimate, from its misfit and the change, in standard deviations.

    Noise that was estimated from the residual cannot excuse a misfit that is a large part of the
    change, unless neighbouring values of it are independent and differences of the data show as
    much. Known `noise` can, but a misfit far above it is not noise; `in_noise` is the misfit with
    each value in units of its own noise. Nor is one that is a large part of the deviation beyond
    the noise that differences of the data show. The `uncertainty` is that of the flux, relative to
    it.
    """
    if not conserved:
        return FitStatus.SOURCE_OR_LEAK
    known = noise
    if known is None:
        # What differences of the data show, if nothing but noise is left.
        white = max(abs(misfit.in_time), abs(misfit.in_space)) < INDEPENDENT
        known = min(misfit.by_noise, 1.0) * residual if white else 0.0
    explained = max(residual**2 - known**2, 0.0) <= (_POOR_JOINTLY * change) ** 2
    if not explained or (noise is None and residual > _NOTHING):
        return FitStatus.POOR_FIT
    beyond = in_noise is not None and in_noise > _BEYOND_NOISE and residual > _SMALL * change
    # One sharp peak that passes makes any misfit a small part of the change, but not of the
    # deviation.
    by_noise = np.fmax(known / residual if residual > 0.0 else 0.0, misfit.by_noise)
    most = _POOR_JOINTLY * min(change, 1.0)
    unexplained = residual**2 * max(1.0 - by_noise**2, 0.0) > most**2
    if misfit.systematic or beyond or unexplained:
        return FitStatus.SYSTEMATIC_MISFIT
    return FitStatus.UNDETERMINED if uncertainty > _OPEN else FitStatus.OK


def exceeds(error: float, change: float, noise: float) -> bool:
    """Whether the error of a back-test or a fit is too large a fraction of the change. The noise of
    the frames is subtracted: the error contains that of one frame, the change that of two."""
    return bool(error**2 - noise**2 > POOR**2 * max(change**2 - 2.0 * noise**2, 0.0))
