"""How well each sensor is predicted by the others, as far as they should.

Without the values of a sensor, whose misfits are r and whose derivatives by the unknowns are J,
both in units of the noise, the misfits there would be e, with variances V (linearised; Cook,
Technometrics 19, 1977, 15-18):

    e = (1 - s H)⁻¹ r,   V = 1 + diag(H + s H (1 - s H)⁻¹ H),   H = J C Jᵀ,   C = (s N + 1)⁻¹

with N the normal matrix of all sensors and s the fraction of it that counts.
"""

import numpy as np
from jaxtyping import Bool, Float


def excess_of_left_out(
    missed: Float[np.ndarray, "time quantity cells"],
    rows: Float[np.ndarray, "time unknown quantity cells"],
    covariance: Float[np.ndarray, "unknown unknown"],
    share: float,
    seen: Bool[np.ndarray, "time quantity cells"],
) -> float:
    """The mean of e²/V over all sensors: about 1 if the covariance is right, more if the others say
    less of a sensor than it claims."""
    ratios = []
    for cell in np.flatnonzero(seen.any(axis=(0, 1))):
        measured = seen[..., cell]
        r = missed[..., cell][measured]
        J = np.moveaxis(rows[..., cell], 1, -1)[measured]
        H = J @ covariance @ J.T
        rest = np.eye(len(r)) - share * H
        e = np.linalg.solve(rest, r)
        V = 1.0 + np.diag(H + share * H @ np.linalg.solve(rest, H))
        ratios.append(e**2 / V)
    return float(np.mean(np.concatenate(ratios)))
