"""The search of a joint estimate: which kind of law, on which grid, and how good it is.

Kinds are compared by the evidence of the measurements (MacKay, Neural Computation 4, 1992,
415-447): a richer law has to fit so much better that its further unknowns are paid for.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.boundary import Open
from hfluxno.grid import Grid
from hfluxno.identify.joint import Estimate, Measured, estimate
from hfluxno.identify.prior import Kind, carried, law_starts, make_forward

# Fewer measured values than this part count as sensors.
_DENSE = 0.5
_WINDOWS_OF_SENSORS = (0.2, 0.35, 0.5, 0.75, 1.0)
_WINDOWS = (0.4, 0.75, 1.0)
_FEWEST_FRAMES = 5
# By how much the logarithm of the evidence has to rise, for every doubling of the unknown.
_WORTH = 3.0
_FINER = (2, 4)


@dataclasses.dataclass(frozen=True)
class Found:
    """The best joint estimate of a context.

    **Attributes:**

    - `estimate`: over all frames.
    - `kind`: what its law is made of.
    - `refinement`: internal cells per cell.
    - `predicted`: the run from an estimate that did not see the last quarter of the frames, or
      `None`.
    - `held_out`: the first frame of that quarter.
    - `tried`: the kinds with their evidence.
    """

    estimate: Estimate
    kind: Kind
    refinement: int
    predicted: Float[np.ndarray, "time field cells"] | None
    held_out: int
    tried: tuple[tuple[str, float], ...]


def find(
    measured: Measured,
    grid: Grid,
    fields: tuple[str, ...],
    odd: tuple[int, ...],
    kinds: tuple[Kind, ...],
    *,
    known_first: bool = False,
) -> Found | None:
    """The best of the kinds, of which the first is the base of the others; `None` if no run could
    be solved.

    **Arguments:**

    - `grid`: with cells of length 1 and times in frames.
    """

    def forward(kind: Kind, refinement: int):
        return make_forward(
            kind,
            measured,
            grid,
            fields,
            odd,
            known_first=known_first,
            refinement=refinement,
        )

    base = forward(kinds[0], 1)
    dense = bool(np.mean(measured.seen) > _DENSE)
    frames = _windows(_WINDOWS if dense else _WINDOWS_OF_SENSORS, len(measured.times))
    starts = law_starts(base, measured)
    first = [estimate(base, measured, frames[:1], start=z, quick=True) for z in starts]
    usable = [e for e in first if e is not None]
    if not usable:
        return None
    best = max(usable, key=lambda e: e.evidence)
    before = best
    if len(frames) > 1:
        grown = estimate(base, measured, frames[1:-1] or frames[:1], best.noise, best.z, quick=True)
        before = grown or best
    whole = estimate(base, measured, frames[-1:], before.noise, before.z)
    if whole is None:
        return None
    chosen, refinement = (whole, kinds[0]), 1
    tried = [(str(kinds[0]), whole.evidence)]
    for kind in kinds[1:]:
        richer = forward(kind, 1)
        start = carried(whole.z, base, richer)
        found = estimate(richer, measured, frames[-1:], whole.noise, start)
        if found is None:
            continue
        tried.append((str(kind), found.evidence))
        if found.evidence > chosen[0].evidence + _WORTH:
            chosen = (found, kind)
    for factor in _FINER if dense else ():
        finer = forward(chosen[1], factor)
        found = estimate(finer, measured, frames[-1:], chosen[0].noise, chosen[0].z)
        if found is None:
            break
        tried.append((f"{chosen[1]}, grid ×{factor}", found.evidence))
        if found.evidence <= chosen[0].evidence + _WORTH:
            break
        chosen, refinement = (found, chosen[1]), factor
    predicted = None
    if before is not best or len(frames) == 2:
        predicted = before.continued(measured.times)[0]
    return Found(chosen[0], chosen[1], refinement, predicted, frames[-2], tuple(tried))


def has_unknown_ends(grid: Grid) -> bool:
    """Whether an end of the domain is open and has to be estimated."""
    return any(isinstance(end, Open) for end in grid.boundary[0])


def _windows(parts, frames: int) -> tuple[int, ...]:
    counts = sorted({min(frames, max(_FEWEST_FRAMES, round(part * frames))) for part in parts})
    return tuple(counts)
