"""Attention against its definition."""

import jax
import numpy as np
import pytest

from hfluxno.nn.attention import Attention, TransformerBlock
from tests.compiled import compiled


def test_attention_is_its_definition(x64):
    heads, size, tokens = 2, 3, 5
    attention = Attention(heads * size, heads, key=jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (2, tokens, heads * size))
    query, key, value = np.split(np.asarray(x @ attention.enter.weight.T), 3, axis=-1)
    expected = np.zeros_like(query)
    for t in range(2):
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            for i in range(tokens):
                scores = np.array([query[t, i, part] @ key[t, j, part] for j in range(tokens)])
                weights = np.exp(scores / np.sqrt(size))
                expected[t, i, part] = weights @ value[t, :, part] / weights.sum()
    expected = expected @ np.asarray(attention.leave.weight).T
    np.testing.assert_allclose(attention(x), expected, rtol=1e-11)


def test_times_do_not_mix():
    block = TransformerBlock(4, 6, 2, key=jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (2, 3, 4))
    other = x.at[1].add(1.0)
    np.testing.assert_array_equal(compiled(block, x)[0], compiled(block, other)[0])


def test_heads_must_divide_the_embedding():
    with pytest.raises(ValueError, match="must divide the embedding of 6; got 4"):
        Attention(6, 4, key=jax.random.key(0))
