"""The diffusive flux of a whole frame.

In cells and frames v_t = r v_xx is, on the lattice, v_i' = r (v_{i+1} - 2 v_i + v_{i-1}). After one
frame v_i has become Σ_n G_n v_{i-n}, with G_n(r) = e^{-2r} I_n(2r) (I_n: modified Bessel functions;
Lindeberg, IEEE Trans. Pattern Anal. Mach. Intell. 12, 1990, 234-254). As a flux:

    F_{i+1/2} = Σ_{n≥1} T_n (v_{i+1-n} - v_{i+n}),   T_n = Σ_{m≥n} G_m

For small r this is the usual r (v_i - v_{i+1}). A frame with that flux is unstable from r = 1/2;
this one is positive for any r, even if the stencil truncates the sum.
"""

import jax.numpy as jnp
import numpy as np

from hfluxno.fv.numerical_flux import Interfaces, Padded

# Points of the quadrature G_m = 1/N Σ_k exp(-2r (1 - cos θ_k)) cos m θ_k.
_POINTS = 64


def heat_flux(padded: Padded, rate: Interfaces, ghost: int) -> Interfaces:
    """The flux of states with `ghost` more cells at both ends, the width of the stencil.

    - `rate`: r at every interface, the diffusivity in cells and frames; less than 0 counts as 0.
    """
    interfaces = padded.shape[-1] - 2 * ghost + 1
    cosine, sums = _quadrature(ghost)
    dtype = padded.dtype
    speeds = jnp.asarray(-2.0 * (1.0 - cosine), dtype)
    decay = jnp.exp(jnp.einsum("...i,k->...ik", jnp.maximum(rate, 0.0), speeds))
    weights = jnp.einsum("...ik,kn->n...i", decay, jnp.asarray(sums, dtype))
    flux = jnp.zeros_like(rate)
    for n in range(1, ghost + 1):
        left, right = ghost - n, ghost + n - 1
        difference = padded[..., left : left + interfaces] - padded[..., right : right + interfaces]
        flux = flux + weights[n - 1] * difference
    return flux


def _quadrature(count: int) -> tuple[np.ndarray, np.ndarray]:
    """cos θ_k, and the matrix that turns exponentials into T_1 … T_count."""
    half = _POINTS // 2
    angles = np.pi * np.arange(half + 1) / half
    weights = np.where(np.isin(np.arange(half + 1), (0, half)), 1.0, 2.0) / _POINTS
    waves = weights[:, None] * np.cos(angles[:, None] * np.arange(half)[None])
    return np.cos(angles), np.cumsum(waves[:, ::-1], axis=1)[:, ::-1][:, 1 : count + 1]
