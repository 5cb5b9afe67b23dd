"""The law behind a context, and how far to trust it."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hfluxno.grid import Grid
from hfluxno.identify.basis import Dictionary, TensorChebyshev
from hfluxno.identify.candidate import Candidate
from hfluxno.identify.fitted_law import FittedLaw
from hfluxno.identify.gaps import (
    MINIMUM_CELLS,
    MINIMUM_FRAMES,
    check_measured,
    choose_with_gaps,
    without_gaps,
)
from hfluxno.identify.misfit import UNKNOWN, Misfit, measure
from hfluxno.identify.momentum import odd_fields
from hfluxno.identify.refine import Unknowns, measured_deviation
from hfluxno.identify.select import Trial, choose, last_fitted_frame, make_settings
from hfluxno.identify.settings import Settings
from hfluxno.identify.status import FitStatus, status_of, total_drift
from hfluxno.lanes import on_all_cores
from hfluxno.trajectory import Trajectory, as_trajectory, kept_precision

if TYPE_CHECKING:
    import xarray

# A forecast says how much is missing from this part of the context on.
_MUCH = 0.05


@dataclasses.dataclass(frozen=True)
class Identification:
    """An identified conservation law and its report.

    **Attributes:**

    - `law`: the law in the units of the data; it can be solved as any other.
    - `candidate`: the basis, diffusion, scheme and internal grid that were chosen.
    - `status`: whether a conservation law explains the data.
    - `backtest_error`: the relative l2 error of the chosen candidate on the context's last frames,
      fitted to the frames before.
    - `persistence_error`: the same error of repeating the last frame before them.
    - `residual`: the root mean square misfit over the whole context after the last fit, relative to
      the standard deviation of each field.
    - `misfit`: what that misfit looks like: see `hfluxno.identify.misfit`.
    - `coefficients`: the flux coefficients, and those of the diffusivity, by name.
    - `covariance`: their covariance in the same order, from the misfit and the normal matrix (the
      usual estimate of nonlinear least squares, which takes the misfit for independent noise).
    - `total_drift`: the change of the total of each field over the context, relative to the mean
      size of the field; changes that the boundary lets through are included.
    - `mode`: from which state forecasts start (see `hfluxno.identify.track`): `continue` the fitted
      trajectory, `filter` all frames (under noise), or `restart` at the last frame.
    - `tried`: every candidate with its back-test error.
    - `initial`: the state from which the fitted trajectory starts: the first frame, or an estimate
      of it that several frames share.
    - `grid_law`, `settings`: the law in cells and frames, and how it was solved.
    - `missing`: the part of the context that was not measured, from the first frame with
      measurements to the last.
    - `filled`: these frames with their gaps filled by the fitted trajectory; `None` where there are
      no gaps.
    """

    law: FittedLaw
    candidate: Candidate
    status: FitStatus
    backtest_error: float
    persistence_error: float
    residual: float
    misfit: Misfit
    coefficients: dict[str, float]
    covariance: np.ndarray
    total_drift: np.ndarray
    mode: str
    tried: tuple[tuple[str, float], ...]
    initial: np.ndarray = dataclasses.field(repr=False)
    grid_law: FittedLaw = dataclasses.field(repr=False)
    settings: Settings = dataclasses.field(repr=False)
    missing: float = 0.0
    filled: Trajectory | None = dataclasses.field(default=None, repr=False)

    @property
    def sentence(self) -> str:
        """What the status means, the figures that decided it, and how much of the context is
        missing, if that is much."""
        figures = self._figures()
        text = f"{self.status.sentence} ({figures})" if figures else self.status.sentence
        if self.missing < _MUCH:
            return text
        return f"{text}; {self.missing:.0%} of the context was not measured"

    def _figures(self) -> str:
        if self.status == FitStatus.SYSTEMATIC_MISFIT:
            return str(self.misfit)
        if self.status == FitStatus.SOURCE_OR_LEAK:
            drifts = zip(self.law.fields, self.total_drift, strict=True)
            return ", ".join(
                f"{name}: {100 * drift:+.2g} % of its mean size" for name, drift in drifts
            )
        if self.status == FitStatus.POOR_FIT:
            return (
                f"back-test error {100 * self.backtest_error:.2g} %, of repeating a frame "
                f"{100 * self.persistence_error:.2g} %; {self.misfit}"
            )
        return ""


@overload
def identify(
    context: "Trajectory | xarray.DataArray", momentum: str | None = None
) -> Identification: ...
@overload
def identify(
    context: NDArray[Any],
    momentum: str | None = None,
    *,
    times: ArrayLike,
    grid: Grid,
    fields: Sequence[str] | None = None,
) -> Identification: ...
@overload
def identify(
    context: "Sequence[Trajectory | xarray.DataArray]", momentum: str | None = None
) -> tuple[Identification, ...]: ...
def identify(
    context: Any,
    momentum: str | None = None,
    *,
    times: Any = None,
    grid: Grid | None = None,
    fields: Sequence[str] | None = None,
) -> Any:
    """The conservation law that explains a context.

    Computes in float64 whatever the precision outside. A list of contexts is a batch, which is
    identified at once, and gives one result for each of them; so does an array or a trajectory with
    a leading axis.

    **Arguments:**

    - `context`: at least 4 frames at equal intervals on a one-dimensional grid of at least 8 cells:
      a trajectory, a DataArray (see `Trajectory.from_xarray`; periodic), or an array with its times
      and grid. NaN is a gap: a value, a sensor or a frame that was not measured, up to 80 percent
      of all. In a batch, a trajectory with a constant field gets the status `CONSTANT`.
    - `momentum`: the field that a reflecting wall turns round; of two fields it is inferred where
      it is `None`.
    - `times`, `grid`, `fields`: of an array, of shape (time, x) or (time, field, x).

    **Raises:**

    - `ValueError`, where the context is too short, too coarse, infinite somewhere, has too little
      measured, or is constant (every trajectory of it), or there is a wall and no momentum can be
      told.
    """
    trajectory = as_trajectory(context, times, grid, fields)
    found = identify_all(trajectory, momentum)
    return found if trajectory.is_batched else found[0]


def identify_all(context: Trajectory, momentum: str | None = None) -> tuple[Identification, ...]:
    """`identify` for one trajectory or a batch of them: one result for each."""
    values = np.asarray(context.values, np.float64)
    _check(context, values)
    batch = values if context.is_batched else values[None]
    varies = ~np.any(_constant_fields(context), axis=1)
    odd = odd_fields(without_gaps(context), momentum, varies)
    # Without a wall no fit depends on it, and compiled programs do.
    odd_in_fits = odd if context.grid.has_wall() else ()
    # Compiled programs serve fields of any names.
    names = tuple(f"u{i}" for i in range(len(context.fields)))

    def one(lane: int) -> Identification:
        if not varies[lane]:
            return _nothing_to_infer(batch[lane], context)
        if np.any(np.isnan(batch[lane])):
            part, times = _measured_part(batch[lane], np.asarray(context.times, float))
            trial, tried, filled = choose_with_gaps(part, context.grid, names, odd_in_fits)
            whole = Trajectory(filled, times, context.grid, context.fields)
            return _report(trial, tried, filled, whole, odd, np.isfinite(part))
        trial, tried = choose(batch[lane], context.grid, names, odd_in_fits)
        return _report(trial, tried, batch[lane], context, odd)

    with jax.enable_x64(True):
        return tuple(on_all_cores(one, range(len(batch))))


def _check(context: Trajectory, values: np.ndarray) -> None:
    if len(context.grid.shape) != 1:
        raise ValueError("Only contexts with one space dimension can be identified.")
    if len(context.fields) > 2:
        raise ValueError(
            f"Only contexts with one or two fields can be identified; this one has "
            f"{len(context.fields)}. Select one variable, or two that form a system."
        )
    if context.frames < MINIMUM_FRAMES:
        raise ValueError(
            f"A context needs at least {MINIMUM_FRAMES} frames; this one has {context.frames}."
        )
    if context.grid.shape[0] < MINIMUM_CELLS:
        raise ValueError(
            f"A context needs at least {MINIMUM_CELLS} cells; this one has {context.grid.shape[0]}."
        )
    if np.any(np.isinf(values)):
        raise ValueError("The context has infinite values; make them NaN or correct them first.")
    for lane, each in enumerate(values if context.is_batched else values[None]):
        check_measured(each, context.fields, f" {lane}" if context.is_batched else "")
    flat = _constant_fields(context)
    if np.all(np.any(flat, axis=1)):
        field = int(np.argwhere(flat)[0][1])
        which = " of every trajectory" if len(flat) > 1 else ""
        raise ValueError(
            f"The field {context.fields[field]!r}{which} is constant: there is nothing to infer "
            "from it."
        )
    intervals = np.diff(np.asarray(context.times, float))
    if np.any(np.abs(intervals - intervals.mean()) > 1e-3 * intervals.mean()):
        raise ValueError("The frames of a context must be at equal intervals; interpolate first.")


def _constant_fields(context: Trajectory) -> np.ndarray:
    """Which fields of which trajectories do not vary by more than rounding."""
    values = np.asarray(context.values)
    batch = values if context.is_batched else values[None]
    rounding = max(4.0 * float(np.finfo(kept_precision(batch.dtype)).eps), 1e-12)
    reach = np.nanmax(batch, axis=(1, 3)) - np.nanmin(batch, axis=(1, 3))
    return reach <= rounding * np.nanmax(np.abs(batch), axis=(1, 3))


def _measured_part(values: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frames from the first to the last with measurements, and their times."""
    frames = np.flatnonzero(np.isfinite(values).any(axis=(1, 2)))
    part = slice(frames[0], frames[-1] + 1)
    return values[part], times[part]


def _nothing_to_infer(values: np.ndarray, context: Trajectory) -> Identification:
    """The report on a trajectory with a constant field: a law that moves nothing."""
    fields = len(context.fields)
    lower, upper = (jnp.asarray(f(values, axis=(0, 2))) for f in (np.nanmin, np.nanmax))
    basis = TensorChebyshev(0.5 * (lower + upper), jnp.ones(fields), 1, fields)
    law = FittedLaw(
        context.fields, basis, jnp.zeros((fields, fields)), jnp.zeros((fields, 0)), lower, upper
    )
    candidate = Candidate("tensor", 0)
    return Identification(
        law=law,
        candidate=candidate,
        status=FitStatus.CONSTANT,
        backtest_error=float("nan"),
        persistence_error=float("nan"),
        residual=float("nan"),
        misfit=UNKNOWN,
        coefficients={},
        covariance=np.zeros((0, 0)),
        total_drift=np.zeros(fields),
        mode="restart",
        tried=(),
        initial=np.where(np.isfinite(values[0]), values[0], np.asarray(lower)[:, None]),
        grid_law=law,
        settings=make_settings(candidate, context.grid),
    )


def _report(
    trial: Trial,
    tried,
    values: np.ndarray,
    context: Trajectory,
    odd: tuple[int, ...],
    seen: np.ndarray | None = None,
) -> Identification:
    """The report on a fit; with gaps, which were filled, what was `seen` is counted."""
    times = np.asarray(context.times, float)
    dt = (times[-1] - times[0]) / (len(times) - 1)
    dx = context.grid.spacing[0]
    grid_law = trial.unknowns.law(trial.fit.parameters)
    unknowns = _named(trial.unknowns, context.fields)
    law = unknowns.law(trial.fit.parameters)
    law = eqx.tree_at(
        lambda t: (t.flux_coefficients, t.diffusion_coefficients),
        law,
        (law.flux_coefficients * (dx / dt), law.diffusion_coefficients * (dx * dx / dt)),
    )
    law = dataclasses.replace(law, odd=odd)
    names, scale = _names_and_units(unknowns, dx, dt)
    numbers = trial.fit.parameters * scale
    free = np.asarray(unknowns.mask, bool)
    drift, conserved = total_drift(values, context.grid, _doubt_of_totals(trial, values, seen))
    last = last_fitted_frame(len(times), seen)
    before, after = values[last], values[last + 1 :]
    counted = True if seen is None else seen[last + 1 :]
    change = np.sum((after - before) ** 2, where=counted)
    persistence = float(np.sqrt(change / np.sum(after**2, where=counted)))
    # What was not measured has no misfit.
    frames = np.asarray(trial.fit.frames)
    misfit = measure(frames, values if seen is None else np.where(seen, values, frames))
    status = status_of(trial, values, persistence, conserved, misfit, seen)
    return Identification(
        law=jax.device_put(law),
        candidate=trial.candidate,
        status=status,
        backtest_error=trial.error,
        persistence_error=persistence,
        residual=trial.fit.residual,
        misfit=misfit,
        coefficients={n: float(c) for n, c, f in zip(names, numbers, free, strict=True) if f},
        covariance=_covariance(trial, scale)[np.ix_(free, free)],
        total_drift=drift,
        mode=trial.mode,
        tried=tried,
        initial=trial.initial,
        grid_law=grid_law,
        settings=trial.settings,
        missing=0.0 if seen is None else 1.0 - float(np.mean(seen)),
        filled=None if seen is None else context,
    )


def _named(unknowns: Unknowns, fields: tuple[str, ...]) -> Unknowns:
    basis = unknowns.basis
    if isinstance(basis, Dictionary):
        basis = dataclasses.replace(basis, fields=fields)
    return dataclasses.replace(unknowns, basis=basis, fields=fields)


def _names_and_units(unknowns: Unknowns, dx: float, dt: float) -> tuple[list[str], np.ndarray]:
    flux_names = [f"f_{f}[{n}]" for f in unknowns.fields for n in unknowns.basis.names]
    diffusion_names = [f"nu_{f}[T{k}]" for f in unknowns.fields for k in range(unknowns.terms)]
    half = 0.5 * np.asarray(unknowns.upper - unknowns.lower)
    flux_scale = np.repeat(half, len(unknowns.basis.names)) * (dx / dt)
    diffusion_scale = np.full(len(diffusion_names), dx * dx / dt)
    return flux_names + diffusion_names, np.concatenate([flux_scale, diffusion_scale])


def _covariance(trial: Trial, scale: np.ndarray) -> np.ndarray:
    """σ² (JᵀJ)⁻¹ over the free parameters, with σ² the misfit per degree of freedom."""
    free = np.flatnonzero(np.asarray(trial.unknowns.mask, bool))
    normal = trial.fit.normal[np.ix_(free, free)]
    equations = trial.fit.equations
    variance = trial.fit.residual**2 * equations / max(equations - len(free), 1)
    full = np.zeros((len(scale), len(scale)))
    full[np.ix_(free, free)] = variance * np.linalg.pinv(normal, rcond=1e-13, hermitian=True)
    return full * np.outer(scale, scale)


def _doubt_of_totals(trial: Trial, values: np.ndarray, seen: np.ndarray | None) -> np.ndarray:
    """By how much a total may be wrong because a part of it is filled in, relative to the field's
    mean size: the misfit, over that part."""
    if seen is None:
        return np.zeros(values.shape[1])
    size = np.mean(np.abs(values), axis=(0, 2))
    absent = 1.0 - seen.mean(axis=(0, 2))
    return trial.fit.residual * measured_deviation(values, seen) * absent / size
