"""Kinds of steady flows, and their coefficients from the weak form.

A flow has an order, and a divergence or none. Nothing passes walls at the sides, so what would is
no unknown. It carries a tracer that may diffuse, alike in all directions, and arise, by its amount
or by place.

Where there is no tracer, nothing tells the velocity. So the squares of its coefficients c_m of the
order o_m have penalties (1 + o_m²)² λ, relative to the equations, with λ from the residual r of the
fit without them: r² over the number of independent equations is the noise of a coefficient.
"""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.select import left_over, normal_equations, solved
from hfluxno.parametric.plane.flow import (
    Around,
    modes,
    orders,
    products,
    without,
    without_divergence,
)
from hfluxno.parametric.plane.terms import Further, Structure, with_further
from hfluxno.parametric.plane.weak_form import WeakSystem

# Test functions overlap, so there are fewer independent equations than equations.
_INDEPENDENT = 100.0
# The first of `_masks`, which a flow has that is linear in the place.
_OF_LINEAR = 3


@dataclasses.dataclass(frozen=True)
class FlowKind:
    """A kind of flow.

    - `order`: the largest order of the products of waves or polynomials in its velocity.
    - `highest`: that of the products of which the weak equations have columns, and of a supply.
    - `around`: which axes are periodic.
    - `diverges`: whether its velocity may have a divergence.
    - `structure`: its unknowns.
    - `linear`: whether its velocity is linear in the place.
    """

    order: int
    highest: int
    around: Around
    diverges: bool
    structure: Structure
    linear: bool = False

    @property
    def is_supplied(self) -> bool:
        """Whether it has a supply by place."""
        return any(name.startswith("supply") for name in self.structure.names)

    @property
    def columns(self) -> list[int]:
        """Of its products among those of the equations."""
        every = modes(self.highest, self.around)
        return [every.index(pair) for pair in modes(self.order, self.around)]


def kinds_of(
    order: int,
    highest: int,
    seen: Frames,
    further: Further,
    fields: tuple[str, ...],
    aspect: float,
    linear: bool = False,
) -> list[FlowKind]:
    """The kinds of an order: without and with a divergence, and each without further terms, with
    diffusion, and with a linear or cubic source too, or a supply by place; none if walls stop all
    of them.

    - `aspect`: the quotient of the lengths of a cell.
    - `linear`: only flows that are linear in the place, between sides that are not periodic; of the
      further terms they have diffusion and a linear source.
    """
    own = modes(order, seen.around)
    nx, ny = map(float, seen.grid.shape)
    every_flow = np.eye(2 * len(own)).reshape(-1, 2, len(own))
    found = []
    both_sorts = without_divergence(order, seen.around, (nx, ny)), every_flow
    for diverges, flows in enumerate(both_sorts):
        if linear:
            bent = [m for m, pair in enumerate(own) if sum(pair) > 1]
            effects = flows[:, :, bent].reshape(len(flows), -1)
            flows = np.tensordot(without(effects), flows, axes=1)
        flows = _along_walls(flows, order, seen)
        if not len(flows):
            continue
        none = Structure((0,), flows[:, None], ())
        bare = FlowKind(order, highest, seen.around, bool(diverges), none, linear)
        directions = np.zeros((len(flows), 1, 2, len(modes(highest, seen.around))))
        directions[..., bare.columns] = flows[:, None]
        names = tuple(f"flow {k + 1}" for k in range(len(flows)))
        plain = Structure((0,), directions, names)
        both = with_further(plain, dataclasses.replace(further, alike=aspect**2), fields)
        moved = np.ones(len(flows), bool)
        masks = itertools.islice(_masks(further), _OF_LINEAR if linear else None)
        kept = dict.fromkeys(tuple(np.append(moved, mask)) for mask in masks)
        found += [dataclasses.replace(bare, structure=both.keep(np.array(m))) for m in kept]
    return found


def _masks(further: Further) -> Iterator[np.ndarray]:
    """Which further unknowns a kind may have: sources, the supply, and the diffusivity."""
    degree = np.array([sum(powers) for powers in further.sources], int)
    supply = np.ones(len(further.supply), bool)
    yield np.zeros(further.arising + 1, bool)
    for highest, supplied in ((-1, False), (1, False), (3, False), (0, True), (1, True)):
        yield np.concatenate([degree <= highest, supply & supplied, [True]])


def _along_walls(
    flows: Float[np.ndarray, "unknown 2 mode"], order: int, seen: Frames
) -> Float[np.ndarray, "other_unknown 2 mode"]:
    """Combinations of the flows that span all of those that do not pass walls at the sides."""
    along = (np.arange(4 * order + 1) + 0.5) / (4 * order + 1)
    passing = []
    for axis, ends in enumerate(seen.grid.boundary):
        for place, end in enumerate(ends):
            if end.is_closed:
                at = (np.array([float(place)]), along)
                waves = products(order, seen.around, *(at if axis == 0 else at[::-1]))
                passing.append(flows[:, axis] @ waves.reshape(len(waves), -1))
    if not passing:
        return flows
    return np.tensordot(without(np.concatenate(passing, axis=1)), flows, axes=1)


def fit(
    system: WeakSystem, kind: FlowKind, sizes: Float[np.ndarray, " field"]
) -> tuple[Float[np.ndarray, "1 coefficient"], int]:
    """The coefficients of a flow and its further terms, and how many unknowns there are; no
    diffusivity is negative."""
    rough = _solution(system, kind, sizes, 0.0)
    wrong = kind.structure.is_diffusivity & (rough < 0.0)
    if wrong.any():
        kind = dataclasses.replace(kind, structure=kind.structure.keep(~wrong))
        rough = _solution(system, kind, sizes, 0.0)
    flat = kind.structure.flat
    left = left_over(system, np.tensordot(rough, flat, axes=1), sizes)
    found = _solution(system, kind, sizes, left**2 / _INDEPENDENT)
    return np.tensordot(found, flat, axes=1), len(kind.structure.names)


def _solution(
    system: WeakSystem, kind: FlowKind, sizes: Float[np.ndarray, " field"], penalty: float
) -> Float[np.ndarray, " unknown"]:
    """The least-squares solution with the penalty λ."""
    normal = normal_equations(system, kind.structure, sizes)
    matrix, right = normal[:-1, :-1], normal[:-1, -1]
    flows = kind.structure.directions.reshape(len(right), -1)
    falls = np.tile((1.0 + np.array(orders(kind.highest, kind.around)) ** 2) ** 2, 2)
    size = np.mean(np.diag(system.normal)[: len(falls)]) / float(sizes[0]) ** 2
    return solved(matrix + penalty * size * (flows * falls) @ flows.T, right)
