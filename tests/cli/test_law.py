"""`--save` and `--law`: a law is kept by one command and used by another."""

import dataclasses
import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import hfluxno
from hfluxno.cli import main
from hfluxno.cli.forecast import ForecastConfig
from hfluxno.cli.forecast import main as forecast
from hfluxno.cli.given_law import with_fields
from hfluxno.identify import FitStatus
from hfluxno.identify.frames.change import MomentumOfVelocity
from tests.identify.laws import FULL, V, gas, identification, polynomial, road, shallow_water


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Traffic with units, in a folder of its own; its law is known, so that none is inferred."""
    law, units = polynomial(20.0, 110.0, 0.0, V, -V / FULL), {"density": "vehicles/km"}
    units |= {"x": "km", "time": "h"}
    found = identification(law, interval=1 / 360, units=units)
    package = importlib.import_module("hfluxno.identify")
    monkeypatch.setattr(package, "identifier", lambda *_, **__: lambda members: (found,))
    write(tmp_path / "road.nc")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, time_units="h", name="density"):
    truth = road()
    array = xr.DataArray(
        truth.values[:, 0],
        {
            "time": ("time", truth.times, {"units": time_units}),
            "x": ("x", truth.grid.centers(), {"units": "km"}),
        },
        ("time", "x"),
        attrs={"units": "vehicles/km"},
    )
    array.to_dataset(name=name).to_netcdf(path, engine="h5netcdf")


def test_a_law_is_saved_and_solved_on_another_day(folder, capsys):
    assert main(["identify", "road.nc", "--save", "law.json", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == ["law.json"]
    saved = hfluxno.load_law("law.json")
    assert (saved.units.x, saved.units.time, saved.units.fields) == ("km", "h", ("vehicles/km",))
    command = "forecast road.nc --law law.json --json"
    assert main([*command.split(), "-k", "5", "-n", "6", "--figure", "a.png"]) == 0
    report = json.loads(capsys.readouterr().out)
    (result,) = report["results"]
    assert report["context_frames"] == 5 and result["status"] == FitStatus.OK
    assert result["status_sentence"].startswith("the given law explains the data; in nine of ten")
    assert result["predicted_error"]["6"] < result["predicted_error_90"]["6"] < 0.05
    assert "(given)" in result["law"] and result["true_error"]["6"] < 0.01
    assert (folder / "a.png").stat().st_size > 10_000


def test_a_law_file_is_read_once(folder, monkeypatch):
    main(["identify", "road.nc", "--save", "law.json"])
    opened, really = [], Path.open

    def noted(path, *how, **more):
        opened.append(path)
        return really(path, *how, **more)

    monkeypatch.setattr(Path, "open", noted)
    config = ForecastConfig(input=Path("road.nc"), law=Path("law.json"), context=5, steps=2)
    assert forecast(config) == 0
    assert "hfluxno law" in str(config.deciding()) and opened.count(Path("law.json")) == 1


def test_a_single_frame_counts_at_the_interval_of_its_file(folder, capsys):
    main(["identify", "road.nc", "--save", "law.json"])
    capsys.readouterr()
    command = "forecast road.nc --law law.json -k 1 -n 4 -o a.nc --figure a.png --json"
    assert main(command.split()) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["status"] == FitStatus.NOT_CHECKED and result["backtest_error"] is None
    assert result["true_error"]["4"] < 0.001
    assert 1e-4 < result["predicted_error"]["4"] < 0.001
    with xr.open_dataset("a.nc", engine="h5netcdf", decode_times=False) as out:
        np.testing.assert_allclose(out["time"], np.arange(1, 5) / 240)


def test_a_file_with_a_single_frame_is_refused_although_a_law_is_given(folder, capsys):
    main(["identify", "road.nc", "--save", "law.json"])
    with xr.open_dataset("road.nc", engine="h5netcdf", decode_times=False) as whole:
        whole.isel(time=[0]).to_netcdf("one.nc", engine="h5netcdf")
    capsys.readouterr()
    command = "forecast one.nc --law law.json -k 1 -n 3"
    assert main(command.split()) == 2
    said = capsys.readouterr().err
    assert "a file for a given law (--law) needs as many frames, too." in said


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("--law none.json", "There is no law file none.json; save one with save() or --save."),
        ("--law road.nc", "road.nc is not a law file"),
        ("--law law.json --method persistence", "The method persistence takes no law"),
        ("--law law.json --context 40", "The context of 40 frames is longer"),
        ("--law law.json --context 0", "A context needs one frame or more; got 0."),
    ],
)
def test_faults_end_in_a_sentence(folder, capsys, command, sentence):
    main(["identify", "road.nc", "--save", "law.json"])
    capsys.readouterr()
    assert main(["forecast", "road.nc", "-n", "3", "-o", "a.nc", *command.split()]) == 2
    assert capsys.readouterr().err.startswith(f"hfluxno: {sentence}")
    assert sorted(path.name for path in folder.iterdir()) == ["law.json", "road.nc"]


def test_other_fields_and_units_are_refused(folder, capsys):
    main(["identify", "road.nc", "--save", "law.json"])
    write(folder / "seconds.nc", time_units="seconds since 2020-01-01")
    write(folder / "speed.nc", name="speed")
    capsys.readouterr()
    assert main(["forecast", "seconds.nc", "-n", "3", "--law", "law.json"]) == 2
    assert "has time in h, but seconds.nc in seconds" in capsys.readouterr().err
    assert main(["forecast", "speed.nc", "-n", "3", "--law", "law.json"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("hfluxno: The law has 'density', and speed.nc has 'speed'; choose")
    renamed = "xarray.open_dataset('speed.nc').rename({'speed': 'density'}).to_netcdf("
    assert f"rename those of the file, in Python by {renamed}'renamed.nc')." in said
    write(folder / "u.nc", name="u")
    assert main(["forecast", "u.nc", "-n", "3", "--law", "law.json"]) == 2
    assert "the field 'density', and u.nc has 'u'; choose another" in capsys.readouterr().err


def test_units_of_the_law_are_taken_for_those_that_the_file_does_not_say(folder, capsys):
    main(["identify", "road.nc", "--save", "law.json"])
    with xr.open_dataset("road.nc", engine="h5netcdf", decode_times=False) as whole:
        bare = whole.load()
    for name in ("x", "density"):
        del bare[name].attrs["units"]
    bare.to_netcdf("bare.nc", engine="h5netcdf")
    capsys.readouterr()
    assert (
        main(["forecast", "bare.nc", "--law", "law.json", "-k", "1", "-n", "3", "-o", "a.nc"]) == 0
    )
    units = "x in km, density in vehicles/km; if they are not, convert them."
    assert capsys.readouterr().err.startswith(
        "hfluxno: bare.nc does not say all units, so its numbers are taken to be in those of the "
        f"law: {units}"
    )
    assert (
        main(["forecast", "road.nc", "--law", "law.json", "-k", "1", "-n", "3", "-o", "a.nc"]) == 0
    )
    assert "taken to be" not in capsys.readouterr().err
    law = json.loads((folder / "law.json").read_text())
    law["units"] |= {"x": "", "time": ""}
    (folder / "law.json").write_text(json.dumps(law))
    main(["forecast", "road.nc", "--law", "law.json", "-k", "1", "-n", "3", "-o", "a.nc"])
    assert capsys.readouterr().err.startswith(
        "hfluxno: The law does not say all units, so its numbers are taken to be in those of "
        "road.nc: x in km, time in h; if they are not, convert them."
    )


def test_a_field_is_reconstructed_with_the_law_of_another_file(folder, capsys):
    main(["identify", "road.nc", "--save", "law.json"])
    write(folder / "u.nc", name="u")
    capsys.readouterr()
    command = ["reconstruct", "--boundary", "periodic", "--law", "law.json"]
    assert main([*command, "road.nc", "-k", "3", "-o", "a.nc", "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert "(given)" in result["law"]
    assert result["status_sentence"].startswith("the given law explains the data")
    with xr.open_dataset(folder / "a.nc", engine="h5netcdf") as written:
        np.testing.assert_allclose(written["density"].squeeze(), road().values[:3, 0], rtol=0.01)
    assert main([*command, "u.nc"]) == 2
    assert "the field 'density', and u.nc has 'u'; choose another" in capsys.readouterr().err
    assert main([*command, "road.nc", "--save", "b.json"]) == 2
    assert "--save takes a law that is inferred; with --law" in capsys.readouterr().err
    assert main([*command, "road.nc", "-k", "1"]) == 2
    assert "a given law needs at least two frames" in capsys.readouterr().err


def water(**fields):
    rest = 2.0 + 0.1 * np.sin(2.0 * np.pi * (np.arange(16) + 0.5) / 16 - np.arange(6.0)[:, None])
    return {name: rest if each is None else 0.0 * rest + each for name, each in fields.items()}


def test_of_several_variables_those_of_a_given_law_are_read(folder):
    identification(shallow_water()).save("law.json")
    np.savez("a.npz", **water(c=None, h=None, m=None))
    config = ForecastConfig(input=folder / "a.npz", steps=1, law=folder / "law.json")
    assert with_fields(config, axes=1).variable == "h,m"
    assert config.read().fields == ("h", "m")
    assert dataclasses.replace(config, variable="c").read().fields == ("c",)
    np.savez("b.npz", **water(depth=None))
    other = dataclasses.replace(config, input=folder / "b.npz")
    assert with_fields(other, axes=1) == other and other.read().fields == ("depth",)
    change = MomentumOfVelocity("h", "u", 1)
    dataclasses.replace(identification(shallow_water()), change=change).save("law.json")
    np.savez("b.npz", **water(c=None, u=None, h=None))
    other = dataclasses.replace(other)  # another command, which reads the law anew
    assert with_fields(other, axes=1).variable == "h,u"


@pytest.mark.parametrize("command", ["forecast --steps 1", "reconstruct --boundary periodic"])
def test_a_field_of_a_given_law_that_is_not_measured_is_named_in_one_way(folder, capsys, command):
    """Not: to leave it out, and then to give it."""
    identification(shallow_water()).save("law.json")
    np.savez("absent.npz", **water(h=None))
    np.savez("empty.npz", **water(h=None, m=np.nan))
    for file, *chosen in (
        ["absent.npz"],
        ["empty.npz"],
        ["empty.npz", "--fields", "h,m"],
        ["empty.npz", "--fields", "h"],
    ):
        assert main([*command.split(), file, "--law", "law.json", *chosen]) == 2
        assert capsys.readouterr().err == (
            f"hfluxno: The law has the fields h, m, and nothing of m is read from {file}: a law "
            "of two fields needs at least one value of each in the context, as a variable that is "
            "NaN where nothing was measured.\n"
        )
    identification(gas()).save("law.json")
    np.savez("b.npz", **water(rho=None, E=None))
    assert main([*command.split(), "b.npz", "--fields", "rho,E", "--law", "law.json"]) == 2
    said = capsys.readouterr().err
    assert "nothing of m is read from b.npz: such a law needs measurements of each field" in said


def test_a_fit_that_failed_is_reported_and_not_saved(folder, monkeypatch, capsys):
    failed = identification(polynomial(20.0, 110.0, 0.0, V), status=FitStatus.FAILED)
    package = importlib.import_module("hfluxno.identify")
    monkeypatch.setattr(package, "identifier", lambda *_, **__: lambda members: (failed,))
    assert main(["identify", "road.nc", "--save", "law.json"]) == 2
    captured = capsys.readouterr()
    assert "law.json was not written: There is no law to save" in captured.err
    assert "no candidate could be fitted" in captured.out
    assert main(["identify", "road.nc", "--save", "law.txt"]) == 2
    assert "The name law.txt does not say what to write" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["road.nc"]


def test_json_has_the_formulas_of_an_export(folder, capsys, monkeypatch):
    assert main(["identify", "road.nc", "--save", "law.json", "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert main(["export", "law.json", "--to", "latex"]) == 0
    lines = (folder / "law.tex").read_text(encoding="utf-8").splitlines()
    named = [line for line in lines if "(Greenshields; loss " in line]
    assert result["latex"].splitlines() == [line for line in lines if line not in named]
    assert len(named) == 2 and result["reading"]["latex"] in named[1]
    assert result["sympy"]["f"] == "90*Symbol('density') + -0.6*Symbol('density')**(2)"
    capsys.readouterr()
    command = "forecast road.nc --law law.json -k 5 -n 3 --json"
    assert main(command.split()) == 0
    (given,) = json.loads(capsys.readouterr().out)["results"]
    assert given["sympy"] == result["sympy"]
    unfound = identification(polynomial(20.0, 110.0, 0.0, V), status=FitStatus.FAILED)
    unbounded = identification(polynomial(20.0, 110.0, 0.0, np.nan))
    for none in (unfound, unbounded):
        package = importlib.import_module("hfluxno.identify")
        monkeypatch.setattr(package, "identifier", lambda *_, none=none: lambda members: (none,))
        assert main(["identify", "road.nc", "--json"]) == 0
        (result,) = json.loads(capsys.readouterr().out)["results"]
        assert result["latex"] is None and result["sympy"] is None


def test_identify_prints_it_and_json_has_the_next_ones(folder, capsys):
    assert main(["identify", "road.nc"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "flux 90 density (1 − density/150) in vehicles/h (Greenshields; loss " in shown
    assert re.search(r"v = 90 ± \S+ km/h, K = 150 ± \S+ vehicles/km", shown)
    assert main(["identify", "road.nc", "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    reading = result["reading"]
    assert reading["formula"] == "90 density (1 − density/150)" and reading["accepted"]
    assert reading["units"] == "vehicles/h"
    assert reading["constants"]["v"]["units"] == "km/h"
    assert reading["constants"]["K"]["value"] == pytest.approx(150.0)
    assert 0.0 < reading["constants"]["K"]["deviation"] < 0.01
    assert reading["latex"] == r"90\,\mathrm{density}\,(1 - \mathrm{density}/150)"
    assert reading["sympy"] == "90*Symbol('density')*(1-Symbol('density')/150)"
    assert result["recognised"]["name"] == "Greenshields" and "150" not in result["latex"]
    assert len(reading["others"]) == 3 and reading["others"][0]["parameters"] >= 1
