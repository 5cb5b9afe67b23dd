"""Forecasting frame by frame with a network.

`sliding`, as in the paper: the context is shifted by every forecast frame and read again. `frozen`:
the context is read once. The law does not change during the forecast, so the network can learn
nothing from its own frames, and reading is by far the most expensive part.
"""

import jax
from jaxtyping import Array, Float

from hfluxno.models.network import Context, ContextNetwork, Network, Operator
from hfluxno.nn.sliding import shift_in

CONTEXT_MODES = ("sliding", "frozen")


def rollout(
    network: Network, context: Context, steps: int, mode: str = "sliding"
) -> Float[Array, "steps field *space"]:
    """The `steps` frames after the context. Raises `ValueError` if the mode is unknown, or is
    `frozen` for a network without an operator."""
    if mode not in CONTEXT_MODES:
        raise ValueError(
            f"Unknown context mode {mode!r}; choose one of {', '.join(CONTEXT_MODES)}."
        )
    if mode == "frozen":
        if not isinstance(network, ContextNetwork):
            raise ValueError(
                f"{type(network).__name__} reads its context at every step; choose the context "
                "mode sliding."
            )
        return frozen(network.read(context), context, steps)

    def slide(carry, _):
        window, recent = carry
        u = network.predict_from(window, recent)
        return (network.shifted(window, u), shift_in(recent, u[None])), u

    start = (network.window(context), context)
    return jax.lax.scan(slide, start, None, length=steps)[1]


def frozen(operator: Operator, context: Context, steps: int) -> Float[Array, "steps field *space"]:
    """The `steps` states after the context, each from the state `operator.stride` frames before."""

    def advance(recent, _):
        u = operator(recent[0])
        return shift_in(recent, u[None]), u

    return jax.lax.scan(advance, context[-operator.stride :], None, length=steps)[1]
