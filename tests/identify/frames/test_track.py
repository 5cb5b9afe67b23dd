"""Following noisy frames: what the gains leave of the noise, and what they keep."""

import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import Roe, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.identify.frames.track import MODES, continued, first_state, gains, track
from hfluxno.parametric.basis import Chebyshev, Dictionary
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.solver_settings import SolverSettings
from tests.compiled import compiled

CELLS, FRAMES = 60, 16


@pytest.fixture
def problem(x64):
    """Advection by 0.3 cells a frame, in cells and frames: exact frames, settings and law."""
    grid = Grid.interval(CELLS, 0.0, float(CELLS))
    one = jnp.ones(1)
    basis = Chebyshev(0.0 * one, 2.0 * one, 1)
    law = FittedLaw(("u",), basis, jnp.array([[0.6]]), jnp.zeros((1, 0)), -2.0 * one, 2.0 * one)
    control = StepControl(jnp.asarray(0.5), jnp.asarray(0.9), jnp.asarray(True))
    settings = SolverSettings(control, jnp.asarray(True), grid, "roe", 1)
    initial = jnp.asarray(np.sin(2 * np.pi * (np.arange(CELLS) + 0.5) / CELLS))[None]
    scheme, times = Roe(law, "mc", False), np.arange(float(FRAMES))
    frames = compiled(solve, scheme, initial, times, grid, control).values
    return law, settings, np.asarray(frames)


def _rms(values):
    return float(np.sqrt(np.mean(values**2)))


def test_exact_frames_are_predicted_in_every_mode(problem):
    law, settings, frames = problem
    for mode in MODES:
        schedule = gains(mode, FRAMES, FRAMES - 1)
        predicted, state, _ = track(law, settings, frames, schedule)
        np.testing.assert_allclose(predicted, frames[1:], atol=1e-12)
        np.testing.assert_allclose(state, frames[-1], atol=1e-12)


def test_a_forecast_goes_on_in_steps_of_any_length(problem):
    law, settings, frames = problem
    steps = np.concatenate([[1.0, 0.25, 0.75, 3.5], np.full(20, 0.1)])
    found, solved = continued(law, settings, frames[0], 0.0, steps, FRAMES)
    assert solved and found.shape[0] == len(steps)
    np.testing.assert_allclose(found[0], frames[1], atol=1e-12)
    x = 2 * np.pi * (np.arange(CELLS) + 0.5) / CELLS
    for state, time in zip(found, np.cumsum(steps), strict=True):
        exact = np.sin(x - 2 * np.pi * 0.3 * time / CELLS)
        assert _rms(state[0] - exact) < 5e-3


def test_a_shock_leaves_through_a_free_end_without_coming_back(x64):
    """A dam break of shallow water, F = (m, m²/h + h²/2), in a run beyond the ends and on a domain
    of twice the length; ends that repeat the outermost cell reflect a percent of the shock."""
    cells, steps = 40, np.full(12, 2.0)
    one = np.ones(2)
    basis = Dictionary(one, ((0, 1), (-1, 2), (2, 0)), ("h", "m"))
    flux = jnp.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.5]])
    law = FittedLaw(("h", "m"), basis, flux, jnp.zeros((2, 0)), 0.0 * one, 2.0 * one, (1,))

    def run(cells, beyond):
        grid = Grid.interval(cells, 0.0, float(cells), "outflow")
        control = StepControl(0.5, 0.9, True)
        settings = SolverSettings(control, True, grid, "roe-entropy-fix", 1)
        depth = np.where(np.arange(cells) < cells // 2, 1.0, 0.4)
        state = np.stack([depth, 0.0 * depth])
        frames, solved = continued(law, settings, state, 0.0, steps, FRAMES, beyond)
        assert solved
        return frames

    wide = run(2 * cells, False)[..., cells // 2 : cells // 2 + cells]
    np.testing.assert_allclose(run(cells, True), wide, atol=1e-12)
    assert abs(wide[-1, 0, -1] - 0.4) > 0.2  # the shock has left
    assert 0.02 > np.abs(run(cells, False) - wide)[-1, 0].max() > 0.004


def test_the_filter_averages_noise_as_all_frames_can(problem):
    """Of noise σ per value the mean of K frames keeps σ/√K; the scheme smooths a little more."""
    law, settings, frames = problem
    noise = 0.02 * np.random.default_rng(0).normal(size=frames.shape)
    left = {}
    for mode in MODES:
        schedule = gains(mode, FRAMES, FRAMES - 1)
        left[mode] = _rms(track(law, settings, frames + noise, schedule)[1] - frames[-1])
    assert left["restart"] == pytest.approx(0.02, rel=0.2)
    assert left["filter"] < 1.3 * 0.02 / np.sqrt(FRAMES)
    assert left["filter"] < left["continue"] < left["restart"]


def test_restart_ends_at_the_last_frame_and_totals_follow_the_observation(problem):
    law, settings, frames = problem
    shifted = frames.copy()
    shifted[-1] += 0.1
    schedule = gains("restart", FRAMES, FRAMES - 1)
    _, state, _ = track(law, settings, shifted, schedule)
    np.testing.assert_allclose(state, shifted[-1], atol=1e-12)


def test_first_state_is_better_than_the_first_frame(problem):
    law, settings, frames = problem
    noise = 0.02 * np.random.default_rng(1).normal(size=frames.shape)
    estimate = first_state(law, settings, frames + noise)
    assert _rms(estimate - frames[0]) < 0.65 * _rms(noise[0])
    np.testing.assert_allclose(first_state(law, settings, frames), frames[0], atol=2e-2)


def test_frames_after_the_last_seen_have_no_gain():
    for mode in MODES:
        assert np.all(gains(mode, 10, 6)[6:] == 0.0)
    with pytest.raises(ValueError, match="choose one of continue, filter, restart"):
        gains("guess", 10, 6)
