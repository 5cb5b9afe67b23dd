"""The search for a steady flow that carries a tracer.

    ∂t u + ∂x(V_0 u) + ∂y(V_1 u) = ν Δu + s_0 + s_1 u + s_2 u² + s_3 u³

is linear in the coefficients of V (`hfluxno.parametric.plane.flow`), of the diffusion and of the
source, which the weak form of the first frames gives for each kind of flow. Of those of one order
that leave nearly as little as any of the weak form of the last frames, the one with the fewest
unknowns is tried, and the back-test chooses among the orders.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.select import last_fitted_frame
from hfluxno.identify.plane.flow_kinds import FlowKind, fit, kinds_of
from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.run import Start, back_test, best_start, plain_starts
from hfluxno.identify.plane.search import POOR_MISFIT, Found, deviations
from hfluxno.identify.plane.select import beyond_noise, left_over, systems_of
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.plane.flow import SteadyFlow, carried
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.plane.terms import Further, Powers
from hfluxno.parametric.plane.weak_form import WeakSystem, total

# The orders that are tried together, and later if the highest of these is the best one. The
# shortest wave has so many cells, since the equations have its values in their centres.
_ORDERS, _CELLS = ((1, 2, 4), (8,)), 8
# Frames of the weak form that chooses: the longest of its test functions.
_LATE = 10
# What a flow may miss in the back-test, and leave of the weak form, in units of the best one; less
# than `_LITTLE` of it says nothing, as an error of quadratures.
_EQUAL, _CLOSE, _LITTLE = 1.02, 1.05, 3e-4


def search_flow(
    seen: Frames, fields: tuple[str, ...], cell: tuple[float, float], sources: tuple[Powers, ...]
) -> Found | None:
    """The steady flow that predicts the last frames best, in cells and frames; `None` if the weak
    form rejects all of them.

    - `cell`: the lengths of a cell.
    - `sources`: the terms that a source may have.
    """
    longest = max(_ORDERS[0][0], min(seen.grid.shape) // _CELLS)
    last = last_fitted_frame(len(seen.values))
    sizes, starts = deviations(seen.filled, ()), plain_starts(seen)
    tested: list[_Tested] = []
    for every in _ORDERS:
        orders = [order for order in every if order <= longest]
        if not orders or (tested and _best(tested).kind.order < tested[-1].kind.order):
            break
        systems = _Systems.of(orders[-1], seen, last, Further(sources))
        for order in orders:
            kinds = kinds_of(order, orders[-1], seen, systems.further, fields, cell[0] / cell[1])
            kind, first, unknowns = systems.chosen(kinds, sizes)
            rest = left_over(systems.before, first, sizes)
            if beyond_noise(rest, systems.before, sizes, seen.noise) > POOR_MISFIT:
                continue
            law = _law(first, kind, seen, fields, systems.further)
            error, start = back_test(law, seen, last, starts)
            tested.append(_Tested(error, start, unknowns, kind, law, systems))
    if not tested:
        return None
    best = _best(tested)
    error, start = best_start(best.law, seen, last, best.start)
    coefficients, _ = fit(best.systems.whole, best.kind, sizes)
    misfit = left_over(best.systems.whole, coefficients, sizes)
    return Found(
        law=_law(coefficients, best.kind, seen, fields, best.systems.further),
        before=best.law,
        error=error,
        start=start,
        misfit=misfit,
        beyond_noise=beyond_noise(misfit, best.systems.whole, sizes, seen.noise),
        isotropic=False,
        recognised=None,
        terms=(),
    )


@dataclasses.dataclass(frozen=True)
class _Systems:
    """The weak equations of the first frames, the last and all, and the further terms in them."""

    before: WeakSystem
    late: WeakSystem
    whole: WeakSystem
    further: Further

    @classmethod
    def of(cls, order: int, seen: Frames, last: int, further: Further) -> "_Systems":
        """Those of flows up to an order."""
        functions = carried(order, seen.around, seen.grid.shape)
        late = _from(seen, max(0, min(last, len(seen.values) - _LATE)))
        before, after, whole = (
            total(systems_of(each, functions, further)) for each in (seen.until(last), late, seen)
        )
        return cls(before, after, whole, further)

    def chosen(
        self, kinds: list[FlowKind], sizes: Float[np.ndarray, " field"]
    ) -> tuple[FlowKind, Float[np.ndarray, "1 coefficient"], int]:
        """Of the kinds that leave little of the last frames that with the fewest unknowns, its
        coefficients from the first frames, and how many unknowns it has."""
        fitted = [(kind, *fit(self.before, kind, sizes)) for kind in kinds]
        left = [left_over(self.late, first, sizes) for _, first, _ in fitted]
        most = max(_CLOSE * min(left), _LITTLE)
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


def _best(tested: list[_Tested]) -> _Tested:
    """Of those that predict well that with the fewest unknowns."""
    least = min(each.error for each in tested)
    return min(
        (each for each in tested if each.error <= _EQUAL * least), key=lambda each: each.unknowns
    )


def _from(seen: Frames, first: int) -> Frames:
    at = seen.at[first:] - seen.at[first]
    return dataclasses.replace(seen, values=seen.values[first:], filled=seen.filled[first:], at=at)


def _law(
    coefficients: Float[np.ndarray, "1 coefficient"],
    kind: FlowKind,
    seen: Frames,
    fields: tuple[str, ...],
    further: Further,
) -> FittedPlaneLaw:
    columns = coefficients.shape[1] - further.count
    of_flow, of_sources, nu = np.split(coefficients[0], [columns, columns + len(further.sources)])
    velocity = of_flow.reshape(2, -1)[:, kind.columns]
    used = np.flatnonzero(of_sources)
    return FittedPlaneLaw(
        fields,
        Dictionary(np.ones(1), ((1,),), fields),
        np.zeros((2, 1, 1)),
        seen.filled.min(axis=(0, 2, 3)),
        seen.filled.max(axis=(0, 2, 3)),
        arising=tuple(further.sources[k] for k in used),
        sources=of_sources[None, used] if len(used) else None,
        diffusivities=nu.reshape(2, 1, 1) if np.any(nu) else None,
        flow=SteadyFlow(
            velocity, np.zeros(2), np.array(seen.grid.shape, float), kind.order, kind.around
        ),
    )
