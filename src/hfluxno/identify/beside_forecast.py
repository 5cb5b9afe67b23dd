"""Forecasts beside a forecast, whose difference from it shows by how much it may be off: those with
neighbours of the law, and from other states.

What a change of the law or of the state does to a forecast does not need the finest cells. From
four internal cells of a cell of the data on, all these runs are on half as many.
"""

import dataclasses
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.track import continued, gains, track
from hfluxno.identify.result import Identification
from hfluxno.law_uncertainty import free_covariance
from hfluxno.parametric.basis import Kinked
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.solver_settings import SolverSettings

_MOST_DIRECTIONS = 8
_MANY_CELLS = 4
# Schemes that solve what another cannot.
STEADIER = ("roe-entropy-fix", "rusanov")


@dataclasses.dataclass(frozen=True)
class Run:
    """A forecast from a `state` on the internal cells of its `settings`, of which `predicted` are
    the measured fields."""

    item: Identification
    settings: SolverSettings
    state: Float[np.ndarray, "field fine"]
    rate: float
    predicted: Float[np.ndarray, "steps field cells"]

    def on_fewer_cells(
        self, seen: Float[np.ndarray, "time field cells"], ahead: np.ndarray, beyond: bool
    ) -> "Run":
        """The same on half as many internal cells if there are many, and if it can be solved."""
        if self.settings.refinement < _MANY_CELLS:
            return self
        law, settings = self.item.grid_law, self.settings.on_other_cells()
        schedule = gains(self.item.mode, len(seen), len(seen) - 1)
        _, state, rate = track(law, settings, seen, schedule)
        found, solved = continued(law, settings, state, rate, ahead, len(seen), beyond)
        if not (solved and np.all(np.isfinite(found))):
            return self
        return Run(self.item, settings, state, rate, self.item.measured(found))

    def state_with(
        self, change: Float[np.ndarray, "field cells"]
    ) -> Float[np.ndarray, "field fine"]:
        """The state with a change of the cells of the data."""
        return self.state + np.repeat(change, self.settings.refinement, axis=-1)

    def away(
        self,
        law: FittedLaw,
        state: Float[np.ndarray, "field fine"],
        rate: float,
        ahead: Float[np.ndarray, " steps"],
        context: int,
        most: Float[np.ndarray, "field one"],
        beyond: bool,
    ) -> Float[np.ndarray, "steps field cells"]:
        """The size of the difference of another run, after it explodes that of a run by a steadier
        scheme, or `most` if there is none. The other arguments are those of `continued`."""
        away = np.broadcast_to(most, self.predicted.shape)
        for scheme in dict.fromkeys((self.settings.scheme, *STEADIER)):
            by = dataclasses.replace(self.settings, scheme=scheme)
            found, solved = continued(law, by, state, rate, ahead, context, beyond)
            with np.errstate(invalid="ignore", over="ignore"):
                away = np.fmin(away, np.abs(self.item.measured(found) - self.predicted))
            if solved:
                break
        return away


def neighbours(item: Identification) -> list[FittedLaw]:
    """The laws in cells and frames with the coefficients c + Λ_m."""
    law, speed, rate = item.grid_law, item.cell / item.interval, 1.0 / item.interval
    parts, kinked = [np.asarray(part) for part in _parts(law)], isinstance(law.basis, Kinked)
    units = [speed, speed * item.cell, *[rate] * (len(parts) - 2 - kinked), *[1.0] * kinked]
    sizes = [part.size for part in parts]
    places, covariance = free_covariance(item, without_scheme=True)
    found = []
    for column in _columns(covariance).T:
        change = np.zeros(sum(sizes))
        change[places] = column
        changes = np.split(change / np.repeat(units, sizes), np.cumsum(sizes)[:-1])
        changed = [c + by.reshape(c.shape) for c, by in zip(parts, changes, strict=True)]
        found.append(eqx.tree_at(_parts, law, changed))
    return found


def _parts(law: FittedLaw) -> list[Any]:
    """The coefficients that `free_covariance` numbers, in its order."""
    parts = [law.flux_coefficients, law.diffusion_coefficients]
    if law.terms is not None:
        by_place = [] if law.terms.carrier is None else [law.terms.source_by_place]
        parts += [law.terms.by_state, *by_place]
    return [*parts, law.basis.at] if isinstance(law.basis, Kinked) else parts


def _columns(covariance: np.ndarray) -> np.ndarray:
    """Λ; if it has many columns, a few random mixtures with the same sum of squares on average."""
    values, vectors = np.linalg.eigh(0.5 * (covariance + covariance.T))
    columns = vectors * np.sqrt(np.maximum(values, 0.0))
    count = len(columns)
    if count <= _MOST_DIRECTIONS:
        return columns
    mixed, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(count, count)))
    return columns @ mixed[:, :_MOST_DIRECTIONS] * np.sqrt(count / _MOST_DIRECTIONS)
