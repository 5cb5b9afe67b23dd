"""With its weights, our networks give the numbers of the original HFluxNO code."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv.step import conservative_step
from hfluxno.grid import Grid, pad
from hfluxno.models.fourier_flux import FourierFlux
from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.local_flux import LocalFlux
from hfluxno.models.parts import FourierConfig, LocalConfig, TRecViTConfig, ViTConfig
from hfluxno.models.rollout import rollout
from hfluxno.models.vit import waves
from hfluxno.nn.linear import MLP
from tests import drawn
from tests.compiled import compiled
from tests.models import original
from tests.slow import slow

TOLERANCE = 1e-10  # both compute in float64


def assert_close(value, recorded):
    np.testing.assert_allclose(np.asarray(value), recorded, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("name", ["local", slow("local_two_fields"), slow("local_2d")])
def test_encoder_hypernetwork_step_and_rollout(name, x64):
    arrays = original.recorded(name)
    found = _everything(original.network(name, arrays), jnp.asarray(arrays["context"]))
    for key, value in found.items():
        recorded = arrays[f"out/{key}"]
        assert_close(value.reshape(recorded.shape), recorded)


@eqx.filter_jit
def _everything(network, context):
    """What a network computes on the way, under the names of the record."""
    found = {}
    encoder = network.encoder
    found["tokens"] = v = encoder._tokens(context)
    for i, (temporal, spatial) in enumerate(zip(encoder.temporal, encoder.spatial, strict=True)):
        found[f"layer{i}/recurrent"] = v = temporal(v)
        found[f"layer{i}/transformer"] = v = spatial(v)
    found["embedding"] = embedding = encoder(context)
    found["trunk"] = network.hypernetwork.trunk(embedding[:, None])
    operator = network.read(context)
    for axis, flux in enumerate(operator.fluxes):
        found[f"head{axis}/real"] = network.hypernetwork.heads[axis].template.vector(flux)
        found[f"flux{axis}/lift/weight"] = flux.lift.weight
        padded = pad(context[-1], network.grid, flux.ghost, axis=axis)
        interfaces = flux(jnp.moveaxis(padded, axis + 1, -1), jnp.asarray(1.0), 1.0)
        found[f"interface{axis}"] = jnp.moveaxis(interfaces, -1, axis + 1)
    found["next"] = operator(context[-1])
    found["rollout"] = rollout(network, context, 3, "sliding")
    return found


@pytest.mark.validation
def test_one_step_in_single_precision():
    arrays = original.recorded("local")
    with jax.enable_x64(True):
        network = original.network("local", arrays)
    single = jax.tree.map(
        lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf, network
    )
    context = jnp.asarray(arrays["context"], jnp.float32)
    following = eqx.filter_jit(lambda n, c: n.read(c)(c[-1]))(single, context)
    np.testing.assert_allclose(following, arrays["out/next"], rtol=1e-5, atol=1e-5)


def test_flux_no_step(x64):
    arrays = original.recorded("flux_no")
    state = jnp.asarray(arrays["state"])
    sizes = LocalConfig(left=4, right=2, lift=8, width=10, depth=4)
    fresh = drawn.module(LocalFlux, 1, 1, 0, sizes, coordinates=True)
    flux = original.flux(fresh, arrays)
    dt, dx = original.CASES["flux_no"]["steps"]
    grid = Grid.interval(state.shape[1], 0.0, dx * state.shape[1])
    following = compiled(conservative_step, flux, state, jnp.asarray(dt), grid)
    assert_close(following, arrays["out/next"])


def test_dpot_encoder(x64):
    arrays = original.recorded("dpot")
    encoder = original.dpot(arrays)
    assert_close(eqx.filter_jit(encoder)(jnp.asarray(arrays["context"])), arrays["out/embedding"])


def test_vision_transformer(x64):
    arrays = original.recorded("vit")
    encoder, context = original.vit(arrays), jnp.asarray(arrays["context"])
    assert_close(eqx.filter_jit(lambda e, c: e.tokens(c))(encoder, context), arrays["out/tokens"])
    x = jnp.asarray(arrays["out/tokens"])[None]
    for i, block in enumerate(encoder.blocks):
        x = eqx.filter_jit(block)(x)
        assert_close(x[0], arrays[f"out/layer{i}"])
    assert_close(eqx.filter_jit(encoder)(context), arrays["out/embedding"])


def test_encoders_of_the_ablation_have_the_parameters_of_the_original():
    # As the authors' notebook notebooks/misc/ablate_encoders.ipynb prints them.
    encoders = {}
    for config, count in ((TRecViTConfig(), 279_424), (ViTConfig(), 678_592)):
        shapes = eqx.filter_eval_shape(HFluxNOConfig(encoder=config).build, jax.random.key(0))
        encoders[count] = shapes.encoder
        assert parameters(shapes.encoder) == count
    vit = encoders[678_592]
    assert parameters((vit.embed, vit.patch_layers)) == 529_536


def parameters(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree) if hasattr(leaf, "size"))


def test_fixed_positions_of_the_vision_transformer():
    # Written out for one token: 4 wave numbers for each of two axes, space before time.
    e, time, place = 8, 3, 5
    numbers = np.array([1.0, 1e-4])
    expected = [np.sin(place * numbers), np.cos(place * numbers)]
    expected += [np.sin(time * numbers), np.cos(time * numbers)]
    table = waves((4, 7), (4, 7), e)
    np.testing.assert_allclose(table[time * 7 + place], np.concatenate(expected))


def test_fourier_flux_of_the_code_at_the_left_faces(x64):
    """The original's fluxes at right faces are a pass of their own, which gives other numbers."""
    arrays = {
        key.replace("out/flux0", "weights"): value
        for key, value in original.recorded("fourier").items()
    }
    sizes, steps = original.CASES["fourier"]["sizes"], original.CASES["fourier"]["steps"]
    before, after = sizes["stencil_size"][0] + 1, sizes["stencil_size"][1]
    context = jnp.asarray(arrays["context"])
    cells = context.shape[-1]
    config = FourierConfig(
        before, after, sizes["lift_dim"], sizes["width_lift"], sizes["depth"],
        (sizes["frequency_modes"],), sizes["blocks_flux"], "code",
    )  # fmt: skip
    ours = drawn.module(FourierFlux, 1, 1, 0, config, cells=cells, coordinates=True)
    # The original also sees the place of the cell right of the face, which our stencil holds.
    lift = arrays["weights/lift/0/weight"].copy()
    lift[:, before + after + before] += lift[:, -1]
    arrays["weights/lift/0/weight"] = lift[:, :-1]
    layers = tuple(
        original.spectral(layer, arrays, f"layer{i}") for i, layer in enumerate(ours.layers)
    )
    lifted = original._chain(ours.lift.layers, arrays, "lift")
    wide = drawn.module(MLP, sizes["lift_dim"], 1, sizes["width_project"], 1)
    projected = original._chain(wide.layers, arrays, "project")
    ours = eqx.tree_at(
        lambda f: (f.lift.layers, f.layers, f.project.layers), ours, (lifted, layers, projected)
    )
    grid = Grid.interval(cells, 0.0, steps[1] * cells)
    padded = pad(context[-1], grid, ours.ghost)
    found = eqx.filter_jit(ours)(padded, jnp.asarray(steps[0]), steps[1])
    assert_close(found[:, :-1], arrays["out/left0"])
    apart = np.abs(arrays["out/right0"][:, :-1] - arrays["out/left0"][:, 1:])
    assert np.all(apart > 1e-6)
