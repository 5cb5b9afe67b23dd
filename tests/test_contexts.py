"""What `identify`, `forecast` and `reconstruct` take, and what they refuse in a sentence."""

import re

import numpy as np
import pytest
import xarray as xr

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.contexts import as_trajectory
from hfluxno.data.readers import read
from tests.identify.laws import identification, polynomial

TIMES, GRID = np.linspace(3.0, 3.4, 5), Grid.interval(8, 10.0, 14.0)
VALUES = np.random.default_rng(0).normal(size=(3, 5, 2, 8))


def one(i=0):
    return Trajectory.from_numpy(VALUES[i], TIMES, GRID.centers(), ["h", "m"])


def assert_same(found, expected):
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_array_equal(found.times, expected.times)
    assert found.fields == expected.fields and found.is_batched == expected.is_batched
    np.testing.assert_allclose(found.grid.centers(), expected.grid.centers())
    assert found.grid.boundary == expected.grid.boundary


def test_every_form_of_a_context_is_the_same_trajectory():
    assert as_trajectory(one()) is not None
    assert_same(as_trajectory(one().to_xarray()), one())
    assert_same(as_trajectory(VALUES[0], TIMES, GRID, ["h", "m"]), one())
    assert_same(as_trajectory(VALUES[0], TIMES.tolist(), GRID, ["h", "m"]), one())
    batch = Trajectory.from_numpy(VALUES, TIMES, GRID.centers(), ["h", "m"])
    assert_same(as_trajectory([one(0), one(1).to_xarray(), one(2)]), batch)
    assert_same(as_trajectory(VALUES, TIMES, GRID, ["h", "m"]), batch)


def test_an_array_keeps_the_boundary_of_its_grid():
    outside = np.array([[1.0, 2.0], [0.0, 0.5]])
    grid = Grid.interval(8, 10.0, 14.0, ("inflow", "outflow"), outside)
    found = as_trajectory(VALUES[0], TIMES, grid)
    assert found.grid is grid
    same = Trajectory.from_numpy(
        VALUES[0], TIMES, grid.centers(), None, ("inflow", "outflow"), outside
    )
    assert same.grid.ends() == ("inflow", "outflow")
    np.testing.assert_array_equal(same.grid.boundary[0][0].state, outside[:, 0])


def test_what_pandas_and_xarray_hold_otherwise_is_refused_with_the_way_to_make_it_one():
    made = one().to_xarray().isel(field=0, drop=True).rename("density")
    assert_same(as_trajectory(made), as_trajectory(VALUES[0][:, :1], TIMES, GRID, ["density"]))
    table = made.to_dataframe().reset_index()
    for other, mend in ((table, "'density'].to_xarray()"), (made.to_dataset(), "data['density']")):
        with pytest.raises(ValueError, match=re.escape(mend)):
            as_trajectory(other)
    with pytest.raises(ValueError, match=r"as in data\[\['h', 'm'\]\].to_array\('field'\)"):
        as_trajectory(one().to_xarray().to_dataset("field"))
    assert_same(as_trajectory(one().to_xarray().to_dataset("field").to_array("field")), one())
    again = table.set_index(["time", "x"])["density"].to_xarray()
    assert_same(as_trajectory(again), as_trajectory(made))
    with pytest.raises(ValueError, match=re.escape("pass series.to_xarray()")):
        as_trajectory(table.set_index(["time", "x"])["density"])


def test_a_list_that_is_no_batch_is_refused():
    later = Trajectory.from_numpy(VALUES[0], TIMES + 1.0, GRID.centers(), ["h", "m"])
    walled = Trajectory.from_numpy(VALUES[0], TIMES, GRID.centers(), ["h", "m"], "reflecting")
    for other in (later, walled, one().with_deviation(0.1)):
        with pytest.raises(
            ValueError, match="differ in their times, grid, fields or units, or in what"
        ):
            as_trajectory([one(), other])
    batch = Trajectory.from_numpy(VALUES, TIMES, GRID.centers())
    with pytest.raises(ValueError, match="must hold single trajectories; one of them is a batch"):
        as_trajectory([batch])


def test_inflow_is_an_argument_of_what_asks_for_it():
    x = GRID.centers()
    for make in (
        lambda **more: Trajectory.from_numpy(VALUES[0], TIMES, x, boundary="inflow", **more),
        lambda **more: Trajectory.from_xarray(one().to_xarray(), "inflow", **more),
        lambda **more: Grid.interval(8, boundary="inflow", **more),
    ):
        with pytest.raises(ValueError, match=r"on a line also inflow=array of shape \(field, 2\)"):
            make()
        made = make(inflow=np.eye(2))
        ends = getattr(made, "grid", made).boundary[0]
        np.testing.assert_array_equal([end.state for end in ends], np.eye(2))
    with pytest.raises(ValueError, match=r"inflow has the shape \(2,\); it needs \(2, 2\)"):
        Trajectory.from_numpy(VALUES[0], TIMES, x, boundary="inflow", inflow=np.ones(2))


@pytest.mark.parametrize("factor", [1e-300, 1e-160, 1e100, 1e300])
def test_steps_beyond_computing_are_refused_in_the_sentence_of_a_file(tmp_path, factor):
    values, times, x = VALUES[0, :, 0], factor * np.arange(5.0), factor * np.arange(8.0)
    faults = []
    for name, axes in {"time": (times, None), "x": (None, x)}.items():
        size = f"steps of the coordinate {name} reach {factor:.3g} in size"
        with pytest.raises(ValueError, match=re.escape(size)) as refused:
            Trajectory.from_numpy(values, *axes)
        faults.append(str(refused.value))
    with pytest.raises(ValueError, match="steps of the coordinate y reach"):
        Trajectory.from_numpy(np.zeros((3, 4, 8)), y=x)
    hand_made = Trajectory(values[:, None], times, Grid.interval(8), ("u",))
    grid = Grid.interval(8, 0.0, 8.0 * factor)
    for context, more in (
        (hand_made, {}),
        (Trajectory(values[:, None], TIMES, grid, ("u",)), {}),
        (values, {"times": times, "grid": GRID}),
        (values, {"times": TIMES, "grid": grid}),
    ):
        with pytest.raises(ValueError) as refused:
            hfluxno.forecast(context, 2, "persistence", **more)
        assert str(refused.value) in faults
    for i, axes in enumerate(({"time": times}, {"x": x})):
        np.savez(tmp_path / "a.npz", u=values, **axes)
        with pytest.raises(ValueError) as refused:
            read(tmp_path / "a.npz")
        assert str(refused.value) == faults[i]


def test_a_state_at_rest_tells_nothing():
    rest = np.repeat(VALUES[0, :1], 5, axis=0)
    with pytest.raises(ValueError, match="Nothing moves in the frames: there is nothing to infer"):
        hfluxno.identify(rest, times=TIMES, grid=GRID, fields=["h", "m"])
    rest[3, 0, 2] = np.nan  # a gap is no change
    with pytest.raises(ValueError, match="Nothing moves in the frames: there is nothing to infer"):
        hfluxno.identify(rest, times=TIMES, grid=GRID, fields=["h", "m"])


def test_a_single_frame_is_a_context_for_a_given_law():
    law, x = identification(polynomial(-3.0, 3.0, 1.0, 0.5), interval=0.1), GRID.centers()
    labelled = xr.DataArray(
        VALUES[0, :1, 0], {"time": TIMES[:1], "x": x}, ("time", "x"), name="density"
    )
    contexts = (
        (Trajectory.from_numpy(VALUES[0, :1, 0], TIMES[:1], x, ["density"]), {}),
        (labelled, {}),
        (VALUES[0, :1, 0], {"times": TIMES[:1], "grid": GRID, "fields": ["density"]}),
    )
    for context, more in contexts:
        forecast = hfluxno.forecast(context, 2, law=law, every=0.05, **more)
        np.testing.assert_allclose(forecast.trajectory.times, [3.05, 3.1])
        with pytest.raises(ValueError, match="needs at least 4 frames; this one has 1"):
            hfluxno.identify(context, **more)


def test_what_the_memory_does_not_hold_is_refused_before_it_is_made(monkeypatch):
    with pytest.raises(ValueError, match=r"A forecast of 1,000,000,000,000 .* choose fewer steps"):
        hfluxno.forecast(one(), 10**12, "persistence")
    monkeypatch.setattr("hfluxno.memory.memory_of_machine", lambda: 2**20)
    first = Trajectory.from_numpy(VALUES[0, :, 0], TIMES, GRID.centers())
    with pytest.raises(ValueError, match=r"A reconstruction of 401 frames takes .* larger time"):
        hfluxno.reconstruct(first, every=1e-3)


def test_the_functions_take_every_form():
    still = np.repeat(VALUES[0, :1, :1], 5, axis=0)  # nothing moves: refused by all alike
    still[:, 0] = 1.0
    x = GRID.centers()
    labelled = xr.DataArray(still[:, 0], {"time": TIMES, "x": x}, ("time", "x"), name="u")
    for context, more in (
        (labelled, {}),
        (still, {"times": TIMES, "grid": GRID, "fields": ["u"]}),
        ([labelled, labelled], {}),
    ):
        with pytest.raises(ValueError, match=r"field .u.* is constant: there is nothing to infer"):
            hfluxno.identify(context, **more)
        one_by_one = isinstance(context, list)
        sentence = "takes one trajectory" if one_by_one else "field 'u' is constant: there is"
        with pytest.raises(ValueError, match=sentence):
            hfluxno.reconstruct(context, **more)
        forecast = hfluxno.forecast(context, np.int64(2), "persistence", **more)
        assert forecast.trajectory.frames == 2
        np.testing.assert_array_equal(forecast.trajectory.values, 1.0)
