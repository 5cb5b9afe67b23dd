"""The search for a steady flow that carries a tracer.

    ∂t u + ∂x(V_0 u) + ∂y(V_1 u) = ν Δu + s_0 + s_1 u + s_2 u² + s_3 u³ + p(x, y)

is linear in the coefficients of V and p (`hfluxno.parametric.plane.flow`), of the diffusion and of
the source, which the weak form of the first frames gives for each kind of flow. Of those of one
order, without and with a divergence, that leave nearly as little as any of the weak form of the
last frames, the one with the fewest unknowns is tried, and the back-test chooses.

A rotation, a shear and a strain are linear in the place. They come first, also with periodic sides
as long as nothing has reached these, although such a flow does not go round.
"""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from hfluxno.grid import averaged
from hfluxno.identify.frames.select import last_fitted_frame
from hfluxno.identify.plane.flow_kinds import FlowKind, fit, kinds_of
from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.run import Start, back_test, best_start, plain_starts
from hfluxno.identify.plane.saved import rescaled
from hfluxno.identify.plane.search import Found, deviations
from hfluxno.identify.plane.select import beyond_noise, left_over, systems_of
from hfluxno.identify.plane.untested_sides import still_axes, with_free_sides
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.plane.flow import SteadyFlow, carried, supplying
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.plane.terms import Further, Powers
from hfluxno.parametric.plane.weak_form import WeakSystem, total

# Orders up to `_AT_ONCE` are tried together, and higher ones if the highest of them is the best.
# The shortest wave has so many cells, since the equations have its values in their centres.
_ORDERS, _AT_ONCE, _CELLS = (1, 2, 4, 6, 8), 4, 8
# Frames of the weak form that chooses: the longest of its test functions.
_LATE = 10
# With so many unknowns a flow imitates other laws for a while: flows left .0005 to .011 of the last
# frames beyond noise, one that a flux of c (1 - c/2) was taken for .05.
_MOST_LEFT = 0.02
# What a flow may miss in the back-test, and leave of the weak form, in units of the best one; less
# than `_LITTLE` of it says nothing, as an error of quadratures.
_EQUAL, _CLOSE, _LITTLE = 1.02, 1.05, 3e-4
# The same of a flow that is linear in the place, whose few unknowns are right also where no tracer
# has been yet. True ones missed up to 1.07 and left 1.4 times as much as the best, since others
# explain errors of quadratures with many unknowns.
_EQUAL_IF_LINEAR, _CLOSE_IF_LINEAR = 1.2, 1.5


def search_flow(
    seen: Frames, fields: tuple[str, ...], cell: tuple[float, float], sources: tuple[Powers, ...]
) -> Found | None:
    """The steady flow that predicts the last frames best, in cells and frames; `None` if the weak
    form rejects all of them, and with walls inside, which the schemes do not know beside a velocity
    that depends on place.

    - `cell`: the lengths of a cell.
    - `sources`: the terms that a source may have.
    """
    if seen.grid.solid is not None:
        return None
    coarse = coarsened(seen, min(seen.grid.shape) // (_CELLS * _ORDERS[-1]))
    longest = max(_ORDERS[0], min(coarse.grid.shape) // _CELLS)
    last, aspect = last_fitted_frame(len(seen.values)), cell[0] / cell[1]
    sizes, starts = deviations(coarse.filled, ()), plain_starts(seen)

    def test(kinds: list[FlowKind], systems: _Systems) -> Iterator[_Tested]:
        """Of each sort of flow the chosen one, unless the weak form rejects it."""
        for _, alike in itertools.groupby(kinds, lambda kind: (kind.order, kind.diverges)):
            kind, first, unknowns = systems.chosen(list(alike), sizes)
            rest = left_over(systems.late, first, sizes)
            if beyond_noise(rest, systems.late, sizes, coarse.noise) > _MOST_LEFT:
                continue
            law = _law(first, kind, coarse, seen, systems.further, fields)
            error, start = back_test(law, seen, last, starts)
            yield _Tested(error, start, unknowns, kind, law, systems)

    tested: list[_Tested] = []
    free = with_free_sides(coarse, still_axes(seen))
    if not any(free.around):
        systems = _Systems.of(1, free, last, sources)
        linear = kinds_of(1, 1, free, systems.further, fields, aspect, linear=True)
        tested += test(linear, systems)
    every = [order for order in _ORDERS if order <= longest]
    for highest in [order for order in every if order >= _AT_ONCE] or every[-1:]:
        systems = _Systems.of(highest, coarse, last, sources)
        kinds = [
            kind
            for order in every
            if order <= highest
            for kind in kinds_of(order, highest, coarse, systems.further, fields, aspect)
            if order == highest or kind.is_supplied or highest == min(_AT_ONCE, every[-1])
        ]
        tested += test(kinds, systems)
        if tested and _best(tested).reach < highest:
            break
    if not tested:
        return None
    best = _best(tested)
    error, start = best_start(best.law, seen, last, best.start)
    coefficients, _ = best.systems.whole.fit(best.kind, sizes)
    misfit = left_over(best.systems.whole.inside, coefficients, sizes)
    return Found(
        law=_law(coefficients, best.kind, coarse, seen, best.systems.further, fields),
        before=best.law,
        error=error,
        start=start,
        misfit=misfit,
        beyond_noise=beyond_noise(misfit, best.systems.whole.inside, sizes, coarse.noise),
        isotropic=False,
        recognised=None,
        terms=(),
    )


@dataclasses.dataclass(frozen=True)
class _Equations:
    """The weak equations of some frames with test functions that vanish at the sides, and those
    with others too. Only the latter see what arises there; the former are those of other laws."""

    inside: WeakSystem
    up_to_sides: WeakSystem

    def fit(
        self, kind: FlowKind, sizes: Float[np.ndarray, " field"]
    ) -> tuple[Float[np.ndarray, "1 coefficient"], int]:
        """The coefficients of a flow, and how many unknowns it has."""
        return fit(self.up_to_sides if kind.is_supplied else self.inside, kind, sizes)


@dataclasses.dataclass(frozen=True)
class _Systems:
    """The weak equations of the first frames, the last and all, and the further terms in them."""

    before: _Equations
    late: WeakSystem
    whole: _Equations
    further: Further

    @classmethod
    def of(cls, order: int, seen: Frames, last: int, sources: tuple[Powers, ...]) -> "_Systems":
        """Those of flows up to an order."""
        domain = order, seen.around, seen.grid.shape
        functions, further = carried(*domain), Further(sources, supply=supplying(*domain))
        late = seen.part(max(0, min(last, len(seen.values) - _LATE)))

        def system(frames: Frames, up_to_sides: bool = False) -> WeakSystem:
            return total(systems_of(frames, functions, further, up_to_sides=up_to_sides))

        def equations(frames: Frames) -> _Equations:
            inside = system(frames)
            return _Equations(inside, inside if all(seen.around) else system(frames, True))

        return cls(equations(seen.until(last)), system(late), equations(seen), further)

    def chosen(
        self, kinds: list[FlowKind], sizes: Float[np.ndarray, " field"]
    ) -> tuple[FlowKind, Float[np.ndarray, "1 coefficient"], int]:
        """Of the kinds that leave little of the last frames that with the fewest unknowns, its
        coefficients from the first frames, and how many unknowns it has."""
        fitted = [(kind, *self.before.fit(kind, sizes)) for kind in kinds]
        left = [left_over(self.late, first, sizes) for _, first, _ in fitted]
        close = _CLOSE_IF_LINEAR if kinds[0].linear else _CLOSE
        most = max(close * min(left), _LITTLE)
        good = [each for each, rest in zip(fitted, left, strict=True) if rest <= most]
        return min(good, key=lambda each: each[2])


@dataclasses.dataclass(frozen=True)
class _Tested:
    """A law from the first frames with its error and start of the back-test."""

    error: float
    start: Start
    unknowns: int
    kind: FlowKind
    law: FittedPlaneLaw
    systems: _Systems

    @property
    def reach(self) -> int:
        """The highest order of its velocity and its supply."""
        return self.kind.highest if self.kind.is_supplied else self.kind.order


def _best(tested: list[_Tested]) -> _Tested:
    """Of those that predict well that with the fewest unknowns."""
    least = min(each.error for each in tested)
    equal = (
        each
        for each in tested
        if each.error <= (_EQUAL_IF_LINEAR if each.kind.linear else _EQUAL) * least
    )
    return min(equal, key=lambda each: each.unknowns)


def coarsened(seen: Frames, most: int) -> Frames:
    """The frames averaged over squares of at most so many cells a side: the weak form of many waves
    takes memory, and they are long. Walls inside and sides that cannot be divided leave fewer."""
    parts = range(max(most, 1), 0, -1)
    times = next(n for n in parts if not any(cells % n for cells in seen.grid.shape))
    if times == 1 or seen.grid.solid is not None:
        return seen
    grid = dataclasses.replace(seen.grid, shape=tuple(cells // times for cells in seen.grid.shape))
    values, filled = (averaged(each, grid.shape) for each in (seen.values, seen.filled))
    noise = seen.noise / times
    return dataclasses.replace(seen, values=values, filled=filled, grid=grid, noise=noise)


def _law(
    coefficients: Float[np.ndarray, "1 coefficient"],
    kind: FlowKind,
    coarse: Frames,
    seen: Frames,
    further: Further,
    fields: tuple[str, ...],
) -> FittedPlaneLaw:
    """The law on the cells of what was seen, with the coefficients from coarse ones."""
    columns = coefficients.shape[1] - further.count
    ends = columns + np.cumsum([0, len(further.sources), len(further.supply)])
    of_flow, of_sources, of_supply, nu = np.split(coefficients[0], ends)
    order, velocity = kind.order, of_flow.reshape(2, -1)[:, kind.columns]
    if kind.is_supplied:  # whose order is the highest one
        order, velocity = kind.highest, of_flow.reshape(2, -1)
    used = np.flatnonzero(of_sources)
    law = FittedPlaneLaw(
        fields,
        Dictionary(np.ones(1), ((1,),), fields),
        np.zeros((2, 1, 1)),
        seen.filled.min(axis=(0, 2, 3)),
        seen.filled.max(axis=(0, 2, 3)),
        arising=tuple(further.sources[k] for k in used),
        sources=of_sources[None, used] if len(used) else None,
        diffusivities=nu.reshape(2, 1, 1) if np.any(nu) else None,
        flow=SteadyFlow(
            velocity,
            np.zeros(2),
            np.array(coarse.grid.shape, float),
            order,
            kind.around,
            np.append(0.0, of_supply) if kind.is_supplied else None,
        ),
    )
    times = np.divide(seen.grid.shape, coarse.grid.shape)
    return rescaled(law, times, 1.0, np.zeros(2))
