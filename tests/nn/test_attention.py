"""Attention against its definition, and relative positions."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.nn.attention import Attention, TransformerBlock, relative_positions
from tests.compiled import compiled


def test_attention_is_its_definition(x64):
    heads, size, tokens = 2, 3, 5
    attention = Attention(heads * size, heads, (tokens,), False, key=jax.random.key(0))
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
    block = TransformerBlock(4, 6, 2, (3,), False, "gelu_tanh", key=jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (2, 3, 4))
    other = x.at[1].add(1.0)
    np.testing.assert_array_equal(compiled(block, x)[0], compiled(block, other)[0])


def test_relative_positions_count_around_the_domain():
    np.testing.assert_array_equal(relative_positions((3,)), [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
    table = relative_positions((2, 3))
    # From (1, 2) to (0, 0) it is (1, 1) around the domain.
    assert table[5, 0] == 1 * 3 + 1


@pytest.mark.parametrize("tokens", [(6,), (2, 3)])
def test_relative_positions_commute_with_shifts_but_not_with_permutations(tokens, x64):
    attention = Attention(4, 2, tokens, True, key=jax.random.key(0))
    offsets = jax.random.normal(jax.random.key(2), attention.offsets.shape)
    attention = eqx.tree_at(lambda a: a.offsets, attention, offsets)
    x = jax.random.normal(jax.random.key(1), (1, *tokens, 4))

    def on(v):
        return attention(v.reshape(1, 6, 4)).reshape(x.shape)

    axes = tuple(range(1, x.ndim - 1))
    shift = tuple(range(1, x.ndim - 1))
    shifted = on(jnp.roll(x, shift, axes))
    np.testing.assert_allclose(shifted, jnp.roll(on(x), shift, axes), rtol=1e-11)
    assert not np.allclose(on(jnp.flip(x, -2)), jnp.flip(on(x), -2))


def test_heads_must_divide_the_embedding():
    with pytest.raises(ValueError, match="must divide the embedding of 6; got 4"):
        Attention(6, 4, (2,), False, key=jax.random.key(0))
