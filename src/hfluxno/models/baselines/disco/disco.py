"""DISCO: a hypernetwork writes the differential equation that continues a context.

    du/dt = f_θ(u) from one frame at t = 0 to the next at t = 1,   θ = G(E(u^{n-k+1}, …, u^n))

with a U-Net f, a generator of its weights G and an encoder E (Morel, Han and Oyallon, DISCO:
learning to DISCover an evolution Operator for multi-physics-agnostic prediction, ICML 2025; a
baseline of arXiv:2605.05488). The equation is for a standardised state: the statistics of the
context, and then those of the state itself, are removed before and restored after. So the forecast
of s u + m is s times that of u, plus m.

Nothing in it is conservative. In training, every window leaves out some branches of the encoder's
blocks at random (stochastic depth, Huang et al., ECCV 2016).
"""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from hfluxno.models.baselines.disco.config import DISCOConfig
from hfluxno.models.baselines.disco.encoder import AxialTransformer
from hfluxno.models.baselines.disco.generator import Generator
from hfluxno.models.baselines.disco.standard import moments
from hfluxno.models.baselines.disco.unet import UNet, usual_bounds
from hfluxno.models.network import Context, ContextNetwork, Frame, Operator


class NeuralODE(Operator):
    """Solves du/dt = f(u) from one frame to the next.

    Steps are those of Bogacki and Shampine's method of third order, adaptive.

    - `derivative`: f, for standardised states.
    - `mean`, `deviation`: of every field over the context.
    - `config`: how accurately it is solved.
    """

    derivative: UNet
    mean: Float[Array, "field *ones"]
    deviation: Float[Array, "field *ones"]
    config: DISCOConfig = eqx.field(static=True)

    def __call__(self, u: Frame) -> Frame:
        v = (u - self.mean) / self.deviation
        mean, deviation = moments(v, tuple(range(1, v.ndim)))
        v = integrated(self.derivative, (v - mean) / deviation, self.config)
        return (v * deviation + mean) * self.deviation + self.mean


def integrated(derivative: UNet, u: Frame, config: DISCOConfig) -> Frame:
    """The state after one unit of time; NaN if the solver gives up."""
    # Diffrax mixes types and ranks, which a user of JAX may have forbidden. And its loops compare
    # the meshes of arrays, which only some of them have inside `shard_map`, where training runs.
    with (
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
        jax.sharding.use_abstract_mesh(jax.sharding.AbstractMesh((), ())),
    ):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(_of_state),
            diffrax.Bosh3(),
            # Plain numbers would be doubles if doubles are enabled, and make the state double too.
            t0=jnp.zeros((), u.dtype),
            t1=jnp.ones((), u.dtype),
            dt0=None,
            y0=u,
            args=derivative,
            stepsize_controller=diffrax.PIDController(
                rtol=config.rtol, atol=config.atol, dtmin=1.0 / config.substeps, force_dtmin=True
            ),
            adjoint=diffrax.RecursiveCheckpointAdjoint(),
            max_steps=4 * config.substeps,
            throw=False,
        )
    assert solution.ys is not None
    return jnp.where(solution.result == diffrax.RESULTS.successful, solution.ys[0], jnp.nan)


# The solver's loops are traced repeatedly; a separate function counts as one operation there.
@jax.jit
def _of_state(t, u, derivative):
    return derivative(u)


class DISCO(ContextNetwork):
    """A context to a neural differential equation.

    - `encoder`: from a context to an embedding.
    - `generator`: from that to the equation.
    - `config`: of the solver, and of what is left out in training.
    """

    encoder: AxialTransformer
    generator: Generator
    config: DISCOConfig = eqx.field(static=True)

    def __init__(self, config: DISCOConfig, *, key: jax.Array):
        encoder_key, generator_key = jax.random.split(key)
        fields, axes = len(config.fields), len(config.cells)
        self.encoder = AxialTransformer(
            fields,
            axes,
            patch=config.patch,
            embedding=config.embedding,
            blocks=config.blocks,
            heads=config.heads,
            key=encoder_key,
        )
        unet = UNet(fields, axes, config.channels, config.groups, config.levels)
        self.generator = Generator(
            config.embedding, config.mlp_width, unet, usual_bounds(unet), key=generator_key
        )
        self.config = config

    def while_training(self, key: Key[Array, ""]) -> "DISCO":
        if self.config.drop_path == 0.0:
            return self
        thinned = self.encoder.thinned(self.config.drop_path, key)
        return eqx.tree_at(lambda network: network.encoder, self, thinned)

    def read(self, context: Context) -> NeuralODE:
        mean, deviation = moments(context, (0, *range(2, context.ndim)))
        embedding = self.encoder((context - mean) / deviation)
        return NeuralODE(self.generator(embedding), mean[0], deviation[0], self.config)
