"""The forecaster that solves a law which was found before."""

from collections.abc import Callable
from pathlib import Path

import equinox as eqx

from hfluxno.forecaster import Forecast, Forecaster, check_steps
from hfluxno.identify.forecaster import FittedLawForecaster
from hfluxno.identify.given_law import given_identifier, interval_of
from hfluxno.identify.law_file import load_law
from hfluxno.identify.result import Identification
from hfluxno.identify.saved_law import SavedLaw, to_save
from hfluxno.trajectory import Trajectory


class GivenLawForecaster(Forecaster):
    """Advances a context of the same fields with a law that was found in other data, on any number
    of cells and at any interval. The status says whether the law explains the context.

    **Attributes:**

    - `law`: what is known of it.
    - `momentum`: the field that a reflecting wall turns round, if the law does not say it.
    - `every`: the time between two frames of the forecast. If it is `None`, the mean spacing of the
      context, or of the data that the law was found in if the context is a single frame.
    """

    law: SavedLaw = eqx.field(static=True)
    momentum: str | None = eqx.field(static=True, default=None)
    every: float | None = eqx.field(static=True, default=None)

    def forecast(self, context: Trajectory, steps: int) -> Forecast:
        """The `steps` frames after the context, which may be a single frame.

        **Raises:**

        - `ValueError`, if `steps` is not positive, the fields are others than those of the law, or
          the context cannot be used.
        """
        return self.in_parts(context, steps)(slice(None))

    def in_parts(self, context: Trajectory, steps: int) -> Callable[[slice], Forecast]:
        check_steps(steps)
        found = given_identifier(self.law, context, self.momentum, self.every)
        interval = interval_of(self.law, context, self.every)
        solver = FittedLawForecaster(every=self.every)
        return lambda lanes: solver.advance(context.lanes(lanes), found(lanes), steps, interval)


def as_law(law: SavedLaw | Identification | str | Path) -> SavedLaw:
    """A law in any of its forms: one that was loaded, an identification, or the path of a file."""
    if isinstance(law, Identification):
        return to_save(law)
    return law if isinstance(law, SavedLaw) else load_law(law)
