"""ICON: its prompt, what does not change its answer, its strides, and the original's numbers."""

import dataclasses
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.models.baselines.icon.model import ICONConfig, rows, starts
from hfluxno.models.rollout import rollout
from tests import drawn
from tests.compiled import compiled
from tests.models import small
from tests.slow import slow

ORACLE = Path(__file__).parents[2] / "oracle"
CONFIG = ICONConfig(
    fields=("h", "m"),
    cells=(6,),
    spacing=(0.1,),
    context=7,
    examples_from="context",
    stride=3,
    examples=2,
    points=3,
    width=4,
    layers=1,
    heads=3,
    widening=2,
)

# The examples are given beside the context.
LAW = dataclasses.replace(CONFIG, context=3, examples_from="law")


def sensitive(config=CONFIG):
    """Norms and averages make small numbers alike: with large ones every token matters."""

    def large(leaf):
        return jnp.asarray(3.0 * np.asarray(leaf)) if eqx.is_inexact_array(leaf) else leaf

    return jax.tree.map(large, small.network(config))


def test_the_prompt_is_written_as_published(x64):
    network, context = sensitive(), np.asarray(small.context(CONFIG))
    operator = compiled(network.read, jnp.asarray(context))
    u = context[5] + 1.0
    # The examples begin at the frames 0 and 3.
    states = [
        (context[0], [1, 0, 0]), (context[3], [-1, 0, 0]),
        (context[3], [0, 1, 0]), (context[6], [0, -1, 0]),
        (u, [0, 0, 1]),
    ]  # fmt: skip
    prompt = [
        [x, state[0, cell], state[1, cell], *number]
        for state, number in states
        for x, cell in ((1 / 12, 0), (5 / 12, 2), (9 / 12, 4))
    ]

    def expected(transformer, prompt, places):
        return transformer(transformer.tokens(prompt), places)

    places = jnp.asarray([1.0, 3.0, 5.0, 7.0, 9.0, 11.0]) / 12.0
    answer = compiled(operator, jnp.asarray(u))
    assert answer.shape == (2, 6)
    np.testing.assert_allclose(
        answer, compiled(expected, network.transformer, jnp.asarray(prompt), places), rtol=1e-10
    )


def random_pairs(config, seed=4):
    shape = (config.examples, 2, len(config.fields), *config.cells)
    return np.random.default_rng(seed).normal(size=shape)


def test_the_prompt_of_given_examples_is_written_as_published(x64):
    network, pairs = sensitive(LAW), random_pairs(LAW)
    operator = compiled(network.shown, jnp.asarray(pairs)).operator
    u = np.random.default_rng(5).normal(size=(2, 6))
    # One block after the other: condition, quantity, …, and the question last.
    states = [
        (pairs[0, 0], [1, 0, 0]), (pairs[0, 1], [-1, 0, 0]),
        (pairs[1, 0], [0, 1, 0]), (pairs[1, 1], [0, -1, 0]),
        (u, [0, 0, 1]),
    ]  # fmt: skip
    prompt = [
        [(cell + 0.5) / 6, state[0, cell], state[1, cell], *number]
        for state, number in states
        for cell in (0, 2, 4)
    ]

    def expected(transformer, prompt):
        return transformer(transformer.tokens(prompt), (jnp.arange(6.0) + 0.5) / 6.0)

    found = compiled(expected, network.transformer, jnp.asarray(prompt))
    np.testing.assert_allclose(compiled(operator, jnp.asarray(u)), found, rtol=1e-10)


# Both prompts are compared with what is published above.
@pytest.mark.validation
def test_given_pairs_of_the_context_answer_as_those_that_are_taken_from_it(x64):
    context = small.context(CONFIG)
    taken = compiled(sensitive(CONFIG).predict, context)
    frames = np.asarray(context)
    pairs = np.stack([frames[:4:3], frames[3::3]], axis=1)
    given = compiled(lambda n, p, c: n.shown(p).predict(c), sensitive(LAW), pairs, context[-3:])
    np.testing.assert_allclose(given, taken, rtol=1e-10)


def test_examples_have_no_order_but_the_numbers_that_mark_them(x64):
    network, pairs = sensitive(LAW), random_pairs(LAW)
    context = small.context(LAW)

    def answer(network, pairs):
        return network.shown(pairs).predict(context)

    expected = compiled(answer, network, pairs)
    columns = np.asarray(network.transformer.embed.weight)
    # The numbers of the two examples are the columns behind the place and the fields.
    exchanged = eqx.tree_at(
        lambda n: n.transformer.embed.weight,
        network,
        jnp.asarray(columns[:, [0, 1, 2, 4, 3, 5]]),
    )
    np.testing.assert_allclose(compiled(answer, exchanged, pairs[::-1]), expected, rtol=1e-9)
    assert not np.allclose(compiled(answer, exchanged, pairs), expected, rtol=1e-3)
    # What became of a condition matters, and which of the two it was.
    assert not np.allclose(compiled(answer, network, pairs[:, ::-1]), expected, rtol=1e-3)


@pytest.mark.validation
def test_a_roll_out_keeps_its_examples(x64):
    network, context = sensitive(LAW), small.context(LAW)
    shown = compiled(network.shown, random_pairs(LAW))
    operator = shown.operator
    for mode in ("frozen", "sliding"):
        found = compiled(rollout, shown, context, 5, mode)
        before = np.concatenate([context, found[:2]])
        np.testing.assert_allclose(found, compiled(operator.together, before), rtol=1e-9)


def test_examples_where_they_do_not_belong_or_are_missing():
    context, pairs = small.context(LAW), jnp.asarray(random_pairs(LAW))
    with pytest.raises(ValueError, match="takes its examples from other trajectories of the law"):
        small.network(LAW).predict(context)
    with pytest.raises(ValueError, match="HFluxNO reads only a context; give it no examples"):
        small.network(small.LINE).shown(pairs)
    with pytest.raises(ValueError, match="context of at least its stride, 3 frames; got 2"):
        dataclasses.replace(LAW, context=2)


def test_examples_are_spread_evenly_to_the_newest():
    np.testing.assert_array_equal(starts(20, 1, 5), [0, 5, 9, 14, 18])
    np.testing.assert_array_equal(starts(25, 20, 5), [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(starts(9, 2, 1), [6])
    for frames in range(8, 30):
        found = starts(frames, 3, 5)
        assert found[0] == 0 and found[-1] == frames - 4 and np.all(np.diff(found) > 0)


@pytest.mark.validation
def test_the_order_of_tokens_and_of_places_means_nothing(x64):
    transformer = sensitive().transformer
    random = np.random.default_rng(3)
    tokens, places = random.normal(size=(9, 4)), random.uniform(size=6)
    answer = compiled(transformer, tokens, places)
    shuffled = compiled(transformer, tokens[random.permutation(9)], places)
    np.testing.assert_allclose(shuffled, answer, rtol=1e-10, atol=1e-12)
    order = random.permutation(6)
    elsewhere = compiled(transformer, tokens, places[order])
    np.testing.assert_allclose(elsewhere, np.asarray(answer)[:, order], rtol=1e-11)


def test_a_step_starts_from_the_frame_a_stride_before(x64):
    network, context = sensitive(), small.context(CONFIG)
    operator = compiled(network.read, context)
    assert operator.stride == 3
    frozen = compiled(rollout, network, context, 5, "frozen")
    before = np.concatenate([np.asarray(context)[-3:], np.asarray(frozen)[:2]])
    np.testing.assert_allclose(frozen, compiled(operator.together, before), rtol=1e-9)

    sliding = compiled(rollout, network, context, 2, "sliding")
    sliding, frozen = np.asarray(sliding), np.asarray(frozen)
    np.testing.assert_allclose(sliding[0], compiled(network.predict, context), rtol=1e-9)
    np.testing.assert_allclose(sliding[0], frozen[0], rtol=1e-9)
    assert not np.allclose(sliding[1], frozen[1], rtol=1e-4)


@pytest.mark.validation
@pytest.mark.parametrize("config", [CONFIG, slow(LAW)], ids=["context", "law"])
def test_every_parameter_has_a_finite_gradient(x64, config):
    network, context = small.network(config), small.context(config)
    pairs = jnp.asarray(random_pairs(config))

    @eqx.filter_grad
    def gradient(network):
        ready = network if config.pairs is None else network.shown(pairs)
        return jnp.sum(ready.predict(context) ** 2)

    for path, leaf in jax.tree.leaves_with_path(compiled(gradient, network)):
        assert np.all(np.isfinite(leaf))
        # The same number added to the scores of all keys changes nothing.
        assert np.any(leaf != 0.0) or jax.tree_util.keystr(path).endswith(".key.bias")


def test_a_context_or_a_configuration_that_does_not_fit_is_refused():
    def config(**changes):
        return dataclasses.replace(CONFIG, **changes)

    with pytest.raises(ValueError, match=r"at least stride \+ examples = 5 frames; got 4"):
        config(context=4)
    with pytest.raises(ValueError, match=r"at least stride \+ examples = 5 frames; got 4"):
        small.network(CONFIG).read(small.context(CONFIG, frames=4))
    with pytest.raises(ValueError, match="must divide its 6 cells; got 4"):
        config(points=4)
    with pytest.raises(ValueError, match="for one axis; got 2"):
        config(cells=(6, 6), spacing=(0.1, 0.1))
    with pytest.raises(ValueError, match="needs a positive heads; got 0"):
        config(heads=0)
    assert config(context=5).context_mode == "frozen"


def test_a_fresh_network_has_the_published_scales():
    config = dataclasses.replace(CONFIG, width=32)
    transformer = drawn.fresh(config.build).transformer
    for layer in (*transformer.encoder, *transformer.decoder):
        for linear in (layer.attention.query, layer.attention.leave, layer.narrow):
            bound = np.sqrt(6.0 / sum(linear.weight.shape))
            assert 0.99 * bound < np.max(np.abs(linear.weight)) <= bound
            assert not np.any(linear.bias)
    # A normal number that is cut at two deviations has 0.88 of the deviation.
    np.testing.assert_allclose(np.std(transformer.embed.weight), 0.88 / np.sqrt(6.0), rtol=0.15)
    assert np.max(np.abs(transformer.embed.weight)) <= 2.0 / np.sqrt(6.0)


@pytest.mark.parametrize("examples", [5, 20])
def test_the_published_sizes_have_the_published_number_of_parameters(examples):
    counts = json.loads((ORACLE / "baselines_original.json").read_text())["parameter_counts"]
    found = small.size(small.skeleton(ICONConfig(examples=examples)))
    assert found == counts["cubic"][f"ICON, {examples} demos"]["real"]
    assert abs(found / 31.6e6 - 1.0) < 0.02


def test_the_numbers_of_the_original(x64):
    with np.load(ORACLE / "baselines_original.npz") as file:
        arrays = {
            key.removeprefix("icon/"): file[key] for key in file.files if key.startswith("icon/")
        }
    sizes = json.loads((ORACLE / "baselines_original.json").read_text())["cases"]["icon"]["sizes"]
    examples, cells = sizes["demo_num"], len(arrays["coordinates"])
    config = ICONConfig(
        cells=(cells,),
        spacing=(1.0 / cells,),
        examples=examples,
        width=sizes["hidden_dim"],
        layers=sizes["num_layers"],
        heads=sizes["num_heads"],
    )
    transformer = _with_weights(small.network(config).transformer, arrays)

    # Our rows are those of the original, but for its rounded coordinates.
    pairs = np.empty((2 * examples + 1, 1, cells))
    pairs[0::2, 0], pairs[1::2, 0] = arrays["conditions"][..., 0], arrays["quantities"][..., 0]
    numbers = np.zeros((2 * examples + 1, examples + 1))
    numbers[0::2], numbers[1::2] = np.eye(examples + 1), -np.eye(examples, examples + 1)
    ours, prompt = rows(jnp.asarray(pairs), numbers, 1), arrays["prompt"]
    np.testing.assert_array_equal(ours[:, 1:], prompt[:, 1:])
    np.testing.assert_allclose(ours[:, 0], prompt[:, 0], atol=2.0**-11)

    assert np.all(arrays["mask"])
    query = jnp.asarray(arrays["query"][:, 0])
    found = compiled(lambda t, p, q: t(t.tokens(p), q), transformer, jnp.asarray(prompt), query)
    np.testing.assert_allclose(found, arrays["out/value"].T, rtol=1e-10, atol=1e-10)


def _with_weights(transformer, arrays):
    """The transformer with the recorded weights. Haiku counts the modules of a kind from none."""
    weights = {
        key.removeprefix("weights/solver_model/~/"): jnp.asarray(value)
        for key, value in arrays.items()
        if key.startswith("weights/")
    }

    def numbered(name, i):
        return name if i == 0 else f"{name}_{i}"

    def linear(ours, name):
        parts = weights.pop(f"{name}/w").T, weights.pop(f"{name}/b")
        assert ours.weight.shape == parts[0].shape
        return eqx.tree_at(lambda layer: (layer.weight, layer.bias), ours, parts)

    def norm(ours, where, i):
        name = f"{where}/{numbered('layer_norm', i)}"
        parts = weights.pop(f"{name}/scale"), weights.pop(f"{name}/offset")
        return eqx.tree_at(lambda layer: (layer.weight, layer.bias), ours, parts)

    def layer(ours, where, attention, i, norms):
        return eqx.tree_at(
            lambda layer: (
                layer.attention.query, layer.attention.key, layer.attention.value,
                layer.attention.leave, layer.attention_norm,
                layer.widen, layer.narrow, layer.mlp_norm,
            ),
            ours,
            (
                *(
                    linear(getattr(ours.attention, part), f"{where}/{attention}/{name}")
                    for part, name in
                    (("query", "query"), ("key", "key"), ("value", "value"), ("leave", "linear"))
                ),
                norm(ours.attention_norm, where, norms + 2 * i),
                linear(ours.widen, f"{where}/{numbered('linear', 2 * i)}"),
                linear(ours.narrow, f"{where}/{numbered('linear', 2 * i + 1)}"),
                norm(ours.mlp_norm, where, norms + 2 * i + 1),
            ),
        )  # fmt: skip

    encoder, decoder = "self_attn_transformer", "cross_attn_transformer"
    filled = eqx.tree_at(
        lambda t: (
            t.embed, t.place, t.answer, t.embed_norm, t.place_norm, t.key_norm, t.value_norm,
            t.encoder, t.decoder,
        ),
        transformer,
        (
            linear(transformer.embed, "linear"),
            linear(transformer.place, "linear_1"),
            linear(transformer.answer, "linear_2"),
            norm(transformer.embed_norm, encoder, 0),
            norm(transformer.place_norm, decoder, 0),
            norm(transformer.key_norm, decoder, 1),
            norm(transformer.value_norm, decoder, 2),
            tuple(
                layer(ours, encoder, numbered("multi_head_attention", i), i, 1)
                for i, ours in enumerate(transformer.encoder)
            ),
            tuple(
                layer(ours, decoder, f"attn_{i}", i, 3)
                for i, ours in enumerate(transformer.decoder)
            ),
        ),
    )  # fmt: skip
    assert not weights
    return filled
