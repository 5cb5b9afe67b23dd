"""Options of the networks and roll-out modes."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import solve
from hfluxno.models.rollout import rollout
from tests.compiled import compiled
from tests.models import small
from tests.models.small import read, step
from tests.slow import slow


@pytest.mark.parametrize("name", [slow("law"), "weak form"])
def test_scaled_networks_commute_with_a_change_of_units(name, x64):
    """u → a + b u: the scaled variable obeys the scaled law, and looks the same to the network."""
    config = small.CONFIGURATIONS[name]
    network, context = small.network(config), small.context(config)
    other = jnp.asarray(3.0 + 20.0 * np.asarray(context))
    expected = 3.0 + 20.0 * np.asarray(step(network, context))
    np.testing.assert_allclose(step(network, other), expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["weak form", slow("weak form of a system")])
def test_a_constant_field_does_not_blow_up_the_scaling(name, x64):
    config = small.CONFIGURATIONS[name]
    context = small.context(config).at[:, 0].set(2.0)
    assert np.all(np.isfinite(step(small.network(config), context)))


def test_the_step_is_the_flux_difference(x64):
    config = small.PAIR
    network, context = small.network(config), small.context(config)
    operator, u = read(network, context), context[-1]
    flux = operator.fluxes[0]
    padded = np.pad(u, ((0, 0), (3, 3)), mode="wrap")
    values = np.asarray(compiled(flux, jnp.asarray(padded), jnp.asarray(0.02), 0.1))
    expected = np.asarray(u) - 0.02 / 0.1 * (values[:, 1:] - values[:, :-1])
    np.testing.assert_allclose(compiled(operator, u), expected, rtol=1e-12)


def test_a_local_flux_sees_its_stencil_only(x64):
    """Interface i + 1/2 with 3 cells before it and 2 after."""
    config = dataclasses.replace(small.LINE, coordinates=False)
    flux = read(small.network(config), small.context(config)).fluxes[0]
    u = small.context(config)[-1]

    @jax.jit
    def interfaces(u):
        return flux(jnp.pad(u, ((0, 0), (3, 3)), mode="wrap"), jnp.asarray(1.0), 1.0)[0]

    there = np.array(u)
    there[0, 8] += 0.1
    difference = np.asarray(interfaces(there)) - np.asarray(interfaces(u))
    touched = np.flatnonzero(np.abs(difference) > 1e-14)
    # Interface number j lies before cell j: cell 8 is after 7 and 8, and before 9, 10 and 11.
    np.testing.assert_array_equal(touched, [7, 8, 9, 10, 11])


@pytest.mark.parametrize("layers", [1, slow(3)])
def test_sliding_reads_the_window_again_and_frozen_once(layers, x64):
    encoder = dataclasses.replace(small.LINE.encoder, layers=layers)
    network = small.network(dataclasses.replace(small.LINE, encoder=encoder))
    context = small.context(small.LINE)
    # So many that no frame of the context is left.
    sliding = compiled(rollout, network, context, 7, "sliding")
    window = context
    for frame in sliding:
        np.testing.assert_allclose(frame, step(network, window), rtol=1e-11)
        window = jnp.asarray(np.concatenate([window[1:], frame[None]]))
    operator, u = read(network, context), context[-1]
    for frame in compiled(rollout, network, context, 3, "frozen"):
        u = compiled(operator, u)
        np.testing.assert_allclose(frame, u, rtol=1e-11)
    assert not np.allclose(u, sliding[-1], atol=1e-9)
    with pytest.raises(ValueError, match="Unknown context mode 'fixed'; choose one of sliding,"):
        rollout(network, context, 3, "fixed")


def test_flux_no_ignores_the_context(x64):
    config = small.CONFIGURATIONS["flux no"]
    network = small.network(config)
    first, second = (read(network, small.context(config, seed)) for seed in (1, 2))
    assert eqx.tree_equal(first, second)


@pytest.mark.validation
def test_operators_batch(x64):
    network = small.network(small.LINE)
    contexts = np.stack([small.context(small.LINE, seed) for seed in (1, 2, 3)])
    operators = compiled(eqx.filter_vmap(network.read), contexts)
    advance = eqx.filter_vmap(lambda operator, u: operator(u))
    together = compiled(advance, operators, contexts[:, -1])
    for context, frame in zip(contexts, np.asarray(together), strict=True):
        np.testing.assert_allclose(frame, step(network, jnp.asarray(context)), rtol=1e-10)


def test_a_learned_flux_can_be_solved_like_any_other(x64):
    """It sets no limit to the step, so the solver takes whole frames."""
    network, context = small.network(small.LINE), small.context(small.LINE)
    operator = read(network, context)
    times = 0.02 * np.arange(3)
    run = compiled(solve, operator.fluxes[0], context[-1], times, operator.grid)
    once = compiled(operator, context[-1])
    np.testing.assert_allclose(run.values[1], once, rtol=1e-11)
    np.testing.assert_allclose(run.values[2], compiled(operator, once), rtol=1e-11)
    assert int(run.steps) == 2
