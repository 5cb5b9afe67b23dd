"""Starts of joint estimates against an exact solution."""

import jax
import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.search import _Search
from hfluxno.identify.joint.starts import anchored, law_starts

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


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("boundary", ["open", "periodic"])
def test_a_factor_acts_on_what_flows_if_nothing_is_nothing(boundary):
    """The constant of the flux makes zero rest, where zero is the least that can be."""
    context, states = heated()
    amounts = Trajectory.from_numpy(
        np.asarray(context.values)[:, 0] - states[0] + 0.1, context.times, boundary=boundary
    )
    kind = Kind(4, flux_modes=2)
    forward = make_forward(kind, amounts, (), known_first=False)
    z = 0.1 * np.random.default_rng(0).normal(size=forward.size)

    def at_zero(z):
        law = forward.law(z)
        return float(law.without_place().flux(np.zeros(1))[0] + law.terms.flux_offset[0])

    begin = anchored(z, forward)
    assert abs(at_zero(z)) > 1e-2
    assert at_zero(begin) == pytest.approx(0.0, abs=1e-12)
    assert np.count_nonzero(begin != z) == 1
    far = Trajectory.from_numpy(np.asarray(amounts.values) + 9.0, context.times, boundary=boundary)
    for others in (context, far):
        forward = make_forward(kind, others, (), known_first=False)
        np.testing.assert_array_equal(anchored(z, forward), z)
    plain = make_forward(Kind(4), amounts, (), known_first=False)
    np.testing.assert_array_equal(anchored(z[: plain.size], plain), z[: plain.size])


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
