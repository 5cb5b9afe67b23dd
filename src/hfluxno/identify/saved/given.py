"""Whether a law found in other data explains a context, and the state from which it continues.

The law is not fitted again. It is converted to cells and frames of the new context, and checked
like one that was found there: it runs from the first frame, and predicts the last ones from those
before. What a frame does not show (missing values, states at open ends) is estimated as in
`hfluxno.identify.joint.fit`, with the law fixed.
"""

import dataclasses
from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import Float

from hfluxno.batching import on_all_cores
from hfluxno.boundary import Given
from hfluxno.grid import Grid
from hfluxno.identify.accepted import check_fields, check_whole, is_joint
from hfluxno.identify.frames.gaps import MINIMUM_CELLS
from hfluxno.identify.frames.interpolation import interpolated
from hfluxno.identify.frames.momentum import how_to_name, may_be_sealed, named
from hfluxno.identify.frames.select import SAME, backtest_errors, best_mode, last_fitted_frame
from hfluxno.identify.frames.track import MODES, first_state, gains, track
from hfluxno.identify.residuals.measured import measure
from hfluxno.identify.result import Identification
from hfluxno.identify.saved.held import label, with_law
from hfluxno.identify.saved.law import SavedLaw, Scheme, in_cells, interval_of, settings_of
from hfluxno.identify.status import UNEXPLAINED, FitStatus, status_of, total_drift
from hfluxno.known import check_bounds
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.solver_settings import FIRST_ORDER, SolverSettings
from hfluxno.trajectory import Trajectory

# A domain may exceed the one in which a law of place is known by this fraction of a cell.
_TOLERANCE = 0.01
# With fewer frames, a first state estimated from several of them is no better.
_FEWEST_SHARED = 4
# The field of an array, or of a file, that does not say its name.
_UNNAMED = (("u",), ("values",))
# Schemes are tried until the back-test error is below this.
_GOOD_ENOUGH, _FINER = 1e-4, (2, 4)
# States that exceed those for which a law is known by this part of their range are named.
_FAR = 0.1


def given_identifier(
    saved: SavedLaw,
    context: Trajectory,
    momentum: str | None = None,
    interval: float | None = None,
    jointly: bool = False,
) -> Callable[[slice], tuple[Identification, ...]]:
    """The same as `identifier`, for a given law.

    - `momentum`: the field that changes sign at a wall, if the law does not say which.
    - `interval`: the time between frames of the forecast, if the context has a single frame; by
      default that of the data in which the law was found.
    - `jointly`: estimate the first state even if it was measured.

    Raises `ValueError` if the fields differ from those of the law, or the context cannot be used.
    """
    change = saved.change
    if change is not None and context.fields == change.fields:
        conserved = given_identifier(
            dataclasses.replace(saved, change=None),
            change.context(context),
            change.name if momentum == change.replaced else momentum,
            interval,
            jointly,
        )
        return lambda members: tuple(
            dataclasses.replace(each, change=change) for each in conserved(members)
        )
    saved = _with_momentum(saved, context, momentum)
    _check(saved, context)
    interval = interval_of(saved, context, interval)
    several = context.frames > 1
    joint = several and (jointly or is_joint(context))
    check_whole(context, joint)

    def one(member: int) -> Identification:
        single = context.single(member)
        if joint or (several and not np.all(single.observed)):
            found = with_law(saved, single)
            if found is None:
                raise ValueError(
                    "No run with the given law could be solved from this context; check the units "
                    "of both."
                )
            return _beyond(found, single)
        followed = _followed(saved, np.asarray(single.states.values, float), context, interval)
        return _beyond(followed, single)

    def some(members: slice) -> tuple[Identification, ...]:
        with jax.enable_x64(True):
            return tuple(on_all_cores(one, range(len(context.batch))[members]))

    return some


def _beyond(found: Identification, single: Trajectory) -> Identification:
    """The same with the fields that reach beyond what is known of the law, if it does not explain
    them."""
    if found.status not in UNEXPLAINED:
        return found
    law, values = found.law, np.asarray(single.states.values, float)
    exceeded = {}
    for name, u, lower, upper in zip(
        law.fields, values.swapaxes(0, 1), law.lower, law.upper, strict=True
    ):
        least, most, room = np.nanmin(u), np.nanmax(u), _FAR * (upper - lower)
        if least < lower - room or most > upper + room:
            exceeded[name] = (float(least), float(most))
    return dataclasses.replace(found, exceeded=exceeded)


def _followed(
    saved: SavedLaw, values: Float[np.ndarray, "time field cells"], context, interval
) -> Identification:
    law = in_cells(saved.law, context.grid, interval)
    settings = settings_of(_nearest_to_exact(saved.scheme), context.grid, interval)
    missing = 1.0 - float(np.mean(np.isfinite(values)))
    if missing:
        values = interpolated(values, context.grid.is_periodic())
    found = Identification(
        law=saved.law,
        candidate=label(saved, settings),
        status=FitStatus.NOT_CHECKED,
        coefficients=saved.coefficients,
        covariance=saved.covariance,
        total_drift=np.zeros(values.shape[1]),
        initial=values[0],
        grid_law=law,
        settings=settings,
        missing=missing,
        cell=context.grid.spacing[0],
        interval=interval,
    )
    size = np.std(values, axis=(0, 2))
    change = np.sqrt(np.mean((values - values[:1]) ** 2, axis=(0, 2)))
    if not np.any(change > 1e-12 * np.max(np.abs(values), axis=(0, 2))):
        return found
    best = _best_scheme(saved.scheme, law, values, context.grid, interval)
    errors, start, settings = best.errors, best.start, best.settings
    mode = best_mode(errors)
    run = np.concatenate([start[None], values[1:]])
    simulated, _, _ = track(law, settings, run, gains("continue", len(values), len(values) - 1))
    simulated = np.concatenate([start[None], simulated])
    misfit = measure(simulated, values)
    relative = (simulated - values)[1:] / np.where(size > 0.0, size, 1.0)[:, None]
    residual = float(np.sqrt(np.mean(relative**2)))
    last = last_fitted_frame(len(values))
    after = values[last + 1 :]
    persistence = float(np.sqrt(np.sum((after - values[last]) ** 2) / np.sum(after**2)))
    backtest = float(errors[MODES.index(mode)])
    drift, conserved = total_drift(values, context.grid, np.where(_arises(law), np.inf, 0.0))
    return dataclasses.replace(
        found,
        candidate=label(saved, settings),
        settings=settings,
        tried=best.tried,
        status=status_of(backtest, residual, values, persistence, conserved, misfit, None),
        backtest_error=backtest,
        persistence_error=persistence,
        residual=residual,
        misfit=misfit,
        total_drift=drift,
        mode=mode,
        initial=start,
    )


@dataclasses.dataclass(frozen=True)
class _Best:
    """The scheme that predicts the last frames best, with the back-test error of each mode, the
    state to start from, and all schemes that were tried."""

    errors: np.ndarray
    start: np.ndarray
    settings: SolverSettings
    tried: tuple[tuple[str, float], ...]


def _best_scheme(
    scheme: Scheme, law: FittedLaw, values: np.ndarray, grid: Grid, interval: float
) -> _Best:
    """The new data may come from another scheme than those in which the law was found: that of the
    law is tried first, then finer cells, until one is good enough."""
    fixed = _with_fix(scheme)
    finer = [dataclasses.replace(fixed, refinement=r) for r in _FINER if r > scheme.refinement]
    found: list[tuple[float, np.ndarray, np.ndarray, SolverSettings]] = []
    tried = []
    for each in dict.fromkeys((scheme, fixed, *(finer if scheme.name not in FIRST_ORDER else ()))):
        settings = settings_of(each, grid, interval)
        starts = [values[0]]
        if len(values) >= _FEWEST_SHARED and law.terms is None:
            starts.append(first_state(law, settings, values))
        for start in starts:
            started = np.concatenate([start[None], values[1:]])
            errors = backtest_errors(law, settings, started, None)
            least = float(np.min(np.where(np.isfinite(errors), errors, np.inf)))
            found.append((least, errors, start, settings))
        least = min(error for error, *_ in found)
        tried.append((f"{each.name}, grid ×{each.refinement}", least))
        if least <= _GOOD_ENOUGH:
            break
    # The first frame itself unless another start predicts better, not only to rounding: a restart
    # predicts the same from any.
    least = min(error for error, *_ in found)
    _, errors, start, settings = next(each for each in found if each[0] <= SAME * least)
    return _Best(errors, start, settings, tuple(tried))


def _with_fix(scheme: Scheme) -> Scheme:
    """The same with an entropy fix, which other data than those of a scheme without it need, and
    without the equal steps of a certain source, which need not be stable on other cells."""
    if scheme.longest_step is not None:
        scheme = dataclasses.replace(
            scheme, cfl_desired=0.5, cfl_maximum=0.5, cfl_lagged=False, longest_step=None
        )
    name = "roe-entropy-fix" if scheme.name == "roe" else scheme.name
    return dataclasses.replace(scheme, name=name)


def _nearest_to_exact(scheme: Scheme) -> Scheme:
    """The scheme for a context that shows nothing of its source. (The diffusion of a scheme of
    first order is part of a law that was found with it.)"""
    fixed = _with_fix(scheme)
    if scheme.name in FIRST_ORDER:
        return fixed
    return dataclasses.replace(fixed, refinement=max(scheme.refinement, _FINER[-1]))


def _with_momentum(saved: SavedLaw, context: Trajectory, momentum: str | None) -> SavedLaw:
    fields = saved.law.fields
    if momentum is not None:
        negated = named(momentum, fields, context.grid)
        return dataclasses.replace(saved, law=dataclasses.replace(saved.law, negated=negated))
    unknown = len(fields) > 1 and not saved.law.negated and context.grid.has_wall()
    if unknown and not may_be_sealed(context.batch):
        raise ValueError(
            f"The law does not say which of its fields {' and '.join(fields)} is the momentum, "
            f"which changes sign at a reflecting wall: {how_to_name(fields)}"
        )
    return saved


def _check(saved: SavedLaw, context: Trajectory) -> None:
    names = (saved.law.fields, context.states.fields)
    unnamed = len(names[0]) == len(names[1]) == 1 and any(each in _UNNAMED for each in names)
    if not unnamed:
        check_fields(*names)
    grid, batch = context.grid, context.batch
    if grid.shape[0] < MINIMUM_CELLS:
        raise ValueError(
            f"A context needs at least {MINIMUM_CELLS} cells; this one has {grid.shape[0]}."
        )
    if np.any(np.isinf(batch)):
        raise ValueError("The context has infinite values; make them NaN or correct them first.")
    if np.any(np.all(np.isnan(batch), axis=(1, 3))):
        raise ValueError(
            "All values of a field of the context are missing, so there is no state to start from."
        )
    bounds = float(saved.law.least), float(saved.law.most)
    if np.isfinite(bounds).any():
        check_bounds(bounds, batch, context.fields, grid, of_law=True)
    if context.frames == 1 and any(isinstance(end, Given) for end in grid.boundary[0]):
        raise ValueError("A context with given ends needs at least two frames.")
    terms = saved.law.terms
    by_place = terms is not None and (terms.scales_flux or terms.source_by_place.size)
    if terms is None or not by_place:
        return
    low, high, room = terms.modes.lower, terms.modes.upper, _TOLERANCE * grid.spacing[0]
    if grid.lower[0] < low - room or grid.upper[0] > high + room:
        raise ValueError(
            f"The law depends on place and is known from x = {low:g} to {high:g}, but the context "
            f"extends from {grid.lower[0]:g} to {grid.upper[0]:g}; cut it to that interval."
        )


def _arises(law: FittedLaw) -> np.ndarray:
    """Which fields have a source."""
    if law.terms is None:
        return np.zeros(len(law.fields), bool)
    parts = (law.terms.by_state, law.terms.source_by_place)
    return np.any([np.any(part, axis=1) for part in parts], axis=0)
