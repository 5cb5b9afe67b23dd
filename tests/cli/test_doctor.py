"""`hfluxno doctor`: what it finds is so, and nothing that is broken stops it."""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import jax
import pytest

from hfluxno import stored_jit
from hfluxno.cli import doctor, main, runtime
from hfluxno.models.weights import shipped
from tests.slow import slow


def reported(capsys, *arguments):
    assert main(["doctor", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_says_what_is_installed(capsys):
    found = reported(capsys)
    assert found["hfluxno"]["version"] == metadata.version("hfluxno")
    assert found["packages"]["jax"] == jax.__version__
    assert "MISSING" not in found["packages"].values() and "tyro" in found["packages"]
    assert not {"pytest", "mypy", "mkdocs-material"} & {*found["packages"], *found["optional"]}
    assert found["optional"]["dask"] == metadata.version("dask")
    assert found["weights"]["names"] == list(shipped()) and found["weights"]["incomplete"] == []
    assert found["cores"]["machine"] == os.cpu_count()
    pages = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    assert not pages.is_file() or f"[{found['memory']['huge pages']}]" in pages.read_text()
    assert found["devices"] is None and "--devices" in found["unknown"]["devices"]


def test_the_page_has_a_line_for_every_entry(capsys, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_something=1")
    monkeypatch.setenv("PJRT_NPROC", "3")
    monkeypatch.setenv("HF_TOKEN", "a secret")
    monkeypatch.setitem(doctor._ENTRIES, "cores", lambda: {"machine": 1, "this process": None})
    assert main(["doctor"]) == 0
    page = capsys.readouterr().out
    labels = [line[:13].strip() for line in page.splitlines() if line[0] != " "]
    assert labels == [name.replace("_", " ") for name in doctor._ENTRIES]
    assert all(len(line) <= 100 or "/" in line for line in page.splitlines())
    page = " ".join(page.split())
    assert "PJRT_NPROC 3" in page and "XLA_FLAGS --xla_something=1" in page and "secret" not in page
    assert "machine 1," in page


def test_what_cannot_be_had_says_why_and_the_rest_stays(capsys, monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    def fail():
        raise OSError("a  broken\ndisk.")

    monkeypatch.setattr(metadata, "version", missing)
    monkeypatch.setattr(metadata, "requires", missing)
    monkeypatch.setitem(doctor._ENTRIES, "memory", fail)
    monkeypatch.setattr(doctor, "_package", lambda: Path("/nowhere"))
    found = reported(capsys)
    assert found["unknown"]["memory"] == "a broken disk"
    assert "hfluxno" in found["unknown"]["hfluxno"] and found["packages"] is None
    assert found["unknown"]["weights"] == "there is no folder /nowhere/weights"
    assert found["python"].startswith("CPython") and found["optional"] is None
    assert main(["doctor"]) == 0
    assert "memory       not known: a broken disk\n" in capsys.readouterr().out


def test_weights_that_were_not_fetched_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_package", lambda: tmp_path)
    for name, size in (("whole", 20_000), ("pointer", 130), ("none", 0)):
        folder = tmp_path / "weights" / name
        folder.mkdir(parents=True)
        (folder / "config.json").touch()
        if size:
            (folder / "model.safetensors").write_bytes(size * b"x")
    found = doctor._weights()
    assert found == {"number": 1, "incomplete": ["none", "pointer"], "names": ["whole"]}


def test_programs_of_the_cache_are_counted(tmp_path, monkeypatch):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "hfluxno" / "jax"
    assert doctor._cache() == {"folder": str(folder), "exists": False}
    (folder / stored_jit._FOLDER).mkdir(parents=True)
    for k in range(3):
        (folder / stored_jit._FOLDER / f"run-{k}").write_bytes(2**20 * b"x")
    (folder / "jit_f-123-cache").write_bytes(b"x")
    (folder / "jit_f-123-atime").write_bytes(b"x")
    found = doctor._cache()
    assert (found["programs"], found["programs of JAX"]) == (3, 1)
    assert found["size"] == "3.0 MiB" and found["writable"]


@pytest.mark.parametrize("platforms", ["cpu", slow("nonsense")])
def test_jax_is_loaded_by_another_process_only(platforms):
    program = (
        "import sys; from hfluxno.cli import main\n"
        "status = main(['doctor', '--json', '--devices'])\n"
        "sys.exit(status or 'jax' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"JAX_PLATFORMS": platforms},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    if platforms == "cpu":
        devices = found["devices"]
        assert devices["computes"] and devices["backend"] == "cpu" and len(devices["devices"]) >= 1
    else:
        assert found["unknown"]["devices"].startswith("JAX cannot be used: ")
        assert "nonsense" in found["unknown"]["devices"]


@pytest.mark.parametrize("error", [AssertionError, RuntimeError])  # of a known and another device
def test_a_device_that_is_missing_is_a_sentence(monkeypatch, error):
    def fails():
        raise error

    monkeypatch.setattr(jax, "default_backend", fails)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    with pytest.raises(ValueError, match="JAX_PLATFORMS is cuda, and JAX finds no such device"):
        runtime.check_platform()
    monkeypatch.delenv("JAX_PLATFORMS")
    runtime.check_platform()
