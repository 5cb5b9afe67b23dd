"""Obstacles: cells that are walls, around which a law is found and solved."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.fv import MUSCL, solve
from hfluxno.grid import Grid, averaged
from hfluxno.identify import FitStatus
from hfluxno.identify.plane import run
from hfluxno.identify.plane.frames import frames_of
from hfluxno.identify.plane.run import spread
from hfluxno.identify.plane.saved import to_save
from hfluxno.identify.plane.steady_flow import search_flow
from hfluxno.laws import ShallowWater2D
from hfluxno.parametric.plane.weak_form import has_room, total, weak_systems
from hfluxno.persistence import Persistence
from hfluxno.trajectory import Trajectory
from tests.compiled import compiled
from tests.identify.plane.laws import identification, one_field, shallow_water

CELLS = 24
SOLID = np.zeros((CELLS, CELLS), bool)
SOLID[9:14, 10:14] = True


def dams(frames: int) -> Trajectory:
    """Water around a block, on cells of half the length, averaged; g = 4."""
    fine = Grid.rectangle((2 * CELLS, 2 * CELLS), solid=np.kron(SOLID, np.ones((2, 2))) > 0.0)
    x, y = np.meshgrid(fine.centers(0), fine.centers(1), indexing="ij")
    depth = 1.0 + 0.3 * np.sin(2 * np.pi * x) * np.cos(2 * np.pi * (y + 0.1))
    initial = np.stack([depth, 0.2 * np.sin(2 * np.pi * (x + y)), 0.2 * np.cos(2 * np.pi * y)])
    times = 0.015 * np.arange(frames)
    with jax.enable_x64(True):
        law = ShallowWater2D(g=jnp.asarray(4.0))
        values = compiled(solve, MUSCL(law, "mc", "hll"), jnp.asarray(initial), times, fine).values
    values = np.where(SOLID, np.nan, averaged(np.asarray(values), SOLID.shape))
    grid = Grid.rectangle((CELLS, CELLS), solid=SOLID)
    return Trajectory(values, times, grid, ("h", "m_x", "m_y"))


def random_frames(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 1.2, (6, 1, CELLS, CELLS))


def context_of(values) -> Trajectory:
    grid = Grid.rectangle((CELLS, CELLS), solid=SOLID)
    return Trajectory(values, np.arange(float(len(values))), grid, ("density",))


def test_walls_are_no_gaps():
    values = random_frames()
    seen = frames_of(context_of(values))
    assert np.isnan(seen.values[..., SOLID]).all() and seen.gaps is None and seen.missing == 0.0
    np.testing.assert_array_equal(seen.filled[..., ~SOLID], values[..., ~SOLID])
    np.testing.assert_array_equal(seen.filled[:, :, 9, 11], values[:, :, 8, 11])
    values[3, 0, 2, 2] = np.nan
    gaps = frames_of(context_of(values)).gaps
    assert gaps is not None and gaps.sum() == 1 and gaps[3, 2, 2]
    assert np.isfinite(frames_of(context_of(values)).filled).all()


def test_no_test_function_touches_a_wall():
    values = random_frames()
    other = np.where(SOLID, 1e6, values)
    around = (True, False)
    one, two = (
        total(weak_systems(each, [lambda u: u[0]], around, free=~SOLID)) for each in (values, other)
    )
    np.testing.assert_array_equal(one.normal, two.normal)
    np.testing.assert_array_equal(one.right, two.right)
    assert one.square[0] > 0.0
    everywhere = total(weak_systems(values, [lambda u: u[0]], around))
    assert one.square[0] < everywhere.square[0]
    tight = np.zeros((CELLS, CELLS), bool)
    tight[::12, ::12] = True
    assert has_room(~SOLID, around) and not has_room(~tight, around)


@pytest.mark.usefixtures("x64")
def test_finer_cells_keep_the_averages_and_see_no_walls():
    values = random_frames()[0]
    law, grid = one_field(), Grid.rectangle((CELLS, CELLS), solid=SOLID).of_unit_cells()
    inside = [spread(law, np.where(SOLID, each, values), grid, 2) for each in (0.0, 9.0)]
    free = ~np.kron(SOLID, np.ones((2, 2))).astype(bool)
    np.testing.assert_array_equal(*(each[:, free] for each in inside))
    coarse = averaged(inside[0], SOLID.shape)
    np.testing.assert_allclose(coarse[:, ~SOLID], values[:, ~SOLID], atol=1e-14)


@pytest.mark.validation
def test_a_given_law_goes_around_an_obstacle(monkeypatch):
    monkeypatch.setattr(run, "REFINEMENTS", (1,))  # which compiles faster
    whole = dams(6)
    context = Trajectory(whole.values[:4], whole.times[:4], whole.grid, whole.fields)
    saved = to_save(identification(shallow_water()))
    ahead = hfluxno.forecast(context, 2, law=saved)
    values = np.asarray(ahead.trajectory.values)
    assert np.isnan(values[..., SOLID]).all() and np.isfinite(values[..., ~SOLID]).all()
    assert int(ahead.status) == FitStatus.OK and float(ahead.conservation_drift) < 1e-12
    truth = np.asarray(whole.values)[4:]
    missed = (values - truth)[..., ~SOLID]
    size = np.linalg.norm(truth[..., ~SOLID], axis=(1, 2))
    assert np.all(np.linalg.norm(missed, axis=(1, 2)) / size < ahead.predicted_error_90)
    assert not ahead.left_observed_range


@pytest.mark.validation
def test_a_law_is_found_around_an_obstacle():
    ahead = hfluxno.forecast(dams(10), 5)
    found = ahead.identifications[0]
    assert found.recognised.name == "shallow water"
    assert found.recognised.value == pytest.approx(4.0, rel=0.01)
    assert found.status == FitStatus.OK and float(ahead.conservation_drift) < 1e-12
    missed = np.asarray(ahead.trajectory.values) - np.asarray(dams(15).values)[10:]
    assert np.nanmax(np.abs(missed)) < 0.1


def test_what_cannot_be_done_is_said():
    values = np.where(SOLID, np.nan, random_frames())
    bare = Trajectory(values, np.arange(6.0), Grid.rectangle((CELLS, CELLS)), ("density",))
    with pytest.raises(
        ValueError,
        match=r"20 cells of the context are NaN in .* with --walls nan, in Python with solid=",
    ):
        frames_of(bare)
    tight = np.zeros((CELLS, CELLS), bool)
    tight[::12, ::12] = True
    narrow = Trajectory(
        values, np.arange(6.0), Grid.rectangle((CELLS, CELLS), solid=tight | SOLID), ("density",)
    )
    with pytest.raises(
        ValueError, match=r"leave nowhere a square of 13 × 13 cells.*\(--law, in Python law=\)"
    ):
        hfluxno.identify(narrow)
    repeated = Persistence().forecast(context_of(values), 2)
    np.testing.assert_array_equal(repeated.trajectory.values, np.repeat(values[-1:], 2, axis=0))


def tracer() -> Trajectory:
    """One that is carried through the block, which was taken for a wall because it is not seen."""
    x, y = np.meshgrid(*((np.arange(CELLS) + 0.5) / CELLS,) * 2, indexing="ij")
    times = 0.04 * np.arange(6)[:, None, None]
    values = 1.0 + 0.5 * np.sin(2 * np.pi * (x - times)) * np.cos(2 * np.pi * (y + 0.5 * times))
    return context_of(np.where(SOLID, np.nan, values[:, None]))


def test_no_flow_that_depends_on_place_is_sought_around_walls():
    assert search_flow(frames_of(tracer()), ("density",), (1.0, 1.0), ()) is None


@pytest.mark.validation
def test_a_tracer_that_passes_walls_is_refused_by_its_status():
    assert hfluxno.identify(tracer()).status != FitStatus.OK
