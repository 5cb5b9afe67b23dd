"""The continuation of a source beyond the observed range of the field.

    s(u) = s(ū) + s′(ū) d + b d²,   d = u - ū, with ū the nearest observed state

and b = 0, unless something would then be lost in the emptiest state or arise in the fullest: what
decays does so to nothing. There b makes the source vanish. The emptiest state of a field that is
positive where it was observed (a density, a concentration) is 0 if no other is known.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.parametric.basis import chebyshev

Number = Float[Array | np.ndarray, ""] | float


def source_beyond(
    coefficients: Float[Array | np.ndarray, " term"],
    lower: Number,
    upper: Number,
    range_: tuple[Number, Number],
    bounds: tuple[Number, Number],
) -> Float[Array, "end power"]:
    """s′(ū) and b at both ends of the `range_` in which s(u) = Σ_k c_k T_k(v), with v from -1 to 1
    between `lower` and `upper`.

    - `bounds`: the emptiest and the fullest state, infinite if unknown.
    """
    terms = coefficients.shape[0]
    if not terms:
        return jnp.zeros((2, 2))
    ends = jnp.stack([jnp.asarray(end, coefficients.dtype) for end in range_])
    middle, half = 0.5 * (lower + upper), 0.5 * (upper - lower)
    functions = jnp.stack(chebyshev((ends - middle) / half, max(terms - 1, 1))[:terms])
    value = coefficients @ functions
    slope = coefficients @ _derivatives(terms, coefficients.dtype) @ functions / half
    least = jnp.where((bounds[0] == -jnp.inf) & (lower > 0.0), 0.0, bounds[0])
    most = jnp.where((bounds[1] == jnp.inf) & (upper < 0.0), 0.0, bounds[1])
    room = jnp.stack([least, most]).astype(ends.dtype) - ends
    has_bound = jnp.isfinite(room) & (room != 0.0)
    room = jnp.where(has_bound, room, 1.0)
    at_bound = value + slope * room
    wrong = jnp.stack([jnp.minimum(at_bound[0], 0.0), jnp.maximum(at_bound[1], 0.0)])
    return jnp.stack([slope, jnp.where(has_bound, -wrong / room**2, 0.0)], axis=1)


def _derivatives(terms: int, dtype):
    """Those of T_k as sums of T_k, shape (term, term)."""
    matrix = np.zeros((terms, terms))
    for k in range(1, terms):
        found = np.polynomial.chebyshev.chebder(np.eye(terms)[k])
        matrix[k, : len(found)] = found
    return jnp.asarray(matrix, dtype)
