"""The report on a fit: the law in the units of the data, its covariance, and its status."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import numpy as np

from hfluxno.identify.frames.dispersed import by_dispersion, by_other_cells
from hfluxno.identify.frames.first_frame import (
    covariance_by_first_frame,
    is_noisy,
    noise_carried,
    unknown_beside,
)
from hfluxno.identify.frames.refine import measured_deviation, misfit_scale
from hfluxno.identify.frames.select import FittedCandidate, last_fitted_frame
from hfluxno.identify.frames.stages import REPRODUCED
from hfluxno.identify.idle_diffusion import acts, with_idle_diffusion_zero
from hfluxno.identify.joint_report import in_units
from hfluxno.identify.recognition.known import recognise
from hfluxno.identify.recognition.monomials import in_monomials, sizes_of
from hfluxno.identify.residuals.cause import shares_in_weak_form
from hfluxno.identify.residuals.dispersing import dispersing_together
from hfluxno.identify.residuals.measured import beside_unknowns, measure
from hfluxno.identify.residuals.misfit import FEWEST_FOR_MISFIT
from hfluxno.identify.residuals.noise import independent_share, rms
from hfluxno.identify.residuals.odd_places import odd_places
from hfluxno.identify.residuals.scheme_error import change_by_scheme, in_parts
from hfluxno.identify.residuals.variation import growth_of_variation
from hfluxno.identify.result import Identification
from hfluxno.identify.saved.law import known_units
from hfluxno.identify.status import FitStatus, status_of, total_drift
from hfluxno.law_uncertainty import coefficient_names
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.law_family import LawFamily
from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import LESS, noise_alone

# A law with at most this many terms for each field is a formula, which is used beyond the observed
# range, by this fraction of the range.
_FEW, _REACH = 4, 0.5

# Prior standard deviations of a kink's place, in half ranges, and of the logarithm of its width.
_KINK_WITHIN, _WIDTH_WITHIN = 1.0, float(np.log(10.0))


def report(
    trial: FittedCandidate,
    tried,
    values: np.ndarray,
    context: Trajectory,
    negated: tuple[int, ...],
    seen: np.ndarray | None = None,
) -> Identification:
    """The report on a fit; if gaps were filled, only the values `seen` count."""
    times = np.asarray(context.times, float)
    dt = (times[-1] - times[0]) / (len(times) - 1)
    dx = context.grid.spacing[0]
    differs = functools.cache(functools.partial(by_other_cells, trial, values))
    reach = np.asarray(_REACH if trial.candidate.sparse and _is_short(trial) else 0.0)
    grid_law = in_monomials(trial.family.law(trial.fit.parameters))
    grid_law = dataclasses.replace(with_idle_diffusion_zero(grid_law), reach=reach)
    family = _with_names(trial.family, context.fields)
    law = in_monomials(family.law(trial.fit.parameters))
    law = in_units(law, context.fields, context.grid, dt)
    names = coefficient_names(law) + ["ln(width/0.02)"] * bool(family.kink_parameters)
    acting = acts(law, names)
    law = dataclasses.replace(with_idle_diffusion_zero(law), negated=negated, reach=reach)
    scale = _units(family, dx, dt)
    numbers = trial.fit.parameters * scale
    free = np.asarray(family.mask, bool) & acting
    doubt = np.where(family.arises, np.inf, _error_of_totals(trial, values, seen))
    drift, conserved = total_drift(values, context.grid, doubt)
    last = last_fitted_frame(len(times), seen)
    before, after = values[last], values[last + 1 :]
    counted = True if seen is None else seen[last + 1 :]
    change = np.sum((after - before) ** 2, where=counted)
    persistence = float(np.sqrt(change / np.sum(after**2, where=counted)))
    frames = np.asarray(trial.fit.frames)
    places = _measured_places(values, seen)
    # Values that were not measured have no misfit.
    filled = values if seen is None else np.where(seen, values, frames)
    misfit = measure(frames[..., places], filled[..., places])
    carried = noise_carried(trial, values, misfit)
    complete = seen is None or bool(np.all(seen[..., places]))
    if complete and is_noisy(misfit) and trial.fit.is_solved:
        # Beside diffusion, errors of the first state imitate dispersion.
        alone = trial.candidate.diffusion == "none" and seen is None
        alone = alone and context.grid.is_periodic()
        fields = len(trial.family.fields)
        dispersed = by_dispersion(trial, values) if alone and fields == 1 else None
        beside = unknown_beside(trial, values)[..., places]
        misfit = beside_unknowns(
            misfit,
            frames[..., places],
            filled[..., places],
            beside,
            dispersed,
            carried=carried is not None,
        )
        if alone and fields == 2:
            found = _dispersing_together(trial, values, beside, carried, differs())
            misfit = dataclasses.replace(misfit, dispersing=found)
    if len(family.fields) == 1 and seen is None:
        size = misfit.noise * float(np.std(values))
        grown = growth_of_variation(values[:, 0], context.grid.is_periodic(), size)
        misfit = dataclasses.replace(misfit, variation=grown)
    if seen is None and not misfit.reproduced:
        dispersion, timed = shares_in_weak_form(values, context.grid.is_periodic())
        misfit = dataclasses.replace(misfit, dispersion=dispersion, timed=timed)
    status = status_of(
        trial.error, trial.fit.residual, values, persistence, conserved, misfit, seen
    )
    known = None
    if trial.fit.is_solved:
        fitted = (
            family.basis,
            numbers * free,
            trial.fit.normal / np.outer(scale, scale),
            free,
            trial.fit.equations,
            len(times),
            trial.fit.residual,
            _noise_beside_field(values, misfit.noise),
            known_units(context),
        )
        known = recognise(*fitted)
        if known is None and (len(family.fields) > 2 or is_noisy(misfit)):
            # Noise of the first frame, which is not fitted, may change all speeds a little.
            known = recognise(*fitted, common_free=True)
    by_scheme = _changes_by_scheme(trial, values, seen, differs) * scale
    covariance = _covariance(trial) / _share(trial, values, seen)
    covariance = covariance + covariance_by_first_frame(trial, values, carried, seen)
    covariance = covariance * np.outer(scale, scale) + by_scheme.T @ by_scheme
    return Identification(
        law=jax.device_put(law),
        candidate=trial.candidate,
        status=status,
        backtest_error=trial.error,
        persistence_error=persistence,
        residual=trial.fit.residual,
        misfit=misfit,
        coefficients={n: float(c) for n, c, f in zip(names, numbers, free, strict=True) if f},
        covariance=covariance[np.ix_(free, free)],
        by_scheme=by_scheme[:, free],
        total_drift=drift,
        mode=trial.mode,
        tried=tried,
        initial=trial.initial,
        grid_law=grid_law,
        settings=trial.settings,
        missing=0.0 if seen is None else 1.0 - float(np.mean(seen)),
        odd=odd_places(values if seen is None else np.where(seen, values, np.nan), frames, context),
        filled=None if seen is None else context,
        cell=dx,
        interval=dt,
        recognised=known if status == FitStatus.OK else None,
    )


def _noise_beside_field(values: np.ndarray, shown: float) -> float:
    """The noise in standard deviations of the fields: what mixed differences have `shown`, or if
    that is mostly what they leave of the fields, what higher ones show. A known law may miss the
    data by as much as the scheme does, which would otherwise be taken for noise."""
    each = np.moveaxis(values, 1, 0)
    alone = [noise_alone(u) / size for u in each if (size := float(np.std(u))) > 0.0]
    found = rms(np.array(alone)) if alone else shown
    return found if found < LESS * shown else shown


def _measured_places(values: np.ndarray, seen: np.ndarray | None) -> np.ndarray:
    """The cells in which anything was measured, all if these are few: between sensors there is no
    misfit, and what neighbours share is that of sensors."""
    every = np.ones(values.shape[-1], bool)
    places = every if seen is None else seen.any(axis=(0, 1))
    return places if np.sum(places) >= FEWEST_FOR_MISFIT else every


def _dispersing_together(
    trial: FittedCandidate,
    values: np.ndarray,
    beside: np.ndarray,
    carried: np.ndarray | None,
    by_scheme: np.ndarray,
) -> float:
    """What dispersion explains of the misfit of two fields beside the `beside` unknowns, to
    which the errors of the scheme are added."""
    dispersed = by_dispersion(trial, values)
    every = (dispersed, by_scheme) if carried is None else (dispersed, by_scheme, carried)
    if not all(np.all(np.isfinite(each)) for each in every):
        return 0.0
    beside = np.concatenate([beside, by_scheme[None]])
    return dispersing_together(trial.fit.frames, values, beside, dispersed, carried)


def _is_short(trial: FittedCandidate) -> bool:
    family = trial.family
    free = np.asarray(family.mask)[: family.before_sources].reshape(len(family.fields), -1)
    return bool(np.all(free.sum(axis=1) <= _FEW))


def _with_names(family: LawFamily, fields: tuple[str, ...]) -> LawFamily:
    basis = family.basis
    if isinstance(basis, Dictionary):
        basis = dataclasses.replace(basis, fields=fields)
    return dataclasses.replace(family, basis=basis, fields=fields)


def _units(family: LawFamily, dx: float, dt: float) -> np.ndarray:
    """The units of all parameters."""
    half = 0.5 * np.asarray(family.upper - family.lower)
    units = [np.outer(half, 1.0 / sizes_of(family.basis)) * (dx / dt)]
    units.append(np.full(len(half) * family.terms, dx * dx / dt))
    if family.sources:
        units.append(half[:, None] / dt / np.asarray(family.source_sizes))
    if family.carrier is not None:
        units.append(np.repeat(half / dt / float(family.carrier_size), family.modes))
    units.append(np.ones(family.kink_parameters))
    return np.concatenate([np.ravel(each) for each in units])


def _covariance(trial: FittedCandidate) -> np.ndarray:
    """σ² (JᵀJ)⁻¹ over the free parameters, with σ² the misfit per degree of freedom; a kink that
    the data do not need may be anywhere in the observed range, but not far outside."""
    free = np.flatnonzero(np.asarray(trial.family.mask, bool))
    equations = trial.fit.equations
    variance = trial.fit.residual**2 * equations / max(equations - len(free), 1)
    count = len(trial.fit.parameters)
    normal = trial.fit.normal + variance * _kink_prior(count, trial.family.kink_parameters)
    normal = normal[np.ix_(free, free)]
    full = np.zeros((count, count))
    full[np.ix_(free, free)] = variance * np.linalg.pinv(normal, rcond=1e-13, hermitian=True)
    return full


def _share(trial: FittedCandidate, values: np.ndarray, seen: np.ndarray | None) -> float:
    """The fraction of the values that count (`independent_share`)."""
    size = np.std(values, axis=(0, 2)) if seen is None else measured_deviation(values, seen)
    missed = (trial.fit.frames - values)[1:] / np.where(size > 0.0, size, 1.0)[:, None]
    return independent_share(missed if seen is None else np.where(seen[1:], missed, np.nan))


def _changes_by_scheme(
    trial: FittedCandidate,
    values: np.ndarray,
    seen: np.ndarray | None,
    by_cells: Callable[[], np.ndarray],
) -> np.ndarray:
    """What the parameters may make up for of the error of the scheme, (part, parameter), from the
    change `by_cells`; nothing if the data were made by the same scheme."""
    rows, directions = trial.fit.rows, np.asarray(trial.family.directions)
    solved = trial.fit.is_solved and np.all(np.isfinite(rows))
    if trial.fit.residual <= REPRODUCED or not solved:
        return np.zeros((0, directions.shape[1]))
    scale, _ = misfit_scale(values, np.ones(len(values)), seen)
    differs = in_parts(trial.settings.of_difference * by_cells() * scale)
    missed = (trial.fit.frames[1:] - values[1:]) * scale
    inverse = np.linalg.pinv(rows @ rows.T, rcond=1e-13, hermitian=True)
    changes = change_by_scheme(differs.reshape(len(differs), -1), rows, inverse, missed.ravel())
    return changes @ directions


def _kink_prior(parameters: int, kink_parameters: int) -> np.ndarray:
    """The prior of kinks as an inverse covariance; their parameters are the last ones."""
    precision = np.zeros(parameters)
    if kink_parameters:
        precision[-kink_parameters:] = 1.0 / _KINK_WITHIN**2
        precision[-1] = 1.0 / _WIDTH_WITHIN**2
    return np.diag(precision)


def _error_of_totals(
    trial: FittedCandidate, values: np.ndarray, seen: np.ndarray | None
) -> np.ndarray:
    """The error of a total due to values that were filled in, relative to the field's mean size:
    the misfit, over the fraction that was filled."""
    if seen is None:
        return np.zeros(values.shape[1])
    size = np.mean(np.abs(values), axis=(0, 2))
    absent = 1.0 - seen.mean(axis=(0, 2))
    return trial.fit.residual * measured_deviation(values, seen) * absent / size
