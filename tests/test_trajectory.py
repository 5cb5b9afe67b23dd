"""Trajectories: what they are made from, what they refuse, and their totals."""

import jax.numpy as jnp
import numpy as np
import pytest
import xarray

from hfluxno.boundary import Given
from hfluxno.contexts import as_trajectory
from hfluxno.coordinates import uniform_edges
from hfluxno.grid import Grid
from hfluxno.observation import Flow, Points
from hfluxno.trajectory import Trajectory

VALUES = np.random.default_rng(0).normal(size=(3, 5, 2, 8)).astype(np.float32)
TIMES = np.linspace(1.0, 1.4, 5)
X = 10.0 + 0.5 * np.arange(8)


def test_shapes_of_arrays():
    one = Trajectory.from_numpy(VALUES[0, :, 0])
    assert one.values.shape == (5, 1, 8)
    assert (one.fields, one.is_batched, one.frames) == (("u",), False, 5)
    np.testing.assert_array_equal(one.times, np.arange(5.0))
    assert (one.grid.lower, one.grid.upper) == ((0.0,), (1.0,))

    two = Trajectory.from_numpy(VALUES[0], TIMES, X, ["h", "m"], "reflecting")
    assert two.values.shape == (5, 2, 8)
    assert two.fields == ("h", "m")
    # The centres are those given, so the ends lie half a cell outside.
    assert (two.grid.lower, two.grid.upper) == ((9.75,), (13.75,))
    np.testing.assert_allclose(two.grid.centers(), X)
    assert two.grid.ends() == ("reflecting", "reflecting")

    batch = Trajectory.from_numpy(VALUES, TIMES, X)
    assert batch.values.shape == (3, 5, 2, 8)
    assert (batch.fields, batch.is_batched, batch.frames) == (("u0", "u1"), True, 5)


def test_types_of_numbers():
    whole = Trajectory.from_numpy(np.arange(32).reshape(4, 8))
    np.testing.assert_array_equal(whole.values[:, 0], np.arange(32.0).reshape(4, 8))
    assert Trajectory.from_numpy(VALUES[0]).values.dtype == jnp.float32


@pytest.mark.parametrize("stored", [np.float64, ">f8", np.longdouble])
def test_double_precision_is_kept(stored):
    values = np.full((4, 8), 1.0 + 1e-12)
    trajectory = Trajectory.from_numpy(values.astype(stored))
    assert trajectory.values.dtype == np.float64
    np.testing.assert_array_equal(trajectory.values[:, 0], values)
    np.testing.assert_allclose(trajectory.totals(), np.full((4, 1), 1.0 + 1e-12), rtol=1e-15)


def test_windows_and_totals():
    batch = Trajectory.from_numpy(VALUES, TIMES, X)
    part = batch.window(1, 4)
    np.testing.assert_array_equal(part.values, VALUES[:, 1:4])
    np.testing.assert_array_equal(part.times, TIMES[1:4])
    np.testing.assert_allclose(batch.totals(), 0.5 * VALUES.sum(axis=-1), rtol=1e-5, atol=1e-6)
    single = Trajectory.from_numpy(VALUES[0], TIMES, X)
    np.testing.assert_array_equal(single.window(2, 3).values, VALUES[0, 2:3])
    assert single.window(2, 3).frames == 1
    np.testing.assert_array_equal(single.batch, VALUES[:1])
    np.testing.assert_array_equal(batch.batch, VALUES)
    assert single.totals().shape == (5, 2)


def test_what_is_known_of_measurements_goes_with_them():
    """Into frames and cells, windows, parts of a batch and back to the fields."""
    times, x = np.array([0.0, 1.0, 3.0, 4.0, 5.0]), np.array([0.0, 1, 2, 3, 5, 6, 7, 8])
    sigma = 1.0 + np.arange(VALUES.size, dtype=float).reshape(VALUES.shape)
    points = Points(np.linspace(-0.5, 0.5, 9))
    units = {"time": "s", "x": "m", "h": "m"}
    made = Trajectory.from_numpy(
        VALUES, times, x, ["h", "q"], deviation=sigma, observation=(Flow(), points), units=units
    )
    assert made.values.shape == made.deviation.shape == (3, 6, 2, 9)
    np.testing.assert_array_equal(made.observed, ~np.isnan(made.deviation))
    assert made.axes == ("trajectory", "time", "field", "x")
    part = made.window(3, 6).single(1)
    np.testing.assert_array_equal(part.deviation[:, 1, :4], sigma[1, 2:, 1, :4])
    np.testing.assert_array_equal(made.members(slice(1, 2)).deviation[0], made.deviation[1])
    states = part.states
    assert states.fields == ("h",) and states.observation == (points,)
    np.testing.assert_array_equal(states.deviation, part.deviation[:, :1])
    assert states.states is states and states.axes == ("time", "field", "x")
    assert [part.unit(name) for name in ("time", "x", "h", "q")] == ["s", "m", "m", ""]
    array = states.to_xarray()
    assert (array.attrs, array["x"].attrs, array["field"].attrs) == ({"units": "m"},) * 2 + ({},)
    assert Trajectory.from_xarray(array).units == part.units


def test_ends_are_assumed_until_someone_says_what_they_are():
    """Also those of windows, members and lists."""
    values, grid = np.zeros((2, 5, 1, 8)), Grid.interval(8)
    assumed = Trajectory.from_numpy(values)
    said = Trajectory.from_numpy(values, boundary="periodic")
    assert assumed.ends_assumed and not said.ends_assumed
    assert said.grid.boundary == assumed.grid.boundary
    for part in (assumed.window(0, 4), assumed.single(1), assumed.members(slice(1))):
        assert part.ends_assumed
    assert as_trajectory(assumed.to_xarray()).ends_assumed
    assert not Trajectory.from_xarray(assumed.to_xarray(), "periodic").ends_assumed
    assert not as_trajectory(values, np.arange(5.0), grid).ends_assumed
    parts = said.single(0), assumed.single(1)
    assert as_trajectory(parts).ends_assumed and not as_trajectory(parts[:1]).ends_assumed


def test_a_deviation_is_one_number_or_one_for_each_field_or_value():
    one = Trajectory.from_numpy(VALUES[0], TIMES, X)
    for noise in (0.1, [0.1, 0.1], np.full(VALUES[0].shape, 0.1)):
        np.testing.assert_array_equal(one.with_deviation(noise).deviation, 0.1)
    assert one.with_deviation(None) is one
    bare = Trajectory.from_numpy(VALUES[:, :, 0, None], TIMES, X)
    assert bare.with_deviation(np.ones((3, 5, 8))).deviation.shape == (3, 5, 1, 8)
    with pytest.raises(ValueError, match=r"each of the 2 fields, .* \(5, 2, 8\); got .* \(3,\)"):
        one.with_deviation([0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="got 0 where something was measured"):
        one.with_deviation(0.0)
    with pytest.raises(ValueError, match="deviations of the noise must be real numbers"):
        one.with_deviation(np.array(["2%"]))


def test_far_origin_of_time_is_kept():
    times = 1e9 + 0.005 * np.arange(5)
    trajectory = Trajectory.from_numpy(VALUES[0], times)
    np.testing.assert_array_equal(np.asarray(trajectory.times), times)


def test_dates_are_seconds():
    dates = np.datetime64("2024-02-28T12:00") + np.arange(5) * np.timedelta64(12, "h")
    trajectory = Trajectory.from_numpy(VALUES, dates, X)
    np.testing.assert_array_equal(np.diff(trajectory.times), 12 * 3600.0)
    assert trajectory.times[0] == dates[0].astype("datetime64[s]").astype(int)
    assert trajectory.unit("time") == "s"
    np.testing.assert_array_equal(
        Trajectory.from_numpy(VALUES, dates - dates[0], X).times, 12 * 3600.0 * np.arange(5)
    )
    dates[2] = "NaT"
    with pytest.raises(ValueError, match="time has NaN"):
        Trajectory.from_numpy(VALUES, dates, X)


@pytest.mark.parametrize("time", ["time", "t"])
def test_xarray_in_any_order(time):
    array = xarray.DataArray(
        VALUES,
        {time: TIMES, "x": X, "field": ["h", "m"]},
        ("trajectory", time, "field", "x"),
    )
    for order in (("trajectory", time, "field", "x"), ("x", "field", time, "trajectory")):
        trajectory = Trajectory.from_xarray(array.transpose(*order))
        np.testing.assert_array_equal(trajectory.values, VALUES)
        np.testing.assert_array_equal(trajectory.times, TIMES)
        assert trajectory.fields == ("h", "m")
    back = Trajectory.from_xarray(trajectory.to_xarray())
    np.testing.assert_array_equal(back.values, VALUES)
    np.testing.assert_allclose(back.grid.centers(), X)


def test_xarray_whose_x_decreases():
    axes = {"time": TIMES, "x": X[::-1]}
    array = xarray.DataArray(VALUES[0, :, 0, ::-1], axes, ("time", "x"))
    trajectory = Trajectory.from_xarray(array)
    np.testing.assert_array_equal(trajectory.values[:, 0], VALUES[0, :, 0])
    np.testing.assert_allclose(trajectory.grid.centers(), X)
    bare = Trajectory.from_xarray(array.drop_vars("x"))
    np.testing.assert_array_equal(bare.values[:, 0], array.values)


def test_xarray_without_fields_or_coordinates():
    array = xarray.DataArray(VALUES[0, :, 0].T, dims=("x", "time"), name="density")
    trajectory = Trajectory.from_xarray(array)
    np.testing.assert_array_equal(trajectory.values[:, 0], VALUES[0, :, 0])
    assert trajectory.fields == ("density",)
    assert trajectory.to_xarray().dims == ("time", "field", "x")
    with pytest.raises(ValueError, match=r"dimensions time \(or t\) and x.*this one has a, x"):
        Trajectory.from_xarray(xarray.DataArray(VALUES[0, 0], dims=("a", "x")))
    with pytest.raises(ValueError, match=r"array\.rename"):
        Trajectory.from_xarray(xarray.DataArray(VALUES[0, 0], dims=("time", "y")))


def spoiled(value):
    values = VALUES[0].copy()
    values[2, 1, 3] = values[4, 0, 0] = value
    return values


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((VALUES[0] * 1j,), "must be real numbers; their type is complex64"),
        ((np.full((4, 8), "a"),), "must be real numbers"),
        ((VALUES[0, 0, 0],), r"must have the shape .*; got \(8,\)"),
        ((VALUES[None],), r"got \(1, 3, 5, 2, 8\)"),
        (
            (spoiled(np.inf),),
            r"has 2 infinite values, the first at index \(2, 1, 3\).*make them NaN",
        ),
        ((VALUES[0], TIMES[:4]), r"time has the shape \(4,\), but the data have 5"),
        ((VALUES[0], TIMES[::-1]), r"time does not increase from entry 0 to 1 \(1.4 to 1.3\)"),
        ((VALUES[0], [0, 1, 2, 2, 3]), "time does not increase from entry 2 to 3"),
        (
            (VALUES[0], [0, 1, np.nan, 3, 4]),
            "time has NaN or infinite entries, the first .nan. at 2",
        ),
        ((VALUES[0], TIMES, X**2), "x is not uniform.*interpolate to a uniform grid"),
        ((VALUES[0], TIMES, X[:, None]), r"x has the shape \(8, 1\)"),
        ((VALUES[0][:1], [np.nan]), "time has NaN or infinite entries"),
        ((VALUES[0], TIMES, X, ["h"]), "1 name for 2 fields"),
        ((VALUES[0], TIMES, X, None, ("periodic", "outflow")), "both of them periodic"),
    ],
)
def test_bad_input(arguments, message):
    arguments = [np.asarray(a) if i in (1, 2) else a for i, a in enumerate(arguments)]
    with pytest.raises(ValueError, match=message):
        Trajectory.from_numpy(*arguments)


def test_rounding_of_single_precision_is_uniform():
    # Seconds with an offset of a million: single precision has steps of 1/16 there.
    centers = (1e6 + 0.3 * np.arange(50)).astype(np.float32).astype(float)
    assert np.ptp(np.diff(centers)) > 0.05
    lower, upper = uniform_edges(centers, 50, "x")
    assert upper - lower == pytest.approx(15.0, rel=1e-2)
    with pytest.raises(ValueError, match="not uniform"):
        uniform_edges(np.array([0.0, 1.0, 2.0, 3.01]), 4, "x")
    assert uniform_edges(np.array([1.0, 2.0]), 2, "x") == (0.5, 2.5)


def test_steps_that_are_multiples_of_one_leave_gaps():
    dates = np.datetime64("2024-02-28T00:00") + np.array([0, 10, 40, 50, 60]) * np.timedelta64(
        1, "m"
    )
    for times in ([3, 4, 7, 8, 9], dates, 0.1 * np.array([3, 4, 7, 8, 9])):
        found = Trajectory.from_numpy(VALUES, np.asarray(times))
        assert found.frames == 7
        steps = np.diff(found.times)
        np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
        np.testing.assert_array_equal(found.values[:, [0, 1, 4, 5, 6]], VALUES)
        assert np.isnan(found.values[:, [2, 3]]).all()
    places = np.array([0, 1, 2, 4, 6, 7, 9, 10])
    found = Trajectory.from_numpy(VALUES, TIMES, 0.5 + places)
    assert found.grid.shape == (11,) and found.grid.upper == (11.0,)
    np.testing.assert_array_equal(found.values[..., places], VALUES)
    # Of places, a smallest step that occurs once may be an error.
    with pytest.raises(ValueError, match="x is not uniform"):
        Trajectory.from_numpy(VALUES, TIMES, np.array([0, 1, 3, 5, 7, 9, 11, 13]))


def test_uneven_times_are_frames_of_an_interval_or_stay_as_they_are():
    found = Trajectory.from_numpy(VALUES[0], np.array([0, 1, 3, 5, 7]))
    np.testing.assert_array_equal(found.times, np.arange(8.0))
    np.testing.assert_array_equal(found.values[[0, 1, 3, 5, 7]], VALUES[0])
    assert np.isnan(found.values[[2, 4, 6]]).all()
    times = np.array([0.0, 1.0, 2.13, 4.5, 5.77])
    found = Trajectory.from_numpy(VALUES[0], times)
    np.testing.assert_array_equal(found.times, times)
    np.testing.assert_array_equal(found.values, VALUES[0])
    plane = Trajectory.from_numpy(np.ones((5, 8, 8)), times, y=np.arange(8.0))
    np.testing.assert_array_equal(plane.times, times)


def test_masked_values_are_missing():
    masked = np.ma.masked_greater(np.where(VALUES > 1.0, 1e20, VALUES), 1.0)
    found = Trajectory.from_numpy(masked).values
    np.testing.assert_array_equal(np.isnan(found), masked.mask)
    np.testing.assert_array_equal(found[~masked.mask], masked.compressed())
    with pytest.raises(ValueError, match="time has NaN"):
        Trajectory.from_numpy(VALUES, np.ma.masked_array(TIMES, np.arange(5) == 2))
    dates = np.datetime64("2024-02-28") + np.arange(5)
    for times in (dates, dates - dates[0]):
        with pytest.raises(ValueError, match="time has NaN"):
            Trajectory.from_numpy(VALUES, np.ma.masked_array(times, np.arange(5) == 2))
    whole = np.ma.masked_array(VALUES, np.zeros(VALUES.shape, bool))
    np.testing.assert_array_equal(Trajectory.from_numpy(whole).values, VALUES)


def test_a_far_origin_hides_no_uneven_steps():
    uneven = 1e6 + np.array([0.0, 1.1, 1.9, 3.0, 4.2, 5.0, 5.8, 7.0])
    with pytest.raises(ValueError, match="x is not uniform"):
        Trajectory.from_numpy(VALUES, TIMES, uneven)
    # Single precision cannot say it better.
    Trajectory.from_numpy(VALUES, TIMES, (1e6 + 0.1 * np.arange(8)).astype(np.float32))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((np.zeros((0, 5, 1, 8)),), "There are no values"),
        ((VALUES, TIMES, X, ["h", "h"]), "h, h are not different"),
        ((VALUES, np.array(list("abcde"))), "times must be real numbers"),
        ((VALUES, TIMES, X + 1j), "coordinate x must be real numbers"),
    ],
)
def test_what_is_no_trajectory(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        Trajectory.from_numpy(*arguments)


PLANE = np.random.default_rng(1).normal(size=(3, 5, 2, 8, 6)).astype(np.float32)
Y = -1.0 + 0.25 * np.arange(6)


def test_arrays_on_a_plane():
    batch = Trajectory.from_numpy(PLANE, TIMES, X, ["h", "m"], ("periodic", "wall"), y=Y)
    assert (batch.is_batched, batch.frames, batch.grid.shape) == (True, 5, (8, 6))
    assert (batch.grid.lower, batch.grid.upper) == ((9.75, -1.125), (13.75, 0.375))
    assert (batch.grid.ends(0), batch.grid.ends(1)) == (("periodic",) * 2, ("reflecting",) * 2)
    np.testing.assert_array_equal(batch.window(1, 3).values, PLANE[:, 1:3])
    expected = 0.5 * 0.25 * PLANE.sum(axis=(-2, -1))
    np.testing.assert_allclose(batch.totals(), expected, rtol=1e-4, atol=1e-5)
    single = Trajectory.from_numpy(PLANE[0], TIMES, X, y=Y)
    assert (single.is_batched, single.frames, single.fields) == (False, 5, ("u0", "u1"))
    assert single.totals().shape == (5, 2)
    scalar = Trajectory.from_numpy(PLANE[0, :, 0], y=Y)
    assert scalar.values.shape == (5, 1, 8, 6)
    assert scalar.grid.upper[0] == 1.0


def test_rows_that_are_left_out_on_a_plane_are_gaps():
    kept = np.array([0, 1, 2, 4, 5])
    gappy = Trajectory.from_numpy(PLANE[0][..., kept], TIMES, X, y=Y[kept])
    assert gappy.grid.shape == (8, 6)
    np.testing.assert_array_equal(gappy.values[..., kept], PLANE[0][..., kept])
    assert np.isnan(gappy.values[..., 3]).all()


@pytest.mark.parametrize("trajectories", [slice(None), 0])
def test_a_plane_goes_to_xarray_and_back(trajectories):
    given = Trajectory.from_numpy(PLANE[trajectories], TIMES, X, ["h", "m"], y=Y)
    array = given.to_xarray()
    assert array.dims[-4:] == ("time", "field", "x", "y")
    back = Trajectory.from_xarray(array.transpose("y", "field", "x", ...))
    np.testing.assert_array_equal(back.values, given.values)
    assert (back.grid.lower, back.grid.shape, back.fields) == (
        given.grid.lower,
        given.grid.shape,
        given.fields,
    )
    bare = array.isel(field=0, drop=True).drop_vars("y").rename("h")
    numbered = Trajectory.from_xarray(bare)
    assert (numbered.fields, numbered.grid.upper[1]) == (("h",), 1.0)
    np.testing.assert_array_equal(numbered.values[..., 0, :, :], given.values[..., 0, :, :])


def test_an_array_with_a_grid_on_a_plane_is_a_context():
    grid = Grid.rectangle((8, 6), upper=(1.0, 2.0), boundary="wall")
    made = as_trajectory(PLANE[0], TIMES, grid)
    assert made.grid is grid
    np.testing.assert_array_equal(made.values, PLANE[0])


def test_a_plane_says_what_it_needs():
    with pytest.raises(ValueError, match=r"shape \(time, x, y\), \(time, field, x, y\) or"):
        Trajectory.from_numpy(PLANE[0, 0, 0], y=Y)
    with pytest.raises(ValueError, match="in two dimensions pass boundary=Inflow"):
        Trajectory.from_numpy(PLANE[0], TIMES, X, inflow=np.ones((2, 2)), y=Y)
    with pytest.raises(ValueError, match="The coordinate y is not uniform"):
        Trajectory.from_numpy(PLANE[0], TIMES, X, y=Y**3)
    with pytest.raises(ValueError, match="trajectory, field and y; this one has time, x, z"):
        Trajectory.from_xarray(xarray.DataArray(np.ones((4, 8, 8)), dims=("time", "x", "z")))


def test_bounds_are_kept_with_the_trajectory():
    context = Trajectory.from_numpy(0.5 + 0.1 * VALUES[0, :, 0]).with_bounds(0.0, 1.0)
    assert context.bounds == context.window(0, 3).bounds == context.states.bounds == (0.0, 1.0)
    assert context.with_bounds(most=2.0).bounds == (-np.inf, 2.0)


@pytest.mark.parametrize(
    ("values", "bounds", "words"),
    [
        (VALUES[0, :, 0], (1.0, 0.0), "the lower one first; got 1 and 0"),
        (VALUES[0, :, 0], (np.nan, 1.0), "got nan and 1"),
        (VALUES[0], (0.0, 1.0), "one field along one axis"),
        (100.0 + VALUES[0, :, 0], (0.0, 1.0), "100 % of the values of u are beyond the bounds"),
    ],
)
def test_bounds_that_states_cannot_have_are_refused(values, bounds, words):
    with pytest.raises(ValueError, match=words):
        Trajectory.from_numpy(values).with_bounds(*bounds)


def test_noise_may_lead_beyond_bounds_wherever_a_field_is_at_one():
    values = 0.01 * np.random.default_rng(0).normal(size=(20, 40))
    values[:, 30:] += 0.1 * np.arange(10.0)
    assert np.mean(values < 0.0) > 0.3
    assert Trajectory.from_numpy(values).with_bounds(0.0).bounds == (0.0, np.inf)
    with pytest.raises(ValueError, match=r"78 % of the values of u are beyond the bounds 0\.1 and"):
        Trajectory.from_numpy(values).with_bounds(0.1)


def test_a_state_at_an_end_is_within_bounds():
    end = Given(np.array([0.0, 4.0]), np.array([[0.5, 1.5]]))
    context = Trajectory.from_numpy(np.full((5, 8), 0.5), boundary=(end, "outflow"))
    with pytest.raises(ValueError, match=r"beyond the bounds 0 and 1: the given ones go from 0\.5"):
        context.with_bounds(0.0, 1.0)
