"""Sensors on cells of twice the width, and what is carried back from there."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.on_wider_cells import on_own_cells, on_wider_cells
from hfluxno.identify.joint.prior import make_forward
from hfluxno.observation import Flow, Points, Run, TimeMean, observed

PLACES = np.array([3, 10, 18, 25, 33, 40])


def at_sensors(cells=48, places=PLACES, values=None, observation=()):
    offsets = np.zeros(cells)
    offsets[places] = np.linspace(-0.4, 0.4, len(places))
    x = (np.arange(cells) + 0.5) / cells
    u = np.full((5, 1, cells), np.nan)
    u[..., places] = (
        np.random.default_rng(1).normal(size=(5, 1, len(places))) if values is None else values
    )
    u[2, 0, places[1]] = np.nan
    context = Trajectory.from_numpy(u, np.arange(5.0), x, boundary="open")
    return dataclasses.replace(context, observation=(Points(offsets), *observation))


def test_sensors_stay_where_they_stand_on_wider_cells():
    """A field that is linear in x is measured alike by both, and so are gaps."""
    mean = TimeMean(0.5)
    context = at_sensors(observation=(mean,))
    wide = on_wider_cells(context)
    assert wide is not None and wide.grid.shape == (24,)
    assert wide.grid.lower == context.grid.lower and wide.grid.upper == context.grid.upper
    assert [type(step) for step in wide.observation] == [Points, TimeMean]
    seen, known = np.isfinite(context.values), np.isfinite(wide.values)
    np.testing.assert_array_equal(np.asarray(wide.values)[known], np.asarray(context.values)[seen])

    def measured(each):
        line = np.asarray(each.grid.centers())[None, None]
        found = observed(each.observation[:1], Run(line, line))
        return found[0, 0, np.isfinite(each.values[0, 0])]

    np.testing.assert_allclose(measured(wide), measured(context), atol=1e-12)


def test_a_flow_is_measured_where_its_sensor_stands_on_wider_cells():
    context = dataclasses.replace(at_sensors(), observation=(Flow(),))
    wide = on_wider_cells(context)
    assert wide is not None
    assert [type(step) for step in wide.observation] == [Flow, Points]


@pytest.mark.parametrize(
    ("cells", "places"),
    [
        (48, np.array([3, 10, 18, 26, 27, 40])),
        (20, np.array([3, 10, 18])),
        (48, np.arange(0, 48, 3)),
    ],
)
def test_no_wider_cells_if_sensors_would_share_one_or_cells_be_few(cells, places):
    assert on_wider_cells(at_sensors(cells, places)) is None


@pytest.mark.usefixtures("x64")
def test_what_was_found_on_wider_cells_is_the_same_on_narrow_ones():
    """In the units of the data: speeds, the diffusivity, the first state and the ends."""
    context = at_sensors(values=0.5 + 0.3 * np.sin(np.arange(5.0))[:, None, None] * PLACES / 48)
    wide = on_wider_cells(context)
    assert wide is not None
    kind = Kind(4, diffusion=1)
    source, target = (make_forward(kind, each, (), known_first=False) for each in (wide, context))
    z = 0.2 * np.random.default_rng(3).normal(size=source.size)
    # A smooth first state.
    laws, firsts = len(source.spread), source.first_modes.shape[0]
    z[laws + 4 : laws + firsts] = 0.0
    found = on_own_cells(z, source, target)
    before, after = source.law(z), target.law(found)
    states = np.linspace(0.2, 0.8, 7)[None]
    np.testing.assert_allclose(2.0 * before.jacobian(states), after.jacobian(states), rtol=1e-9)
    np.testing.assert_allclose(4.0 * before.diffusivity(states), after.diffusivity(states))
    first = np.asarray(target.problem(jnp.asarray(found))[1])[0].reshape(24, 2).mean(axis=1)
    np.testing.assert_allclose(first, np.asarray(source.problem(jnp.asarray(z))[1])[0], atol=0.01)
    for one, other in zip(source.grid(z).boundary[0], target.grid(found).boundary[0], strict=True):
        np.testing.assert_allclose(one.values, other.values, atol=1e-9)
