"""The forecaster that solves a law found before."""

from collections.abc import Callable
from pathlib import Path

import equinox as eqx

from hfluxno.forecaster import Forecast, Forecaster, check_steps
from hfluxno.identify.accepted import check_fields
from hfluxno.identify.forecaster import FittedLawForecaster
from hfluxno.identify.frames.momentum import one_name
from hfluxno.identify.plane import saved as on_a_plane
from hfluxno.identify.plane.forecaster import forecast_given_plane
from hfluxno.identify.plane.result import PlaneIdentification
from hfluxno.identify.plane.saved import SavedPlaneLaw
from hfluxno.identify.result import Identification
from hfluxno.identify.saved.file import load_law
from hfluxno.identify.saved.given import given_identifier
from hfluxno.identify.saved.law import SavedLaw, check_units, interval_of, known_units, to_save
from hfluxno.trajectory import Trajectory


class GivenLawForecaster(Forecaster):
    """Advances a context with a law of the same fields that was found in other data, on any number
    of cells and at any interval. The status says whether the law explains the context.

    - `law`: the saved law.
    - `momentum`: the field that changes sign at a reflecting wall, if the law does not say which; a
      law on a plane does.
    - `every`: the time between two frames of the forecast. By default the mean spacing of the
      context, or for a single frame that of the data in which the law was found.
    """

    law: SavedLaw | SavedPlaneLaw = eqx.field(static=True)
    momentum: str | tuple[str, str] | None = eqx.field(static=True, default=None)
    every: float | None = eqx.field(static=True, default=None)

    def forecast(self, context: Trajectory, steps: int) -> Forecast:
        """The `steps` frames after the context, which may be a single frame. Raises `ValueError` if
        `steps` is not positive, the fields are not the law's, or the context is unusable."""
        return self.in_parts(context, steps)(slice(None))

    def in_parts(self, context: Trajectory, steps: int) -> Callable[[slice], Forecast]:
        check_steps(steps)
        law = self.law
        check_use(law, context)
        if isinstance(law, SavedPlaneLaw):
            if self.momentum is not None:
                raise ValueError("A law on a plane knows its momentum; leave out `momentum`.")
            check_fields(law.law.fields, context.fields)
            return lambda members: forecast_given_plane(
                context.members(members), law, steps, self.every
            )
        found = given_identifier(law, context, one_name(self.momentum), self.every)
        interval = interval_of(law, context, self.every)
        solver = FittedLawForecaster(every=self.every)
        return lambda members: solver.advance(
            context.members(members), found(members), steps, interval
        )


# A law that was found before, in any of its forms.
FoundLaw = SavedLaw | SavedPlaneLaw | Identification | PlaneIdentification | str | Path


def as_law(law: FoundLaw) -> SavedLaw | SavedPlaneLaw:
    """A saved law from a loaded one, an identification, or the path of a file. Raises `ValueError`
    if it is something else, or as `load_law` does."""
    if isinstance(law, Identification):
        return to_save(law, law.units)
    if isinstance(law, PlaneIdentification):
        return on_a_plane.to_save(law, law.units)
    if isinstance(law, str | Path):
        return load_law(law)
    if not isinstance(law, SavedLaw | SavedPlaneLaw):
        raise ValueError(
            "A law is an identification, what load_law returned, or the name of its file; got "
            f"{type(law).__name__}."
        )
    return law


def check_use(law: SavedLaw | SavedPlaneLaw, context: Trajectory) -> None:
    """Raises `ValueError` if the law and the context differ in their axes or units."""
    names = ("a line", "a plane")
    own, other = law.law.axes, len(context.grid.shape)
    if own != other:
        raise ValueError(
            f"The law was found on {names[own - 1]}, but the context is on {names[other - 1]}; "
            f"give a law that was found on {names[other - 1]}."
        )
    check_units(law, known_units(context), "the context")
