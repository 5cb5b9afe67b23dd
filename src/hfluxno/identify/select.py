"""The choice among candidates by the context's own last frames.

Each candidate is fitted to all frames but the last ones and predicts those: its back-test error.
The best is then fitted again to all frames. Where errors are within ten percent of the best, the
candidate with the fewest unknowns is taken.
"""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from hfluxno.fv import Rusanov, StepControl
from hfluxno.fv.step import limiting_speed
from hfluxno.grid import Grid
from hfluxno.identify.candidate import (
    DIFFUSION_TERMS,
    Candidate,
    make_basis,
    make_directions,
    make_mask,
    stages,
)
from hfluxno.identify.refine import Fit, Unknowns, refine
from hfluxno.identify.settings import Settings
from hfluxno.identify.sparsify import needed, needed_by_weak_form
from hfluxno.identify.track import MODES, first_state, gains, track
from hfluxno.lanes import run_lanes, stack

_REFIT_EVALUATIONS = 5
_SIMPLER_WITHIN = 1.1
_SAME = 1.02
_LARGE_OFFSET = 100.0  # in standard deviations


@dataclasses.dataclass
class Trial:
    """A fitted candidate of one context."""

    candidate: Candidate
    settings: Settings
    unknowns: Unknowns
    fit: Fit
    initial: np.ndarray
    errors: np.ndarray

    @property
    def mode(self) -> str:
        """The way to start a forecast that predicts the held-out frames best. Modes that are as
        good go by their order, in which later ones trust single frames more."""
        errors = np.where(np.isfinite(self.errors), self.errors, np.inf)
        return MODES[int(np.argmax(errors <= _SAME * np.min(errors)))]

    @property
    def error(self) -> float:
        """The back-test error of that mode; infinite where the fit failed."""
        error = float(self.errors[MODES.index(self.mode)])
        return error if np.isfinite(error) else np.inf


def held_out_frames(frames: int) -> int:
    """A quarter of the context, at least one frame."""
    return max(1, frames // 4)


def choose(values: np.ndarray, grid: Grid, fields: tuple[str, ...], odd: tuple[int, ...]):
    """For each context of a batch (lane, time, field, cells): the chosen trial, fitted to all
    frames, and the labels and back-test errors of all that were tried."""
    lanes = len(values)
    best: dict[int, Trial] = {}
    tried: list[list[Trial]] = [[] for _ in range(lanes)]
    open_lanes = list(range(lanes))
    # Beside a constant that is far larger than what moves, no law would look wrong.
    moves = np.sqrt(np.mean(np.var(values, axis=(1, 3)), axis=1))
    size = np.sqrt(np.mean(values**2, axis=(1, 2, 3)))
    visible = np.minimum(1.0, _LARGE_OFFSET * moves / size)
    for stage in stages(len(fields)):
        proposals: dict[Candidate, list[int]] = {}
        for lane in open_lanes:
            for candidate in stage.propose(best[lane].candidate if lane in best else Candidate()):
                proposals.setdefault(candidate, []).append(lane)
        for candidate, asking in proposals.items():
            starts = [_start_of(candidate, tried[lane]) for lane in asking]
            trials = _attempt(candidate, values[asking], grid, fields, odd, starts)
            for lane, trial in zip(asking, trials, strict=True):
                tried[lane].append(trial)
        for lane in open_lanes:
            best[lane] = _pick(tried[lane])
        open_lanes = [
            lane for lane in open_lanes if not best[lane].error <= stage.good_enough * visible[lane]
        ]
    final = _refit([best[lane] for lane in range(lanes)], values)
    labels = [tuple((str(t.candidate), t.error) for t in trials) for trials in tried]
    return final, labels


def _pick(trials: list[Trial]) -> Trial:
    least = min(trial.error for trial in trials)
    near = [t for t in trials if t.error <= _SIMPLER_WITHIN * least] or trials
    chosen = min(near, key=lambda t: t.candidate.complexity)
    # A better first state has no unknowns of its own to be punished for.
    twins = [
        t for t in trials if t.candidate == dataclasses.replace(chosen.candidate, denoised=True)
    ]
    return min([chosen, *twins], key=lambda t: t.error)


def _start_of(candidate: Candidate, trials: list[Trial]) -> Trial | None:
    """The best earlier fit from which this one can start: one whose unknowns it shares."""
    usable = [
        t
        for t in trials
        if t.candidate.basis == candidate.basis
        and t.candidate.size <= candidate.size
        and t.candidate.diffusion == candidate.diffusion
        and candidate.sparse in (t.candidate.sparse, "fit")
        and np.isfinite(t.error)
    ]
    return min(usable, key=lambda t: t.error) if usable else None


def _parameters_from(trial: Trial, unknowns: Unknowns) -> np.ndarray:
    """The parameters of a fit in unknowns with as many functions or more."""
    fields = len(unknowns.fields)
    have, want = len(trial.unknowns.basis.names), len(unknowns.basis.names)
    flux = np.zeros((fields, want))
    flux[:, : min(have, want)] = trial.fit.parameters[: fields * have].reshape(fields, have)[
        :, :want
    ]
    vector = np.concatenate([flux.reshape(-1), trial.fit.parameters[fields * have :]])
    return vector * np.asarray(unknowns.mask)


def _attempt(candidate, values, grid, fields, odd, starts) -> list[Trial]:
    held_out = held_out_frames(values.shape[1])
    weights = np.ones(values.shape[1])
    weights[-held_out:] = 0.0
    settings = make_settings(candidate, grid)
    # Bases of one batch can differ in structure (which fields stay positive), and sparse laws in
    # how many parameters are free: one group each.
    unknowns = [
        _unknowns(candidate, v, fields, odd, start, weights, _periodic(grid))
        for v, start in zip(values, starts, strict=True)
    ]
    trials: dict[int, Trial] = {}
    groups: dict = {}
    for lane, unknown in enumerate(unknowns):
        key = (_program(unknown), starts[lane] is None)
        groups.setdefault(key, []).append(lane)
    for (_, from_weak_form), members in groups.items():
        index = np.array(members)
        stacked = stack([unknowns[lane] for lane in members])
        if from_weak_form:
            begin = _weak_starts(stacked, values[index], weights, _periodic(grid))
        else:
            begin = np.stack([_parameters_from(starts[lane], unknowns[lane]) for lane in members])
        seen = values[index]
        if candidate.denoised:
            seen = _with_first_states(stacked, begin, seen, settings)
        fits = _run_fits(stacked, seen, begin, settings, weights, candidate.evaluations)
        errors = _backtests(stacked, seen, fits, settings)
        for position, lane in enumerate(members):
            fit = jax.tree.map(lambda leaf, p=position: leaf[p], fits)
            trials[lane] = Trial(
                candidate, settings, unknowns[lane], fit, seen[position, 0], errors[position]
            )
    return [trials[lane] for lane in range(len(values))]


def _refit(best: list[Trial], values: np.ndarray) -> list[Trial]:
    final: dict[int, Trial] = {}
    groups: dict = {}
    for lane, trial in enumerate(best):
        groups.setdefault((trial.candidate, _program(trial.unknowns)), []).append(lane)
    for members in groups.values():
        index = np.array(members)
        settings = best[members[0]].settings
        stacked = stack([best[lane].unknowns for lane in members])
        begin = np.stack([best[lane].fit.parameters for lane in members])
        weights = np.ones(values.shape[1])
        seen = values[index].copy()
        seen[:, 0] = [best[lane].initial for lane in members]
        fits = _run_fits(stacked, seen, begin, settings, weights, _REFIT_EVALUATIONS)
        for position, lane in enumerate(members):
            fit = jax.tree.map(lambda leaf, p=position: leaf[p], fits)
            usable = np.all(np.isfinite(fit.parameters)) and np.isfinite(fit.residual)
            final[lane] = dataclasses.replace(best[lane], fit=fit) if usable else best[lane]
    return [final[lane] for lane in range(len(best))]


def _run_fits(unknowns, values, begin, settings, weights, evaluations) -> Fit:
    program = functools.partial(
        _fits, settings=settings, weights=weights, evaluations=np.asarray(evaluations)
    )
    cost = np.asarray(_initial_speeds(unknowns, begin, values, settings))
    return run_lanes(program, (unknowns, values, begin), cost)


def _backtests(unknowns, values, fits: Fit, settings) -> np.ndarray:
    """For each lane and each of `MODES` the relative l2 error on the held-out frames."""
    laws = _laws(unknowns, fits.parameters)
    program = functools.partial(_backtest_errors, settings=settings)
    cost = np.asarray(_initial_speeds(unknowns, fits.parameters, values, settings))
    return run_lanes(program, (laws, values), cost)


def _with_first_states(unknowns, begin, values, settings) -> np.ndarray:
    program = functools.partial(_first_states, settings=settings)
    cost = np.asarray(_initial_speeds(unknowns, begin, values, settings))
    estimated = values.copy()
    estimated[:, 0] = run_lanes(program, (unknowns, values, begin), cost)
    return estimated


@eqx.filter_jit
def _first_states(lanes, settings):
    def one(unknown, values, vector):
        return first_state(unknown.law(vector), settings, values)

    return jax.vmap(one)(*lanes)


def _unknowns(
    candidate, values, fields, odd, start: Trial | None, weights, periodic: bool
) -> Unknowns:
    basis = make_basis(candidate, values, fields)
    mask = make_mask(candidate, basis, len(fields))
    lower, upper = values.min(axis=(0, 2)), values.max(axis=(0, 2))

    def with_free(mask):
        terms = 3 if DIFFUSION_TERMS[candidate.diffusion] else 0
        directions = jnp.asarray(make_directions(mask))
        return Unknowns(
            basis, directions, jnp.asarray(lower), jnp.asarray(upper), terms, fields, odd
        )

    if candidate.sparse == "fit" and start is not None:
        return with_free(mask * needed(start.fit, np.asarray(start.unknowns.mask, bool)))
    if candidate.sparse == "weak-form":
        if start is not None:
            return with_free(np.asarray(start.unknowns.mask))
        normals = np.asarray(_weak_normals(with_free(mask), values, weights, periodic))
        return with_free(needed_by_weak_form(normals, mask.reshape(len(fields), -1)).reshape(-1))
    return with_free(mask)


def _program(unknowns: Unknowns):
    """What lanes of one compiled program have in common."""
    return jax.tree.structure(unknowns), unknowns.directions.shape


def make_settings(candidate: Candidate, grid: Grid) -> Settings:
    desired, maximum, lagged = candidate.cfl
    cells = grid.shape[0]
    unit = Grid((0.0,), (float(cells),), grid.shape, grid.boundary, grid.inflow)
    control = StepControl(jnp.asarray(desired), jnp.asarray(maximum), jnp.asarray(lagged))
    return Settings(
        control, jnp.asarray(candidate.fresh_start), unit, candidate.scheme, candidate.refinement
    )


def _periodic(grid: Grid) -> bool:
    return grid.boundary[0][0] == "periodic"


@eqx.filter_jit
def _weak_starts(unknowns, values, weights, periodic):
    return jax.vmap(lambda unknown, v: unknown.start(v, weights, periodic))(unknowns, values)


@eqx.filter_jit
def _weak_normals(unknowns, values, weights, periodic):
    return unknowns.weak_normal(values, weights, periodic)


@eqx.filter_jit
def _initial_speeds(unknowns, parameters, values, settings):
    def one(unknown, vector, v):
        return limiting_speed(Rusanov(unknown.law(vector)), v[0], settings.grid)

    return jax.vmap(one)(unknowns, parameters, values)


@eqx.filter_jit
def _laws(unknowns, parameters):
    return jax.vmap(lambda unknown, vector: unknown.law(vector))(unknowns, parameters)


@eqx.filter_jit
def _fits(lanes, settings, weights, evaluations):
    def one(unknown, values, start):
        return refine(unknown, settings, values, weights, start, evaluations)

    return jax.vmap(one)(*lanes)


@eqx.filter_jit
def _backtest_errors(lanes, settings):
    def one(law, values):
        last = len(values) - held_out_frames(len(values)) - 1
        schedules = jnp.asarray(np.stack([gains(mode, len(values), last) for mode in MODES]))
        predicted = jax.vmap(lambda g: track(law, settings, values, g)[0])(schedules)
        truth = values[last + 1 :]
        squares = jnp.sum((predicted[:, last:] - truth[None]) ** 2, axis=(1, 2, 3))
        return jnp.sqrt(squares / jnp.sum(truth**2))

    return jax.vmap(one)(*lanes)
