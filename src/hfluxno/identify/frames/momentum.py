"""The momentum: the field of a system that changes sign at a reflecting wall.

It carries another field, the density: F_h = c m with a constant c. In the weak form, with test
functions ψ,

    ∫∫ h ψ_t + c m ψ_x dx dt = 0,

which has one unknown and needs no derivative of the data. A velocity u does so with F_h = c h u. A
momentum is zero in walls, so a field that never is so beside one is none. If nothing is found in
this way (small waves, for which the fields are interchangeable, or few measurements) and there is a
wall, the momentum is the field with values of both signs if all others have only one: what moves
one way and back between walls.
"""

import itertools
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from hfluxno.grid import Grid
from hfluxno.parametric.weak_form import bump_families
from hfluxno.trajectory import Trajectory

# A field carries another if at most this fraction of the other's change remains unexplained …
_UNEXPLAINED = 0.2
# … and less than this fraction of what remains in the opposite case.
_CLEARLY = 0.5
# Velocities leave less than this (thousandths of exact frames) …
_CARRIED = 0.1
# … of a density that stays above this part of its largest value.
POSITIVE = 0.02
# A field that is never less than this part of its size beside a wall is not zero there.
_THERE = 0.5
# A field has both signs if the smaller side is this fraction of the larger one.
_BOTH_SIGNS = 0.1
# Supports are as wide as possible, against noise, but at least this many fit side by side, where
# there are cells enough.
_SUPPORTS = 3


def negated_fields(
    context: Trajectory, momentum: str | None, varies: Bool[np.ndarray, " trajectory"]
) -> tuple[int, ...]:
    """The indices of the fields that change sign at a wall.

    - `context`: one or two fields on one space dimension.
    - `momentum`: the name of that field, inferred if it is `None`.
    - `varies`: the trajectories of a batch from which it is inferred.

    Raises `ValueError` as `named` does, or if there is a wall and the field cannot be inferred.
    """
    fields = context.fields
    if momentum is not None:
        return named(momentum, fields, context.grid)
    if len(fields) == 1:
        return ()
    batch = np.asarray(context.batch[varies], np.float64)
    moving = velocity(batch) if len(fields) == 2 else None
    found = carrying_field(batch) if moving is None else moving[0]
    if found is not None and _is_there_at_wall(batch[:, :, found], context.grid):
        found = None
    if found is None and context.grid.has_wall():
        found = _only_one_of_both_signs(batch)
    if found is None and context.grid.has_wall() and not may_be_sealed(batch):
        raise ValueError(
            f"It cannot be inferred from the context which of the fields {' and '.join(fields)} is "
            f"the momentum, which changes sign at a reflecting wall: {how_to_name(fields)}"
        )
    return () if found is None else (found,)


def how_to_name(fields: tuple[str, ...]) -> str:
    """The end of a sentence about a momentum that is not known."""
    names = " or ".join(f'"{name}"' for name in reversed(fields))
    return f"name it with --momentum NAME, in Python momentum={names}."


def may_be_sealed(batch: Float[np.ndarray, "trajectory time field space"]) -> bool:
    """Whether no field changes its sign, so that all may be amounts that a wall keeps, such as two
    species that settle in a closed column."""
    return not np.any(_has_both_signs(batch))


def named(momentum: str, fields: tuple[str, ...], grid: Grid) -> tuple[int, ...]:
    """The index of the field of that name. Raises `ValueError` if there is none, or it is the only
    one and no wall changes its sign."""
    if momentum not in fields:
        raise ValueError(
            f"There is no field {momentum!r} to be the momentum; the fields are "
            f"{', '.join(fields)}."
        )
    if len(fields) == 1 and not grid.has_wall():
        raise ValueError(
            f"The only field, {momentum}, could be a momentum at a wall alone, which changes its "
            "sign; leave the momentum out, or choose the boundary wall."
        )
    return (fields.index(momentum),)


def carried_by(values: Float[np.ndarray, "time field space"], momentum: int) -> int:
    """The index of the field that a momentum carries: the density."""
    others = [i for i in range(values.shape[1]) if i != momentum]
    return min(others, key=lambda i: unexplained(values[None], i, momentum))


def _is_there_at_wall(values: Float[np.ndarray, "trajectory time space"], grid: Grid) -> bool:
    """Whether a field is never near zero beside a wall, as a depth may be, and no momentum is."""
    size = float(np.sqrt(np.mean(values**2)))
    beside = [
        values[..., side]
        for side, end in zip((0, -1), grid.boundary[0], strict=True)
        if end.is_closed
    ]
    return any(bool(np.all(np.abs(each) > _THERE * size)) for each in beside)


def carrying_field(batch: Float[np.ndarray, "trajectory time field space"]) -> int | None:
    """The field that carries another one, if it does so clearly better than all others."""
    pairs = itertools.permutations(range(batch.shape[2]), 2)
    left = {(carrier, carried): unexplained(batch, carried, carrier) for carrier, carried in pairs}
    best, _ = min(left, key=lambda pair: left[pair])
    least, others = (
        min(value for (carrier, _), value in left.items() if (carrier == best) == whether)
        for whether in (True, False)
    )
    return best if least < min(_UNEXPLAINED, _CLEARLY * others) else None


def velocity(
    batch: Float[np.ndarray, "trajectory time field space"],
) -> tuple[int, int] | None:
    """The field that carries another one as a velocity does, and neither as a momentum nor as a
    constant, and that one, which is positive; `None` if there is none."""
    best, found = _CARRIED, None
    pairs = list(itertools.permutations(range(batch.shape[2]), 2))
    for moving, density in pairs:
        if batch[:, :, density].min() <= POSITIVE * batch[:, :, density].max():
            continue
        product = batch[:, :, moving] * batch[:, :, density]
        left = unexplained(np.stack([batch[:, :, density], product], axis=2), 0, 1)
        if left < best:
            best, found = left, (moving, density)
    if found is None:
        return None
    others = [unexplained(batch, carried, moving) for moving, carried in pairs]
    others.append(unexplained(batch, found[1], found[1]))
    return found if best < _CLEARLY * min(others) else None


def _only_one_of_both_signs(batch: Float[np.ndarray, "trajectory time field space"]) -> int | None:
    low, high = batch.min(axis=(0, 1, 3)), batch.max(axis=(0, 1, 3))
    both = _has_both_signs(batch)
    single = (low >= 0.0) | (high <= 0.0)
    return int(np.argmax(both)) if both.sum() == 1 and np.all(both | single) else None


def _has_both_signs(batch: Float[np.ndarray, "trajectory time field space"]) -> np.ndarray:
    low, high = np.nanmin(batch, axis=(0, 1, 3)), np.nanmax(batch, axis=(0, 1, 3))
    return np.minimum(-low, high) > _BOTH_SIGNS * np.maximum(-low, high)


def unexplained(batch: np.ndarray, carried: int, carrier: int) -> float:
    """The fraction of the change of one field that a flux c times the other does not explain."""
    families = bump_families(batch.shape[1], batch.shape[3], periodic=False)
    widths = [np.count_nonzero(f[2][0]) for f in families]
    most = max(batch.shape[3] // _SUPPORTS, min(widths))
    # The last ones are the widest.
    fitting = [f for f, width in zip(families, widths, strict=True) if width <= most]
    in_time, in_time_derived, in_space, in_space_derived, _ = fitting[-1]
    parts = []
    for values in batch:
        change = -(in_time_derived @ values[:, carried] @ in_space.T).ravel()
        flux = (in_time @ values[:, carrier] @ in_space_derived.T).ravel()
        total, product = change @ change, change @ flux
        parts.append(1.0 - product**2 / max(total * (flux @ flux), 1e-300))
    return float(np.sqrt(max(np.mean(parts), 0.0)))


def one_name(momentum: str | tuple[str, str] | None) -> str | None:
    """The momentum on a line. Raises `ValueError` if it is a pair."""
    if momentum is None or isinstance(momentum, str):
        return momentum
    raise ValueError(f"The momentum on a line is the name of one field; got {momentum!r}.")


def as_pair(momentum: Any) -> tuple[str, str] | None:
    """The momentum on a plane. Raises `ValueError` if it is no pair of names."""
    if momentum is None:
        return None
    is_pair = isinstance(momentum, tuple | list) and len(momentum) == 2
    if not is_pair or not all(isinstance(name, str) for name in momentum):
        raise ValueError(
            'The momentum on a plane is a pair of fields, such as ("m_x", "m_y"); got '
            f"{momentum!r}."
        )
    return momentum[0], momentum[1]
