"""What a law does without.

Evidence keeps the terms of a flux that are certain to be there, and the covariance is that of a law
of these terms alone. But the next ones are zero only as far as noise lets see, and a law that was
chosen by the data is less certain than one that was known before (Draper, J. R. Stat. Soc. B 57,
1995, 45-97). So two more functions of the flux are unknowns too, with the same prior. With the
misfit r and its derivatives J by all unknowns, in units of the noise, and the share s of the values
that counts, they have the covariance C, and in first order would be other by δz:

    C = (1 + s JJᵀ)⁻¹,   δz = -C (s J r + z).

Both are parts of the deviations; the estimate itself stays.
"""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.kind import BEYOND
from hfluxno.parametric.basis import Chebyshev


@dataclasses.dataclass(frozen=True)
class UncertainLaw:
    """Coefficients that are uncertain though they were not estimated, those of a given law (see
    `hfluxno.identify.saved.held`) or of terms that a law does without: the spread of all
    coefficients, the covariance of z including them, and the `changes` that are a part of it, as
    differences from other estimates."""

    spread: Float[np.ndarray, " coefficient"]
    covariance: Float[np.ndarray, "unknown unknown"]
    changes: Float[np.ndarray, "part unknown"]


def terms_beyond(forward: Forward) -> Int[np.ndarray, " term"]:
    """The indices of the unknowns of the next terms of the flux of one field; none if it is not
    estimated, has kinks or stretches, or if programs have no more."""
    shape = forward.shape
    if len(shape.fields) > 1 or shape.stretches or not isinstance(shape.basis, Chebyshev):
        return np.zeros(0, int)
    count = len(shape.basis.names)
    used = np.flatnonzero(forward.spread[:count])
    first = used[-1] + 1 if len(used) else count
    return np.arange(first, min(first + BEYOND, count))


def with_terms(forward: Forward, terms: Int[np.ndarray, " term"]) -> Forward:
    """The same with these terms, which follow its own, as unknowns; their spreads go on as those of
    the others do (see `hfluxno.identify.joint.prior`)."""
    spread = np.array(forward.spread)
    for term in terms:
        spread[term] = spread[term - 1] * (term / (term + 1.0)) ** 1.5
    return dataclasses.replace(forward, spread=spread)


def covariance_and_change(
    rows: Float[np.ndarray, "unknown value"],
    away: Float[np.ndarray, " value"],
    share: float,
    z: Float[np.ndarray, " unknown"],
) -> tuple[Float[np.ndarray, "unknown unknown"], Float[np.ndarray, " unknown"]]:
    """C and δz of an estimate z with the misfit `away` and its derivatives `rows`, in units of the
    noise, if this `share` of the values counts."""
    covariance = np.linalg.inv(np.eye(len(z)) + share * rows @ rows.T)
    return covariance, -covariance @ (share * rows @ away + z)
