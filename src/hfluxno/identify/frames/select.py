"""The choice among candidates by a back-test on the context's last frames.

Each candidate is fitted to all frames but the last ones and predicts those, which gives its
back-test error. The best is then fitted to all frames. Of the candidates whose errors are within
ten percent of the smallest, or half as large again for systems with few terms, the one with the
fewest unknowns is chosen.
"""

import dataclasses
import math

import numpy as np

from hfluxno.fv import StepControl
from hfluxno.grid import Grid
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.candidate_family import diffuses, family_of, needs_force
from hfluxno.identify.frames.candidate_functions import may_be_dry
from hfluxno.identify.frames.coarser import averaged, coarsening, on_all_cells
from hfluxno.identify.frames.interpolation import corrected
from hfluxno.identify.frames.refine import Fit, prepare, refine
from hfluxno.identify.frames.stages import (
    Stage,
    stages,
    stages_over_dry_ground,
    stages_with_force,
    stages_with_sources,
)
from hfluxno.identify.frames.track import MODES, first_state, gains, track
from hfluxno.identify.frames.weak_start import weak_parameters, with_kinks
from hfluxno.identify.listener import announce
from hfluxno.identify.residuals.noise import noise_level
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.law_family import LawFamily
from hfluxno.parametric.solver_settings import FIRST_ORDER, SolverSettings

_REFIT_EVALUATIONS = 5
# A law of a few terms may predict the last frames a little worse, but predicts distant ones better.
_SIMPLER_WITHIN, _SPARSE_WITHIN = 1.1, 1.5
SAME = 1.02
_EXPLAINED = 1e-4  # so small a back-test error needs no other candidate
_LARGE_OFFSET = 100.0  # in standard deviations


@dataclasses.dataclass
class FittedCandidate:
    """A fitted candidate of one context; its set of functions has `rivals` rivals."""

    candidate: Candidate
    settings: SolverSettings
    family: LawFamily
    fit: Fit
    initial: np.ndarray
    errors: np.ndarray
    rivals: int

    @property
    def mode(self) -> str:
        """The start of a forecast that predicts the held-out frames best."""
        return best_mode(self.errors)

    @property
    def error(self) -> float:
        """The back-test error of that mode; infinite where the fit failed."""
        error = float(self.errors[MODES.index(self.mode)])
        return error if np.isfinite(error) and self.fit.is_solved else np.inf


def best_mode(errors: np.ndarray) -> str:
    """The mode with the smallest back-test error. Of equally good ones the first is taken, because
    later ones trust single frames more."""
    finite = np.where(np.isfinite(errors), errors, np.inf)
    return MODES[int(np.argmax(finite <= SAME * np.min(finite)))]


def held_out_frames(frames: int) -> int:
    """A quarter of the context, at least one frame."""
    return max(1, frames // 4)


def last_fitted_frame(frames: int, seen: np.ndarray | None = None) -> int:
    """The last frame before those that are held out; only frames with measurements count."""
    if seen is None:
        return frames - held_out_frames(frames) - 1
    measured = np.flatnonzero(seen.any(axis=(1, 2)))
    return int(measured[-held_out_frames(len(measured)) - 1])


def choose(
    values: np.ndarray,
    grid: Grid,
    fields: tuple[str, ...],
    negated: tuple[int, ...],
    seen: np.ndarray | None = None,
    plan: tuple[Stage, ...] | None = None,
) -> tuple[FittedCandidate, tuple[tuple[str, float], ...]]:
    """The chosen candidate of a context (time, field, cells), fitted to all frames, and the labels
    and back-test errors of all that were tried. Values that were not `seen` have been filled in,
    and count in no misfit or error. Without a `plan` the usual stages are used. A context of many
    cells is searched on averages (`coarser`)."""
    if plan is None:
        plan = stages(len(fields))
        if may_be_dry(values, negated):
            dry = choose(values, grid, fields, negated, seen, stages_over_dry_ground())
            if dry[0].candidate.dry:
                return dry
    factor, before = coarsening(grid.shape[0]), []
    if factor > 1:
        before = _search(*averaged(values, grid, seen, factor), fields, negated, plan)
        chosen = on_all_cells(_pick(before).candidate, factor)
        # What a common scheme made on all cells is not seen in averages.
        common = tuple(c for c in plan[0].propose(Candidate()) if c not in chosen)
        plan = (Stage(lambda best: chosen, _EXPLAINED), Stage(lambda best: common, 0.0))
    tried = _search(values, grid, seen, fields, negated, plan)
    labels = [f"{trial.candidate}, on averages" for trial in before]
    labels += [str(trial.candidate) for trial in tried]
    errors = [trial.error for trial in (*before, *tried)]
    return refit(_pick(tried), values, seen), tuple(zip(labels, errors, strict=True))


def _search(
    values: np.ndarray,
    grid: Grid,
    seen: np.ndarray | None,
    fields: tuple[str, ...],
    negated: tuple[int, ...],
    plan: tuple[Stage, ...],
) -> list[FittedCandidate]:
    """All that the stages of the plan try."""
    tried: list[FittedCandidate] = []
    best = None
    # Relative to a constant far larger than the variation, all errors would look small.
    moves = np.sqrt(np.mean(np.var(values, axis=(0, 2))))
    size = np.sqrt(np.mean(values**2))
    visible = min(1.0, _LARGE_OFFSET * moves / size)
    noise = noise_level(values) / size
    for stage in plan:
        worth = max(stage.worth_above * visible, stage.beyond_noise * noise)
        wanted = best is None or worth < best.error <= stage.worth_below
        if wanted and stage.if_diffusive:
            (candidate,) = stage.propose(Candidate())
            unit = make_settings(candidate, grid).grid
            wanted = diffuses(candidate, values, fields, negated, _fitted(values, seen), unit)
        if wanted:
            for candidate in stage.propose(best.candidate if best else Candidate()):
                if best is not None and candidate.rival > best.rivals:
                    continue
                start = _start_of(candidate, tried)
                tried.append(attempt(candidate, values, grid, fields, negated, start, seen))
                announce(str(candidate), tried[-1].error, "back-test error")
            best = _pick(tried)
        if best is not None and best.error <= stage.good_enough * visible:
            break
    return tried


def _pick(trials: list[FittedCandidate]) -> FittedCandidate:
    least = min(trial.error for trial in trials)

    def within(trial: FittedCandidate) -> float:
        return _SPARSE_WITHIN if trial.candidate.sparse else _SIMPLER_WITHIN

    near = [t for t in trials if t.error <= within(t) * least] or trials
    fewest = min(t.candidate.unknowns for t in near)
    alike = [t for t in near if t.candidate.unknowns == fewest]
    # A grid that is hardly better before a shock forms is far better after.
    least = min(t.error for t in alike)
    chosen = next(
        t for t in sorted(alike, key=lambda t: t.candidate.refinement) if t.error <= SAME * least
    )
    # A better first state has no additional unknowns.
    twins = [
        t for t in trials if t.candidate == dataclasses.replace(chosen.candidate, denoised=True)
    ]
    return min([chosen, *twins], key=lambda t: t.error)


def _start_of(candidate: Candidate, trials: list[FittedCandidate]) -> FittedCandidate | None:
    """The best earlier fit from which this one can start: one of the same family."""
    usable = [
        t
        for t in trials
        if t.candidate.basis == candidate.basis
        and t.candidate.kinks == candidate.kinks
        and t.candidate.size <= candidate.size
        and t.candidate.diffusion == candidate.diffusion
        # The diffusion of a scheme of first order is subtracted from its ν, which may then be zero.
        and _own_diffusion(t.candidate) == _own_diffusion(candidate)
        and candidate.sparse in (t.candidate.sparse, "fit")
        and candidate.sources == t.candidate.sources
        and candidate.force == t.candidate.force
        and candidate.dry == t.candidate.dry
        and (candidate.rival == t.candidate.rival or candidate.sparse == "fit")
        and np.isfinite(t.error)
    ]
    return min(usable, key=lambda t: t.error) if usable else None


def _own_diffusion(candidate: Candidate) -> str:
    return candidate.scheme if candidate.scheme in FIRST_ORDER else ""


def _parameters_from(trial: FittedCandidate, family: LawFamily) -> np.ndarray:
    """The parameters of a fit in a family with at least as many functions and the same kinks."""
    fields, kinks = len(family.fields), trial.candidate.kinks
    have, want = len(trial.family.basis.names), len(family.basis.names)
    flux, found = np.zeros((fields, want)), trial.fit.parameters[: fields * have]
    smooth = min(have, want) - kinks
    flux[:, :smooth] = found.reshape(fields, have)[:, :smooth]
    flux[:, want - kinks :] = found.reshape(fields, have)[:, have - kinks :]
    vector = np.concatenate([flux.reshape(-1), trial.fit.parameters[fields * have :]])
    return vector * np.asarray(family.mask)


def attempt(
    candidate, values, grid, fields, negated, start: FittedCandidate | None = None, seen=None
) -> FittedCandidate:
    """The candidate fitted to the frames not held out, from an earlier fit if there is one."""
    weights, settings = _fitted(values, seen), make_settings(candidate, grid)
    family, rivals = family_of(candidate, values, fields, negated, start, weights, settings.grid)
    prepare(family, settings, values)
    if start is None or candidate.sparse == "fit":  # the terms dropped had affected the others
        placed = with_kinks(family, values, weights, settings.grid)
        begin = weak_parameters(placed, values, weights, settings.grid)
        directions = np.asarray(family.directions)
        begin = directions.T @ (directions @ begin)
    else:
        begin = _parameters_from(start, family)
    if candidate.denoised:
        values = values.copy()
        values[0] = first_state(family.law(begin), settings, values)
    fit = refine(family, settings, values, weights, begin, candidate.evaluations, seen)
    errors = backtest_errors(family.law(fit.parameters), settings, values, seen)
    return FittedCandidate(candidate, settings, family, fit, values[0], errors, rivals)


def needs_sources(values, grid, fields, negated) -> bool:
    """Whether the weak form of complete frames chooses sources."""
    candidate = stages_with_sources()[0].propose(Candidate())[0]
    unit, weights = make_settings(candidate, grid).grid, _fitted(values)
    family, _ = family_of(candidate, values, fields, negated, None, weights, unit)
    return bool(np.any(family.arises))


def has_force(values, grid, fields, negated) -> bool:
    """Whether the weak form of complete frames shows a force that depends on place."""
    candidate = stages_with_force()[0].propose(Candidate())[0]
    unit = make_settings(candidate, grid).grid
    return needs_force(candidate, values, fields, negated, _fitted(values), unit)


def refit(
    best: FittedCandidate, values: np.ndarray, seen: np.ndarray | None = None
) -> FittedCandidate:
    """The candidate fitted to all frames."""
    weights = np.ones(len(values))
    started = values.copy()
    started[0] = best.initial
    begin = best.fit.parameters
    fit = refine(best.family, best.settings, started, weights, begin, _REFIT_EVALUATIONS, seen)
    return dataclasses.replace(best, fit=fit) if fit.is_solved else best


def _fitted(values: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    """Ones for the frames that are not held out, and zeros."""
    last = last_fitted_frame(len(values), seen)
    return (np.arange(len(values)) <= last).astype(float)


def backtest_errors(
    law: FittedLaw, settings: SolverSettings, values: np.ndarray, seen: np.ndarray | None
) -> np.ndarray:
    """For each of `MODES` the relative l2 error on the held-out frames."""
    last = last_fitted_frame(len(values), seen)
    if seen is not None:
        # The values that fill the gaps depend on the held-out frames, but the law does not.
        alone = track(law, settings, values, gains("continue", len(values), last))[0]
        ahead = np.concatenate([values[:1], alone])
        periodic = settings.grid.is_periodic()
        end = corrected(values[last], ahead[last], seen[last], periodic)
        values = np.where(seen, values, ahead)
        restarted = values.copy()
        restarted[last] = end
    truth = values[last + 1 :]
    starts = {"restart": values if seen is None else restarted}
    predicted = [
        track(law, settings, starts.get(m, values), gains(m, len(values), last))[0] for m in MODES
    ]
    counted = True if seen is None else seen[last + 1 :]
    with np.errstate(over="ignore", invalid="ignore"):  # of a run that grows without bound
        squares = [np.sum((frames[last:] - truth) ** 2, where=counted) for frames in predicted]
        return np.sqrt(np.array(squares) / np.sum(truth**2, where=counted))


def make_settings(candidate: Candidate, grid: Grid) -> SolverSettings:
    return SolverSettings(
        StepControl(*candidate.cfl, 1.0 / candidate.steps if candidate.steps else math.inf),
        candidate.fresh_start,
        grid.of_unit_cells(),
        candidate.scheme,
        candidate.refinement,
    )
