"""Observations: what they make of a run, and their derivatives."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.observation import Flow, Points, Run, TimeMean, observed, times_of

OFFSETS = np.array([-0.25, 0.0, 0.5, -0.5, 0.1, 0.25])


def run_of(states, periodic=False):
    """Of ∂t u + ∂x (u²/2) = 0."""
    states = jnp.asarray(states)
    return Run(states, 0.5 * states**2, periodic)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("periodic", [True, False])
def test_points_are_linear_between_centres(periodic):
    states = np.arange(12.0).reshape(2, 1, 6) ** 2
    assert observed((), run_of(states)) is not None
    shown = observed((Points(OFFSETS),), run_of(states, periodic))
    before, after = states[..., [5 if periodic else 0]], states[..., [0 if periodic else 5]]
    wide = np.concatenate([before, states, after], axis=-1)
    expected = [[np.interp(1.0 + np.arange(6) + OFFSETS, np.arange(8.0), row[0])] for row in wide]
    np.testing.assert_allclose(shown, expected, rtol=1e-14)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("refinement", [1, 2, 3, 4])
def test_points_are_those_of_internal_cells(refinement):
    """A line in x is exact between their centres; at the ends it is that of the outermost one."""
    cells = 6 * refinement
    centres = (np.arange(cells) + 0.5) / refinement
    run = dataclasses.replace(run_of(3.0 + 2.0 * centres[None, None]), refinement=refinement)
    at = np.clip(np.arange(6) + 0.5 + OFFSETS, centres[0], centres[-1])
    np.testing.assert_allclose(observed((Points(OFFSETS),), run)[0, 0], 3.0 + 2.0 * at, rtol=1e-14)


@pytest.mark.usefixtures("x64")
def test_a_mean_over_time_is_that_of_the_interval():
    """Exact for what is linear in time; a parabola t² has the mean t² + τ²/12, by five parts
    t² + τ²/12 (1 - 1/25)."""
    times, tau = np.array([1.0, 1.7, 2.5, 3.1]), 0.6
    inner = times_of((TimeMean(tau),), times)
    assert inner.shape == (20,) and np.all(np.diff(inner) > 0.0)
    assert inner[0] > 1.0 - 0.5 * tau and np.isin(times, inner).all()
    slope, cells = 2.0, np.arange(6.0)
    linear = 3.0 + slope * inner[:, None, None] + cells
    mean = observed((TimeMean(tau),), run_of(linear))
    np.testing.assert_allclose(mean[:, 0], 3.0 + slope * times[:, None] + cells, rtol=1e-14)
    square = observed((TimeMean(tau),), run_of(linear * 0.0 + inner[:, None, None] ** 2))
    np.testing.assert_allclose(square[:, 0, 0], times**2 + tau**2 / 12.0 * 24.0 / 25.0, rtol=1e-14)


@pytest.mark.usefixtures("x64")
def test_the_flow_of_points_is_averaged_and_not_that_of_averages():
    steps, times = (Flow(), Points(OFFSETS), TimeMean(1.0)), np.array([0.0, 1.0])
    states = np.random.default_rng(0).normal(size=(len(times_of(steps, times)), 1, 6))
    values = observed(steps, run_of(states))
    assert values.shape == (2, 2, 6)
    shown = observed((Points(OFFSETS),), run_of(np.concatenate([states, 0.5 * states**2], axis=1)))
    np.testing.assert_allclose(values, np.asarray(shown).reshape(2, 5, 2, 6).mean(axis=1))
    assert np.abs(values[:, 1] - 0.5 * values[:, 0] ** 2).max() > 0.1


@pytest.mark.usefixtures("x64")
def test_derivatives_are_those_of_finite_differences():
    steps = (Flow(), Points(OFFSETS), TimeMean(1.0))
    rng = np.random.default_rng(1)
    states, change = rng.normal(size=(2, 10, 1, 6))

    def of(u):
        return observed(steps, run_of(u))

    _, derivative = jax.jvp(of, (jnp.asarray(states),), (jnp.asarray(change),))
    size = 1e-6
    difference = (of(states + size * change) - of(states - size * change)) / (2.0 * size)
    np.testing.assert_allclose(derivative, difference, atol=1e-8)


def test_means_that_overlap_or_are_over_nothing_are_refused():
    with pytest.raises(ValueError, match=r"over intervals of 2, longer than the 0[.]7 betw"):
        TimeMean(2.0).times(np.array([1.0, 1.7, 2.5]))
    for nothing in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="needs a positive interval of time"):
            TimeMean(nothing)
