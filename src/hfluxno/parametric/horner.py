"""Polynomials by Horner's rule, with a derivative of few operations."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


@eqx.filter_custom_jvp
def horner(powers: Float[Array, " power"], v: Float[Array, "*points"]) -> Float[Array, "*points"]:
    """Σ_k p_k v^k.

    Its derivative is p'(v) dv + dp(v), both by Horner's rule too. Of each step of the rule it would
    be three times as many operations, all of which are compiled.
    """
    result = jnp.broadcast_to(powers[-1], v.shape)
    for k in range(powers.shape[0] - 2, -1, -1):
        result = result * v + powers[k]
    return result


@horner.def_jvp
def _derivative(primals, tangents):
    (powers, v), (dpowers, dv) = primals, tangents
    parts = [] if dpowers is None else [horner(dpowers, v)]
    if dv is not None and powers.shape[0] > 1:
        degrees = jnp.arange(1, powers.shape[0], dtype=powers.dtype)
        parts.append(horner(powers[1:] * degrees, v) * dv)
    return horner(powers, v), sum(parts[1:], start=parts[0]) if parts else None
