"""FNO: predicts the next frame from the frames of the context as channels.

    v = P(u_{n-k+1}, …, u_n, x),   v ← σ(K v + W v) in every layer,   u_{n+1} = Q(v)

with pointwise networks P and Q, pointwise W and spectral convolutions K (Li et al., Fourier Neural
Operator for Parametric Partial Differential Equations, ICLR 2021). It forecasts by reading its own
output.
"""

import dataclasses

import equinox as eqx
import jax

from hfluxno.models.configuration import ModelConfig
from hfluxno.models.network import Context, Frame, Network
from hfluxno.nn.linear import MLP, gelu, on_columns
from hfluxno.nn.patch import with_coordinates
from hfluxno.nn.spectral_convolution import SpectralConvolution


@dataclasses.dataclass(frozen=True)
class FNOConfig(ModelConfig):
    """An FNO. The defaults are a usual size for one-dimensional problems.

    - `channels`, `layers`: the width of the layers and their number.
    - `modes`: the largest wave number kept along each axis.
    - `lift_width`, `projection_width`: the hidden widths of P and Q.
    """

    channels: int = 64
    layers: int = 4
    modes: tuple[int, ...] = (16,)
    lift_width: int = 128
    projection_width: int = 128

    @property
    def summary(self) -> str:
        return f"FNO, {self.layers} layers"

    def check(self) -> None:
        if len(self.modes) != len(self.cells):
            raise ValueError(
                f"An FNO needs a number of modes for each of {len(self.cells)} axes; got "
                f"{len(self.modes)}."
            )

    def build(self, key: jax.Array) -> "FNO":
        return FNO(self, key=key)


class FNO(Network):
    """Frames as channels to one frame.

    - `lift`, `project`: P and Q.
    - `convolutions`, `pointwise`: K and W of every layer.
    """

    lift: MLP
    project: MLP
    convolutions: tuple[SpectralConvolution, ...]
    pointwise: tuple[eqx.nn.Linear, ...]

    def __init__(self, config: FNOConfig, *, key: jax.Array):
        fields, axes, channels = len(config.fields), len(config.cells), config.channels
        lift_key, project_key, *keys = jax.random.split(key, 2 + 2 * config.layers)
        self.lift = MLP(
            config.context * fields + axes, channels, config.lift_width, 1, key=lift_key
        )
        self.project = MLP(channels, fields, config.projection_width, 1, key=project_key)
        self.convolutions = tuple(
            SpectralConvolution(channels, channels, config.modes, key=k) for k in keys[::2]
        )
        self.pointwise = tuple(eqx.nn.Linear(channels, channels, key=k) for k in keys[1::2])

    def predict(self, context: Context) -> Frame:
        space = context.shape[2:]
        z = with_coordinates(context.reshape(-1, *space), len(space))
        v = self.lift(z.reshape(z.shape[0], -1))
        for convolution, linear in zip(self.convolutions, self.pointwise, strict=True):
            mixed = convolution(v.reshape(-1, *space)).reshape(v.shape)
            v = gelu(mixed + on_columns(linear, v))
        return self.project(v).reshape(-1, *space)
