"""Axes with other names, in other orders and of one entry; tables."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hfluxno.data.readers import read
from hfluxno.data.same_entries import with_same_united
from tests.data.test_readers import CELLS, FRAMES, dataset, save, wave

TIMES = np.arange(FRAMES)


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


CF = {
    "axis": ({"axis": "T"}, {"axis": "X"}),
    "standard names": ({"standard_name": "time"}, {"standard_name": "projection_x_coordinate"}),
    "a date": ({"units": "days since 2024-02-27"}, {"standard_name": "longitude"}),
    "depth": ({"axis": "T"}, {"axis": "Z", "positive": "down"}),
}


@pytest.mark.parametrize("kind", CF)
def test_axes_are_known_by_their_attributes(tmp_path, kind):
    of_time, of_place = CF[kind]
    times, places = 3.0 + np.arange(FRAMES), 10.0 * np.arange(CELLS)
    data = dataset(
        wave()[:, None], ("when", "level", "where"), when=("when", times, of_time),
        where=("where", places, of_place), level=("level", [1.0], {"axis": "Y"}),
    )  # fmt: skip
    source = read(save(data, tmp_path / "a.nc"))
    np.testing.assert_array_equal(source.values[:, 0], wave())
    np.testing.assert_array_equal(source.times, times)
    np.testing.assert_array_equal(source.x, places)
    assert source.names == {"time": "when", "x": "where"}
    assert read(tmp_path / "a.nc", x="where").names == source.names


def test_attributes_that_leave_a_doubt_decide_nothing(tmp_path):
    along = {"axis": "X"}
    two = dataset(dims=("time", "station")).assign_coords(
        km=("station", np.arange(CELLS), along), mile=("station", np.arange(CELLS), along)
    )
    with pytest.raises(ValueError, match=r"unknown dimensions \(station\)"):
        read(save(two, tmp_path / "a.nc"))
    ours = dataset(time=np.arange(FRAMES)).assign(run=("x", np.arange(CELLS), {"axis": "T"}))
    assert read(save(ours, tmp_path / "b.nc")).names == {}


def test_an_axis_has_one_name(tmp_path):
    data = dataset(time=np.arange(FRAMES)).assign(lon=("x", np.arange(CELLS)))
    path = save(data, tmp_path / "a.nc")
    np.testing.assert_array_equal(read(path, x="lon").x, np.arange(CELLS))
    with pytest.raises(ValueError, match="has time beside lon; leave out --time"):
        read(path, time="lon")


def test_the_end_of_a_circle_that_is_stored_twice_is_left_out(tmp_path):
    closed = np.concatenate([wave(), wave()[:, :1]], axis=1)
    path = save(dataset(closed), tmp_path / "a.nc")
    source = read(path)
    (note,) = source.hints
    assert "The last cell of" in note and "repeats the first one in every frame" in note
    np.testing.assert_array_equal(source.values[:, 0], wave())
    np.testing.assert_array_equal(source.x, read(path, boundary="outflow").x[:-1])
    with_places = dataset(closed, x=np.linspace(0.0, 360.0, wave().shape[-1] + 1))
    source = read(save(with_places, tmp_path / "d.nc"))
    assert source.coordinates["x"].shape == source.x.shape == wave().shape[-1:]
    for kept in (read(path, boundary="outflow"), read(path, boundary="wall")):
        assert not any("left out" in hint for hint in kept.hints)
        assert kept.values.shape[-1] == wave().shape[-1] + 1
    assert read(save(dataset(), tmp_path / "b.nc")).hints == ()
    flat = wave()
    flat[:, [0, 1, -1]] = 0.5  # ends at which nothing has happened yet
    flat = read(save(dataset(flat), tmp_path / "c.nc"))
    assert flat.hints == () and flat.values.shape[-1] == wave().shape[-1]
    mirrored = np.concatenate([wave(), wave()[:, ::-1] + 1e-9], axis=1)
    mirrored[:, -1] = mirrored[:, 0]
    source = read(save(dataset(mirrored), tmp_path / "e.nc"))
    assert source.hints == () and source.values.shape[-1] == mirrored.shape[-1]


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


@pytest.mark.parametrize("single", [False, True])
def test_places_and_times_that_differ_by_rounding_are_the_same(tmp_path, single):
    def rounded(exact):
        other = exact.astype(np.float32).astype(float) if single else np.nextafter(exact, np.inf)
        return exact, other

    times, places = rounded(0.3 + 0.1 * np.arange(FRAMES)), rounded(0.7 + 0.1 * np.arange(CELLS))
    t, x = (a.ravel() for a in np.indices((FRAMES, CELLS)))
    either = {"x": np.where(t % 2, places[0][x], places[1][x])}
    either["time"] = np.where(x % 3, times[0][t], times[1][t])
    for axis in ("x", "time"):
        alike = {"time": times[0][t], "x": places[0][x], "u": wave().ravel()}
        source = read(table(tmp_path / "a.csv", alike | {axis: either[axis]}))
        np.testing.assert_array_equal(source.values[:, 0], wave())
        np.testing.assert_allclose(source.times, times[0], rtol=1e-6)
        np.testing.assert_allclose(source.x, places[0], rtol=1e-6)


def test_times_that_follow_each_other_closely_stay(tmp_path):
    """Each place is read a little after the one before it, the last long after the first."""
    whole = columns()
    whole["time"] = 0.5 * np.repeat(np.arange(FRAMES), CELLS) + 4e-4 * whole["x"] / 2.0
    frame = with_same_united(pd.DataFrame(whole), ["time", "x"])
    assert frame["time"].nunique() == FRAMES * CELLS


def test_a_table_in_any_order_of_its_lines(tmp_path):
    shuffled = np.random.default_rng(0).permutation(FRAMES * CELLS)
    for order in (None, shuffled):
        source = read(table(tmp_path / "a.csv", columns(), order))
        np.testing.assert_allclose(source.values[:, 0], wave(), rtol=1e-15)
        np.testing.assert_array_equal(source.times, 0.5 * np.arange(FRAMES))
        np.testing.assert_array_equal(source.x, 2.0 * np.arange(CELLS))


def test_axes_of_other_names_or_of_their_own(tmp_path):
    """Whichever of the variables is meant, the axes have to be named first."""
    path = tmp_path / "a.nc"
    plane = ("northing", "easting", "time")
    xr.Dataset({n: (plane, np.ones((5, 6, 7))) for n in ("h", "hu")}).to_netcdf(path)
    with pytest.raises(
        ValueError,
        match=r"time and x \(h\(northing, easting, time\), hu.*--x NAME .*by --y NAME\)\.$",
    ):
        read(path)
    own = {"h": (("time", "x"), wave()), "hu": (("t_hu", "x_hu"), wave()[::2, ::2])}
    xr.Dataset(own).to_netcdf(path)
    with pytest.raises(ValueError, match=r"axis time of h in .* needs a variable of numbers along"):
        read(path, "h,hu")
    xr.Dataset(own).rename(x="x_h").to_netcdf(path)
    with pytest.raises(
        ValueError, match=r"--y NAME\); or, if they are fields .* choose --variable h,hu\."
    ):
        read(path)


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


def test_what_is_the_same_at_all_places_is_no_field(tmp_path):
    """Such as a rate of injection, which multiplies the flux."""
    rate = np.broadcast_to(1.0 + 0.5 * np.sin(TIMES)[:, None], wave().shape).copy()
    rate[2, 3], rate[4] = np.nan, np.nan
    path = table(tmp_path / "a.csv", columns() | {"rate": rate.ravel()})
    source = read(path)
    mend = (
        "multiplies the flux, use its integral over time (the injected volume) in place of the "
        "time."
    )
    assert source.variable == "u" and source.notes == (
        f"Not read: rate, which is the same at all places at each time; if it {mend}",
    )
    said = (
        f"rate of {path} is the same at all places at each time, so it is no field of a law, nor "
        f"the flow of one: choose what differs from place to place, and if rate {mend}"
    )
    for chosen in ({"variable": "u,rate"}, {"variable": "u", "flow": "rate"}):
        with pytest.raises(ValueError) as refused:
            read(path, **chosen)
        assert str(refused.value) == said
    assert read(path, "u").notes == ()
    # One that is constant may stay, and one that differs somewhere at some time is a field.
    constant = table(tmp_path / "b.csv", columns() | {"b": np.ones(rate.size)})
    assert read(constant, "u,b").fields == ("u", "b")
    assert read(constant).variable == "u" and "Not read: b, which" in read(constant).notes[0]
    rate[-1, 0] += 1e-6
    with pytest.raises(ValueError, match=r"could be meant \(u, rate\)"):
        read(table(tmp_path / "c.csv", columns() | {"rate": rate.ravel()}))
    # Of places that are measured one after the other it is not known.
    rate[:-1] = np.where(np.arange(CELLS) == np.arange(FRAMES - 1)[:, None], rate[:-1], np.nan)
    rate[-1, 0] = rate[-1, 1]
    assert read(table(tmp_path / "d.csv", columns() | {"rate": rate.ravel()}), "u,rate").fields
    alone = table(tmp_path / "e.csv", columns(np.exp(TIMES)[:, None] * np.ones(CELLS)))
    assert read(alone).variable == "u"
    same = table(tmp_path / "f.csv", {**columns(np.ones(rate.shape)), "v": np.ones(rate.size)})
    with pytest.raises(ValueError, match=r"could be meant \(u, v\)"):
        read(same)


def test_units_in_the_header_of_a_variable(tmp_path):
    data = columns()
    data["density [veh/km]"] = data.pop("u")
    path = table(tmp_path / "a.csv", data)
    for source in (read(path), read(path, "density")):
        assert source.variable == "density"
        assert source.parts[0].attributes["units"] == "veh/km"
    assert read(path, "density [veh/km]").variable == "density [veh/km]"
    placed = {f"{name} [km]" if name == "x" else name: each for name, each in data.items()}
    axis = read(table(tmp_path / "b.csv", placed), x="x").coordinates["x"]
    assert axis.dims == ("x",) and axis.attrs["units"] == "km"
    both = data | {"density [1/m]": data["density [veh/km]"]}
    with pytest.raises(ValueError, match=r"could be meant \(density \[veh/km\], density \[1/m\]\)"):
        read(table(tmp_path / "a.csv", both))


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
    assert source.times[0] == 0.0
    assert source.coordinates["t"].attrs["units"] == "seconds since 2024-02-27T00:00:00"


def test_lines_that_a_table_leaves_out_are_gaps(tmp_path):
    count = wave().size
    absent = {CELLS + 2, *range(2 * CELLS, 3 * CELLS)}
    kept = [i for i in range(count) if i not in absent]
    source = read(table(tmp_path / "a.csv", columns(), kept))
    expected = wave()
    expected[1, 2], expected[2] = np.nan, np.nan
    np.testing.assert_allclose(source.values[:, 0], expected)


def test_lines_that_repeat_others_are_left_out(tmp_path):
    source = read(table(tmp_path / "a.csv", columns(), [*range(wave().size), 1, 5, 1]))
    np.testing.assert_allclose(source.values[:, 0], wave())
    assert source.hints == ("Left out, since they repeat others: 3 lines.",)


def test_tables_with_doubles_are_refused(tmp_path):
    whole, count = columns(), wave().size
    with pytest.raises(ValueError, match=r"two lines for time 0.0, x 2.0; keep one"):
        other = {name: [*column, column[1]] for name, column in whole.items()}
        other["u"] = [*whole["u"], 7.5]
        read(table(tmp_path / "a.csv", other))
    with pytest.raises(ValueError, match=r"neither numbers nor dates; the first is 'soon'"):
        read(table(tmp_path / "a.csv", whole | {"time": ["soon"] * count}))
    for nothing in ("", "NA"):
        gone = whole | {"x": [nothing, *whole["x"][1:]]}
        with pytest.raises(ValueError, match=r"a line without x, row 1 below .* such as NA; fill"):
            read(table(tmp_path / "a.csv", gone))
    with pytest.raises(ValueError, match=r"no lines below its header"):
        read(table(tmp_path / "a.csv", whole, []))


@pytest.mark.parametrize(
    ("time", "x"),
    [("t", "Position [km]"), ("Timestamp", "x"), ("time (min)", "distance"), ("time", "km")],
)
def test_usual_names_of_axes_are_recognised(tmp_path, time, x):
    source = read(table(tmp_path / "a.csv", columns(time=time, x=x) | {"T": wave().ravel()}), "T")
    np.testing.assert_array_equal(source.times, 0.5 * np.arange(FRAMES))
    np.testing.assert_array_equal(source.x, 2.0 * np.arange(CELLS))
    # A forecast is written under the names of the table, without units, which are attributes.
    bare = [name.partition(" ")[0] for name in (time, x)]
    shown = dict(zip(("time", "x"), bare, strict=True)) if time != "t" else {"x": bare[1]}
    assert {**source.names} == {axis: name for axis, name in shown.items() if axis != name}
    units = [source.coordinates[axis].attrs.get("units") for axis in source.dims]
    assert units == [{"time (min)": "min"}.get(time), {"Position [km]": "km", "km": "km"}.get(x)]


@pytest.mark.parametrize("name", ["Abs PM", "Abs Postmile", "Postmile (Abs)", "Ort [km]"])
def test_names_of_places_that_may_be_fields_are_places_where_no_other_is(tmp_path, name):
    path = table(tmp_path / "a.csv", columns(x=name))
    np.testing.assert_array_equal(read(path).x, 2.0 * np.arange(CELLS))
    both = columns() | {name: np.tile(np.arange(CELLS) % 3.0, FRAMES)}
    assert read(table(tmp_path / "b.csv", both), "u").names.get("x", "x") == "x"


@pytest.mark.parametrize("name", ["time_cst", "Time_UTC", "date_of_reading", "5 Minutes", "Hour"])
@pytest.mark.parametrize("kind", ["dates", "clock", "since 1970", "parquet"])
def test_a_time_may_say_which_one_it_is(tmp_path, name, kind):
    """Beside columns of numbers whose names begin alike."""
    u = wave().ravel()
    when = pd.Timestamp("2024-05-02T07:00") + pd.to_timedelta(columns()["time"], unit="min")
    written = {"dates": when.strftime("%Y-%m-%d %H:%M:%S"), "clock": when.strftime("%H:%M:%S")}
    entries = written.get(kind, when if kind == "parquet" else when.as_unit("s").astype("int64"))
    beside = {"x": columns()["x"], "time_headway": 2.0 + u, "density": u}
    frame = pd.DataFrame({name: entries} | beside)
    path = tmp_path / ("a.parquet" if kind == "parquet" else "a.csv")
    frame.to_parquet(path) if kind == "parquet" else frame.to_csv(path, index=False)
    source = read(path, "density")
    passed = source.times - source.times[0]
    np.testing.assert_array_equal(passed, 30.0 * np.arange(FRAMES))
    assert source.names["time"] == name
    np.testing.assert_allclose(source.values[:, 0], wave())


@pytest.mark.parametrize("others", [(), ("time_utc", "time_cst")])
def test_no_time_is_guessed_from_numbers_or_among_two_times(tmp_path, others):
    dates = np.repeat([f"2024-05-02T07:0{i}" for i in range(FRAMES)], CELLS)
    data = {"time_headway": columns()["time"], "x": columns()["x"]} | dict.fromkeys(others, dates)
    with pytest.raises(ValueError, match=r"no column time; it has time_headway, x"):
        read(table(tmp_path / "a.csv", data | {"u": wave().ravel()}))


def test_a_usual_name_of_the_time_comes_first(tmp_path):
    dates = np.repeat([f"2024-05-02T07:0{i}" for i in range(FRAMES)], CELLS)
    path = table(tmp_path / "a.csv", columns() | {"time_utc": dates, "u": wave().ravel()})
    np.testing.assert_array_equal(read(path).times, 0.5 * np.arange(FRAMES))


@pytest.mark.parametrize("heading", ["depth", "Depth [cm]", "elevation (m)"])
def test_a_depth_that_occurs_at_every_time_is_a_place(tmp_path, heading):
    t, x = np.meshgrid(np.arange(FRAMES), 0.5 + np.arange(CELLS), indexing="ij")
    table = pd.DataFrame({"time": t.ravel(), heading: x.ravel(), "T": wave().ravel()})
    table.to_csv(tmp_path / "a.csv", index=False)
    source = read(tmp_path / "a.csv")
    assert source.names["x"] == heading.partition(" ")[0] and source.parts[0].name == "T"
    np.testing.assert_array_equal(source.x, x[0])
    np.testing.assert_allclose(source.values[:, 0], wave())


def test_a_depth_that_varies_is_no_place(tmp_path):
    """It is that of the water, at places of another name."""
    t, x = np.meshgrid(np.arange(FRAMES), np.arange(CELLS), indexing="ij")
    table = pd.DataFrame({"time": t.ravel(), "gauge": x.ravel(), "depth": wave().ravel()})
    table.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match=r"no column x; it has time, gauge, depth. Several lines"):
        read(tmp_path / "a.csv")


def test_several_usual_names_are_not_guessed_among(tmp_path):
    data = columns(time="timestamp") | {"date": columns()["time"]}
    path = table(tmp_path / "a.csv", data)
    with pytest.raises(ValueError, match=r"no column time; timestamp, date could be meant"):
        read(path)
    with pytest.raises(ValueError, match=r"One column of .* would be two of time, x: x, x; choose"):
        read(path, time="x")
    assert read(path, "u", time="date").frames == FRAMES


def test_a_header_of_places_makes_a_table_of_frames(tmp_path):
    data = {"t": 0.5 * np.arange(FRAMES)}
    data |= {str(2.0 * i): wave()[:, i] for i in reversed(range(CELLS))}
    source = read(table(tmp_path / "a.csv", data, [3, 1, 2, 0, 5, 4]))
    np.testing.assert_allclose(source.values[:, 0], wave(), rtol=1e-15)
    np.testing.assert_array_equal(source.x, 2.0 * np.arange(CELLS))
    np.testing.assert_array_equal(source.times, 0.5 * np.arange(FRAMES))
    assert source.variable == "values"
    data["4.0"] = ["wet", *data["4.0"][1:]]
    with pytest.raises(ValueError, match=r"'wet' in the column 4.0, row 1 below the header"):
        read(table(tmp_path / "a.csv", data))


def test_semicolons_and_decimal_commas(tmp_path):
    path = table(tmp_path / "a.csv", columns())
    path.write_text(path.read_text().replace(",", ";").replace(".", ","))
    np.testing.assert_allclose(read(path).values[:, 0], wave(), rtol=1e-15)


def test_decimal_commas_in_quotes(tmp_path):
    path = table(tmp_path / "a.csv", columns())
    rows = [line.split(",") for line in path.read_text().splitlines()]
    quoted = [",".join(f'"{entry}"'.replace(".", ",") for entry in row) for row in rows]
    path.write_text("\n".join(quoted))
    np.testing.assert_allclose(read(path).values[:, 0], wave(), rtol=1e-15)
    path.write_text("\n".join(quoted).replace("0,1", "0.1"))  # of both kinds: which is not certain
    with pytest.raises(ValueError, match=r"the first is '0,0' in row 1 .* with a decimal point"):
        read(path)


def test_lines_of_comment_above_a_table(tmp_path):
    path = table(tmp_path / "a.csv", columns())
    text = path.read_text()
    path.write_text(f"# of a flume, in 2024\n#\n{text}")
    np.testing.assert_array_equal(read(path).values[:, 0], wave())
    header, *lines = text.splitlines()
    path.write_text("\n".join([f"# of a flume\n# {header}", *lines]))  # as numpy.savetxt does
    np.testing.assert_array_equal(read(path).values[:, 0], wave())


def test_columns_that_are_no_numbers_are_told(tmp_path):
    valid = columns() | {"valid": [True, False] * (wave().size // 2) + [True] * (wave().size % 2)}
    path = table(tmp_path / "a.csv", valid)
    np.testing.assert_array_equal(read(path).values[:, 0], wave())
    with pytest.raises(ValueError, match="'True' in the column valid, row 1 below the header"):
        read(path, "valid")
    lines = zip(*columns().values(), strict=True)
    rows = [f"{t};{x};{int(100 + 9 * u)} veh" for t, x, u in lines]
    path.write_text("\n".join(["time;x;u", *rows]))
    with pytest.raises(ValueError, match="no column of numbers besides time and x"):
        read(path)


@pytest.mark.parametrize("kept", ["all", "some", "nullable"])
def test_true_and_false_are_no_measurements(tmp_path, kept):
    """Also between gaps, where pandas would take them as 1 and 0."""
    flags = pd.Series([True, False] * (wave().size // 2 + 1), dtype=object)[: wave().size]
    flags[3:5] = flags[3:5] if kept == "all" else None
    valid = pd.DataFrame(columns() | {"valid": flags})
    valid["valid"] = flags.astype({"nullable": "boolean"}.get(kept, object))
    path = tmp_path / ("a.parquet" if kept == "nullable" else "a.csv")
    save_as = valid.to_parquet if kept == "nullable" else valid.to_csv
    save_as(path, index=False)
    source = read(path)
    np.testing.assert_array_equal(source.values[:, 0], wave())
    assert not source.notes
    with pytest.raises(ValueError, match="choose another column, or write 1 and 0 for true and"):
        read(path, "valid")
    valid = valid.drop(columns="u")
    (valid.to_parquet if kept == "nullable" else valid.to_csv)(path, index=False)
    with pytest.raises(ValueError, match=r"it has valid of true and false \(write 1 and 0, if"):
        read(path)
    times = columns() | {"time": [t > 1.0 for t in columns()["time"]]}
    with pytest.raises(ValueError, match="neither numbers nor dates; the first is 'False' in row"):
        read(table(tmp_path / "b.csv", times))


def dated(zones=("",), step=1.0):
    minutes = (2.0 * columns()["time"] * step).astype(int)
    return [
        f"2024-02-27T10:{30 + m // 60:02d}:{m % 60:02d}{zones[i % len(zones)]}"
        for i, m in enumerate(minutes)
    ]


@pytest.mark.parametrize("zone", ["", "Z", "+02:00"])
def test_dates_of_a_table_are_seconds_from_the_first(tmp_path, zone):
    source = read(table(tmp_path / "a.csv", columns() | {"time": dated((zone,), 20.0)}))
    np.testing.assert_array_equal(source.times, 20.0 * np.arange(FRAMES))
    hour = "08" if zone == "+02:00" else "10"
    units = source.coordinates["time"].attrs["units"]
    assert units == f"seconds since 2024-02-27T{hour}:30:00{'Z' if zone else ''}"


def test_dates_that_cannot_be_relied_on_are_refused(tmp_path):
    for zones in (("+01:00", "+02:00"), ("Z", "")):
        path = table(tmp_path / "a.csv", columns() | {"time": dated(zones)})
        with pytest.raises(ValueError, match=r"in several time zones \(.*\); convert them to one"):
            read(path)
    same = table(tmp_path / "a.csv", columns() | {"time": dated(("Z", "+00:00", "+0000"))})
    assert read(same).frames == FRAMES
    days = [f"{3 + int(2 * t)}/04/2024" for t in columns()["time"]]
    with pytest.raises(ValueError, match=r"such as '3/04/2024' in row 1 .* write them as 2024"):
        read(table(tmp_path / "a.csv", columns() | {"time": days}))


def test_text_among_numbers_is_refused_with_its_row(tmp_path):
    for name, text in (("u", "low"), ("x", "north"), ("time", "later")):
        data = columns()
        data[name] = [*data[name][:7], text, *data[name][8:]]
        with pytest.raises(ValueError, match=rf"'{text}' .*row 8 below the header"):
            read(table(tmp_path / "a.csv", data))
    words = columns() | {"note": ["a"] * wave().size}
    with pytest.raises(ValueError, match=r"'a' in the column note, row 1 .* a number is needed"):
        read(table(tmp_path / "a.csv", words), "note")
    del words["u"]
    with pytest.raises(
        ValueError, match=r"no column of numbers besides time and x, .* it has note, which"
    ):
        read(table(tmp_path / "a.csv", words))


def test_parquet_is_read_like_csv(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1" + bytes(100))
    with monkeypatch.context() as without:
        without.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(
            ValueError, match=r"needs pyarrow: pip install 'hfluxno\[parquet\]', or"
        ):
            read(path)
    pytest.importorskip("pyarrow")
    with pytest.raises(OSError, match=r"a\.parquet cannot be read"):
        read(path)
    stamps = pd.to_datetime(dated(("+02:00",), 20.0))
    frame = pd.DataFrame(columns() | {"time": stamps})
    frame.assign(u=pd.array([*range(len(frame) - 1), None], dtype="Int64")).to_parquet(path)
    counted = read(path).values
    assert np.isnan(counted[-1, 0, -1]) and counted[-1, 0, -2] == len(frame) - 2
    frame.assign(time=pd.to_timedelta(columns()["time"], unit="s")).to_parquet(path)
    np.testing.assert_array_equal(
        read(path).times, read(table(tmp_path / "a.csv", columns())).times
    )
    assert read(path).coordinates["time"].attrs["units"] == "s"
    texts = frame.assign(time=dated(("+02:00",), 20.0), note="dry", x=frame["x"].astype(str))
    for stored in (frame, frame.set_index("time"), texts):
        stored.to_parquet(path)
        source = read(path)
        np.testing.assert_array_equal(source.values[:, 0], wave())
        np.testing.assert_array_equal(source.times, 20.0 * np.arange(FRAMES))
        assert source.coordinates["time"].attrs["units"].endswith("T08:30:00Z")
