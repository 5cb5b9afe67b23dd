"""The head of DISCO's hypernetwork: an embedding becomes the weights of a module.

    w = W gelu(g(c)) + b,   θ = 2 β tanh(w / (4 β))

with a small network g and a bound β for every array of the module, so that no weight exceeds 2 β
(Morel et al., ICML 2025). β is the bound of the usual uniform initialisation of such weights.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hfluxno.nn.linear import MLP, gelu
from hfluxno.nn.parameters import Template


class Generator(eqx.Module):
    """A vector to a module like `target`.

    - `trunk`: the network g.
    - `head`: W and b.
    - `template`: turns weights into a module.
    - `bounds`: β for every array, in the order of the module's tree.
    """

    trunk: MLP
    head: eqx.nn.Linear
    template: Template
    bounds: tuple[float, ...] = eqx.field(static=True)

    def __init__(
        self,
        inputs: int,
        width: int,
        target: eqx.Module,
        bounds: tuple[float, ...],
        *,
        key: jax.Array,
    ):
        keys = jax.random.split(key, 2)
        self.template = Template(target)
        self.trunk = MLP(inputs, width, width, 1, key=keys[0])
        self.head = eqx.nn.Linear(width, self.template.size, key=keys[1])
        self.bounds = bounds

    def __call__(self, embedding: Float[Array, " inputs"]) -> PyTree:
        code = gelu(self.trunk(embedding[:, None])[:, 0])
        module = self.template.module(self.head(code))
        leaves, structure = jax.tree.flatten(module)
        bounded = [
            2.0 * b * jnp.tanh(w / (4.0 * b)) for b, w in zip(self.bounds, leaves, strict=True)
        ]
        return jax.tree.unflatten(structure, bounded)
