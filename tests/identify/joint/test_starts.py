"""Starts of joint estimates against an exact solution."""

import jax
import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify.joint.prior import Kind, make_forward
from hfluxno.identify.joint.search import _Search
from hfluxno.identify.joint.starts import law_starts

CELLS, FRAMES, DIFFUSIVITY = 48, 12, 0.3  # in cells and frames


def heated():
    """Frames of the heat equation, and their range."""
    x, t = np.arange(CELLS) + 0.5, np.arange(FRAMES)
    u = np.zeros((FRAMES, CELLS))
    for mode, size in ((1, 1.0), (2, 0.7), (3, -0.4)):
        number = 2 * np.pi * mode / CELLS
        decay = np.exp(-DIFFUSIVITY * number**2 * t)
        u += size * decay[:, None] * np.sin(number * x + mode)
    return Trajectory.from_numpy(u, t, x), np.linspace(u.min(), u.max(), 9)


@pytest.mark.parametrize("kind", [Kind(4, diffusion=1), Kind(4, diffusion=3)])
def test_start_of_diffusion_is_that_of_the_heat_equation(kind: Kind):
    """Also among laws whose flux may have a kink, with which those of degree 2 share a program."""
    context, states = heated()
    with jax.enable_x64(True):
        forward = make_forward(kind, context, (), known_first=True)
        first, *_ = law_starts(forward, context)
        law = forward.law(first)
        # At most three prior deviations.
        assert 0.5 < law.diffusion_coefficients[0, 0] / DIFFUSIVITY < 1.1
        speeds = np.asarray(law.jacobian(states[None]))
    assert np.all(np.abs(speeds) < 0.02)


@pytest.mark.validation
def test_a_simpler_law_may_have_another_program():
    """The heat equation, from a diffusivity of the state to a constant one."""
    context, _ = heated()
    with jax.enable_x64(True):
        search = _Search(context, (), (Kind(2, diffusion=3),), True)
        first = search.first()
        assert first is not None
        found = search.simplified(first)
    assert found.kind.program != first.kind.program and found.evidence >= first.evidence
    law = found.estimate.forward.law(found.estimate.z)
    assert law.diffusion_coefficients[0, 0] == pytest.approx(DIFFUSIVITY, rel=0.01)
