"""Long batches: parts make the whole, one is held at a time, and an interruption costs one."""

import dataclasses
import gc
import importlib
import io
import json
import time
import weakref

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from hfluxno.cli import main
from hfluxno.cli.progress import Pace, progress, so_far, working
from hfluxno.data import parts as data_parts
from hfluxno.data.parts import parts_of
from hfluxno.identify import FittedLawForecaster, GivenLawForecaster
from hfluxno.identify.listener import announce
from hfluxno.identify.saved.law import to_save
from hfluxno.methods import METHODS
from hfluxno.persistence import Persistence
from tests.identify.laws import FULL, V, identification, polynomial, road
from tests.plots.fakes import FakeForecaster
from tests.slow import slow

CONTEXTS, FRAMES, CELLS = 7, 8, 16


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Seven contexts in a file, in parts of three; the law is known."""
    x, t = (np.arange(CELLS) + 0.5) / CELLS, 1e-3 * np.arange(FRAMES)
    shifts = np.linspace(0.0, 0.5, CONTEXTS)[:, None, None]
    values = (1.0 + 0.2 * np.sin(2 * np.pi * (x - t[:, None] + shifts)))[:, :, None]
    coordinates = {"time": t, "x": x, "trajectory": 10 + np.arange(CONTEXTS)}
    array = xr.DataArray(values, coordinates, ("trajectory", "time", "field", "x"), "u")
    array.attrs["units"] = "m"
    # In an order of its own, which the output has as well.
    array.transpose("time", "trajectory", "x", "field").to_netcdf(
        tmp_path / "in.nc", engine="h5netcdf"
    )
    monkeypatch.setitem(METHODS, "fit", lambda weights, refinement: FakeForecaster())
    monkeypatch.setattr("hfluxno.cli.summary._formulas", lambda *_: {})  # the law is no real one
    monkeypatch.setattr(data_parts, "_LEAST", 3)
    monkeypatch.setattr(data_parts, "_OF_EACH_CORE", 0)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def in_one_part(monkeypatch):
    monkeypatch.setattr(data_parts, "_LEAST", 99)


def opened(name):
    engine = {"engine": "zarr", "consolidated": False} if name.endswith("zarr") else {}
    with xr.open_dataset(name, decode_cf=False, **(engine or {"engine": "h5netcdf"})) as found:
        return found.load()


def test_parts_are_all_and_none_is_a_single_context(folder):
    """A context alone takes other programs of networks than one among others."""
    for total in range(1, 20):
        parts = parts_of(total)
        assert np.array_equal(np.concatenate([np.arange(total)[p] for p in parts]), range(total))
        assert total == 1 or all(p.stop - p.start in (2, 3, 4) for p in parts)


@pytest.mark.parametrize(
    ("method", "suffix"),
    [("fit", "nc"), slow("fit", "zarr"), slow("persistence", "nc"), ("persistence", "zarr")],
)
def test_parts_make_the_same_file_and_the_same_report(folder, monkeypatch, capsys, suffix, method):
    command = f"forecast in.nc -k 5 -n 4 --json --method {method} -o"
    assert main([*command.split(), f"parts.{suffix}"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "hfluxno: 7 of 7 contexts, " + captured.err.partition("contexts, ")[2]
    in_one_part(monkeypatch)
    assert main([*command.split(), f"whole.{suffix}"]) == 0
    report = json.loads(captured.out)
    whole = json.loads(capsys.readouterr().out)
    assert report | {"files": 0} == whole | {"files": 0} and len(report["results"]) == CONTEXTS
    assert opened(f"parts.{suffix}").identical(opened(f"whole.{suffix}"))
    assert [path.name for path in folder.glob("*partial*")] == []


def test_laws_are_tabulated_part_by_part(folder, monkeypatch, capsys):
    from tests.cli.test_forecast_and_identify import fake_identifier

    package = importlib.import_module("hfluxno.identify")  # not the function of that name
    monkeypatch.setattr(package, "identifier", fake_identifier)
    assert main(["identify", "in.nc", "--json", "--csv", "parts.csv"]) == 0
    report = json.loads(capsys.readouterr().out)
    in_one_part(monkeypatch)
    assert main(["identify", "in.nc", "--json", "--csv", "whole.csv"]) == 0
    assert report["results"] == json.loads(capsys.readouterr().out)["results"]
    assert (folder / "parts.csv").read_bytes() == (folder / "whole.csv").read_bytes()


class Banded(FakeForecaster):
    """Knows the bands of contexts that begin with a falling wave."""

    def forecast(self, context, steps):
        found = super().forecast(context, steps)
        values = np.asarray(found.trajectory.values)
        known = context.values[:, 0, 0, 1] < context.values[:, 0, 0, 0]
        bands = np.where(known[:, None, None, None], 0.1, np.nan) * np.ones_like(values)
        return dataclasses.replace(found, deviation=bands if known.any() else None)


@pytest.mark.validation
@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_bands_that_only_some_parts_have(folder, monkeypatch, suffix):
    monkeypatch.setitem(METHODS, "fit", lambda weights, refinement: Banded())
    assert main(f"forecast in.nc -k 5 -n 4 -o parts.{suffix}".split()) == 0
    in_one_part(monkeypatch)
    assert main(f"forecast in.nc -k 5 -n 4 -o whole.{suffix}".split()) == 0
    parts, whole = (opened(f"{name}.{suffix}") for name in ("parts", "whole"))
    assert parts.identical(whole)
    assert list(np.isnan(parts["u_upper90"].values[0, :, 0, 0])) == [1, 1, 1, 0, 0, 0, 0]


class Counted(Persistence):
    """Notes the contexts it forecasts and, if it is `watched`, what is still alive of its
    forecasts; and may fail after the first three."""

    seen: list = dataclasses.field(default_factory=list)
    made: list = dataclasses.field(default_factory=list)
    alive: list = dataclasses.field(default_factory=list)
    fault: type[BaseException] | None = None
    watched: bool = False

    def forecast(self, context, steps):
        if self.fault and len(self.seen) >= 3:
            raise self.fault("The fourth context is odd.")
        found = super().forecast(context, steps)
        if self.watched:
            gc.collect()
            self.alive.append(sum(made() is not None for made in self.made))
        self.made.append(weakref.ref(found))
        self.seen.extend(np.asarray(context.values)[:, 0, 0, 0].tolist())
        return found


def counted(monkeypatch, fault=None, watched=False):
    method = Counted(fault=fault, watched=watched)
    monkeypatch.setitem(METHODS, "fit", lambda weights, refinement: method)
    return method


COMMAND = ["forecast", "in.nc", "-k", "5", "-n", "4", "-o", "a.nc"]


@pytest.mark.validation
def test_no_more_than_one_part_is_held(folder, monkeypatch):
    monkeypatch.setattr(data_parts, "_LEAST", 1)
    method = counted(monkeypatch, watched=True)
    assert main(COMMAND) == 0
    assert len(method.alive) == 6 and max(method.alive) <= 1
    # A picture shows the first context, so its part stays.
    method = counted(monkeypatch, watched=True)
    assert main([*COMMAND, "--figure", "a.png"]) == 0
    assert len(method.alive) == 6 and max(method.alive) <= 2


@pytest.mark.parametrize(
    ("fault", "status", "sentence"),
    [
        (KeyboardInterrupt, 130, "hfluxno: interrupted after 3 of 7 contexts; a.nc.partial keeps "),
        slow(ValueError, 2, "hfluxno: The fourth context is odd. Done: 3 of 7 contexts; a.nc.part"),
    ],
)
def test_what_is_done_is_kept_and_said(folder, monkeypatch, capsys, fault, status, sentence):
    counted(monkeypatch, fault)
    assert main(COMMAND) == status
    shown = capsys.readouterr()
    assert sentence in shown.err and "the same command resumes from there" in shown.err
    assert sorted(path.name for path in folder.iterdir()) == ["a.nc.partial", "in.nc"]
    assert len(opened("a.nc.partial/000000000-000000003.nc")["trajectory"]) == 3

    method = counted(monkeypatch)
    assert main([*COMMAND, "--json"]) == 0
    assert len(method.seen) == 4
    report = json.loads(capsys.readouterr().out)["results"]
    assert sorted(path.name for path in folder.iterdir()) == ["a.nc", "in.nc"]
    in_one_part(monkeypatch)
    assert main([*COMMAND[:-1], "b.nc", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"] == report
    assert opened("a.nc").identical(opened("b.nc"))
    assert so_far() == ""


@pytest.mark.parametrize(
    "other", [slow("-k 6"), "-n 3", slow("--boundary outflow"), slow("--float64")]
)
def test_parts_of_other_options_are_made_anew(folder, monkeypatch, other):
    counted(monkeypatch, ValueError)
    main(COMMAND)
    method = counted(monkeypatch)
    assert main([*COMMAND, *other.split()]) == 0
    assert len(method.seen) == CONTEXTS


def test_a_fault_before_the_first_part_leaves_nothing(folder, monkeypatch, capsys):
    method = counted(monkeypatch, ValueError)
    method.seen.extend("abc")
    assert main(COMMAND) == 2
    assert capsys.readouterr().err == "hfluxno: The fourth context is odd.\n"
    assert [path.name for path in folder.iterdir()] == ["in.nc"]


def test_a_folder_of_somebody_else_is_not_touched(folder, capsys):
    (folder / "a.nc.partial").mkdir()
    (folder / "a.nc.partial" / "mine").write_text("precious")
    assert main(COMMAND) == 2
    assert "a.nc.partial is in the way of the parts of a.nc" in capsys.readouterr().err
    assert (folder / "a.nc.partial" / "mine").read_text() == "precious"


# What they say


def test_the_first_contexts_do_not_count_where_there_are_others():
    pace = Pace(5000, began=100.0)
    assert str(pace) == "0 of 5,000 contexts"
    pace.add(64, now=103.0, computed=False)  # of an earlier run
    assert str(pace) == "64 of 5,000 contexts"
    pace.add(64, now=132.0)  # thirty seconds for programs
    assert str(pace) == "128 of 5,000 contexts, 2 a second, 41 min left"
    pace.add(64, now=136.0)
    assert str(pace) == "192 of 5,000 contexts, 16 a second, 5 min left"
    pace.add(4744, now=404.0)
    assert str(pace) == "4,936 of 5,000 contexts, 18 a second, 4 s left"
    pace.add(64, now=408.0)
    assert str(pace) == "5,000 of 5,000 contexts, 18 a second"


def test_a_log_gets_a_line_at_times_and_a_terminal_one_that_changes(monkeypatch, capsys):
    clock = iter(np.arange(0.0, 100.0, 4.0))
    monkeypatch.setattr("hfluxno.cli.progress.time.monotonic", lambda: float(next(clock)))
    with progress("Inferring", 60) as advance:
        for _ in range(6):
            advance(10)
            assert so_far().endswith(" of 60 contexts; nothing is written")
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "hfluxno: 60 of 60 contexts, 2.5 a second" and len(lines) == 2
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("hfluxno.cli.progress.time.monotonic", lambda: 0.0)
    with progress("Inferring", 60) as advance:
        advance(60)
    assert "hfluxno:" not in capsys.readouterr().err


def test_a_log_tells_once_that_the_first_are_not_done_yet(monkeypatch, capsys):
    monkeypatch.setattr("hfluxno.cli.progress._SECONDS_BETWEEN_LINES", 0.02)
    line = "hfluxno: 10 of 60 contexts, compiling or computing the next"
    with progress("Inferring", 60) as advance:
        advance(10, computed=False)
        time.sleep(0.3)
        assert capsys.readouterr().err.splitlines().count(line) == 1
        advance(5, computed=False)
        time.sleep(0.3)
        later = line.replace("10 of", "15 of")
        assert capsys.readouterr().err.splitlines().count(later) == 1
        advance(10)
        time.sleep(0.1)
        capsys.readouterr()
        time.sleep(0.1)
        assert capsys.readouterr().err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress("Inferring", 60):
        time.sleep(0.1)
    assert "hfluxno:" not in capsys.readouterr().err


# The methods that decide something for a batch as a whole


def assert_same(method, context, parts):
    whole, some = method.forecast(context, 3), method.in_parts(context, 3)
    found = [some(part) for part in parts]
    for name in ("status", "backtest_error", "conservation_drift", "left_observed_range"):
        joined = np.concatenate([getattr(each, name) for each in found])
        np.testing.assert_array_equal(joined, getattr(whole, name))
    frames = np.concatenate([each.trajectory.values for each in found])
    np.testing.assert_array_equal(frames, whole.trajectory.values)
    assert sum((each.sentences for each in found), ()) == whole.sentences
    laws = sum((each.identifications for each in found), ())
    for one, other in zip(laws, whole.identifications, strict=True):
        np.testing.assert_array_equal(one.covariance, other.covariance)
        assert one.coefficients == other.coefficients and one.tried == other.tried


@pytest.mark.validation
def test_a_part_in_which_nothing_moves_is_no_fault_of_the_batch():
    moving = road(cells=40)
    values = np.stack([np.full_like(moving.values, 50.0), moving.values])
    context = dataclasses.replace(moving, values=values)
    assert_same(FittedLawForecaster(), context, [slice(0, 1), slice(1, 2)])


@pytest.mark.validation
def test_a_gap_in_one_context_decides_for_all_where_a_law_is_given():
    found = identification(polynomial(20.0, 110.0, 0.0, V, -V / FULL), interval=1 / 360)
    values = np.stack([road(cells=40).values] * 3)
    values[2, 5, 0, 7] = np.nan
    context = dataclasses.replace(road(cells=40), values=values)
    assert_same(GivenLawForecaster(to_save(found)), context, [slice(0, 1), slice(1, 3)])


@pytest.mark.parametrize("of_one", [False, True])
def test_a_long_search_says_what_it_has_tried(capsys, monkeypatch, of_one):
    """Each line after twice the time, and none by a search that is soon done."""
    monkeypatch.setattr("hfluxno.cli.progress._SECONDS_OF_SILENCE", 0.05)
    with progress("Inferring", 1) if of_one else working("Inferring"):
        announce("degree 4", 0.1, "back-test error")
        announce("degree 6 [fine]", 0.2, "back-test error")
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) <= 3
    for line in lines:
        assert line.startswith("hfluxno: Inferring, 0 s so far, 2 laws tried, the last: degree 6 [")
    with working("Inferring"):
        pass
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_what_was_tried_last(monkeypatch):
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=80)
    monkeypatch.setattr("hfluxno.cli.progress.Console", lambda stderr: console)
    with working("Inferring"):
        announce("degree 6 [fine]", 0.2, "back-test error")
        time.sleep(0.3)
    assert "Inferring, 1 law tried, the last: degree 6 [fine]" in shown.getvalue()
