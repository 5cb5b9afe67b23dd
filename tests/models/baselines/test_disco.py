"""DISCO: its convolutions, positions, solver and standardisation, and the original's numbers."""

import dataclasses
import json
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy

from hfluxno.models.baselines.disco.attention import AxisAttention, offset_bins
from hfluxno.models.baselines.disco.config import DISCOConfig
from hfluxno.models.baselines.disco.convolution import (
    Convolution,
    circular,
    doubled,
    halved,
    pointwise,
)
from hfluxno.models.baselines.disco.disco import integrated
from hfluxno.models.baselines.disco.unet import UNet, normalised
from hfluxno.models.rollout import rollout
from hfluxno.models.weights import SHIPPED
from hfluxno.training.presets import preset
from tests import drawn
from tests.compiled import compiled
from tests.models import small
from tests.models.baselines import original_disco as original
from tests.models.original import recorded
from tests.slow import slow

TOLERANCE = 1e-10  # both compute in float64
LINE = DISCOConfig(
    cells=(9,), spacing=(0.1,), context=3, embedding=8, blocks=1, heads=2, mlp_width=4, channels=2,
    levels=1,
)  # fmt: skip
PAIR = dataclasses.replace(LINE, fields=("h", "m"))
PLANE = dataclasses.replace(PAIR, cells=(8, 7), spacing=(0.1, 0.2))


def layer(inputs, outputs, taps, seed=0):
    random = np.random.default_rng(seed)
    fresh = Convolution(inputs, outputs, taps)
    return eqx.tree_at(
        lambda c: (c.weight, c.bias),
        fresh,
        tuple(jnp.asarray(random.normal(size=a.shape)) for a in (fresh.weight, fresh.bias)),
    )


def field(*shape, seed=1):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


# --- parts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", [(5,), (1,), (4, 3)])
@pytest.mark.parametrize("inputs", [6, 2, 1])
def test_circular_convolution_is_its_sum(space, inputs, x64):
    outputs = 6 // inputs if inputs < 6 else 4
    convolution, u = layer(inputs, outputs, (3,) * len(space)), field(6, *space)
    found = compiled(circular, convolution, u)
    weight, bias = np.asarray(convolution.weight), np.asarray(convolution.bias)
    u, expected = np.asarray(u), np.zeros((outputs, *space))
    for o in range(outputs):
        # With fewer inputs than channels every output sees the next ones.
        first = 0 if inputs == 6 else o * inputs
        for place in np.ndindex(*space):
            expected[o][place] = bias[o]
            for tap in np.ndindex(*(3,) * len(space)):
                seen = tuple((np.array(place) + tap - 1) % space)
                for i in range(inputs):
                    expected[o][place] += weight[(o, i, *tap)] * u[(first + i, *seen)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_halving_looks_at_pairs_and_leaves_the_odd_cell_out(x64):
    convolution, u = layer(3, 2, (2,)), field(3, 7)
    found = compiled(halved, convolution, u)
    weight, bias, u = (np.asarray(a) for a in (convolution.weight, convolution.bias, u))
    expected = [
        weight[:, :, 0] @ u[:, 2 * j] + weight[:, :, 1] @ u[:, 2 * j + 1] + bias for j in range(3)
    ]
    np.testing.assert_allclose(found, np.stack(expected, 1), rtol=1e-12)


@pytest.mark.parametrize("space", [(8,), (7,), (4, 5)])
def test_doubling_is_the_transpose_of_halving(space, x64):
    down = layer(3, 2, (2,) * len(space))
    down = eqx.tree_at(lambda c: c.bias, down, jnp.asarray(np.zeros(2)))
    up = Convolution(2, 3, (2,) * len(space))
    up = eqx.tree_at(lambda c: c.weight, up, jnp.asarray(np.swapaxes(down.weight, 0, 1)))
    u, v = field(3, *space), field(2, *(n // 2 for n in space), seed=2)
    left = np.sum(np.asarray(compiled(halved, down, u)) * np.asarray(v))
    right = np.sum(np.asarray(u) * np.asarray(compiled(doubled, up, v, space)))
    np.testing.assert_allclose(left, right, rtol=1e-12)
    # The cell that halving leaves out gets the bias alone.
    if space == (7,):
        up = eqx.tree_at(lambda c: c.bias, up, jnp.asarray(np.arange(3.0) + 1.0))
        last = np.asarray(compiled(doubled, up, v, space))[:, 6]
        np.testing.assert_array_equal(last, [1.0, 2.0, 3.0])


def test_a_pointwise_layer_and_a_norm(x64):
    convolution, u = layer(4, 3, (1, 1)), field(4, 3, 2)
    expected = np.einsum("oi,ixy->oxy", np.asarray(convolution.weight)[..., 0, 0], u)
    expected += np.asarray(convolution.bias)[:, None, None]
    np.testing.assert_allclose(compiled(pointwise, convolution, u), expected, rtol=1e-12)
    halves = np.split(np.asarray(compiled(normalised, u, 2)), 2)
    np.testing.assert_allclose([half.mean() for half in halves], 0.0, atol=1e-14)
    np.testing.assert_allclose([half.std() for half in halves], 1.0, rtol=1e-4)


def test_bins_of_offsets():
    # Eight distances by themselves; then a bin begins at every 8·√2^k.
    starts = [*range(8), 8, 12, 16, 23, 32, 46, 64, 91]
    expected = [np.searchsorted(starts, d, "right") - 1 for d in range(300)]
    table = offset_bins(300)
    np.testing.assert_array_equal(table[:, 0], expected)  # what came before
    np.testing.assert_array_equal(table[0, 1:], np.add(expected[1:], 16))  # what comes after
    np.testing.assert_array_equal(np.diagonal(table), 0)


def test_attention_is_its_definition(x64):
    heads, size, tokens = 2, 3, 4
    attention = drawn.module(AxisAttention, heads * size, heads)
    norms = (jnp.asarray(np.ones(size)), jnp.asarray(np.zeros(size))) * 2
    attention = eqx.tree_at(
        lambda a: (a.query_norm.weight, a.query_norm.bias, a.key_norm.weight, a.key_norm.bias),
        attention,
        norms,
    )
    x = field(tokens, heads * size)

    def of_heads(linear):
        rows = np.asarray(x) @ np.asarray(linear.weight).T + np.asarray(linear.bias)
        return rows.reshape(tokens, heads, size)

    def normal(rows):
        deviation = np.sqrt(rows.var(axis=-1, keepdims=True) + 1e-5)
        return (rows - rows.mean(axis=-1, keepdims=True)) / deviation

    query, key = normal(of_heads(attention.query)), normal(of_heads(attention.key))
    value = of_heads(attention.value)
    # Three tokens before are bin 3, three after are bin 16 + 3.
    bins = [[i - j if j <= i else 16 + j - i for j in range(tokens)] for i in range(tokens)]
    offset = np.asarray(attention.offsets)[np.array(bins)]
    scores = np.einsum("ihc,jhc->ijh", query, key) / np.sqrt(size) + offset
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    expected = np.einsum("ijh,jhc->ihc", weights, value).reshape(tokens, -1)
    np.testing.assert_allclose(compiled(attention, x), expected, rtol=1e-12)
    # A token alone sees its own value.
    alone = np.asarray(compiled(attention, np.asarray(x)[:1]))[0]
    np.testing.assert_allclose(alone, value[0].reshape(-1), rtol=1e-12)


@eqx.filter_jit
def derivative_of(network, u):
    return network(u)


# The solution of another solver is among the numbers of the original.
@pytest.mark.validation
def test_the_solver_solves_the_equation(x64):
    start = UNet(1, 1, 2, 2, 2)
    random = np.random.default_rng(0)
    unet = jax.tree.map(lambda leaf: jnp.asarray(random.normal(0.0, 0.5, leaf.shape)), start)
    u = field(1, 12)
    found = compiled(integrated, unet, u, DISCOConfig(rtol=1e-8, atol=1e-10, substeps=1000))
    exact = scipy.integrate.solve_ivp(
        lambda t, u: np.asarray(derivative_of(unet, jnp.asarray(u)[None])[0]),
        (0.0, 1.0), u[0], "DOP853", rtol=1e-10, atol=1e-12,
    ).y[:, -1]  # fmt: skip
    assert np.abs(exact - u[0]).max() > 0.5
    np.testing.assert_allclose(found[0], exact, rtol=1e-6, atol=1e-6)


# --- the network ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["disco", slow("disco_2d")])
def test_the_numbers_of_the_original(name, x64):
    arrays = recorded(name, "baselines")
    network = original.network(name, arrays)

    @eqx.filter_jit
    def forecast(network, context):
        operator = network.read(context)
        standard = (context - operator.mean[None]) / operator.deviation[None]
        return network.encoder(standard), operator, operator(context[-1])

    context, frames = jnp.asarray(arrays["context"]), []
    for step in range(3):
        embedding, operator, u = forecast(network, context)
        if step == 0:
            np.testing.assert_allclose(embedding, arrays["out/embedding"], rtol=TOLERANCE)
            weights = jax.tree.leaves(operator.derivative)
            for key, weight in zip(original.ARRAYS, weights, strict=True):
                expected = original.own_layout(key, arrays[f"out/params/{key}"])
                np.testing.assert_allclose(
                    weight, expected.reshape(weight.shape), rtol=TOLERANCE, atol=TOLERANCE
                )
        frames.append(u)
        context = jnp.asarray(np.concatenate([context, u[None]])[1:])
    np.testing.assert_allclose(frames[0], arrays["out/next"], rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(frames, arrays["out/rollout"], rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("problem", ["cubic", "shallow_water"])
def test_parameters_are_those_that_the_original_uses(problem):
    fields = {"cubic": ("u",), "shallow_water": ("h", "m")}[problem]
    about = json.loads((original._FOLDER / "baselines_original.json").read_text())
    counts = about["parameter_counts"][problem]["DISCO"]
    assert small.size(small.skeleton(DISCOConfig(fields=fields))) == counts["used"]


@pytest.mark.validation
def test_a_batch_in_single_precision_commutes_with_scales_and_shifts():
    network, context = small.network(PAIR), small.context(PAIR)
    scale, shift = (jnp.array(pair)[:, None] for pair in ((30.0, 0.1), (2.0, -1.0)))
    contexts = jnp.stack([context, scale[None] * context + shift[None], context[::-1]])
    found = np.asarray(compiled(jax.vmap(network.predict), contexts))
    assert found.dtype == np.float32
    change = np.abs(found[0] - context[-1]).max()
    assert change > 0.1
    np.testing.assert_allclose((found[1] - shift) / scale, found[0], atol=1e-3 * change)
    assert np.abs(found[2] - found[0]).max() > 0.1 * change


@pytest.mark.parametrize(
    ("config", "mode"),
    [slow(LINE, "sliding"), slow(PAIR, "frozen"), (PLANE, "sliding")],
    ids=["line", "two fields", "plane"],
)
def test_shapes(config, mode):
    network, context = small.network(config), small.context(config)
    frames = eqx.filter_eval_shape(lambda n, c: rollout(n, c, 2, mode), network, context)
    assert frames.shape == (2, len(config.fields), *config.cells)


@pytest.mark.validation
def test_single_precision_stays_where_double_is_allowed():
    network, context = small.network(LINE), small.context(LINE)
    with jax.enable_x64(True):
        frame = eqx.filter_eval_shape(lambda n, c: n.predict(c), network, context)
    assert frame.dtype == jnp.float32


@pytest.mark.validation
def test_the_gradient_is_the_slope(x64):
    """Also where a field is constant, whose deviation is zero."""
    network = small.network(PAIR)
    context = small.context(PAIR).at[:, 1].set(0.5)

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def error(network, context):
        return jnp.sum(jnp.square(network.predict(context)))

    _, gradient = error(network, context)
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(gradient)]
    norm = np.sqrt(sum(np.sum(leaf**2) for leaf in leaves))
    assert np.isfinite(norm)
    step = jax.tree.map(lambda g: 1e-5 / norm * g, gradient)
    further, _ = error(jax.tree.map(jnp.add, network, step), context)
    back, _ = error(jax.tree.map(jnp.subtract, network, step), context)
    np.testing.assert_allclose((further - back) / 2e-5, norm, rtol=1e-3)
    # Along the axes of length 1 there is nothing to look for.
    unused = [
        (a.query, a.key, a.query_norm, a.key_norm, a.offsets)
        for a in gradient.encoder.blocks[0][1].attentions[1:]
    ]
    assert sum(not np.any(leaf) for leaf in leaves) == len(jax.tree.leaves(unused))


# --- drop-path --------------------------------------------------------------------------------

DEEP = dataclasses.replace(LINE, blocks=3, drop_path=0.5)


def branches(encoder):
    """The scale of every branch: (block, branch, embedding)."""
    return jnp.stack(
        [jnp.stack([time.scale, space.scale, space.mlp_scale]) for time, space in encoder.blocks]
    )


def test_branches_are_left_out_at_rates_that_rise_with_depth():
    encoder = small.network(DEEP).encoder
    count = 4000
    keys = jax.random.split(jax.random.key(0), count)
    factors = compiled(
        jax.vmap(lambda encoder, key: branches(encoder.thinned(0.5, key)), (None, 0)), encoder, keys
    )
    factors = np.asarray(factors / branches(encoder)[None])
    # One draw is for the whole branch.
    np.testing.assert_allclose(np.ptp(factors, axis=-1), 0.0, atol=1e-5)
    factors = factors[..., 0]
    for block, rate in enumerate((0.0, 0.25, 0.5)):
        seen = factors[:, block]
        np.testing.assert_allclose(seen[seen > 0.0], 1.0 / (1.0 - rate), rtol=1e-5)
        # Within four standard deviations.
        sigma = np.sqrt(rate * (1.0 - rate) / count)
        np.testing.assert_allclose(np.mean(seen == 0.0, axis=0), rate, atol=4.0 * sigma + 1e-9)
        np.testing.assert_allclose(np.mean(seen, axis=0), 1.0, atol=4.0 * sigma / (1.0 - rate))
    # Each by itself.
    drawn = factors[:, 1:].reshape(count, -1) > 0.0
    correlation = np.corrcoef(drawn.T) - np.eye(6)
    assert np.abs(correlation).max() < 4.0 / np.sqrt(count)


@pytest.mark.validation
def test_a_block_without_its_branches_is_the_identity(x64):
    """And one with all of them is divided by what is kept."""
    encoder = small.network(DEEP).encoder
    x = field(3, 2, 1, 1, 8)
    keys = jax.random.split(jax.random.key(1), 60)
    thinned = eqx.filter_jit(lambda encoder, key: encoder.thinned(0.5, key))
    of_key = eqx.filter_jit(lambda encoder, key: branches(encoder.thinned(0.5, key)))
    factors = np.stack([of_key(encoder, key) for key in keys])[..., 0]
    nothing = keys[np.flatnonzero(~factors[:, 2].any(axis=-1))[0]]
    time, space = thinned(encoder, nothing).blocks[2]
    np.testing.assert_array_equal(compiled(space, compiled(time, x)), x)
    timely = keys[np.flatnonzero(factors[:, 2, 0])[0]]
    thin, whole = thinned(encoder, timely).blocks[2][0], encoder.blocks[2][0]
    found, expected = (np.asarray(compiled(block, x)) - np.asarray(x) for block in (thin, whole))
    np.testing.assert_allclose(found, 2.0 * expected, rtol=1e-10)


@pytest.mark.validation
def test_a_thinned_encoder_has_a_finite_gradient():
    """Also where a field is constant."""
    encoder = small.network(dataclasses.replace(DEEP, blocks=2)).encoder
    context = small.context(DEEP).at[:, 0].set(0.5)

    @eqx.filter_jit
    @eqx.filter_grad
    def gradient(encoder, key):
        return jnp.sum(jnp.sin(encoder.thinned(0.5, key)(context)))

    found = gradient(encoder, jax.random.key(2))
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(found))
    left_out = np.asarray(branches(encoder.thinned(0.5, jax.random.key(2))))[..., 0] == 0.0
    assert 0 < left_out.sum() < 6
    np.testing.assert_array_equal(np.all(branches(found) == 0.0, axis=-1), left_out)


def test_only_training_leaves_branches_out():
    network = small.network(LINE)
    never = small.network(dataclasses.replace(LINE, drop_path=0.0))
    assert network.config.drop_path == 0.1  # as the original is trained
    assert never.while_training(jax.random.key(0)) is never
    assert jax.tree.structure(network.encoder) == jax.tree.structure(never.encoder)
    thinned = network.while_training(jax.random.key(0))
    assert jax.tree.structure(thinned) == jax.tree.structure(network)


def test_the_shipped_weights_say_how_they_were_trained():
    for law in ("cubic", "shallow-water", "burgers"):
        described = json.loads((SHIPPED / f"disco-{law}" / "config.json").read_text())
        assert described["model"]["drop_path"] == 0.1
        assert preset(f"cpu-disco-{law}").model.drop_path == 0.1
        assert preset(f"paper-disco-{law}").model.drop_path == 0.1


def test_weights_are_bounded():
    generator = small.network(LINE).generator
    # A sum over three cells of one field, then over three of two channels.
    np.testing.assert_allclose(generator.bounds[:4], np.array([3, 3, 6, 6]) ** -0.5)
    leaves = jax.tree.leaves(compiled(generator, jnp.full(8, 1e4)))
    for bound, leaf in zip(generator.bounds, leaves, strict=True):
        np.testing.assert_allclose(np.abs(leaf).max(), 2.0 * bound, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cells": (15,), "levels": 4}, "for all halvings, here 16; got \\(15,\\) and 4 levels"),
        ({"patch": 6}, "must be a multiple of 4; got 6"),
        ({"embedding": 6}, "an embedding that is a multiple of 4, and heads; got 6 and 2"),
        ({"heads": 3}, "must divide its embedding of 8; got 3 heads"),
        ({"groups": 3}, "must divide its 2 channels; got 3"),
        ({"drop_path": 1.0}, "must be in \\[0, 1\\); got 1.0"),
        ({"substeps": 0}, "positive tolerances and at least one substep"),
    ],
)
def test_what_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(LINE, **changes)


@pytest.mark.validation
def test_a_configuration_does_not_import_the_solver():
    program = (
        "import sys, hfluxno.models.registry, hfluxno.models.baselines.disco.config\n"
        "sys.exit('diffrax' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
