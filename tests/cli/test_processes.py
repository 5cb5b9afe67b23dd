"""Processes that are started together: what they return or raise, and an end of all of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hfluxno.cli import main
from hfluxno.cli.processes import together

_ROOT = Path(__file__).parents[2]


def _numbers(coordinator, process, processes):
    return coordinator.split(":")[0], process, processes, os.environ["JAX_PLATFORMS"]


def _second_refuses(coordinator, process, processes):
    if process == 0:
        time.sleep(60)  # it waits for the other
    raise ValueError("The second is refused.")


def _second_is_killed(coordinator, process, processes):
    if process == 1:
        time.sleep(0.5)  # the first sees it before
        os.kill(os.getpid(), signal.SIGKILL)
    raise ConnectionError("Another one is gone.")


def _first_is_alone(coordinator, process, processes):
    if process == 0:
        raise ConnectionError("Another one is gone.")


def _waits(coordinator, process, processes):
    Path(os.environ["STARTED"], str(os.getpid())).touch()
    time.sleep(60)


def test_the_first_of_them_answers():
    assert together(_numbers, 2) == ("127.0.0.1", 0, 2, "cpu")


@pytest.mark.parametrize(
    ("run", "error", "said"),
    [
        (_second_refuses, ValueError, "The second is refused."),
        (_second_is_killed, ChildProcessError, "Process 1 of 2 was ended by SIGKILL, so the"),
        (_first_is_alone, ConnectionError, "Another one is gone"),
    ],
)
def test_what_went_wrong_is_raised_once_and_at_once(run, error, said):
    began = time.perf_counter()
    with pytest.raises(error, match=said):
        together(run, 2)
    assert time.perf_counter() - began < 40.0


def test_they_end_with_the_one_that_started_them(tmp_path):
    program = (
        "from hfluxno.cli.processes import together\n"
        "from tests.cli.test_processes import _waits\n"
        "together(_waits, 2)"
    )
    path = f"{_ROOT / 'src'}{os.pathsep}{_ROOT}"
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path, "STARTED": str(tmp_path)},
    )
    while len(list(tmp_path.iterdir())) < 2 and parent.poll() is None:
        time.sleep(0.01)
    parent.kill()
    parent.wait()
    left = {int(file.name) for file in tmp_path.iterdir()}
    assert len(left) == 2
    until = time.perf_counter() + 20.0
    while left and time.perf_counter() < until:
        left = {process for process in left if _runs(process)}
        time.sleep(0.01)
    assert not left


def _runs(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # One that nobody has waited for has ended all the same.
    state = Path(f"/proc/{process}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--processes", "0"], "--processes must be at least 1; got 0."),
        (["--process", "1"], "--process belongs to --coordinator HOST:PORT"),
        (["--processes", "2", "--device", "gpu"], "compute on the CPU, not on a gpu"),
        (["--coordinator", "a:1"], "--coordinator also needs --processes N"),
        (["--coordinator", "a", "--processes", "2"], "takes HOST:PORT or auto; got 'a'"),
        (["--coordinator", "a:1", "--processes", "2"], "from 0 to 1; got None"),
        (["--coordinator", "a:1", "--processes", "2", "--process", "2"], "from 0 to 1; got 2"),
        (["--coordinator", "auto", "--processes", "2", "--process", "1"], "leave out --process"),
    ],
)
def test_who_trains_together_has_to_be_said_whole(capsys, options, said):
    assert main(["train", "tiny", *options]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.validation
def test_a_fault_of_the_configuration_is_said_once(tmp_path, capfd):
    command = ["train", "tiny", "--processes", "2", "--output", str(tmp_path)]
    assert main([*command, "--train", str(tmp_path / "none.nc")]) == 2
    said = capfd.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert said.err.startswith("hfluxno: There is no data set")
