"""The Python of README and docs, and the overloads of the public functions, for a type checker."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_OVERLOADS = """
from typing import Any, assert_type

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import hfluxno
from hfluxno import Forecast, Grid, Identification, Trajectory
from hfluxno.identify import PlaneIdentification, identify_plane


def check(one: Trajectory, labelled: xr.DataArray, values: NDArray[np.float64]) -> None:
    times = np.arange(20.0)
    grid = Grid.interval(64)
    assert_type(hfluxno.identify(one), Identification)
    assert_type(hfluxno.identify(labelled, momentum="hu"), Identification)
    assert_type(hfluxno.identify(values, times=times, grid=grid), Identification)
    assert_type(hfluxno.identify([one, labelled]), tuple[Identification, ...])
    pair = ("m_x", "m_y")
    assert_type(hfluxno.identify(one, pair), PlaneIdentification)
    assert_type(hfluxno.identify([one], momentum=pair), tuple[PlaneIdentification, ...])
    assert_type(
        hfluxno.identify(values, pair, times=times, grid=Grid.rectangle((32, 32))),
        PlaneIdentification,
    )
    assert_type(identify_plane(one), PlaneIdentification)
    assert_type(hfluxno.forecast(one, 5, momentum=pair), Forecast)
    assert_type(hfluxno.forecast(one, 5), Forecast)
    assert_type(hfluxno.forecast([one, one], steps=5), Forecast)
    assert_type(hfluxno.forecast(values, 5, times=times, grid=grid), Forecast)
    law = hfluxno.identify(one).law
    for states in (50.0, [30.0, 50.0], values):
        assert_type(law.flux(states), NDArray[Any])
    hfluxno.identify(values)  # type: ignore[call-overload]
    hfluxno.forecast(one, 2.5)  # type: ignore[call-overload]
    hfluxno.identity  # type: ignore[attr-defined]
"""


def blocks(file):
    return re.findall(r"```python\n(.*?)```", (ROOT / file).read_text(encoding="utf-8"), re.DOTALL)


def test_readme_and_overloads_pass_mypy_in_strict_mode(tmp_path):
    pytest.importorskip("mypy")
    programs = [_OVERLOADS, *blocks("README.md"), *blocks("docs/index.md")]
    assert len(programs) == 3
    files = [tmp_path / f"program_{number}.py" for number in range(len(programs))]
    for file, program in zip(files, programs, strict=True):
        file.write_text(program, encoding="utf-8")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\nfollow_imports = silent\n")
    options = ["--config-file", str(tmp_path / "mypy.ini")]
    options += ["--cache-dir", str(ROOT / ".cache" / "mypy_strict")]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *map(str, files)],
        env={**os.environ, "MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
