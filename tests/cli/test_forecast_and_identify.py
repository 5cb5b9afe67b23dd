"""The commands: what they leave, what they say, and how they refuse.

The inference is replaced by a law that is known, so that these tests are about the commands.
"""

import dataclasses
import importlib
import json
import math
import resource
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import hfluxno.methods
from hfluxno.cli import COMMANDS, main
from hfluxno.cli.demo import example_file
from hfluxno.cli.report import as_json, shortened, show
from hfluxno.identify.recognition.recognised import BUCKLEY_LEVERETT
from tests.errors import relative
from tests.plots.fakes import FakeForecaster, identification, wave


def fake_identifier(context, momentum=None):
    single = [context.single(k) for k in range(len(context.values) if context.is_batched else 1)]
    return lambda members: tuple(map(identification, single[members]))


@pytest.fixture(autouse=True)
def known_law(monkeypatch):
    monkeypatch.setitem(
        hfluxno.methods.METHODS, "fit", lambda weights, refinement: FakeForecaster()
    )
    # The package, not the function that the top level names like it.
    package = importlib.import_module("hfluxno.identify")
    monkeypatch.setattr(package, "identifier", fake_identifier)
    # The fake law has no form in which laws are saved.
    monkeypatch.setattr("hfluxno.cli.summary._formulas", lambda *_: {})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, with the input beside it."""
    np.savez(tmp_path / "in.npz", values=wave(), t=np.arange(8) * 1e-3)
    batch = np.stack([wave(shift=s)[:, None] for s in np.linspace(0, 0.5, 12)])
    np.savez(tmp_path / "batch.npz", values=batch, t=np.arange(8) * 1e-3)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# What they leave and say


def test_forecast_leaves_a_file_and_a_table(folder, capsys):
    assert main(["forecast", "../in.npz", "--steps", "3", "--context", "5"]) == 0
    assert names(folder) == ["in_forecast.nc"]
    shown = " ".join(capsys.readouterr().out.split())
    assert "5 frames of 16 cells seen, 3 forecast" in shown
    assert (
        "back-test error 0.12 %; of repeating a frame 50 %" in shown
        and "the law explains the data" in shown
    )
    assert "coefficient f_values[u²] -0.7 ± 0.1" in shown
    assert "true error, step 3" in shown and "wrote in_forecast.nc" in shown


def test_a_true_error_far_above_its_bound_is_said(folder, capsys, monkeypatch):
    values = np.array(wave())
    values[5:] *= 1.1
    np.savez("../far.npz", values=values, t=np.arange(8) * 1e-3)
    for deviation, said in ((1e-3, True), (1.0, False)):

        class Sure(FakeForecaster):
            def forecast(self, context, steps):
                made = super().forecast(context, steps)
                spread = np.full(made.trajectory.values.shape, deviation)  # noqa: B023
                return dataclasses.replace(made, deviation=spread)

        monkeypatch.setitem(hfluxno.methods.METHODS, "fit", lambda *_: Sure())
        assert main(["forecast", "../far.npz", "--steps", "3", "--context", "5"]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert ("The true error is more than 1.5 times its 90 % bound" in shown) == said


def test_json_is_all_there_is_and_has_the_true_error(folder, capsys):
    arguments = "forecast ../in.npz --steps 6 -k 5 --json -o a.h5 --figure a.png"
    assert main(arguments.split()) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert captured.err == "" and report["files"] == ["a.h5", "a.png"]
    assert names(folder) == ["a.h5", "a.png"]
    (result,) = report["results"]
    assert result["status"] == 0 and list(result["standard_deviations"].values()) == [2.0, 0.1]
    # Three frames are known of the six that are forecast.
    assert list(result["true_error"]) == ["1", "3"]
    with xr.open_dataset("a.h5", engine="h5netcdf") as out:
        forecast = out["values"].values
    error = relative(forecast[2], wave()[7])
    np.testing.assert_allclose(result["true_error"]["3"], error, rtol=1e-5)


def show_lines(capsys, *results, **summary):
    """The lines that are shown of these results."""
    summary |= {"input": "a.nc", "variable": "u", "context_frames": 5, "cells": 8}
    show(summary | {"results": list(results), "failed_left_out": 0, "files": []}, as_json=False)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def table_of(capsys, *results, **summary):
    """The same in one line."""
    return " ".join(" ".join(show_lines(capsys, *results, **summary)).split())


def test_sentences_with_figures_are_counted_by_their_status(capsys):
    results = [
        {"status": status, "status_sentence": sentence, "backtest_error": 0.1}
        for status, sentence in ((5, "misfit 3 %"), (0, "fine"), (5, "misfit 4 %"))
    ]
    shown = table_of(capsys, *results)
    assert "2 status 5, for example: misfit 3 % 1 status 0: fine" in shown


def test_marks_for_what_is_missing_are_told(folder, capsys):
    values = wave()
    values[2, 3:5] = -999.0
    np.savez("a.npz", values=values)
    assert main(["forecast", "a.npz", "--steps", "3", "-k", "5", "--json"]) == 0
    captured = capsys.readouterr()
    (hint,) = json.loads(captured.out)["hints"]
    assert captured.err == f"hfluxno: {hint}\n"
    assert hint.startswith("values: -999 appears 2 times, a mark for missing values, but every")


@pytest.mark.parametrize("status", [0, 5])
def test_only_a_forecast_that_is_ok_promises_a_bound(capsys, status):
    errors = {"predicted_error": {"1": 0.1}, "predicted_error_90": {"1": 0.2}}
    result = {"status": status, "status_sentence": "so", "backtest_error": 0.1} | errors
    shown = table_of(capsys, result)
    assert "predicted error, step 1 10 %" in shown
    assert ("9 of 10 below 20 %" in shown) == (status == 0)


@pytest.mark.parametrize("status", [0, 5])
def test_an_error_of_any_size_has_no_bound(capsys, status):
    errors = {"predicted_error": {"1": 7e12}, "predicted_error_90": {"1": math.inf}}
    errors["by_field"] = {"q": {"part": 0.01, "predicted_error_90": {"1": math.inf}}}
    errors["by_field"]["q"]["true_error"] = {}
    result = {"status": status, "status_sentence": "so", "backtest_error": 0.1} | errors
    shown = table_of(capsys, result)
    assert "predicted error, step 1 above 1000 %" in shown and "e+12" not in shown
    assert shown.count("no bound") == (2 if status == 0 else 0)
    assert json.loads(as_json(result))["predicted_error_90"] == {"1": None}


def test_a_series_of_many_polynomials_is_shortened():
    def series(count):
        terms = [f"{0.1 * k:.4g} T{k}((u - 0.5)/0.25)" for k in range(1, count + 1)]
        return " - ".join(terms).replace("- 0.2", "+ 2e-05", 1)

    long = f"∂t u + ∂x({series(12)}) + ∂y({series(5)}) = 0"
    found = shortened(long)
    assert found.count("T1(") == 2 and "T4(" not in found.partition("∂y")[0]
    assert "T3((u - 0.5)/0.25) + … (9 more terms: --json)) + ∂y(" in found
    assert found.endswith(f"∂y({series(5)}) = 0")


def test_an_error_beside_measured_frames_is_said_with_their_noise(capsys):
    result = {"status": 0, "status_sentence": "so", "backtest_error": 0.1}
    result |= {"true_error": {"1": 0.1, "9": 0.2}, "noise_error": {"1": 0.09, "9": 0.01}}
    shown = table_of(capsys, result)
    expected = "true error, step 1 10 % (noise of the frame: at most 9 %) true error, step 9 20 %"
    assert expected in shown and shown.count("noise") == 1
    # That of a law that does not explain the data is its misfit.
    assert "noise" not in table_of(capsys, result | {"status": 5})


@pytest.mark.parametrize(("boundary", "closed"), [("wall", True), ("open", False)])
def test_what_passes_the_ends_is_no_drift(capsys, boundary, closed):
    result = {"status": 0, "status_sentence": "so", "backtest_error": 0.1}
    result |= {"conservation_drift": 0.08, "left_observed_range": False}
    shown = table_of(capsys, result, boundary=["periodic", boundary])
    assert ("conservation drift 8.0e-02" in shown) == closed
    assert ("change of a total 8 %, in- and outflow included" in shown) != closed


@pytest.mark.parametrize(
    ("recognised", "there"),
    [
        (None, "the law is a guess"),
        ({"name": "Euler", "symbol": "γ"}, "the recognised law should hold too"),
        ({"name": "ARZ", "symbol": ""}, "the function in the recognised law is a guess"),
        # On a plane it is solved as a polynomial.
        (
            {"name": BUCKLEY_LEVERETT, "symbol": "M"},
            "the function in the recognised law is a guess",
        ),
    ],
)
def test_a_recognised_law_is_no_guess_beyond_what_was_observed(capsys, recognised, there):
    result = {"status": 0, "status_sentence": "so", "backtest_error": 0.1}
    result |= {"conservation_drift": 0.0, "left_observed_range": True, "recognised": recognised}
    assert f"left observed range yes: beyond it {there}" in table_of(capsys, result)


def test_a_long_name_leaves_room_for_the_values(capsys):
    names = ("f_water_level[water_level²]", "f_air_temperature[air_temperature²/water_level]")
    result = {"status": 0, "status_sentence": "so", "backtest_error": 0.1}
    result |= {"coefficients": dict.fromkeys(names, 0.5), "equations": [f"∂x(0.5 {names[1]}) = 0"]}
    result |= {"noise": {"u": 0.3}, "noise_given": False}
    shown = show_lines(capsys, result)
    assert f"coefficient      {names[0]}: 0.5" in shown
    assert f"                 {names[1]}: 0.5" in shown
    assert f"equations        ∂x(0.5 {names[1]}) = 0" in shown
    assert "noise of u       0.3" in shown
    refused = show_lines(capsys, result | {"status": 5, "coefficients": {"a": 1.0}})
    assert any(line.startswith("noise or misfit of u  0.3") for line in refused)
    assert any(line.startswith("coefficient a ") for line in refused)


def test_float64_is_kept(folder):
    assert main(["forecast", "../in.npz", "--steps", "2", "--float64"]) == 0
    with xr.open_dataset("in_forecast.nc", engine="h5netcdf") as out:
        assert out["values"].dtype == np.float64


def test_a_batch_is_summarised(folder, capsys):
    assert main(["forecast", "../batch.npz", "--steps", "3", "-k", "5", "-o", "a.zarr"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "12 trajectories mean median 95th percentile largest" in shown
    assert "12 status 0: the law explains the data" in shown and "true error, step 3" in shown
    assert main(["identify", "../batch.npz", "--json", "--csv", "a.csv"]) == 0
    assert len(json.loads(capsys.readouterr().out)["results"]) == 12
    assert len((folder / "a.csv").read_text().splitlines()) == 1 + 12 * 101


def test_identify_leaves_what_is_asked_for(folder, capsys):
    assert main(["identify", "../in.npz"]) == 0
    assert names(folder) == []
    assert "law known for values 0.8" in " ".join(capsys.readouterr().out.split())
    assert main(["identify", "../in.npz", "--csv", "law.csv", "--figure", "law.svg"]) == 0
    assert names(folder) == ["law.csv", "law.svg"]


def test_a_table_with_names_of_its_own_and_a_hint(folder, capsys):
    values = np.concatenate([wave(), wave()[:, :1]], axis=1)
    rows = [f"{j},{i},{u!r}" for (j, i), u in np.ndenumerate(values)]
    text = "\n".join(["minute,km,load", *rows]).replace("np.float64(", "").replace(")", "")
    (folder.parent / "in.csv").write_text(text)
    command = "forecast ../in.csv --time minute --x km -k 5 -n 3 --json"
    assert main(command.split()) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("hfluxno: The last cell of ../in.csv is left out: it repeats")
    (hint,) = json.loads(captured.out)["hints"]
    assert captured.err == f"hfluxno: {hint}\n"
    with xr.open_dataset("in_forecast.nc", engine="h5netcdf") as out:
        assert out["load"].dims == ("minute", "km") and list(out["minute"]) == [5, 6, 7]


def test_sensors_anywhere_are_placed_on_a_grid(folder, capsys):
    x = np.sort(np.random.default_rng(0).uniform(0.0, 4.0, 16))
    np.savez("in.npz", u=wave(), x=x, t=np.arange(8) * 1e-3)
    command = "forecast in.npz --domain=-1,4 --cells 40 -n 3 --json"
    assert main(command.split()) == 0
    captured = capsys.readouterr()
    (hint,) = json.loads(captured.out)["hints"]
    assert "16 positions x are placed on 40 cells of 0.125 from -1 to 4" in hint
    with xr.open_dataset("in_forecast.nc", engine="h5netcdf") as out:
        np.testing.assert_allclose(out["x"], -1.0 + 0.125 * (np.arange(40) + 0.5))


def test_demo_forecasts_the_example(folder, capsys):
    assert example_file().is_file()
    assert main(["demo", "--folder", str(folder)]) == 0
    assert names(folder) == ["traffic_forecast.nc", "traffic_forecast.png"]
    assert "true error, step 40" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command, capsys):
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"usage: hfluxno {command}" in shown and "None" not in shown.split("options")[0]


def test_overview(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in COMMANDS)


# How they refuse


REFUSED = {
    "unknown command": ("fit ../in.npz", "Unknown command 'fit'; choose one of forecast, "),
    "missing file": ("forecast no.nc --steps 3", "There is no file no.nc; check the path."),
    "no data file": ("forecast ../text.nc --steps 3", "../text.nc is not a NetCDF, HDF5, Zarr, "),
    "zero steps": ("forecast ../in.npz --steps 0", "--steps must be at least 1; got 0."),
    "negative steps": ("forecast ../in.npz --steps -4", "--steps must be at least 1; got -4."),
    "many steps": (
        "forecast ../in.npz --steps 98765432109876543210",
        "A forecast of 98,765,432,109,876,543,210 frames takes ",
    ),
    "long context": ("forecast ../in.npz --steps 3 -k 9", "The context of 9 frames is longer"),
    "short context": ("forecast ../in.npz --steps 3 -k 2", "A context of 2 frames is too short"),
    "method": ("forecast ../in.npz --steps 3 --method magic", "Unknown method 'magic'; choose one"),
    "no boundary": ("identify ../in.npz --boundary=", "Unknown boundary ''; choose one of"),
    "workers": ("identify ../in.npz --workers 2", "--workers belongs to --scheduler local"),
    "great noise": (
        "forecast ../in.npz --steps 3 --noise 1e9",
        "The noise of values is 1e+09 or more, but all its values lie between ",
    ),
    "boundary": ("identify ../in.npz --boundary ajar", "Unknown boundary 'ajar'; choose one of"),
    "variable": ("identify ../in.npz --variable w", "There is no variable 'w' in ../in.npz; it"),
    "law": ("generate euler --output a.nc", "Unknown law 'euler'; choose one of cubic, "),
    "output folder": (
        "forecast ../in.npz --steps 3 -o no/a.nc",
        "no/a.nc cannot be written: there",
    ),
    "output kind": ("forecast ../in.npz --steps 3 -o a.txt", "The name a.txt does not say what"),
    "output is input": ("forecast ../in.nc --steps 3 -o ../in.nc", "../in.nc is the input itself"),
    "output is ends": (
        "forecast ../in.npz --steps 3 --boundary given --ends ../in.nc -o ../in.nc",
        "../in.nc is the input itself",
    ),
    "figure kind": ("forecast ../in.npz --steps 3 --figure a.doc", "The name a.doc does not say"),
    "csv kind": ("identify ../in.npz --csv a.xls", "The name a.xls does not say what to write"),
    "domain": ("identify ../in.npz --domain 0", "--domain needs two numbers, LOWER,UPPER; got 0."),
    "sensors outside": (
        "identify ../placed.npz --domain=-1,0.5",
        "The domain -1 to 0.5 leaves out 8 of 16 sensors, the first at 0.53125; choose",
    ),
    "cells": ("forecast ../in.npz --steps 3 --cells 3", "--cells must be at least 8, of which 4"),
    "constant": (
        "forecast ../flat.npz --steps 3",
        "The values of arr_0 in ../flat.npz do not change in the first",
    ),
    "infinite": ("forecast ../infinite.npz --steps 3", "arr_0 has 1 infinite value among 128"),
    "memory": (
        "forecast ../in.npz --steps 999999999999",
        "A forecast of 999,999,999,999 frames takes about 1,192,093 GiB, more than the ",
    ),
    "complex": ("forecast ../complex.npz --steps 3", "The values of arr_0 must be real numbers"),
}


def test_gaps_in_context_and_truth(folder, capsys):
    values, kept = wave(12), np.delete(np.arange(12), [2, 3])
    values[1, 4], values[9, 2], values[11] = np.nan, np.nan, np.nan
    np.savez("gaps.npz", u=values[kept], t=1e-3 * kept)
    command = "forecast gaps.npz --context 6 --steps 4 --figure a.png -o a.nc --json"
    assert main(command.split()) == 0
    report = json.loads(capsys.readouterr().out)
    # The sixth frame of the file is the eighth of the uniform axis.
    assert report["context_frames"] == 8 and report["frames"] == 10
    errors = report["results"][0]["true_error"]
    assert set(errors) == {"1", "2"}  # the fourth frame has no measurements
    with xr.open_dataset("a.nc") as written:
        np.testing.assert_allclose(written["time"], 1e-3 * np.arange(8, 12))
        ahead = written["u"].values
    known = np.isfinite(values[9])
    expected = relative(ahead[1][known], values[9][known])
    assert errors["2"] == pytest.approx(expected)


@pytest.mark.parametrize("fault", REFUSED)
def test_faults_end_in_a_sentence_and_write_nothing(folder, capsys, fault):
    command, sentence = REFUSED[fault]
    np.savez(folder.parent / "flat.npz", np.ones((8, 16)))
    np.savez(folder.parent / "placed.npz", u=wave(), x=(np.arange(16) + 0.5) / 16)
    values = wave()
    values[3, 5] = np.inf
    np.savez(folder.parent / "infinite.npz", values)
    np.savez(folder.parent / "complex.npz", 1j * wave())
    (folder.parent / "text.nc").write_text("1 2 3\n")
    xr.Dataset({"u": (("time", "x"), wave())}).to_netcdf(folder.parent / "in.nc", engine="h5netcdf")
    assert main(command.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith(f"hfluxno: {sentence}")
    assert captured.err.count("\n") == 1 and names(folder) == []


UNPARSED = {
    "forecast": "INPUT and --steps N are missing",
    "forecast a.nc --steps many": "--steps needs a whole number; got 'many'",
    "forecast a.nc -n 2 --context 2.5": "--context needs a whole number; got '2.5'",
    "forecast a.nc -n 2 --every soon": "--every needs a number; got 'soon'",
    "forecast a.nc -n 2 --contxt 3": "Unrecognized options: --contxt, 3; perhaps --context K is",
    "identify a.nc b.nc": "Unrecognized options: b.nc",
    "identify -n.csv": "-n.csv is no option; if it is a file, write ./-n.csv",
    "check --fields u --nope": "--nope is no option, and INPUT is missing",
    "generate --nope": "--nope is no option, and LAW is missing",
    "identify --x": "Missing value for argument '--x'",
}


@pytest.mark.parametrize("arguments", UNPARSED)
def test_what_cannot_be_parsed_is_said_in_a_sentence(folder, capsys, arguments):
    assert main(arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith(f"hfluxno: {UNPARSED[arguments]}")
    help_of = arguments.split()[0]
    assert captured.err.endswith(f"; see hfluxno {help_of} --help.\n")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["check", ""], "INPUT"),
        (["forecast", "", "-n", "3"], "INPUT"),
        (["explore", ""], "FILE"),
        (["forecast", "../in.npz", "-n", "3", "-o", ""], "-o"),
        (["identify", "../in.npz", "--csv", ""], "--csv"),
        (["identify", "--save=", "../in.npz"], "--save"),
    ],
)
def test_the_name_of_a_file_is_not_empty(folder, capsys, arguments, what):
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"hfluxno: {what} is empty; give the name of a file.\n"


def test_an_existing_output_survives_a_failure(folder, capsys, monkeypatch):
    def fail(*_):
        raise OSError("No space left on device.")

    for name in ("in_forecast.nc", "a.png"):
        (folder / name).write_text("precious")
    monkeypatch.setattr("hfluxno.data.writers.of_forecast", fail)
    assert main(["forecast", "../in.npz", "--steps", "3", "--figure", "a.png"]) == 2
    assert capsys.readouterr().err == "hfluxno: No space left on device.\n"
    assert names(folder) == ["a.png", "in_forecast.nc"]
    assert all((folder / name).read_text() == "precious" for name in names(folder))


@pytest.mark.parametrize("command", ["forecast ../in.npz -n 3 -o a.nc", "identify ../in.npz"])
def test_a_picture_that_fails_does_not_cost_the_results(folder, capsys, monkeypatch, command):
    def fail(*_):
        raise RuntimeError("Invalid DISPLAY\nvariable.")

    name = f"{command.split()[0]}_figure".replace("identify", "law")
    monkeypatch.setattr(f"hfluxno.plots.{name}", fail)
    (folder / "a.png").write_text("precious")
    csv = ["--csv", "a.csv"] if "identify" in command else []
    assert main([*command.split(), *csv, "--figure", "a.png", "--json"]) == 2
    captured = capsys.readouterr()
    sentence = "The picture is missing: Invalid DISPLAY variable; everything else is complete."
    assert captured.err == f"hfluxno: {sentence}\n"
    written = "a.csv" if csv else "a.nc"
    assert json.loads(captured.out)["files"] == [written]
    assert names(folder) == sorted(["a.png", written])
    assert (folder / "a.png").read_text() == "precious"


@pytest.mark.parametrize("file", ["--csv a.csv", "--figure a.png", "--figure a.pdf"])
def test_a_file_that_does_not_fit_is_said_and_leaves_nothing(folder, capsys, file):
    """Tables and pictures; `tests/data/test_full_disk.py` has the other formats."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        status = main(["identify", "../batch.npz", *file.split()])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert status == 2 and names(folder) == []
    assert f"{file.split()[1]} cannot be written: File too large;" in capsys.readouterr().err


@pytest.mark.validation
def test_no_traceback_leaves_the_process(folder):
    """The whole program, with a damaged file: libraries may print after the fact."""
    (folder / "a.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)))
    command = [sys.executable, "-c", "import sys; from hfluxno.cli import main; sys.exit(main())"]
    ended = subprocess.run(
        [*command, "identify", "a.nc"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr.startswith("hfluxno: a.nc cannot be read (")
    assert ended.stderr.count("\n") == 1 and names(folder) == ["a.nc"]


WORDS = [
    *("--steps", "0", "-1", "2", "9", "--context", "3", "4", "99", "--method", "fit", "x"),
    *("--boundary", "outflow", "periodic,outflow", "inflow", "--output", "a.nc", ".", "a"),
    *("--figure", "b.png", "--json", "--variable", "values", "t", "--help"),
]
OPTIONS = st.lists(st.sampled_from(WORDS), max_size=6)


@given(command=st.sampled_from(["forecast", "identify"]), options=OPTIONS)
@settings(max_examples=25)
def test_random_options_end_with_a_status(tmp_path_factory, command, options):
    folder = tmp_path_factory.getbasetemp()
    np.savez(folder / "flat.npz", values=np.ones((5, 9)))  # whatever is asked, there is no law
    allowed = (0, 2) if "--help" in options else (2,)
    assert main([command, str(folder / "flat.npz"), *options]) in allowed


@given(values=hnp.arrays(np.float64, (5, 9), elements=st.floats(-1e3, 1e3, width=16)))
@settings(max_examples=5)
def test_random_values_end_with_a_status(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("random")
    np.savez(folder / "in.npz", values=values)
    output = folder / "out.nc"
    status = main(["forecast", str(folder / "in.npz"), "-n", "2", "-o", str(output), "--json"])
    assert (status == 0) == output.exists() and status in (0, 2)
