"""The diffusivity with which diffusion alone would explain one field.

    ∫∫ u ψ_t + Σ_k D_k N_k(u) ψ_xx dx dt = 0,   N_k(u) = ∫ T_k(v) du,

by least squares over test functions ψ, with v = u scaled to [-1, 1] on its range. It tells the size
of the diffusivities to be expected: second differences do not, since those at the front of a porous
medium are large, and the diffusivity there is zero.
"""

import dataclasses
import functools

import numpy as np
from jaxtyping import Float
from numpy.polynomial import chebyshev

from hfluxno.parametric.weak_integrals import WeakIntegrals

FEWEST_FRAMES, FEWEST_CELLS = 6, 12
# The first ones tell enough; the work is that of their square.
MOST_FRAMES = 200
# The part of the weak form that may be left.
_LITTLE = 0.1


@dataclasses.dataclass(frozen=True)
class DiffusionAlone:
    """Coefficients D, in cells² per frame, and the root mean square of ν over the values."""

    coefficients: Float[np.ndarray, " term"]
    size: float


def diffusion_alone(
    field: Float[np.ndarray, "time cells"],
    periodic: bool,
    lower: float,
    upper: float,
    terms: int,
) -> DiffusionAlone | None:
    """The diffusivity of so many terms in the range [lower, upper], `None` if it does not explain
    these frames at even times, or there are too few."""
    field = np.ascontiguousarray(field[:MOST_FRAMES], np.float64)
    frames, cells = field.shape
    if frames < FEWEST_FRAMES or cells < FEWEST_CELLS or not upper > lower:
        return None
    return _of_frames(field.tobytes(), cells, periodic, lower, upper, terms)


@functools.lru_cache(maxsize=16)
def _of_frames(
    data: bytes, cells: int, periodic: bool, lower: float, upper: float, terms: int
) -> DiffusionAlone | None:
    """The same; a search asks for each of its laws."""
    field = np.frombuffer(data).reshape(-1, cells)
    half = 0.5 * (upper - lower)
    v = (field - 0.5 * (upper + lower)) / half
    weak = WeakIntegrals(len(field), cells, periodic)
    single = np.eye(terms)
    diffused = np.stack([half * chebyshev.chebval(v, chebyshev.chebint(k)) for k in single])
    columns, target = weak(diffused, 0, 2), -weak(field[None], 1, 0)[0]
    found, *_ = np.linalg.lstsq(columns.T, target, rcond=1e-10)
    rest = target - found @ columns
    if not rest @ rest < _LITTLE**2 * (target @ target):
        return None
    size = float(np.sqrt(np.mean(chebyshev.chebval(v, found) ** 2)))
    return DiffusionAlone(found, size)
