"""ICON as a network that reads a context: the examples are pairs of its frames.

A condition is u_j and its quantity u_{j+s}. Every cell of them is a token, or one of every few, the
row

    [x, u(x), ±e_k]

with the place x, all fields, and the number k of the example as a unit vector, + for the condition
and - for the quantity; the question, a condition, comes last.

Reading embeds the rows of the examples. It can do little more: in the first layer they attend to
the question as well, so every step runs the whole encoder.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hfluxno.models.configuration import ContextMode, ModelConfig
from hfluxno.models.icon.transformer import Transformer
from hfluxno.models.network import ContextNetwork, Operator


@dataclasses.dataclass(frozen=True)
class ICONConfig(ModelConfig):
    """An ICON. The sizes are those of the baseline of arXiv:2605.05488, whose code has 20 examples,
    one frame from condition to quantity. ICON's own study has τ = 0.1: with frames 0.005 apart that
    is a `stride` of 20, and five examples need a context of 25 frames.

    **Attributes:**

    - `stride`: s, the number of frames that a step advances.
    - `examples`: the number of pairs in the prompt.
    - `points`: how many cells of a state become tokens, or `None` for all. A prompt has
      (2 examples + 1) points tokens, and attention takes the square of that. Answers are always at
      all cells.
    - `width`: of the embedding and of every head.
    - `layers`, `heads`, `widening`: of encoder and decoder each; the small networks are `widening`
      times as wide inside.
    """

    context_mode: ContextMode = "frozen"
    stride: int = 1
    examples: int = 5
    points: int | None = None
    width: int = 256
    layers: int = 6
    heads: int = 8
    widening: int = 4

    def check(self) -> None:
        if len(self.cells) != 1:
            raise ValueError(f"ICON is for one axis; got {len(self.cells)}.")
        for name in ("stride", "examples", "width", "layers", "heads", "widening"):
            if getattr(self, name) < 1:
                raise ValueError(f"ICON needs a positive {name}; got {getattr(self, name)}.")
        (cells,) = self.cells
        if self.points is not None and (self.points < 1 or cells % self.points != 0):
            raise ValueError(
                f"The points of ICON must divide its {cells} cells; got {self.points}."
            )
        starts(self.context, self.stride, self.examples)

    @property
    def summary(self) -> str:
        frames = "one frame" if self.stride == 1 else f"{self.stride} frames"
        return f"ICON, {self.examples} examples, {frames} a step"

    def build(self, key: jax.Array) -> "ICON":
        return ICON(self, key=key)


class ICON(ContextNetwork):
    """Takes its examples from the context.

    **Attributes:**

    - `transformer`: from the prompt to the answer.
    - `examples`: the number of pairs.
    - `ahead`: s, the frames from a condition to its quantity.
    - `every`: of so many cells one becomes a token.
    """

    transformer: Transformer
    examples: int = eqx.field(static=True)
    ahead: int = eqx.field(static=True)
    every: int = eqx.field(static=True)

    def __init__(self, config: ICONConfig, *, key: jax.Array):
        fields = len(config.fields)
        self.transformer = Transformer(
            1 + fields + config.examples + 1,
            fields,
            width=config.width,
            layers=config.layers,
            heads=config.heads,
            widening=config.widening,
            key=key,
        )
        self.examples, self.ahead = config.examples, config.stride
        self.every = 1 if config.points is None else config.cells[0] // config.points

    def read(self, context: Float[Array, "time field cell"]) -> "InContextOperator":
        first = starts(context.shape[0], self.ahead, self.examples)
        pairs = jnp.stack([context[first], context[first + self.ahead]], axis=1)
        number = np.eye(self.examples, self.examples + 1)
        signed = np.stack([number, -number], axis=1)
        return InContextOperator(self, self.tokens(_flat(pairs), _flat(signed)))

    def tokens(
        self, states: Float[Array, "state field cell"], numbers: Float[np.ndarray, "state number"]
    ) -> Float[Array, "token width"]:
        return self.transformer.tokens(rows(states, numbers, self.every))


class InContextOperator(Operator):
    """The operator that the examples show.

    It holds the network. A batch of operators that leaves a `vmap` has a copy of it for each of
    them, so read and advance inside the same `vmap`.

    **Attributes:**

    - `network`: what has read the examples.
    - `examples`: their tokens.
    """

    network: ICON
    examples: Float[Array, "token width"]

    @property
    def stride(self) -> int:
        return self.network.ahead

    def __call__(self, u: Float[Array, "field cell"]) -> Float[Array, "field cell"]:
        question = self.network.tokens(u[None], np.eye(self.network.examples + 1)[-1:])
        places = jnp.asarray(centres(u.shape[1]), u.dtype)
        return self.network.transformer(jnp.concatenate([self.examples, question]), places)


def starts(frames: int, ahead: int, examples: int) -> Int[np.ndarray, " example"]:
    """The frames at which the examples begin: evenly spread, the last possible one included.

    **Raises:**

    - `ValueError`, where there are too few frames.
    """
    if frames < ahead + examples:
        raise ValueError(
            f"ICON needs a context of at least stride + examples = {ahead + examples} frames; got "
            f"{frames}."
        )
    last = frames - 1 - ahead
    return last - np.arange(examples)[::-1] * last // max(examples - 1, 1)


def rows(
    states: Float[Array, "state field cell"],
    numbers: Float[np.ndarray, "state number"],
    every: int,
) -> Float[Array, "token column"]:
    """The rows [x, values, number] of every `every`-th cell, state by state."""
    values = states[:, :, ::every].swapaxes(1, 2)
    x = jnp.asarray(centres(states.shape[2])[::every], values.dtype)[None, :, None]
    number = jnp.asarray(numbers, values.dtype)[:, None]
    parts = [
        jnp.broadcast_to(part, (*values.shape[:2], part.shape[2])) for part in (x, values, number)
    ]
    return _flat(jnp.concatenate(parts, axis=2))


def centres(cells: int) -> Float[np.ndarray, " cell"]:
    """The middle of every cell; the domain has the length 1."""
    return (np.arange(cells) + 0.5) / cells


def _flat(x):
    """The first two axes as one."""
    return x.reshape(-1, *x.shape[2:])
