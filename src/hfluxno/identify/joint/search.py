"""The search for a joint estimate: the kind of law, the grid, and a test on held-out frames.

Kinds are compared by the evidence of the measurements (MacKay, Neural Computation 4, 1992,
415-447): a richer law must fit well enough to justify its further unknowns. The order is

1. the first kind, over windows that grow from the first frames;
2. further kinds, those first that promise most, until one leaves nothing but noise;
3. the best of them on finer grids, beside the first kind there;
4. fluxes of higher degrees, if they predict the frames that are held out better;
5. with diffusion, a diffusivity that depends on the state;
6. the same without the terms that the evidence can do without.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.coarser import coarsening
from hfluxno.identify.joint.estimate import Estimate, one_suffices
from hfluxno.identify.joint.fit import estimate, promise, sizes
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.found import JointFit, Option, takes_long
from hfluxno.identify.joint.further_kinds import FurtherKinds
from hfluxno.identify.joint.hopeless import MOST_PROMISED, hardly_explains, is_far_off
from hfluxno.identify.joint.prior import Kind, make_forward
from hfluxno.identify.joint.shared_errors import with_shared_errors
from hfluxno.identify.joint.simpler import reaching, simpler
from hfluxno.identify.joint.starts import (
    carried,
    carried_starts,
    diffusing,
    improved,
)
from hfluxno.identify.joint.stretch_ends import with_ends_moved
from hfluxno.identify.joint.windows import (
    WORTH,
    check_enough,
    grown,
    held_out_from,
    is_dense,
    missed,
    predicted_late,
    settled,
    windows,
)
from hfluxno.identify.listener import announce
from hfluxno.identify.residuals.noise import is_like_noise
from hfluxno.trajectory import Trajectory

# The increase of the logarithm of the evidence for which a start far from the law that was found so
# far is preferred.
_CLEARLY = 10.0
# A law that increases it by this part of what the best one does is also tried on finer grids.
_RIVAL = 0.9
_FINER = (2, 4)
# No further kind is tried after one that leaves nothing but noise, and is more probable by this, or
# less than this part of the misfit of the first one, and half of that on cells of half the length.
_BEYOND_DOUBT, _LITTLE = 100.0, 0.2
# Diffusion alone is no start for a law that misses less than this, in standard deviations.
_EXACT = 0.01
# The degrees of a flux that are tried after the others, if they predict that much better.
_RICHEST: tuple[int, ...] = (9, 12)
_OF_FURTHER, _FARTHER = (6,), 0.9
# Of more kinds of law without a kink, those are estimated that promise most.
_MOST_TRIED = 3


def fit_jointly(
    context: Trajectory,
    negated: tuple[int, ...],
    kinds: tuple[Kind, ...],
    *,
    known_first: bool = False,
    gives_up: bool = False,
    before: Estimate | None = None,
) -> JointFit | None:
    """The best estimate among the kinds of law, the first of which is the base of the others;
    `None` if no run could be solved. A search that `gives_up` is also over if the first kind, of
    which there may be an estimate from `before`, is far off and no other explains much more.

    Raises `ValueError` if there are fewer measured values than unknowns.
    """
    search = _Search(context, negated, kinds, known_first)
    if gives_up and before is not None and search.is_hopeless(Option(before, kinds[0])):
        return None
    first = search.first()
    if first is None or (gives_up and search.is_hopeless(first)):
        return None
    options = search.further(first)
    if gives_up and search.hardly_explain(options, first):
        return None
    chosen = search.of_high_degree(search.on_finest(first, options))
    chosen = search.simplified(search.with_diffusivity_of_state(chosen))
    found = reaching(settled(chosen.estimate, context, search.frames), chosen.kind)
    return JointFit(
        with_shared_errors(found, context),
        chosen.kind,
        tuple(search.tried),
        held_out_from(search.frames),
        search.predicted(found),
    )


class _Search:
    """The steps of the search in one context, and what they tried."""

    def __init__(self, context: Trajectory, negated, kinds: tuple[Kind, ...], known_first: bool):
        self.context, self.negated, self.kinds = context, negated, kinds
        self.known_first, self.frames = known_first, windows(context)
        self.tried: list[tuple[str, float]] = []
        # A context of so many cells that it is searched on averages needs no finer internal ones.
        many = coarsening(context.grid.shape[0]) > 1
        self.finer_grids = _FINER if is_dense(context) and not many else ()
        self.further_kinds = FurtherKinds(context, kinds, self._forward)
        self._on_finer: dict[tuple[Kind, int], Option | None] = {}
        self._predicted: tuple[Estimate, np.ndarray | None] | None = None

    def first(self) -> Option | None:
        """The first kind, `None` if no run could be solved."""
        base = self._forward(self.kinds[0], 1)
        check_enough(base, self.context)
        found = grown(base, self.context, self.frames)
        return None if found is None else self._noted(Option(found, self.kinds[0]))

    def is_hopeless(self, first: Option) -> bool:
        """Whether the first kind is far off and no other one promises to explain much more."""
        return is_far_off(first.estimate, self.context) and all(
            self.further_kinds.outlook(first, kind).left > MOST_PROMISED
            for kind in self.further_kinds.smooth(first)
        )

    def hardly_explain(self, options: list[Option], first: Option) -> bool:
        """Whether the first kind is far off and the best option too."""
        best = max(options, key=lambda each: each.evidence)
        far = is_far_off(first.estimate, self.context)
        return far and hardly_explains(best.estimate, first.estimate)

    def further(self, first: Option) -> list[Option]:
        """The first kind and those that are better, until one explains the measurements."""
        options = [first]
        # What is linear at a start does not tell what a kink elsewhere would do.
        kinked = [kind for kind in self.kinds[1:] if kind.kinks]
        others = self.further_kinds.smooth(first)
        if len(others) > _MOST_TRIED:
            outlooks = {kind: self.further_kinds.outlook(first, kind).evidence for kind in others}
            ranked = sorted(others, key=outlooks.__getitem__, reverse=True)
            # Nor what stretches do that the weak form has found, so they are tried besides.
            most = [kind for kind in ranked if not kind.stretches][:_MOST_TRIED]
            others = [kind for kind in ranked if kind.stretches or kind in most]
        for kind in (*others, *kinked):
            found = self._richer(first, kind, anew=True)
            if found is None:
                continue
            found = self._with_diffusion(self._with_places(found))
            # Before finer grids, on which the derivatives by many terms take their time.
            options.append(self.simplified(found) if kind.by_state else found)
            if self._explains(options[-1], first):
                break
        return options

    def on_finest(self, first: Option, options: list[Option]) -> Option:
        """The best option on the finest grid that it is worth."""
        options = sorted(options, key=lambda each: each.evidence, reverse=True)
        gains = [each.evidence - first.evidence for each in options]
        # The errors of coarse cells may hide which of two nearly equal ones is right.
        near = [i for i in range(min(len(gains), 2)) if gains[i] >= _RIVAL * gains[0] > 0.0]
        rivals = [options[i] for i in near or [0]]
        if len(rivals) > 1 and self.finer_grids:
            ahead, behind = (self._finer(each, self.finer_grids[0]) for each in rivals)
            # What is behind on cells of half the length too stays behind.
            if ahead and behind and ahead.evidence > behind.evidence + _CLEARLY:
                rivals = rivals[:1]
        refined = [self._refined(each) for each in rivals]
        best = max(refined, key=lambda each: each.evidence)
        if len(refined) > 1 and not self._leaves_noise(best):
            # Evidence takes errors of the scheme for noise.
            best = min(refined, key=lambda each: self._missed(each.estimate))
        if best.kind != first.kind:
            # Further terms may have fitted the errors of coarse cells.
            plain = self._refined(first)
            if plain.evidence + WORTH > best.evidence:
                return plain
        if best.kind.stretches > 1 and one_suffices(best.estimate):
            one = dataclasses.replace(best.kind, stretches=1)
            return self._richer(first, one, best.refinement) or best
        return best

    def of_high_degree(self, chosen: Option) -> Option:
        """The option with a flux of high degree if that predicts held-out frames better."""
        context, kind = self.context, chosen.kind
        degrees = _RICHEST if kind in self.kinds and kind.size > self.kinds[0].size else ()
        if kind.size and not (kind.is_plain or kind.kinks):
            degrees = () if self._leaves_noise(chosen) else _OF_FURTHER
        if not (degrees and self.finer_grids):
            return chosen
        error = self._missed(chosen.estimate)
        for degree in degrees:
            more = dataclasses.replace(kind, size=degree)
            found, target = chosen.estimate, self._forward(more, chosen.refinement)
            (start,) = carried_starts(found.z, found.forward, target)
            if promise(target, context, found.noise, start).evidence < chosen.evidence + _CLEARLY:
                break
            # The shorter window first: most richer laws end there.
            ahead = self._missed(dataclasses.replace(found, forward=target, z=start))
            if not ahead < _FARTHER * error:
                break
            richer = self._richer(chosen, more)
            if richer is None:
                break
            chosen, error = richer, ahead
        return chosen

    def with_diffusivity_of_state(self, chosen: Option) -> Option:
        """What diffuses in one field may do so by a diffusivity that depends on the state, which
        a flux would imitate."""
        if chosen.kind.diffusion != 1 or len(self.context.states.fields) > 1:
            return chosen
        return self._richer(chosen, dataclasses.replace(chosen.kind, diffusion=3)) or chosen

    def simplified(self, option: Option) -> Option:
        """The same with fewer terms, if the evidence is higher."""
        without_flux = not self.context.observation
        while (fewer := simpler(option.estimate, option.kind, without_flux)) is not None:
            kind, start = fewer
            target = self._forward(kind, option.refinement)
            # Without its last term of a sort, a law may have another program.
            start = carried(start, option.estimate.forward, target)
            found = self._from(start, option, target)
            if found is None or found.evidence < option.evidence:
                break
            option = self._noted(Option(found, kind))
        return option

    def _forward(self, kind: Kind, refinement: int) -> Forward:
        return make_forward(
            kind,
            self.context,
            self.negated,
            known_first=self.known_first,
            refinement=refinement,
        )

    def _noted(self, option: Option) -> Option:
        self.tried.append((str(option), option.evidence))
        announce(*self.tried[-1], "log evidence")
        return option

    def _from(
        self, start: Float[np.ndarray, " unknown"], source: Option, target: Forward
    ) -> Estimate | None:
        return estimate(target, self.context, self.frames[-1:], source.estimate.noise, start)

    def predicted(self, found: Estimate) -> Float[np.ndarray, "time quantity cells"] | None:
        """What an estimate from there, without the last quarter, predicts to be measured."""
        if self._predicted is None or self._predicted[0] is not found:
            self._predicted = found, predicted_late(found, self.context, self.frames)
        return self._predicted[1]

    def _missed(self, found: Estimate) -> float:
        """The error of the held-out frames, predicted from the others."""
        return missed(self.predicted(found), self.context, held_out_from(self.frames))

    def _richer(
        self, source: Option, kind: Kind, refinement: int | None = None, *, anew: bool = False
    ) -> Option | None:
        """The estimate with another kind of law or grid, if its evidence is sufficiently higher;
        `anew` also from starts of its own."""
        target = self._forward(kind, refinement or source.refinement)
        starts, noise = self.further_kinds.starts(source, kind, target), source.estimate.noise
        of_cells = source.refinement == target.settings.refinement
        starts = improved(starts, target, self.context, noise, of_cells)
        targets = (target, target.blunt()) if kind.stretches else (target,)
        found = [self._from(z, source, each) for each in targets for z in starts]
        if anew and kind.stretches and starts:
            # The first state and the ends belong to a law without one.
            found += [grown(each, self.context, self.frames, starts) for each in targets]
        # A flux of lower degree may have led to another minimum.
        if anew and self.known_first and kind.is_plain and kind.size > self.kinds[0].size:
            found.append(grown(target, self.context, self.frames))
        usable = [each for each in found if each is not None]
        if kind.stretches:
            usable = [with_ends_moved(each, self.context, self.frames[-1:]) for each in usable]
        alone = diffusing(source.estimate.z, source.estimate.forward, target, self.context)
        if alone is not None and (self._is_exact(source.estimate) or self._leaves_noise(source)):
            alone = None
        other = None if alone is None else self._from(alone, source, target)
        least = max((each.evidence for each in usable), default=-np.inf) + _CLEARLY
        usable += [other] if other is not None and other.evidence > least else []
        if not usable:
            return None
        best = max(usable, key=lambda each: each.evidence)
        option = self._noted(Option(best, kind))
        return option if option.evidence > source.evidence + WORTH else None

    def _finer(self, source: Option, factor: int) -> Option | None:
        kind = source.kind
        if (kind, factor) not in self._on_finer:
            long = takes_long(source, self.context, factor)
            self._on_finer[kind, factor] = None if long else self._richer(source, kind, factor)
        return self._on_finer[kind, factor]

    def _explains(self, option: Option, first: Option) -> bool:
        """Whether what a law leaves is the noise of the measurements, or the error of the scheme:
        little, and with the cells it halves."""
        found = option.estimate
        if self._leaves_noise(option):
            return option.evidence > first.evidence + _BEYOND_DOUBT
        if np.any(found.noise > _LITTLE * first.estimate.noise):
            return False
        if not self.finer_grids:
            return self._is_exact(found)
        finer = self._finer(option, self.finer_grids[0])
        return finer is not None and bool(np.all(finer.estimate.noise < 0.5 * found.noise))

    def _is_exact(self, found: Estimate) -> bool:
        return bool(np.all(found.noise < _EXACT * sizes(self.context)))

    def _leaves_noise(self, option: Option) -> bool:
        return is_like_noise(option.estimate.observed(self.context.times) - self.context.values)

    def _refined(self, option: Option) -> Option:
        """The estimate on the finest grid that increases the evidence sufficiently, there with as
        many modes of place as do."""
        for factor in self.finer_grids:
            found = self._finer(option, factor)
            if found is None:
                break
            option = found
        return self._with_places(option) if option.refinement > 1 else option

    def _with_places(self, option: Option) -> Option:
        """The same with as many modes of place, or stretches, as increase the evidence. Few at
        first: with many, they would fit what belongs to the flux."""
        while (more := option.kind.with_more_places()) != option.kind:
            further = self._richer(option, more)
            if further is None:
                break
            option = further
        return option

    def _with_diffusion(self, option: Option) -> Option:
        """What reacts often diffuses, and neither explains the other."""
        if not option.kind.by_state or option.kind.diffusion:
            return option
        return self._richer(option, dataclasses.replace(option.kind, diffusion=1)) or option
