"""ICON, whose examples are pairs of states of the law: a condition u(t), its quantity u(t + τ).

In the published protocol they are from other trajectories of the law, each at a random time, and a
roll-out keeps them. They cannot be found in a context, so the network must be shown them. In a
variant of ours they are pairs of frames of the context.

Every cell of a state, or every few cells, is a token, the row

    [x, u(x), ±e_k]

with the place x, all fields, and the number k of the example as a unit vector, + for the condition
and - for the quantity; the question, a condition, comes last.

An operator stores the embedded rows of the examples and little more: in the first layer they attend
to the question too, so every step runs the whole encoder.
"""

import dataclasses
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hfluxno.models.baselines.icon.transformer import Transformer
from hfluxno.models.configuration import ContextMode, ModelConfig, Pairs
from hfluxno.models.network import ContextNetwork, Operator
from hfluxno.plural import plural


@dataclasses.dataclass(frozen=True)
class ICONConfig(ModelConfig):
    """An ICON. The defaults are those of the baseline of arXiv:2605.05488: 20 examples from other
    trajectories, one frame from condition to quantity. ICON's own study has τ = 0.1: with frames
    0.005 apart that is a `stride` of 20.

    - `examples_from`: `law`, other trajectories of the same law, or `context`, pairs of its frames.
      With `law` a context holds no more than the questions of the next steps, `stride` frames.
    - `stride`: s, the number of frames that a step advances; τ = s Δt.
    - `examples`: the number of pairs in the prompt.
    - `points`: how many cells of a state become tokens, or `None` for all. A prompt has
      (2 examples + 1) points tokens, and attention takes the square of that. Answers are always at
      all cells.
    - `width`: of the embedding and of every head.
    - `layers`, `heads`, `widening`: of encoder and decoder each; the small networks are `widening`
      times as wide inside.
    """

    context: int = 1
    context_mode: ContextMode = "frozen"
    examples_from: Literal["law", "context"] = "law"
    stride: int = 1
    examples: int = 20
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
        if self.examples_from == "context":
            starts(self.context, self.stride, self.examples)
        elif self.context < self.stride:
            raise ValueError(
                f"ICON needs a context of at least its stride, {plural(self.stride, 'frame')}; "
                f"got {self.context}."
            )

    @property
    def summary(self) -> str:
        origin = "the context" if self.examples_from == "context" else "other trajectories"
        examples, frames = plural(self.examples, "example"), plural(self.stride, "frame")
        return f"ICON, {examples} from {origin}, {frames} a step"

    @property
    def pairs(self) -> Pairs | None:
        return Pairs(self.examples, self.stride) if self.examples_from == "law" else None

    def build(self, key: jax.Array) -> "ICON":
        return ICON(self, key=key)


class ICON(ContextNetwork):
    """Takes its examples from the context, or is shown them.

    - `transformer`: from the prompt to the answer.
    - `from_context`: whether the examples are pairs of frames of the context.
    - `examples`: the number of pairs.
    - `ahead`: s, the frames from a condition to its quantity.
    - `every`: every so many cells one becomes a token.
    """

    transformer: Transformer
    from_context: bool = eqx.field(static=True)
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
        self.from_context = config.examples_from == "context"
        self.examples, self.ahead = config.examples, config.stride
        self.every = 1 if config.points is None else config.cells[0] // config.points

    def read(self, context: Float[Array, "time field cell"]) -> "InContextOperator":
        if not self.from_context:
            raise ValueError(
                "This ICON takes its examples from other trajectories of the law; show it pairs of "
                "their states before it reads a context."
            )
        first = starts(context.shape[0], self.ahead, self.examples)
        return self.operator(jnp.stack([context[first], context[first + self.ahead]], axis=1))

    def shown(self, pairs: Float[Array, "pair 2 field cell"]) -> "ShownICON":
        return ShownICON(self.operator(pairs))

    def operator(self, pairs: Float[Array, "pair 2 field cell"]) -> "InContextOperator":
        """The operator that advances a state as the conditions of the pairs became their
        quantities."""
        number = np.eye(self.examples, self.examples + 1)
        signed = np.stack([number, -number], axis=1)
        return InContextOperator(self, self.tokens(_flat(pairs), _flat(signed)))

    def tokens(
        self, states: Float[Array, "state field cell"], numbers: Float[np.ndarray, "state number"]
    ) -> Float[Array, "token width"]:
        return self.transformer.tokens(rows(states, numbers, self.every))


class ShownICON(ContextNetwork):
    """An ICON with its examples; of a context it uses only the questions.

    - `operator`: what the examples show.
    """

    operator: "InContextOperator"

    def read(self, context: Float[Array, "time field cell"]) -> "InContextOperator":
        return self.operator


class InContextOperator(Operator):
    """The operator shown by the examples.

    It holds the network. A batch of operators that leaves a `vmap` has a copy of it for each of
    them, so read and advance inside the same `vmap`.

    - `network`: the network that has read the examples.
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
    """The frames at which the examples begin: evenly spread, the last possible one included. Raises
    `ValueError` if there are too few frames.
    """
    if frames < ahead + examples:
        raise ValueError(
            f"ICON needs a context of at least stride + examples = {ahead + examples} frames; got "
            f"{frames}."
        )
    last = frames - 1 - ahead
    return last - np.arange(examples)[::-1] * last // max(examples - 1, 1)


def rows(
    states: Float[Array, "state field cell"], numbers: Float[np.ndarray, "state number"], every: int
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
