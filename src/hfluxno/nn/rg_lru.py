"""The real-gated linear recurrent unit.

    r_t = σ(W_r x_t + b_r),  i_t = σ(W_i x_t + b_i),  a_t = exp(-8 r_t softplus(Λ)),
    h_t = a_t h_{t-1} + sqrt(1 - a_t²) (i_t x_t)

(De et al., Griffin, arXiv:2402.19427, section 2.4). W_r and W_i are block diagonal. At the first
time a_0 = 0: the past is empty, and the input enters in full.

The gates of all times are one matrix product; what remains of the recurrence is elementwise.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.nn.block_linear import BlockLinear

_SHARPNESS = 8.0
_SHORTEST_MEMORY, _LONGEST_MEMORY = 0.9, 0.999


class RGLRU(eqx.Module):
    """Maps (time, token, channel) to states of the same shape; every channel has its own memory.

    - `input_gate`, `recurrence_gate`: W_i, b_i and W_r, b_r.
    - `decay`: Λ; at r_t = 1/8 the memory of a channel is a = exp(-softplus(Λ)). It is drawn so
      that a² is uniform between the squares of 0.9 and 0.999.
    """

    input_gate: BlockLinear
    recurrence_gate: BlockLinear
    decay: Float[Array, " channel"]

    def __init__(self, channels: int, blocks: int, *, key: jax.Array):
        keys = jax.random.split(key, 3)
        self.input_gate = BlockLinear(channels, channels, blocks, key=keys[0])
        self.recurrence_gate = BlockLinear(channels, channels, blocks, key=keys[1])
        low, high = _SHORTEST_MEMORY**2, _LONGEST_MEMORY**2
        squared = jax.random.uniform(keys[2], (channels,), minval=low, maxval=high)
        self.decay = jnp.log(jnp.expm1(-0.5 * jnp.log(squared)))

    def __call__(self, x: Float[Array, "time token channel"]) -> Float[Array, "time token channel"]:
        return self.states(*self.coefficients(x))

    def coefficients(
        self, x: Float[Array, "time token channel"], *, begins: bool = True
    ) -> tuple[Float[Array, "time token channel"], Float[Array, "time token channel"]]:
        """a_t and sqrt(1 - a_t²) i_t x_t; `begins` means that nothing came before the first
        time."""
        rates = jax.nn.sigmoid(self.recurrence_gate.on_rows(x))
        strength = -_SHARPNESS * jax.nn.softplus(self.decay)
        first = np.arange(len(x))[:, None, None] == 0
        a = jnp.where(first & begins, 0.0, jnp.exp(strength[None, None] * rates))
        gated = jax.nn.sigmoid(self.input_gate.on_rows(x)) * x
        return a, gated * jnp.sqrt(1.0 - a * a)

    def states(
        self, a: Float[Array, "time token channel"], b: Float[Array, "time token channel"]
    ) -> Float[Array, "time token channel"]:
        """All h_t = a_t h_{t-1} + b_t from h = 0."""
        return _recurrence(a, b)

    def last(self, x: Float[Array, "time token channel"]) -> Float[Array, "token channel"]:
        """Only the last state, without storing the others."""
        return _recurrence(*self.coefficients(x), keep=False)


def _recurrence(a, b, keep=True):
    """All states, or the last one, of h_t = a_t h_{t-1} + b_t from h = 0."""

    def body(h, inputs):
        h = inputs[0] * h + inputs[1]
        return h, h if keep else None

    last, states = jax.lax.scan(body, jnp.zeros_like(b[0]), (a, b))
    return states if keep else last
