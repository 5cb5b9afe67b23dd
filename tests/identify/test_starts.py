"""Starts of joint estimates against an exact solution."""

import jax
import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify.prior import Kind, make_forward
from hfluxno.identify.starts import law_starts

CELLS, FRAMES, DIFFUSIVITY = 48, 12, 0.3  # in cells and frames


@pytest.mark.parametrize("kind", [Kind(4, diffusion=1), Kind(4, diffusion=3)])
def test_start_of_diffusion_is_that_of_the_heat_equation(kind: Kind):
    """Also among laws whose flux may have a kink, with which those of degree 2 share a program."""
    x, t = np.arange(CELLS) + 0.5, np.arange(FRAMES)
    u = np.zeros((FRAMES, CELLS))
    for mode, size in ((1, 1.0), (2, 0.7), (3, -0.4)):
        number = 2 * np.pi * mode / CELLS
        decay = np.exp(-DIFFUSIVITY * number**2 * t)
        u += size * decay[:, None] * np.sin(number * x + mode)
    context = Trajectory.from_numpy(u, t, x)
    with jax.enable_x64(True):
        forward = make_forward(kind, context, (), known_first=True)
        first, *_ = law_starts(forward, context)
        law = forward.law(first)
        # At most three prior deviations.
        assert 0.5 < law.diffusion_coefficients[0, 0] / DIFFUSIVITY < 1.1
        speeds = np.asarray(law.jacobian(np.linspace(u.min(), u.max(), 9)[None]))
    assert np.all(np.abs(speeds) < 0.02)
