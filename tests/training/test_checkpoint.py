"""Checkpoints: which are kept, and that none is lost or mistaken."""

import resource
import signal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from hfluxno.training.checkpoint import Checkpoints
from hfluxno.training.state import first_state
from tests.training.standin import Advection


def _state(step=0, number=0.1):
    state = first_state(Advection(jnp.asarray(number)), optax.adam(0.1), 0)
    return eqx.tree_at(lambda s: s.step, state, jnp.asarray(step, jnp.int32))


def _steps(folder):
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def test_the_best_and_the_last_are_kept(tmp_path):
    with Checkpoints(tmp_path, best=1, latest=2) as checkpoints:
        assert checkpoints.latest is None and checkpoints.best is None
        for step, error in ((10, 3.0), (20, 1.0), (30, 2.0), (40, 5.0), (50, 4.0)):
            checkpoints.save(_state(step), {"error": error, "minutes": 0.1 * step})
    assert _steps(tmp_path) == [20, 40, 50]
    with Checkpoints(tmp_path) as again:
        assert (again.best, again.latest) == (20, 50)
        assert again.numbers(20) == {"error": 1.0, "minutes": 2.0}


def test_a_state_comes_back_bitwise(tmp_path):
    state = _state(7, number=1.0 / 3.0)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(state, {"error": 1.0})
        back = checkpoints.restore(_state(), 7)
    assert jax.tree.structure(back) == jax.tree.structure(state)
    for a, b in zip(jax.tree.leaves(back), jax.tree.leaves(state), strict=True):
        assert a.dtype == b.dtype and np.array_equal(a, b)


def test_a_damaged_checkpoint_is_refused_in_a_sentence(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(_state(7), {"error": 1.0})
        for file in (tmp_path / "7" / "state").rglob("*"):
            if file.is_file() and "d" in file.parts[-2:-1]:
                file.write_bytes(file.read_bytes()[:10])
        with pytest.raises(
            ValueError, match=r"7 is damaged, or belongs to another network .*delete it"
        ):
            checkpoints.restore(_state(), 7)


# Orbax's threads can outlive the event loop of a restore that fails.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_another_network_is_refused_in_a_sentence(tmp_path):
    class Other(Advection):
        more: jax.Array = eqx.field(default_factory=lambda: jnp.zeros(3))

    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(_state(7), {"error": 1.0})
        like = first_state(Other(jnp.asarray(0.1)), optax.adam(0.1), 0)
        with pytest.raises(ValueError, match="damaged, or belongs to another network"):
            checkpoints.restore(like, 7)


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(_state(1, number=0.25), {"error": 1.0})
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        # No file may grow beyond this: to the writer that is a disk without room.
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
        try:
            with pytest.raises(OSError, match=r"step 2 cannot be written .*step 1 is intact"):
                checkpoints.save(_state(2), {"error": 0.5})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, ignored)
    with Checkpoints(tmp_path) as again:
        assert again.latest == 1
        assert float(again.restore(_state(), 1).parameters.number) == 0.25
    assert _steps(tmp_path) == [1]


def test_at_least_one_of_each_kind_is_kept(tmp_path):
    with pytest.raises(ValueError, match="at least one checkpoint of each kind"):
        Checkpoints(tmp_path, best=0)
