"""DPOT: predicts the next frame from a weighted sum of the frames of the context.

    v = Σ_t cos(ω t) ∘ patches(u_t) W_t,   spectral layers,   u_{n+1} = patches⁻¹(layers(v))

(Hao et al., DPOT: Auto-Regressive Denoising Operator Transformer for Large-Scale PDE Pre-Training,
ICML 2024; a baseline of arXiv:2605.05488). The layers are those of the DPOT-style encoder. It is
not conservative, and forecasts by reading its own output.
"""

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp

from hfluxno.models.configuration import ModelConfig
from hfluxno.models.dpot_encoder import Coefficients, DPOTEncoder
from hfluxno.models.network import Context, Frame, Network
from hfluxno.models.parts import DPOTEncoderConfig
from hfluxno.nn.linear import gelu, on_rows
from hfluxno.nn.patch import joined


@dataclasses.dataclass(frozen=True)
class DPOTConfig(ModelConfig):
    """A DPOT. The defaults are the paper's baseline for the cubic law.

    - `patch`: the cells of a patch along each axis.
    - `patch_width`, `output_width`: the hidden widths between patch and token, at both ends.
    - `embedding`, `layers`, `mlp_width`: the size of tokens, the number of layers, and the hidden
      width of each.
    - `modes`, `blocks`: the largest wave number kept along each axis, and the number of blocks of
      the spectral mixing.
    - `coefficients`: whether the spectral layers see `sums` over patches (the published model) or
      `means`.
    """

    patch: tuple[int, ...] = (4,)
    patch_width: int = 512
    output_width: int = 512
    embedding: int = 128
    layers: int = 10
    mlp_width: int = 512
    modes: tuple[int, ...] = (12,)
    blocks: int = 8
    coefficients: Coefficients = "sums"

    @property
    def summary(self) -> str:
        return f"DPOT, {self.layers} layers"

    def build(self, key: jax.Array) -> "DPOT":
        return DPOT(self, key=key)


class DPOT(Network):
    """Patches of all frames to one frame.

    - `encoder`: from the context to the output of the last layer for every patch.
    - `spread`: from that to the numbers of every cell of the patch.
    - `mix`, `leave`: the two layers at every cell.
    """

    encoder: DPOTEncoder
    spread: eqx.nn.Linear
    mix: eqx.nn.Linear
    leave: eqx.nn.Linear
    patch: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, config: DPOTConfig, *, key: jax.Array):
        keys = jax.random.split(key, 4)
        fields, width = len(config.fields), config.output_width
        names = [field.name for field in dataclasses.fields(DPOTEncoderConfig)]
        self.encoder = DPOTEncoder(
            fields,
            config.context,
            config.cells,
            DPOTEncoderConfig(**{name: getattr(config, name) for name in names}),
            coordinates=True,
            coefficients=config.coefficients,
            key=keys[0],
        )
        self.spread = _transposed(config.embedding, width, math.prod(config.patch), keys[1])
        self.mix = eqx.nn.Linear(width, width, key=keys[2])
        self.leave = eqx.nn.Linear(width, fields, key=keys[3])
        self.patch = config.patch

    def predict(self, context: Context) -> Frame:
        rows = self.encoder.features(context).reshape(self.spread.in_features, -1).T
        cells = on_rows(self.spread, rows).reshape(len(rows), -1, self.mix.in_features)
        cells = on_rows(self.leave, gelu(on_rows(self.mix, gelu(cells))))
        return joined(cells, self.encoder.tokens, self.patch)


def _transposed(inputs: int, outputs: int, cells: int, key: jax.Array) -> eqx.nn.Linear:
    """From a patch to all of its cells, initialised like a transposed convolution: the bound of the
    weights counts the cells too, and all cells begin with the same bias."""
    layer = eqx.nn.Linear(inputs, cells * outputs, key=key)
    assert layer.bias is not None
    factor = cells**-0.5
    first = (factor * layer.weight, jnp.tile(factor * layer.bias[:outputs], cells))
    return eqx.tree_at(lambda linear: (linear.weight, linear.bias), layer, first)
