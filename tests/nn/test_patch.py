"""Patches: what a row holds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.nn.patch import PatchEmbedding, coordinates, cut, tokens_along
from tests import drawn
from tests.compiled import compiled


def test_rows_count_channels_then_cells():
    u = jnp.arange(2 * 6).reshape(1, 2, 6).astype(float)
    np.testing.assert_array_equal(cut(u, (3,))[0], [[0, 1, 2, 6, 7, 8], [3, 4, 5, 9, 10, 11]])


def test_two_axes():
    u = np.arange(4 * 6, dtype=float).reshape(1, 1, 4, 6)
    rows = cut(jnp.asarray(u), (2, 3))
    assert rows.shape == (1, 4, 6)
    for token, (x, y) in enumerate([(0, 0), (0, 3), (2, 0), (2, 3)]):
        np.testing.assert_array_equal(rows[0, token], u[0, 0, x : x + 2, y : y + 3].reshape(-1))


def test_embedding_is_a_strided_convolution():
    embed = drawn.module(PatchEmbedding, 2, 5, (4,), True)
    u = np.asarray(drawn.normal(3, 2, 12))
    place = np.broadcast_to(np.linspace(0.0, 1.0, 12, dtype="f4")[None, None], (3, 1, 12))
    rows, kernel = np.concatenate([u, place], 1), np.asarray(embed.linear.weight).reshape(5, 3, 4)
    expected = jax.lax.conv_general_dilated(rows, kernel, (4,), "VALID")
    expected = np.moveaxis(np.asarray(expected), 1, 2) + np.asarray(embed.linear.bias)
    np.testing.assert_allclose(compiled(embed, u), expected, rtol=1e-4, atol=1e-5)


def test_coordinates_run_from_0_to_1_along_each_axis():
    place = coordinates((3, 5))
    np.testing.assert_allclose(place[0, :, 2], [0.0, 0.5, 1.0])
    np.testing.assert_allclose(place[1, 1], [0.0, 0.25, 0.5, 0.75, 1.0])


def test_patches_must_fit():
    assert tokens_along((100, 8), (4, 2)) == (25, 4)
    for cells, patch in [((10,), (4,)), ((10,), (0,)), ((2,), (4,))]:
        with pytest.raises(ValueError, match=f"must divide the {cells[0]} cells; got {patch[0]}"):
            tokens_along(cells, patch)
    with pytest.raises(ValueError, match=r"one number of cells per axis; got \(4,\) for 2 axes"):
        tokens_along((8, 8), (4,))
