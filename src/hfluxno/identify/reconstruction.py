"""The whole field behind measurements, over the time of the measurements."""

import dataclasses
from typing import TYPE_CHECKING

from hfluxno.contexts import as_trajectory
from hfluxno.forecaster import Forecast, check_steps
from hfluxno.identify.forecaster import FittedLawForecaster
from hfluxno.identify.identification import identify_all
from hfluxno.known import Noise
from hfluxno.reconstruction import Reconstruction
from hfluxno.trajectory import Trajectory

if TYPE_CHECKING:
    import xarray


def reconstruct(
    context: "Trajectory | xarray.DataArray",
    momentum: str | None = None,
    noise: Noise | None = None,
) -> Reconstruction:
    """The field behind measurements, estimated together with its law, its first state and its open
    ends (see `hfluxno.identify.joint`).

    **Arguments:**

    - `context`: NaN where nothing was measured; at any increasing times. Ends that are `open` are
      estimated.
    - `momentum`: the field that changes sign at a wall; inferred from two fields if it is `None`.
    - `noise`: the standard deviation of the noise, one for all fields, one for each, or one for
      each value (an array of the shape of the data, NaN where nothing was measured); estimated if
      it is `None`.

    **Raises:**

    - `ValueError`, if it is a batch, too little was measured, a field is constant, a noise is not
      positive, or no law could be solved.
    """
    trajectory: Trajectory = as_trajectory(context).with_deviation(noise)
    if trajectory.is_batched:
        raise ValueError(
            "A reconstruction takes one trajectory; reconstruct them one by one, as "
            "Trajectory.single(0)."
        )
    found = identify_all(trajectory, momentum, jointly=True)[0]

    def ahead(steps: int, every: float | None = None) -> Forecast:
        check_steps(steps)
        return FittedLawForecaster(every=every).advance(trajectory, (found,), int(steps))

    best = found.estimate
    if best is None:
        raise ValueError(f"The field cannot be reconstructed: {found.sentence}.")
    return Reconstruction(
        dataclasses.replace(trajectory.states, values=best.states, deviation=None, observation=()),
        best.spread,
        best.noise,
        best.ends,
        found,
        ahead,
    )
