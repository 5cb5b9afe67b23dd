"""`hfluxno reconstruct`: what it prints, writes and refuses."""

import importlib
import json

import numpy as np
import pytest
import xarray as xr

from hfluxno.cli import main
from hfluxno.identify.prior import Kind
from tests.identify.exact import burgers

TIMES, CELLS = np.linspace(0.0, 0.3, 9), 16
X = 0.1 + (np.arange(CELLS) + 0.5) * 0.5 / CELLS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table of three quarters of the cells, in a folder of its own."""
    report = importlib.import_module("hfluxno.identify.joint_report")
    monkeypatch.setattr(report, "KINDS", (Kind(4),))
    search = importlib.import_module("hfluxno.identify.joint_search")
    monkeypatch.setattr(search, "_FINER", ())
    monkeypatch.chdir(tmp_path)
    values = burgers(TIMES, CELLS, 0.1, 0.6)[:, 0]
    lines = ["time,x,density"]
    for time, row in zip(TIMES, values, strict=True):
        lines += [f"{time},{x},{u}" for i, (x, u) in enumerate(zip(X, row, strict=True)) if i % 4]
    (tmp_path / "road.csv").write_text("\n".join(lines))
    return tmp_path


def test_the_field_its_bands_and_the_law_are_written(folder, capsys):
    arguments = "reconstruct road.csv --cells 16 --domain 0.1,0.6 --json --figure a.png -o a.nc"
    assert main(arguments.split()) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["status"] == 0 and result["missing"] == pytest.approx(0.25)
    assert result["noise"]["density"] < 0.01 and result["uncertainty"]["density"] < 0.2
    truth = burgers(TIMES, CELLS, 0.1, 0.6)[:, 0]
    with xr.open_dataset("a.nc", engine="h5netcdf") as out:
        field = out["density"].values
        assert out["density"].dims == ("time", "x")
        np.testing.assert_allclose(out["x"], X)
        np.testing.assert_allclose(out["time"], TIMES)
        low, high = out["density_lower90"].values, out["density_upper90"].values
        assert set(out.data_vars) >= {"flux", "flux_derivative", "noise", "status", "law"}
    assert np.linalg.norm(field - truth) < 0.01 * np.linalg.norm(truth)
    assert np.all(low < field) and np.all(field < high)
    assert (folder / "a.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--boundary ajar", "Unknown boundary 'ajar'; choose one of"),
        ("-o a.csv", "a.csv"),
        ("--context 3", "choose --context 4 or more"),
    ],
)
def test_faults_end_in_a_sentence_and_write_nothing(folder, capsys, options, sentence):
    assert main(["reconstruct", "road.csv", *options.split()]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err and captured.err.startswith("hfluxno: ")
    assert [path.name for path in folder.iterdir()] == ["road.csv"]
