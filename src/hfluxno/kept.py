"""Compiled programs that are kept for the next process.

JAX keeps what it compiled in the folder `jax_compilation_cache_dir`, but must trace and lower a
function anew to know which of the files it needs, and that takes longer than to run it. So a
program that is used again and again is stored in a folder beside them under what decides what it
is: this library's sources, the versions and settings of JAX, the processor, and the structure,
shapes and types of the arguments. Where no folder is set, or the file is missing or of no use, the
function is traced and compiled as ever. Like JAX's own files, these are code that is run, so the
folder must not be open to others.
"""

import contextlib
import functools
import hashlib
import inspect
import os
import pickle
import platform
import threading
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jaxlib
import numpy as np

from hfluxno.batching import WIDE_VECTORS

_FOLDER = "programs"
_MOST_FILES = 300  # some 60 MB; the ones that were not used for longest go


class kept:
    """`function`, compiled as by `jax.jit`, with programs that outlast the process.

    Arguments are trees of arrays and numbers, taken in the precision that they have whatever is set
    outside; the result is a tuple of arrays. Named arguments are static and tell by `repr` what
    they are.
    """

    def __init__(self, function: Callable):
        functools.update_wrapper(self, function)
        self._function = function
        self._programs: dict = {}
        self._locks: dict = {}
        self._guard = threading.Lock()

    def __call__(self, *arguments, **static) -> tuple:
        leaves, key = _flat(arguments, static)
        with jax.enable_x64(True):
            program = self._programs.get(key)
            if program is not None:
                return program(*leaves)
            with self._guard:
                lock = self._locks.setdefault(key, threading.Lock())
            with lock:
                program = self._programs.get(key)
                if program is not None:
                    return program(*leaves)
                program, result = _first_call(self._function, key[0], leaves, static)
                self._programs[key] = program
                return result

    def prepare(self, *arguments, **static) -> None:
        """Has the program for such arguments made or loaded while the caller goes on."""
        if _flat(arguments, static)[1] in self._programs:
            return

        def run():
            with contextlib.suppress(Exception):  # the call itself will say it
                self(*arguments, **static)

        threading.Thread(target=run).start()


def _flat(arguments, static) -> tuple[list[np.ndarray], tuple]:
    """The leaves, and what tells programs of one function apart, the structure first."""
    leaves, structure = jax.tree.flatten(arguments)
    arrays = [np.asarray(leaf) for leaf in leaves]
    return arrays, (structure, *((leaf.shape, leaf.dtype) for leaf in arrays), repr(static))


def _first_call(function, structure, leaves, static) -> tuple[Callable, Any]:
    """The program and its result on these leaves."""
    name = f"{function.__module__}.{function.__qualname__}"
    source = hashlib.sha256(Path(inspect.getfile(function)).read_bytes()).hexdigest()
    shapes = [(leaf.shape, str(leaf.dtype)) for leaf in leaves]
    file = _file([name, source, str(structure), repr(shapes), repr(static)])
    if file is not None:
        with contextlib.suppress(Exception):  # whatever is wrong with it, it can be made again
            program = _loaded(file)
            return program, jax.block_until_ready(program(*leaves))

    def flat(*leaves):
        return function(*jax.tree.unflatten(structure, leaves), **static)

    # A program that JAX has itself loaded from its cache cannot be stored again: the code would be
    # missing. Under a name of its own it is always compiled.
    flat.__name__ = f"{function.__name__.lstrip('_')}_{uuid.uuid4().hex}"
    program = jax.jit(flat).lower(*leaves).compile(WIDE_VECTORS)
    if file is not None:
        with contextlib.suppress(Exception):  # it is used all the same
            _store(file, program)
    return program, program(*leaves)


def _file(what: list[str]) -> Path | None:
    folder = jax.config.values["jax_compilation_cache_dir"]
    unusual = jax.config.values["jax_disable_jit"] or jax.default_backend() != "cpu"
    if folder is None or "://" in str(folder) or unusual or jax.device_count() > 1:
        return None
    digest = hashlib.sha256("\n".join([_origin(), *what]).encode()).hexdigest()
    return Path(folder) / _FOLDER / f"{what[0].rpartition('.')[2].lstrip('_')}-{digest}"


@functools.cache
def _origin() -> str:
    """All that decides how a program turns out but its arguments."""
    sources = hashlib.sha256()
    root = Path(__file__).parent
    for part in ("grid.py", "kept.py", "batching.py", "laws", "fv", "identify"):
        path = root / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            sources.update(file.name.encode() + file.read_bytes())
    settings = {
        name: value
        for name, value in jax.config.values.items()
        if "cache" not in name and isinstance(value, (bool, int, float, str, type(None)))
    }
    return repr(
        (
            sources.hexdigest(),
            jax.__version__,
            jaxlib.__version__,
            np.__version__,
            sorted(settings.items()),
            os.environ.get("XLA_FLAGS"),
            platform.platform(),
            _processor(),
        )
    )


def _processor() -> str:
    """What the compiler knows of the processor: a program for another one may not run."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        names = ("model name", "flags", "Features", "CPU part")
        return repr(sorted({line for line in lines if line.startswith(names)}))
    return f"{platform.processor()} {os.cpu_count()}"


def _loaded(file: Path) -> Callable:
    from jax.experimental.serialize_executable import deserialize_and_load

    stored = file.read_bytes()
    digest, packed = stored[:32], stored[32:]
    if hashlib.sha256(file.name.encode() + packed).digest() != digest:
        raise ValueError(f"{file} is not what was stored.")
    program = deserialize_and_load(*pickle.loads(zlib.decompress(packed)))
    with contextlib.suppress(OSError):
        os.utime(file)
    return program


def _store(file: Path, program: Any) -> None:
    from jax.experimental.serialize_executable import serialize

    if "custom-call" in program.as_text():  # of a library that only lowering sets up
        return
    packed = zlib.compress(pickle.dumps(serialize(program)), 1)
    digest = hashlib.sha256(file.name.encode() + packed).digest()
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_bytes(digest + packed)
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)
    _discard_old(file.parent)


def _discard_old(folder: Path) -> None:
    files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime)
    for file in files[: max(0, len(files) - _MOST_FILES)]:
        file.unlink(missing_ok=True)
