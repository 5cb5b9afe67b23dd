"""The recurrent unit and its block against direct loops, and their causality."""

import jax
import numpy as np
import pytest

from hfluxno.nn.recurrent_block import RecurrentBlock
from hfluxno.nn.rg_lru import RGLRU
from tests import drawn
from tests.compiled import compiled
from tests.slow import slow

TIMES, TOKENS, CHANNELS = 6, 3, 8


def sequence(key=1):
    return np.asarray(drawn.normal(TIMES, TOKENS, CHANNELS, seed=key))


@pytest.fixture
def unit(x64):
    return drawn.module(RGLRU, CHANNELS, 2)


@pytest.fixture
def block(x64):
    return drawn.module(RecurrentBlock, CHANNELS, 4, 2)


def by_a_loop(unit, x):
    """The definition, one token, one time and one block at a time, in NumPy."""

    def gate(layer, value):
        weight, bias = np.asarray(layer.weight), np.asarray(layer.bias)
        blocks = np.split(value, weight.shape[0])
        parts = [w @ v + b for w, v, b in zip(weight, blocks, bias, strict=True)]
        return 1.0 / (1.0 + np.exp(-np.concatenate(parts)))

    x = np.asarray(x)
    out = np.zeros_like(x)
    softplus = np.log1p(np.exp(np.asarray(unit.decay)))
    for token in range(x.shape[1]):
        h = np.zeros(x.shape[2])
        for t in range(x.shape[0]):
            value = x[t, token]
            a = np.exp(-8.0 * gate(unit.recurrence_gate, value) * softplus)
            if t == 0:
                a = np.zeros_like(a)
            h = a * h + np.sqrt(1.0 - a**2) * gate(unit.input_gate, value) * value
            out[t, token] = h
    return out


def test_unit_is_its_definition(unit):
    x = sequence()
    expected = by_a_loop(unit, x)
    np.testing.assert_allclose(compiled(unit, x), expected, rtol=1e-12)
    np.testing.assert_allclose(compiled(unit.last, x), expected[-1], rtol=1e-12)


def test_memory_starts_long():
    decay = drawn.fresh(RGLRU, 512, 1).decay
    memory = np.exp(-np.logaddexp(0.0, np.asarray(decay)))
    assert 0.9 <= memory.min() < 0.91 and 0.995 < memory.max() <= 0.999
    np.testing.assert_allclose(np.mean(memory**2), (0.9**2 + 0.999**2) / 2, atol=0.01)


def test_convolution_is_causal_and_has_the_present_last(block):
    v = sequence()
    z = compiled(lambda v: block._shifted_sum(block.window(v).entered), v)
    v, enter = np.asarray(compiled(block._normalised, v)), block.enter
    entered = v @ np.asarray(enter.weight).T + np.asarray(enter.bias)
    kernel, bias = np.asarray(block.kernel), np.asarray(block.bias)
    for t in range(TIMES):
        past = sum(kernel[:, 3 - k] * entered[t - k] for k in range(min(t + 1, 4)))
        np.testing.assert_allclose(z[t], past + bias, rtol=1e-12)


def test_the_last_time_alone_is_that_of_the_block(block):
    x = sequence()
    whole = np.asarray(compiled(block, x))
    np.testing.assert_allclose(compiled(block.last, x), whole[-1], rtol=1e-12)


def test_later_times_change_no_earlier_one(block):
    x = sequence()
    other = x.copy()
    other[3] += 0.5
    before, after = (np.asarray(compiled(block, each)) for each in (x, other))
    np.testing.assert_array_equal(after[:3], before[:3])
    assert np.all(np.abs(after[3:] - before[3:]).max(axis=(1, 2)) > 1e-6)


@pytest.mark.parametrize("length", [1, slow(3), slow(4), 7])
def test_a_window_that_slid_is_that_of_its_own_times(block, length):
    """Shorter and longer than the convolution, which sees four times."""
    x = np.asarray(drawn.normal(12, TOKENS, CHANNELS))
    window = compiled(block.window, x[:length])
    for end in range(length + 1, len(x) + 1):
        window = compiled(block.shifted, window, x[end - 1])
        fresh = compiled(block.window, x[end - length : end])
        for kept, new in zip(jax.tree.leaves(window), jax.tree.leaves(fresh), strict=True):
            np.testing.assert_allclose(kept, new, rtol=1e-11, atol=1e-14)


def test_tokens_do_not_mix(block):
    x = sequence()
    other = x.copy()
    other[:, 1] += 1.0
    before, changed = (np.asarray(compiled(block, each)) for each in (x, other))
    np.testing.assert_array_equal(changed[:, 0], before[:, 0])
    assert np.all(np.abs(changed[:, 1] - before[:, 1]) > 0.0)
