"""Linear layers over many vectors, block-diagonal layers, and parameters as vectors."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.nn.block_linear import BlockLinear
from hfluxno.nn.linear import MLP, gelu, on_columns, on_rows
from hfluxno.nn.parameters import Template
from hfluxno.nn.spectral import SpectralMixing
from tests import drawn
from tests.compiled import compiled


def test_rows_and_columns_are_the_layer_on_each_vector():
    layer, x = drawn.module(eqx.nn.Linear, 3, 5), drawn.normal(4, 3)

    def each_way(x):
        return jax.vmap(layer)(x), on_rows(layer, x), on_columns(layer, x.T)

    each, rows, columns = compiled(each_way, x)
    np.testing.assert_allclose(rows, each, rtol=1e-5)
    np.testing.assert_allclose(np.transpose(columns), each, rtol=1e-5)


def test_mlp_counts_hidden_layers():
    mlp = drawn.module(MLP, 2, 3, 7, 2)
    assert [layer.weight.shape for layer in mlp.layers] == [(7, 2), (7, 7), (3, 7)]


def test_gelu_is_the_approximation_by_tanh():
    x = 2.0
    expected = 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)))
    assert gelu(jnp.asarray(x)) == pytest.approx(expected, abs=1e-6)


def test_block_linear_is_its_matrix():
    layer = drawn.module(BlockLinear, 6, 7, 3)  # 7 outputs of 9 rows
    assert layer.weight.shape == (3, 3, 2)
    bias = jnp.asarray(np.arange(9.0, dtype="f4").reshape(3, 3))
    layer = eqx.tree_at(lambda x: x.bias, layer, bias)
    x, weight = drawn.normal(6), np.asarray(layer.weight)
    expected = np.zeros((9, 6))
    for k in range(3):
        expected[3 * k : 3 * k + 3, 2 * k : 2 * k + 2] = weight[k]
    np.testing.assert_allclose(compiled(layer, x), (expected @ x + np.arange(9.0))[:7], rtol=1e-5)
    of_rows = lambda rows: (layer.on_rows(rows), jax.vmap(layer)(rows))  # noqa: E731
    found, each = compiled(of_rows, drawn.normal(4, 6, seed=2))
    np.testing.assert_allclose(found, each, rtol=1e-5, atol=1e-6)


def test_blocks_must_divide_the_inputs():
    with pytest.raises(ValueError, match="divides its 6 inputs; got 4"):
        BlockLinear(6, 8, 4, key=jax.random.key(0))


def test_parameters_are_one_real_vector_and_come_back():
    # A module with real, complex and other leaves.
    mixing = drawn.module(SpectralMixing, 4, 2, (1,))
    module = (mixing, jnp.asarray(np.arange(3)), drawn.module(eqx.nn.Linear, 2, 3), "name")
    template = Template(module)
    vector = compiled(lambda module: template.vector(module), module)
    complex_numbers = sum(leaf.size for leaf in jax.tree.leaves(mixing))
    assert vector.dtype == jnp.float32
    assert vector.size == template.size == 2 * complex_numbers + 9
    again = compiled(template.module, vector)
    assert eqx.tree_equal(again, module)
    # The imaginary parts of the first array follow its real parts.
    numbers = np.array(vector)
    numbers[mixing.first.size] = 5.0
    changed = np.asarray(compiled(template.module, jnp.asarray(numbers))[0].first)
    first = np.asarray(mixing.first)
    assert changed[0, 0, 0] == first[0, 0, 0].real + 5.0j
    np.testing.assert_array_equal(changed[0, 0, 1:], first[0, 0, 1:])


def test_modules_take_the_precision_of_the_vector(x64):
    mixing = drawn.module(SpectralMixing, 2, 1, (1,))
    template = Template(mixing)
    single = compiled(lambda m: template.module(template.vector(m).astype(jnp.float32)), mixing)
    assert single.first.dtype == jnp.complex64
