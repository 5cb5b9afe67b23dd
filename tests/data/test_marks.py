"""Numbers that stand for missing values."""

import numpy as np
import pytest
import xarray as xr

from hfluxno.data.marks import as_gaps, marks_of, without_marks
from hfluxno.data.plane import read_plane
from hfluxno.data.readers import read
from tests.data.test_measures import wave as long_wave
from tests.data.test_readers import CELLS, FRAMES, dataset, save, wave

GONE = np.zeros((FRAMES, CELLS), bool)
GONE[2, 3] = GONE[4, 5:7] = True


@pytest.mark.parametrize("mark", [-999.0, 1e20, 999.99])
@pytest.mark.parametrize("suffix", [".nc", ".csv", ".npz"])
def test_they_are_gaps_if_they_are_named(tmp_path, mark, suffix):
    values = np.where(GONE, mark, wave()).astype(np.float32 if suffix == ".nc" else float)
    path = tmp_path / f"a{suffix}"
    if suffix == ".nc":
        save(dataset(values), path)
    elif suffix == ".npz":
        np.savez(path, values=values)
    else:
        rows = [f"{i},{j},{v}" for (i, j), v in np.ndenumerate(values)]
        path.write_text("\n".join(["time,x,u", *rows]))
    source = read(path, missing=(mark, -77.0))
    np.testing.assert_array_equal(np.isnan(source.values[:, 0]), GONE)
    name = "values" if suffix == ".npz" else "u"
    assert source.notes[:2] == (
        f"{name}: 3 values of {mark:g} are missing.",
        f"No value of {name} is -77, the given missing-value marker.",
    )
    if mark == 1e20:
        with pytest.raises(
            ValueError, match=r"or, if that stands for .*, make it NaN \(--missing=1e\+20\)"
        ):
            read(path)


def test_integers_flows_and_ends_too(tmp_path):
    counts = np.where(GONE, -1, 10 + np.arange(FRAMES * CELLS).reshape(FRAMES, CELLS))
    lower = ("time", np.where(np.arange(FRAMES) == 2, -1.0, 5.0))
    flow = ("time", "x"), np.where(GONE, -1.0, 3.0 + wave())
    path = save(
        dataset(counts, time=np.arange(FRAMES)).assign(q=flow, lower=lower), tmp_path / "a.nc"
    )
    source = read(path, "u", "given,open", flow="q", missing=(-1.0,), cells=CELLS)
    assert not any("No value" in note for note in source.notes)
    np.testing.assert_array_equal(np.isnan(source.measured).any(axis=1), GONE)
    assert np.all(source.ends.sides[0].values == 5.0)


@pytest.mark.parametrize("where", ["file of ends", "flow"])
def test_a_mark_that_only_ends_or_a_flow_have_is_found(tmp_path, where):
    density = dataset(wave(), time=np.arange(FRAMES))
    marked = np.where(GONE, -1.0, 3.0 + wave())
    options = {"boundary": "given,open", "ends": tmp_path / "ends.csv"}
    if where == "flow":
        density, options = density.assign(q=(("time", "x"), marked)), {"flow": "q"}
    else:
        lines = [f"{t},{-1.0 if t == 2 else 5.0}" for t in range(FRAMES)]
        options["ends"].write_text("\n".join(["time,lower", *lines]))
    path = save(density, tmp_path / "a.nc")
    source = read(path, "u", missing=(-1.0, -77.0), cells=CELLS, **options)
    other = "q" if where == "flow" else "lower"
    assert [note for note in source.notes if "No value" in note] == [
        f"No value of u or {other} is -77, the given missing-value marker."
    ]


@pytest.mark.filterwarnings("error")
def test_an_infinite_mark_is_no_other_value():
    field = xr.Variable("x", np.array([1.0, np.inf, -np.inf, np.nan, 1e300]))
    for mark, index in ((np.inf, 1), (-np.inf, 2)):
        found, notes = as_gaps(field, "u", (mark,))
        assert np.flatnonzero(np.isnan(found.values)).tolist() == [index, 3]
        assert notes == (f"u: 1 value of {mark:g} is missing.",)


def test_on_a_plane(tmp_path):
    values = 2.0 + np.arange(6 * 16 * 17.0).reshape(6, 16, 17)
    values[1, 2, 3] = -999.0
    path = tmp_path / "a.nc"
    xr.Dataset({"u": (("time", "x", "y"), values)}).to_netcdf(path)
    assert np.argwhere(np.isnan(read_plane(path, missing=(-999.0,)).values(0, 0, 6))).tolist() == [
        [1, 0, 2, 3]
    ]
    assert not np.isnan(read_plane(path).values(0, 0, 6)).any()


def test_what_is_recognised_as_a_mark():
    u = 1000.0 + 900.0 * long_wave() / np.abs(long_wave()).max()  # from 100
    u[0, 3, 5], u[0, 8, 9], u[0, 9, 9] = -999.0, -9999.0, -99.0
    bare, marks = without_marks(u)
    assert np.isnan(bare).sum() == 3 and [m.split()[0] for m in marks] == ["-99", "-999", "-9999"]
    u[0, 0, 0] = -5.0  # so that -99 may be one of the values
    assert [m.split()[0] for m in without_marks(u)[1]] == ["-9999"]
    same = xr.Variable("x", np.array(["a", "b"]))
    assert as_gaps(same, "u", (1.0,)) == (same, ())


def test_one_negative_number_far_from_its_neighbours_is_a_mark():
    rng = np.random.default_rng(1)
    u = 40.0 + 10.0 * long_wave() / np.abs(long_wave()).max() + rng.normal(size=long_wave().shape)
    holes = rng.uniform(size=u.shape) < 0.03
    for field in (u, np.round(u), u - 25.0):
        bare, marks = without_marks(np.where(holes, -1.0, field))
        assert np.array_equal(np.isnan(bare), holes)
        assert marks[0].startswith("-1 appears") and "--missing=-1" in marks[0]
    least = np.clip(u - u.min() - 3.0, -1.0, None)  # the limit of an instrument
    still = np.where(np.arange(u.shape[-1]) < 9, -1.0, 1.0) + np.zeros(u.shape)  # a jump
    for field in (least, still, np.round(u - u.min() - 1.0), np.where(holes, 0.0, u)):
        assert without_marks(field)[1] == ()


def test_numbers_are_needed():
    assert marks_of("-999, 1e20") == (-999.0, 1e20) and marks_of(None) == ()
    for text in ("NaN,-", "nan"):  # NaN is missing anyway
        with pytest.raises(ValueError, match=rf"as --missing=-999,9999; got {text}\.$"):
            marks_of(text)
