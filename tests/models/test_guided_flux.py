"""The flux operator that is told the law."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.models.guided_flux import channels
from hfluxno.models.heat_flux import heat_flux
from hfluxno.models.learned_flux import LearnedFlux
from hfluxno.models.parts import FourierConfig, WeakFormConfig
from tests import drawn
from tests.compiled import compiled
from tests.models import small
from tests.slow import slow

NAMES = ("weak form", "weak form of a system")


class _Upwind(LearnedFlux):
    """½ (f_i - f_{i+1}) + ½ (ν_i + ν_{i+1}) (v_{i+1} - v_i) from the channels: what turns the
    central flux into that of the left cell."""

    fields: int = eqx.field(static=True)

    @property
    def ghost(self):
        return 2

    def __call__(self, padded, dt, dx):
        d = self.fields
        left, right = padded[:, 1:-2], padded[:, 2:-1]
        flux = 0.5 * (left[d : 2 * d] - right[d : 2 * d])
        if padded.shape[0] > d * (2 + d):
            nu = 0.5 * (left[-d:] + right[-d:])
            flux += nu * (right[:d] - left[:d])
        return flux


def _law_of_the_weak_form(network):
    def law(context):
        weak = network.space.weak_form(context, network.grid)
        return network.space.law(context, weak, network.grid)

    return law


@pytest.mark.validation
@pytest.mark.parametrize("name", ["weak form", slow("weak form of a system")])
def test_it_sees_the_flux_of_the_weak_form_in_units_of_the_scaled_variable(name, x64):
    config = small.CONFIGURATIONS[name]
    network, context = small.network(config), 2.0 + small.context(config)
    law = _law_of_the_weak_form(network)

    def step_and_flux(context):
        operator, u = network.read(context), context[-1]
        flux = dataclasses.replace(operator.fluxes[0], inner=_Upwind(len(config.fields)))
        told = eqx.tree_at(lambda o: o.fluxes, operator, (flux,))
        return told(u), law(context).flux(u)

    found, f = compiled(step_and_flux, context)
    # The law is in cells and frames, so neither Δt nor Δx is left.
    u, f = np.asarray(context[-1]), np.asarray(f)
    np.testing.assert_allclose(found, u - (f - np.roll(f, 1, 1)), rtol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_it_sees_the_slopes_of_the_flux(name, x64):
    """The Jacobian of the flux of v, by differentiation of what stands before it."""
    config = small.CONFIGURATIONS[name]
    d = len(config.fields)
    context = 2.0 + small.context(config)
    operator = small.read(small.network(config), context)
    seen = []

    class Spy(_Upwind):
        def __call__(self, padded, dt, dx):
            seen.append(padded)
            return super().__call__(padded, dt, dx)

    flux = dataclasses.replace(operator.fluxes[0], inner=Spy(d))

    def told(u):
        """f̃ in one cell, as G is told, and all that it is told."""
        flux(jnp.repeat(u[:, None], 5, axis=1), jnp.asarray(1.0), 1.0)
        return seen[-1][d : 2 * d, 0], seen[-1][:, 0]

    u = context[-1][:, 3]
    jacobian, channel = compiled(jax.jacfwd(told, has_aux=True), u)
    slopes = channel[2 * d : 2 * d + d * d].reshape(d, d)
    np.testing.assert_allclose(slopes, jacobian * flux.scale[None], rtol=1e-9, atol=1e-12)
    assert channel.shape[0] == channels(d, config.weak_form.terms > 0)


# On a plane it is tested in test_plane_space.py.
@pytest.mark.validation
@pytest.mark.parametrize("target", [None, FourierConfig(2, 2, 4, 6, 1, (3,), 2)])
def test_at_first_it_is_the_central_flux_of_the_weak_form(target, x64):
    config = small.CONFIGURATIONS["weak form"]
    if target is not None:
        config = dataclasses.replace(config, target=target)
    network, context = drawn.fresh(config.build), small.context(config)
    law = _law_of_the_weak_form(network)
    ghost = config.target.left

    @jax.jit
    def central(context, u):
        f, nu = law(context).flux(u), law(context).diffusivity(u)
        padded = jnp.pad(u, ((0, 0), (ghost, ghost)), mode="wrap")
        faces = jnp.pad(0.5 * (nu + jnp.roll(nu, -1, 1)), ((0, 0), (1, 0)), mode="wrap")
        flux = 0.5 * (f + jnp.roll(f, -1, 1)) + heat_flux(padded, faces, ghost)[:, 1:]
        return u - (flux - jnp.roll(flux, 1, 1))

    u = context[-1]
    expected = central(context, u)
    found = compiled(lambda context, u: network.read(context)(u), context, u)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    assert not np.allclose(expected, u, atol=1e-3)


def test_it_needs_a_context_and_a_law_on_a_plane_no_diffusion():
    told = small.CONFIGURATIONS["weak form"]
    plane = dataclasses.replace(small.PLANE, weak_form=WeakFormConfig(terms=1))
    with pytest.raises(ValueError, match="on a plane without diffusion; got 2 axes and 1 terms"):
        small.network(plane)
    with pytest.raises(ValueError, match="weak_form reads a context: choose an encoder"):
        small.network(dataclasses.replace(told, encoder=None))


@pytest.mark.parametrize("name", ["weak form", slow("weak form of a system")])
def test_the_flux_is_bounded_and_the_range_and_its_surroundings_are_free(name, x64):
    config = small.CONFIGURATIONS[name]
    context = 2.0 + small.context(config)
    flux = small.read(small.network(config), context).fluxes[0]
    low, high = (np.asarray(bound(context, axis=(0, 2))) for bound in (np.min, np.max))
    cells = 2 * flux.ghost + 3
    inside = np.random.default_rng(1).uniform(size=(len(config.fields), cells))
    u = (low - 0.9 * (high - low))[:, None] + 2.8 * (high - low)[:, None] * inside
    of_u = eqx.filter_jit(lambda u: flux(u, jnp.asarray(1.0), 1.0))
    free = compiled(jax.jacfwd(of_u), u)
    # The stencil is shorter on the right.
    assert np.all(np.any(np.asarray(free)[..., :-1] != 0.0, axis=(0, 1)))
    far, further = u.copy(), u.copy()
    far[:, flux.ghost], further[:, flux.ghost] = 1e30, 2e30
    np.testing.assert_array_equal(of_u(far), of_u(further))
