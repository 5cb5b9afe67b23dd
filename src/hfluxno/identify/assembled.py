"""The forecast made of frames that fitted laws predict, with its status and checks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from hfluxno.forecast_checks import conservation_drift, left_observed_range
from hfluxno.forecaster import Forecast, continuation
from hfluxno.grid import Grid
from hfluxno.identify.status import FitStatus
from hfluxno.laws.base import ConservationLaw
from hfluxno.trajectory import Trajectory

UNSOLVABLE = (FitStatus.FAILED, FitStatus.CONSTANT)
_NOT_SOLVED = (
    "the fitted law could not be solved, or its solution left the observed range by more than ten "
    "times its width; the forecast repeats the last frame"
)


def assembled(
    context: Trajectory,
    start: Float[np.ndarray, "batch field *space"],
    frames: Float[np.ndarray, "batch time field *space"],
    solved: Sequence[bool],
    found: tuple[Any, ...],
    every: float | None,
    horizons: Sequence[str] | None = None,
    deviation: Float[np.ndarray, "batch time field *space"] | None = None,
) -> Forecast:
    """The forecast of `frames` from the states at their `start`, as of a batch.

    - `solved`: whether the law of each trajectory could be solved; else its last frame is repeated.
    - `found`: the identifications.
    - `every`: the time between two frames (see `forecast_times`).
    - `horizons`: what each sentence adds to that of the identification.
    - `deviation`: standard deviations of the frames.
    """
    sound = [ok or item.status in UNSOLVABLE for ok, item in zip(solved, found, strict=True)]
    sentences = tuple(
        (item.sentence if ok else _NOT_SOLVED) + more
        for item, ok, more in zip(found, sound, horizons or [""] * len(found), strict=True)
    )
    pairs = zip(found, sound, strict=True)
    status = np.array([int(item.status if ok else FitStatus.FAILED) for item, ok in pairs])
    backtest = np.array([item.backtest_error for item in found])
    lower, upper = (
        np.stack([np.asarray(getattr(item.law, end), float) for item in found])
        for end in ("lower", "upper")
    )
    first, inside = start, frames
    if context.grid.solid is not None:
        first, inside = (part[..., context.grid.free] for part in (start, frames))
    left = left_observed_range(inside, lower, upper)
    laws = [item.law for item in found if item.status not in UNSOLVABLE] or [found[0].law]
    kept = kept_by_walls(context.grid, laws[0])
    drift = conservation_drift(first[:, kept], inside[:, :, kept])
    trajectory = continuation(context, frames, every)
    return Forecast(trajectory, status, sentences, backtest, drift, left, found, deviation)


def kept_by_walls(grid: Grid, law: ConservationLaw) -> list[int]:
    """The fields that are not exchanged with walls: all but the momentum across them, or with walls
    inside all of it."""
    exchanged = {
        i
        for axis, sides in enumerate(grid.boundary)
        if grid.solid is not None or any(side.is_closed for side in sides)
        for i in law.along(axis).negated_fields
    }
    return [i for i in range(len(law.fields)) if i not in exchanged]
