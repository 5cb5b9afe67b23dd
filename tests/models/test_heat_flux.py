"""The diffusive flux of a whole frame."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import circulant, expm

from hfluxno.models.heat_flux import heat_flux

_CELLS = 40


def _advanced(v, rate, ghost):
    padded = jnp.pad(v, ((0, 0), (ghost, ghost)), mode="wrap")
    flux = heat_flux(padded, jnp.full((v.shape[0], _CELLS + 1), rate, v.dtype), ghost)
    return v - (flux[:, 1:] - flux[:, :-1])


def _exact(rate):
    column = np.zeros(_CELLS)
    column[[0, 1, -1]] = -2.0, 1.0, 1.0
    return expm(rate * circulant(column))


@pytest.mark.parametrize("rate", [0.0, 1e-6, 0.3, 1.0])
def test_a_step_is_the_heat_semigroup_of_the_lattice(rate, x64):
    v = jax.random.normal(jax.random.key(0), (2, _CELLS))
    expected = np.asarray(v) @ _exact(rate).T
    np.testing.assert_allclose(_advanced(v, rate, 10), expected, rtol=0, atol=3e-8)


def test_small_rates_give_the_central_difference(x64):
    padded = jnp.arange(8.0)[None] ** 2
    flux = heat_flux(padded, jnp.full((1, 5), 1e-5), 2)
    np.testing.assert_allclose(flux, 1e-5 * (padded[:, 1:6] - padded[:, 2:7]), rtol=1e-4)


@pytest.mark.parametrize("rate", [0.6, 3.0, 30.0])
def test_it_is_stable_and_conserves_where_the_stencil_ends_the_sum_early(rate, x64):
    unit = jnp.zeros((1, _CELLS)).at[0, 7].set(1.0)
    after = _advanced(unit, rate, 3)
    assert float(after.min()) > -1e-14
    np.testing.assert_allclose(after.sum(), 1.0, rtol=1e-13)


def test_a_negative_rate_counts_as_none(x64):
    v = jax.random.normal(jax.random.key(0), (1, _CELLS))
    np.testing.assert_allclose(_advanced(v, -1.0, 3), v, atol=1e-14)
