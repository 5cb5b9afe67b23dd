"""Contexts with gaps: what fills them, what is counted, and what is refused."""

import dataclasses
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.fv import Roe, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus, FittedLawForecaster
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.first_gaps import simulated
from hfluxno.identify.frames.gaps import check_measured, choose_with_gaps
from hfluxno.identify.frames.interpolation import corrected, interpolated
from hfluxno.identify.frames.refine import misfit_scale
from hfluxno.identify.frames.stages import Stage
from hfluxno.identify.frames.track import gains, track
from hfluxno.identify.identification import identify_all
from hfluxno.laws import Cubic
from hfluxno.trajectory import Trajectory
from tests.compiled import compiled
from tests.errors import error_of
from tests.slow import slow

CELLS, FRAMES, STEPS, INTERVAL = 64, 12, 12, 0.01
TIMES = INTERVAL * np.arange(FRAMES)


@pytest.fixture(scope="module")
def cubic():
    rng = np.random.default_rng(3)
    x = (np.arange(CELLS) + 0.5) / CELLS
    waves = [
        rng.normal() * np.exp(-0.5 * k) * np.sin(2 * np.pi * (k * x + rng.uniform()))
        for k in (1, 2, 3)
    ]
    with jax.enable_x64(True):
        flux = Roe(Cubic(a=0.5, b=-0.7, c=0.4), "mc", False)
        times = np.arange(FRAMES + STEPS) * INTERVAL
        initial = jnp.asarray(np.sum(waves, axis=0)[None])
        return np.asarray(compiled(solve, flux, initial, times, Grid.interval(CELLS)).values)


@pytest.fixture(autouse=True)
def short_search(monkeypatch):
    """The first stage alone: the data are of its kind."""
    select = importlib.import_module("hfluxno.identify.frames.select")
    first, *_ = select.stages(1)
    monkeypatch.setattr(select, "stages", lambda fields: (first,))


def _random(values):
    return np.where(np.random.default_rng(0).random(values.shape) < 0.1, np.nan, values)


def _sensor(values):
    values = values.copy()
    values[4:, :, [10, 40]] = np.nan
    return values


def _frames(values):
    values = values.copy()
    values[[3, 7]] = np.nan
    return values


def _fourth(values):
    return np.where(np.arange(CELLS) % 4 == 1, values, np.nan)


@pytest.mark.parametrize(
    ("spoil", "bound"), [slow(_random, 1e-4), (_sensor, 1e-5), (_frames, 1e-5), slow(_fourth, 2e-2)]
)
def test_the_law_is_found_and_fills_the_gaps(cubic, spoil, bound):
    seen = spoil(cubic[:FRAMES])
    context = Trajectory.from_numpy(seen, TIMES)
    (found,) = identify_all(context)
    assert found.status == FitStatus.OK
    missing = np.isnan(seen)
    assert found.missing == pytest.approx(missing.mean())
    filled = np.asarray(found.filled.values)
    # What was measured stays, and the rest is the fitted trajectory: a fixed point.
    np.testing.assert_array_equal(filled[~missing], seen[~missing])
    start = np.concatenate([found.initial[None], filled[1:]])
    run, _, _ = track(found.grid_law, found.settings, start, gains("continue", FRAMES, FRAMES - 1))
    run = np.concatenate([found.initial[None], run])
    # In a last frame from which a forecast starts, what the run misses around is added.
    until = FRAMES - (found.mode == "restart")
    part = missing[:until]
    np.testing.assert_allclose(filled[:until][part], run[:until][part], rtol=1e-12, atol=1e-12)
    forecast = FittedLawForecaster().advance(context, (found,), STEPS)
    truth = cubic[FRAMES:]
    error = error_of(forecast, truth)
    assert error < bound


def test_a_shock_between_measured_cells_is_no_error_of_a_coarse_scheme(monkeypatch, x64):
    """Every fourth cell of a road on which a shock forms, as it passes a cell that was measured: on
    two internal cells law and first frame are such that the smeared shock fits there."""
    monkeypatch.setattr(importlib.import_module("hfluxno.identify.frames.gaps"), "_FINEST", 4)
    x = (np.arange(8 * 32) + 0.5) / (8 * 32)
    initial = 0.475 + 0.35 * np.sin(2 * np.pi * (x + 0.33)) + 0.1 * np.sin(4 * np.pi * (x + 0.2))
    flux, times = Roe(Cubic(a=0.0, b=-1.0, c=1.0), "mc", True), 0.04 * np.arange(20)
    run = compiled(solve, flux, jnp.asarray(initial[None]), times, Grid.interval(len(x))).values
    cells = np.asarray(run).reshape(20, 1, 32, 8).mean(axis=-1)
    seen, truth = np.where(np.arange(32) % 4 == 1, cells[:12], np.nan), cells[12:]
    road = Candidate(scheme="roe-entropy-fix", refinement=2, size=2)
    plan = (Stage(lambda best: (road,), 0.0),)
    trial, _, filled = choose_with_gaps(seen, Grid.interval(32), ("u",), (), plan)
    assert trial.candidate.refinement == trial.settings.refinement == 4
    found = simulated(trial.family.law(trial.fit.parameters), trial, trial.initial, 20)
    np.testing.assert_allclose(filled[np.isnan(seen)], found[:12][np.isnan(seen)], atol=1e-3)
    # It was .0024 on two internal cells.
    assert np.linalg.norm(found[12:] - truth) < 5e-4 * np.linalg.norm(truth)


def test_what_is_not_measured_cannot_matter(cubic):
    """The misfit has no entry for a gap, whatever stands there."""
    values, seen = cubic[:FRAMES], np.isfinite(_random(cubic[:FRAMES]))
    scale, count = misfit_scale(values, np.ones(FRAMES), seen)
    assert count == seen.sum()
    np.testing.assert_array_equal(scale != 0.0, seen[1:])
    whole, every = misfit_scale(values, np.ones(FRAMES), np.ones_like(seen))
    plain, number = misfit_scale(values, np.ones(FRAMES), None)
    assert every == number
    np.testing.assert_array_equal(whole, np.broadcast_to(plain, whole.shape))


def test_frames_at_both_ends_without_measurements(cubic):
    """They are no part of the fit, and the forecast begins after them."""
    values = cubic[:FRAMES].copy()
    values[:2], values[-1] = np.nan, np.nan
    forecast = hfluxno.forecast(Trajectory.from_numpy(values, TIMES), STEPS)
    (found,) = forecast.identifications
    assert found.missing == 0.0 and found.filled.frames == FRAMES - 3
    np.testing.assert_allclose(forecast.trajectory.times, INTERVAL * np.arange(FRAMES, 24))
    truth = cubic[FRAMES:]
    error = error_of(forecast, truth)
    assert error < 1e-3


def test_times_with_gaps_are_missing_frames_and_much_is_said(cubic):
    kept = np.delete(np.arange(FRAMES), [2, 3, 7, 9])
    forecast = hfluxno.forecast(Trajectory.from_numpy(cubic[kept], TIMES[kept]), STEPS)
    assert "; 33 % of the context was not measured; in nine of" in forecast.sentences[0]
    truth = cubic[FRAMES:]
    error = error_of(forecast, truth)
    assert error < 1e-5
    (found,) = hfluxno.identify([Trajectory.from_numpy(cubic[:FRAMES], TIMES)])
    assert found.filled is None and found.sentence == found.status.sentence


def test_one_context_of_a_batch_has_gaps(cubic):
    whole, broken = cubic[:FRAMES], _frames(cubic[:FRAMES])
    both = identify_all(Trajectory.from_numpy(np.stack([whole, broken]), TIMES))
    alone = identify_all(Trajectory.from_numpy(whole, TIMES))
    assert both[0].coefficients == alone[0].coefficients
    assert both[0].filled is None and both[1].filled is not None


def test_interpolation_is_of_high_order_and_keeps_what_is_known():
    def error(cells, periodic=True):
        x = (np.arange(cells) + 0.5) / cells
        wave = np.sin(2 * np.pi * x) + np.cos(4 * np.pi * x)
        values = np.where(np.arange(cells) % 3 == 0, wave, np.nan)[None, None]
        found = interpolated(values, periodic)
        known = np.isfinite(values)
        np.testing.assert_array_equal(found[known], values[known])
        return np.max(np.abs(found[0, 0] - wave))

    assert error(96) < 2e-2 and error(192) < 0.3 * error(96)
    # Without a period the last two cells repeat the nearest one.
    assert error(96, False) > 2.0 * error(96)


def test_what_a_simulation_misses_around_a_gap_is_added():
    x = np.arange(32) / 32.0
    truth = np.sin(2 * np.pi * x)[None]
    seen = np.arange(32)[None] % 2 == 0
    found = corrected(np.where(seen, truth, np.nan), 0.9 * truth, seen, True)
    np.testing.assert_allclose(found, truth, atol=2e-3)
    np.testing.assert_array_equal(found[seen], truth[seen])


def test_interpolation_prefers_the_direction_in_which_less_happens():
    t, x = np.mgrid[0:10, 0:32]
    values = (np.sin(0.01 * t) + np.sign(np.sin(2.0 * x + 1.0)))[:, None]
    broken = values.copy()
    broken[4, 0, 7] = np.nan
    np.testing.assert_allclose(interpolated(broken, True), values, atol=1e-2)
    turned = broken.swapaxes(0, 2)
    np.testing.assert_allclose(interpolated(turned, False), values.swapaxes(0, 2), atol=1e-2)


def test_a_smooth_first_frame_is_interpolated_along_x_though_a_jump_comes_later():
    # Before the first frame is nothing: a constant has the error of all that moves in a frame.
    x = (np.arange(128) + 0.5) / 128
    wave = [np.sin(2 * np.pi * (3 * x - 0.03 * k)) for k in range(20)]
    jump = [0.1 * k * np.sign(x - 0.5) for k in range(20)]
    truth = np.stack([a + b for a, b in zip(wave, jump, strict=True)])[:, None]
    broken = truth.copy()
    out = np.arange(5, 128, 9)
    broken[0, 0, out] = np.nan
    assert np.max(np.abs(interpolated(broken, True) - truth)[0, 0, out]) < 0.01


def _only(index):
    values = np.full((8, 2, 16), np.nan)
    values[index] = 1.0
    values[:, 0] = 1.0
    return values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (_only(np.s_[:, 0]), "All values of the field 'm' of the context are missing"),
        (_only(np.s_[2:5, 1]), "field 'm' of the context has measurements in only 3 frames"),
        (_only(np.s_[:, 1, 2:9]), "field 'm' of the context has measurements in only 7 cells"),
    ],
)
def test_too_little_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        check_measured(values, ("h", "m"))


def test_too_much_missing_is_refused(cubic):
    frames, cells = np.ix_([0, 4, 8, FRAMES - 1], [3, 20, 30, CELLS - 2])
    values = np.full(cubic[:FRAMES].shape, np.nan)
    values[frames, 0, cells] = cubic[frames, 0, cells]
    with pytest.raises(ValueError, match="only 16 measured values for 20 unknowns"):
        hfluxno.identify(Trajectory.from_numpy(values, TIMES))
    values[4, 0, 3] = values[8, 0, 20] = np.nan
    batch = Trajectory.from_numpy(np.stack([cubic[:FRAMES], values]), TIMES)
    message = "98 % of the values of the context, trajectory 1 are missing.*average.*as a whole"
    with pytest.raises(ValueError, match=message):
        hfluxno.identify(batch)
    with pytest.raises(ValueError, match="infinite values"):
        hfluxno.identify(dataclasses.replace(batch, values=np.full_like(batch.values, np.inf)))


@pytest.mark.validation
def test_between_sensors_there_is_no_misfit(monkeypatch):
    """Waves that grow ever faster, at every fourth cell: the misfit is that of these cells, and
    neighbouring sensors share it."""
    identification = importlib.import_module("hfluxno.identify.identification")
    monkeypatch.setattr(identification, "_may_have_terms", lambda found: False)
    x = (np.arange(CELLS) + 0.5) / CELLS
    moved = 0.05 * np.arange(FRAMES) + 0.004 * np.arange(FRAMES) ** 2
    phase = 2 * np.pi * (x - moved[:, None])
    seen = _fourth((np.sin(phase) + 0.5 * np.cos(2 * phase))[:, None])
    (found,) = identify_all(Trajectory.from_numpy(seen, TIMES))
    places = ~np.isnan(seen[0, 0])
    law = found.grid_law
    frames, _, _ = track(
        law, found.settings, np.asarray(found.filled.values), gains("continue", FRAMES, 0)
    )
    known = seen[1:, 0, places]
    missed = np.sqrt(np.mean((frames[:, 0, places] - known) ** 2)) / np.std(seen[:, 0, places])
    assert found.misfit.size == pytest.approx(missed, rel=0.2)
    assert found.misfit.shared > 0.3 * found.misfit.size
    assert found.status != FitStatus.OK
