"""Fields on axes of their own are read on the times and places of all."""

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hfluxno.data.noise import read_noise
from hfluxno.data.readers import read
from tests.data.test_readers import save

T, X = 60.0 * np.arange(12), np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 8])
T2, X2 = 120.0 * np.arange(6) + 30.0, np.array([1.0, 3.5, 6.0, 7.5, 8.0])
H = 1.0 + np.arange(12 * 9).reshape(12, 9)
Q = -1.0 - np.arange(6 * 5).reshape(6, 5)


def river(**other) -> dict:
    """Depths at nine gauges, and flows at five places at other times, three of them gauges."""
    axes = {"time": ("time", T, {"units": "s"}), "time2": ("time2", T2, {"units": "s"})}
    axes |= {"x": ("x", X, {"units": "m"}), "x2": ("x2", X2, {"units": "m"})}
    values = {"h": (("time", "x"), H, {"units": "m"}), "q": (("time2", "x2"), Q)}
    return values | axes | other


def check(source, unit=1.0):
    """h and q are at their times, in units of so many seconds, and places, and nothing else is."""
    times, x = np.arange(0.0, 661.0, 30.0), np.arange(0.0, 8.1, 0.5)
    np.testing.assert_allclose(unit * source.times, times, rtol=1e-12)
    np.testing.assert_array_equal(source.x, x)
    for field, own_times, own_x, values in ((0, T, X, H), (1, T2, X2, Q)):
        at = np.ix_(np.searchsorted(times, own_times), [field], np.searchsorted(x, own_x))
        np.testing.assert_array_equal(source.values[at][:, 0], values)
        assert np.sum(~np.isnan(source.values[:, field])) == values.size


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".h5"])
def test_fields_are_on_the_times_and_places_of_all(tmp_path, suffix):
    path = save(xr.Dataset(river()), tmp_path / f"a{suffix}")
    source = read(path, "h,q")
    check(source)
    assert source.names == {"time": "time,time2", "x": "x,x2"} and source.own_names == {}
    assert source.units == {"time": "s", "x": "m", "h": "m", "q": ""}
    assert read(path, "q,h").fields == ("q", "h")
    alone = read(path)
    assert alone.fields == ("h",)
    assert "Not read, on axes of its own: q; --variable h,q reads all." in alone.hints
    np.testing.assert_array_equal(read(path, "h").values[:, 0], H)


def test_the_same_as_of_a_table(tmp_path):
    frames = [
        pd.DataFrame({"time": t.repeat(len(x)), "x": np.tile(x, len(t)), name: v.ravel()})
        for t, x, name, v in ((T, X, "h", H), (T2, X2, "q", Q))
    ]
    pd.concat(frames).to_csv(tmp_path / "a.csv", index=False)
    table = read(tmp_path / "a.csv", "h,q", cells=20)
    source = read(save(xr.Dataset(river()), tmp_path / "a.nc"), "h,q", cells=20)
    np.testing.assert_array_equal(source.values, table.values)
    np.testing.assert_array_equal(source.x, table.x)


def test_cells_are_as_narrow_as_the_places_of_all_fields_allow(tmp_path):
    """They are not wider because one of them was measured less often."""
    x, x2 = np.sort(np.random.default_rng(0).uniform(0.0, 100.0, (2, 9)))[:, :9]
    other = {"x": ("x", x, {"units": "m"}), "x2": ("x2", x2[:5], {"units": "m"})}
    path = save(xr.Dataset(river(**other)), tmp_path / "a.nc")
    alone, both = read(path, "h"), read(path, "h,q")
    assert len(alone.x) >= 30 and len(both.x) >= 30
    assert len(set(both.columns)) > len(set(alone.columns))


def test_arrays_without_names_of_dimensions(tmp_path):
    by_length = {"h": H, "q": Q, "time": T, "x": X, "time2": T2, "x2": X2}
    after = {"h": H, "q": Q, "time_h": T, "x_h": X, "t_q": T2, "q_x": X2}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.update(after)
    for name, arrays in (("a", by_length), ("b", after)):
        np.savez(tmp_path / f"{name}.npz", **arrays)
    for name in ("a.npz", "b.npz", "a.h5"):
        check(read(tmp_path / name, "h,q"))
    same = {"h": H[:6, :5], "q": Q, "time": T[:6], "x": X[:5], "time_q": T2, "x_q": X2}
    np.savez(tmp_path / "c.npz", **same)
    np.testing.assert_array_equal(read(tmp_path / "c.npz", "h,q").values[0, 0, :5:2], H[0, :3])
    day = np.datetime64("2024-05-02")
    dates = {f"time_{n}": day + t.astype("m8[s]") for n, t in (("h", T), ("q", T2))}
    np.savez(tmp_path / "d.npz", h=H, q=Q, x_h=X, x_q=X2, **dates)
    source = read(tmp_path / "d.npz", "h,q")
    check(source)
    assert source.units["time"] == "seconds since 2024-05-02T00:00:00"
    np.savez(tmp_path / "e.npz", h=H, q=Q, time=T, x=X, when=T2, x2=X2)
    with pytest.raises(ValueError, match=r"q of .* array of its 6 times, and there is none; store"):
        read(tmp_path / "e.npz", "h,q")
    check(read(tmp_path / "e.npz", "h,q", time="time,when"))
    with pytest.raises(ValueError, match="has the names when, which are not understood; under"):
        read(tmp_path / "e.npz", "h")
    assert read(tmp_path / "a.npz", "h").variable == "h"


def test_axes_fall_and_are_known_by_what_is_said_of_them(tmp_path):
    day = np.datetime64("2024-05-02T06:00", "ns")
    data = {
        "h": (("when", "station"), H[:, ::-1]),
        "q": (("meter", "clock"), Q.T),
        "when": ("when", day + T.astype("m8[s]")),
        "clock": ("clock", day + T2.astype("m8[s]")),
        "station": ("station", np.arange(9)),  # counts them
        "x": ("station", X[::-1]),
        "place": ("meter", X2),
    }
    path = save(xr.Dataset(data), tmp_path / "a.nc")
    with xr.open_dataset(path, decode_times=False) as stored:  # each in its units
        assert stored.clock.units != stored.when.units
        in_minutes = stored.when.units.startswith("minutes")
    with pytest.raises(ValueError, match=r"The axis meter of q .* and there is none; .*--x NAME"):
        read(path, "h,q")
    source = read(path, "h,q", x="x,place")
    check(source, 60.0 if in_minutes else 1.0)
    assert not source.falls and source.names == {"time": "when,clock", "x": "x,place"}


def test_the_noise_follows_its_field(tmp_path):
    sd = {"sd": (("time2", "x2"), 0.1 * -Q), "each": ("x2", 0.2 * X2)}
    path = save(xr.Dataset(river(**sd)), tmp_path / "a.nc")
    source = read(path, "h,q", others=("sd",))
    for name, of_last in (("sd", 0.1 * 5), ("each", 0.2 * 8)):
        noise = read_noise(f"h=0.5,q={name}", source)
        known = ~np.isnan(source.values)
        assert np.all(noise[:, 0][known[:, 0]] == 0.5) and np.all(noise[known] > 0.0)
        assert noise[1, 1, 16] == pytest.approx(of_last)  # the first of q at its last place
    np.testing.assert_allclose(
        np.where(known[:, 1], read_noise("h=0.5,q=sd", source)[:, 1], np.nan),
        -0.1 * source.values[:, 1],
    )
    flow = read(path, "h", flow="q")
    assert flow.quantities == ("h", "q") and flow.values.shape == flow.flow[1].shape == (23, 1, 17)
    assert read_noise("h=0.5,q=sd", flow)[1, 1, 16] == pytest.approx(0.5)


REFUSED = {
    "other places": ({"x2": ("x2", X2, {"units": "km"})}, "x2 .* in km, and those of x in m; conv"),
    "other times": (
        {"time2": ("time2", T2, {"units": "h"})},
        "time2 in .* in h, and those of",
    ),
    "dates": (
        {"time2": ("time2", T2, {"units": "hours since 2024-05-02"})},
        "times of time2 in .* are dates, and those of time in .* are numbers; write both alike",
    ),
    "trajectories": (
        {"q": (("trajectory", "time2", "x2"), np.stack([Q] * 2))},
        r"has h\(time, x\); q\(trajectory, time2, x2\); store one trajectory",
    ),
    "twice": ({"x2": ("x2", [1.0, 1, 2, 3, 4])}, "coordinate x2 has the entry 1 twice; keep one"),
    "nowhere": ({"x2": ("x2", [1.0, np.nan, 2, 3, 4])}, "x2 of .* has missing or infinite entries"),
    "means": (
        {"h": (("time", "x"), H, {"cell_methods": "time: mean"})},
        "that have times of their own; say with --average DT",
    ),
    "unknown": (
        {"q": (("a", "b"), Q), "a": ("a", T2), "b": ("b", X2)},
        r"Which axis of q .* \(a, b\); say those of all fields, as --time NAME,NAME --x NAME,NAME",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_united_is_refused(tmp_path, fault):
    other, message = REFUSED[fault]
    path = save(xr.Dataset(river(**other)), tmp_path / "a.nc")
    with pytest.raises(ValueError, match=message):
        read(path, "h,q")


def test_too_many_times_and_places_are_refused(tmp_path, monkeypatch):
    path = save(xr.Dataset(river()), tmp_path / "a.nc")
    monkeypatch.setattr("hfluxno.data.contained.memory_of_machine", lambda: 4 * 2 * 8 * 18 * 11 - 1)
    with pytest.raises(ValueError, match=r"the fields at all times and places in .*; average them"):
        read(path, "h,q")
