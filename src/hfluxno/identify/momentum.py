"""Which field of a system a wall reflects with the opposite sign: the momentum.

It carries another field, the density: F_h = c m with a constant c. In the weak form, with test
functions ψ,

    ∫∫ h ψ_t + c m ψ_x dx dt = 0,

which has one unknown and needs no derivative of the data. Where the converse nearly holds as well
(small waves, of which neither field is told from the other) nothing follows.
"""

import itertools

import numpy as np
from jaxtyping import Bool, Float

from hfluxno.identify.weak_form import bump_families
from hfluxno.trajectory import Trajectory

# A field carries another where this part of the other's change, at most, is left unexplained …
_UNEXPLAINED = 0.2
# … and less than this part of what is left in the opposite case.
_CLEARLY = 0.5
# Supports are as wide as possible, against noise, but so many fit beside each other.
_SUPPORTS = 3


def negated_fields(
    context: Trajectory, momentum: str | None, varies: Bool[np.ndarray, " trajectory"]
) -> tuple[int, ...]:
    """The indices of the fields that a wall reflects with the opposite sign.

    **Arguments:**

    - `context`: one or two fields on one space dimension.
    - `momentum`: the name of that field, where it is known; else it is inferred.
    - `varies`: which trajectories of a batch it is inferred from.

    **Raises:**

    - `ValueError`, where there is no field of that name, or it cannot be inferred and there is a
      wall.
    """
    fields = context.fields
    if momentum is not None:
        if momentum not in fields:
            raise ValueError(
                f"There is no field {momentum!r} to be the momentum; the fields are "
                f"{', '.join(fields)}."
            )
        return (fields.index(momentum),)
    if len(fields) == 1:
        return ()
    values = np.asarray(context.values, np.float64)
    batch = values if context.is_batched else values[None]
    found = _momentum(batch[varies])
    if found is None and context.grid.has_wall():
        names = " or ".join(f'"{name}"' for name in reversed(fields))
        raise ValueError(
            f"Which of the fields {' and '.join(fields)} a reflecting wall turns round (the "
            "momentum) cannot be told from the context: name it with --momentum NAME, in Python "
            f"momentum={names}."
        )
    return () if found is None else (found,)


def carried_by(values: Float[np.ndarray, "time field space"], momentum: int) -> int:
    """The index of the field that a momentum carries: the density."""
    others = [i for i in range(values.shape[1]) if i != momentum]
    return min(others, key=lambda i: _unexplained(values[None], i, momentum))


def _momentum(batch: Float[np.ndarray, "trajectory time field space"]) -> int | None:
    """The field that carries another one, if it does so much better than every other field."""
    pairs = itertools.permutations(range(batch.shape[2]), 2)
    left = {(carrier, carried): _unexplained(batch, carried, carrier) for carrier, carried in pairs}
    best, _ = min(left, key=lambda pair: left[pair])
    least, others = (
        min(value for (carrier, _), value in left.items() if (carrier == best) == whether)
        for whether in (True, False)
    )
    return best if least < min(_UNEXPLAINED, _CLEARLY * others) else None


def _unexplained(batch: np.ndarray, carried: int, carrier: int) -> float:
    """The part of the change of one field that a flux c times the other does not explain."""
    families = bump_families(batch.shape[1], batch.shape[3], periodic=False)
    # The last ones are the widest.
    fitting = [f for f in families if batch.shape[3] >= _SUPPORTS * np.count_nonzero(f[2][0])]
    in_time, in_time_derived, in_space, in_space_derived, _ = (fitting or families)[-1]
    parts = []
    for values in batch:
        change = -(in_time_derived @ values[:, carried] @ in_space.T).ravel()
        flux = (in_time @ values[:, carrier] @ in_space_derived.T).ravel()
        total, product = change @ change, change @ flux
        parts.append(1.0 - product**2 / max(total * (flux @ flux), 1e-300))
    return float(np.sqrt(max(np.mean(parts), 0.0)))


def one_name(momentum: str | tuple[str, str] | None) -> str | None:
    """The momentum on a line.

    **Raises:**

    - `ValueError`, where it is a pair.
    """
    if momentum is None or isinstance(momentum, str):
        return momentum
    raise ValueError(f"The momentum on a line is the name of one field; got {momentum!r}.")


def as_pair(momentum: str | tuple[str, str] | None) -> tuple[str, str] | None:
    """The momentum on a plane.

    **Raises:**

    - `ValueError`, where it is a single name.
    """
    if isinstance(momentum, str):
        raise ValueError(
            'The momentum on a plane is a pair of fields, such as ("m_x", "m_y"); got '
            f"{momentum!r}."
        )
    return momentum
