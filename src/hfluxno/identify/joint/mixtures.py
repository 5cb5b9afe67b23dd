"""Laws with several further terms: which of them the weak form of complete frames shows.

With the coefficients of a kind of law from the first half of the frames, the weak form of the
second half is left to a fraction (see `hfluxno.identify.joint.weak_terms`). Terms that are not
there make it larger, since other states and places come later: of a tracer in a river whose
velocity depends on place, and which disperses and decays, the true kind left .04 and all with fewer
terms .1 or more.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from hfluxno.identify.accepted import is_uneven
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.weak_terms import left_of_late
from hfluxno.trajectory import Trajectory

_PARTS = {
    "size": (1, 2, 4),
    "diffusion": (0, 1),
    "by_state": (0, 2, 4),
    "source_modes": (0, 4),
    "flux_modes": (0, 2, 8),
}
# A mixture leaves at most this fraction, and this part of what one further term leaves. Less than
# `_LITTLE` says nothing.
_MOST_LEFT, _CLEARLY, _LITTLE = 0.15, 0.5, 0.02
# Of kinds that leave nearly as little that with the fewest terms.
_NEAR = 1.1


def mixed_kind(context: Trajectory, make: Callable[[Kind], Forward]) -> Kind | None:
    """The kind with several further terms that the weak form shows, if it does, of one field in
    complete frames at even times.

    - `make`: the forward model of a kind.
    """
    values = np.asarray(context.values)
    whole = values.shape[1] == 1 and not context.observation and np.all(np.isfinite(values))
    if not whole or is_uneven(context):
        return None
    left: dict[Kind, float] = {}
    for numbers in itertools.product(*_PARTS.values()):
        parts: dict[str, Any] = dict(zip(_PARTS, numbers, strict=True))
        kind = Kind(**parts)
        rest = left_of_late(make(kind), values)
        if rest is not None:
            left[kind] = rest
    least = min(left.values(), default=np.inf)
    single = min((rest for kind, rest in left.items() if _further(kind) < 2), default=np.inf)
    if least > min(_MOST_LEFT, _CLEARLY * single) or single <= _LITTLE:
        return None
    near = [kind for kind, rest in left.items() if rest <= max(_NEAR * least, _LITTLE)]
    return min(near, key=lambda kind: sum(vars(kind).values()))


def _further(kind: Kind) -> int:
    """How many of source, source by place and factor of place a kind has."""
    return sum(part > 0 for part in (kind.by_state, kind.source_modes, kind.flux_modes))
