"""Programs that outlast the process: the same numbers, whatever happens to their files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno import stored_jit as module
from hfluxno.stored_jit import stored_jit

_TRACED = []


class _Power(eqx.Module):
    factor: np.ndarray
    exponent: int = eqx.field(static=True)


def _function(power, x, *, shift=0):
    _TRACED.append(x.shape)
    return power.factor * jnp.sin(x) ** power.exponent + shift, jnp.sum(x)


@pytest.fixture
def folder(tmp_path, monkeypatch, x64):
    """An empty folder for programs, and the number of times that something is traced."""
    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    _TRACED.clear()
    yield tmp_path / "programs"
    jax.config.update("jax_compilation_cache_dir", before)


X = np.linspace(0.0, 1.0, 7)


def _call(program=None, exponent=3, x=X, **static):
    """The result of a new process, as far as this module knows."""
    program = stored_jit(_function) if program is None else program
    return [np.asarray(part) for part in program(_Power(np.asarray(1.7), exponent), x, **static)]


def test_a_stored_program_gives_the_same_bits_and_is_not_traced(folder):
    fresh = _call()
    assert len(list(folder.iterdir())) == 1 and len(_TRACED) == 1
    stored = _call()
    assert len(_TRACED) == 1
    for one, other in zip(fresh, stored, strict=True):
        assert one.dtype == other.dtype == np.float64
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(stored[0], 1.7 * np.sin(X) ** 3, rtol=1e-14)


def test_what_differs_in_structure_shape_or_options_is_another_program(folder):
    program = stored_jit(_function)
    _call(program)
    _call(program)
    assert len(_TRACED) == 1
    np.testing.assert_allclose(_call(program, exponent=2)[0], 1.7 * np.sin(X) ** 2, rtol=1e-14)
    assert _call(program, x=X[:4])[0].shape == (4,)
    np.testing.assert_allclose(_call(program, shift=5)[0] - 5.0, _call(program)[0], atol=1e-14)
    assert len(_TRACED) == 4 and len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("harm", ["empty", "cut", "flipped", "foreign", "no program", "a folder"])
def test_a_file_that_is_of_no_use_is_made_again(folder, harm):
    expected = _call()
    (file,) = folder.iterdir()
    content = file.read_bytes()
    if harm == "a folder":
        file.unlink()
        (file / "in the way").mkdir(parents=True)
    elif harm == "foreign":  # another program under its name
        _call(exponent=2)
        (other,) = set(folder.iterdir()) - {file}
        file.write_bytes(other.read_bytes())
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        file.write_bytes(
            {"empty": b"", "cut": content[:-9], "flipped": flipped, "no program": b"x" * 99}[harm]
        )
    _TRACED.clear()
    np.testing.assert_array_equal(_call()[0], expected[0])
    assert len(_TRACED) == 1
    np.testing.assert_array_equal(_call()[0], expected[0])
    assert len(_TRACED) == (2 if harm == "a folder" else 1)


def test_a_program_that_fails_when_it_runs_is_made_again(folder, monkeypatch):
    expected = _call()

    def broken(file):
        def program(*leaves):
            raise RuntimeError("NOT_FOUND")

        return program

    with monkeypatch.context() as patched:
        patched.setattr(module, "_loaded", broken)
        np.testing.assert_array_equal(_call()[0], expected[0])
    assert len(_TRACED) == 2


def test_jax_having_the_program_in_its_own_cache_does_no_harm(folder):
    """What JAX loads from there cannot be stored a second time."""
    name = "jax_persistent_cache_min_compile_time_secs"
    before = jax.config.values[name]
    jax.config.update(name, 0.0)
    try:
        expected = _call()
        for _ in range(2):
            next(folder.iterdir()).unlink()
            _call()
            np.testing.assert_array_equal(_call()[0], expected[0])
    finally:
        jax.config.update(name, before)
    assert len(_TRACED) == 3


def test_other_sources_or_versions_have_other_programs(folder, monkeypatch):
    _call()
    monkeypatch.setattr(module, "_origin", lambda: "another version of JAX")
    _call()
    assert len(_TRACED) == 2 and len(list(folder.iterdir())) == 2


def test_every_module_of_the_library_determines_programs(tmp_path):
    package = Path(module.__file__).parent
    assert module._sources(package) in module._origin()
    (tmp_path / "parametric").mkdir()
    for name in ("grid.py", "parametric/basis.py"):
        (tmp_path / name).write_text("before")
    found = [module._sources(tmp_path)]
    for name in ("grid.py", "parametric/basis.py"):
        (tmp_path / name).write_text("after")
        found.append(module._sources(tmp_path))
    (tmp_path / "grid.py").rename(tmp_path / "parametric" / "grid.py")
    found.append(module._sources(tmp_path))
    assert len(set(found)) == len(found)


def test_programs_that_call_a_library_are_not_stored(folder):
    """Only lowering tells JAX to look up LAPACK; without it a stored program would crash."""

    def solve(matrix):
        return (jnp.linalg.solve(matrix, jnp.ones(matrix.shape[0])),)

    np.testing.assert_allclose(stored_jit(solve)(np.eye(3))[0], 1.0)
    assert not folder.exists()


def test_the_least_recently_used_go(folder, monkeypatch):
    monkeypatch.setattr(module, "_MOST_FILES", 2)
    for exponent in (2, 3, 4):
        _call(exponent=exponent)
        for age, file in enumerate(sorted(folder.iterdir(), key=lambda f: -f.stat().st_mtime)):
            os.utime(file, (1e9 - age, 1e9 - age))
    assert len(list(folder.iterdir())) == 2
    _TRACED.clear()
    _call(exponent=4)
    assert _TRACED == []


def test_a_long_process_forgets_programs_and_loads_them_again(folder, monkeypatch):
    """Each takes memory maps, of which a process may have only so many."""
    monkeypatch.setattr(module, "_MOST_PROGRAMS", 2)
    program = stored_jit(_function)
    every = [_call(program, shift=shift) for shift in (0, 1, 0, 2, 0, 1)]
    assert len(program._programs) == 2
    assert len(_TRACED) == 3  # the last one was loaded
    np.testing.assert_array_equal(every[1][0], every[5][0])


def test_a_script_that_sets_no_folder_has_the_users(tmp_path, folder, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "of the user"))
    jax.config.update("jax_compilation_cache_dir", None)
    for _ in range(2):
        np.testing.assert_allclose(_call()[0], 1.7 * np.sin(X) ** 3, rtol=1e-14)
    assert len(_TRACED) == 1
    assert len(list((tmp_path / "of the user/hfluxno/jax/programs").iterdir())) == 1
    assert jax.config.values["jax_compilation_cache_dir"] is None  # the user's own programs


def test_without_a_folder_it_is_compiled_as_ever(tmp_path, folder, monkeypatch):
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    np.testing.assert_allclose(_call()[0], 1.7 * np.sin(X) ** 3, rtol=1e-14)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "unused"))
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        np.testing.assert_allclose(_call()[0], 1.7 * np.sin(X) ** 3, rtol=1e-14)
    finally:
        jax.config.update("jax_enable_compilation_cache", True)
    assert not (tmp_path / "unused").exists()
    (tmp_path / "programs").write_text("a file where the folder should be")
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    np.testing.assert_allclose(_call()[0], 1.7 * np.sin(X) ** 3, rtol=1e-14)
    jax.config.update("jax_compilation_cache_dir", "/proc/nowhere")
    np.testing.assert_allclose(_call()[0], 1.7 * np.sin(X) ** 3, rtol=1e-14)
    assert len(_TRACED) == 4


def test_it_is_compiled_though_jax_is_told_not_to_compile():
    program = stored_jit(_function)
    power, x = _Power(np.asarray(2.0), 1), np.arange(3.0)
    with jax.disable_jit():
        for _ in range(2):
            np.testing.assert_allclose(program(power, x)[0], 2.0 * np.sin(x))


_PROCESS = """
import json, sys
import jax, jax.numpy as jnp, numpy as np
from hfluxno.stored_jit import stored_jit
jax.config.update("jax_compilation_cache_dir", sys.argv[1])
@stored_jit
def program(x, *, shift):
    return (jnp.cos(x) + shift,)
results = [program(np.arange(5.0), shift=shift)[0].tolist() for shift in range(8)]
print(json.dumps(results))
"""


@pytest.mark.validation
def test_processes_that_write_at_once_do_not_harm_each_other(tmp_path):
    script = tmp_path / "process.py"
    script.write_text(_PROCESS)
    environment = os.environ | {"PYTHONPATH": str(Path(module.__file__).parents[1])}
    command = [sys.executable, str(script), str(tmp_path)]

    def together(count):
        running = [
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(count)
        ]
        return [json.loads(process.communicate()[0]) for process in running]

    first, second = together(2)
    (third,) = together(1)
    assert first == second == third
    files = list((tmp_path / "programs").iterdir())
    assert len(files) == 8 and not any(file.name.startswith(".") for file in files)
