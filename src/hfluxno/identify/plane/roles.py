"""The roles of fields on a plane: which are the momentum, or velocities in its place."""

import itertools

import numpy as np

from hfluxno.coordinates import is_vacuum
from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.select import component, estimate, systems_of
from hfluxno.parametric.plane.terms import Roles, Structure
from hfluxno.parametric.plane.weak_form import total

# ∂t ρ + c ∇·m = 0 holds if its residual is less than this fraction of ∂t ρ.
_CARRIED = 0.1
# With ρ u instead of m the residual is at most this fraction if u is a velocity. Of 23 sets it
# was a thousandth for the one with velocities, and .98 or more for the others.
_VELOCITY = 0.5


def infer_roles(seen: Frames, aspect: float, momentum: tuple[int, int] | None) -> Roles:
    """The momentum, given or inferred from F_ρ = c m_x, G_ρ = c m_y, and the carrier ρ.

    `aspect` is Δx/Δy.
    """
    misfit, pair, carrier = _carried(seen, aspect, momentum, None)
    if misfit < _CARRIED:
        return Roles(seen.values.shape[1], pair, carrier)
    return Roles(seen.values.shape[1], momentum, None)


def infer_velocity(
    seen: Frames, aspect: float, velocity: tuple[int, int] | None
) -> tuple[tuple[int, int], int] | None:
    """A pair of fields, given or inferred, that carries a third one as velocities do, and that one:
    F_ρ = c ρ u, G_ρ = c ρ v explain it twice as well as any momentum; `None` if there is none."""
    if seen.values.shape[1] < 3:
        return None
    found = [
        _carried(seen, aspect, velocity, carrier)
        for carrier in range(seen.values.shape[1])
        if not is_vacuum(seen.filled[:, carrier]).any()
    ]
    misfit, pair, carrier = min(found, default=(np.inf, (0, 0), 0))
    as_momentum, *_ = _carried(seen, aspect, velocity, None)
    return (pair, carrier) if misfit < min(_CARRIED, _VELOCITY * as_momentum) else None


def _carried(
    seen: Frames, aspect: float, given: tuple[int, int] | None, times: int | None
) -> tuple[float, tuple[int, int], int]:
    """The smallest misfit of F_ρ = c m_x, G_ρ = c m_y with the pair m and the field ρ that have it;
    m is one of fields, or if a field is named by `times` of products with it, which is then ρ."""
    fields = seen.values.shape[1]
    pairs = itertools.permutations(range(fields), 2) if given is None else [given]
    columns = [component(i) if times is None else _product(i, times) for i in range(fields)]
    system = total(systems_of(seen, columns))
    best = np.inf, (0, 0), 0
    for pair in pairs:
        for carrier in (set(range(fields)) if times is None else {times}) - set(pair):
            direction = np.zeros((1, 1, 2, fields))
            direction[0, 0, 0, pair[0]], direction[0, 0, 1, pair[1]] = 1.0, aspect
            structure = Structure((carrier,), direction, ("m",))
            misfit = estimate(system, structure, np.ones(fields)).misfit
            best = min(best, (misfit, pair, carrier))
    return best


def _product(i: int, k: int):
    return lambda states: states[i] * states[k]
