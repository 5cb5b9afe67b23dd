"""Two fields that diffuse, solved by a spectral method, whose terms the weak form names."""

import dataclasses

import numpy as np
import pytest

import hfluxno
from hfluxno import Trajectory
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.candidate_family import diffuses, family_of
from tests.identify import runge_kutta

CELLS, FRAMES, STEPS, INTERVAL = 64, 16, 10, 0.02
VISCOUS = Candidate("dictionary", 0, sparse="weak-form", diffusion="constant")


def mixing(viscosities=(0.004, 0.010), frames=FRAMES, fine=128, substeps=40):
    """∂t a + ∂x(a b/2) = ν ∂xx a and ∂t b + ∂x(0.3 b²) = μ ∂xx b on a ring, by a pseudo-spectral
    method with the classical Runge-Kutta scheme: averages over cells."""
    x = (np.arange(fine) + 0.5) / fine
    a = 1.2 + 0.3 * np.sin(2 * np.pi * x) + 0.1 * np.cos(4 * np.pi * x)
    b = 0.9 + 0.3 * np.cos(2 * np.pi * x + 0.7)
    k = 2j * np.pi * np.arange(fine // 2 + 1)
    damped = np.array(viscosities)[:, None] * k**2

    def rate(v):
        a, b = np.fft.irfft(v, fine)
        return damped * v - k * np.fft.rfft([0.5 * a * b, 0.3 * b**2])

    v, found = np.fft.rfft([a, b]), []
    for _ in range(frames):
        found.append(np.fft.irfft(v, fine).reshape(2, CELLS, -1).mean(axis=-1))
        for _ in range(substeps):
            v = runge_kutta.step(rate, v, INTERVAL / substeps)
    return np.stack(found)


def test_the_weak_form_names_fluxes_beside_diffusion(x64):
    values, names, grid = mixing(), ("u0", "u1"), Grid.interval(CELLS, 0.0, float(CELLS))
    weights = np.ones(FRAMES)
    assert diffuses(VISCOUS, values, names, (), weights, grid)
    family, _ = family_of(VISCOUS, values, names, (), None, weights, grid)
    flux, diffusion = np.split(np.asarray(family.mask), [2 * len(family.basis.names)])
    found = [
        {name for name, stays in zip(family.basis.names, row, strict=True) if stays}
        for row in flux.reshape(2, -1)
    ]
    assert found == [{"u0·u1"}, {"u1²"}]
    np.testing.assert_array_equal(diffusion.reshape(2, -1)[:, 0], 1.0)
    assert not np.any(diffusion.reshape(2, -1)[:, 1:])
    # Without diffusion the same functions leave far more, and of a field that does not diffuse
    # nothing is left that a diffusivity explains.
    assert not diffuses(VISCOUS, mixing((0.0, 0.0)), names, (), weights, grid)


@pytest.mark.validation
def test_two_fields_that_diffuse_are_forecast(x64):
    values = mixing(frames=FRAMES + STEPS)
    x, times = (np.arange(CELLS) + 0.5) / CELLS, INTERVAL * np.arange(FRAMES)
    context = Trajectory.from_numpy(values[:FRAMES], times, x, ("a", "b"))
    found = hfluxno.forecast(context, STEPS)
    (item,) = found.identifications
    assert item.status == FitStatus.OK and item.candidate.diffusion == "constant"
    assert dataclasses.replace(item.candidate, refinement=1) == dataclasses.replace(
        VISCOUS, scheme="roe-entropy-fix"
    )
    expected = {"f_a[a·b]": 0.5, "f_b[b²]": 0.3, "nu_a[T0]": 0.004, "nu_b[T0]": 0.01}
    assert item.coefficients == pytest.approx(expected, rel=0.01)
    away = np.linalg.norm(found.trajectory.values - values[FRAMES:], axis=(1, 2))
    error = away / np.linalg.norm(values[FRAMES:], axis=(1, 2))
    assert np.all(error < 0.001) and np.mean(error < found.predicted_error_90) > 0.8
