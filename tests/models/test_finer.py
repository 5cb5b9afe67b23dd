"""Flux operators on more cells than they were trained on."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.models.finer import FinerFlux, FinerNetwork
from hfluxno.models.forecaster import NetworkForecaster
from hfluxno.models.learned_flux import LearnedFlux
from hfluxno.models.network import FluxOperator
from hfluxno.models.rollout import rollout
from hfluxno.trajectory import Trajectory
from tests import drawn
from tests.compiled import compiled
from tests.models import small

NAMES = ("local", "two fields", "weak form")


class Upwind(LearnedFlux):
    """The flux u of the cell on the left."""

    @property
    def ghost(self):
        return 1

    def __call__(self, padded, dt, dx):
        return padded[..., :-1]


def fine_context(config, factor):
    fine = small.context(dataclasses.replace(config, cells=(factor * config.cells[0],)))
    return jnp.asarray(fine)


def averages(u, factor):
    return u.reshape(*u.shape[:-1], -1, factor).mean(axis=-1)


def finer(network, config, factor):
    return FinerNetwork(network, config.grid.refine(factor), factor)


def test_a_scheme_that_is_known(x64):
    # On each of the interleaved coarse grids the upwind scheme: u_j ← u_j - σ (u_j - u_{j-r}).
    u = drawn.normal(1, 12)
    operator = FluxOperator((FinerFlux(Upwind(), 3),), Grid.interval(12), 0.1)
    sigma = 0.1 / (3 / 12)
    found, u = compiled(operator, u), np.asarray(u)
    np.testing.assert_allclose(found, u - sigma * (u - np.roll(u, 3, axis=1)), atol=1e-14)


@pytest.mark.validation
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("factor", [2, 3])
def test_averages_advance_as_on_the_coarse_cells(name, factor, x64):
    config = small.CONFIGURATIONS[name]
    network = small.network(config)
    context = fine_context(config, factor)
    mode = config.context_mode
    of_fine = compiled(lambda c: rollout(finer(network, config, factor), c, 3, mode), context)
    of_coarse = compiled(lambda c: rollout(network, c, 3, mode), averages(context, factor))
    np.testing.assert_allclose(averages(of_fine, factor), of_coarse, atol=1e-12)
    # It is conservative, and does not repeat coarse cells.
    totals = of_fine.mean(axis=-1)
    np.testing.assert_allclose(totals, jnp.broadcast_to(context[-1].mean(-1), totals.shape),
                               atol=1e-13)  # fmt: skip
    assert np.ptp(np.asarray(of_fine[-1] - context[-1])[0, :factor]) > 1e-3


@pytest.mark.validation
def test_with_one_cell_of_each_it_is_the_network(x64):
    config = small.CONFIGURATIONS["local"]
    network = small.network(config)
    context = jnp.asarray(small.context(config))
    found = compiled(lambda c: finer(network, config, 1).predict(c), context)
    np.testing.assert_allclose(found, compiled(network.predict, context), atol=1e-14)


@pytest.mark.validation
def test_the_forecaster_takes_multiples_of_the_cells(x64):
    config = small.CONFIGURATIONS["local"]
    forecaster = NetworkForecaster(small.network(config), config, "net")

    def context(cells):
        values = fine_context(config, cells // config.cells[0]) if cells % 16 == 0 else None
        if values is None:
            values = jnp.ones((config.context, 1, cells))
        x = (np.arange(cells) + 0.5) * 1.6 / cells
        return Trajectory.from_numpy(np.asarray(values), 0.02 * np.arange(5), x)

    found = forecaster.forecast(context(32), 2).trajectory.values
    assert found.shape == (2, 1, 32)
    with pytest.raises(ValueError, match="net works on 16 cells or a multiple; the context has 24"):
        forecaster.forecast(context(24), 2)
    whole = small.CONFIGURATIONS["law"]
    with pytest.raises(ValueError, match="net works on 16 cells; the context has 32"):
        NetworkForecaster(small.network(whole), whole, "net").forecast(context(32), 2)
