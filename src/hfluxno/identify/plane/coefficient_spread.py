"""How well the coefficients of a known law of one field on a plane are known.

Near jumps the errors of quadratures are alike for test functions of all lengths, and so are those
of noise: the spread over lengths is not all that is unknown. With the equations A θ = b and
N = AᵀA, the covariance of θ is that of the spread and (|r|²/K + |n|²/M) N⁻¹ for the residual r
beyond noise and n of noise: the errors of one of K frames count as one, and there is room for M
of the shortest test functions that overlap by half.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from hfluxno.identify.plane.select import beyond_noise, estimate, normal_equations
from hfluxno.parametric.plane.terms import Structure
from hfluxno.parametric.plane.weak_form import CELLS, INTERVALS, WeakSystem, total

_SHORTEST = (INTERVALS[0], CELLS[0], CELLS[0])


def covariance(
    systems: Sequence[WeakSystem],
    structure: Structure,
    sizes: Float[np.ndarray, " field"],
    misfit: float,
    values: Float[np.ndarray, "time field x y"],
    noise: float,
) -> Float[np.ndarray, "unknown unknown"]:
    """That of the unknowns of a structure in cells and frames.

    - `systems`: the weak equations of test functions of each length.
    - `misfit`: that of the structure to all of them.
    - `values`, `noise`: the frames, and their noise in standard deviations.
    """
    whole, room = total(systems), values.size / np.prod(0.5 * np.array(_SHORTEST))
    alone = [estimate(each, structure, sizes).unknowns for each in systems]
    normal = normal_equations(whole, structure, sizes)
    beyond = beyond_noise(misfit, whole, sizes, noise) ** 2
    left = normal[-1, -1] * (beyond / len(values) + (misfit**2 - beyond) / room)
    spread = np.atleast_2d(np.cov(np.transpose(alone), bias=True))
    return spread + left * np.linalg.pinv(normal[:-1, :-1], hermitian=True)
