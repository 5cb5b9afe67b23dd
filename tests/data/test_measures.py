"""Measures of made-up data whose noise, speed and totals are known."""

import tracemalloc

import numpy as np
import pytest

from hfluxno.data.marks import without_marks
from hfluxno.data.measures import is_constant, never_negative, noise, total, travel
from hfluxno.data.unlikely_values import doubtful, oddities
from hfluxno.dead_sensors import dead_sensors, without_dead


def wave(speed=0.7, frames=30, cells=80, mean=3.0, trajectories=1):
    """u(x - ct) on a ring, in cells and frames."""
    t, x = np.arange(frames)[:, None], np.arange(cells)
    phase = 2 * np.pi * (x - speed * t) / cells
    one = mean + np.sin(phase) + 0.4 * np.cos(3 * phase)
    return np.stack([np.roll(one, 7 * i, axis=-1) for i in range(trajectories)])


X, T = np.arange(80.0), np.arange(1000.0)


def gaps(u, share, seed=0):
    return np.where(np.random.default_rng(seed).uniform(size=u.shape) < share, np.nan, u)


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("level", [0.01, 0.05])
def test_noise_is_found_within_a_tenth(level, missing):
    u = wave()
    sigma = level * np.std(u)
    noisy = u + sigma * np.random.default_rng(1).normal(size=u.shape)
    assert noise(gaps(noisy, missing)) == pytest.approx(sigma, rel=0.12)


def test_noise_does_not_see_shocks_or_smooth_fields():
    assert noise(wave()) < 2e-3 * np.std(wave())
    steps = np.where((np.arange(80) - np.arange(30)[:, None]) % 80 < 40, 1.0, 0.0)[None]
    assert noise(steps) == 0.0
    assert np.isnan(noise(np.ones((1, 2, 9))[:, :, ::2]))


@pytest.mark.parametrize("speed", [0.0, 0.7, -2.3, 11.0])
@pytest.mark.parametrize(("missing", "level"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.05)])
def test_travel_of_a_wave(speed, missing, level):
    u = wave(speed, trajectories=2)
    u = gaps(u + level * np.random.default_rng(2).normal(size=u.shape), missing)
    found = travel(u)
    assert found.shift == pytest.approx(speed, abs=0.1)
    assert found.largest == pytest.approx(abs(speed), abs=0.8 if level else 0.25)
    assert found.correlation > 0.98


def test_travel_over_frames_that_are_left_out():
    u = wave(1.5)
    u[:, 1::2] = np.nan
    assert travel(u).shift == pytest.approx(1.5, abs=0.05)
    u[:, 2:] = np.nan
    assert np.isnan(travel(u).shift)


@pytest.mark.parametrize("level", [0.0, 0.02])
def test_what_stands_or_turns_round_does_not_travel_half_a_ring(level):
    """The best shift of a pair of frames is half a wave where a profile turns round."""
    x, t = 2 * np.pi * (np.arange(80) + 0.5) / 80, np.arange(30)[:, None] / 30
    noise = level * np.random.default_rng(0).normal(size=(30, 80))
    two = np.sin(2 * x + 1.0) * np.cos(31.0 * t) + 0.3 * np.sin(x) * np.cos(14.0 * t)
    turns = np.sin(x - 2.0 * t) * (1.0 - 3.0 * t)
    for u, most in ((np.sin(x) * np.cos(20.0 * t), 0.5), (two, 0.5), (turns, 4.0)):
        found = travel((u + noise)[None])
        assert abs(found.shift) < 1.5 and found.largest < most


def test_what_grows_has_no_clear_shift():
    x, t = (np.arange(80) + 0.5) / 80, np.arange(30)[:, None] / 30
    for u in ((1.0 + x) * (1.0 + 3.0 * t), x**2 + 3.0 * t):
        assert abs(travel(u[None]).shift) > 2.0 and not travel(u[None]).clear
    assert travel(wave(4.0)).clear and travel(wave(0.0)).clear and travel(wave(0.3)).clear
    noise = 0.3 * np.random.default_rng(0).normal(size=(1, 30, 80))
    assert travel(wave(4.0) + noise).clear


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_totals_that_are_kept_and_a_leak(missing):
    level = 0.03 * np.random.default_rng(3).normal(size=wave().shape)
    assert total(wave()).change == pytest.approx(0.0, abs=1e-12)
    assert total(gaps(wave() + level, missing)).kept
    leak = np.exp(-0.004 * np.arange(30))[:, None]
    found = total(gaps(leak * wave() + level, missing))
    size = np.mean(leak * wave())
    assert found.change == pytest.approx(-3.0 * (1 - leak[-1, 0]) / size, rel=0.1)
    assert not found.kept


def test_a_total_is_known_if_its_uncertainty_is_small_beside_what_moves():
    """Of a wave a half holds more by its whole amplitude; twelve sensors of it do not know that."""
    found = total(wave(2.0))
    half = np.sin(2 * np.pi * np.arange(80) / 80)[:40].sum() / 80
    assert found.moves * 3.0 == pytest.approx(2.0 * half, rel=0.2) and found.known
    steps = np.where((np.arange(12) - 0.7 * np.arange(30)[:, None]) % 12 < 3, 1.0, 0.0)[None]
    assert total(steps).exact
    few = total(steps + 1e-3 * np.random.default_rng(0).normal(size=steps.shape))
    assert few.kept and not few.known and not few.exact
    offset = total(1000.0 + np.linspace(0.0, 0.5, 30)[:, None] + 0.1 * wave())
    assert not offset.kept  # though it changes by less than a thousandth


def test_few_gaps_are_filled_in_time_before_a_total():
    """Where a place changes little in time, but much from the next one."""
    u = np.tile(3.0 + np.random.default_rng(5).normal(size=80), (30, 1))[None]
    few, many = gaps(u, 0.05), gaps(u, 0.4)
    few[:, [0, -1]] = u[:, [0, -1]]
    assert abs(total(few).change) < 1e-12 < 0.01 < abs(total(many).change)


def test_values_that_are_no_measurements():
    assert oddities(wave(), X, T) == () and is_constant(np.full((1, 5, 9), 0.1))
    assert not is_constant(wave())
    u = wave()
    u[0, 3, 5], u[0, 8, 9] = -999.0, -999.0
    bare, marks = without_marks(u)
    (mark,) = marks
    assert mark.startswith("-999 appears 2 times, a mark for missing values, but every method")
    assert np.isnan(bare).sum() == 2 and np.isnan(bare[0, [3, 8], [5, 9]]).all()
    assert mark.endswith("make it a gap with --missing=-999")
    assert without_marks(1000.0 * wave())[1] == () and without_marks(wave())[0].shape == u.shape
    u = wave()
    u[0, 4, 4] = 9.0
    (one,) = oddities(u, X, T)
    assert one == "1 measurement that stands out from all its neighbours, at 4 and time 4"
    u[0, [9, 14, 19, 24], 30] = 9.0
    (five,) = oddities(np.concatenate([wave(), u]), 0.1 * X, T, "minutes since 2024-05-02", (3, 8))
    assert five == (
        "5 measurements that stand out from all their neighbours, at 0.4 and time 2024-05-02 00:04 "
        "in trajectory 8, at 3 and time 2024-05-02 00:09 in trajectory 8, at 3 and time 2024-05-02 "
        "00:14 in trajectory 8, and 2 more"
    )
    u = wave()
    assert oddities(wave(mean=0.0), X, T) == ()  # about half of them are negative
    u[0, 4, 4] = -0.5
    assert oddities(u, X, T)[0].startswith("negative values: 1, down to -0.5")


def test_a_user_is_told_of_values_that_stand_out():
    u = wave()
    assert doubtful(("q",), u[:, :, None], X, T) == ()
    u[0, 3, 40] += 3.0
    (sentence,) = doubtful(("q",), u[:, :, None], X, T)
    assert sentence.startswith(
        "q: 1 measurement that stands out from all its neighbours, at 40 and time 3; make NaN what"
    )
    (alone,) = doubtful(("q",), u[0][:, None], X, T)  # one trajectory without its axis
    assert alone == sentence
    u[0, 5, 6] = -9999.0
    marks, spikes = doubtful(("q",), u[:, :, None], X, T)
    assert "a mark for missing values" in marks and spikes == sentence
    step = np.where(np.arange(64) < 32, 0.0, 1.0) + np.zeros((1, 10, 64))
    step[:, 4:, :40] = 1.0  # a front that jumps between two frames
    assert doubtful(("q",), step[:, :, None], X, T) == ()
    peak = wave()
    peak[0, np.arange(10), 5 + 2 * np.arange(10)] += 3.0  # narrow, and moves two cells a frame
    assert doubtful(("q",), peak[:, :, None], X, T) == ()


def test_a_sensor_that_is_dead_or_stands_out_among_few():
    u = np.full((1, 30, 80), np.nan)
    at = np.arange(4, 80, 8)
    u[..., at] = wave()[..., at] + 0.01 * np.random.default_rng(0).normal(size=(1, 30, 10))
    assert oddities(u, X, T) == doubtful(("q",), u[:, :, None], X, T) == ()
    u[0, 7, 36] += 4.0
    (said,) = oddities(u, X, T)
    assert said == "1 measurement that stands out from all its neighbours, at 36 and time 7"
    u[..., 20] = 2.0
    assert oddities(u, X, T)[-1] == "the sensor at 20 hardly ever changes, others do"
    assert "others do; if it is dead, leave it out" in doubtful(("q",), u[:, :, None], X, T)[-1]
    front = np.where(at > 2.0 * np.arange(30)[:, None], 0.2, 0.9)  # not yet, and then at rest
    u[0][:, at] = front
    assert oddities(u, X, T) == ()


def test_a_dead_place_in_frames_is_named_and_what_is_sound_is_not():
    u = np.array(wave())
    assert oddities(u, X, T) == ()
    for value in (0.0, float(u.mean())):
        dead = u.copy()
        dead[..., 30:32] = value
        text = "hardly ever changes, others do; if it is dead, leave it out"
        said = [f"q: the sensor at {place} {text}." for place in X[30:32].astype(int)]
        assert doubtful(("q",), dead[:, :, None], X, T) == tuple(said)
        found = without_dead(dead[:, -2:, None], dead[:, :, None])
        np.testing.assert_array_equal(np.isnan(found).all(axis=(0, 1, 2)).nonzero()[0], [30, 31])
    cells, frame = np.arange(63.0), np.arange(30.0)[:, None]
    at_end = u.copy()
    at_end[..., 0] = 2.0  # fixed there, as by a given end
    node = np.sin(np.pi * (cells - 31.0) / 20.0) * np.cos(0.3 * frame)
    crest = 1.0 - np.maximum(np.abs(cells - 31.0) - 0.5, 0.0) / (20.0 + frame)
    rest = np.where(cells < 20.0, 0.3 * np.sin(0.4 * (cells - frame)), 0.0)
    counts = np.random.default_rng(1).poisson(0.8, (30, 63)) * (cells != 40.0)
    for sound in (at_end[0], node, crest, rest, counts):
        assert dead_sensors(sound[None].astype(float)) == ()


def test_a_place_that_is_stuck_within_the_range_is_dead_on_few_cells_and_between_jumps():
    coarse = wave(cells=32, mean=0.0)
    cells, frame = np.arange(64.0), np.arange(30.0)[:, None]
    jumps = np.sign(np.sin(np.pi * (cells - 1.5 * frame) / 15.0))[None]
    for sound, places in ((coarse, (5, 12, 20)), (jumps, (9, 30, 50))):
        for shown in (sound, np.round(sound, 1)):
            assert dead_sensors(shown) == ()
            for place in places:
                stuck = shown.copy()
                stuck[..., place] = 0.1
                assert dead_sensors(stuck) == (place,)
    profile = np.where(cells < 40.0, 0.2, 0.8) + (cells < 39.0) * 0.05 * np.sin(cells - frame)
    profile[:, 40] = 0.5  # of a shock that stands, beside a wave
    jam = np.where(np.abs(cells - 30.0) < 2.0, 0.9, 0.2 + 0.1 * np.sin(0.5 * (cells - frame)))
    wide = np.round(np.cos(np.pi * (cells - 32.0) / 20.0) * np.cos(0.3 * frame) * 2.0) / 2.0
    for sound in (profile, jam, wide):
        assert dead_sensors(sound[None]) == ()


def test_a_sensor_that_repeats_a_value_for_long_is_named():
    u = np.full((1, 30, 80), np.nan)
    at = np.arange(4, 80, 8)
    u[..., at] = wave()[..., at] + 0.01 * np.random.default_rng(0).normal(size=(1, 30, 10))
    u[0, 12:, 20] = 2.5
    u[0, 17, 20] = np.nan
    assert oddities(u, 0.1 * X, 60.0 * T) == (
        "the sensor at 2 repeats 2.5 from time 720 to 1740, as one that is stuck: make these "
        "values NaN, which a fitted law otherwise does only if no law explains them",
    )
    assert doubtful(("q",), u[:, :, None], 0.1 * X, 60.0 * T) == tuple(
        f"q: {text}." for text in oddities(u, 0.1 * X, 60.0 * T)
    )
    (dated,) = oddities(u, 0.1 * X, 60.0 * T, "seconds since 2024-05-02")
    assert "repeats 2.5 from time 2024-05-02 00:12 to 2024-05-02 00:29, as" in dated
    u[0, 16:, 20] = u[0, 16:, 28]  # for four frames only
    assert oddities(u, X, T) == ()


def test_a_long_batch_is_examined_in_parts():
    """All spikes are counted, and little more memory than that of the values is taken."""
    places = np.arange(40.0)
    values = np.sin(places) + 0.01 * np.arange(30)[:, None] + np.zeros((400, 1, 1))
    values[:, 11, 7] = 30.0
    tracemalloc.start()
    (sentence,) = doubtful(("q",), values[:, :, None], X, T)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sentence.startswith("q: 400 measurements that stand out from all their neighbours, ")
    assert ", at 7 and time 11 in trajectory 2, and 397 more; make NaN what" in sentence
    assert most < 3 * values.nbytes


def test_zero_but_for_noise_in_many_places_is_never_negative():
    """Water that gets clear from below, and fields that only come near zero, or below."""
    errors = 0.01 * np.random.default_rng(0).normal(size=(1, 30, 80))
    jar = np.clip((X - 10.0 - np.arange(30)[:, None]) / 40.0, 0.0, 1.0)[None]
    assert never_negative(jar + errors)
    assert never_negative(gaps(jar + errors, 0.3))
    touches = 1.0 + np.cos(2 * np.pi * (X - np.arange(30)[:, None]) / 80)[None]
    pulse = np.exp(-(((X - 20.0 - np.arange(30)[:, None]) / 8.0) ** 2))[None]
    swings = pulse - 0.1 * np.roll(pulse, 20, axis=-1)
    for u in (
        touches + errors,
        swings + errors,  # zero in most places, but also less
        jar - 0.1 + errors,
        jar + 0.1 + errors,
        np.abs(jar + errors),
        np.where(jar + errors < 0.0, -0.02, jar + errors),  # a limit of the instrument
        errors,
        jar,
    ):
        assert not never_negative(u)
