"""Attention against its definition."""

import jax
import numpy as np
import pytest

from hfluxno.nn.attention import Attention, TransformerBlock
from tests import drawn
from tests.compiled import compiled


def test_attention_is_its_definition(x64):
    heads, size, tokens = 2, 3, 5
    attention = drawn.module(Attention, heads * size, heads)
    x = np.asarray(drawn.normal(2, tokens, heads * size))
    query, key, value = np.split(x @ np.asarray(attention.enter.weight).T, 3, axis=-1)
    expected = np.zeros_like(query)
    for t in range(2):
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            for i in range(tokens):
                scores = np.array([query[t, i, part] @ key[t, j, part] for j in range(tokens)])
                weights = np.exp(scores / np.sqrt(size))
                expected[t, i, part] = weights @ value[t, :, part] / weights.sum()
    expected = expected @ np.asarray(attention.leave.weight).T
    np.testing.assert_allclose(compiled(attention, x), expected, rtol=1e-11)


def test_times_do_not_mix():
    block, x = drawn.module(TransformerBlock, 4, 6, 2), np.asarray(drawn.normal(2, 3, 4))
    other = x.copy()
    other[1] += 1.0
    found, expected = (np.asarray(compiled(block, each)) for each in (other, x))
    np.testing.assert_array_equal(found[0], expected[0])


def test_heads_must_divide_the_embedding():
    with pytest.raises(ValueError, match="must divide the embedding of 6; got 4"):
        Attention(6, 4, key=jax.random.key(0))
