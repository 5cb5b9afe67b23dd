"""Windows of frames over which joint estimates are made.

They grow from the first frames to all; the last quarter is held out by an estimate over the last
window but one, which predicts it.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfluxno.batching import on_all_cores
from hfluxno.fv.solve import MOST_STEPS
from hfluxno.identify.joint.dense import is_dense
from hfluxno.identify.joint.estimate import Estimate, spread_of, values_of
from hfluxno.identify.joint.fit import estimate, sizes
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.likely_waves import likely_waves
from hfluxno.identify.joint.starts import law_starts
from hfluxno.plural import plural
from hfluxno.trajectory import Trajectory

_OF_SENSORS = (0.2, 0.35, 0.5, 0.75, 1.0)
_OF_FRAMES = (0.4, 0.75, 1.0)
_FEWEST_FRAMES = 5
# The least increase of the logarithm of the evidence for which a richer law is chosen.
WORTH = 3.0
_MOST_ROUNDS = 4
# An estimate is lost if it leaves so much more than that of the window before; windows that differ
# by fewer frames are not divided.
_MUCH_MORE, _LEAST_GROWTH = 2.0, 4


def windows(context: Trajectory) -> tuple[int, ...]:
    """The numbers of frames of windows that grow from the first frames to all."""
    parts, frames = _OF_FRAMES if is_dense(context) else _OF_SENSORS, context.frames
    counts = sorted({min(frames, max(_FEWEST_FRAMES, round(part * frames))) for part in parts})
    return tuple(counts)


def held_out_from(frames: tuple[int, ...]) -> int:
    """The first frame that the last window but one does not have."""
    return (frames[-2:-1] or frames)[0]


def grown(
    forward: Forward,
    context: Trajectory,
    frames: tuple[int, ...],
    starts: list[Float[np.ndarray, " unknown"]] | None = None,
) -> Estimate | None:
    """The estimate over windows that grow from the first one, which decides among the starts: those
    of any context, or the laws of these, without their first state and ends."""
    if starts is None:
        likely = likely_waves(forward, context.window(0, frames[0]))
        starts = [*law_starts(forward, context), *likely]
    law = np.arange(forward.size) < len(forward.spread)
    starts = [np.where(law, z, 0.0) for z in starts]
    first = on_all_cores(
        lambda z: estimate(forward, context, frames[:1], start=z, quick=True), starts
    )
    usable = [each for each in first if each is not None]
    if not usable:
        return None
    best = max(usable, key=lambda each: each.evidence)
    before = frames[0]
    for window in frames[1:-1] or frames[:1]:
        best = _followed(best, context, before, window) or best
        before = window
    return estimate(forward, context, frames[-1:], best.noise, best.z)


def _followed(found: Estimate, context: Trajectory, before: int, window: int) -> Estimate | None:
    """The quick estimate over a window from that over the window before; by one in the middle if it
    is lost, that is misses far more: what enters then may be beyond all states that were seen."""

    def over(frames: int, start: Estimate) -> Estimate | None:
        return estimate(start.forward, context, (frames,), start.noise, start.z, quick=True)

    direct, middle = over(window, found), (before + window) // 2
    is_lost = direct is None or bool(np.any(direct.noise > _MUCH_MORE * found.noise))
    if not is_lost or window - before < _LEAST_GROWTH:
        return direct
    between = _followed(found, context, before, middle)
    again = None if between is None else _followed(between, context, middle, window)
    every = [each for each in (direct, again) if each is not None]
    return max(every, key=lambda each: each.evidence, default=None)


class Prediction(NamedTuple):
    """What would be measured, and its standard deviations because of the unknowns."""

    values: Float[np.ndarray, "time quantity cells"]
    spread: Float[np.ndarray, "time quantity cells"]


def predicted_late(
    chosen: Estimate, context: Trajectory, frames: tuple[int, ...]
) -> Prediction | None:
    """The measurements of a run of the chosen kind, estimated from the last window but one."""
    window = frames[-2:-1] or frames
    found = estimate(chosen.forward, context, window, chosen.noise, chosen.z, quick=True)
    if found is None:
        return None
    values, rows, _ = values_of(found.forward, found.z, context.times, MOST_STEPS)
    return Prediction(values, spread_of(rows, found.covariance))


def missed(predicted: Prediction | None, context: Trajectory, held_out: int) -> float:
    """The error of a prediction of the frames that are held out, in standard deviations of the
    quantities; infinite if there is none, or no such frame."""
    if predicted is None or not context.observed[held_out:].any():
        return np.inf
    away = np.asarray(predicted.values - context.values)[held_out:] / sizes(context)[:, None]
    return float(np.sqrt(np.mean(away**2, where=context.observed[held_out:])))


def settled(found: Estimate, context: Trajectory, frames: tuple[int, ...]) -> Estimate:
    """The estimate continued, as long as its evidence increases by what a richer law must: the
    number of evaluations is limited in a search."""
    for _ in range(_MOST_ROUNDS):
        again = estimate(found.forward, context, frames[-1:], found.noise, found.z)
        if again is None or again.evidence < found.evidence + WORTH:
            break
        found = again
    return found


class TooFewValuesError(ValueError):
    """There are fewer measured values than unknowns."""


def check_enough(base: Forward, context: Trajectory) -> None:
    """Raises `TooFewValuesError` if there are fewer measured values than unknowns."""
    law, first = int(np.sum(base.spread > 0.0)), base.first_modes.shape[0]
    ends = base.size - base.center.shape[0] - first
    unknowns, values = law + first + ends, int(context.observed.sum())
    if values < unknowns:
        raise TooFewValuesError(
            f"There are only {plural(values, 'measured value')} for {unknowns} unknowns ({law} of "
            f"the law, {first} of the first state, {ends} of the ends); give more frames or "
            "sensors, or fewer cells."
        )
