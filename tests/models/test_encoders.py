"""The recurrent encoder is causal and can be streamed; the others read what they are made for."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.models.parts import ViTConfig
from tests.models import small


def deep(config):
    return dataclasses.replace(config, encoder=dataclasses.replace(config.encoder, layers=2))


DEEP = pytest.mark.parametrize(
    "config", [deep(small.PAIR), deep(small.PLANE)], ids=["line", "plane"]
)


@DEEP
def test_changing_a_frame_changes_no_earlier_state(config, x64):
    encoder = small.network(config).encoder
    context = small.context(config)
    states = eqx.filter_jit(lambda e, c: e.states(c))
    before = np.asarray(states(encoder, context))
    for j in (1, 3):
        after = np.asarray(states(encoder, context.at[j].add(0.5)))
        np.testing.assert_array_equal(after[:j], before[:j])
        assert np.all(np.abs(after[j:] - before[j:]).max(axis=(1, 2)) > 1e-6)


@DEEP
def test_streaming_gives_the_embedding_of_the_window(config, x64):
    encoder = small.network(config).encoder
    context = small.context(config)
    step = eqx.filter_jit(lambda e, state, frame: e.step(state, frame))
    embed = eqx.filter_jit(lambda e, c: e(c))
    every = eqx.filter_jit(lambda e, c: e.embeddings(c))(encoder, context)
    state = encoder.initial_state()
    for j in range(context.shape[0]):
        state, embedding = step(encoder, state, context[j])
        np.testing.assert_allclose(embedding, every[j], rtol=1e-10, atol=1e-12)
    # The short way to the last time is the long way's end.
    np.testing.assert_allclose(embed(encoder, context), every[-1], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(embed(encoder, context[:2]), every[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["vit", "dpot"])
def test_the_other_encoders_see_the_order_of_frames(name):
    config = small.CONFIGURATIONS[name]
    encoder = eqx.filter_jit(small.network(config).encoder)
    context = small.context(config)
    assert encoder(context).shape == (8,)
    assert not np.allclose(encoder(context), encoder(context[::-1]), atol=1e-4)


def test_a_vision_transformer_without_places_ignores_shifts_by_patches(x64):
    config = dataclasses.replace(
        small.LINE, encoder=ViTConfig((1, 4), 1, 8, 1, 2, 8), coordinates=False
    )
    encoder = eqx.filter_jit(small.network(config).encoder)
    context = small.context(config)
    shifted = jnp.roll(context, 4, -1)
    np.testing.assert_allclose(encoder(shifted), encoder(context), rtol=1e-11)


@pytest.mark.parametrize(("depth", "least", "most"), [(1, 1e-2, 1.0), (32, 0.0, 1e-6)])
def test_what_deep_patch_networks_let_through_at_first(depth, least, most):
    """The 32 hidden layers of the authors' ablation hide the context from a fresh network."""
    config = dataclasses.replace(small.LINE, encoder=ViTConfig((1, 4), depth, 64, 1, 4, 8))
    encoder = config.build(jax.random.key(0)).encoder
    tokens = eqx.filter_jit(lambda encoder, context: encoder.tokens(context))
    first, second = (tokens(encoder, small.context(config, seed)) for seed in (1, 2))
    assert least <= np.abs(first - second).mean() <= most


def test_sizes_that_do_not_fit():
    dpot = small.network(small.CONFIGURATIONS["dpot"]).encoder
    with pytest.raises(ValueError, match="reads exactly 5 frames; got 6"):
        dpot(small.context(small.LINE, frames=6))
    odd = dataclasses.replace(small.LINE, encoder=ViTConfig((1, 4), 1, 6, 1, 2, 8))
    with pytest.raises(ValueError, match="must be a multiple of 4; got 6"):
        small.network(odd)
