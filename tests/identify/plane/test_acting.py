"""What fields act as: the momentum, and a pressure instead of an energy."""

import dataclasses

import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.identify.plane.acting import Acting, acting
from hfluxno.identify.plane.frames import frames_of
from hfluxno.identify.plane.identification import identify_plane, nothing_to_infer
from hfluxno.identify.status import FitStatus
from hfluxno.trajectory import Trajectory
from tests.identify.plane.gas import FRAMES, GAMMA, INTERVAL, SHAPE, SIDES, pressure, spectral_gas

PAIR = ("m_x", "m_y")
VELOCITIES = (
    "; u and v carry rho as velocities do, and are not conserved in shocks: put the momentum in "
    "their place, rho · u and rho · v"
)


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


def test_the_sentence_on_a_law_says_that_fields_are_velocities(gas):
    names = ("rho", "u", "v")
    made = nothing_to_infer(frames_of(context(gas[:, :3], names)), names, (1.0, 1.0))
    made = dataclasses.replace(made, status=FitStatus.OK)
    assert "velocities" not in made.sentence
    found = dataclasses.replace(made, velocity=("u", "v"), carried="rho")
    assert found.sentence == made.sentence + VELOCITIES


@pytest.mark.validation
def test_a_law_that_is_inferred_of_velocities_says_so(gas):
    rho, m = gas[:, :1], gas[:, 1:3]
    found = identify_plane(context(np.concatenate([rho, m / rho], axis=1), ("rho", "u", "v")))
    assert found.sentence.endswith(VELOCITIES)


def test_fields_without_a_momentum_act_as_nothing(gas):
    assert acting(context(gas[:, [0, 3]], ("rho", "E"))) == Acting()
