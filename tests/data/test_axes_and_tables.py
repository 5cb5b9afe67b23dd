"""Axes with other names, in other orders and of one entry; tables."""

import numpy as np
import pytest

from hfluxno.data.readers import read
from tests.data.test_readers import CELLS, FRAMES, dataset, save, wave


def test_x_may_fall(tmp_path):
    x = 4.0 - 0.5 * np.arange(CELLS)
    source = read(save(dataset(x=("x", x, {"units": "km"})), tmp_path / "a.nc"))
    np.testing.assert_array_equal(source.values[:, 0], wave()[:, ::-1])
    np.testing.assert_array_equal(source.x, x[::-1])
    assert source.falls and source.coordinates["x"].attrs["units"] == "km"


def test_an_axis_of_one_entry_is_left_out(tmp_path):
    data = dataset(wave()[:, None, :, None], ("time", "y", "x", "z"), y=[3.0])
    source = read(save(data, tmp_path / "a.nc"))
    np.testing.assert_array_equal(source.values[:, 0], wave())
    assert source.parts[0].dims == ("time", "y", "x", "z") and source.dims == ("time", "x")
    two = dataset(np.stack([wave()] * 2), ("y", "time", "x"))
    with pytest.raises(ValueError, match=r"unknown dimensions \(y\)"):
        read(save(two, tmp_path / "b.nc"))


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".npz"])
def test_axes_may_have_other_names(tmp_path, suffix):
    minutes, places = 3.0 + np.arange(FRAMES), 10.0 * np.arange(CELLS)
    path = tmp_path / f"a{suffix}"
    if suffix == ".npz":
        np.savez(path, values=wave(), minutes=minutes, places=places)
    else:
        data = dataset(dims=("frame", "places"), minutes=("frame", minutes), places=places)
        save(data, path)
    source = read(path, time="minutes", x="places")
    np.testing.assert_array_equal(source.times, minutes)
    np.testing.assert_array_equal(source.x, places)
    assert source.names == {"time": "minutes", "x": "places"} and source.dims == ("time", "x")
    with pytest.raises(ValueError, match=r"There is no axis 'lon' in .*; its axes are"):
        read(path, time="minutes", x="lon")


def test_an_axis_has_one_name(tmp_path):
    data = dataset(time=np.arange(FRAMES)).assign(lon=("x", np.arange(CELLS)))
    path = save(data, tmp_path / "a.nc")
    np.testing.assert_array_equal(read(path, x="lon").x, np.arange(CELLS))
    with pytest.raises(ValueError, match="has a time beside lon; leave out --time"):
        read(path, time="lon")


def test_a_periodic_end_that_stands_twice_is_said(tmp_path):
    closed = np.concatenate([wave(), wave()[:, :1]], axis=1)
    path = save(dataset(closed), tmp_path / "a.nc")
    (hint,) = read(path).hints
    assert "same in every frame" in hint and "leave out the last one" in hint
    assert read(path, boundary="outflow").hints == ()
    assert read(save(dataset(), tmp_path / "b.nc")).hints == ()
    flat = wave()
    flat[:, [0, 1, -1]] = 0.5  # ends at which nothing has happened yet
    assert read(save(dataset(flat), tmp_path / "c.nc")).hints == ()


# Tables


def table(path, columns, order=None):
    names, rows = list(columns), list(zip(*columns.values(), strict=True))
    rows = rows if order is None else [rows[i] for i in order]
    path.write_text("\n".join(",".join(map(str, row)) for row in [names, *rows]) + "\n")
    return path


def columns(values=None, **names):
    t, x = (
        axis.ravel() for axis in np.meshgrid(np.arange(FRAMES), np.arange(CELLS), indexing="ij")
    )
    u = (wave() if values is None else values).ravel()
    return {names.get("time", "time"): 0.5 * t, names.get("x", "x"): 2.0 * x, "u": u}


def test_a_table_in_any_order_of_its_lines(tmp_path):
    shuffled = np.random.default_rng(0).permutation(FRAMES * CELLS)
    for order in (None, shuffled):
        source = read(table(tmp_path / "a.csv", columns(), order))
        np.testing.assert_allclose(source.values[:, 0], wave(), rtol=1e-15)
        np.testing.assert_array_equal(source.times, 0.5 * np.arange(FRAMES))
        np.testing.assert_array_equal(source.x, 2.0 * np.arange(CELLS))


def test_columns_of_a_table(tmp_path):
    data = columns(time="minute", x="km") | {"v": 2.0 * wave().ravel(), "note": ["a"] * wave().size}
    path = table(tmp_path / "a.csv", data)
    source = read(path, "v,u", time="minute", x="km")
    assert source.fields == ("v", "u") and source.values.shape == (FRAMES, 2, CELLS)
    np.testing.assert_allclose(source.values[:, 0], 2.0 * source.values[:, 1])
    with pytest.raises(ValueError, match=r"Several variables of .* could be meant \(u, v\)"):
        read(path, time="minute", x="km")
    with pytest.raises(
        ValueError, match=r"no column time; it has minute, km, .* --time NAME and --x"
    ):
        read(path)


def test_trajectories_and_dates_of_a_table(tmp_path):
    one = columns()
    days = [
        f"2024-02-{27 + int(2 * t)}" if t < 1.5 else f"2024-03-0{int(2 * t) - 2}"
        for t in one["time"]
    ]
    data = {"trajectory": [7] * wave().size + [9] * wave().size}
    data |= {"t": days * 2, "x": [*one["x"]] * 2, "u": [*one["u"], *(3.0 * one["u"])]}
    source = read(table(tmp_path / "a.csv", data))
    assert source.trajectories == 2 and list(source.coordinates["trajectory"].values) == [7, 9]
    np.testing.assert_allclose(source.values[1], 3.0 * source.values[0])
    np.testing.assert_array_equal(np.diff(source.times), 86400.0)
    assert source.coordinates["t"].attrs["units"] == "seconds since 1970-01-01"


def test_lines_that_a_table_leaves_out_are_gaps(tmp_path):
    count = wave().size
    absent = {CELLS + 2, *range(2 * CELLS, 3 * CELLS)}
    kept = [i for i in range(count) if i not in absent]
    source = read(table(tmp_path / "a.csv", columns(), kept))
    expected = wave()
    expected[1, 2], expected[2] = np.nan, np.nan
    np.testing.assert_allclose(source.values[:, 0], expected)


def test_tables_with_doubles_are_refused(tmp_path):
    whole, count = columns(), wave().size
    with pytest.raises(ValueError, match=r"two lines for time 0.0, x 2.0"):
        read(table(tmp_path / "a.csv", whole, [*range(count), 1]))
    with pytest.raises(ValueError, match=r"neither numbers nor dates; the first is 'soon'"):
        read(table(tmp_path / "a.csv", whole | {"time": ["soon"] * count}))
    with pytest.raises(ValueError, match=r"a line without time or x"):
        read(table(tmp_path / "a.csv", whole | {"x": ["", *whole["x"][1:]]}))
    (tmp_path / "b.csv").write_bytes(bytes(range(256)))
    with pytest.raises(OSError, match=r"b.csv cannot be read"):
        read(tmp_path / "b.csv")
