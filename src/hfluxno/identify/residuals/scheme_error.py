"""What the error of the scheme does to the unknowns of a fit.

A fit is to data whose own error is smaller, as measurements have none of it, so the unknowns make
up for the error of its scheme: numerical diffusion is taken from the estimated one. With the
difference d between a run on other internal cells and that of the fit, and the derivatives J of the
run, both in units of the noise, the unknowns are off in first order by

    δ = r (JᵀJ)⁺ Jᵀd,   r² = min(1, |m|² / |d - J (JᵀJ)⁺ Jᵀd|²)

with the misfit m: an error of the scheme leaves what no unknowns make up for, so where the misfit
is smaller than that, so is the error of the scheme, as if the data were made by the same scheme.

The difference tells how large the error is, but less well from place to place: near a jump the
order of a scheme is lower than elsewhere. So the four quarters of the domain count on their own
too, and the δ of all five are parts of the deviation of the unknowns.
"""

import numpy as np
from jaxtyping import Float

_QUARTERS = 4


def in_parts(
    differs: Float[np.ndarray, "time field cells"],
) -> Float[np.ndarray, "part time field cells"]:
    """The difference, and that in each quarter of the domain alone."""
    which = np.arange(differs.shape[-1]) * _QUARTERS // differs.shape[-1]
    return np.stack([differs, *(np.where(which == k, differs, 0.0) for k in range(_QUARTERS))])


def change_by_scheme(
    differs: Float[np.ndarray, "part value"],
    rows: Float[np.ndarray, "unknown value"],
    inverse: Float[np.ndarray, "unknown unknown"],
    missed: Float[np.ndarray, " value"],
) -> Float[np.ndarray, "part unknown"]:
    """The δ of the parts of the difference, of which the first is the whole, with `differs`,
    `rows`, `missed` for d, Jᵀ, m, and the `inverse` of JᵀJ, to which a prior may add; zero if a run
    could not be solved."""
    if not np.all(np.isfinite(differs)):
        return np.zeros((len(differs), len(rows)))
    change = (differs @ rows.T) @ inverse
    left = float(np.sum((differs[0] - change[0] @ rows) ** 2))
    size = float(np.sum(missed**2))
    return change * (np.sqrt(size / left) if size < left else 1.0)
