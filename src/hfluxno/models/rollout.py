"""Forecasting frame by frame with a network.

`sliding`, the paper's way: the context moves on with the forecast and is read again at every step.
`frozen`: the context is read once. The law does not change while it is forecast, so nothing new can
be learned from frames that the network made itself, and reading is by far the dearest part.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.models.network import ContextNetwork, Operator

CONTEXT_MODES = ("sliding", "frozen")


def rollout(
    network: ContextNetwork,
    context: Float[Array, "time field *space"],
    steps: int,
    mode: str = "sliding",
) -> Float[Array, "steps field *space"]:
    """The `steps` frames after the context.

    **Raises:**

    - `ValueError`, where the mode is not known.
    """
    if mode not in CONTEXT_MODES:
        raise ValueError(
            f"Unknown context mode {mode!r}; choose one of {', '.join(CONTEXT_MODES)}."
        )
    if mode == "frozen":
        return frozen(network.read(context), context[-1], steps)

    def slide(carry, _):
        seen, u = carry
        u = network.read_frames(seen)(u)
        newest = network.frame_by_frame(u[None])
        seen = jax.tree.map(lambda old, new: jnp.concatenate([old[1:], new]), seen, newest)
        return (seen, u), u

    start = (network.frame_by_frame(context), context[-1])
    return jax.lax.scan(slide, start, None, length=steps)[1]


def frozen(
    operator: Operator, u: Float[Array, "field *space"], steps: int
) -> Float[Array, "steps field *space"]:
    """The `steps` states after `u`."""

    def advance(u, _):
        u = operator(u)
        return u, u

    return jax.lax.scan(advance, u, None, length=steps)[1]
