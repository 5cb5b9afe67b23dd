"""Solves a problem with the library, as the commands do, for the page."""

import dataclasses
import time

import numpy as np
from jaxtyping import Float

from hfluxno.evaluation.metrics import cells_in_a_row, errors_where_measured
from hfluxno.explore.problem import Problem
from hfluxno.forecaster import Forecast
from hfluxno.identify import Identification, PlaneIdentification, reconstruct
from hfluxno.law_curves import law_curves
from hfluxno.law_uncertainty import flux_deviation
from hfluxno.methods import forecast, named_networks

_POINTS = 121


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The law of a problem and its forecast.

    - `found`: the law.
    - `forecast`: the forecast with it.
    - `errors`: the relative l2 error of each forecast frame whose truth is known.
    - `seconds`: how long it took.
    """

    problem: Problem
    found: Identification | PlaneIdentification
    forecast: Forecast
    errors: Float[np.ndarray, " frame"]
    seconds: float

    @property
    def sentence(self) -> str:
        """How far to trust it, as on the command line."""
        return self.forecast.sentences[0]

    @property
    def status(self) -> int:
        return int(np.ravel(self.forecast.status)[0])


@dataclasses.dataclass(frozen=True)
class Rival:
    """Another method on the same context: its errors, or a sentence that says why there are
    none."""

    name: str
    errors: Float[np.ndarray, " frame"]
    sentence: str


@dataclasses.dataclass(frozen=True)
class FluxCurve:
    """f - f(origin) of one field over the states `u`.

    - `sigma`: the standard deviation of the inferred flux; `None` if it is not known.
    """

    u: Float[np.ndarray, " point"]
    f: Float[np.ndarray, " point"]
    sigma: Float[np.ndarray, " point"] | None = None


def infer(problem: Problem) -> Outcome:
    """The law behind a context and its forecast. Raises `ValueError` as `hfluxno.forecast` and
    `hfluxno.reconstruct` do."""
    began = time.perf_counter()
    if problem.by_sensors:
        made = reconstruct(problem.context).forecast(problem.steps)
    else:
        made = forecast(problem.context, problem.steps)
    took = time.perf_counter() - began
    return Outcome(problem, made.identifications[0], made, errors_of(made, problem), took)


def rival(problem: Problem, name: str) -> Rival:
    """The result of persistence or a shipped network on the problem; the sentence says why a
    network cannot take it."""
    weights = None if name == "persistence" else name
    method = "persistence" if weights is None else named_networks()[name]
    try:
        made = forecast(problem.context, problem.steps, method, weights)
    except ValueError as error:
        return Rival(name, np.zeros(0), str(error))
    return Rival(name, errors_of(made, problem), made.sentences[0])


def networks() -> tuple[str, ...]:
    """The shipped networks of one field, and of gas on a plane."""
    return tuple(name for name in named_networks() if "shallow-water" not in name)


def errors_of(made: Forecast, problem: Problem) -> Float[np.ndarray, " frame"]:
    """The relative l2 error of each known frame."""
    values = np.asarray(made.trajectory.values, np.float64)[: len(problem.after)]
    axes = len(problem.context.grid.shape)
    return errors_where_measured(*(cells_in_a_row(v, axes) for v in (values, problem.after)))


def inferred_flux(outcome: Outcome) -> FluxCurve:
    """The inferred flux of the first field over its observed range, other fields at the middle of
    theirs.

    Its constant is arbitrary: that of the hidden flux, if there is one, otherwise such that the
    flux vanishes at the observed state nearest to 0. The deviation is that of the difference from
    there, known for laws of one field.
    """
    found, hidden = outcome.found, outcome.problem.hidden
    assert isinstance(found, Identification)  # of a line
    low, high = np.asarray(found.law.lower, float), np.asarray(found.law.upper, float)
    u = np.tile(0.5 * (low + high)[:, None], (1, _POINTS))
    u[0] = np.linspace(low[0], high[0], _POINTS)
    origin = u[:, :1].copy()
    origin[0] = np.clip(0.0, low[0], high[0])
    flux = law_curves(found.law, u, origin)[0][0]
    if hidden is not None:
        flux = flux + hidden.at(origin[0])
    sigma = flux_deviation(found, u, origin)[0] if len(low) == 1 else None
    return FluxCurve(u[0], flux, sigma)


def hidden_flux(problem: Problem) -> FluxCurve | None:
    """The drawn flux, if there is one."""
    if problem.hidden is None:
        return None
    knots = np.asarray(problem.hidden.knots)
    u = np.linspace(knots[0], knots[-1], _POINTS)
    return FluxCurve(u, problem.hidden.at(u))
