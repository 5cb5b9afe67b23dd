"""Compiled programs that outlast the process.

JAX stores what it compiles in the folder `jax_compilation_cache_dir`, but it has to trace and lower
a function again to find out which file it needs, which takes longer than running it. So programs
that are used often are stored in a folder beside JAX's files, or in the user's cache folder if JAX
stores none, under a key made of everything that determines them: the source code of this library,
the versions and settings of JAX, the processor, and the structure, shapes and types of the
arguments. If there is no such folder, or the file is missing or damaged, the function is traced and
compiled as usual. Like JAX's own files, these contain code that is executed, so others must not be
able to write to the folder.
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
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jaxlib
import numpy as np

from hfluxno.batching import QUICKLY, WIDE_VECTORS
from hfluxno.compilation_cache import programs_folder

_FOLDER = "programs"
_MOST_FILES = 1500  # about 250 MB, of a hundred kinds of data; the least recently used are removed
# Of one function, in memory. Each takes some 50 memory maps, of which Linux allows 65,000.
_MOST_PROGRAMS = 64


class stored_jit:
    """`function`, compiled as by `jax.jit`, with programs that outlast the process.

    Positional arguments are trees of arrays and numbers, which keep their precision whatever JAX is
    set to; the result is a tuple of arrays. Keyword arguments are static and identified by `repr`.
    """

    def __init__(self, function: Callable):
        functools.update_wrapper(self, function)
        self._function = function
        self._programs: OrderedDict = OrderedDict()
        self._locks: dict = {}
        self._guard = threading.Lock()

    def __call__(self, *arguments, **static) -> tuple:
        leaves, key = _flat(arguments, static)
        # A program that was compiled cannot run otherwise, if JAX is told not to compile.
        with jax.enable_x64(True), jax.disable_jit(False):
            program = self._known(key)
            if program is not None:
                return program(*leaves)
            with self._guard:
                lock = self._locks.setdefault(key, threading.Lock())
            with lock:
                program = self._known(key)
                if program is not None:
                    return program(*leaves)
                program, result = _first_call(self._function, key[0], leaves, static)
                self._keep(key, program)
                return result

    def _known(self, key: tuple) -> Callable | None:
        with self._guard:
            program = self._programs.get(key)
            if program is not None:
                self._programs.move_to_end(key)
            return program

    def _keep(self, key: tuple, program: Callable) -> None:
        """Also forgets the program that was not used for longest, if there are too many."""
        with self._guard:
            self._programs[key] = program
            if len(self._programs) > _MOST_PROGRAMS:
                self._locks.pop(self._programs.popitem(last=False)[0], None)

    def prepare(self, *arguments, **static) -> None:
        """Compiles or loads the program for such arguments in the background."""
        if _flat(arguments, static)[1] in self._programs:
            return

        def run():
            with contextlib.suppress(Exception):  # the call itself will raise it
                self(*arguments, **static)

        threading.Thread(target=run).start()


def _flat(arguments, static) -> tuple[list[np.ndarray], tuple]:
    """The leaves, and the key of the program among those of its function, structure first."""
    leaves, structure = jax.tree.flatten(arguments)
    arrays = [np.asarray(leaf) for leaf in leaves]
    return arrays, (structure, *((leaf.shape, leaf.dtype) for leaf in arrays), repr(static))


def _first_call(function, structure, leaves, static) -> tuple[Callable, Any]:
    """The program and its result for these leaves."""
    name = f"{function.__module__}.{function.__qualname__}"
    source = hashlib.sha256(Path(inspect.getfile(function)).read_bytes()).hexdigest()
    shapes = [(leaf.shape, str(leaf.dtype)) for leaf in leaves]
    file = _file([name, source, str(structure), repr(shapes), repr(static)])
    if file is not None:
        with contextlib.suppress(
            Exception
        ):  # whatever is wrong with the file, it can be made again
            program = _loaded(file)
            return program, jax.block_until_ready(program(*leaves))

    def flat(*leaves):
        return function(*jax.tree.unflatten(structure, leaves), **static)

    # A program that JAX has itself loaded from its cache cannot be stored again: the code would be
    # missing. A unique name makes JAX compile it.
    flat.__name__ = f"{function.__name__.lstrip('_')}_{uuid.uuid4().hex}"
    least = jax.config.values["jax_disable_most_optimizations"]
    quickly = jax.default_backend() == "cpu" and not least
    program = jax.jit(flat).lower(*leaves).compile(QUICKLY if quickly else WIDE_VECTORS)
    if file is not None:
        with contextlib.suppress(Exception):  # the program can still be used
            _store(file, program)
    return program, program(*leaves)


def _file(what: list[str]) -> Path | None:
    folder = programs_folder()
    unusual = jax.config.values["jax_disable_jit"] or jax.default_backend() != "cpu"
    if folder is None or unusual or jax.device_count() > 1:
        return None
    digest = hashlib.sha256("\n".join([_origin(), *what]).encode()).hexdigest()
    return folder / _FOLDER / f"{what[0].rpartition('.')[2].lstrip('_')}-{digest}"


@functools.cache
def _origin() -> str:
    """Everything that determines a program except its arguments."""
    settings = {
        name: value
        for name, value in jax.config.values.items()
        if "cache" not in name and isinstance(value, (bool, int, float, str, type(None)))
    }
    return repr(
        (
            _sources(Path(__file__).parent),
            jax.__version__,
            jaxlib.__version__,
            np.__version__,
            sorted(settings.items()),
            os.environ.get("XLA_FLAGS"),
            platform.platform(),
            _processor(),
        )
    )


def _sources(package: Path) -> str:
    """All of them: no list of those that a program uses would stay complete."""
    found = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        found.update(str(file.relative_to(package)).encode() + file.read_bytes())
    return found.hexdigest()


def _processor() -> str:
    """What the compiler knows about the processor; a program for another one may not run."""
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
        raise ValueError(f"{file} has changed since it was stored.")
    program = deserialize_and_load(*pickle.loads(zlib.decompress(packed)))
    with contextlib.suppress(OSError):
        os.utime(file)
    return program


def _store(file: Path, program: Any) -> None:
    from jax.experimental.serialize_executable import serialize

    if "custom-call" in program.as_text():  # into a library that is only set up by lowering
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
