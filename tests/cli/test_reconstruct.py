"""`hfluxno reconstruct`: what it prints, writes and refuses."""

import importlib
import json

import numpy as np
import pytest
import xarray as xr

import hfluxno
from hfluxno.cli import main
from hfluxno.identify.joint.kind import Kind
from tests.identify.exact import burgers

TIMES, CELLS = np.linspace(0.0, 0.3, 9), 16
X = 0.1 + (np.arange(CELLS) + 0.5) * 0.5 / CELLS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table of three quarters of the cells, in a folder of its own."""
    report = importlib.import_module("hfluxno.identify.jointly")
    monkeypatch.setattr(report, "KINDS", (Kind(4),))
    attempts = importlib.import_module("hfluxno.identify.joint.attempts")
    monkeypatch.setattr(attempts, "_FINER", ())
    monkeypatch.chdir(tmp_path)
    values = burgers(TIMES, CELLS, 0.1, 0.6)[:, 0]
    lines = ["time,x,density"]
    for time, row in zip(TIMES, values, strict=True):
        lines += [f"{time},{x},{u}" for i, (x, u) in enumerate(zip(X, row, strict=True)) if i % 4]
    (tmp_path / "road.csv").write_text("\n".join(lines))
    return tmp_path


@pytest.fixture
def few_modes(monkeypatch):
    """As in other tests of contexts of this shape, which therefore share their programs."""
    kind = importlib.import_module("hfluxno.identify.joint.kind")
    monkeypatch.setattr(kind, "_MOST_MODES", 4)


@pytest.mark.parametrize("command", ["reconstruct", "identify", "forecast -n 2"])
def test_a_refusal_follows_no_hints_on_what_is_refused(folder, capsys, command):
    """As on where its sensors are placed."""
    lines = [f"{t},{x * x},{t + x}" for t in TIMES for x in X]
    (folder / "uneven.csv").write_text("\n".join(["time,x,density", *lines]))
    command = f"{command} uneven.csv --boundary open -k"
    assert main([*command.split(), "10"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("hfluxno: The context of 10 frames is longer") and said.count("\n") == 1


@pytest.mark.usefixtures("few_modes")
def test_the_field_its_bands_and_the_law_are_written(folder, capsys):
    arguments = "reconstruct road.csv --cells 16 --domain 0.1,0.6 --json --figure a.png -o a.nc"
    assert main([*arguments.split(), "--save", "law.json"]) == 0
    saved = hfluxno.load_law("law.json")
    assert saved.scheme.name == "muscl" and saved.law.fields == ("density",)
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["status"] == 0 and result["missing"] == pytest.approx(0.25)
    assert len(result["reading"]["others"]) == 3
    assert result["noise"]["density"] < 0.01 and result["uncertainty"]["density"] < 0.2
    truth = burgers(TIMES, CELLS, 0.1, 0.6)[:, 0]
    with xr.open_dataset("a.nc", engine="h5netcdf") as out:
        field = out["density"].values
        assert out["density"].dims == ("time", "x")
        np.testing.assert_allclose(out["x"], X)
        np.testing.assert_allclose(out["time"], TIMES)
        low, high = out["density_lower90"].values, out["density_upper90"].values
        names = {"flux", "flux_derivative", "flux_deviation", "noise", "status", "law"}
        assert set(out.data_vars) >= {*names, "lower", "upper"}
        # Burgers' flux, and the inflow, which the truth has half a cell before its first cell.
        height = np.ptp(out["flux"].values)
        assert 0.0 < out["flux_deviation"].values.max() < 0.1 * height
        assert (
            out["lower"].dims == ("time",) and "lower end of x" in out["lower"].attrs["long_name"]
        )
        np.testing.assert_allclose(
            out["lower"][1:], 1.5 * truth[1:, 0] - 0.5 * truth[1:, 1], atol=0.05
        )
    assert np.linalg.norm(field - truth) < 0.01 * np.linalg.norm(truth)
    assert np.all(low < field) and np.all(field < high)
    assert (folder / "a.png").stat().st_size > 10_000


def test_that_very_many_frames_take_long_is_said(folder, capsys, monkeypatch):
    def ended(*_, **__):
        raise ValueError("This is the end.")

    module = importlib.import_module("hfluxno.identify")
    monkeypatch.setattr(module, "reconstruct", ended)
    for most, said in ((9, False), (8, True)):
        monkeypatch.setattr("hfluxno.cli.recommended._MANY_FRAMES", most)
        assert main(["reconstruct", "road.csv", "--cells", "16", "--domain", "0.1,0.6"]) == 2
        note = "A fit of 9 frames takes many" in (error := capsys.readouterr().err)
        assert note == said and "This is the end." in error


@pytest.mark.validation
def test_a_flow_beside_the_field_is_used_and_not_written(folder, capsys):
    """From the table to the law and its use; flows of means are not quite means of flows."""
    lines = (folder / "road.csv").read_text().splitlines()
    rows = [f"{line},{0.5 * float(line.split(',')[2]) ** 2}" for line in lines[1:]]
    (folder / "loops.csv").write_text("\n".join([f"{lines[0]},flow", *rows]))
    line = "loops.csv --variable density --flow flow --cells 16 --domain 0.1,0.6 --json"
    told = line.split()
    assert main(["reconstruct", *told, "-o", "a.nc", "--figure", "a.png", "--save", "l.json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["status"] == 0 and result["noise"].keys() == {"density", "flow"}
    law = hfluxno.load_law("l.json").law
    u = np.linspace(0.45, 0.85, 5)  # well within what was seen
    flux = np.asarray(law.flux(u)).ravel() + float(law.terms.flux_offset[0])
    np.testing.assert_allclose(flux, 0.5 * u**2, atol=0.005)
    more = ["--law", "l.json", "-k", "7", "-n", "2", "-o", "b.nc", "--boundary", "open"]
    assert main(["forecast", *told, *more]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["status"] == 0 and result["true_error"]["1"] < 0.05
    with xr.open_dataset("b.nc", engine="h5netcdf") as out:
        assert out["density"].shape == (2, 16) and "flow" not in out


@pytest.mark.usefixtures("few_modes")
def test_times_count_from_where_they_do_in_the_file(folder, capsys):
    lines = (folder / "road.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    moved = [f"{5.0 + float(time)},{rest[0]},{rest[1]}" for time, *rest in rows]
    (folder / "road.csv").write_text("\n".join([lines[0], *moved]))
    options = "--cells 16 --domain 0.1,0.6 --every 0.02 -o a.nc --figure a.png"
    assert main(["reconstruct", "road.csv", *options.split()]) == 0
    with xr.open_dataset("a.nc", engine="h5netcdf") as out:
        times = 0.02 * np.arange(16)
        np.testing.assert_allclose(out["time"], 5.0 + times)
        truth, field = burgers(times, CELLS, 0.1, 0.6)[:, 0], out["density"].values
        assert out["lower"].shape == (16,) and out["density_lower90"].shape == field.shape
    assert np.linalg.norm(field - truth) < 0.01 * np.linalg.norm(truth)


@pytest.mark.validation
def test_a_forecast_with_given_ends_a_known_noise_and_times_of_its_own(folder, capsys):
    """The ends are dates, as the times of the road are."""
    start, hour = np.datetime64("2024-05-02T07:00:00", "us"), 3.6e9
    dates = lambda times: [  # noqa: E731
        f"{start + np.timedelta64(round(t * hour), 'us')}+02:00" for t in times
    ]
    lines = (folder / "road.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    stamps = dates(float(row[0]) for row in rows)
    road = [f"{stamp},{row[1]},{row[2]}" for stamp, row in zip(stamps, rows, strict=True)]
    (folder / "road.csv").write_text("\n".join([lines[0], *road]))
    times = np.linspace(0.0, 0.45, 91)
    ends = [burgers(times, 1, x, x + 1e-6)[:, 0, 0] for x in (0.1, 0.6)]
    rows = zip(dates(times), *ends, strict=True)
    table = ["time,lower,upper", *(",".join(map(str, row)) for row in rows)]
    (folder / "ends.csv").write_text("\n".join(table))
    options = (
        "--boundary given --ends ends.csv --cells 16 --domain 0.1,0.6 --noise density=0.0005 "
        "--every 90 -o a.nc --json --figure a.png --steps"
    )
    assert main(["forecast", "road.csv", *options.split(), "6"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["status"] == 0
    later = TIMES[-1] + 0.025 * np.arange(1, 7)
    truth = burgers(later, CELLS, 0.1, 0.6)[:, 0]
    with xr.open_dataset("a.nc", engine="h5netcdf") as out:
        field, clock = out["density"].values, out["time"].values
    assert np.linalg.norm(field - truth) < 0.01 * np.linalg.norm(truth)
    expected = start - np.timedelta64(2, "h") + np.round(later * hour).astype("m8[us]")
    assert np.max(np.abs((clock - expected) / np.timedelta64(1, "us"))) <= 1
    (folder / "a.nc").unlink(), (folder / "a.png").unlink()
    before = sorted(folder.iterdir())
    assert main(["forecast", "road.csv", *options.split(), "7"]) == 2
    assert "ends.csv for the times 0 to 1620, and the forecast needs them from 0 to 1710; give" in (
        said := capsys.readouterr().err
    )
    assert "or choose --steps 6 or less" in said and sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--noise -1", "noise of density is -1, but a standard deviation is a positive number; "),
        ("--noise=sigma", "neither a number nor a variable of road.csv; it has density, time, x"),
        ("--noise h=0.1", "one for each field (density=VALUE); got h=0.1"),
        ("--boundary given --ends road.csv", "need a separate table: choose"),
        ("--boundary ajar", "Unknown boundary 'ajar'; choose one of"),
        ("-o a.csv", "a.csv"),
        ("--context 3", "choose one of 4 frames or more"),
        ("--every 0", "--every must be a positive time; got 0"),
        ("--every 0.4", "Times 0.4 apart are farther than the measurements reach, which is 0.3"),
    ],
)
def test_faults_end_in_a_sentence_and_write_nothing(folder, capsys, options, sentence):
    assert main(["reconstruct", "road.csv", *options.split()]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err and captured.err.startswith("hfluxno: ")
    assert [path.name for path in folder.iterdir()] == ["road.csv"]


@pytest.mark.validation
def test_estimated_ends_are_given_to_another_run(folder):
    where = "--cells 16 --domain 0.1,0.6"
    assert main(f"reconstruct road.csv {where} -o a.nc".split()) == 0
    assert main(f"reconstruct road.csv {where} --boundary given --ends a.nc".split()) == 0


@pytest.mark.validation
def test_bounds_are_kept_by_the_field_its_bands_and_the_law(folder):
    """Between walls, where what has reached one does not flow."""
    u = 0.5 + 0.45 * np.tanh(20.0 * (X - 0.3 - 0.1 * TIMES[:, None]))
    lines = [
        f"{t},{x},{value}"
        for t, row in zip(TIMES, u, strict=True)
        for x, value in zip(X, row, strict=True)
    ]
    (folder / "column.csv").write_text("\n".join(["time,x,share", *lines]))
    options = ["--boundary", "wall", "--noise", "0.05", "--save", "law.json", "-o", "a.nc"]
    assert main(["reconstruct", "column.csv", "--bounds", "0,1", *options]) == 0
    law = hfluxno.load_law("law.json").law
    assert (float(law.least), float(law.most)) == (0.0, 1.0)
    np.testing.assert_allclose(law.flux([0.0, 1.0]) + law.terms.flux_offset, 0.0, atol=1e-12)
    with xr.open_dataset("a.nc", engine="h5netcdf") as out:
        for name in ("share", "share_lower90", "share_upper90"):
            assert out[name].min() >= 0.0 and out[name].max() <= 1.0


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ("0", "--bounds needs two numbers, LEAST,MOST"),
        (",", "--bounds needs two numbers, LEAST,MOST"),
        ("0,0.1", "beyond the bounds 0 and 0.1"),
    ],
)
def test_bounds_that_are_none_are_refused(folder, capsys, bounds, words):
    assert main(["reconstruct", "road.csv", "--bounds", bounds]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
