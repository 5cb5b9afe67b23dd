"""DPOT and FNO: the numbers of the original code with its weights, and what layers promise."""

import dataclasses
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.models.baselines.dpot import DPOTConfig
from hfluxno.models.baselines.fno import FNOConfig
from hfluxno.models.rollout import rollout
from hfluxno.models.weights import SHIPPED
from hfluxno.nn.spectral_convolution import SpectralConvolution
from tests.compiled import compiled
from tests.models import original, small
from tests.slow import slow

_FOLDER = Path(__file__).parents[2] / "oracle"
RECORD = json.loads((_FOLDER / "baselines_original.json").read_text())
TOLERANCE = 1e-10  # both compute in float64

DPOT = DPOTConfig(
    fields=("h", "m"), cells=(8, 6), spacing=(0.1, 0.2), context=3, patch=(4, 3), patch_width=6,
    output_width=5, embedding=8, layers=1, mlp_width=7, modes=(1, 1), blocks=2,
)  # fmt: skip
FNO = FNOConfig(
    fields=("h", "m"), cells=(8, 6), spacing=(0.1, 0.2), context=3, channels=4, layers=2,
    modes=(2, 1), lift_width=5, projection_width=6,
)  # fmt: skip


def dpot(name, arrays):
    """Our DPOT with the recorded weights."""
    sizes = RECORD["cases"][name]["sizes"]
    frames, fields, *cells = arrays["context"].shape
    patch = original._tuple(sizes["patch_size"])
    config = DPOTConfig(
        fields=tuple(f"u{i}" for i in range(fields)),
        cells=tuple(cells),
        spacing=(0.1,) * len(cells),
        context=frames,
        patch=patch,
        patch_width=sizes["hidden_dim_patch"],
        output_width=sizes["hidden_dim_output"],
        embedding=sizes["embedding_dim"],
        layers=sizes["fno_depth"],
        mlp_width=sizes["hidden_dim_fno"],
        modes=original._tuple(sizes["max_frequency_modes"]),
        blocks=sizes["num_blocks"],
    )
    network = small.network(config)
    # The record names what follows the patches as the encoder's; ours is that encoder.
    names = {key.replace("weights/", "weights/encoder/", 1): value for key, value in arrays.items()}
    encoder = original.dpot_encoder(network.encoder, names)
    # A transposed convolution turns its kernel around, and its bias is that of every cell.
    kernel = np.flip(arrays["weights/head/0/weight"], axis=tuple(range(2, 2 + len(cells))))
    hidden, embedding = kernel.shape[:2]
    spread = kernel.reshape(hidden, embedding, -1).transpose(2, 0, 1).reshape(-1, embedding)
    bias = np.tile(arrays["weights/head/0/bias"].reshape(-1), int(np.prod(patch)))
    layers = [[arrays[f"weights/head/{i}/{part}"] for part in ("weight", "bias")] for i in (1, 2)]
    new = [spread, bias]
    new += [a.reshape(a.shape[0], -1) if i % 2 == 0 else a.reshape(-1)
            for pair in layers for i, a in enumerate(pair)]  # fmt: skip
    return eqx.tree_at(
        lambda n: (n.encoder, n.spread.weight, n.spread.bias, n.mix.weight, n.mix.bias,
                   n.leave.weight, n.leave.bias),
        network,
        (encoder, *map(jnp.asarray, new)),
    )  # fmt: skip


@pytest.mark.parametrize("name", [slow("dpot"), "dpot_2d"])
def test_dpot_gives_the_numbers_of_the_original(name, x64):
    arrays = original.recorded(name, "baselines")
    network, context = dpot(name, arrays), jnp.asarray(arrays["context"])
    patches = compiled(network.encoder.features, context)
    np.testing.assert_allclose(patches, arrays["out/blocks"], rtol=TOLERANCE, atol=TOLERANCE)
    frames = eqx.filter_jit(lambda n, c: rollout(n, c, 3, "sliding"))(network, context)
    np.testing.assert_allclose(frames[0], arrays["out/next"], rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(frames, arrays["out/rollout"], rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.validation
def test_a_fresh_dpot_has_the_spread_of_the_original():
    """Its layers are Equinox's, drawn here by themselves, and two arrays of normal numbers."""
    config = DPOTConfig(layers=1, output_width=256)
    network = config.build(jax.random.key(0))
    encoder, mixing = network.encoder, network.encoder.blocks[0].mixing
    width, size = config.embedding, config.embedding // config.blocks
    keys = jax.random.split(jax.random.key(1), 3)

    def spread(values, expected):
        values = np.asarray(values)
        np.testing.assert_allclose(np.std(values), expected, rtol=8.0 / np.sqrt(values.size))
        np.testing.assert_allclose(np.mean(values), 0.0, atol=4.0 * expected / values.size**0.5)

    spread(encoder.weights, 1.0 / (config.context * np.sqrt(width)))
    spread(encoder.positions, 0.02)
    embed = eqx.nn.Conv1d(2, config.patch_width, 4, 4, key=keys[0])
    spread(encoder.embed.linear.weight, np.std(embed.weight))
    spread(encoder.embed.linear.bias, np.std(embed.bias))
    head = eqx.nn.ConvTranspose1d(width, config.output_width, 4, 4, key=keys[1])
    spread(network.spread.weight, np.std(head.weight))
    biases = np.asarray(network.spread.bias).reshape(4, -1)
    np.testing.assert_array_equal(biases, np.tile(biases[0], (4, 1)))
    spread(biases[0], np.std(head.bias))
    mlp = eqx.nn.MLP(size, size, size, 1, dtype=jnp.complex64, key=keys[2])
    for found, layer in zip((mixing.first, mixing.second), mlp.layers, strict=True):
        spread(found.real, np.std(layer.weight.real))
        spread(found.imag, np.std(layer.weight.imag))
    for found in (mixing.first_bias, mixing.second_bias):
        spread(found.real, size**-0.5 / np.sqrt(3.0))
    # The original's transform is a sum over patches.
    assert mixing.cells == 25


def test_shipped_dpots_see_means_as_they_were_trained():
    for law in ("cubic", "shallow-water", "burgers"):
        described = json.loads((SHIPPED / f"dpot-{law}" / "config.json").read_text())
        assert described["model"]["coefficients"] == "means"
    assert DPOTConfig().coefficients == "sums"
    mixing = small.network(dataclasses.replace(DPOT, coefficients="means")).encoder.blocks[0].mixing
    assert mixing.cells == 1


def test_fno_gives_the_numbers_of_the_original(x64):
    arrays = original.recorded("fno", "baselines")
    frames, cells = arrays["input"].shape
    sizes = RECORD["cases"]["fno"]["sizes"]
    config = FNOConfig(
        cells=(cells,),
        spacing=(0.1,),
        context=frames,
        channels=sizes["lift_dim"],
        layers=sizes["depth"],
        modes=(sizes["frequency_modes"] - 1,),
        lift_width=sizes["width_lift"],
        projection_width=sizes["width_project"],
    )
    network = small.network(config)
    filled = original.filled
    lift = original._chain(network.lift.layers, arrays, "lift")
    project = original._chain(network.project.layers, arrays, "project")
    linear = tuple(
        filled(layer, arrays, f"layer{i}/linear", lambda layer: layer)
        for i, layer in enumerate(network.pointwise)
    )
    # The original has (output, input, wave number), ours the wave number first.
    kernels = tuple(
        jnp.asarray(arrays[f"weights/layer{i}/spectral/weight"].transpose(2, 0, 1))
        for i in range(config.layers)
    )
    network = eqx.tree_at(
        lambda n: (n.lift.layers, n.project.layers, n.pointwise), network, (lift, project, linear)
    )
    for i, kernel in enumerate(kernels):
        network = eqx.tree_at(lambda n, i=i: n.convolutions[i].weight, network, kernel)
    value = compiled(network.predict, jnp.asarray(arrays["input"])[:, None])
    np.testing.assert_allclose(value, arrays["out/value"], rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("fields", [1, 2])
def test_dpot_has_the_parameters_of_the_original(fields):
    names = {1: ("u",), 2: ("h", "m")}[fields]
    count = small.size(small.skeleton(DPOTConfig(fields=names)))
    counts = RECORD["parameter_counts"]["cubic" if fields == 1 else "shallow_water"]
    published = counts["DPOT"]["counted"]
    assert count == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize("config", [slow(DPOT), FNO], ids=["dpot", "fno"])
def test_two_fields_on_a_plane(config):
    network = small.network(config)
    context = small.context(config)
    frames = eqx.filter_jit(lambda n, c: rollout(n, c, 2, "sliding"))(network, context)
    assert frames.shape == (2, 2, 8, 6)
    moved = jnp.concatenate([context[1:], frames[:1]])
    np.testing.assert_allclose(frames[1], compiled(network.predict, moved), rtol=2e-5, atol=2e-5)
    with pytest.raises(ValueError, match="reads its context at every step"):
        rollout(network, context, 2, "frozen")


def test_spectral_convolution_is_a_convolution(x64):
    """It commutes with shifts, and on waves it is the matrix of their wave number."""
    layer = SpectralConvolution(2, 3, (2, 3), key=jax.random.key(0))
    z = jax.random.normal(jax.random.key(1), (2, 9, 8), float)
    shifted = compiled(layer, jnp.roll(z, (2, 3), axis=(1, 2)))
    np.testing.assert_allclose(
        shifted, jnp.roll(compiled(layer, z), (2, 3), axis=(1, 2)), atol=1e-14
    )
    x = 2 * np.pi * np.arange(8) / 8
    wave = jnp.asarray(np.cos(2 * x)[None, None] * np.array([1.0, 0.0])[:, None, None])
    found = compiled(layer, jnp.broadcast_to(wave, (2, 9, 8)))
    weight = np.asarray(layer.weight)[2][:, 0]  # wave numbers 0 and 2, from the first channel
    expected = weight.real[:, None] * np.cos(2 * x) - weight.imag[:, None] * np.sin(2 * x)
    np.testing.assert_allclose(found, np.broadcast_to(expected[:, None], (3, 9, 8)), atol=1e-14)
    # Beyond the kept wave numbers there is nothing.
    high = jnp.asarray(np.cos(4 * x))[None, None] * jnp.ones((2, 9, 1))
    np.testing.assert_allclose(compiled(layer, high), 0.0, atol=1e-14)


def test_sizes_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="a number of modes for each of 2 axes; got 1"):
        dataclasses.replace(FNO, modes=(2,))
    with pytest.raises(ValueError, match="6 cells do not have 3 wave numbers"):
        small.network(dataclasses.replace(FNO, modes=(2, 3))).predict(small.context(FNO))
