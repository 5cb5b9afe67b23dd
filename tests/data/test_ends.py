"""States at given ends: from a table, or beside the data; in the times of the data."""

import numpy as np
import pandas as pd
import pytest

from hfluxno.data.readers import read
from hfluxno.data.unattained import unattained
from tests.data.test_readers import CELLS, FRAMES, dataset, save, wave

TIMES = 3.0 + 0.5 * np.arange(FRAMES)  # of the data
LATER = np.linspace(3.0, 8.0, 21)  # of the ends


def data(tmp_path, units=None, name="u", x=None):
    time = ("time", TIMES, {} if units is None else {"units": units})
    return save(dataset(name=name, time=time, x=x or np.arange(CELLS)), tmp_path / "data.nc")


def table(tmp_path, columns):
    path = tmp_path / "ends.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_a_table_of_both_ends_in_any_order_of_its_lines(tmp_path):
    order = np.random.default_rng(0).permutation(LATER.size)
    columns = {"t": LATER[order], "upper [kg m-1]": 2.0 * LATER[order], "lower": -LATER[order]}
    falling = ("x", 10.0 - np.arange(CELLS))
    source = read(
        data(tmp_path, x=falling), boundary="given", ends=table(tmp_path, columns | {"note": "a"})
    )
    low, high = source.context(4).grid.boundary[0]
    # Times count from the first frame; lower is the end of small x whatever the file's order.
    np.testing.assert_allclose(low.times, LATER - 3.0)
    np.testing.assert_allclose([low.values[0], high.values[0]], [-LATER, 2.0 * LATER])
    assert source.boundary == ("given", "given") and source.ends_reach == (3.0, 8.0)


def test_one_end_may_be_another_and_missing_values_are_linear(tmp_path):
    known = LATER**2
    known[[0, 5, 6, -1]] = np.nan
    ends = table(tmp_path, {"time": LATER, "upper_u": known})
    source = read(data(tmp_path), boundary="open,given", ends=ends)
    low, high = source.window(0, 4).grid.boundary[0]
    assert low.name == "open" and source.ends_reach == (LATER[1], LATER[-2])
    inside = LATER[1:-1]
    expected = inside**2
    expected[4:6] = np.interp(inside[4:6], inside[[3, 6]], expected[[3, 6]])
    np.testing.assert_allclose(high.values[0], expected)


def test_ends_of_a_system_beside_the_data(tmp_path):
    values = np.stack([wave(), 2.0 * wave()], axis=1)
    stored = dataset(values, ("time", "field", "x"), field=["h", "m"], time=TIMES)
    sides = {f"{side}_{f}": ("time", TIMES * k) for k, (side, f) in enumerate(
        [("lower", "h"), ("lower", "m"), ("upper", "h"), ("upper", "m")])}  # fmt: skip
    path = save(stored.assign(sides), tmp_path / "a.nc")
    low, high = read(path, boundary="given").trajectory.grid.boundary[0]
    np.testing.assert_allclose(low.values, np.outer([0, 1], TIMES))
    np.testing.assert_allclose(high.values, np.outer([2, 3], TIMES))
    np.savez(
        tmp_path / "a.npz", values=wave(), t=TIMES, x=np.arange(CELLS), lower=TIMES, upper=-TIMES
    )
    low, high = read(tmp_path / "a.npz", boundary="given").trajectory.grid.boundary[0]
    np.testing.assert_allclose([low.values[0], high.values[0]], [TIMES, -TIMES])


@pytest.mark.parametrize(
    ("units", "dates"),
    [
        ("hours since 2024-05-02 00:00", "2024-05-02T{:02d}:00:00"),
        ("h since 2024-05-02T02:00:00+02:00", "2024-05-02T{:02d}:00:00+00:00"),
    ],
)
def test_dates_are_those_of_the_data(tmp_path, units, dates):
    ends = table(tmp_path, {"time": [dates.format(i) for i in range(9)], "lower": np.arange(9.0)})
    source = read(data(tmp_path, units), boundary="given,outflow", ends=ends)
    low = source.trajectory.grid.boundary[0][0]
    np.testing.assert_allclose(low.times, np.arange(9.0) - 3.0)
    np.testing.assert_allclose(low.values[0], np.arange(9.0))


GOOD = {"time": LATER, "lower": LATER, "upper": LATER}
FAULTS = {
    "none": ({"time": LATER, "lower": LATER}, None, r"upper end is given, .* no variable upper"),
    "no times": ({"lower": LATER, "upper": LATER}, None, "Call the column of the times time"),
    "units": (
        {"time": LATER, "lower [g/m]": LATER, "upper": LATER},
        None,
        r"lower of .* is in g/m, and u of .* in kg/m; convert one",
    ),
    "times": (
        {"time [min]": LATER, "lower": LATER, "upper": LATER},
        "h",
        r"times of .*ends.csv are in min, and those of .*data.nc in h; convert one",
    ),
    "dates": (GOOD, "hours since 2024-05-02", "data.nc are dates, and those of .* are numbers"),
    "zones": (
        GOOD | {"time": pd.date_range("2024-05-02", periods=21, freq="h", tz="UTC")},
        "hours since 2024-05-02",
        r"ends.csv have a time zone, and those of .*data.nc have none; convert both to one",
    ),
    "twice": (GOOD | {"time": LATER.round()}, None, "has two lines for time 3.0; keep one"),
    "text": (GOOD | {"lower": ["a", *LATER[1:]]}, None, "has 'a' in the column lower, row 1"),
    "empty": (GOOD | {"lower": [1.0, *[np.nan] * 20]}, None, "lower of .* has 1 value; .* two"),
    "too large": (GOOD | {"upper": [*LATER[1:], 1e20]}, None, "of upper in .* 1e[+]20 in size"),
    "all too large": (GOOD | {"lower": 1e300}, None, r"values of lower .*--missing=1e\+300"),
    "late": (GOOD | {"time": LATER + 1.0}, None, r"for the times 4 to 9, .* from 3 to 5.5; give"),
    "short": (GOOD | {"time": LATER / 4 + 2}, None, r"for the times 2.75 to 4, .* 3 to 5.5; give"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_ends_that_do_not_fit_the_data_are_refused(tmp_path, fault):
    columns, units, message = FAULTS[fault]
    with pytest.raises(ValueError, match=message):
        read(data(tmp_path, units), boundary="given", ends=table(tmp_path, columns)).context()


def test_where_the_ends_are_looked_for(tmp_path):
    path = data(tmp_path)
    with pytest.raises(ValueError, match=r"no variable lower along time; .* with --ends FILE"):
        read(path, boundary="given")
    with pytest.raises(ValueError, match="belong to a boundary that is given; choose --boundary"):
        read(path, ends=table(tmp_path, GOOD))
    with pytest.raises(FileNotFoundError, match="no file"):
        read(path, boundary="given", ends=tmp_path / "none.csv")
    lines = pd.DataFrame({"time": np.repeat(TIMES, CELLS), "x": list(range(CELLS)) * FRAMES})
    lines.assign(u=wave().ravel()).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match="the states at the ends need a separate table"):
        read(tmp_path / "a.csv", boundary="given")


def test_given_states_that_the_field_does_not_attain_are_hinted_at(tmp_path):
    """Waves leave at the upper end, where states are imposed that do not get in."""
    x = np.arange(CELLS)
    waves = 2.0 + np.sin(0.3 * (x - 2.0 * TIMES[:, None]))
    waves += 0.05 * np.random.default_rng(0).normal(size=waves.shape)
    path = save(dataset(waves, time=TIMES, x=x), tmp_path / "a.nc")
    lower, upper = (2.0 + np.sin(0.3 * (end - 2.0 * LATER)) for end in (-0.5, CELLS - 0.5))
    said = (
        "The states given at the upper end are far from u beside it in 100 % of the frames: right "
        "if they are imposed and waves go out there, otherwise check their times, units and ends."
    )
    for states, hints in ((upper, ()), (upper + 4.0, (said,))):
        columns = {"time": LATER, "lower": lower, "upper": states}
        source = read(path, boundary="given", ends=table(tmp_path, columns), cells=CELLS)
        assert source.hints == hints
    columns = {"time": LATER, "lower": upper + 4.0, "upper": lower}
    batch = save(
        dataset(np.stack([waves[:, ::-1]] * 2), ("trajectory", "time", "x"), time=TIMES, x=x),
        tmp_path / "b.nc",
    )
    ends = table(tmp_path, columns)
    (hint,) = read(batch, boundary="given", ends=ends, cells=CELLS).hints
    assert hint == said.replace("upper", "lower")
    waves[:, 1:] = np.nan
    assert unattained(waves[:, None], TIMES, source.ends.sides, ("u",)) == []
