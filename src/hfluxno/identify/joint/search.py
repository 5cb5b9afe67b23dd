"""The search for a joint estimate: the kind of law, the grid, and a test on held-out frames.

Kinds are compared by the evidence of the measurements (MacKay, Neural Computation 4, 1992,
415-447): a richer law must fit well enough to justify its further unknowns. The order is

1. the first kind, over windows that grow from the first frames; of a few sensors on wider cells
   first, and also from where a parabola ends;
2. of a few sensors a kink from starts of its own; further kinds, those first that promise most,
   until one leaves nothing but noise, and fluxes with kinks, if a smooth one of high degree
   explains less; the first kind again, if a better one shows that it has ended in another minimum;
3. the best of them on finer grids, beside the first kind there;
4. fluxes of higher degrees, if they predict the frames that are held out better;
5. with diffusion, a diffusivity that depends on the state;
6. the same without the terms that the evidence can do without, and of a few sensors without those
   that explain no more than the error of the scheme.
"""

import dataclasses

import numpy as np

from hfluxno.identify.joint.attempts import BEYOND_DOUBT, CLEARLY, PARABOLA, Attempts
from hfluxno.identify.joint.dense import is_dense
from hfluxno.identify.joint.entering import robust_noise, with_noise_of_ends
from hfluxno.identify.joint.estimate import Estimate, one_suffices
from hfluxno.identify.joint.fit import distance, promise
from hfluxno.identify.joint.found import JointFit, Option
from hfluxno.identify.joint.hopeless import MOST_PROMISED, hardly_explains, is_far_off
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.kinks import MOST_KINKS, straight_lines, turns_at_once
from hfluxno.identify.joint.shared_errors import with_shared_errors
from hfluxno.identify.joint.simpler import misses_no_more, of_degree, reaching, simpler
from hfluxno.identify.joint.starts import carried, carried_start
from hfluxno.identify.joint.windows import WORTH, check_enough, held_out_from, settled
from hfluxno.trajectory import Trajectory

# A law that increases it by this part of what the best one does is also tried on finer grids.
_RIVAL = 0.9
# The degrees of a flux that are tried after the others, if they predict that much better.
_RICHEST: tuple[int, ...] = (6, 9, 12)
_OF_FURTHER, _FARTHER = (6,), 0.9
# Kinks are tried if the highest of these would leave less than this part of the misfit.
_MUCH_EXPLAINED = 0.8
# Of more kinds of law, those are estimated that promise most.
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
    first = search.first(before)
    if first is None:
        return None
    of_ends = with_noise_of_ends(first.estimate, context)
    if of_ends is not None:
        context, start = of_ends, first.estimate
        search = _Search(context, negated, kinds, known_first)
        first = search.first(start)
    if first is None or (gives_up and search.is_hopeless(first)):
        return None
    options = search.further(first, anew=before is None)
    first = options[0]
    if gives_up and search.hardly_explain(options, first):
        return None
    chosen = search.of_high_degree(search.on_finest(first, options))
    chosen = search.plainest(search.simplified(search.with_diffusivity_of_state(chosen)))
    found = reaching(settled(chosen.estimate, context, search.frames), chosen.kind)
    predicted, found = search.predicted(found), with_shared_errors(found, context)
    if of_ends is not None:
        found = dataclasses.replace(found, noise=robust_noise(found, context))
    return JointFit(
        found,
        chosen.kind,
        tuple(search.tried),
        held_out_from(search.frames),
        predicted,
    )


class _Search(Attempts):
    """The steps of the search in one context."""

    def first(self, before: Estimate | None = None) -> Option | None:
        """The first kind, of which there may be an estimate from `before` on these cells; `None`
        if no run could be solved."""
        kind = self.kinds[0]
        base = self.forward(kind, 1)
        check_enough(base, self.context)
        if before is not None and before.forward.settings.refinement == 1:
            start = carried(before.z, before.forward, base)
            found = self.estimated(start, Option(before, kind), base)
        else:
            found = self.anew(kind)
        return None if found is None else self.noted(Option(found, kind))

    def is_hopeless(self, first: Option) -> bool:
        """Whether the first kind is far off and no other one promises to explain much more."""
        further = self.further_kinds
        far = is_far_off(first.estimate, self.context) and further.mixed is None
        return far and all(
            further.outlook(first, kind).left > MOST_PROMISED for kind in further.smooth(first)
        )

    def hardly_explain(self, options: list[Option], first: Option) -> bool:
        """Whether the first kind is far off and the best option too."""
        best = max(options, key=lambda each: each.evidence)
        far = is_far_off(first.estimate, self.context)
        return far and hardly_explains(best.estimate, first.estimate)

    def further(self, first: Option, anew: bool = True) -> list[Option]:
        """The first kind, perhaps estimated again, and those that are better, until one explains
        the measurements; with kinks from starts of their own if `anew`."""
        options = [first, *(self.kinked_anew(first) if anew else [])]
        if any(self.explains(each, first) for each in options[1:]):
            return options
        others = self.further_kinds.smooth(first)
        if len(others) > _MOST_TRIED:
            outlooks = self.each(lambda s, kind: s.further_kinds.outlook(first, kind), others)
            evidence = {k: each.evidence for k, each in zip(others, outlooks, strict=True)}
            ranked = sorted(others, key=evidence.__getitem__, reverse=True)
            # What is linear at a start does not tell what stretches would do that the weak form has
            # found, so they are tried besides.
            most = [kind for kind in ranked if not kind.stretches][:_MOST_TRIED]
            others = [kind for kind in ranked if kind.stretches or kind in most]

        def option(search: "_Search", kind: Kind) -> tuple[Option, bool] | None:
            found = search.richer(first, kind, anew=True)
            if found is None:
                return None
            found = search.with_diffusion(search.with_places(found))
            # Before finer grids, on which the derivatives by many terms take their time; but the
            # errors of coarse cells may hide the terms that it can do without there.
            if kind.by_state and (search.leaves_noise(found) or not search.finer_grids):
                found = search.simplified(found)
            return found, search.explains(found, first)

        kind = self.further_kinds.mixed
        mixed = None if kind is None else option(self, kind)
        if mixed is not None:
            options.append(mixed[0])
            # What one term alone explains less of is not tried then.
            if not hardly_explains(mixed[0].estimate, first.estimate):
                return options
        for found in self.each(option, others):
            if found is not None:
                options.append(found[0])
                if found[1]:
                    return options
        options[0] = self.first_again(options)
        return [*options, *self.kinked(options[0], options)]

    def first_again(self, options: list[Option]) -> Option:
        """The first kind from the best option, if it may have ended in another minimum."""
        first, best = options[0], max(options, key=lambda each: each.evidence)
        if not best.kind.is_plain or best.evidence < first.evidence + BEYOND_DOUBT:
            return first
        target = first.estimate.forward
        start = carried_start(best.estimate.z, best.estimate.forward, target)
        found = self.estimated(start, best, target)
        if found is None or found.evidence < first.evidence + CLEARLY:
            return first
        return self.noted(Option(found, first.kind))

    def on_finest(self, first: Option, options: list[Option]) -> Option:
        """The best option on the finest grid that it is worth."""
        options = sorted(options, key=lambda each: each.evidence, reverse=True)
        gains = [each.evidence - first.evidence for each in options]
        # The errors of coarse cells may hide which of two nearly equal ones is right.
        near = [i for i in range(min(len(gains), 2)) if gains[i] >= _RIVAL * gains[0] > 0.0]
        rivals = [options[i] for i in near or [0]]
        if len(rivals) > 1 and self.finer_grids:
            factor = self.finer_grids[0]
            finer = list(self.each(lambda s, each: s.finer(each, factor), [*rivals, first]))
            ahead, behind, least = (-np.inf if each is None else each.evidence for each in finer)
            least = max(least, first.evidence)
            # What is behind on cells of half the length too stays behind.
            if max(ahead, behind) > least and behind - least < _RIVAL * (ahead - least):
                rivals = rivals[:1]
        # Further terms may have fitted the errors of coarse cells.
        among = [i for i, each in enumerate(rivals) if each is first]
        compared = rivals if among else [*rivals, first]
        refined = list(self.each(lambda search, each: search.refined(each), compared))
        plain = refined[among[0] if among else -1]
        refined = refined[: len(rivals)]
        best = max(refined, key=lambda each: each.evidence)
        if len(refined) > 1 and not self.leaves_noise(best):
            # Evidence takes errors of the scheme for noise.
            best = min(refined, key=lambda each: self.missed(each.estimate))
        # A further kink may lie on one that is there, and fits the errors of cells that it divides.
        likely = [each for each in refined if each.evidence > best.evidence - CLEARLY]
        fewer = [each for each in likely if 0 < each.kind.kinks < best.kind.kinks]
        best = min(fewer, key=lambda each: each.kind.kinks, default=best)
        if best.kind != first.kind and plain.evidence + WORTH > best.evidence:
            return plain
        if best.kind.stretches > 1 and one_suffices(best.estimate):
            one = dataclasses.replace(best.kind, stretches=1)
            return self.richer(first, one, best.refinement) or best
        return best

    def kinked_anew(self, first: Option) -> list[Option]:
        """Of a few sensors the option with a kink, from starts of its own, if that is clearly
        better: between them a smooth flux may follow other waves than those there are, and then
        shows no kink (see `kinked`)."""
        one_field = len(self.context.states.fields) == 1
        if is_dense(self.context) or not (one_field and first.kind.is_plain):
            return []
        if self.leaves_noise(first) or self.is_exact(first.estimate):
            return []
        kind = Kind(2, kinks=1)
        found = self.anew(kind)
        if found is None or found.evidence < first.evidence + CLEARLY:
            return []
        return [self.noted(Option(found, kind))]

    def kinked(self, first: Option, tried: list[Option]) -> list[Option]:
        """Options with kinks, if the others leave more than noise, a flux of the highest degree
        explains much of it or the one found turns at once, and kinks explain more than that does;
        of a few sensors also a flux of the highest degree."""
        best, noise = max(tried, key=lambda each: each.evidence), first.estimate.noise
        if not first.kind.is_plain or len(self.context.states.fields) > 1:
            return []
        if self.leaves_noise(best) or self.is_exact(best.estimate):
            return []
        richest = Kind(_RICHEST[-1])
        target = self.forward(richest, 1)
        start = carried_start(first.estimate.z, first.estimate.forward, target)
        promised = promise(target, self.context, noise, start).left <= _MUCH_EXPLAINED
        smooth = self.estimated(start, first, target) if promised else None
        dense = is_dense(self.context)
        if smooth is not None and smooth.evidence >= best.evidence + CLEARLY:
            option = self.noted(Option(smooth, richest))
            # In frames it is tried on the finest cells, whose schemes it does not mend.
            options = [] if dense else [option]
        elif dense and best.kind.is_plain and turns_at_once(best.estimate, self.context):
            smooth, options = best.estimate, []
        else:
            return []

        def with_kinks(search: "_Search", count: int) -> Option | None:
            kind = Kind(2, kinks=count)
            target = search.forward(kind, 1)
            starts = [straight_lines(each, target) for each in (first.estimate, smooth)]
            start = min(starts, key=lambda z: distance(target, search.context, noise, z))
            every = [search.estimated(start, first, target)]
            if count == 1:  # a smooth flux may be far off beside a kink, and then its lines are too
                every.append(search.anew(kind))
            usable = [each for each in every if each is not None]
            found = max(usable, key=lambda each: each.evidence, default=None)
            if found is None or found.evidence < smooth.evidence + CLEARLY:
                return None
            return search.noted(Option(found, kind))

        for count, found in enumerate(self.each(with_kinks, range(1, MOST_KINKS + 1)), 1):
            if found is not None:
                options.append(found)
            elif count > 1:  # of a trapezoid one kink may explain less than a smooth flux does
                break
        return options

    def of_high_degree(self, chosen: Option) -> Option:
        """The option with a flux of high degree if that predicts held-out frames better."""
        context, kind = self.context, chosen.kind
        # On coarse cells the errors of the scheme may have hidden what a richer flux explains.
        hidden = chosen.refinement > 1 and not self.leaves_noise(chosen)
        richer_pays = kind in self.kinds and (kind.size > self.kinds[0].size or hidden)
        degrees = tuple(n for n in _RICHEST if n > kind.size) if richer_pays else ()
        if kind.size and not (kind.is_plain or kind.kinks):
            degrees = () if self.leaves_noise(chosen) else _OF_FURTHER
        if not (degrees and self.finer_grids):
            return chosen
        error = self.missed(chosen.estimate)
        for degree in degrees:
            more = dataclasses.replace(kind, size=degree)
            found, target = chosen.estimate, self.forward(more, chosen.refinement)
            start = carried_start(found.z, found.forward, target)
            if promise(target, context, found.noise, start).evidence < chosen.evidence + CLEARLY:
                break
            # The shorter window first: most richer laws end there.
            ahead = self.missed(dataclasses.replace(found, forward=target, z=start))
            if not ahead < _FARTHER * error:
                break
            richer = self.richer(chosen, more)
            if richer is None:
                break
            chosen, error = richer, ahead
        return chosen

    def with_diffusivity_of_state(self, chosen: Option) -> Option:
        """What diffuses in one field may do so by a diffusivity that depends on the state, which
        a flux would imitate."""
        if chosen.kind.diffusion != 1 or len(self.context.states.fields) > 1:
            return chosen
        return self.richer(chosen, dataclasses.replace(chosen.kind, diffusion=3)) or chosen

    def simplified(self, option: Option) -> Option:
        """The same with fewer terms, if the evidence is higher."""
        without_flux = not self.context.observation
        while (fewer := simpler(option.estimate, option.kind, without_flux)) is not None:
            kind, start = fewer
            target = self.forward(kind, option.refinement)
            # Without its last term of a sort, a law may have another program.
            start = carried(start, option.estimate.forward, target)
            found = self.estimated(start, option, target)
            if found is None or found.evidence < option.evidence:
                break
            option = self.noted(Option(found, kind))
        return option

    def plainest(self, option: Option) -> Option:
        """Of a few sensors the same with a flux of the lowest degree that misses no more than the
        error of the scheme explains."""
        kind, context = option.kind, self.context
        if is_dense(context) or not kind.is_plain or len(context.states.fields) > 1:
            return option
        for size in range(PARABOLA, kind.size):
            other, start = of_degree(option.estimate, kind, size)
            target = self.forward(other, option.refinement)
            start = carried(start, option.estimate.forward, target)
            found = self.estimated(start, option, target)
            if found is None:
                continue
            if misses_no_more(found, option.estimate, context):
                return self.noted(Option(found, other))
        return option
