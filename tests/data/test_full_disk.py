"""A full disk ends in one sentence and leaves nothing behind. In a process of its own, since HDF5
used to crash when that ended."""

import os
import subprocess
import sys

import numpy as np
import pytest

_LIMIT = 32 * 1024  # one frame takes more
_OPTIONS = {
    "forecast in.npz --method persistence --steps 20 --output": (".nc", ".h5", ".hdf5", ".zarr"),
    "generate cubic --laws 1 --initials 2 --cells 1000 --output": (".nc", ".zarr"),
    "generate euler-2d --laws 1 --cells 16 --frames 30 --output": (".hdf5",),
}
_COMMANDS = [f"{command} out/a{kind}" for command, kinds in _OPTIONS.items() for kind in kinds]
_PROGRAM = f"""
import pathlib
from hfluxno.cli import main
for command in {_COMMANDS}:
    print("status", main(command.split()), len(list(pathlib.Path("out").iterdir())))
"""
_LIMITED = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({_LIMIT}, {_LIMIT}))
{_PROGRAM}
"""


@pytest.fixture
def folder(tmp_path):
    values = np.random.default_rng(0).normal(size=(5, 20_000))
    np.savez(tmp_path / "in.npz", values=values)
    (tmp_path / "out").mkdir()
    return tmp_path


def assert_refused(program, folder, reason, **environment):
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    statuses = [line for line in ended.stdout.splitlines() if line.startswith("status")]
    assert statuses == ["status 2 0"] * len(_COMMANDS)  # and no file
    for command, sentence in zip(_COMMANDS, ended.stderr.splitlines(), strict=True):
        assert sentence.startswith(f"hfluxno: {command.split()[-1]} cannot be written: {reason};")


@pytest.mark.validation
def test_a_file_that_becomes_too_long(folder):
    """As a full disk, but without the rights that a small disk takes."""
    cache = str(folder / "cache")  # the limit leaves damaged programs there
    assert_refused(_LIMITED, folder, "File too large", XDG_CACHE_HOME=cache)


def test_a_full_disk(folder):
    options = ["-t", "tmpfs", "-o", f"size={_LIMIT}", "tmpfs", str(folder / "out")]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system takes the rights of root")
    try:
        assert_refused(_PROGRAM, folder, "No space left on device")
    finally:
        subprocess.run(["umount", str(folder / "out")], check=True)
