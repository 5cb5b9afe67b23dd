"""The identification of a context whose first state or ends are estimated with the law."""

import dataclasses

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from hfluxno.boundary import Boundary, Given
from hfluxno.grid import Grid
from hfluxno.identify.fitted_law import FittedLaw, Terms
from hfluxno.identify.forward import LawShape
from hfluxno.identify.joint import Measured
from hfluxno.identify.joint_search import Found, find
from hfluxno.identify.misfit import Misfit, measure, measure_apart
from hfluxno.identify.prior import Kind
from hfluxno.identify.result import Identification
from hfluxno.identify.status import FitStatus, joint_status, total_drift
from hfluxno.laws.place import PlaceModes
from hfluxno.trajectory import Trajectory

KINDS = (Kind(4), Kind(6), Kind(4, diffusion=1))
SYSTEM_KINDS = (Kind(3),)
# What is tried if no law without them explains a context.
FURTHER_KINDS = (
    Kind(4),
    Kind(4, by_state=3),
    Kind(4, source_modes=4),
    Kind(4, flux_modes=2),
    Kind(2, diffusion=1, kinks=1),
    Kind(4, diffusion=3),
)
UNEXPLAINED = (FitStatus.POOR_FIT, FitStatus.SOURCE_OR_LEAK, FitStatus.SYSTEMATIC_MISFIT)
_BETTER, _EARNED = 0.8, 0.5
# A law that can bend more has to leave less: where the terms were the right ones it was .0004.
_SHARED_OF_FURTHER = 0.005
_FEWEST_FOR_MISFIT = 8  # sensors
# A first frame whose noise is less than this part of its deviation is the first state.
_CLEAN = 3e-3
_FOURTH = 0.6745 * 70.0**0.5  # the median of the size of fourth differences of unit noise


def identify_jointly(
    values: Float[np.ndarray, "time field cells"],
    context: Trajectory,
    negated: tuple[int, ...],
    kinds: tuple[Kind, ...] | None = None,
    noise: Float[np.ndarray, "time field cells"] | None = None,
    offsets: Float[np.ndarray, " cells"] | None = None,
) -> Identification | None:
    """The identification of one trajectory of a context, or `None` if nothing could be solved. The
    `noise` of each value is known, or that of each field estimated where it is `None`; `offsets`
    as in `Measured`.

    **Raises:**

    - `ValueError`, where there are fewer measured values than unknowns.
    """
    times, grid = np.asarray(context.times, float), context.grid
    interval = (times[-1] - times[0]) / (len(times) - 1)
    measured = Measured(values, (times - times[0]) / interval, noise, offsets)
    if kinds is None:
        kinds = KINDS if len(context.fields) == 1 else SYSTEM_KINDS
    names = tuple(f"u{i}" for i in range(len(context.fields)))
    unit = in_cells_and_frames(grid, times[0], interval)
    clean = offsets is None and shows_first_state(values[0], None if noise is None else noise[0])
    found = find(measured, unit, names, negated, kinds, known_first=clean)
    if found is None:
        return None
    return joint_report(found, measured, context, negated, grid.spacing[0], interval)


def in_cells_and_frames(grid: Grid, origin: float, interval: float) -> Grid:
    """The grid with cells of length 1, and what its ends hold at times in frames from `origin`."""

    def converted(end: Boundary) -> Boundary:
        if not isinstance(end, Given):
            return end
        return Given((np.asarray(end.times, float) - origin) / interval, end.values)

    (low, high), cells = grid.boundary[0], grid.shape
    return Grid((0.0,), (float(cells[0]),), cells, ((converted(low), converted(high)),))


def shows_first_state(
    frame: Float[np.ndarray, "field cells"],
    noise: Float[np.ndarray, "field cells"] | None = None,
) -> bool:
    """Whether a first frame is complete and has hardly any noise, which is estimated from it where
    it is `None`."""
    if not np.all(np.isfinite(frame)):
        return False
    if noise is None:
        return _noise_of(frame) < _CLEAN
    return bool(np.all(noise < _CLEAN * np.std(frame, axis=-1, keepdims=True)))


def joint_report(found: Found, measured, context, negated, dx, dt) -> Identification:
    """The report on a joint estimate."""
    best, values, seen = found.estimate, measured.values, measured.seen
    forward = best.forward
    grid_law = forward.law(best.z)
    law = in_units(grid_law, context.fields, context.grid, dt)
    periodic = forward.settings.grid.is_periodic()
    shown = measured.shown(best.states, periodic)
    filled = np.where(seen, values, shown)
    misfit = _misfit(shown, filled, seen)
    residual = _rms((shown - filled) / measured.deviation[:, None], seen)
    drift, _ = total_drift(best.states, context.grid, np.zeros(values.shape[1]))
    predicted = None if found.predicted is None else measured.shown(found.predicted, periodic)
    backtest, persistence = _backtest(predicted, found.held_out, values, seen)
    names, scale = _names_and_units(forward.shape, context.fields, dx, dt)
    free = np.flatnonzero(forward.spread)
    spread = (forward.spread * scale)[free]
    coefficients = np.asarray(forward.coefficients(best.z)) * scale
    change = _rms((filled - filled[:1]) / measured.deviation[:, None], seen)
    return Identification(
        law=jax.device_put(dataclasses.replace(law, negated=negated)),
        candidate=found.kind,
        status=joint_status(
            residual, change, misfit, _relative_noise(measured), _in_noise(shown, measured)
        ),
        backtest_error=backtest,
        persistence_error=persistence,
        residual=residual,
        misfit=misfit,
        coefficients={names[i]: float(coefficients[i]) for i in free},
        covariance=best.covariance[np.ix_(free, free)] * np.outer(spread, spread),
        total_drift=drift,
        mode="continue",
        tried=found.tried,
        initial=best.states[0],
        grid_law=grid_law,
        settings=forward.settings,
        estimate=best,
        missing=1.0 - float(np.mean(seen)),
        filled=None,
        cell=dx,
        interval=dt,
    )


def in_units(law: FittedLaw, fields: tuple[str, ...], grid: Grid, dt: float) -> FittedLaw:
    """The law of cells and frames in the units of the data."""
    dx, terms = grid.spacing[0], law.terms
    if terms is not None:
        modes = PlaceModes(grid.lower[0], grid.upper[0], terms.modes.count, terms.modes.periodic)
        terms = Terms(
            terms.by_state / dt,
            terms.source_by_place / dt,
            terms.flux_by_place,
            terms.flux_offset * (dx / dt),
            modes,
        )
    changed = eqx.tree_at(
        lambda t: (t.flux_coefficients, t.diffusion_coefficients),
        law,
        (law.flux_coefficients * (dx / dt), law.diffusion_coefficients * (dx * dx / dt)),
    )
    return dataclasses.replace(changed, fields=fields, terms=terms)


def _names_and_units(shape: LawShape, fields, dx, dt) -> tuple[list[str], np.ndarray]:
    half = 0.5 * (shape.upper - shape.lower)
    parts = [
        ("f", shape.basis.names, half * dx / dt),
        ("nu", [f"T{k}" for k in range(shape.diffusion)], np.full(len(fields), dx * dx / dt)),
        ("s", [f"T{k}" for k in range(shape.by_state)], half / dt),
        ("s", [f"mode {k + 1}" for k in range(shape.source_modes)], half / dt),
        ("f", ["1"] if shape.has_offset else [], half * dx / dt),
    ]
    names, units = [], []
    for letter, terms, unit in parts:
        for field, size in zip(fields, unit, strict=True):
            names += [f"{letter}_{field}[{term}]" for term in terms]
            units += [float(size)] * len(terms)
    names += [f"log k[mode {k + 1}]" for k in range(shape.flux_modes)]
    names += [f"v[kink {k + 1}]" for k in range(shape.kinks)]
    units += [1.0] * (shape.flux_modes + shape.kinks)
    return names, np.array(units)


def _relative_noise(measured: Measured) -> float | None:
    """The known noise in standard deviations of the fields."""
    if measured.noise is None:
        return None
    return _rms(measured.noise / measured.deviation[:, None], measured.seen)


def _in_noise(states, measured: Measured) -> float | None:
    """The misfit in units of the known noise."""
    if measured.noise is None:
        return None
    return _rms((states - measured.values) / measured.noise, measured.seen)


def _noise_of(frame: Float[np.ndarray, "field cells"]) -> float:
    """The noise of a frame as its fourth differences show it, in standard deviations."""
    differences = np.abs(np.diff(frame, n=4, axis=-1))
    size = np.maximum(np.std(frame, axis=-1), 1e-300)
    return float(np.max(np.median(differences, axis=-1) / (_FOURTH * size)))


def _misfit(states, filled, seen) -> Misfit:
    """The misfit at the places where anything was measured."""
    places = seen.any(axis=(0, 1))
    if places.sum() < _FEWEST_FOR_MISFIT:
        return measure_apart(states, np.where(seen, filled, np.nan))
    return measure(states[..., places], filled[..., places])


def _backtest(predicted, held_out: int, values, seen) -> tuple[float, float]:
    """The relative l2 errors on the held-out frames, of the prediction and of repeating the state
    before them."""
    late = slice(held_out, None)
    if predicted is None or not seen[late].any():
        return float("nan"), float("nan")
    truth, counted = values[late], seen[late]
    size = np.sum(truth**2, where=counted)
    errors = [
        np.sum((guess - truth) ** 2, where=counted) / size
        for guess in (predicted[late], predicted[held_out - 1][None])
    ]
    return float(np.sqrt(errors[0])), float(np.sqrt(errors[1]))


def _rms(differences, seen) -> float:
    return float(np.sqrt(np.mean(differences**2, where=seen)))


def with_further_terms(found: Identification, richer: Identification | None) -> Identification:
    """What was found, or a law with further terms that predicts the last frames better.

    It is trusted if it predicts them at least twice as well and leaves no systematic misfit;
    otherwise the warning stands.
    """
    if richer is None or not richer.backtest_error <= _BETTER * found.backtest_error:
        return found
    earned = richer.backtest_error <= _EARNED * found.backtest_error
    sound = richer.status == FitStatus.OK and richer.misfit.shared < _SHARED_OF_FURTHER
    pure = richer.law.terms is None
    if earned and sound and not (pure and found.misfit.varies_more):
        return richer
    warning = richer.status if richer.status != FitStatus.OK else FitStatus.SYSTEMATIC_MISFIT
    variation = found.misfit.variation if pure else 0.0
    misfit = dataclasses.replace(richer.misfit, variation=variation)
    return dataclasses.replace(richer, status=warning, misfit=misfit, recognised=None)
