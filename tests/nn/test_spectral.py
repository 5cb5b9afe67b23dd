"""Spectral mixing: two dimensions against one, what is kept, and parity with a plain transform."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.nn.spectral import SpectralMixing
from tests import drawn
from tests.compiled import compiled
from tests.slow import slow


def without_bias(modes, key=0):
    mixing = drawn.module(SpectralMixing, 4, 2, modes, seed=key)
    zero = jnp.asarray(np.zeros_like(mixing.first_bias))
    return eqx.tree_at(lambda m: (m.first_bias, m.second_bias), mixing, (zero, zero))


@pytest.mark.parametrize("cells", [slow(8), 9])
def test_two_dimensions_are_one_on_data_that_vary_along_one_axis(cells, x64):
    flat, full = without_bias((3,)), without_bias((3, 3))
    z = np.asarray(drawn.normal(4, cells))
    along = np.asarray(compiled(flat, z))
    broadcast = np.broadcast_to(z[:, :, None], (4, cells, 6))
    found = compiled(full, broadcast)
    np.testing.assert_allclose(found, along[:, :, None] + np.zeros((1, 1, 6)), atol=1e-12)
    other = np.broadcast_to(z[:, None], (4, 6, cells))
    found = compiled(full, other)
    np.testing.assert_allclose(found, along[:, None] + np.zeros((1, 6, 1)), atol=1e-12)


def _real(matrix):
    return jnp.asarray(np.asarray(matrix).real + 0j)


def test_rank_one_data_through_a_linear_mixing(x64, monkeypatch):
    """With real matrices and without σ and biases, K(g ⊗ h) = K(g) ⊗ (h without other waves)."""
    monkeypatch.setattr("hfluxno.nn.spectral.gelu", lambda x: x)
    flat, full = (
        eqx.tree_at(lambda m: (m.first, m.second), mixing, replace_fn=_real)
        for mixing in (without_bias((2,)), without_bias((2, 1)))
    )
    g, h = (np.asarray(drawn.normal(*shape)) for shape in ((4, 8), (6,)))
    waves = np.fft.rfft(h)
    waves[2:] = 0.0
    smooth = np.fft.irfft(waves, 6)
    # Programs of this test alone, since σ is no argument of them.
    of_flat, of_full = (jax.jit(lambda z, m=mixing: m(z)) for mixing in (flat, full))
    expected = np.asarray(of_flat(g))[:, :, None] * smooth[None, None]
    found = of_full(g[:, :, None] * h[None, None])
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_only_kept_waves_come_out(x64):
    mixing = drawn.module(SpectralMixing, 4, 2, (2, 3))
    out = compiled(mixing, drawn.normal(4, 10, 12))
    spectrum = np.abs(np.fft.fftn(np.asarray(out), axes=(1, 2)))
    x, y = np.abs(np.fft.fftfreq(10, 0.1)), np.abs(np.fft.fftfreq(12, 1 / 12))
    kept = (x[:, None] <= 2) & (y[None] <= 3)
    assert np.all(spectrum[:, ~kept] < 1e-10)
    assert np.all(spectrum.max(axis=0)[kept] > 1e-3)


def test_coefficients_do_not_depend_on_the_number_of_cells(x64):
    mixing = without_bias((2,))

    def wave(cells):
        x = np.arange(cells) / cells
        return np.stack([np.sin(2 * np.pi * (x + 0.1 * k)) for k in range(4)])

    fine, coarse = (np.asarray(compiled(mixing, wave(cells))) for cells in (24, 8))
    np.testing.assert_allclose(fine[:, ::3], coarse, atol=1e-12)


@pytest.mark.parametrize("space", [(8,), (6, 8)])
def test_sums_in_place_of_means(space, x64):
    """K_n(z) = K_1(n z)/n: with n the number of cells, as the usual transforms count."""
    modes, count = (2,) * len(space), int(np.prod(space))
    means = drawn.module(SpectralMixing, 4, 2, modes)
    sums = drawn.module(SpectralMixing, 4, 2, modes, count)
    z = np.asarray(drawn.normal(4, *space))
    found = compiled(sums, z)
    expected = np.asarray(compiled(means, count * z)) / count
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert not np.allclose(found, compiled(means, z), rtol=0.1)


def test_bad_sizes():
    with pytest.raises(ValueError, match="must divide the 4 channels; got 3"):
        SpectralMixing(4, 3, (2,), key=jax.random.key(0))
    with pytest.raises(ValueError, match="a number of modes for each"):
        compiled(drawn.module(SpectralMixing, 4, 2, (2,)), np.zeros((4, 8, 8), "f4"))
