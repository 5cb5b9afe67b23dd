"""The recurrent encoder takes a short way; the others read what they are made for."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.models.parts import ViTConfig
from tests import drawn
from tests.models import small
from tests.slow import slow


def deep(config):
    return dataclasses.replace(config, encoder=dataclasses.replace(config.encoder, layers=2))


@pytest.mark.parametrize(
    ("config", "frames"),
    [(deep(small.PAIR), 5), slow(deep(small.PAIR), 2), slow(deep(small.PLANE), 5)],
    ids=["line", "line, two frames", "plane"],
)
def test_the_short_way_to_the_last_time_is_the_long_ways_end(config, frames, x64):
    encoder = small.network(config).encoder

    @eqx.filter_jit
    def long_way(encoder, context):
        v = encoder.embed(context) + encoder.positions[None]
        for temporal, spatial in zip(encoder.temporal, encoder.spatial, strict=True):
            v = spatial(temporal(v))
        return jnp.mean(jax.vmap(encoder.norm)(v[-1]), axis=0)

    context = small.context(config, frames=frames)
    found = eqx.filter_jit(encoder)(context)
    np.testing.assert_allclose(found, long_way(encoder, context), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["vit", "dpot"])
def test_the_other_encoders_see_the_order_of_frames(name):
    config = small.CONFIGURATIONS[name]
    encoder = eqx.filter_jit(small.network(config).encoder)
    context = small.context(config)
    assert encoder(context).shape == (8,)
    backwards = jnp.asarray(np.asarray(context)[::-1])
    assert not np.allclose(encoder(context), encoder(backwards), atol=1e-4)


def test_a_vision_transformer_without_places_ignores_shifts_by_patches(x64):
    config = dataclasses.replace(
        small.LINE, encoder=ViTConfig((1, 4), 1, 8, 1, 2, 8), coordinates=False
    )
    encoder = eqx.filter_jit(small.network(config).encoder)
    context = small.context(config)
    shifted = jnp.asarray(np.roll(context, 4, -1))
    np.testing.assert_allclose(encoder(shifted), encoder(context), rtol=1e-11)


@pytest.mark.validation
@pytest.mark.parametrize(("depth", "least", "most"), [(1, 1e-2, 1.0), (32, 0.0, 1e-6)])
def test_what_deep_patch_networks_let_through_at_first(depth, least, most):
    """The 32 hidden layers of the authors' ablation hide the context from a fresh network."""
    config = dataclasses.replace(small.LINE, encoder=ViTConfig((1, 4), depth, 64, 1, 4, 8))
    encoder = drawn.fresh(config.build).encoder
    tokens = eqx.filter_jit(lambda encoder, context: encoder.tokens(context))
    first, second = (np.asarray(tokens(encoder, small.context(config, seed))) for seed in (1, 2))
    assert least <= np.abs(first - second).mean() <= most


def test_sizes_that_do_not_fit():
    dpot = small.network(small.CONFIGURATIONS["dpot"]).encoder
    with pytest.raises(ValueError, match="reads exactly 5 frames; got 6"):
        dpot(small.context(small.LINE, frames=6))
    odd = dataclasses.replace(small.LINE, encoder=ViTConfig((1, 4), 1, 6, 1, 2, 8))
    with pytest.raises(ValueError, match="must be a multiple of 4; got 6"):
        small.network(odd)
