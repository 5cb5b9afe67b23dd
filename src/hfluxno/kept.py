"""Compiled programs that are kept for the next process.

JAX keeps what it compiled in the folder `jax_compilation_cache_dir`, but must trace and lower a
function anew to know which of the files it needs, and that takes longer than to run it. So a
program that is used again and again is stored in a folder beside them under what decides what it
is: this library's sources, the versions and settings of JAX, the processor, and the structure,
shapes and types of the arguments. Where no folder is set, or the file is missing or of no use, the
function is traced and compiled as ever.
"""

import contextlib
import functools
import hashlib
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

_FOLDER = "programs"
_MOST_FILES = 300  # some 60 MB; the ones that were not used for longest go


def kept(function: Callable) -> Callable:
    """`function`, compiled as by `jax.jit`, with programs that outlast the process.

    Arguments are trees of arrays and numbers, taken in the precision that they have; the result is
    a tuple of arrays. Named arguments are static and tell by `repr` what they are.
    """
    programs: dict = {}
    locks: dict = {}
    guard = threading.Lock()

    @functools.wraps(function)
    def call(*arguments, **static):
        leaves, structure = jax.tree.flatten(arguments)
        leaves = [np.asarray(leaf) for leaf in leaves]
        key = (structure, *((leaf.shape, leaf.dtype) for leaf in leaves), repr(static))
        program = programs.get(key)
        if program is None:
            with guard:
                lock = locks.setdefault(key, threading.Lock())
            with lock:
                program = programs.get(key)
                if program is None:
                    program = _program(function, structure, leaves, static)
                    programs[key] = program
        return program(*leaves)

    return call


def _program(function, structure, leaves, static) -> Callable:
    name = f"{function.__module__}.{function.__qualname__}"
    what = [name, str(structure), repr([(x.shape, str(x.dtype)) for x in leaves]), repr(static)]
    file = _file(what)
    program = None if file is None else _loaded(file)
    if program is None:

        def flat(*leaves):
            return function(*jax.tree.unflatten(structure, leaves), **static)

        flat.__name__ = function.__name__.lstrip("_")
        program = jax.jit(flat).lower(*leaves).compile()
        if file is not None:
            _store(file, program)
    return program


def _file(what: list[str]) -> Path | None:
    folder = jax.config.values["jax_compilation_cache_dir"]
    unusual = jax.config.values["jax_disable_jit"] or jax.default_backend() != "cpu"
    if folder is None or "://" in str(folder) or unusual:
        return None
    digest = hashlib.sha256("\n".join([_origin(), *what]).encode()).hexdigest()
    return Path(folder) / _FOLDER / f"{what[0].rpartition('.')[2].lstrip('_')}-{digest}"


@functools.cache
def _origin() -> str:
    """All that decides how a program turns out but its arguments."""
    sources = hashlib.sha256()
    root = Path(__file__).parent
    for part in ("grid.py", "kept.py", "laws", "fv", "identify"):
        path = root / part
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
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
        return repr(sorted({line for line in lines if line.startswith(names)}) + [len(lines)])
    return f"{platform.processor()} {os.cpu_count()}"


def _loaded(file: Path) -> Callable | None:
    """The stored program, or `None` where there is none that can be used."""
    try:
        stored = file.read_bytes()
        digest, packed = stored[:32], stored[32:]
        if hashlib.sha256(file.name.encode() + packed).digest() != digest:
            return None
        from jax.experimental.serialize_executable import deserialize_and_load

        program = deserialize_and_load(*pickle.loads(zlib.decompress(packed)))
        with contextlib.suppress(OSError):
            os.utime(file)
        return program
    except Exception:  # whatever is wrong with it, it can be made again
        return None


def _store(file: Path, program: Any) -> None:
    try:
        from jax.experimental.serialize_executable import serialize

        if "custom-call" in program.as_text():  # of a library that lowering would have set up
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
    except Exception:  # a program that cannot be stored is used all the same
        return


def _discard_old(folder: Path) -> None:
    files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime)
    for file in files[: max(0, len(files) - _MOST_FILES)]:
        file.unlink(missing_ok=True)
