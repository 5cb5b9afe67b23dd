"""The search for a joint estimate: the kind of law, the grid, and a test on held-out frames.

Kinds are compared by the evidence of the measurements (MacKay, Neural Computation 4, 1992,
415-447): a richer law must fit well enough to justify its further unknowns.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.identify.coarser import coarsening
from hfluxno.identify.estimate import Estimate
from hfluxno.identify.forward import Forward
from hfluxno.identify.joint import estimate, promise, sizes
from hfluxno.identify.listener import announce
from hfluxno.identify.misfit import is_like_noise
from hfluxno.identify.prior import Kind, make_forward
from hfluxno.identify.shared_errors import with_shared_errors
from hfluxno.identify.simpler import simpler
from hfluxno.identify.starts import carried_starts, diffusing, law_starts, stretched
from hfluxno.plural import plural
from hfluxno.trajectory import Trajectory

# Measurements count as sensors if less than this fraction of values was measured.
_DENSE = 0.5
_WINDOWS_OF_SENSORS = (0.2, 0.35, 0.5, 0.75, 1.0)
_WINDOWS = (0.4, 0.75, 1.0)
_FEWEST_FRAMES = 5
# The least increase of the logarithm of the evidence for which a richer law is chosen.
_WORTH = 3.0
# The increase for which a start far from the law that was found so far is preferred.
_CLEARLY = 10.0
# A law that increases it by this part of what the best one does is also tried on finer grids.
_RIVAL = 0.9
_FINER = (2, 4)
# No further kind is tried after one that leaves less than this part of the misfit of the first one,
# and either noise or less than half of that on cells of half the length.
_LITTLE = 0.2
# The degrees of a flux that are tried after the others, if they predict that much better.
_RICHEST, _FARTHER = (9, 12), 0.9
# Of more kinds of law without a kink, those are estimated that promise most.
_MOST_TRIED = 3
_MOST_STEPS = 600  # between two frames
_MOST_ROUNDS = 4


@dataclasses.dataclass(frozen=True)
class JointFit:
    """The best joint estimate of a context.

    - `estimate`: over all frames.
    - `kind`: the kind of its law; in words if the law was given.
    - `tried`: the kinds with their evidence.
    - `held_out`: the first frame of the last quarter.
    - `predicted`: what would be measured of the run of an estimate that did not use that quarter,
      or `None`.
    """

    estimate: Estimate
    kind: Kind | str
    tried: tuple[tuple[str, float], ...]
    held_out: int
    predicted: Float[np.ndarray, "time quantity cells"] | None


def fit_jointly(
    context: Trajectory,
    negated: tuple[int, ...],
    kinds: tuple[Kind, ...],
    *,
    known_first: bool = False,
) -> JointFit | None:
    """The best estimate among the kinds of law, the first of which is the base of the others;
    `None` if no run could be solved.

    Raises `ValueError` if there are fewer measured values than unknowns.
    """

    def forward(kind: Kind, refinement: int):
        return make_forward(kind, context, negated, known_first=known_first, refinement=refinement)

    # A context of so many cells that it is searched on averages needs no finer internal ones.
    many = coarsening(context.grid.shape[0]) > 1
    finer_grids = _FINER if is_dense(context) and not many else ()
    base = forward(kinds[0], 1)
    _check_enough(base, context)
    frames = windows(context)
    whole = _grown(base, context, frames)
    if whole is None:
        return None
    tried = [(str(kinds[0]), whole.evidence)]
    announce(*tried[0], "log evidence")

    def starts_of(source: Estimate, kind: Kind, target: Forward):
        """Starts for another kind of law, or on another grid."""
        starts = carried_starts(source.z, source.forward, target)
        if kind.stretches:
            with_one = (stretched(z, target, context) for z in starts)
            starts = [z for z in with_one if z is not None]
        return starts

    def outlook(kind: Kind) -> float:
        """What a kind of law promises, with as many modes of place as there may be."""
        while (more := kind.with_more_places()) != kind and not kind.stretches:
            kind = more
        target = forward(kind, 1)
        starts = starts_of(whole, kind, target)
        return max((promise(target, context, whole.noise, z) for z in starts), default=-np.inf)

    def tried_from(source: Estimate, kind: Kind, refinement: int = 1) -> Estimate | None:
        """The estimate with another kind of law or grid, if its evidence is sufficiently higher."""
        target = forward(kind, refinement)
        starts = starts_of(source, kind, target)
        every = [estimate(target, context, frames[-1:], source.noise, z) for z in starts]
        # A flux of lower degree may have led to another minimum.
        if source is whole and known_first and kind.is_plain and kind.size > kinds[0].size:
            every.append(_grown(target, context, frames))
        usable = [each for each in every if each is not None]
        alone = diffusing(source.z, source.forward, target)
        if alone is not None:
            other = estimate(target, context, frames[-1:], source.noise, alone)
            least = max((each.evidence for each in usable), default=-np.inf) + _CLEARLY
            usable += [other] if other is not None and other.evidence > least else []
        if not usable:
            return None
        found = max(usable, key=lambda each: each.evidence)
        tried.append((_on_grid(kind, refinement), found.evidence))
        announce(*tried[-1], "log evidence")
        return found if found.evidence > source.evidence + _WORTH else None

    on_finer: dict[tuple[Kind, int], Estimate | None] = {}

    def finer(source: Estimate, kind: Kind, factor: int) -> Estimate | None:
        if (kind, factor) not in on_finer:
            # Diffusion needs four times the steps on cells of half the length.
            steps = source.steps * (4 if kind.diffusion else 2)
            found = tried_from(source, kind, factor) if steps <= _MOST_STEPS else None
            on_finer[kind, factor] = found
        return on_finer[kind, factor]

    def explains(source: Estimate, kind: Kind) -> bool:
        """Whether what a law leaves is the noise of the measurements, or the error of the scheme:
        little, and with the cells it halves."""
        if not finer_grids or np.any(source.noise > _LITTLE * whole.noise):
            return False
        if is_like_noise(source.observed(context.times) - context.values):
            return True
        found = finer(source, kind, finer_grids[0])
        return found is not None and bool(np.all(found.noise < 0.5 * source.noise))

    def refined(source: Estimate, kind: Kind) -> tuple[Estimate, Kind]:
        """The estimate on the finest grid that increases the evidence sufficiently, there with as
        many modes of place as do."""
        reached = 1
        for factor in finer_grids:
            found = finer(source, kind, factor)
            if found is None:
                break
            source, reached = found, factor
        return with_places(source, kind, reached) if reached > 1 else (source, kind)

    def with_places(source: Estimate, kind: Kind, refinement: int = 1) -> tuple[Estimate, Kind]:
        """The same with as many modes of place, or stretches, as increase the evidence. Few at
        first: with many, they would fit what belongs to the flux."""
        while (more := kind.with_more_places()) != kind:
            further = tried_from(source, more, refinement)
            if further is None:
                break
            source, kind = further, more
        return source, kind

    def with_diffusion(source: Estimate, kind: Kind) -> tuple[Estimate, Kind]:
        """What reacts often diffuses, and neither explains the other."""
        spreading = dataclasses.replace(kind, diffusion=1)
        found = tried_from(source, spreading) if kind.by_state and not kind.diffusion else None
        return (source, kind) if found is None else (found, spreading)

    def simplified(source: Estimate, kind: Kind) -> tuple[Estimate, Kind]:
        """The same with fewer terms, if the evidence is higher."""
        refinement = source.forward.settings.refinement
        while (without := simpler(source, kind, without_flux=not context.observation)) is not None:
            fewer, start = without
            target = forward(fewer, refinement)
            found = estimate(target, context, frames[-1:], source.noise, start)
            if found is None or found.evidence < source.evidence:
                break
            source, kind = found, fewer
            tried.append((_on_grid(kind, refinement), found.evidence))
            announce(*tried[-1], "log evidence")
        return source, kind

    held_out = (frames[-2:-1] or frames)[0]

    def missed(predicted: np.ndarray | None) -> float:
        """The error of a prediction of the frames that are held out."""
        if predicted is None:
            return np.inf
        away = np.asarray(predicted - context.values)[held_out:] / sizes(context)[:, None]
        return float(np.sqrt(np.mean(away**2, where=context.observed[held_out:])))

    candidates = [(whole, kinds[0])]
    # What is linear at a start does not tell what a kink elsewhere would do.
    kinked = [kind for kind in kinds[1:] if kind.kinks]
    others = [kind for kind in kinds[1:] if not kind.kinks]
    if len(others) > _MOST_TRIED:
        others = sorted(others, key=outlook, reverse=True)[:_MOST_TRIED]
    for richer in (*others, *kinked):
        found = tried_from(whole, richer)
        if found is not None:
            found, richer = with_diffusion(*with_places(found, richer))
            # Before finer grids, on which the derivatives by many terms take their time.
            candidates.append(simplified(found, richer) if richer.by_state else (found, richer))
            if explains(*candidates[-1]):
                break
    candidates.sort(key=lambda each: each[0].evidence, reverse=True)
    gains = [each.evidence - whole.evidence for each, _ in candidates]
    # The errors of coarse cells may hide which of two nearly equal ones is right.
    rivals = [i for i in range(min(len(gains), 2)) if gains[i] >= _RIVAL * gains[0] > 0.0] or [0]
    on_finest = [refined(*candidates[i]) for i in rivals]
    chosen, kind = max(on_finest, key=lambda each: each[0].evidence)
    if kind != kinds[0]:
        # Further terms may have fitted the errors of coarse cells.
        plain, _ = refined(whole, kinds[0])
        if plain.evidence + _WORTH > chosen.evidence:
            chosen, kind = plain, kinds[0]
    predicted = predicted_late(chosen, context, frames)
    if kind in kinds and kind.is_plain and kind.size > kinds[0].size and finer_grids:
        for size in _RICHEST:
            more = dataclasses.replace(kind, size=size)
            target = forward(more, chosen.forward.settings.refinement)
            (start,) = carried_starts(chosen.z, chosen.forward, target)
            if promise(target, context, chosen.noise, start) < chosen.evidence + _CLEARLY:
                break
            # The shorter window first: most richer laws end there.
            begin = dataclasses.replace(chosen, forward=target, z=start)
            ahead = predicted_late(begin, context, frames)
            if not missed(ahead) < _FARTHER * missed(predicted):
                break
            found = tried_from(chosen, more, chosen.forward.settings.refinement)
            if found is None:
                break
            chosen, kind, predicted = found, more, ahead
    fewer, simpler_kind = simplified(chosen, kind)
    if simpler_kind != kind:
        chosen, kind, predicted = fewer, simpler_kind, predicted_late(fewer, context, frames)
    settled = _settled(chosen, context, frames)
    if settled is not chosen:
        chosen, predicted = settled, predicted_late(settled, context, frames)
    return JointFit(
        with_shared_errors(chosen, context),
        kind,
        tuple(tried),
        held_out,
        predicted,
    )


def _settled(found: Estimate, context: Trajectory, frames: tuple[int, ...]) -> Estimate:
    """The estimate continued, as long as its evidence increases by what a richer law must: the
    number of evaluations is limited in a search."""
    for _ in range(_MOST_ROUNDS):
        again = estimate(found.forward, context, frames[-1:], found.noise, found.z)
        if again is None or again.evidence < found.evidence + _WORTH:
            break
        found = again
    return found


def _on_grid(kind: Kind, refinement: int) -> str:
    return str(kind) if refinement == 1 else f"{kind}, grid ×{refinement}"


def _grown(forward: Forward, context: Trajectory, frames: tuple[int, ...]) -> Estimate | None:
    """The estimate over windows that grow from the first one, which decides among the starts."""
    starts = law_starts(forward, context)
    first = [estimate(forward, context, frames[:1], start=z, quick=True) for z in starts]
    usable = [each for each in first if each is not None]
    if not usable:
        return None
    best = max(usable, key=lambda each: each.evidence)
    if len(frames) > 1:
        between = frames[1:-1] or frames[:1]
        best = estimate(forward, context, between, best.noise, best.z, quick=True) or best
    return estimate(forward, context, frames[-1:], best.noise, best.z)


def _check_enough(base: Forward, context: Trajectory) -> None:
    law, first = int(np.sum(base.spread > 0.0)), base.first_modes.shape[0]
    ends = base.size - base.center.shape[0] - first
    unknowns, values = law + first + ends, int(context.observed.sum())
    if values < unknowns:
        raise ValueError(
            f"There are only {plural(values, 'measured value')} for {unknowns} unknowns ({law} of "
            f"the law, {first} of the first state, {ends} of the ends); give more frames or "
            "sensors, or fewer cells."
        )


def predicted_late(
    chosen: Estimate, context: Trajectory, frames: tuple[int, ...]
) -> Float[np.ndarray, "time quantity cells"] | None:
    """The measurements of a run of the chosen kind, estimated from the last window but one."""
    window = frames[-2:-1] or frames
    found = estimate(chosen.forward, context, window, chosen.noise, chosen.z, quick=True)
    return None if found is None else found.observed(context.times)


def windows(context: Trajectory) -> tuple[int, ...]:
    """The numbers of frames of windows that grow from the first frames to all."""
    parts, frames = _WINDOWS if is_dense(context) else _WINDOWS_OF_SENSORS, context.frames
    counts = sorted({min(frames, max(_FEWEST_FRAMES, round(part * frames))) for part in parts})
    return tuple(counts)


def is_dense(context: Trajectory) -> bool:
    """Whether the measurements are frames with gaps rather than those of a few sensors."""
    return bool(np.mean(context.observed) > _DENSE)
