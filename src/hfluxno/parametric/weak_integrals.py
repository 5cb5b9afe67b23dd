"""Integrals of functions of a field over products of bumps in time and space.

    ∫∫ g ∂_t^a ∂_x^b ψ dx dt,   in frames and cells

They are NumPy alone and take milliseconds, for derivatives up to the second in time and the fourth
in space.
"""

import itertools

import numpy as np
from jaxtyping import Float

from hfluxno.parametric.weak_form import rows

# Supports in frames and cells. Narrower ones are too coarse a quadrature for higher derivatives:
# with 9 cells, dispersion changed the speed of a wave by a tenth.
_FRAMES, _CELLS = (9, 13), (17, 33)
# The power of the bump: with 4, as in the fit, the quadrature of the third derivative is too
# inaccurate to detect dispersion of a few waves.
_POWER = 6


class WeakIntegrals:
    """∫∫ g ∂_t^a ∂_x^b ψ dx dt of functions g for all test functions ψ, in frames and cells."""

    def __init__(self, frames: int, cells: int, periodic: bool):
        self._families = []
        in_frames = sorted({min(width, frames) for width in _FRAMES})
        in_cells = sorted({min(width, cells) for width in _CELLS})
        for width_in_time, width in itertools.product(in_frames, in_cells):
            in_time = [rows(frames, width_in_time, k, False, 1, _POWER) for k in range(3)]
            in_space = [rows(cells, width, k, periodic, width // 4, _POWER) for k in range(5)]
            size = np.linalg.norm(in_time[0][0]) * np.linalg.norm(in_space[0][0])
            self._families.append((in_time, in_space, size))

    def __call__(
        self, functions: Float[np.ndarray, "function time cells"], a: int, b: int
    ) -> Float[np.ndarray, "function equation"]:
        parts = [
            (in_time[a] @ functions @ in_space[b].T).reshape(
                len(functions), len(in_time[a]) * len(in_space[b])
            )
            / size
            for in_time, in_space, size in self._families
        ]
        return np.concatenate(parts, axis=1)
