"""The random fields have the covariances that they are given."""

import gstools
import numpy as np
import pytest

from hfluxno.initial import FourierField, bounded, periodic_covariance, periodic_field

SAMPLES = 10_000


def largest_deviation(samples, covariance):
    """max |C_ij - k_ij| in standard errors of a sample covariance of Gaussian vectors."""
    n = len(samples)
    measured = samples.T @ samples / n
    variance = np.diag(covariance)
    error = np.sqrt((np.outer(variance, variance) + covariance**2) / n)
    return np.max(np.abs(measured - covariance) / error)


@pytest.mark.parametrize("cells", [12, 13])
def test_periodic_field_has_its_covariance(cells):
    random = np.random.default_rng(0)
    samples = np.stack([periodic_field(random, cells) for _ in range(SAMPLES)])
    x = np.arange(cells) / cells
    exact = periodic_covariance(x[:, None] - x[None, :])
    # 78 different entries: 4.5 standard errors are exceeded once in 2 000 seeds.
    assert largest_deviation(samples, exact) < 4.5
    assert np.max(np.abs(samples.mean(axis=0))) < 4.5 / np.sqrt(SAMPLES)


def test_periodic_covariance_is_the_papers():
    r = np.linspace(0.0, 1.0, 7)
    np.testing.assert_allclose(
        periodic_covariance(r), np.exp(-(1.0 - np.cos(2.0 * np.pi * r))), rtol=1e-14
    )


def test_periodic_field_is_the_same_on_every_grid():
    coarse = periodic_field(np.random.default_rng(3), 50)
    fine = periodic_field(np.random.default_rng(3), 150)
    # The centre of cell i is the centre of the middle one of the three cells that replace it.
    # Eigenvalues are rounded at 1e-16, and their roots are amplitudes.
    np.testing.assert_allclose(coarse, fine[1::3], atol=1e-6)


@pytest.mark.parametrize("lognormal", [False, True])
def test_series_equals_gstools(lognormal):
    field = FourierField(variance=0.5, length=0.3, lognormal=lognormal)
    model = gstools.Gaussian(dim=1, var=0.5, len_scale=0.3)
    waves = 2.0 * np.pi * np.arange(16)
    np.testing.assert_array_equal(field.spectrum(waves), model.spectrum(waves))
    x = (np.arange(100) + 0.5) / 100
    for seed in (1, 20250101):
        srf = gstools.SRF(
            model,
            generator="Fourier",
            period=1.0,
            mode_no=32,
            seed=seed,
            normalizer=gstools.normalizer.LogNormal() if lognormal else None,
        )
        expected = srf([x], mesh_type="structured")
        numbers = gstools.random.RNG(seed)  # from which gstools draws Z_1 and Z_2, each anew
        z = np.stack([numbers.random.normal(size=32) for _ in range(2)])
        np.testing.assert_allclose(field.series(z, x), expected, rtol=1e-12, atol=1e-13)


def test_fourier_field_has_the_periodised_gaussian_covariance():
    field = FourierField(variance=0.7, length=0.2)
    cells = 12
    x = (np.arange(cells) + 0.5) / cells
    random = np.random.default_rng(5)
    samples = np.stack([field.sample(random, x) for _ in range(SAMPLES)])
    distance = x[:, None, None] - x[None, :, None] + np.arange(-3, 4)
    # The images of the Gaussian on the circle; l is its integral scale.
    exact = np.sum(0.7 * np.exp(-0.25 * np.pi * (distance / 0.2) ** 2), axis=-1)
    assert largest_deviation(samples, exact) < 4.5


def test_lognormal_field_is_the_exponential():
    x = np.linspace(0.0, 1.0, 20)
    plain = FourierField(0.5, 0.3).sample(np.random.default_rng(2), x)
    positive = FourierField(0.5, 0.3, lognormal=True).sample(np.random.default_rng(2), x)
    np.testing.assert_allclose(positive, np.exp(plain))


def test_field_is_periodic():
    ends = FourierField(1.0, 0.1).sample(np.random.default_rng(2), np.asarray([0.0, 1.0]))
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-12)


def test_bounded_stays_within_and_keeps_the_order():
    u = np.linspace(-30.0, 30.0, 101)
    squeezed = bounded(u, 0.1, 0.9)
    assert squeezed.min() >= 0.1 and squeezed.max() <= 0.9
    assert np.all(np.diff(bounded(np.linspace(-3.0, 3.0, 50), 0.1, 0.9)) > 0.0)
    assert bounded(np.zeros(1), 0.1, 0.9)[0] == pytest.approx(0.5)
