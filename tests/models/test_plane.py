"""HFluxNO on a plane: two fluxes, each along its own axis, and the sizes that are published."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.models.network import FluxOperator
from hfluxno.training.plane_presets import PUBLISHED
from tests.compiled import compiled
from tests.models import small
from tests.models.small import read, step
from tests.slow import slow

# A plane of cells that are no squares, and fluxes that do not see where they are.
FREE = dataclasses.replace(small.PLANE, coordinates=False)


def operator(config=FREE):
    return read(small.network(config), small.context(config))


def along(axis: int):
    """A state that varies along one axis alone."""
    u = np.asarray(small.context(FREE)[-1])
    return np.broadcast_to(np.take(u, [0], axis=2 - axis), u.shape)


def counted(config) -> int:
    return small.size(small.skeleton(config))


@pytest.mark.parametrize(
    ("name", "count", "published", "tolerance"),
    [
        ("hfluxno", 6_718_728, 6.72e6, 1e-3),
        # One bias for each cell of a patch in the last layer, which the authors' shares: 32 256.
        ("dpot", 6_292_484, 6.26e6, 6e-3),
        # The authors' holds encoders for other dimensions and a U-Net that it never uses.
        ("disco", 6_399_916, 6.62e6, 4e-2),
    ],
)
def test_networks_have_the_published_size(name, count, published, tolerance):
    assert counted(PUBLISHED[name]) == count == pytest.approx(published, rel=tolerance)


@pytest.mark.validation
def test_what_the_authors_count_beside_what_is_used():
    """DPOT's biases, and DISCO's parts for a line and for space and its spare U-Net."""
    cells = 8 * 8
    assert counted(PUBLISHED["dpot"]) - 512 * (cells - 1) == pytest.approx(6.26e6, rel=1e-4)
    disco = PUBLISHED["disco"]
    spare = 0
    for axes in (1, 3):
        other = dataclasses.replace(disco, cells=(64,) * axes, spacing=(1 / 64,) * axes)
        encoder = small.skeleton(other).encoder
        spare += small.size((encoder.lift, encoder.stages))
    unet = small.skeleton(disco).generator.template.size
    assert counted(disco) + spare + unet == pytest.approx(6.62e6, rel=1e-3)


# Small ones conserve for 1 000 steps in test_conservation.py.
@pytest.mark.validation
def test_the_published_network_conserves_at_random_weights(x64):
    config = PUBLISHED["hfluxno"]
    network = config.build(jax.random.key(3))
    gas = np.random.default_rng(0).uniform(0.3, 1.8, (config.context, 4, 64, 64))
    found = np.asarray(step(network, jnp.asarray(gas)))
    assert np.abs(found - gas[-1]).max() > 1e-3
    np.testing.assert_allclose(found.mean((1, 2)), gas[-1].mean((1, 2)), rtol=1e-14)


@pytest.mark.parametrize("axis", [0, slow(1)])
def test_a_state_that_varies_along_one_axis_moves_by_the_flux_of_that_axis(axis, x64):
    found, u = operator(), along(axis)
    moved = compiled(found, u)
    assert np.abs(moved - u).max() > 1e-3
    line = np.take(u, 0, axis=2 - axis)
    grid, (low, high) = found.grid, (found.grid.lower[axis], found.grid.upper[axis])
    alone = FluxOperator(
        (found.fluxes[axis],), Grid.interval(grid.shape[axis], low, high), found.interval
    )
    expected = np.expand_dims(compiled(alone, line), 2 - axis)
    np.testing.assert_allclose(moved, np.broadcast_to(expected, u.shape), rtol=1e-12)


def test_fluxes_and_axes_change_places_together(x64):
    found, u = operator(), small.context(FREE)[-1]
    turned = Grid(*((*pair,)[::-1] for pair in (found.grid.lower, found.grid.upper)),
                  found.grid.shape[::-1], found.grid.boundary)  # fmt: skip
    other = FluxOperator(found.fluxes[::-1], turned, found.interval)
    there = compiled(other, np.swapaxes(u, 1, 2))
    np.testing.assert_allclose(np.swapaxes(there, 1, 2), compiled(found, u), rtol=1e-11)


def test_fluxes_without_places_commute_with_shifts_and_keep_a_free_stream(x64):
    found, u = operator(), np.asarray(small.context(FREE)[-1])
    for shift in ((3, 0), (0, 2), (5, 1)):
        moved = compiled(found, np.roll(u, shift, (1, 2)))
        np.testing.assert_allclose(moved, np.roll(compiled(found, u), shift, (1, 2)), atol=1e-13)
    stream = np.broadcast_to(np.array([0.7, -1.3])[:, None, None], u.shape)
    np.testing.assert_allclose(compiled(found, stream), stream, rtol=1e-14)
    # The published fluxes see places, and a free stream looks different at each of them.
    assert np.abs(compiled(operator(small.PLANE), stream) - stream).max() > 1e-6


def test_every_parameter_has_a_finite_derivative_and_both_fluxes_have_one():
    network, context = small.network(small.PLANE), small.context(small.PLANE)

    @eqx.filter_jit
    @eqx.filter_grad
    def gradient(network):
        return jnp.mean(jnp.square(network.predict(context[:-1]) - context[-1]))

    found = gradient(network)
    leaves = jax.tree.leaves(eqx.filter(found, eqx.is_inexact_array))
    assert all(np.all(np.isfinite(leaf)) for leaf in leaves)
    for part in (*found.hypernetwork.heads, found.encoder.embed):
        assert max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(part)) > 0.0
