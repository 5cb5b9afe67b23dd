"""The report on a joint estimate of law, first state and ends."""

import dataclasses
from collections.abc import Sequence

import equinox as eqx
import jax
import numpy as np

from hfluxno.boundary import Given, Inflow, Open
from hfluxno.grid import Grid
from hfluxno.identify.accepted import has_weak_form
from hfluxno.identify.idle_diffusion import acts, with_idle_diffusion_zero
from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.fit import sizes
from hfluxno.identify.joint.flux_uncertainty import flux_uncertainty
from hfluxno.identify.joint.found import JointFit
from hfluxno.identify.joint.law_shape import LawShape
from hfluxno.identify.joint.misfit_at_sensors import measure_apart, misfit_of_interpolation
from hfluxno.identify.joint.windows import Prediction
from hfluxno.identify.recognition.known import recognise, scaled_inverse
from hfluxno.identify.recognition.monomials import in_monomials
from hfluxno.identify.recognition.recognised import Recognised
from hfluxno.identify.residuals.cause import shares_in_weak_form
from hfluxno.identify.residuals.measured import measure, with_speed_change
from hfluxno.identify.residuals.misfit import FEWEST_FOR_MISFIT, Misfit
from hfluxno.identify.residuals.noise import INDEPENDENT
from hfluxno.identify.residuals.odd_places import odd_places
from hfluxno.identify.residuals.variation import growth_of_variation
from hfluxno.identify.result import Identification
from hfluxno.identify.saved.law import known_units
from hfluxno.identify.status import FitStatus, joint_status, total_drift
from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.source_terms import names_of
from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import noise_of_each

_BETTER, _EARNED = 0.8, 0.5
# A more flexible law must have a smaller shared misfit: with the right terms it was .0004.
SHARED_OF_FURTHER = 0.005
# A change of speed counts if it is as certain as that.
_CERTAIN_CHANGE = 12.0
# Fronts and nothing else show no noise; they count as having this, in standard deviations.
_LEAST_SHOWN = 0.01


def joint_report(found: JointFit, context: Trajectory, negated: tuple[int, ...]) -> Identification:
    """The report on a joint estimate."""
    best, values, seen = found.estimate, np.asarray(context.values), context.observed
    forward, fields, size = best.forward, context.states.fields, sizes(context)[:, None]
    dx, dt = forward.scale.cell, forward.scale.interval
    grid_law = forward.law(best.z)
    law = in_units(in_monomials(grid_law), fields, context.grid, dt)
    grid_law, law = map(with_idle_diffusion_zero, (grid_law, law))
    shown = best.observed(context.times)
    filled = np.where(seen, values, shown)
    misfit = _misfit(shown, filled, seen, forward.scale.frames(context.times))
    if best.speed is not None:
        misfit = with_speed_change(misfit, best.speed, _CERTAIN_CHANGE)
    if forward.ends is not None or not seen.all():
        # The states at open ends, and between sensors, are least known at the end of the context.
        misfit = dataclasses.replace(misfit, sudden=0.0, at_end=0.0)
    residual = _rms((shown - filled) / size, seen)
    drift, conserved = _drift(best, context, filled, residual)
    has_flux = isinstance(found.kind, str) or found.kind.size > 0
    misfit = dataclasses.replace(
        misfit,
        variation=_grown(best, context, misfit.noise),
        in_noise_shown=_in_noise_shown(context, shown),
        of_interpolation=misfit_of_interpolation(context, shown),
        left_out=best.left_out,
        # What has no flux has none that depends on time: fast decays between frames look like one.
        timed=_timed(context) if has_flux else 0.0,
    )
    backtest, persistence, spread = _backtest(found.predicted, found.held_out, values, seen)
    names, scale, shift = _names_and_units(forward.shape, fields, dx, dt, context.grid.lower[0])
    coefficients, covariance, by_scheme, present = _coefficients(best)
    coefficients = coefficients * scale + shift
    present = present[acts(forward.law(best.z), names)[present]]
    change = _rms((filled - filled[:1]) / size, seen)
    noise = in_noise = None  # the known one, in standard deviations, and the misfit in units of it
    if context.deviation is not None:
        noise = _rms(context.deviation / size, seen)
        in_noise = _rms((shown - values) / context.deviation, seen)
        misfit = dataclasses.replace(misfit, in_noise=in_noise)
    uncertainty = flux_uncertainty(best, values)
    status = joint_status(residual, change, misfit, noise, in_noise, uncertainty, conserved)
    by_scheme = by_scheme * scale
    covariance = covariance * np.outer(scale, scale) + by_scheme.T @ by_scheme
    known = None
    if status == FitStatus.OK:
        free = np.isin(np.arange(len(coefficients)), present)
        known = _recognised(law, coefficients, covariance, free, residual, context)
    return Identification(
        law=jax.device_put(dataclasses.replace(law, negated=negated)),
        candidate=found.kind,
        status=status,
        backtest_error=backtest,
        persistence_error=persistence,
        backtest_spread=spread,
        residual=residual,
        misfit=misfit,
        coefficients={names[i]: float(coefficients[i]) for i in present},
        covariance=covariance[np.ix_(present, present)],
        by_scheme=by_scheme[:, present],
        total_drift=drift,
        mode="continue",
        tried=found.tried,
        initial=best.states[0],
        grid_law=grid_law,
        settings=forward.settings,
        estimate=best,
        missing=1.0 - float(np.mean(seen)),
        odd=odd_places(values, shown, context),
        filled=None,
        cell=dx,
        interval=dt,
        recognised=known,
    )


def _recognised(
    law: FittedLaw, coefficients, covariance, free, residual: float, context: Trajectory
) -> Recognised | None:
    """The known law that an estimate agrees with within its uncertainty."""
    equations = int(context.observed.sum())
    return recognise(
        law.basis,
        coefficients * free,
        residual**2 * scaled_inverse(covariance),
        free,
        equations,
        context.frames,
        residual,
        residual,
        known_units(context),
        common_free=True,
    )


def _coefficients(best: Estimate) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The coefficients of the law, their covariance, their errors by the scheme, and the indices of
    those that it has, but for a constant of the flux that follows from the others."""
    forward, count = best.forward, len(best.forward.spread)
    found = np.asarray(forward.coefficients(best.z))
    # Those that follow from others are linear in them.
    unit = np.eye(count, len(best.z))
    rows = np.array([np.asarray(forward.coefficients(best.z + e)) - found for e in unit])
    has_flux = bool(np.any(forward.spread[: forward.shape.sizes[0]]))
    following = forward.shape.following[1:] if has_flux else ()
    present = np.union1d(np.flatnonzero(forward.spread), np.array(following, int))
    by_scheme = np.zeros((0, count)) if best.by_scheme is None else best.by_scheme[:, :count]
    covariance = best.covariance if best.uncertain is None else best.uncertain.covariance
    return found, rows.T @ covariance[:count, :count] @ rows, by_scheme @ rows, present


def in_units(law: FittedLaw, fields: tuple[str, ...], grid: Grid, dt: float) -> FittedLaw:
    """The law of cells and frames in the units of the data."""
    dx, terms = grid.spacing[0], law.terms
    if terms is not None:
        modes = PlaceModes(grid.lower[0], grid.upper[0], terms.modes.count, terms.modes.periodic)
        terms = dataclasses.replace(
            terms,
            by_state=terms.by_state / dt,
            source_by_place=terms.source_by_place / dt,
            flux_offset=terms.flux_offset * (dx / dt),
            modes=modes,
            stretches=_stretches(np.asarray(terms.stretches), dx, grid.lower[0]),
        )
    if isinstance(law.basis, Dictionary):
        law = dataclasses.replace(law, basis=dataclasses.replace(law.basis, fields=fields))
    changed = eqx.tree_at(
        lambda t: (t.flux_coefficients, t.diffusion_coefficients),
        law,
        (law.flux_coefficients * (dx / dt), law.diffusion_coefficients * (dx * dx / dt)),
    )
    return dataclasses.replace(changed, fields=fields, terms=terms)


def _stretches(in_cells, dx: float, lower: float) -> np.ndarray:
    """Begins, ends and log factors of the stretches in use, in the units of the data."""
    used = in_cells[in_cells[:, 0] < in_cells[:, 1]]
    return used * [dx, dx, 1.0] + np.multiply([1.0, 1.0, 0.0], lower)


def _names_and_units(
    shape: LawShape, fields, dx, dt, lower
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The name of each coefficient, its unit, and what zero is in the units of the data."""
    half = 0.5 * (shape.upper - shape.lower)
    basis, term_sizes = shape.basis, [1.0] * len(shape.basis.names)
    if isinstance(basis, Dictionary):  # as coefficients of the terms themselves
        basis, term_sizes = dataclasses.replace(basis, fields=fields), basis.sizes.tolist()
    parts = [
        ("f", basis.names, half * dx / dt),
        ("nu", [f"T{k}" for k in range(shape.diffusion)], np.full(len(fields), dx * dx / dt)),
        ("s", _of_sources(shape, fields), half / dt),
        ("s", [f"mode {k + 1}" for k in range(shape.source_modes)], half / dt),
        ("f", ["T0"] if shape.has_offset else [], half * dx / dt),
    ]
    names, units = [], []
    for letter, terms, unit in parts:
        for field, size in zip(fields, unit, strict=True):
            names += [f"{letter}_{field}[{term}]" for term in terms]
            units += [float(size)] * len(terms)
    flux = slice(0, len(fields) * len(basis.names))
    units[flux] = [u / size for u, size in zip(units[flux], len(fields) * term_sizes, strict=True)]
    names += [f"log k[mode {k + 1}]" for k in range(shape.flux_modes)]
    units += [1.0] * shape.flux_modes
    zeros = [0.0] * len(names)
    for k in range(shape.stretches):
        names += [f"{what}[stretch {k + 1}]" for what in ("x from", "x to", "log k")]
        units += [dx, dx, 1.0]
        zeros += [lower, lower, 0.0]
    names += [f"v[kink {k + 1}]" for k in range(shape.kinks)]
    units += [1.0] * shape.kinks
    return names, np.array(units), np.array(zeros + [0.0] * shape.kinks)


def _of_sources(shape: LawShape, fields: tuple[str, ...]) -> Sequence[str]:
    names = names_of(shape.functions, fields) if shape.functions else ()
    return names or [f"T{k}" for k in range(shape.by_state)]


def _in_noise_shown(context: Trajectory, shown) -> float:
    """The misfit in units of the noise that the values themselves show, if it was not given; of the
    field of which it is larger."""
    if context.deviation is not None:
        return 0.0
    values, seen, size = np.asarray(context.values, float), context.observed, sizes(context)
    least = np.maximum(noise_of_each(values), _LEAST_SHOWN * size)
    missed = [_rms(shown[:, i] - values[:, i], seen[:, i]) for i in range(len(size))]
    return float(np.max(missed / least))


def _timed(context: Trajectory) -> float:
    """The share in the weak form of a flux that depends on time, of complete frames of states at
    equal intervals; else 0."""
    values = np.asarray(context.values, np.float64)
    if not has_weak_form(values, context):
        return 0.0
    return shares_in_weak_form(values, context.grid.is_periodic())[1]


def _misfit(states, filled, seen, times) -> Misfit:
    """The misfit at the places where anything was measured."""
    places = seen.any(axis=(0, 1))
    if places.sum() < FEWEST_FOR_MISFIT:
        return measure_apart(states, np.where(seen, filled, np.nan))
    return measure(states[..., places], filled[..., places], times)


def _drift(best: Estimate, context: Trajectory, filled, residual) -> tuple[np.ndarray, bool]:
    """The drift of each total, and whether a law could have it: one with a source, or if values
    are not averages over cells. Filled values are those of the law, so they hide a part."""
    shape, fields = best.forward.shape, len(context.states.fields)
    if not all(step.nearly_states for step in context.observation):
        return total_drift(best.states, context.grid, np.zeros(fields))[0], True
    absent = 1.0 - context.observed.mean(axis=(0, 2))
    size = np.maximum(np.mean(np.abs(filled), axis=(0, 2)), 1e-300)
    drift, conserved = total_drift(filled, context.grid, residual * sizes(context) * absent / size)
    return drift, conserved or bool(shape.by_state or shape.source_modes)


def _grown(best: Estimate, context: Trajectory, noise: float) -> float:
    """The growth of the total variation of complete frames of one field, which a law without other
    terms cannot cause unless new values enter at an end."""
    values, ends = np.asarray(context.values), context.grid.boundary[0]
    enters = any(isinstance(end, Open | Given | Inflow) for end in ends)
    pure = best.forward.law(best.z).terms is None
    if enters or not pure or values.shape[1] > 1 or not np.all(np.isfinite(values)):
        return 0.0
    periodic = context.grid.is_periodic()
    return growth_of_variation(values[:, 0], periodic, noise * float(np.std(values)))


def _backtest(
    predicted: Prediction | None, held_out: int, values, seen
) -> tuple[float, float, float]:
    """The relative l2 errors on the held-out frames, of the prediction and of repeating the state
    before them, and that of the prediction which its unknowns explain."""
    late = slice(held_out, None)
    if predicted is None or not seen[late].any():
        return float("nan"), float("nan"), 0.0
    truth, counted = values[late], seen[late]
    size = np.sum(truth**2, where=counted)
    frames, before = predicted.values[late], predicted.values[held_out - 1][None]
    # Where an unknown moves a shock, the derivative is larger than any change.
    spread = np.minimum(predicted.spread[late], np.ptp(predicted.values, axis=(0, 2))[:, None])
    squares = [(frames - truth) ** 2, (before - truth) ** 2, spread**2]
    error, of_repeating, explained = (np.sum(each, where=counted) / size for each in squares)
    return float(np.sqrt(error)), float(np.sqrt(of_repeating)), float(np.sqrt(explained))


def _rms(differences, seen) -> float:
    return float(np.sqrt(np.mean(differences**2, where=seen)))


def with_further_terms(
    found: Identification, richer: Identification | None, of_noise: float = 0.0
) -> Identification:
    """The law found, or a law with further terms that predicts the last frames better, or explains
    all frames better if they are too few to hold some out.

    The latter is trusted if it does so at least twice as well and has no systematic misfit;
    otherwise the warning remains. If it leaves nothing but independent noise, the error `of_noise`
    that this makes in the last frames does not count.
    """
    if richer is None:
        return found
    before, after = found.backtest_error, richer.backtest_error
    if np.isnan(before) and np.isnan(after):
        before, after = found.residual, richer.residual
    if max(abs(richer.misfit.in_time), abs(richer.misfit.in_space)) < INDEPENDENT:
        before, after = (np.sqrt(max(e**2 - of_noise**2, 0.0)) for e in (before, after))
    if not after < _BETTER * before:
        return found
    sound = richer.status == FitStatus.OK and richer.misfit.shared < SHARED_OF_FURTHER
    if after <= _EARNED * before and sound:
        return richer
    warning = richer.status if richer.status != FitStatus.OK else FitStatus.SYSTEMATIC_MISFIT
    return dataclasses.replace(richer, status=warning, recognised=None)
