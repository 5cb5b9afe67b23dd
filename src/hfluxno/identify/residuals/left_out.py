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
    """The mean of e²/V of the median sensor: about 1 if the covariance is right, more if the others
    say less of a sensor than it claims. The median, because at an end with an unknown inflow the
    linear estimate may be far off (a ratio of 39 beside a ratio of 1 at the seven others)."""
    ratios = []
    for cell in np.flatnonzero(seen.any(axis=(0, 1))):
        measured = seen[..., cell]
        r = missed[..., cell][measured]
        J = np.moveaxis(rows[..., cell], 1, -1)[measured]
        H = J @ covariance @ J.T
        rest = np.eye(len(r)) - share * H
        e = np.linalg.solve(rest, r)
        V = 1.0 + np.diag(H + share * H @ np.linalg.solve(rest, H))
        ratios.append(np.mean(e**2 / V))
    return float(np.median(ratios))
