"""The work on each trajectory of a chunk: identify, forecast or reconstruct it.

No result depends on the other trajectories of the chunk.
"""

import abc
import contextlib
import dataclasses
import functools
from typing import Any, ClassVar, cast

import jax
import numpy as np
import xarray as xr

from hfluxno.boundary import Open
from hfluxno.data.law_writer import along_trajectory, of_laws
from hfluxno.data.parts import NamedWeights
from hfluxno.data.source import LEAST_FRAMES, Source
from hfluxno.data.writers import check_storable, of_forecast, of_reconstruction, status_attributes
from hfluxno.forecaster import Forecast, Forecaster, check_forecast_memory, continuation
from hfluxno.identify import FittedLawForecaster, GivenLawForecaster, Identification, reconstruct
from hfluxno.identify.frames.momentum import how_to_name
from hfluxno.identify.identification import identifier, nothing_to_infer
from hfluxno.identify.plane.saved import SavedPlaneLaw
from hfluxno.identify.saved.forecaster import check_use
from hfluxno.identify.saved.law import SavedLaw, interval_of
from hfluxno.identify.status import FitStatus
from hfluxno.methods import forecaster
from hfluxno.models.forecaster import NetworkForecaster
from hfluxno.plural import plural
from hfluxno.reconstruction import Reconstruction, even_times
from hfluxno.trajectory import Trajectory


@dataclasses.dataclass(frozen=True)
class Work(abc.ABC):
    """The work on trajectories, from their first `context` frames, by default all.

    `alone` says whether each trajectory is processed by itself.
    """

    context: int | None = None
    alone: ClassVar[bool] = False

    def run(self, source: Source) -> xr.Dataset:
        """The results of all trajectories of `source`, each variable with the dimension trajectory.
        Raises `ValueError` if one of them cannot be used."""
        return self._done(source, self._seen(source))

    def example(self, source: Source) -> xr.Dataset:
        """What `run` returns for the single trajectory of `source`, with other numbers. Raises
        `ValueError` if it cannot be used.
        """
        context = self._seen(source)
        self._check(context)
        values = np.asarray(context.values, np.float64)[0]
        return self._example(source, context, nothing_to_infer(values, context, failed=True))

    def _seen(self, source: Source) -> Trajectory:
        frames = source.frames if self.context is None else self.context
        if frames < LEAST_FRAMES:
            raise ValueError(
                f"A context of {plural(frames, 'frame')} is too short to infer a law; choose "
                f"{LEAST_FRAMES} or more."
            )
        return source.beginning(frames)

    @abc.abstractmethod
    def _check(self, context: Trajectory) -> None: ...

    @abc.abstractmethod
    def _done(self, source: Source, context: Trajectory) -> xr.Dataset: ...

    @abc.abstractmethod
    def _example(
        self, source: Source, context: Trajectory, nothing: Identification
    ) -> xr.Dataset: ...


@dataclasses.dataclass(frozen=True)
class Identify(Work):
    """Infers the law of each trajectory."""

    momentum: str | None = None

    def _check(self, context: Trajectory) -> None:
        check_momentum(context, self.momentum)
        identifier(context, self.momentum, among_others=True)

    def _done(self, source: Source, context: Trajectory) -> xr.Dataset:
        some = identifier(context, self.momentum, among_others=True)
        return of_laws(source, some(slice(None)), context.frames)

    def _example(self, source, context, nothing):
        return of_laws(source, (nothing,), context.frames)


@dataclasses.dataclass(frozen=True)
class Named:
    """A network of a method by name."""

    method: str
    weights: NamedWeights


def sendable(
    made: Forecaster, method: str, weights: str | None, refinement: int | None = None
) -> Forecaster | Named:
    """The forecaster itself, or the name of a network for another process to load."""
    if weights is None or not isinstance(made, NetworkForecaster):
        return made
    return Named(method, NamedWeights.of(weights, refinement))


def forecaster_of(by: Forecaster | Named) -> Forecaster:
    """What was sent, or what it names."""
    return _loaded(by) if isinstance(by, Named) else by


@functools.lru_cache(maxsize=2)
def _loaded(named: Named) -> Forecaster:
    return forecaster(named.method, named.weights.name, named.weights.refinement)


@dataclasses.dataclass(frozen=True)
class Continue(Work):
    """Forecasts each trajectory by `steps` frames."""

    steps: int = 1
    by: Forecaster | Named = dataclasses.field(default_factory=FittedLawForecaster)
    float64: bool = False

    @property
    def method(self) -> Forecaster:
        return forecaster_of(self.by)

    @property
    def _law(self) -> bool:
        return isinstance(self.method, FittedLawForecaster | GivenLawForecaster)

    def _seen(self, source: Source) -> Trajectory:
        given = isinstance(self.by, GivenLawForecaster)
        return source.beginning(self.context) if given else super()._seen(source)

    def _check(self, context: Trajectory) -> None:
        method = self.method
        if isinstance(method, FittedLawForecaster):
            check_momentum(context, _name(method))
            identifier(context, _name(method), among_others=True)
        else:
            method.check(context)
            method.in_parts(context, self.steps)

    def _done(self, source: Source, context: Trajectory) -> xr.Dataset:
        with working_in(self.float64):
            found = self._forecast(context)
        return of_forecast(source, found, context.frames)

    def _forecast(self, context: Trajectory) -> Forecast:
        method = self.method
        if isinstance(method, FittedLawForecaster):
            some = identifier(context, _name(method), among_others=True)
            return method.advance(context, some(slice(None)), self.steps)
        if len(context.values) > 1 or self._law:
            return method.forecast(context, self.steps)
        # A network has different programs for a single context.
        values = np.repeat(context.values, 2, axis=0)
        twice = dataclasses.replace(context, values=values, deviation=None)
        return method.forecast(twice, self.steps).members(slice(0, 1))

    def _example(self, source, context, nothing):
        check_storable(part.name for part in source.parts)
        check_forecast_memory(self.steps, context.batch[:1, 0].size)
        method, every = self.method, getattr(self.method, "every", None)
        if isinstance(method, GivenLawForecaster) and context.frames == 1:
            every = interval_of(method.law, context, every)
        shape = (1, self.steps, *np.shape(context.values)[2:])
        with working_in(self.float64):
            frames = continuation(context, np.zeros(shape), every)
        none, unknown, noise = np.zeros(1), None, None
        laws = (nothing,) if self._law else ()
        if self._law:
            unknown, noise = np.zeros(shape), np.zeros((1, len(context.fields)))
        left, status = np.zeros(1, bool), np.zeros(1, int)
        forecast = Forecast(frames, status, ("",), none, none, left, laws, unknown, noise=noise)
        found = of_forecast(source, forecast, context.frames)
        if not self._law:
            taken = "status" in {part.name for part in source.parts}
            name = "status_" if taken else "status"
            found[name].attrs = status_attributes(meanings(self.method))
        return found


def meanings(method: Forecaster) -> dict[int, tuple[str, str]]:
    """The name and the sentence of each status of a method that fits and solves no law."""
    return method.statuses | {int(FitStatus.FAILED): ("failed", "the trajectory cannot be used")}


@dataclasses.dataclass(frozen=True)
class Reconstruct(Work):
    """Estimates the field behind the measurements of each trajectory."""

    momentum: str | None = None
    every: float | None = None
    law: SavedLaw | SavedPlaneLaw | None = None
    alone: ClassVar[bool] = True

    def _seen(self, source: Source) -> Trajectory:
        return super()._seen(source) if self.law is None else source.beginning(self.context)

    def _check(self, context: Trajectory) -> None:
        if self.law is None:
            identifier(context, self.momentum, jointly=True)
        else:
            check_use(self.law, context)

    def _done(self, source: Source, context: Trajectory) -> xr.Dataset:
        found = reconstruct(context.single(0), self.momentum, every=self.every, law=self.law)
        return along_trajectory(of_reconstruction(source, found))

    def _example(self, source, context, nothing):
        check_storable(part.name for part in source.parts)
        times = np.asarray(context.times, float)
        times = times if self.every is None else even_times(times, self.every)
        values = np.zeros((len(times), *np.shape(context.values)[2:]))
        single = dataclasses.replace(context, values=values, times=times, deviation=None)
        noise = np.zeros(len(context.fields))
        at_end = np.zeros((len(context.states.fields), len(times)))
        lower, upper = (at_end if isinstance(e, Open) else None for e in context.grid.boundary[0])
        found = Reconstruction(single, values, noise, (lower, upper), nothing, cast(Any, None))
        return along_trajectory(of_reconstruction(source, found))


def check_momentum(context: Trajectory, momentum: str | None) -> None:
    """Checks that the momentum need not be inferred from a part of a batch. Raises `ValueError` if
    there is a wall and it is not named."""
    if momentum is None and len(context.fields) > 1 and context.grid.has_wall():
        raise ValueError(
            f"A single chunk cannot decide which of the fields {' and '.join(context.fields)} a "
            f"wall reverses (the momentum): {how_to_name(context.fields)}"
        )


def _name(method: FittedLawForecaster) -> str | None:
    return method.momentum if isinstance(method.momentum, str) else None


def working_in(float64: bool) -> contextlib.AbstractContextManager:
    """The precision of what is written."""
    return jax.enable_x64(True) if float64 else contextlib.nullcontext()
