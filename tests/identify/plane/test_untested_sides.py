"""Periodic sides of a plane that nothing has reached."""

import numpy as np
import pytest

from hfluxno.boundary import Outflow, Periodic
from hfluxno.grid import Grid
from hfluxno.identify.plane.frames import frames_of
from hfluxno.identify.plane.untested_sides import UntestedSides, untested_sides, with_free_sides
from hfluxno.trajectory import Trajectory

CELLS = (32, 24)


def bump(at, noise=0.0):
    """A bump at these places along x, in the middle of y, over a background that varies along y."""
    x, y = ((np.arange(n) + 0.5) / n for n in CELLS)
    gone = x[:, None] - np.reshape(at, (-1, 1, 1))
    values = np.exp(-80.0 * gone**2) * np.exp(-80.0 * (y - 0.5) ** 2) + 0.3 * np.sin(np.pi * y)
    values = values + noise * values.std() * np.random.default_rng(0).normal(size=values.shape)
    return values[:, None]


def seen(values, boundary="periodic", assumed=True):
    grid, times = Grid.rectangle(CELLS, boundary=boundary), np.arange(float(len(values)))
    return frames_of(Trajectory(values, times, grid, ("u",), ends_assumed=assumed))


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_sides_are_untested_as_long_as_nothing_has_reached_them(noise):
    past, ahead = bump(np.linspace(0.3, 0.6, 8), noise), bump(np.linspace(0.65, 1.0, 8))
    found = untested_sides(seen(past), ahead)
    assert found is not None and found.axes == (0,) and 3 <= found.frame <= 7
    assert "the sides along x, which may be free or periodic" in found.sentence
    assert untested_sides(seen(past), bump(np.linspace(0.5, 0.7, 8))) is None
    assert untested_sides(seen(ahead), ahead) is None  # the context shows what happens
    assert untested_sides(seen(past, "outflow"), ahead) is None
    assert untested_sides(seen(past, assumed=False), ahead) is None  # the user has said it
    slope = 0.3 * np.linspace(0, 1, 32)[:, None]  # so the sides differ
    assert untested_sides(seen(past + slope), ahead + slope) is None


def test_what_grows_alike_everywhere_has_not_gone_round():
    """With sources: the background of the sides changes in the context and does not say more."""
    grown = np.exp(0.05 * np.arange(8.0)).reshape(-1, 1, 1, 1)
    past, ahead = bump(np.linspace(0.3, 0.6, 8)), bump(np.linspace(0.65, 1.0, 8)) + 0.5 * grown
    past, ahead = past - past[:1, :, :1] + 0.3 * grown, ahead - past[:1, :, :1]
    assert untested_sides(seen(past), ahead) is None
    found = untested_sides(seen(past), ahead, growing=True)
    assert found is not None and 0 in found.axes and 3 <= found.frame <= 7
    assert untested_sides(seen(ahead), ahead, growing=True) is None


def test_free_sides_take_their_place():
    past = seen(bump(np.linspace(0.3, 0.6, 8)))
    along_x, along_y = with_free_sides(past, UntestedSides((0,), 3).axes).grid.boundary
    assert all(type(end) is Outflow for end in along_x)
    assert all(isinstance(end, Periodic) for end in along_y)
