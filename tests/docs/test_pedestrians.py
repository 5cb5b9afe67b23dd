"""Measured people: the file, the script that makes it, and the commands of the README."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hfluxno.cli import main
from tests.errors import relative

ROOT = Path(__file__).parents[2]
SCRIPT, DATA = ROOT / "examples" / "make_pedestrians.py", ROOT / "examples" / "pedestrians.nc"
WIDTH, CELL, INTERVAL = 1.8, 1.0, 2.0


def trajectory(person, first, speed, frames):
    """Lines of somebody who enters at frame `first`, in cm, at 16 frames a second."""
    steps = np.arange(frames + 1)
    y = 400.0 - 100.0 * speed * steps / 16.0
    columns = [np.full(steps.size, person), first + steps, np.full(steps.size, 90.0), y]
    return np.column_stack([*columns, np.full(steps.size, 170.0)])


@pytest.fixture
def made(tmp_path):
    """What the script makes of one that walks 1 m/s, and of another that waits and then follows."""
    waiting = trajectory(2, 40, 0.0, 64)
    lines = np.concatenate([trajectory(1, 40, 1.0, 128), waiting, trajectory(2, 105, 0.5, 256)])
    files = []
    for name, count in (("uo-180-180-095", 129), ("uo-180-180-070", len(lines))):
        files.append(tmp_path / f"{name}.txt")
        np.savetxt(files[-1], lines[:count], fmt=["%d", "%d", "%.4f", "%.4f", "%.2f"])
    target = tmp_path / "made.nc"
    subprocess.run([sys.executable, str(SCRIPT), *map(str, files), str(target)], check=True)
    return xr.load_dataset(target, engine="h5netcdf")


def test_densities_and_flows_are_those_of_edie(made):
    one, two = made["density"].values, made["flow"].values
    size = WIDTH * CELL * INTERVAL
    alone = np.zeros((11, 8))
    for cell in range(8):  # it is a second in each cell, two cells in an interval
        alone[cell // 2, cell] = 1.0 / size
    np.testing.assert_allclose(one[0], alone, atol=1e-6)
    np.testing.assert_allclose(two[0], alone, atol=1e-6)  # at 1 m/s
    both = one[1] - one[0]
    np.testing.assert_allclose(both[:2, 0], INTERVAL / size, rtol=1e-5)  # waits at the entrance
    np.testing.assert_allclose((two[1] - two[0])[:2, 0], 0.0, atol=1e-6)
    # Time and distance are those that the two spend and walk in the corridor.
    assert one[1].sum() * size == pytest.approx(8.0 + 4.0 + 1.0 / 16.0 + 16.0, abs=1e-4)
    assert two[1].sum() * size == pytest.approx(8.0 + 8.0, abs=1e-4)


def test_the_committed_file_is_what_the_script_makes(made):
    with xr.open_dataset(DATA, engine="h5netcdf") as kept:
        assert DATA.stat().st_size < 200_000
        assert set(kept.variables) == set(made.variables)
        assert kept.attrs == made.attrs and "MIT License" in kept.attrs["license"]
        for name in made.variables:
            assert kept[name].dims == made[name].dims and kept[name].attrs == made[name].attrs
            assert kept[name].dtype == made[name].dtype
        np.testing.assert_array_equal(kept["x"], made["x"])
        np.testing.assert_array_equal(kept["exit"], [0.95, 0.7])
        np.testing.assert_array_equal(kept["time"], INTERVAL * (np.arange(50) + 0.5))
        density, flow = kept["density"].values, kept["flow"].values
    assert np.min(density) == 0.0 and 4.0 < np.max(density) < 5.0
    # Nobody is lost: what passes between two cells changes what is in them, but for the intervals.
    inside = WIDTH * CELL * density.sum(axis=2)
    assert np.all(inside[:, -1] < 1.0) and 40.0 < np.max(inside) < 46.0
    for run, people in ((0, 159), (1, 148)):
        passed = INTERVAL * WIDTH * flow[run].sum(axis=0)
        np.testing.assert_allclose(passed, people, atol=4.0)


@pytest.mark.validation
def test_the_commands_of_the_readme(tmp_path, monkeypatch, capsys):
    readme = (ROOT / "README.md").read_text("utf-8").replace("\\\n", " ")
    lines = re.findall(r"^hfluxno .*examples/pedestrians\.nc.*$", readme, re.M)
    assert len(lines) == 2
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    reports = []
    for line in lines:
        assert main([*shlex.split(line)[1:], "--json"]) == 0
        (result,) = json.loads(capsys.readouterr().out)["results"]
        reports.append(result)
    assert [report["status"] for report in reports] == [0, 0]
    with xr.open_dataset(DATA, engine="h5netcdf") as file:
        density = file["density"].values[1]
        flow, states = file["flow"].values[0], file["density"].values[0]
    with xr.open_dataset("pedestrians_forecast.nc", engine="h5netcdf") as file:
        forecast = file["density"].values.reshape(-1, 8)
    # As README says: 18 % after 2 s and 28 % after 12 s, of repeating the last frame 26 and 97 %.
    for step, error, repeated in ((0, 0.2, 0.25), (5, 0.3, 0.9)):
        truth = density[38 + step]
        assert relative(forecast[step], truth) < error < repeated < relative(density[37], truth)
    # The flow was measured and not read: the law knows it nearly as well as a curve through it.
    with xr.open_dataset("pedestrians_reconstruction.nc", engine="h5netcdf") as file:
        state, flux = file["state_density"].values, file["flux"].values.reshape(-1)
    found = np.interp(states, state, flux - np.interp(0.0, state, flux))
    curve = np.polynomial.Polynomial.fit(states.ravel(), flow.ravel(), 4)(states)
    assert relative(found, flow) < 1.3 * relative(curve, flow) < 0.4
