"""The free coefficients of a fit among all coefficients of its law."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int


def free_covariance(
    identification: Any,
) -> tuple[Int[np.ndarray, " free"], Float[np.ndarray, "free free"]]:
    """The indices of the free coefficients and their covariance. The order is that of the flux
    field by field, the diffusivities, the sources that depend on the state, and the places of kinks
    in half ranges; all others are fixed.

    - `identification`: anything with a fitted `law`, its `coefficients` and their `covariance`.
    """
    law = identification.law
    terms = range(law.diffusion_coefficients.shape[1])
    names = [f"f_{field}[{name}]" for field in law.fields for name in law.basis.names]
    names += [f"nu_{field}[T{k}]" for field in law.fields for k in terms]
    arising = () if law.terms is None else law.terms.names(law.fields)
    names += [f"s_{field}[{name}]" for field in law.fields for name in arising]
    names += [f"v[kink {k}]" for k in range(1, law.basis.kinks + 1)]
    order = {name: i for i, name in enumerate(identification.coefficients)}
    places = [i for i, name in enumerate(names) if name in order]
    found = [order[names[i]] for i in places]
    covariance = np.asarray(identification.covariance, float)[np.ix_(found, found)]
    return np.array(places, int), covariance
