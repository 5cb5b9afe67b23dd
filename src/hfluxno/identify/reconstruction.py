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
from hfluxno.identify.saved.forecaster import FoundLaw, as_law, check_use
from hfluxno.identify.saved.given import given_identifier
from hfluxno.identify.saved.law import SavedLaw
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
    law: FoundLaw | None = None,
) -> Reconstruction: ...
@overload
def reconstruct(
    context: NDArray[Any],
    momentum: str | None = None,
    noise: Noise | None = None,
    every: float | None = None,
    law: FoundLaw | None = None,
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
    law: FoundLaw | None = None,
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
    - `law`: a law found in other data of the same fields (an identification, what `load_law`
      returned, or the name of its file), which is not inferred again; two frames are enough then.
    - `times`, `grid`, `fields`: for an array, of shape (time, x) or (time, field, x).

    **Raises:**

    - `ValueError`, if it is a batch, too little was measured, a field is constant, a noise is not
      positive, no law could be solved, `every` is not positive, longer than the context or so
      small that the states do not fit in memory, or a `law` is of other fields, axes or units.
    - `OSError`, if the file of the law cannot be read.
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
    if law is None:
        found = identify_all(trajectory, momentum, jointly=True)[0]
    else:
        found = _with_law(law, trajectory, momentum)

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


def _with_law(law: FoundLaw, context: Trajectory, momentum: str | None) -> Identification:
    """First state and ends, estimated with a law that is not."""
    saved = as_law(law)
    check_use(saved, context)
    if context.frames < 2:
        raise ValueError("A reconstruction with a given law needs at least two frames.")
    if not isinstance(saved, SavedLaw) or saved.change is not None:
        raise ValueError(
            "Only fields on a line are reconstructed, with the law of the measured fields; this "
            "law is of others, so infer one without it."
        )
    return given_identifier(saved, context, momentum, jointly=True)(slice(None))[0]


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
