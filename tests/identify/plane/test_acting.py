"""What fields act as: the momentum, and a pressure in the place of an energy."""

import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.identify.plane.acting import Acting, acting
from hfluxno.trajectory import Trajectory
from tests.identify.plane.gas import FRAMES, GAMMA, INTERVAL, SHAPE, SIDES, pressure, spectral_gas

PAIR = ("m_x", "m_y")


@pytest.fixture(scope="module")
def gas():
    return spectral_gas()


@pytest.fixture(scope="module")
def p(gas):
    return pressure(gas.swapaxes(0, 1))[:, None]


def context(values, fields):
    return Trajectory(
        values, INTERVAL * np.arange(FRAMES), Grid.rectangle(SHAPE, upper=SIDES), fields
    )


def test_an_energy_is_none(gas):
    assert acting(context(gas, ("rho", *PAIR, "E"))).pressure is None
    assert acting(context(gas, ("rho", *PAIR, "E")), PAIR).momentum == PAIR


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_pressure_is_noticed_in_any_order(gas, p, noise):
    values = np.concatenate([p, gas[:, [2, 0, 1]]], axis=1)
    sizes = np.std(values, axis=(0, 2, 3))[:, None, None]
    values = values + noise * sizes * np.random.default_rng(0).normal(size=values.shape)
    found = acting(context(values, ("e", "m_y", "rho", "m_x")))
    assert found.momentum == PAIR and found.pressure == "e"
    assert found.gamma == pytest.approx(GAMMA, abs=0.01)


def test_a_pressure_beside_the_energy_and_gaps(gas, p):
    values = np.concatenate([gas, p], axis=1)
    values[3:5, :, 4:7, 8:11] = np.nan
    assert acting(context(values, ("rho", *PAIR, "E", "p"))).pressure == "p"


@pytest.mark.parametrize("declared", [None, ("u", "v")])
def test_velocities_in_the_place_of_the_momentum_are_noticed(gas, declared):
    rho, m, rest = gas[:, :1], gas[:, 1:3], gas[:, 3:]
    found = acting(context(np.concatenate([rest, m / rho, rho], axis=1), ("E", "u", "v", "rho")))
    assert found == Acting(velocity=("u", "v"), carried="rho")
    values = np.concatenate([rho, m / rho], axis=1)
    assert acting(context(values, ("rho", "u", "v")), declared).carried == "rho"


def test_fields_without_a_momentum_act_as_nothing(gas):
    assert acting(context(gas[:, [0, 3]], ("rho", "E"))) == Acting()
