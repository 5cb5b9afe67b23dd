"""Further kinds of law: which there are in a context, what they promise, and where fits start."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from hfluxno.identify.joint.fit import NOTHING, Promise, promise
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.found import Option
from hfluxno.identify.joint.kind import MOST_STRETCHES, Kind
from hfluxno.identify.joint.mixtures import mixed_kind
from hfluxno.identify.joint.starts import (
    anchored,
    carried,
    carried_start,
    shown_stretches,
    stretched,
)
from hfluxno.identify.joint.stretches import Stretch
from hfluxno.trajectory import Trajectory


class FurtherKinds:
    """The kinds after the first one, which is their base.

    **Arguments:**

    - `make`: the forward model of a kind of law on cells of this part of their length.
    """

    def __init__(
        self,
        context: Trajectory,
        kinds: tuple[Kind, ...],
        make: Callable[[Kind, int], Forward],
    ):
        self.context, self.kinds, self.make = context, kinds[1:], make
        self._stretches: dict[int, tuple[Stretch, ...]] = {}

    @functools.cached_property
    def mixed(self) -> Kind | None:
        """The one with several further terms that the weak form shows, where such are tried."""
        if all(kind.is_plain for kind in self.kinds):
            return None
        return mixed_kind(self.context, lambda kind: self.make(kind, 1))

    def smooth(self, first: Option) -> list[Kind]:
        """Those with as many stretches as the weak form asks for."""
        kinds = []
        for kind in self.kinds:
            count = len(self._shown(first, kind)) if kind.stretches else 0
            if count or not kind.stretches:
                kinds.append(dataclasses.replace(kind, stretches=count))
        return kinds

    def outlook(self, first: Option, kind: Kind) -> Promise:
        """The most that a kind of law promises, with as many modes of place as there may be."""
        kind, noise = kind.with_all_places(), first.estimate.noise
        target = self.make(kind, 1)
        starts = self.starts(first, kind, target)
        return max((promise(target, self.context, noise, z) for z in starts), default=NOTHING)

    def starts(
        self, source: Option, kind: Kind, target: Forward
    ) -> list[Float[np.ndarray, " unknown"]]:
        """Starts for another kind of law, or on another grid; none if the weak form does not ask
        for its stretches."""
        z = carried_start(source.estimate.z, source.estimate.forward, target)
        if kind.flux_modes and not source.kind.flux_modes:
            z = anchored(z, target)
        if not kind.stretches:
            return [z]
        known = self._stretches.get(kind.size, ())
        anew = source.kind.stretches > 0 or len(known) != kind.stretches
        found = shown_stretches(z, target, self.context) if anew else known
        begun = stretched(z, target, found)
        return [] if begun is None else [begun]

    def _shown(self, first: Option, kind: Kind) -> tuple[Stretch, ...]:
        """The stretches that the weak form asks for with a flux of this degree."""
        if kind.size not in self._stretches:
            target = self.make(dataclasses.replace(kind, stretches=MOST_STRETCHES), 1)
            z = carried(first.estimate.z, first.estimate.forward, target)
            self._stretches[kind.size] = shown_stretches(z, target, self.context)
        return self._stretches[kind.size]
