"""What the search for a joint estimate is made of: estimates of one context, which it notes."""

import copy
import dataclasses
import operator
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Self, TypeVar

import numpy as np
from jaxtyping import Float

from hfluxno.batching import free_cores, on_all_cores
from hfluxno.identify.frames.coarser import coarsening
from hfluxno.identify.joint.dense import is_dense
from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.fit import estimate, sizes
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.found import Option, takes_long
from hfluxno.identify.joint.further_kinds import FurtherKinds
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.on_wider_cells import on_own_cells, on_wider_cells
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.starts import carried_start, diffusing, improved
from hfluxno.identify.joint.stretch_ends import with_ends_moved
from hfluxno.identify.joint.windows import (
    WORTH,
    Prediction,
    grown,
    held_out_from,
    missed,
    predicted_late,
    windows,
)
from hfluxno.identify.listener import announce
from hfluxno.identify.residuals.noise import is_like_noise
from hfluxno.trajectory import Trajectory

# The increase of the logarithm of the evidence for which a start far from the law that was found so
# far is preferred.
CLEARLY = 10.0
_FINER = (2, 4, 8)
# Cells of an eighth of the length are tried if those of a quarter have increased it by this. It was
# 120 where they gained nothing under 1 % noise, 320 where they halved the error of the forecast.
_FINEST, _MUCH = 8, 100.0
# No further kind is tried after one that leaves nothing but noise, and is more probable by this, or
# less than this part of the misfit of the first one, and half of that on cells of half the length.
BEYOND_DOUBT, _LITTLE = 100.0, 0.2
PARABOLA = 2  # its degree
# Diffusion alone is no start for a law that misses less than this, in standard deviations.
_EXACT = 0.01

Item = TypeVar("Item")
Result = TypeVar("Result")


class Attempts:
    """Estimates of one context, those tried, and what they tell."""

    def __init__(self, context: Trajectory, negated, kinds: tuple[Kind, ...], known_first: bool):
        self.context, self.negated, self.kinds = context, negated, kinds
        self.known_first, self.frames = known_first, windows(context)
        self.tried: list[tuple[str, float]] = []
        # A context of so many cells that it is searched on averages needs no finer internal ones.
        many = coarsening(context.grid.shape[0]) > 1
        self.finer_grids = _FINER if is_dense(context) and not many else ()
        self.further_kinds = FurtherKinds(context, kinds, self.forward)
        self._on_finer: dict[tuple[Kind, int], Option | None] = {}
        self._predicted: tuple[Estimate, Prediction | None] | None = None

    def forward(self, kind: Kind, refinement: int) -> Forward:
        return make_forward(
            kind,
            self.context,
            self.negated,
            # Kinks make jumps, whose places within a cell the first frame does not show.
            known_first=self.known_first and not kind.kinks,
            refinement=refinement,
        )

    def noted(self, option: Option) -> Option:
        """The option itself, which was tried."""
        self._note(str(option), option.evidence)
        return option

    def _note(self, label: str, evidence: float) -> None:
        self.tried.append((label, evidence))
        announce(label, evidence, "log evidence")

    def each(
        self, function: Callable[[Self, Item], Result], items: Sequence[Item]
    ) -> Iterator[Result]:
        """The function of a search and each item, in order; as many at once as there are free
        cores. What is tried for an item is noted when its result is asked for."""

        def alone(item: Item) -> tuple[Result, list[tuple[str, float]]]:
            other = copy.copy(self)
            other.tried = []
            return function(other, item), other.tried

        if free_cores() == 1:
            yield from (function(self, item) for item in items)
            return
        for begin in range(0, len(items), free_cores()):
            some = items[begin : begin + free_cores()]
            for found, tried in on_all_cores(alone, some):
                for label, evidence in tried:
                    self._note(label, evidence)
                yield found

    def estimated(
        self, start: Float[np.ndarray, " unknown"], source: Option, target: Forward
    ) -> Estimate | None:
        """The estimate over all frames from a start, with the noise of another option."""
        return estimate(target, self.context, self.frames[-1:], source.estimate.noise, start)

    @cached_property
    def on_wider(self) -> "Attempts | None":
        """The same for these sensors on wider cells, if there are such cells."""
        wider = None if is_dense(self.context) else on_wider_cells(self.context)
        if wider is None:
            return None
        return type(self)(wider, self.negated, self.kinds, self.known_first)

    def anew(self, kind: Kind) -> Estimate | None:
        """A kind of law from starts of its own: from what was found on wider cells, else over
        growing windows."""
        target = self.forward(kind, 1)
        if self.on_wider is not None:
            coarse = self.on_wider.anew(kind)
            if coarse is None:
                return None
            start = on_own_cells(coarse.z, coarse.forward, target)
            return self.estimated(start, Option(coarse, kind), target)
        found = grown(target, self.context, self.frames)
        one_field = len(self.context.states.fields) == 1
        if one_field and kind.is_plain and kind.size > PARABOLA and not is_dense(self.context):
            found = self.by_parabola(target, found)
        return found

    def by_parabola(self, base: Forward, found: Estimate | None) -> Estimate | None:
        """The estimate found, or that which begins at one with a parabola if it is more probable:
        between a few sensors a richer flux more often follows other waves than those there are."""
        kind = Kind(PARABOLA)
        simple = grown(self.forward(kind, 1), self.context, self.frames)
        if simple is None:
            return found
        start = carried_start(simple.z, simple.forward, base)
        other = self.estimated(start, Option(simple, kind), base)
        every = [each for each in (found, other) if each is not None]
        return max(every, key=lambda each: each.evidence, default=None)

    def predicted(self, found: Estimate) -> Prediction | None:
        """What an estimate from there, without the last quarter, predicts to be measured."""
        if self._predicted is None or self._predicted[0] is not found:
            self._predicted = found, predicted_late(found, self.context, self.frames)
        return self._predicted[1]

    def missed(self, found: Estimate) -> float:
        """The error of the held-out frames, predicted from the others."""
        return missed(self.predicted(found), self.context, held_out_from(self.frames))

    def richer(
        self, source: Option, kind: Kind, refinement: int | None = None, *, anew: bool = False
    ) -> Option | None:
        """The estimate with another kind of law or grid, if its evidence is sufficiently higher;
        `anew` also from starts of its own."""
        target = self.forward(kind, refinement or source.refinement)
        starts, noise = self.further_kinds.starts(source, kind, target), source.estimate.noise
        of_cells = source.refinement == target.settings.refinement
        starts = improved(starts, target, self.context, noise, of_cells)
        targets = (target, target.blunt()) if kind.stretches else (target,)
        every = [partial(self.estimated, z, source, each) for each in targets for z in starts]
        if anew and kind.stretches and starts:
            # The first state and the ends belong to a law without one.
            every += [partial(grown, each, self.context, self.frames, starts) for each in targets]
        # A flux of lower degree may have led to another minimum.
        if anew and self.known_first and kind.is_plain and kind.size > self.kinds[0].size:
            every.append(partial(grown, target, self.context, self.frames))
        usable = [found for found in on_all_cores(operator.call, every) if found is not None]
        if kind.stretches:
            usable = [with_ends_moved(each, self.context, self.frames[-1:]) for each in usable]
        alone = diffusing(source.estimate.z, source.estimate.forward, target, self.context)
        if alone is not None and (self.is_exact(source.estimate) or self.leaves_noise(source)):
            alone = None
        other = None if alone is None else self.estimated(alone, source, target)
        least = max((each.evidence for each in usable), default=-np.inf) + CLEARLY
        usable += [other] if other is not None and other.evidence > least else []
        if not usable:
            return None
        best = max(usable, key=lambda each: each.evidence)
        option = self.noted(Option(best, kind))
        return option if option.evidence > source.evidence + WORTH else None

    def finer(self, source: Option, factor: int) -> Option | None:
        kind = source.kind
        if (kind, factor) not in self._on_finer:
            long = takes_long(source, self.context, factor)
            found = None if long else self.richer(source, kind, factor)
            if found is None and not long:
                found = self.anew_on_finer(source, factor)
            self._on_finer[kind, factor] = found
        return self._on_finer[kind, factor]

    def anew_on_finer(self, source: Option, factor: int) -> Option | None:
        """The same kind of law on the first finer grid from starts of its own, if that is clearly
        better: a law that is no better there than on the cells of the data may have fitted the
        errors of their scheme."""
        first = source.refinement == 1 and factor == _FINER[0]
        if not (first and source.kind.is_plain) or self.leaves_noise(source):
            return None
        if self.is_exact(source.estimate):
            return None
        found = grown(self.forward(source.kind, factor), self.context, self.frames)
        if found is None or found.evidence < source.evidence + CLEARLY:
            return None
        return self.noted(Option(found, source.kind))

    def explains(self, option: Option, first: Option) -> bool:
        """Whether what a law leaves is the noise of the measurements, or the error of the scheme:
        little, and with the cells it halves."""
        found = option.estimate
        if self.leaves_noise(option):
            return option.evidence > first.evidence + BEYOND_DOUBT
        if np.any(found.noise > _LITTLE * first.estimate.noise):
            return False
        if not self.finer_grids:
            return self.is_exact(found)
        finer = self.finer(option, self.finer_grids[0])
        return finer is not None and bool(np.all(finer.estimate.noise < 0.5 * found.noise))

    def is_exact(self, found: Estimate) -> bool:
        return bool(np.all(found.noise < _EXACT * sizes(self.context)))

    def leaves_noise(self, option: Option) -> bool:
        return is_like_noise(option.estimate.observed(self.context.times) - self.context.values)

    def refined(self, option: Option) -> Option:
        """The estimate on the finest grid that increases the evidence sufficiently, there with as
        many modes of place as do."""
        gain = np.inf
        for factor in self.finer_grids:
            found = self.finer(option, factor) if factor < _FINEST or gain > _MUCH else None
            if found is None:
                break
            option, gain = found, found.evidence - option.evidence
        return self.with_places(option) if option.refinement > 1 else option

    def with_places(self, option: Option) -> Option:
        """The same with as many modes of place, or stretches, as increase the evidence. Few at
        first: with many, they would fit what belongs to the flux."""
        while (more := option.kind.with_more_places()) != option.kind:
            further = self.richer(option, more)
            if further is None:
                break
            option = further
        return option

    def with_diffusion(self, option: Option) -> Option:
        """What reacts often diffuses, and neither explains the other."""
        if not option.kind.by_state or option.kind.diffusion:
            return option
        return self.richer(option, dataclasses.replace(option.kind, diffusion=1)) or option
