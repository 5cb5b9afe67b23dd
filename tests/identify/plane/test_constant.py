"""The constant of a flux, which walls show."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.export import export_law
from hfluxno.grid import Grid
from hfluxno.identify import load_law
from hfluxno.identify.plane.constant import with_constant
from hfluxno.identify.plane.frames import frames_of
from hfluxno.identify.plane.saved import in_cells, to_save
from hfluxno.parametric.basis import Chebyshev
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.trajectory import Trajectory
from tests.identify.plane.laws import GRID, INTERVAL, identification, one_field, shallow_water

pytestmark = pytest.mark.usefixtures("x64")

CELLS, SPEEDS = (32, 30), (1.2, -0.8)
PART, STEPS = 4, 24  # finer cells, and steps between two frames


def traffic(solid: np.ndarray, closed: tuple[bool, bool]) -> np.ndarray:
    """Fluxes a u (1 - u) by the scheme of Rusanov; nothing passes walls, before which it queues."""
    x, y = (2.0 * np.pi * (np.arange(n * PART) + 0.5) / (n * PART) for n in CELLS)
    u = 0.4 + 0.1 * np.sin(x)[:, None] + 0.1 * np.cos(y)
    frames, coarse, solid = [u], solid, solid.repeat(PART, 0).repeat(PART, 1)
    for _ in range(9):
        for _ in range(STEPS):
            change = np.zeros(u.shape)
            for axis, speed in enumerate(SPEEDS):
                below, above = np.roll(u, 1, axis), u
                through = 0.5 * speed * (below * (1.0 - below) + above * (1.0 - above))
                through -= 0.5 * abs(speed) * (above - below)
                through = np.where(solid | np.roll(solid, 1, axis), 0.0, through)
                if closed[axis]:
                    through[(slice(None),) * axis + (0,)] = 0.0
                change += through - np.roll(through, -1, axis)
            u = np.where(solid, u, u + PART * change / STEPS)
        frames.append(u)
    fine = np.stack(frames).reshape(10, CELLS[0], PART, CELLS[1], PART)
    return np.where(coarse, np.nan, fine.mean(axis=(2, 4)))[:, None]


def without_constant() -> FittedPlaneLaw:
    """a u (1 - u) - a/8."""
    flux = np.array([[[0.0, -speed / 8.0]] for speed in SPEEDS])
    basis = Chebyshev(np.array([0.5]), np.array([0.5]), 2)
    return FittedPlaneLaw(("u",), basis, flux, np.array([0.0]), np.array([1.0]))


def seen(solid, closed):
    kinds = [("wall" if each else "periodic",) * 2 for each in closed]
    grid = Grid.rectangle(CELLS, boundary=tuple(kinds), solid=solid if solid.any() else None)
    return frames_of(Trajectory(traffic(solid, closed), np.arange(10.0), grid, ("u",)))


def block() -> np.ndarray:
    solid = np.zeros(CELLS, bool)
    solid[18:22, 8:20] = True
    return solid


@pytest.mark.parametrize(
    ("solid", "closed"),
    [
        (block(), (False, False)),
        (np.zeros(CELLS, bool), (True, True)),
        (block(), (False, True)),
    ],
)
def test_a_flux_that_nothing_passes_is_zero(solid, closed):
    law = with_constant(without_constant(), seen(solid, closed))
    np.testing.assert_allclose(law.constant[:, 0], np.array(SPEEDS) / 8.0, rtol=0.15)


def test_without_walls_or_with_a_momentum_there_is_none():
    frames = seen(np.zeros(CELLS, bool), (False, False))
    assert with_constant(without_constant(), frames).constant is None
    assert with_constant(shallow_water(), seen(block(), (False, False))).constant is None


def test_it_is_saved_rescaled_and_exported(tmp_path):
    law = dataclasses.replace(one_field(), constant=np.array([[0.3], [-0.1]]))
    saved = to_save(identification(law))
    saved.save(tmp_path / "law.json")
    np.testing.assert_array_equal(load_law(tmp_path / "law.json").law.constant, law.constant)
    rates = INTERVAL / np.asarray(GRID.spacing)
    moved = in_cells(law, GRID, INTERVAL)
    np.testing.assert_allclose(moved.constant[:, 0], rates * [0.3, -0.1])
    exported: dict = {}
    exec(export_law(saved, "numpy")["law.py"], exported)
    u = np.array([[0.2, 0.9, 1.5]])
    for axis in (0, 1):
        found = exported["flux"](u, axis)
        np.testing.assert_allclose(found, law.flux(jnp.asarray(u), axis), atol=1e-13)
