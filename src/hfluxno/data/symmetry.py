"""Whether a field is its own mirror image, which limits the kind of law.

If u solves ∂t u + ∂x f(u) = 0, then v(x) = u(-x) solves it with -f, and w(x) = -u(-x) with f(-w).
So if u(c + s) = u(c - s) at all times, a flux of this field alone would be zero: it spreads by
diffusion, or another field that was not measured moves it. If u(c + s) - ū = ū - u(c - s), the flux
is an even function of u - ū.
"""

from typing import Literal, NamedTuple

import numpy as np

from hfluxno.data.measures import interpolated
from hfluxno.wild_values import noise

_MOST_FRAMES = 24
_LEAST_OVERLAP = 0.5  # of the cells
_ALIKE = 0.05  # of the deviation
_TOO_NOISY = 0.2


Kind = Literal["even", "odd", "none"]


class Symmetry(NamedTuple):
    """The kind, and the place of the mirror in cells from the lower end."""

    kind: Kind
    mirror: float


def symmetry(u: np.ndarray, periodic: bool) -> Symmetry:
    """The symmetry of a field (trajectory, time, x) about one mirror for all frames; none in
    noise."""
    whole, inside = interpolated(u)
    frames = whole[inside.any(axis=-1)]
    frames = frames[:: -(-len(frames) // _MOST_FRAMES)] if len(frames) else frames
    size = float(np.std(frames)) if frames.size else 0.0
    if size == 0.0 or not np.std(frames, axis=-1).max() > _ALIKE * size:
        return Symmetry("none", np.nan)
    centred, cells = frames - frames.mean(), u.shape[-1]
    sigma = float(np.nan_to_num(noise(u)))
    if sigma > _TOO_NOISY * size:
        return Symmetry("none", np.nan)
    allowed = max(_ALIKE * size, 2.0 * sigma)
    found = [Symmetry("none", np.nan)]
    for total in range(2 * cells - 1):  # of the indices of a cell and its image
        if periodic:
            if total >= cells:
                break
            here = np.arange(cells)
        else:
            here = np.arange(max(0, total - cells + 1), min(cells, total + 1))
        if len(here) < _LEAST_OVERLAP * cells:
            continue
        one, other = centred[:, here], centred[:, (total - here) % cells]
        # A constant is symmetric about anything.
        if np.sqrt(np.mean((one - one.mean()) ** 2)) < 0.5 * size:
            continue
        images: tuple[tuple[Kind, np.ndarray], ...] = (("even", other), ("odd", -other))
        for kind, image in images:
            if np.sqrt(np.mean((one - image) ** 2)) <= allowed:
                found.append(Symmetry(kind, 0.5 * (total + 1)))
    return min(
        found[1:], key=lambda s: (s.kind != "even", abs(s.mirror - 0.5 * cells)), default=found[0]
    )
