"""What was measured of a run: the map from its states to the measured values.

    y = H_n(… H_2(H_1(u)))

A [`Trajectory`][hfluxno.trajectory.Trajectory] carries the steps H as a tuple, which are applied
in its order: what is measured ([`Flow`][hfluxno.observation.Flow]), then where
([`Points`][hfluxno.observation.Points]), then when ([`TimeMean`][hfluxno.observation.TimeMean]).
Without any step it is the identity: averages over cells, at the times of the trajectory. Which
cells were seen is no step; the others are NaN. Derivatives follow from a step, which is written in
JAX.
"""

import abc
import dataclasses
from collections.abc import Iterable
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Of an interval of time: in five parts the values at their middles, of which one is its own.
_PARTS = 5


def _number(number: float | np.ndarray) -> np.ndarray:
    return np.asarray(number, float)


class Run(eqx.Module):
    """What the steps of an observation see of a run.

    **Attributes:**

    - `values`: what the steps before have made of the states.
    - `flux`: what passes the centres of the cells in unit time, f(u) - ν(u) ∂x u, of each field, at
      the times of the run and in the units of the data.
    - `is_periodic`: whether the last cell is next to the first one.
    - `refinement`: how many cells of the run a cell of the data has.
    """

    values: Float[Array | np.ndarray, "time quantity cells"]
    flux: Float[Array | np.ndarray, "time_of_run field cells_of_run"]
    is_periodic: bool = eqx.field(static=True, default=False)
    refinement: int = eqx.field(static=True, default=1)


class Observation(eqx.Module):
    """One step from the states of a run to measured values."""

    # How many quantities the step adds after those that it is given.
    derived: ClassVar[int] = 0
    # Whether the values may stand for averages over cells where no joint estimate is needed.
    nearly_states: ClassVar[bool] = False
    # Whether the values are linear in the states and do not depend on the law. Such a step also
    # takes a run in NumPy, and derivatives of the states for those of the values. One that says
    # nothing may be any function.
    is_linear: ClassVar[bool] = False

    def times(self, times: Float[np.ndarray, " time"]) -> Float[np.ndarray, " time_"]:
        """The increasing times at which the step needs values to give them at these: as many for
        each of them."""
        return times

    @abc.abstractmethod
    def __call__(self, run: Run) -> Float[Array | np.ndarray, "time quantity cells"]:
        """The values that the step makes of `run.values`."""


class Flow(Observation):
    """The flow of each field, f(u) - ν(u) ∂x u, beside the field: of a density of cars how many
    pass in unit time."""

    derived: ClassVar[int] = 1

    def __call__(self, run: Run) -> Float[Array | np.ndarray, "time quantity cells"]:
        return jnp.concatenate([run.values, run.flux], axis=1)


class Points(Observation):
    """Values at points, linear between the centres of the cells of the run.

    **Attributes:**

    - `offsets`: how far the point of each cell of the data is from its centre, in such cells, from
      -0.5 to 0.5.
    """

    nearly_states: ClassVar[bool] = True
    is_linear: ClassVar[bool] = True
    offsets: Float[Array | np.ndarray, " cells"]

    def __check_init__(self) -> None:
        known = isinstance(self.offsets, np.ndarray)
        if np.ndim(self.offsets) != 1 or (known and not np.all(np.abs(self.offsets) <= 0.5)):
            raise ValueError(
                "Points need an offset of each cell, from -0.5 to 0.5 cells; got "
                f"{np.array2string(np.asarray(self.offsets), threshold=6)}."
            )

    def __call__(self, run: Run) -> Float[Array | np.ndarray, "time quantity cells"]:
        xp = jnp if isinstance(run.values, Array) else np
        cells, count = run.values.shape[-1], self.offsets.shape[0]
        centres = np.arange(count, dtype=run.values.dtype) + 0.5
        places = (xp.asarray(centres) + self.offsets) * run.refinement - 0.5
        before = xp.floor(places)
        low, part = before.astype(int), (places - before)[None, None]
        if run.is_periodic:
            low, high = low % cells, (low + 1) % cells
        else:
            low, high = xp.clip(low, 0, cells - 1), xp.clip(low + 1, 0, cells - 1)
        return (1.0 - part) * run.values[..., low] + part * run.values[..., high]


class TimeMean(Observation):
    """Means over intervals of time: what detectors report that count for half a minute.

        ū(t) = 1/τ ∫ u(s) ds from t + σ - τ/2 to t + σ + τ/2

    by the values at the middles of five parts, which is exact where u is linear in time.

    **Attributes:**

    - `duration`: τ, in the units of the times; no longer than from one time to the next.
    - `shift`: σ, from the time that stands for an interval to its middle.
    """

    is_linear: ClassVar[bool] = True
    duration: Float[np.ndarray, ""] | float = eqx.field(converter=_number)
    shift: Float[np.ndarray, ""] | float = eqx.field(converter=_number, default=0.0)

    def __check_init__(self) -> None:
        if not (np.isfinite(self.duration) and self.duration > 0.0):
            raise ValueError(f"A mean needs a positive interval of time; got {self.duration:g}.")

    def times(self, times: Float[np.ndarray, " time"]) -> Float[np.ndarray, " time_"]:
        if len(times) > 1 and self.duration > (1.0 + 1e-6) * np.min(np.diff(times)):
            raise ValueError(
                f"The means are over intervals of {self.duration:g}, longer than the "
                f"{np.min(np.diff(times)):g} between two times; leave out frames, or choose a "
                "shorter interval."
            )
        middles = (np.arange(_PARTS) + 0.5) / _PARTS - 0.5
        return (times[:, None] + self.shift + self.duration * middles).reshape(-1)

    def __call__(self, run: Run) -> Float[Array | np.ndarray, "time quantity cells"]:
        values = run.values
        return values.reshape(-1, _PARTS, *values.shape[1:]).mean(axis=1)


def observed(
    steps: Iterable[Observation], run: Run
) -> Float[Array | np.ndarray, "time quantity cells"]:
    """The measured values of a run at the times that `times_of` says."""
    for step in steps:
        run = dataclasses.replace(run, values=step(run))
    return run.values


def times_of(
    steps: tuple[Observation, ...], times: Float[np.ndarray, " time"]
) -> Float[np.ndarray, " time_"]:
    """The times at which states are needed for measured values at these."""
    for step in reversed(steps):
        times = step.times(times)
    return times
