"""Least squares through the solver: the fit of a law to all frames of a context at once.

    min_θ Σ_j w_j ‖ u_j(θ) - û_j ‖²,   u_0 = û_0,

where u_j(θ) is the state that the finite-volume solver reaches at frame j with the law θ, and û_j
the observed one; forward-mode derivatives go through the adaptive solver.

Lengths are in cells and times in frames, so nothing depends on the units of the data, and one
compiled program serves all contexts with the same number of cells and a similar number of frames.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from hfluxno.batching import on_all_cores
from hfluxno.fv.problem import Problem
from hfluxno.fv.sensitivity import solve_with_derivatives
from hfluxno.fv.solve import MOST_STEPS
from hfluxno.identify.frames.track import (
    first_rate,
    padded_intervals,
    prepare_track,
    prolonged,
    run_alone,
)
from hfluxno.parametric.law_family import LawFamily
from hfluxno.parametric.levenberg_marquardt import SMALL_DECREASE, levenberg_marquardt
from hfluxno.parametric.solver_settings import SolverSettings
from hfluxno.parametric.subgrid import restrict
from hfluxno.stored_jit import stored_jit

# Holds coefficients that the data do not constrain near their start.
_PRIOR = 1e-6
# Below this relative misfit, data are reproduced exactly for all purposes.
_EXACT = 1e-8
# Trial laws are given up early if they need more steps between two frames than this multiple of
# what the start of the fit needs, plus a few.
_SPARE_STEPS = 6
_STEP_FACTOR = 2.0
# So many derivatives are taken in two halves, on two cores: each costs nearly as much as a run.
_IN_HALVES = 6


@dataclasses.dataclass(frozen=True)
class Fit:
    """What a fit returns.

    - `parameters`: the free ones, and zeros for those that are masked.
    - `residual`: root mean square misfit over the weighted frames, relative to the standard
      deviation of each field.
    - `normal`: JᵀJ of the relative misfit.
    - `rows`: J along the free directions, divided by the square root of the number of values.
    - `frames`: the fitted trajectory, the first frame included, up to the last weighted one; NaN if
      no law could be solved.
    - `equations`: the number of values in all frames.
    """

    parameters: Float[np.ndarray, " parameter"]
    residual: float
    normal: Float[np.ndarray, "parameter parameter"]
    rows: Float[np.ndarray, "free value"]
    frames: Float[np.ndarray, "time field cells"]
    equations: int

    @property
    def is_solved(self) -> bool:
        """Whether the run of the law, and its derivatives, are numbers."""
        return bool(np.all(np.isfinite(self.frames)) and np.all(np.isfinite(self.parameters)))


def refine(
    family: LawFamily,
    settings: SolverSettings,
    values: Float[np.ndarray, "time field cells"],
    weights: Float[np.ndarray, " time"],
    start: Float[np.ndarray, " parameter"],
    evaluations: int,
    seen: Bool[np.ndarray, "time field cells"] | None = None,
) -> Fit:
    """The fit that starts from `start`, over the values in the frames with weight one that were
    `seen` (all if it is `None`)."""
    scale, count = misfit_scale(values, weights, seen)
    directions = np.asarray(family.directions)
    free = len(directions)
    # A run starts from the first frame, and frames after the last weight are not needed.
    intervals = padded_intervals(len(values) - 1, int(np.flatnonzero(weights)[-1]))
    run, limit = _Runs(family, settings, values[0], intervals), MOST_STEPS

    def misfit(step):
        nonlocal limit
        states, changes, steps = run(start + step @ directions, limit)
        if limit == MOST_STEPS:
            limit = int(_SPARE_STEPS * settings.refinement + _STEP_FACTOR * steps)
        relative = (states[: len(scale)] - values[1:]) * scale
        rows = (changes[: len(scale)] * scale[:, None]).swapaxes(0, 1)
        value = np.concatenate([relative.reshape(-1), _PRIOR * step])
        prior = _PRIOR * np.eye(free)
        rows = np.concatenate([rows.reshape(free, -1), prior], axis=1)
        return value, rows, (relative, states[: len(scale)], rows[:, : relative.size])

    found = levenberg_marquardt(misfit, np.zeros(free), _EXACT, evaluations, SMALL_DECREASE)
    nothing = (
        values[1:] * scale,
        np.full_like(values[1:], np.nan),
        np.zeros((free, values[1:].size)),
    )
    relative, states, rows = nothing if found.aux is None else found.aux
    return Fit(
        (start + found.point @ directions) * np.asarray(family.mask),
        float(np.sqrt(np.sum(relative**2))),
        directions.T @ found.normal @ directions * count,
        rows,
        np.concatenate([values[:1], states]),
        values.size if seen is None else int(np.sum(seen)),
    )


def misfit_scale(
    values: Float[np.ndarray, "time field cells"],
    weights: Float[np.ndarray, " time"],
    seen: Bool[np.ndarray, "time field cells"] | None,
) -> tuple[Float[np.ndarray, "time-1 field _"], float]:
    """The factors of the misfits of all values after the first frame that make their sum of squares
    a mean square in standard deviations, and the number of values in this mean."""
    # A constant added to a field changes no law, so it must not change the relative misfit.
    size = np.std(values, axis=(0, 2)) if seen is None else measured_deviation(values, seen)
    size = np.where(size > 0.0, size, 1.0)
    scale = (weights[:, None] / size)[..., None]
    if seen is None:
        count = np.sum(weights) * values.shape[1] * values.shape[2]
    else:
        count = float(np.sum(weights[:, None, None] * seen))
        scale = scale * seen
    return (scale / np.sqrt(count))[1:], count


def measured_deviation(
    values: Float[np.ndarray, "time field cells"], seen: Bool[np.ndarray, "time field cells"]
) -> Float[np.ndarray, " field"]:
    """The standard deviation of each field over the values that were seen."""
    return np.std(values, axis=(0, 2), where=seen)


class _Runs:
    """Runs of the laws of a family from a first frame, with their derivatives."""

    def __init__(self, family: LawFamily, settings: SolverSettings, first, intervals):
        self.count, (self.family, self.parts) = len(family.directions), _in_parts(family)
        self.of_states, self.of_derivatives = (
            (each, prolonged(first, each, family.negated))
            for each in (settings, settings.of_derivatives())
        )
        self.intervals, self.rate = intervals, first_rate(settings)

    def __call__(self, parameters, limit: int):
        """The states after each interval on the cells of the data, their derivatives along the free
        directions, and the largest number of steps of an interval. Derivatives are those of a run
        on fewer cells, if there are many."""
        settings, first = self.of_derivatives
        apart = settings.refinement < self.of_states[0].refinement

        def one(part):
            if part is None:
                law = self.family.law(parameters)
                return run_alone(law, *self.of_states, self.rate, self.intervals, limit)
            when = (self.rate, self.intervals, limit)
            found = _trajectory(self.family, settings, parameters, part, first, *when)
            return tuple(map(np.asarray, found))

        found = on_all_cores(one, [*self.parts, *([None] if apart else [])])
        changes = np.concatenate([each[1] for each in found[: len(self.parts)]], axis=1)
        return found[-1][0], changes[:, : self.count], int(found[-1][-1])


def _in_parts(family: LawFamily) -> tuple[LawFamily, list[np.ndarray]]:
    """The family for programs, and the directions by which they differentiate."""
    directions = np.asarray(family.directions)
    count = len(directions)
    width = -(-count // 2) if count >= _IN_HALVES else count
    filled = np.pad(directions, ((0, -count % width), (0, 0)))
    parts = filled.reshape(-1, width, directions.shape[1])
    return dataclasses.replace(family, directions=family.mask[None]), list(parts)


def prepare(family: LawFamily, settings: SolverSettings, values: np.ndarray) -> None:
    """Compiles the programs of a fit and its back-test in the background."""
    nothing = np.zeros(np.shape(family.directions)[1])
    intervals = padded_intervals(len(values) - 1, 0)
    family, parts = _in_parts(family)
    derived = settings.of_derivatives()
    first = prolonged(values[0], derived, family.negated)
    _trajectory.prepare(family, derived, nothing, parts[0], first, 0.0, intervals, MOST_STEPS)
    prepare_track(family.law(nothing), settings, values)


@stored_jit
def _trajectory(family, settings, parameters, directions, initial, rate, intervals, max_steps):
    """The states after each interval on the cells of the data, their derivatives along the
    directions, and the largest number of steps of an interval."""

    def scheme(parameters):
        return settings.numerical_flux(family.law(parameters))

    def along(direction):
        return eqx.filter_jvp(scheme, (parameters,), (direction,))

    flux, changes = jax.vmap(along, out_axes=(None, 0))(directions)
    grid = settings.grid.refine(settings.refinement)
    unchanged = jax.tree.map(lambda _: None, grid)
    states, derivatives, steps = solve_with_derivatives(
        Problem(flux, grid),
        Problem(changes, unchanged),
        initial,
        jnp.zeros((len(directions), *initial.shape), initial.dtype),
        intervals,
        settings.control,
        rate,
        max_steps,
    )
    factor = settings.refinement
    return restrict(states, factor), restrict(derivatives, factor), steps
