"""A learned numerical flux that sees a stencil: the target network of the paper's tables.

    F_{i+1/2} = G(u_{i+1-left}, …, u_{i+right})

with a linear lift of the stencil followed by a small network (HFluxNO, arXiv:2605.05488, equations
12 to 15). The same network acts at all interfaces, so the operator commutes with shifts, unless it
is given the coordinates of the cells, as in the paper.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.fv.numerical_flux import Interfaces, Number, Padded
from hfluxno.models.learned_flux import LearnedFlux
from hfluxno.models.parts import LocalConfig
from hfluxno.nn.linear import MLP, on_columns


class StencilFlux(LearnedFlux):
    """A flux along one axis, the last one of the padded states, that sees a stencil.

    - `left`, `right`: the numbers of cells before and after an interface in it.
    - `axis`: which axis of the domain the last one of the padded states is.
    - `coordinates`: whether the stencil also contains the place of every cell, one number per axis.

    The padded states have `inputs` channels, by default as many as there are fluxes.
    """

    left: int = eqx.field(static=True)
    right: int = eqx.field(static=True)
    axis: int = eqx.field(static=True)
    coordinates: bool = eqx.field(static=True)

    @property
    def ghost(self) -> int:
        return max(self.left, self.right)

    def _seen(self, padded: Float[Array, "channel *padded"]) -> Float[Array, "number *interfaces"]:
        """The inputs of the flux at every interface, in the order (channel, cell)."""
        if self.coordinates:
            padded = with_places(padded, self.ghost, self.axis)
        count = padded.shape[-1] - 2 * self.ghost + 1
        start = self.ghost - self.left
        places = range(start, start + self.left + self.right)
        stacked = jnp.stack([padded[..., k : k + count] for k in places], axis=1)
        return stacked.reshape(-1, *stacked.shape[2:])


class LocalFlux(StencilFlux):
    """The same small network at every interface.

    - `lift`: from the stencil, counted (channel, cell), to the first hidden layer; linear.
    - `mlp`: from there to the fluxes of the fields.
    """

    lift: eqx.nn.Linear
    mlp: MLP

    def __init__(
        self,
        fields: int,
        axes: int,
        axis: int,
        config: LocalConfig,
        *,
        inputs: int | None = None,
        coordinates: bool,
        key: jax.Array,
    ):
        left, right = config.left, config.right
        if left < 1 or right < 1:
            raise ValueError(
                f"A flux needs at least one cell on each side; got {left} and {right}."
            )
        channels = (fields if inputs is None else inputs) + (axes if coordinates else 0)
        keys = jax.random.split(key, 2)
        self.lift = eqx.nn.Linear(channels * (left + right), config.lift, key=keys[0])
        self.mlp = MLP(config.lift, fields, config.width, config.depth, key=keys[1])
        self.left, self.right = left, right
        self.axis, self.coordinates = axis, coordinates

    @property
    def rowwise(self) -> bool:
        return not self.coordinates  # which say what the other axes are

    def __call__(
        self, padded: Float[Array, "channel *padded"], dt: Number, dx: float
    ) -> Interfaces:
        stencil = self._seen(padded)
        features = stencil.reshape(stencil.shape[0], -1)
        flux = self.mlp(on_columns(self.lift, features))
        return flux.reshape(-1, *stencil.shape[1:])


def with_places(padded: Padded, ghost: int, axis: int) -> Float[Array, "channel *padded"]:
    """Appends the place of every cell, one channel per axis of the domain, from 0 at the first cell
    to 1 at the last; ghost cells have that of the cells which they stand for in a periodic domain.
    """
    cells = padded.shape[-1] - 2 * ghost
    index = np.arange(-ghost, cells + ghost) % cells
    along = [np.linspace(0.0, 1.0, n) for n in padded.shape[1:-1]]
    along.append(np.linspace(0.0, 1.0, cells)[index])
    *others, own = np.meshgrid(*along, indexing="ij")
    others.insert(axis, own)
    return jnp.concatenate([padded, jnp.asarray(np.stack(others), padded.dtype)])
