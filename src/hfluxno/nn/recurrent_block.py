"""The residual recurrent block: mixing over time, for every token separately.

    y = gelu(W_y v + b_y),   z = RG-LRU(conv(W_x v + b_x)),   x + W_o (y ∘ z) + b_o,

v = RMSNorm(x), with a causal depthwise convolution over time (De et al., Griffin,
arXiv:2402.19427, section 2.3). Only time is mixed, and only forward.

The convolution is written as shifted products and sums, which fuse with their neighbours.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.nn.linear import gelu, on_rows
from hfluxno.nn.rg_lru import RGLRU
from hfluxno.nn.sliding import shift_in

_WIDTH = 4  # of the convolution


class RecurrentWindow(eqx.Module):
    """What the block stores of a sliding window of times.

    - `x`: the input.
    - `gate`: y.
    - `entered`: W_x v + b_x.
    - `decay`, `driven`: the coefficients of the unit.
    """

    x: Float[Array, "time token embedding"]
    gate: Float[Array, "time token channel"]
    entered: Float[Array, "time token channel"]
    decay: Float[Array, "time token channel"]
    driven: Float[Array, "time token channel"]


class RecurrentBlock(eqx.Module):
    """Maps (time, token, embedding) to the same shape.

    - `norm`: over the embedding.
    - `gate`, `enter`, `leave`: the linear layers W_y, W_x and W_o.
    - `kernel`, `bias`: of the convolution, shapes (channel, width) and (channel,); its last column
      meets the present time.
    - `unit`: the RG-LRU.
    """

    norm: eqx.nn.RMSNorm
    gate: eqx.nn.Linear
    enter: eqx.nn.Linear
    leave: eqx.nn.Linear
    kernel: Float[Array, "channel width"]
    bias: Float[Array, " channel"]
    unit: RGLRU

    def __init__(self, embedding: int, channels: int, heads: int, *, key: jax.Array):
        keys = jax.random.split(key, 6)
        self.norm = eqx.nn.RMSNorm(embedding, use_bias=False)
        self.gate = eqx.nn.Linear(embedding, channels, key=keys[0])
        self.enter = eqx.nn.Linear(embedding, channels, key=keys[1])
        self.leave = eqx.nn.Linear(channels, embedding, key=keys[2])
        bound = _WIDTH**-0.5
        self.kernel = jax.random.uniform(keys[3], (channels, _WIDTH), minval=-bound, maxval=bound)
        self.bias = jax.random.uniform(keys[4], (channels,), minval=-bound, maxval=bound)
        self.unit = RGLRU(channels, heads, key=keys[5])

    def __call__(
        self, x: Float[Array, "time token embedding"]
    ) -> Float[Array, "time token embedding"]:
        return self.mixed(self.window(x))

    def window(self, x: Float[Array, "time token embedding"]) -> RecurrentWindow:
        """What `mixed` needs of these times."""
        gate, entered = self._rows(x)
        return RecurrentWindow(
            x, gate, entered, *self.unit.coefficients(self._shifted_sum(entered))
        )

    def shifted(
        self, window: RecurrentWindow, x: Float[Array, "token embedding"]
    ) -> RecurrentWindow:
        """The window without its first time and with one more at its end.

        Only the convolution sees more than one time. So everything is reused except the first
        times, whose convolution has lost its earlier inputs, and the new one.
        """
        gate, entered = self._rows(x[None])
        entered = shift_in(window.entered, entered)
        width = min(self.kernel.shape[1], len(entered))
        first = self.unit.coefficients(self._shifted_sum(entered[: width - 1]))
        last = self.unit.coefficients(
            self._shifted_sum(entered[-width:])[-1:], begins=len(entered) == 1
        )
        coefficients = (
            jnp.concatenate([begin, kept[width:], end])
            for begin, kept, end in zip(first, (window.decay, window.driven), last, strict=True)
        )
        return RecurrentWindow(
            shift_in(window.x, x[None]), shift_in(window.gate, gate), entered, *coefficients
        )

    def mixed(self, window: RecurrentWindow) -> Float[Array, "time token embedding"]:
        """The block over a window."""
        z = self.unit.states(window.decay, window.driven)
        return window.x + on_rows(self.leave, window.gate * z)

    def last(self, x: Float[Array, "time token embedding"]) -> Float[Array, "token embedding"]:
        """Only the last time of the result, which takes less work."""
        v = self._normalised(x)
        z = self.unit.last(self._shifted_sum(on_rows(self.enter, v)))
        return x[-1] + on_rows(self.leave, self._gated(v[-1]) * z)

    def _rows(self, x):
        """y and W_x v + b_x, computed for every time separately."""
        v = self._normalised(x)
        return self._gated(v), on_rows(self.enter, v)

    def _normalised(self, x):
        return jax.vmap(jax.vmap(self.norm))(x)

    def _gated(self, v):
        return gelu(on_rows(self.gate, v))

    def _shifted_sum(self, x):
        """b + Σ_k w_k x_{t-width+1+k}, with zeros before the first time."""
        total = self.bias[None, None]
        zero = jnp.zeros((), x.dtype)
        last = self.kernel.shape[1] - 1
        for k in range(last + 1):
            # One padding, negative at the end, shifts by last - k; its derivative is also a
            # padding.
            shift = (last - k, k - last, 0)
            moved = jax.lax.pad(x, zero, (shift, (0, 0, 0), (0, 0, 0)))
            total = total + self.kernel[:, k][None, None] * moved
        return total
