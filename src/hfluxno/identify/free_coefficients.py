"""The coefficients that a fit has left free, among all of its law."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int


def free_covariance(
    identification: Any,
) -> tuple[Int[np.ndarray, " free"], Float[np.ndarray, "free free"]]:
    """The places of the free coefficients among all, which are those of the flux field by field,
    those of the diffusivities, and where its kinks are in half ranges, and their covariance in this
    order; the others are certain.

    **Arguments:**

    - `identification`: whatever has a fitted `law`, `coefficients` by name and their `covariance`.
    """
    law = identification.law
    terms = range(law.diffusion_coefficients.shape[1])
    names = [f"f_{field}[{name}]" for field in law.fields for name in law.basis.names]
    names += [f"nu_{field}[T{k}]" for field in law.fields for k in terms]
    names += [f"v[kink {k}]" for k in range(1, law.basis.kinks + 1)]
    order = {name: i for i, name in enumerate(identification.coefficients)}
    places = [i for i, name in enumerate(names) if name in order]
    found = [order[names[i]] for i in places]
    covariance = np.asarray(identification.covariance, float)[np.ix_(found, found)]
    return np.array(places, int), covariance
