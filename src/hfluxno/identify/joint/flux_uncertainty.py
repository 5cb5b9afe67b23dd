"""How well measurements determine the flux of a joint estimate."""

import numpy as np
from jaxtyping import Array, Float

from hfluxno.identify.joint.estimate import Estimate

_POINTS = 41


def flux_uncertainty(
    found: Estimate, values: Float[Array | np.ndarray, "time quantity cells"]
) -> float:
    """The largest standard deviation of f(u) - f(u₀) over the measured range from u₀ on, relative
    to the fluxes of the estimate: the height of f there and the root mean square of ν ∂x u. Zero
    for several fields, and for a law that was given."""
    forward, fields = found.forward, found.states.shape[1]
    count = len(forward.shape.basis.names)
    free = np.flatnonzero(forward.spread[:count])
    if fields > 1 or not len(free):
        return 0.0
    measured = np.asarray(values)[:, :1]
    u = np.linspace(np.nanmin(measured), np.nanmax(measured), _POINTS)[None]

    def flux(z):
        f = np.asarray(forward.law(z).flux(u))[0]
        return f - f[0]

    best = flux(found.z)
    # The flux is linear in its coefficients.
    rows = np.stack([flux(found.z + np.eye(len(found.z))[i]) - best for i in free])
    variance = np.einsum("iu,ij,ju->u", rows, found.covariance[np.ix_(free, free)], rows)
    size, diffusivity = np.ptp(best), forward.law(found.z).diffusivity(found.states[:, 0][None])
    if diffusivity is not None:
        steep = np.abs(np.gradient(found.states[:, 0], axis=-1))
        size += np.sqrt(np.mean((np.asarray(diffusivity)[0] * steep) ** 2))
    return float(np.sqrt(np.max(variance)) / max(size, 1e-300))
