"""Uneven times and positions: frames at a common interval, sensors in the cells of a grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfluxno.data.readers import read
from hfluxno.data.source import are_even
from hfluxno.data.uneven import frames_of, on_cells
from tests.data.test_readers import CELLS, FRAMES, dataset, save, wave

STEPS = st.lists(st.integers(1, 2), min_size=7, max_size=20)


@given(STEPS, st.floats(0.01, 100), st.floats(-1e3, 1e3), st.sampled_from([1, 2, 3, 4]))
def test_times_on_multiples_of_an_interval_are_frames_of_it(steps, interval, origin, fraction):
    """Whatever the interval: the smallest step is 1 to 4 times as long."""
    counts = np.cumsum([0, fraction, fraction + 1, *(step + fraction - 1 for step in steps)])
    axis = frames_of(origin + interval * counts, len(counts), "time")
    common = np.gcd.reduce(counts)
    np.testing.assert_array_equal(axis.places, counts // common)
    whole = origin + common * interval * np.arange(counts[-1] // common + 1)
    np.testing.assert_allclose(axis.coordinate, whole, atol=1e-4 * interval)


def test_uniform_axes_stay_bit_for_bit():
    numbers = 3.1 + 0.1 * np.arange(20)
    for axis in (frames_of(numbers, 20, "time"), on_cells(numbers, 20), on_cells(numbers, 20, 20)):
        assert axis.coordinate is numbers and axis.notes == ()
        values = np.random.default_rng(0).normal(size=(20, 3))
        assert axis.scatter(values, 0) is values
    assert on_cells(numbers, 20, domain=(3.05, 5.05)).coordinate is numbers


def test_rounded_times_are_multiples_within_a_thousandth():
    counts = np.array([0, 2, 5, 7, 9, 12])
    exact = 0.25 * counts
    shaken = exact + 0.9e-3 * 0.25 * np.array([0, 1, -1, 1, -1, 0])
    np.testing.assert_array_equal(frames_of(shaken, 6, "time").places, counts)
    uneven = exact + 0.02 * np.array([0, 1, -1, 1, -1, 0])
    assert frames_of(uneven, 6, "time").coordinate is uneven


@pytest.mark.parametrize(("cells", "decimals"), [(64, 4), (64, 3), (128, 3), (80, 4)])
def test_a_uniform_axis_that_was_printed_with_few_decimals_is_uniform(cells, decimals):
    exact = (np.arange(cells) + 0.5) / cells
    printed = exact.round(decimals)
    for axis in (
        on_cells(printed, cells),
        on_cells(printed.astype(np.float32).astype(float), cells),
    ):
        assert axis.notes == () and len(axis.coordinate) == cells
        np.testing.assert_allclose(axis.coordinate, exact, atol=0.51 * 10.0**-decimals)
    left = np.delete(np.arange(cells), [3, 4, 20])
    np.testing.assert_array_equal(frames_of(printed[left], len(left), "time").places, left)
    # A unit off is no rounding, and neither is a third of a step.
    moved = printed + 1.1 * 10.0**-decimals * (np.arange(cells) == 9)
    assert frames_of(moved, cells, "time").notes
    assert frames_of(3.0 * np.arange(9.0) + (np.arange(9) % 3 == 1), 9, "time").notes


def test_times_that_fit_no_interval_stay_as_they_are(tmp_path):
    times = 3.0 + np.array([0.0, 1.0, 2.03, 3.0, 7.41, 8.4])
    source = read(save(dataset(time=times), tmp_path / "a.nc"))
    np.testing.assert_array_equal(source.times, times)
    np.testing.assert_array_equal(source.context(5).times, times[:5] - 3.0)
    np.testing.assert_array_equal(source.values[:, 0], wave())
    (note,) = source.hints
    assert "time are uneven, in steps of 0.97 to 4.41, mostly 1: law and first state" in note
    even = read(save(dataset(), tmp_path / "b.nc"))
    assert not are_even(source.times) and are_even(even.times)
    sparse = np.array([0.0, 1.0, 30.0, 31.0 + 1 / 3, 60.0])  # 94 % would be missing
    assert frames_of(sparse, len(sparse), "time").coordinate is sparse
    with pytest.raises(ValueError, match="does not increase from entry 1 to 2"):
        frames_of(np.array([0.0, 2.0, 1.0, 3.3]), 4, "time")


def test_what_was_measured_at_the_times_of_a_forecast(tmp_path):
    source = read(save(dataset(time=2.0 * np.arange(FRAMES)), tmp_path / "a.nc"))
    found = source.values_at(np.array([3.0, 4.0, 5.0, 6.01, 7.0, 20.0]))
    np.testing.assert_array_equal(found[[1, 3], 0], wave()[2:4])
    assert found.shape[0] == 4 and np.isnan(found[[0, 2]]).all()
    assert source.values_at(np.array([11.0, 12.0])).shape == (0, 1, CELLS)


def test_sensors_are_in_their_nearest_cells():
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(2.0, 12.0, 30))
    axis = on_cells(x, 30, cells=80, domain=(0.0, 16.0))
    np.testing.assert_allclose(axis.coordinate, 0.1 + 0.2 * np.arange(80))
    distances = np.abs(x[:, None] - axis.coordinate)
    np.testing.assert_array_equal(axis.places, distances.argmin(axis=1))
    assert "80 cells of 0.2 from 0 to 16" in axis.notes[0]


def test_a_grid_is_as_fine_as_three_quarters_of_gaps_allow():
    x = np.sort(np.random.default_rng(2).uniform(0.0, 7.0, 40))
    for measured, share in ((1.0, 0.25), (0.5, 0.5), (0.3, 0.7), (0.1, 0.7)):
        axis = on_cells(x, 40, measured=measured)
        occupied = len(np.unique(axis.places)) / len(axis.coordinate)
        assert share <= occupied < share + 0.03
        width = axis.coordinate[1] - axis.coordinate[0]
        assert np.max(np.abs(x - axis.coordinate[axis.places])) <= 0.5001 * width
        # The outermost sensors are cell centres, so the domain ends half a cell beyond them.
        np.testing.assert_allclose(axis.coordinate[[0, -1]], x[[0, -1]])
    many = np.sort(np.random.default_rng(2).uniform(0.0, 7.0, 200))
    assert len(on_cells(many, 200).coordinate) == 400


def test_of_sensors_that_move_a_frame_shows_a_quarter_of_the_cells():
    """18 ships at 700 positions in all."""
    x = np.sort(np.random.default_rng(3).uniform(0.0, 10.0, 700))
    cells = len(on_cells(x, 700, domain=(0.0, 10.0), measured=18 / 700).coordinate)
    assert 66 <= cells <= 72  # 4 × 18


def test_gaps_of_the_file_count_for_the_grid(tmp_path):
    x = np.sort(np.random.default_rng(3).uniform(0.0, 1.0, 40))
    kept = np.array([0, 1, 3, 4, 6, 7, 9, 10, 12])  # of 13 frames
    values = np.random.default_rng(4).normal(size=(9, 40))
    values[:, ::4] = np.where(values[:, ::4] > 0.0, np.nan, values[:, ::4])
    source = read(save(dataset(values, x=x, time=kept), tmp_path / "a.nc"))
    assert np.isnan(source.values).mean() == pytest.approx(0.75, abs=0.02)


def test_positions_on_multiples_of_a_distance_are_exact():
    x = np.array([0.0, 2, 5, 7, 9, 12, 14, 17, 19])
    axis = on_cells(x, 9)
    np.testing.assert_array_equal(axis.places, x)
    np.testing.assert_allclose(axis.coordinate, np.arange(20.0))


@pytest.mark.parametrize(
    ("x", "cells", "exact"),
    [
        ([0.0, 1.0, 2.0, 3.0], 25, True),
        ([0.0, 2.0, 3.0, 7.0, 9.0], 37, True),  # multiples of 1
        ([0.0, 0.37, 0.81, 1.9, 2.6, 2.75, 3.0], 49, False),
    ],
)
def test_few_sensors_have_cells_between_them(x, cells, exact):
    axis = on_cells(np.array(x), len(x))
    assert len(axis.coordinate) == cells
    width = axis.coordinate[1] - axis.coordinate[0]
    moved = np.abs(axis.coordinate[axis.places] - x)
    assert np.max(moved) <= (1e-9 if exact else 0.5) * width
    assert len(on_cells(np.array(x), len(x), cells=60).coordinate) == 60
    wide = on_cells(np.array(x), len(x), domain=(-1.0, x[-1] + 1.0)).coordinate
    assert wide[1] - wide[0] == pytest.approx(width, rel=0.02)
    with pytest.raises(ValueError, match=r"of 200 cells would have no sensor, more than the 95 %"):
        on_cells(np.array(x), len(x), cells=200)


def test_cells_without_places_are_those_of_the_domain(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, values=np.random.default_rng(5).normal(size=(9, 40)))
    for domain, width in ((None, 1.0), ((0.0, 8.0), 8.0), ((-1.0, 1.0), 2.0)):
        source = read(path, domain=domain)
        lower = 0.0 if domain is None else domain[0]
        np.testing.assert_allclose(source.x, lower + width * (np.arange(40) + 0.5) / 40)
        assert not source.notes and not np.isnan(source.values).any()
    with pytest.raises(ValueError, match=r"--domain needs finite ends, the lower first; got 8,0"):
        read(path, domain=(8.0, 0.0))


@pytest.mark.parametrize(("places", "cells"), [(12, 89), (23, 89), (24, 24)])
def test_a_few_even_places_between_open_or_given_ends_are_sensors(places, cells, tmp_path):
    """They are at centres of cells; with a cell for each, a front between two would be nowhere."""
    x = 10.0 + 0.5 * np.arange(float(places))
    axis = on_cells(x, places, ends=("open", "open"))
    assert len(axis.coordinate) == cells
    np.testing.assert_allclose(axis.coordinate[axis.places], x)
    assert len(on_cells(x, places, places, ends=("open", "open")).coordinate) == places
    around = (9.75, 10.25 + 0.5 * (places - 1))
    on_domain = on_cells(x, places, domain=around, ends=("open", "open"))
    assert len(on_domain.coordinate) == {12: 96, 23: 96, 24: 24}[places]
    uneven = x + 0.1 * np.sin(x)
    given, opened, closed = (
        len(on_cells(uneven, places, domain=around, ends=(end, end)).coordinate)
        for end in ("given", "open", "wall")
    )
    assert given == opened == {12: 96, 23: 88}.get(places, closed) and closed <= 4 * places
    values = np.random.default_rng(5).normal(size=(9, places))
    path = tmp_path / "a.npz"
    ends = dict.fromkeys(("lower", "upper"), np.zeros(9))
    np.savez(path, values=values, t=np.arange(9.0), x=x, **ends)
    between = (("open", cells), ("given", cells), ("outflow,open", places), ("periodic", places))
    for boundary, expected in between:
        assert len(read(path, boundary=boundary).x) == expected


@pytest.mark.parametrize("ends", ["wall,wall", "outflow,wall"])
def test_a_few_even_places_beside_a_wall_are_said_to_be_cells(ends):
    x, sides = np.arange(16.0), tuple(ends.split(","))
    axis = on_cells(x, 16, ends=sides)
    assert np.array_equal(axis.coordinate, x)
    assert "16 even positions x are taken for cells" in axis.notes[0]
    sure = [on_cells(x, 16, 16, ends=sides), on_cells(np.arange(24.0), 24, ends=sides)]
    sure += [on_cells(x, 16, ends=(end, end)) for end in ("periodic", "outflow")]
    assert all(each.notes == () for each in sure)


@pytest.mark.parametrize("ends", ["open", "given", "wall"])
@pytest.mark.parametrize("domain", [None, (0.0, 10.0)])
def test_few_sensors_at_places_in_round_numbers_have_cells_between_them(domain, ends):
    """16 at multiples of .25 km, of which there are more than twice as many."""
    places = [2, 5, 11, 14, 17, 20, 21, 24, 25, 26, 28, 29, 30, 32, 37, 38]
    x = 0.125 + 0.25 * np.array(places, float)
    axis = on_cells(x, 16, domain=domain, ends=(ends, ends))
    if ends == "wall":
        assert len(axis.coordinate) == (37 if domain is None else 40) and not axis.observation
        return
    shifted = x + 0.03 * np.sin(x) * (x < 9.6) * (x > 0.7)  # of no common distance
    alike = on_cells(shifted, 16, domain=domain, ends=(ends, ends))
    np.testing.assert_allclose(axis.coordinate, alike.coordinate)
    assert len(axis.coordinate) == (88 if domain is None else 96)
    # Where the sensors are within their cells is known, and no note offers 16 cells.
    (points,) = axis.observation
    assert np.any(points.offsets) and "mean of a cell" not in axis.notes[0]
    most = np.delete(0.25 * np.arange(30.0), np.arange(3, 30, 2))
    assert len(on_cells(most, len(most), ends=(ends, ends)).coordinate) == 29


@pytest.mark.parametrize(
    ("domain", "ends", "offered"),
    [
        (None, "open", True),
        ((-0.5, 11.5), "given", True),
        ((-0.5, 20.0), "open", False),
    ],
)
def test_even_sensors_may_be_means_of_cells(domain, ends, offered):
    """The cells that the note offers have a place each, and no others."""
    x = np.arange(12.0)
    (note,) = on_cells(x, 12, domain=domain, ends=(ends, ends)).notes
    assert ("if each value is the mean of a cell, choose --cells 12;" in note) == offered
    assert "--cells N and --domain LOWER,UPPER choose otherwise." in note
    (asked,) = on_cells(x, 12, 40, domain, ends=(ends, ends)).notes
    assert "mean of a cell" not in asked
    own = on_cells(x, 12, 12, domain, ends=(ends, ends))
    assert (own.notes == () and np.array_equal(own.coordinate, x)) == offered


def test_cells_that_are_asked_for_may_lie_far_between_sensors():
    """Ten sensors on 64 cells, which joint estimates connect; by default there are fewer cells."""
    x = np.linspace(0.3, 9.7, 10) + 0.05 * np.sin(np.arange(10.0))
    assert len(on_cells(x, 10, cells=64, domain=(0.0, 10.0)).coordinate) == 64
    assert len(on_cells(x, 10, domain=(0.0, 10.0)).coordinate) <= 50
    with pytest.raises(ValueError, match="more than the 95 %"):
        on_cells(x, 10, cells=300, domain=(0.0, 10.0))


def test_how_far_sensors_stand_from_their_cells(tmp_path):
    x = np.array([0.5, 1.6, 2.3, 2.7, 3.5, 4.4, 5.5, 6.5, 7.5])
    axis = on_cells(x, 9, cells=8, domain=(0.0, 8.0))
    (points,) = axis.observation
    np.testing.assert_allclose(points.offsets, [0, 0.1, 0.0, 0, -0.1, 0, 0, 0], atol=1e-12)
    path = save(dataset(x=x), tmp_path / "a.nc")
    (found,) = read(path, cells=8, domain=(0.0, 8.0)).trajectory.observation
    np.testing.assert_allclose(found.offsets, points.offsets)
    assert on_cells(np.arange(9.0), 9).observation == ()
    assert on_cells(np.arange(9.0), 9, cells=9, domain=(-0.5, 8.5)).observation == ()


def test_sensors_in_one_cell_are_averaged(tmp_path):
    x = np.array([0.5, 1.5, 2.3, 2.7, 3.5, 4.5, 5.5, 6.5, 7.5])
    values = wave()
    values[2, 2], values[3, 2:4] = np.nan, np.nan
    source = read(save(dataset(values, x=x), tmp_path / "a.nc"), cells=8, domain=(0.0, 8.0))
    np.testing.assert_allclose(source.x, 0.5 + np.arange(8))
    expected = np.delete(values, 3, axis=1)
    expected[:, 2] = (values[:, 2] + values[:, 3]) / 2
    expected[2, 2] = values[2, 3]
    np.testing.assert_allclose(source.values[:, 0], expected)
    assert source.values.dtype == np.float64
    (note,) = source.hints
    assert "moves them by up to 0.20 of a cell, with the mean of several sensors in 1 cell;" in note


def test_a_domain_larger_than_a_uniform_grid_adds_cells(tmp_path):
    path = save(dataset(x=1.0 + np.arange(9.0)), tmp_path / "a.nc")
    source = read(path, domain=(-1.5, 10.5))
    np.testing.assert_allclose(source.x, -1.0 + np.arange(12.0))
    np.testing.assert_array_equal(source.values[:, 0, 2:11], wave())
    assert np.isnan(source.values[:, 0, [0, 1, 11]]).all()
    grid = source.trajectory.grid
    np.testing.assert_allclose([*grid.lower, *grid.upper], [-1.5, 10.5])


def test_a_place_at_zero_is_zero():
    x = np.array([0.0, 0.276, 0.711, 1.281, 1.778, 2.405, 2.91, 3.923, 4.584, 5.295, 6.118, 7.677])
    for shift in (0.0, 7.677):
        found = on_cells(x - shift, len(x), 56).coordinate
        np.testing.assert_allclose(found, np.linspace(-shift, 7.677 - shift, 56), atol=1e-12)
        assert np.min(np.abs(found)) == 0.0


FAULTS = {
    "outside": (
        {"domain": (0.0, 8.0)},
        r"domain 0 to 8 leaves out 2 of 10 sensors, the first at 8",
    ),
    "ends": ({"domain": (8.0, 0.0)}, "needs finite ends, the lower first; got 8,0"),
    "few cells": ({"cells": 7}, "at least 8, of which 4 with sensors may be enough; got 7"),
    "many cells": ({"cells": 300}, r"97 % of 300 cells .* the 95 % .* choose 2\d\d cells or few"),
    "cells beyond any memory": (
        {"cells": 10**12},
        r"100 % of 10{12} cells .* choose 2\d\d cells or fewer \(--cells\)",
    ),
    "wide domain": (
        {"domain": (0.0, 900.0)},
        r"so sparse in places that .* 75 % .* smaller domain \(--domain\)",
    ),
    "merged": (
        {"cells": 8, "domain": (-9.0, 25.0)},
        r"sensors in 3 of 8 cells, but a law needs 4; choose more cells \(--cells\)",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_grids_that_do_not_fit_the_sensors_are_refused(fault):
    x = np.array([0.0, 1.0, 2.1, 3.15, 4.2, 5.3, 6.35, 7.4, 8.5, 9.1])
    options, message = FAULTS[fault]
    with pytest.raises(ValueError, match=message):
        on_cells(x, 10, **options)


def test_a_frame_may_be_missing_but_not_all_of_them(tmp_path):
    values = wave()
    values[2] = np.nan
    np.testing.assert_array_equal(
        read(save(dataset(values), tmp_path / "a.nc")).values[:, 0], values
    )
    both = dataset(np.stack([values, np.full_like(values, np.nan)]), ("field", "time", "x"))
    path = save(both.assign_coords(field=["h", "q"]), tmp_path / "b.nc")
    with pytest.raises(ValueError, match=r"All values of q in .* are missing; give a file with"):
        read(path)
    assert read(path, "h").fields == ("h",)
    batch = dataset(np.stack([values, np.full_like(values, np.nan)]), ("trajectory", "time", "x"))
    path = save(batch, tmp_path / "c.nc")
    sentence = (
        r"All values of u in trajectory 1 of .*c.nc are missing; .* leave this trajectory out"
    )
    with pytest.raises(ValueError, match=sentence):
        read(path, trajectory=1)
