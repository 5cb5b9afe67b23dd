"""A learned numerical flux that sees the whole periodic domain: the Fourier flux operator.

    z⁰ = W_lift V,   z^l = z^{l-1} + σ(∫ k_l(x - x′) z^{l-1}(x′) dx′),   F = W_proj z^L

with the stencils V of the interfaces, linear maps without biases, and kernels k that have few wave
numbers (HFluxNO, arXiv:2605.05488, equation 15, in which the kernels need not commute with shifts).
The authors' code computes something else, here called `code`:

    z⁰ = lift(V),   z^l = 2 z^{l-1} + K_l(z^{l-1}),   F = project(z^L)

with networks of one hidden layer and spectral mixing K, which contains the nonlinearity.

The network runs once for all interfaces, of which the first is also the last: so what leaves a cell
enters its neighbour. Two passes, for the left and the right faces of cells, would disagree, and the
step would not be conservative.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.fv.numerical_flux import Interfaces, Number
from hfluxno.models.local_flux import StencilFlux
from hfluxno.models.parts import FourierConfig
from hfluxno.nn.linear import MLP, gelu
from hfluxno.nn.spectral import SpectralMixing
from hfluxno.nn.spectral_convolution import SpectralConvolution


class FourierFlux(StencilFlux):
    """A network of all interfaces.

    - `lift`, `project`: on every interface separately.
    - `layers`: the kernels, or the spectral mixings.
    - `form`: `text` or `code`.
    """

    lift: MLP
    layers: tuple[SpectralConvolution | SpectralMixing, ...]
    project: MLP
    form: str = eqx.field(static=True)

    def __init__(
        self,
        fields: int,
        axes: int,
        axis: int,
        config: FourierConfig,
        *,
        inputs: int | None = None,
        cells: int,
        coordinates: bool,
        key: jax.Array,
    ):
        """**Arguments:**

        - `cells`: the number of cells of the whole domain.
        """
        seen = (fields if inputs is None else inputs) + (axes if coordinates else 0)
        keys = jax.random.split(key, config.depth + 2)
        inputs = seen * (config.left + config.right)
        channels, modes = config.channels, config.modes
        if len(modes) != axes:
            raise ValueError(
                f"A Fourier flux needs a number of modes for each of {axes} axes; got {modes}."
            )
        # In the order of the padded states.
        modes = (*modes[:axis], *modes[axis + 1 :], modes[axis])
        if config.form == "text":
            self.lift = MLP(inputs, channels, 0, 0, bias=False, key=keys[0])
            self.project = MLP(channels, fields, 0, 0, bias=False, key=keys[1])
            self.layers = tuple(
                SpectralConvolution(channels, channels, modes, key=k) for k in keys[2:]
            )
        else:
            self.lift = MLP(inputs, channels, config.width, 1, key=keys[0])
            self.project = MLP(channels, fields, config.width, 1, key=keys[1])
            self.layers = tuple(
                SpectralMixing(channels, config.blocks, modes, cells, key=k) for k in keys[2:]
            )
        self.left, self.right = config.left, config.right
        self.axis, self.coordinates = axis, coordinates
        self.form = config.form

    @property
    def rowwise(self) -> bool:
        return False

    def __call__(
        self, padded: Float[Array, "channel *padded"], dt: Number, dx: float
    ) -> Interfaces:
        stencil = self._seen(padded)[..., :-1]
        shape = stencil.shape[1:]
        z = self.lift(stencil.reshape(stencil.shape[0], -1)).reshape(-1, *shape)
        for layer in self.layers:
            z = z + gelu(layer(z)) if self.form == "text" else 2.0 * z + layer(z)
        flux = self.project(z.reshape(z.shape[0], -1)).reshape(-1, *shape)
        return jnp.concatenate([flux, flux[..., :1]], axis=-1)
