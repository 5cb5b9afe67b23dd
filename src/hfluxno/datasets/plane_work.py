"""The work on trajectories on a plane, each by itself: identify or forecast it."""

import abc
import dataclasses
from typing import ClassVar

import numpy as np
import xarray as xr

from hfluxno.data.law_writer import along_trajectory
from hfluxno.data.plane.law_writer import of_plane_law
from hfluxno.data.plane.source import PlaneSource
from hfluxno.data.plane.writer import of_plane_forecast
from hfluxno.data.writers import check_storable, status_attributes
from hfluxno.datasets.work import Named, forecaster_of, meanings
from hfluxno.forecaster import Forecast, Forecaster, check_forecast_memory, continuation
from hfluxno.identify import FittedLawForecaster, GivenLawForecaster, identify_plane
from hfluxno.identify.frames.momentum import as_pair
from hfluxno.identify.plane import PlaneIdentification
from hfluxno.identify.plane.forecaster import forecast_plane
from hfluxno.identify.plane.frames import Frames, frames_of
from hfluxno.identify.plane.identification import checked, indices, nothing_to_infer
from hfluxno.identify.saved.law import interval_of
from hfluxno.trajectory import Trajectory


@dataclasses.dataclass(frozen=True)
class PlaneWork(abc.ABC):
    """The work on a trajectory, from its first `context` frames, by default all."""

    context: int | None = None
    alone: ClassVar[bool] = True

    def run(self, source: PlaneSource) -> xr.Dataset:
        """The results, each variable with the dimension trajectory. Raises `ValueError` if the
        trajectory cannot be used."""
        done = self._done(source, source.context(0, self.context))
        return along_trajectory(done, source.coordinates.get("trajectory"))

    def example(self, source: PlaneSource) -> xr.Dataset:
        """What `run` returns, with other numbers. Raises `ValueError` if it cannot be used."""
        context = source.context(0, self.context)
        return along_trajectory(
            self._example(source, context), source.coordinates.get("trajectory")
        )

    @abc.abstractmethod
    def _done(self, source: PlaneSource, context: Trajectory) -> xr.Dataset: ...

    @abc.abstractmethod
    def _example(self, source: PlaneSource, context: Trajectory) -> xr.Dataset: ...


@dataclasses.dataclass(frozen=True)
class IdentifyPlane(PlaneWork):
    """Infers the law of each trajectory."""

    momentum: tuple[str, str] | None = None

    def _done(self, source: PlaneSource, context: Trajectory) -> xr.Dataset:
        found = identify_plane(context, self.momentum, among_others=True)
        return of_plane_law(source, found, context.frames)

    def _example(self, source: PlaneSource, context: Trajectory) -> xr.Dataset:
        seen = _fittable(context, self.momentum)
        return of_plane_law(source, _nothing(seen, context), context.frames)


@dataclasses.dataclass(frozen=True)
class ContinuePlane(PlaneWork):
    """Forecasts each trajectory by `steps` frames."""

    steps: int = 1
    by: Forecaster | Named = dataclasses.field(default_factory=FittedLawForecaster)

    def _done(self, source: PlaneSource, context: Trajectory) -> xr.Dataset:
        found = continued(self.by, context, self.steps, among_others=True)
        return of_plane_forecast(source, 0, found, context.frames)

    def _example(self, source: PlaneSource, context: Trajectory) -> xr.Dataset:
        check_storable(source.fields)
        method = forecaster_of(self.by)
        check_forecast_memory(self.steps, context.batch[:, 0].size)
        method.check(context)
        every, unknown = getattr(method, "every", None), None
        shape = (self.steps, *np.shape(context.values)[1:])
        laws: tuple[PlaneIdentification, ...] = ()
        if isinstance(method, FittedLawForecaster):
            laws = (_nothing(_fittable(context, as_pair(method.momentum)), context),)
        elif isinstance(method, GivenLawForecaster):
            laws = (_nothing(frames_of(context), context),)
            if context.frames == 1:
                every = interval_of(method.law, context, every)
        if laws:
            unknown = np.zeros(shape)
        method.in_parts(context, self.steps)
        none, left = np.zeros(()), np.zeros((), bool)
        frames = continuation(context, np.zeros(shape), every)
        found = Forecast(frames, np.zeros((), int), ("",), none, none, left, laws, unknown)
        made = of_plane_forecast(source, 0, found, context.frames)
        if not laws:
            name = "status_" if "status" in source.fields else "status"
            made[name].attrs = status_attributes(meanings(method))
        return made


def continued(
    by: Forecaster | Named, context: Trajectory, steps: int, among_others: bool
) -> Forecast:
    """The forecast of one trajectory on a plane, which may be one of a batch (`among_others`)."""
    method = forecaster_of(by)
    if not isinstance(method, FittedLawForecaster):
        return method.forecast(context, steps)
    return forecast_plane(context, steps, as_pair(method.momentum), method.every, among_others)


def _fittable(context: Trajectory, momentum: tuple[str, str] | None) -> Frames:
    """The frames of a context. Raises `ValueError` if no law can be inferred from it."""
    indices(momentum, context.fields)
    return checked(context, among_others=True)


def _nothing(seen: Frames, context: Trajectory) -> PlaneIdentification:
    """An identification of the form that the context's has."""
    return nothing_to_infer(seen, context.fields, (1.0, 1.0))
