"""Linear layers over many vectors, block-diagonal layers, and parameters as vectors."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.nn.activation import gelu
from hfluxno.nn.block_linear import BlockLinear
from hfluxno.nn.linear import MLP, on_columns, on_rows
from hfluxno.nn.parameters import Template
from hfluxno.nn.spectral import SpectralMixing


def test_rows_and_columns_are_the_layer_on_each_vector():
    layer = eqx.nn.Linear(3, 5, key=jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (4, 3))
    each = jax.vmap(layer)(x)
    np.testing.assert_allclose(on_rows(layer, x), each, rtol=1e-5)
    np.testing.assert_allclose(on_columns(layer, x.T), each.T, rtol=1e-5)


def test_mlp_counts_hidden_layers():
    mlp = MLP(2, 3, 7, 2, key=jax.random.key(0))
    assert [layer.weight.shape for layer in mlp.layers] == [(7, 2), (7, 7), (3, 7)]


def test_gelu_is_the_approximation_by_tanh():
    x = 2.0
    expected = 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)))
    assert gelu(jnp.asarray(x)) == pytest.approx(expected, abs=1e-6)


def test_block_linear_is_its_matrix():
    layer = BlockLinear(6, 7, 3, key=jax.random.key(0))  # 7 outputs of 9 rows
    assert layer.weight.shape == (3, 3, 2)
    layer = eqx.tree_at(lambda x: x.bias, layer, jnp.arange(9.0).reshape(3, 3))
    x = jax.random.normal(jax.random.key(1), (6,))
    expected = np.zeros((9, 6))
    for k in range(3):
        expected[3 * k : 3 * k + 3, 2 * k : 2 * k + 2] = layer.weight[k]
    np.testing.assert_allclose(layer(x), (expected @ x + np.arange(9.0))[:7], rtol=1e-5)
    rows = jax.random.normal(jax.random.key(2), (4, 6))
    np.testing.assert_allclose(layer.on_rows(rows), jax.vmap(layer)(rows), rtol=1e-5, atol=1e-6)


def test_blocks_must_divide_the_inputs():
    with pytest.raises(ValueError, match="divides its 6 inputs; got 4"):
        BlockLinear(6, 8, 4, key=jax.random.key(0))


def test_parameters_are_one_real_vector_and_come_back():
    # A module with real, complex and other leaves.
    mixing = SpectralMixing(4, 2, (1,), key=jax.random.key(0))
    module = (mixing, jnp.arange(3), eqx.nn.Linear(2, 3, key=jax.random.key(1)), "name")
    template = Template(module)
    vector = template.vector(module)
    complex_numbers = sum(leaf.size for leaf in jax.tree.leaves(mixing))
    assert vector.dtype == jnp.float32
    assert vector.size == template.size == 2 * complex_numbers + 9
    again = template.module(vector)
    assert eqx.tree_equal(again, module)
    # The imaginary parts of the first array follow its real parts.
    changed = template.module(vector.at[mixing.first.size].set(5.0))
    assert changed[0].first[0, 0, 0] == jax.lax.complex(
        mixing.first[0, 0, 0].real, jnp.float32(5.0)
    )


def test_modules_take_the_precision_of_the_vector(x64):
    mixing = SpectralMixing(2, 1, (1,), key=jax.random.key(0))
    template = Template(mixing)
    single = template.module(template.vector(mixing).astype(jnp.float32))
    assert single.first.dtype == jnp.complex64
