"""Settings of all tests: the CPU, strict promotion, checked shapes and types."""

import gc
import importlib.util
import os
from pathlib import Path

# Both are read when JAX is first imported, here and in the processes that tests start.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Compiling takes longer than running here: without most optimisations a fifth of the time less.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import jax
import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

# The workers share it. JAX does not write entries atomically, but one that is not yet whole cannot
# be unpacked, and then the reader compiles by itself (a warning, see filterwarnings).
jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".cache" / "jax"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

# Shapes are checked where they are annotated. Checking all other calls too, whose types mypy knows,
# took a tenth of the time. The hook acts on modules imported after it, and the test modules come
# after this file.
_SOURCE = Path(__file__).parents[1] / "src"
_OF_ARRAYS = [
    ".".join(path.relative_to(_SOURCE).with_suffix("").parts)
    for path in _SOURCE.rglob("*.py")
    if "from jaxtyping import" in path.read_text(encoding="utf-8")
]
install_import_hook(_OF_ARRAYS, "beartype.beartype")

# Programs consist of very many small objects that stay: the search for garbage among them would
# take a tenth of the time.
gc.freeze()
gc.set_threshold(200_000, 50, 1000)

settings.register_profile(
    "hfluxno",
    deadline=None,  # the first example compiles
    derandomize=True,  # a failure must come back when the tests are run again
    # `x64` is a setting that all examples share, so it need not be set up for each.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("hfluxno")


# Each compiled program maps memory, of which a process may have 65 530 pieces on Linux; beyond that
# compiling fails, or the process ends.
_MOST_MAPS = 40_000


@pytest.fixture(scope="module", autouse=True)
def few_programs():
    """A process of many tests forgets its programs before there are too many."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and len(maps.read_text().splitlines()) > _MOST_MAPS:
        jax.clear_caches()
        gc.collect()


@pytest.fixture
def x64():
    """Float64 for one test; the library's default is float32."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def small_blocks():
    """Blocks of 8 trajectories, solved 4 at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hfluxno.data.generate._LARGEST_CHUNK", {"cpu": 4})
        patch.setattr("hfluxno.data.generate._CHUNKS_PER_BLOCK", 2)
        yield


def pytest_collection_modifyitems(items):
    if importlib.util.find_spec("clawpack") is not None:
        return
    skip = pytest.mark.skip(reason="Clawpack is not installed; recorded answers are compared")
    for item in items:
        if "clawpack" in item.keywords:
            item.add_marker(skip)
