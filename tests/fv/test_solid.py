"""Walls inside the domain: closed for all but momentum, mirrors, and equal to walls at ends."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.boundary import Inflow
from hfluxno.fv import MUSCL, Roe, Rusanov, solve
from hfluxno.grid import Grid
from hfluxno.laws import KPP, Euler, ShallowWater2D
from tests.fv.test_plane import finished
from tests.slow import slow

pytestmark = pytest.mark.usefixtures("x64")

compiled_solve = eqx.filter_jit(solve)

with jax.enable_x64(True):
    GAS, LINE = Euler(axes=2), Euler()
    SCHEMES = {"roe": Roe, "rusanov": Rusanov, "muscl": lambda law: MUSCL(law, "mc", "hllc")}


def scattered(shape, seed):
    """Blocks, single cells, channels of one cell and dead ends."""
    solid = np.random.default_rng(seed).random(shape) < 0.3
    solid[2:5, 3:7] = True
    return solid


def water(shape, seed=0):
    random = np.random.default_rng(seed)
    depth = 1.0 + 0.5 * random.random(shape)
    return jnp.asarray(np.stack([depth, *(0.3 * random.normal(size=(2, *shape)))]))


@pytest.mark.parametrize(
    ("name", "axis", "thickness"), [slow("muscl", 0, 1), slow("roe", 1, 3), ("rusanov", 1, 3)]
)
def test_a_wall_across_a_channel_is_a_wall_at_the_ends_of_a_line(name, axis, thickness):
    cells, place = 20, 7
    x = (np.arange(cells) + 0.5) / cells
    density, velocity = 1.0 + 0.4 * np.sin(2 * np.pi * x), 0.5 * np.cos(2 * np.pi * x)
    narrow = LINE.conserved(*map(jnp.asarray, (density, velocity[None], np.where(x < 0.6, 1, 0.4))))
    wall, free = slice(place, place + thickness), cells - thickness
    times = np.array([0.0, 0.3])
    line = Grid.interval(free, 0.0, free / cells, "wall")
    first = jnp.roll(narrow, -place - thickness, axis=-1)[:, :free]
    alone = finished(compiled_solve(SCHEMES[name](LINE), first, times, line, substeps=30))[-1]

    wide = jnp.zeros((4, cells, 3)).at[jnp.array([0, 1 + axis, 3])].set(narrow[:, :, None])
    wide, solid = wide.at[:, wall].set(jnp.nan), np.zeros((cells, 3), bool)
    solid[wall] = True
    if axis == 1:
        solid, wide = solid.T, jnp.swapaxes(wide, 1, 2)
    grid = Grid.rectangle(wide.shape[1:], solid=solid)
    inside = finished(compiled_solve(SCHEMES[name](GAS), wide, times, grid, substeps=30))[-1]
    rows = np.moveaxis(inside[[0, 1 + axis, 3]], 1 + axis, -1)
    for row in np.moveaxis(np.roll(rows, -place - thickness, axis=-1)[..., :free], 1, 0):
        np.testing.assert_allclose(row, alone, atol=1e-13)
    np.testing.assert_array_equal(inside[2 - axis], 0.0)


@pytest.mark.parametrize("scheme", [slow(Roe), MUSCL])
def test_nothing_conserved_passes(scheme):
    shape = (12, 10)
    grid = Grid.rectangle(
        shape, upper=(1.0, 2.0), boundary=("periodic", "wall"), solid=scattered(shape, 1)
    )
    law = ShallowWater2D()
    times = np.array([0.0, 1.0, 2.0])
    values = finished(compiled_solve(scheme(law), water(shape), times, grid, substeps=300))
    values = values[..., ~np.asarray(grid.solid)]
    mass = values[:, 0].sum(axis=-1)
    assert np.max(np.abs(mass - mass[0])) / mass[0] < 1e-12
    assert np.max(np.abs(values[-1, 0] - values[0, 0])) > 0.1
    assert np.max(np.abs(values[-1, 1:].sum(axis=-1) - values[0, 1:].sum(axis=-1))) > 0.1


@pytest.mark.validation
def test_one_field_is_kept_too():
    shape = (12, 10)
    grid = Grid.rectangle(shape, upper=(2.0, 2.0), solid=scattered(shape, 2))
    initial = water(shape)[:1]
    flux = MUSCL(KPP())
    values = finished(compiled_solve(flux, initial, np.array([0.0, 0.5]), grid, substeps=60))
    values = values[:, 0, ~np.asarray(grid.solid)]
    np.testing.assert_allclose(values[1].sum(), values[0].sum(), rtol=1e-13)
    assert np.max(np.abs(values[1] - values[0])) > 0.1


@pytest.mark.validation
def test_flow_around_a_symmetric_block_stays_symmetric():
    shape = (16, 16)
    solid = np.zeros(shape, bool)
    solid[5:11, 5:11] = True
    x, y = np.meshgrid(*[np.arange(16) - 7.5] * 2, indexing="ij")
    depth = 1.0 + np.exp(-((np.hypot(x, y) - 6.0) ** 2))
    initial = jnp.asarray(np.stack([depth, 0.05 * x, 0.05 * y]))
    grid = Grid.rectangle(shape, boundary="outflow", solid=solid)
    flux = MUSCL(ShallowWater2D())
    u = finished(compiled_solve(flux, initial, np.array([0.0, 0.2]), grid, substeps=40))[-1]
    u = np.where(solid, 0.0, u)
    mirrored = u[:, ::-1] * np.array([1.0, -1.0, 1.0])[:, None, None]
    turned = np.swapaxes(u, 1, 2)[[0, 2, 1]]
    np.testing.assert_allclose(u, mirrored, atol=1e-13)
    np.testing.assert_allclose(u, turned, atol=1e-13)
    assert np.abs(u[1]).max() > 0.3


def test_what_is_in_walls_has_no_effect_and_rest_stays():
    shape = (12, 10)
    solid = scattered(shape, 3)
    grid, times = Grid.rectangle(shape, solid=solid), np.array([0.0, 0.2])
    flux = MUSCL(ShallowWater2D())
    initial = np.asarray(water(shape))
    found = []
    for inside in (np.nan, 1e9):
        state = jnp.asarray(np.where(solid, inside, initial))
        found.append(finished(compiled_solve(flux, state, times, grid)))
    np.testing.assert_array_equal(*found)
    still = np.where(solid, np.nan, np.stack([np.ones(shape), *np.zeros((2, *shape))]))
    values = finished(compiled_solve(flux, jnp.asarray(still), times, grid))[-1]
    np.testing.assert_array_equal(values[:, ~solid], still[:, ~solid])


def test_only_reconstructions_outside_of_walls_are_counted():
    """The slope towards a wall vanishes for a scheme that looks forward; walls have none."""
    law, times = ShallowWater2D(), np.array([0.0, 1e-4])
    depth = np.ones((12, 10))
    depth[6] = 1e-9
    state = jnp.asarray(np.stack([depth, *np.zeros((2, 12, 10))]))
    counts = []
    for walls in ([], [2], [5, 7]):
        solid = np.zeros((12, 10), bool)
        solid[walls] = True
        grid = Grid.rectangle((12, 10), solid=solid)
        solution = compiled_solve(MUSCL(law, "none"), state, times, grid, substeps=1)
        counts.append(int(solution.fallbacks))
    assert counts == [10, 10, 0]


def test_walls_that_cannot_be_are_refused():
    solid = np.zeros((4, 3), bool)
    with pytest.raises(ValueError, match=r"need one entry per cell; got \(3, 4\)"):
        Grid.rectangle((4, 3), solid=solid.T)
    with pytest.raises(ValueError, match="All cells of the domain are walls"):
        Grid.rectangle((4, 3), solid=~solid)
    with pytest.raises(ValueError, match="periodic, outflows or walls; got 'inflow'"):
        Grid.rectangle((4, 3), boundary=Inflow(np.ones(1)), solid=solid)


def test_finer_cells_have_the_same_walls():
    grid = Grid.rectangle((4, 3), solid=np.eye(4, 3, dtype=bool))
    fine = grid.refine(2)
    assert fine.solid is not None
    np.testing.assert_array_equal(fine.solid, np.kron(np.eye(4, 3), np.ones((2, 2))) > 0)
