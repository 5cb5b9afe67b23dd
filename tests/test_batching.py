"""Every input gets its own output, in chunks of one shape, at the caller's precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from hfluxno.batching import map_in_chunks, on_all_cores


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_every_member_gets_its_own_result_whatever_it_costs(count):
    inputs = {"x": np.arange(2.0 * count).reshape(count, 2), "n": np.arange(count)}
    cost = np.random.default_rng(0).random(count)
    shapes = set()

    def function(chunk):
        shapes.add(chunk["x"].shape)
        return {"sum": jnp.sum(chunk["x"], axis=1), "n": chunk["n"]}

    found = map_in_chunks(function, inputs, cost, size=4)
    np.testing.assert_array_equal(found["n"], inputs["n"])
    np.testing.assert_array_equal(found["sum"], inputs["x"].sum(1))
    assert shapes == {(1 if count == 1 else 4, 2)}


def test_one_program_is_compiled_and_at_the_precision_of_the_caller(x64):
    traced = []

    @jax.jit
    def function(x):
        traced.append(x.dtype)
        return jnp.sin(x)

    x = np.linspace(0.0, 1.0, 40)
    found = map_in_chunks(function, x, np.zeros(40), size=4)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, np.sin(x), rtol=1e-14)
    assert traced == [np.float64]


def test_what_a_chunk_raises_is_raised():
    def function(x):
        if np.any(x == 7):
            raise ValueError("seven")
        return x

    with pytest.raises(ValueError, match="seven"):
        map_in_chunks(function, np.arange(12), np.zeros(12), size=4)


@pytest.mark.parametrize("items", [[0], [0, 1, 2]])
def test_blas_has_one_thread_inside_and_as_many_as_before_after_it(items):
    def threads():
        return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}

    def fail(_):
        raise ValueError("nothing")

    with threadpool_limits(2, "blas"):
        before = threads()
        assert on_all_cores(lambda _: on_all_cores(lambda _: threads(), [0]), items) == [
            [{1}] for _ in items
        ]
        with pytest.raises(ValueError, match="nothing"):
            on_all_cores(fail, items)
        assert threads() == before
