"""A hypernetwork: an embedding becomes the parameters of another network.

    Θ = diag(W_1, …, W_B) g(c) + b

with a small network g, the trunk, and a block-diagonal linear head for each target (HFluxNO,
arXiv:2605.05488, equation 11). The target may be any Equinox module with real or complex
parameters.

Bias-HyperInit (Beck et al., CoRL 2022) starts with W = 0 and the parameters of a fresh target in b:
at first every context gets the same, well-initialised network.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.models.parts import HypernetworkConfig
from hfluxno.nn.block_linear import BlockLinear
from hfluxno.nn.linear import MLP
from hfluxno.nn.parameters import Template


class Head(eqx.Module):
    """A vector to a module like `target`.

    - `linear`: to the parameters.
    - `template`: turns these into a module.
    """

    linear: BlockLinear
    template: Template

    def __init__(self, inputs: int, target: eqx.Module, blocks: int, *, key: jax.Array):
        self.template = Template(target)
        linear = BlockLinear(inputs, self.template.size, blocks, key=key)
        fresh = self.template.vector(target)
        bias = jnp.pad(fresh, (0, linear.bias.size - fresh.size)).reshape(linear.bias.shape)
        self.linear = eqx.tree_at(
            lambda layer: (layer.weight, layer.bias), linear, (0.0 * linear.weight, bias)
        )

    def __call__(self, vector: Float[Array, " inputs"]) -> eqx.Module:
        return self.template.module(self.linear(vector))


class Hypernetwork(eqx.Module):
    """An embedding to several modules, which share the trunk.

    - `trunk`: the network g.
    - `heads`: one for each module.
    """

    trunk: MLP
    heads: tuple[Head, ...]

    def __init__(
        self,
        inputs: int,
        targets: tuple[eqx.Module, ...],
        config: HypernetworkConfig,
        *,
        key: jax.Array,
    ):
        keys = jax.random.split(key, 1 + len(targets))
        self.trunk = MLP(inputs, config.outputs, config.width, config.depth, key=keys[0])
        self.heads = tuple(
            Head(config.outputs, target, config.blocks, key=k)
            for target, k in zip(targets, keys[1:], strict=True)
        )

    def __call__(self, embedding: Float[Array, " inputs"]) -> tuple[eqx.Module, ...]:
        code = self.trunk(embedding[:, None])[:, 0]
        return tuple(head(code) for head in self.heads)
