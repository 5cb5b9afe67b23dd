"""The whole field behind measurements, over the time of the measurements."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import interp1d

from hfluxno.contexts import as_trajectory
from hfluxno.forecaster import Forecast, check_forecast_memory, check_steps
from hfluxno.grid import Grid
from hfluxno.identify.beside_the_law import explains, misfit_between
from hfluxno.identify.forecaster import FittedLawForecaster
from hfluxno.identify.identification import identify_all
from hfluxno.identify.result import Identification
from hfluxno.known import Noise
from hfluxno.memory import check_memory
from hfluxno.plural import plural
from hfluxno.reconstruction import Reconstruction, count_of_even_times, even_times
from hfluxno.rounding import rounding_error
from hfluxno.trajectory import Trajectory

if TYPE_CHECKING:
    import xarray

# Of a frame: runs of an ensemble, and derivatives along some hundred directions.
_COPIES = 200


@overload
def reconstruct(
    context: "Trajectory | xarray.DataArray",
    momentum: str | None = None,
    noise: Noise | None = None,
    every: float | None = None,
) -> Reconstruction: ...
@overload
def reconstruct(
    context: NDArray[Any],
    momentum: str | None = None,
    noise: Noise | None = None,
    every: float | None = None,
    *,
    times: ArrayLike,
    grid: Grid,
    fields: Sequence[str] | None = None,
) -> Reconstruction: ...
def reconstruct(
    context: Any,
    momentum: str | None = None,
    noise: Noise | None = None,
    every: float | None = None,
    *,
    times: Any = None,
    grid: Grid | None = None,
    fields: Sequence[str] | None = None,
) -> Reconstruction:
    """The field behind measurements, estimated together with its law, its first state and its open
    ends (see `hfluxno.identify.joint.fit`). If no law explains the measurements, the field follows
    them: what the law misses is interpolated (see `hfluxno.identify.beside_the_law`).

    **Arguments:**

    - `context`: a trajectory, a DataArray (periodic) or an array with its times and grid; NaN where
      nothing was measured; at any increasing times. Ends that are `open` are estimated.
    - `momentum`: the field that changes sign at a wall; inferred from two fields if it is `None`.
    - `noise`: the standard deviation of the noise, one for all fields, one for each, or one for
      each value (an array of the shape of the data, NaN where nothing was measured); estimated if
      it is `None`.
    - `every`: states at even times so far apart, from the first measurement to the last, instead of
      those at the times of the measurements.
    - `times`, `grid`, `fields`: for an array, of shape (time, x) or (time, field, x).

    **Raises:**

    - `ValueError`, if it is a batch, too little was measured, a field is constant, a noise is not
      positive, no law could be solved, or `every` is not positive, longer than the context or so
      small that the states do not fit in memory.
    """
    trajectory = as_trajectory(context, times, grid, fields).with_deviation(noise)
    if trajectory.is_batched:
        raise ValueError(
            "A reconstruction takes one trajectory; reconstruct them one by one, as "
            "Trajectory.single(0)."
        )
    at = np.asarray(trajectory.times, float)
    if every is not None:
        frames = count_of_even_times(at, every)
        what, size = f"A reconstruction of {plural(frames, 'frame')}", trajectory.batch[:, 0].size
        check_memory(_COPIES * frames, size, what, "choose a larger time between two frames")
        at = even_times(at, every)
    found = identify_all(trajectory, momentum, jointly=True)[0]

    best = found.estimate
    if best is None:
        why = found.sentence.replace("; the forecast repeats the last frame", "")
        raise ValueError(f"The field cannot be reconstructed: {why}.")
    if every is None:
        states, spread, ends = best.states, best.spread, best.ends
    else:
        states, spread, ends = best.within(best.forward.scale.frames(at))
    follows = not explains(found)
    if follows:
        added, deviation = misfit_between(found, trajectory)
        states = states + _at_times(added, trajectory, at)
        states = states if trajectory.bounds is None else np.clip(states, *trajectory.bounds)
        uncertain = _at_times(deviation, trajectory, at)
        spread = np.where(np.isfinite(uncertain), uncertain, spread)
    spread = np.hypot(spread, rounding_error(np.asarray(trajectory.states.values))[:, None])
    field = dataclasses.replace(
        trajectory.states, values=states, times=at, deviation=None, observation=()
    )
    ahead = functools.partial(_ahead, trajectory, found)
    return Reconstruction(field, spread, best.noise, ends, found, ahead, follows)


def _at_times(
    frames: Float[np.ndarray, "time field cells"],
    context: Trajectory,
    at: Float[np.ndarray, " even"],
) -> Float[np.ndarray, "even field cells"]:
    """Frames at the times of the context, linear between them."""
    times = np.asarray(context.times, float)
    return interp1d(times, frames, axis=0)(np.clip(at, times[0], times[-1]))


def _ahead(
    context: Trajectory, found: Identification, steps: int, every: float | None = None
) -> Forecast:
    check_steps(steps)
    check_forecast_memory(int(steps), context.batch[:, 0].size)
    return FittedLawForecaster(every=every).advance(context, (found,), int(steps))
