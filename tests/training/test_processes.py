"""Two processes on loopback: the curve of one, an end when one is killed, and going on alone."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.cli import main
from hfluxno.data import generate
from hfluxno.data.generate import UNSOLVED, blocks
from hfluxno.training import processes, trainer
from hfluxno.training.presets import preset
from hfluxno.training.sharding import Placement
from hfluxno.training.trackers import JsonLines
from hfluxno.training.trainer import make_batch_source, train
from tests.training.standin import Advection

_TINY = preset("tiny")
_ROOT = Path(__file__).parents[2]

# One of two processes, which ends itself after step 6 if it is told so. The network is the
# stand-in: it compiles in a moment.
_PROCESS = """
    import os, signal, sys
    from pathlib import Path
    import jax.numpy as jnp
    from hfluxno.data import generate
    from hfluxno.training import trainer
    from hfluxno.training.presets import preset
    from hfluxno.training.processes import is_first, joined
    from hfluxno.training.trackers import JsonLines, Tracker
    from tests.training.standin import Advection

    class Killer(Tracker):
        def log(self, step, numbers):
            if step == 6:  # between two checkpoints
                os.kill(os.getpid(), signal.SIGKILL)

    generate._LARGEST_CHUNK, generate._CHUNKS_PER_BLOCK = {"cpu": 4}, 2
    trainer._first_network = lambda config: Advection(jnp.asarray(0.1), reads=True)
    folder, coordinator, process, killed = sys.argv[1:]
    with joined(coordinator, int(process), 2):
        trackers = [JsonLines(Path(folder) / "metrics.jsonl")] if is_first() else []
        if process == killed:
            trackers.append(Killer())
        trainer.train(preset("tiny"), Path(folder), trackers=trackers, log_every=1)
"""


pytestmark = pytest.mark.usefixtures("small_blocks")


def _two_processes(folder, killed):
    """Exit statuses and what was said."""
    settings = {
        "JAX_COMPILATION_CACHE_DIR": str(jax.config.values["jax_compilation_cache_dir"]),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.3",
        "PYTHONPATH": f"{_ROOT / 'src'}{os.pathsep}{_ROOT}",
    }
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{some.getsockname()[1]}"
    command = [sys.executable, "-c", textwrap.dedent(_PROCESS), str(folder), coordinator]
    both = [
        subprocess.Popen(
            [*command, str(i), killed], env=os.environ | settings, stderr=subprocess.PIPE, text=True
        )
        for i in range(2)
    ]
    said = [process.communicate()[1] for process in both]
    return [process.returncode for process in both], said


def _curve(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    names = ("loss", "gradient_norm", "error", "error_one_step")
    return {(line["step"], name): line[name] for line in lines for name in names if name in line}


def _agree(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_allclose(other[key], value, rtol=1e-4, err_msg=str(key))


@pytest.mark.validation
def test_two_processes_give_the_curve_of_one_which_goes_on_when_they_end(tmp_path, monkeypatch):
    network = Advection(jnp.asarray(0.1), reads=True)
    monkeypatch.setattr(trainer, "_first_network", lambda config: network)
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    train(_TINY, whole, trackers=[JsonLines(whole / "metrics.jsonl")], log_every=1)
    statuses, said = _two_processes(shared, killed="1")
    assert statuses == [2, -signal.SIGKILL], said
    sentence = said[0].strip().splitlines()[-1]
    assert sentence.startswith("ConnectionError: Another process of the run is gone (")
    assert sentence.endswith("to resume from the last checkpoint.")
    expected, found = _curve(whole), _curve(shared)
    assert max(step for step, _ in found) == 6
    _agree({key: value for key, value in expected.items() if key[0] <= 6}, found)
    train(_TINY, shared, trackers=[JsonLines(shared / "metrics.jsonl")], log_every=1)
    _agree(expected, _curve(shared))


@pytest.mark.validation
def test_the_command_starts_two_processes(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "programs"))
    monkeypatch.setattr(generate, "_LARGEST_CHUNK", {"cpu": 32})
    monkeypatch.setattr(generate, "_CHUNKS_PER_BLOCK", 32)
    command = ["train", "tiny", "--log-every", "1", "--output"]
    assert main([*command, str(tmp_path / "one")]) == 0
    said = capsys.readouterr().out
    assert main([*command, str(tmp_path / "two"), "--processes", "2"]) == 0
    assert capsys.readouterr().out.split() == said.replace("/one/", "/two/").split()
    _agree(_curve(tmp_path / "one"), _curve(tmp_path / "two"))
    assert (tmp_path / "two" / "tiny" / "model.safetensors").exists()


def test_the_shares_of_a_block_are_the_block():
    configuration = _TINY.trajectories("train")
    whole = next(blocks(configuration))
    shares = [next(blocks(configuration, share=(i, 2))) for i in range(2)]
    solved = np.stack([share.status != UNSOLVED for share in shares])
    assert np.all(solved.sum(axis=0) == 1) and np.all(solved.sum(axis=1) == 4)
    for rows, share in zip(solved, shares, strict=True):
        assert share.values[rows].tobytes() == whole.values[rows].tobytes()
        np.testing.assert_array_equal(share.status[rows], whole.status[rows])


@pytest.mark.parametrize("kind", ["generated", "file"])
def test_the_rows_of_processes_are_those_of_a_batch(tmp_path, kind):
    config = _TINY
    if kind == "file":
        from hfluxno.cli.generate import GenerateConfig
        from hfluxno.cli.generate import main as generate_set

        file = tmp_path / "set.nc"
        generate_set(GenerateConfig("cubic", file, laws=8, initials=1, cells=20))
        config = dataclasses.replace(_TINY, data=dataclasses.replace(_TINY.data, train=str(file)))

    def three(rows):
        batches = make_batch_source(config, rows=rows).batches(5)
        found = [next(batches) for _ in range(3)]
        batches.close()
        return found

    parts = [three(slice(0, 2)), three(slice(2, 8))]
    for batch, *shares in zip(three(slice(None)), *parts, strict=True):
        for whole, *rows in zip(jax.tree.leaves(batch), *map(jax.tree.leaves, shares), strict=True):
            np.testing.assert_array_equal(np.concatenate(rows), whole)
            assert len(rows[0]) == 2


def test_that_another_process_is_gone_is_said(monkeypatch):
    ends = []
    monkeypatch.setattr(processes, "_connect", lambda *_: None)
    monkeypatch.setattr(processes.signal, "signal", lambda *_: None)
    monkeypatch.setattr(processes.atexit, "register", lambda *how: ends.append(how))
    message = r"Another process of the run is gone \(Gloo all-reduce failed\); start all of them .*"
    message += r"resume from the last checkpoint\.$"
    together = ("127.0.0.1:1", 0, 2)
    with pytest.raises(ConnectionError, match=message), processes.joined(*together):
        raise RuntimeError("Gloo all-reduce failed\nConnection closed by peer")
    with pytest.raises(RuntimeError, match="out of memory"), processes.joined(*together):
        raise RuntimeError("out of memory")
    assert ends == [(os._exit, 2)] * 2  # without waiting for it


def test_processes_need_equally_many_devices(monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with pytest.raises(ValueError, match="2 processes have 1 devices, of which this one has 1"):
        Placement.on()
