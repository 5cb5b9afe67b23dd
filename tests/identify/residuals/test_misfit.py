"""The diagnosis of a misfit: synthetic misfits whose measures are known."""

import dataclasses

import numpy as np
import pytest

from hfluxno.identify import joint_report
from hfluxno.identify.joint.misfit_at_sensors import measure_apart, misfit_of_interpolation
from hfluxno.identify.residuals.delays import changes_of_speed
from hfluxno.identify.residuals.measured import beside_unknowns, measure
from hfluxno.identify.residuals.misfit import UNKNOWN
from hfluxno.identify.residuals.noise import is_like_noise, noise_level
from hfluxno.trajectory import Trajectory

FRAMES, CELLS = 20, 100


@pytest.fixture
def wave():
    """A smooth wave that moves by a cell per frame, (time, field, cells), of unit deviation."""
    phase = 2 * np.pi * (np.arange(CELLS) - np.arange(FRAMES)[:, None]) / CELLS
    return np.sqrt(2) * np.sin(phase)[:, None]


def _noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def _growing(wave, size):
    """A misfit that has one shape and grows in proportion to time."""
    shape = np.sqrt(2) * np.cos(2 * np.pi * 3 * np.arange(CELLS) / CELLS)
    return size * np.arange(FRAMES)[:, None, None] * shape


def test_noise_has_no_memory_and_does_not_grow(wave):
    found = measure(wave, wave + 0.05 * _noise(wave.shape))
    assert found.size == pytest.approx(0.05, rel=0.05)
    assert abs(found.in_time) < 0.08 and abs(found.in_space) < 0.08
    assert found.growth == pytest.approx(1.0, abs=0.1)
    assert found.noise == pytest.approx(0.05, rel=0.1)
    assert found.shared < 0.01 and not found.systematic


def test_of_a_run_that_fails_only_the_noise_is_known(wave):
    broken = wave.copy()
    broken[-1, 0, 3] = np.nan
    found = measure(broken, wave + 0.05 * _noise(wave.shape))
    assert found.noise == pytest.approx(0.05, rel=0.1)
    assert np.isnan(found.size) and np.isnan(found.in_time) and not found.systematic


@pytest.mark.parametrize("level", [0.02, 0.1, 0.3])
def test_noise_that_is_carried_along_is_no_alarm(wave, level):
    """The simulation starts from a noisy first frame, whose noise moves with the wave."""
    first = level * _noise(wave[0].shape)
    carried = np.stack([np.roll(first, frame, axis=-1) for frame in range(FRAMES)])
    found = measure(wave + carried, wave + level * _noise(wave.shape, seed=1))
    assert found.noise == pytest.approx(level, rel=0.15)
    assert not found.systematic


def test_a_misfit_of_one_shape_that_grows(wave):
    """Σ j² over the last six of nineteen frames is 1651, over the first six 91."""
    found = measure(wave + _growing(wave, 0.002), wave)
    rms = 0.002 * np.sqrt(np.mean(np.arange(1, FRAMES) ** 2))
    assert found.size == pytest.approx(rms)
    assert found.in_time == pytest.approx(1.0, abs=0.01)
    assert found.in_space == pytest.approx(np.cos(6 * np.pi / CELLS), abs=0.01)
    assert found.growth == pytest.approx(np.sqrt(1651 / 91))
    assert found.noise < 1e-4
    # Neighbours j and j + 1 of the last six frames; means over five cells keep 0.93 of the size.
    end = 0.002 * np.sqrt(np.mean([j * (j + 1) for j in range(14, 19)]))
    kept = np.sin(15 * np.pi / CELLS) / (5 * np.sin(3 * np.pi / CELLS))
    assert found.shared == pytest.approx(end * kept, rel=0.03)
    assert found.systematic
    assert not measure(wave + _growing(wave, 0.0008), wave).systematic


def test_what_does_not_grow_may_be_larger(wave):
    shape = _growing(wave, 1.0)[1:2]
    assert not measure(wave + 0.035 * shape, wave).systematic
    assert measure(wave + 0.05 * shape, wave).systematic


def test_a_wide_misfit_need_not_grow_as_much(wave):
    """Errors of a scheme sit at jumps, so those of neighbouring cells differ."""
    shape, growing = _growing(wave, 0.03)[1:2], np.linspace(0.4, 1.0, FRAMES)[:, None, None]
    found = measure(wave + growing * shape, wave)
    assert found.systematic and found.shared < 0.04 and 1.5 < found.growth < 3.0
    narrow = np.sign(shape) * (np.arange(CELLS) % 4 < 2)  # two cells wide
    other = measure(wave + 0.04 * growing * narrow, wave)
    assert other.in_time > 0.9 and other.in_space < 0.9 and not other.systematic


def test_noise_does_not_hide_a_systematic_misfit(wave):
    noisy = wave + 0.05 * _noise(wave.shape)
    assert measure(wave + _growing(wave, 0.005), noisy).systematic


def test_an_error_of_the_first_state_that_dies_out_is_no_alarm(wave):
    decaying = _growing(wave, 0.01)[::-1]
    found = measure(wave + decaying, wave)
    assert found.size > 0.1 and found.growth < 0.3 and not found.systematic


def test_a_misfit_as_narrow_as_a_jump_is_no_alarm(wave):
    """What a scheme gets wrong at a jump has both signs within a few cells."""
    narrow = np.zeros_like(wave)
    narrow[:, :, 40:44] = [0.1, -0.1, 0.1, -0.1]
    assert not measure(wave + narrow, wave).systematic
    wide = np.zeros_like(wave)
    wide[:, :, 40:60] = 0.1
    assert measure(wave + wide, wave).systematic


def test_the_misfit_as_a_part_of_what_moves(wave):
    still = np.broadcast_to(wave[:1], wave.shape)
    assert measure(still, wave).of_motion == pytest.approx(1.0)
    assert measure(wave, wave).of_motion == 0.0


def test_units_and_constants_do_not_matter(wave):
    two = np.concatenate([wave, np.cos(wave)], axis=1)
    simulated = two + 0.01 * _noise(two.shape)
    unit, constant = np.array([[1e6], [1e-3]]), np.array([[5e6], [-2.0]])
    here = dataclasses.astuple(measure(simulated, two))
    there = dataclasses.astuple(measure(unit * simulated + constant, unit * two + constant))
    np.testing.assert_allclose(there, here, rtol=1e-6)


def test_a_constant_field_has_no_part_in_it(wave):
    flat = np.full_like(wave, 0.7)
    simulated = wave + _growing(wave, 0.002)
    alone = measure(simulated, wave)
    beside = measure(np.concatenate([simulated, flat], 1), np.concatenate([wave, flat], 1))
    assert beside == alone


def test_no_misfit_has_no_structure(wave):
    found = measure(wave, wave)
    assert (found.size, found.in_time, found.growth, found.shared) == (0.0, 0.0, 0.0, 0.0)
    assert not found.systematic


def test_the_figures_are_said(wave):
    said = str(measure(wave + _growing(wave, 0.003), wave))
    assert said.startswith("misfit 3.4 % of the standard deviation, 5 % of the change; at the end")
    assert "neighbouring frames and cells share 4.7 %" in said
    assert "correlation in time 1.00, in space 0.98, growth 4.3-fold" in said


def test_more_than_all_is_no_share_and_a_given_noise_is_said(wave):
    whole = measure(-0.5 * wave, wave)
    said = str(dataclasses.replace(whole, shared=1.18, noise=0.008, in_noise=5.49))
    assert "5.5 times the given noise; at the end" in said
    assert "share 1.2 standard deviations beyond noise of 0.8 %" in said
    assert said.startswith("misfit 1.5 times the standard deviation, 2.2 times the change")
    apart = str(dataclasses.replace(whole, shared=0.0))
    assert "share" not in apart and "; correlation in time" in apart


def test_short_and_narrow_contexts_can_be_measured():
    values = _noise((4, 2, 8))
    assert np.all(np.isfinite(dataclasses.astuple(measure(values + 0.1, values))))


def test_jumps_are_no_noise():
    """A jump between plateaus that moves by half a cell a frame, as means of cells."""
    place = 30.0 + 0.5 * np.arange(FRAMES)[:, None, None]
    values = np.clip(place - np.arange(CELLS), 0.0, 1.0)
    assert noise_level(values) == 0.0
    assert noise_level(values + 0.02 * _noise(values.shape)) == pytest.approx(0.02, rel=0.15)


def test_at_few_places_what_neighbouring_frames_share_is_no_noise(wave):
    """Noise, a law that is too slow, and gaps."""
    few = wave[..., ::20]
    noisy = few + 0.1 * _noise(few.shape)
    noisy[3:6, 0, 1] = np.nan
    found = measure_apart(few, noisy)
    assert not found.systematic and found.noise == pytest.approx(0.1, rel=0.2)
    assert found.size == pytest.approx(0.1, rel=0.2) and "in space unknown" in str(found)
    late = np.concatenate([few[:1]] * 3 + [few[:-3]])
    found = measure_apart(late, noisy)
    assert found.systematic and found.in_time > 0.5
    missing = np.full(few.shape, np.nan)
    missing[::2] = noisy[::2]  # no neighbours
    assert measure_apart(few, missing).shared == 0.0


def test_a_speed_that_changes_explains_what_a_steady_one_leaves(wave):
    """Observed frames that are ahead by 2 (τ² - τ) cells at the time τ of the context."""
    frame = np.arange(FRAMES)[:, None] / (FRAMES - 1)
    late = 2.0 * (frame**2 - frame)
    phase = 2 * np.pi * (np.arange(CELLS) - np.arange(FRAMES)[:, None] + late) / CELLS
    found = measure(wave, np.sqrt(2) * np.sin(phase)[:, None])
    assert found.changing > 0.95 and found.systematic
    assert "a speed that changes in time explains" in str(found)
    alike = "sensors whose gain drifts, or a law with a memory, may look alike"
    noisy = measure(wave, wave + 0.05 * _noise(wave.shape))
    assert noisy.changing < 0.01
    assert alike in str(found) and alike not in str(noisy)
    tiny = measure(wave, wave + 0.01 * (np.sqrt(2) * np.sin(phase)[:, None] - wave))
    assert tiny.changing > 0.95 and not tiny.systematic
    phase += 2 * np.pi * (frame - late) / CELLS
    steady = measure(wave, np.sqrt(2) * np.sin(phase)[:, None])
    assert steady.changing < 0.2


def test_a_run_may_grow_beyond_numbers_whose_squares_are_finite(wave):
    blown = wave * np.exp(np.linspace(0.0, 500.0, FRAMES))[:, None, None]
    found = changes_of_speed(blown, wave).gradual
    assert np.isfinite(found.a) and 0.0 <= found.explained <= 1.0


def test_a_change_of_speed_that_noise_hides_counts_beyond_noise():
    x, past = np.linspace(0.0, 1.0, 100, endpoint=False), np.linspace(0.0, 1.0, 21)[:, None]
    rng = np.random.default_rng(5)

    def seen(delay):
        wave = np.sin(2.0 * np.pi * (x - 0.2 * (past - delay)))
        return (wave + 0.05 * rng.normal(size=wave.shape))[:, None]

    law = np.sin(2.0 * np.pi * (x - 0.2 * past))[:, None]
    slower, steady = seen(0.2 * (past**2 - past)), seen(0.0)
    change = changes_of_speed(law, slower).gradual
    assert change.explained < 0.15 and change.beyond_noise > 0.3 and change.certainty > 75.0
    found, plain = measure(law, slower), measure(law, steady)
    assert found.changing > 0.3 and found.systematic and "changes in time" in str(found)
    assert plain.changing < 0.01 and not plain.systematic and "changes in time" not in str(plain)


def test_unknowns_that_imitate_a_change_of_speed_do_not_hide_it():
    """A law with a coefficient that delays the first half, fitted to frames that slow down."""
    x, past = np.linspace(0.0, 1.0, 100, endpoint=False), np.linspace(0.0, 1.0, 21)[:, None]

    def wave(delay):
        at = x - 0.4 * (past - delay)
        return (np.sin(2.0 * np.pi * at) + 0.3 * np.sin(6.0 * np.pi * at + 1.0))[:, None]

    delay = 0.1 * (past**2 - past)
    noise = 0.02 * np.random.default_rng(1).normal(size=wave(delay).shape)
    half = (past**2 - past) * (past < 0.5)
    fitted = wave(0.1 * half)  # what the fit has made of it
    unknown = ((wave(1e-3 * half) - wave(0.0)) / 1e-3)[None, 1:]
    alone = changes_of_speed(fitted, wave(delay) + noise).gradual
    beside = changes_of_speed(fitted, wave(delay) + noise, beside=unknown).gradual
    assert abs(alone.a - 0.1) > 0.05
    assert beside.a == pytest.approx(0.1, abs=0.02) and beside.certainty > 100.0
    steady = changes_of_speed(wave(0.0), wave(0.0) + noise, beside=unknown).gradual
    assert abs(steady.a) < 0.02 and steady.certainty < 9.0
    seen = wave(delay) + noise
    found = beside_unknowns(measure(fitted, seen), fitted, seen, unknown)
    assert found.changes_speed and found.slowing == beside.a and found.likely > 0.8
    assert beside_unknowns(found, fitted, fitted + noise, unknown).likely < 0.1
    slower = dataclasses.replace(found, slowing=0.02)
    assert not slower.changes_speed


def test_a_flux_that_changes_in_time_in_the_weak_form_is_systematic():
    """By itself if it explains most, else beside a change of speed; never of reproduced frames."""
    plain = dataclasses.replace(UNKNOWN, size=0.01, shared=0.0, changing=0.0)
    assert not plain.systematic
    for timed, changing, answer in ((0.8, 0.0, True), (0.5, 0.0, False), (0.5, 0.15, True)):
        each = dataclasses.replace(plain, timed=timed, changing=changing)
        assert each.systematic == answer == ("depends on time" in str(each))
    assert not dataclasses.replace(plain, timed=0.8, size=1e-4).systematic


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_a_sudden_change_of_speed_is_found_where_it_happens(noise):
    """Waves that are a quarter slower in the last four of 21 frames."""
    x, past = np.linspace(0.0, 1.0, 100, endpoint=False), np.linspace(0.0, 1.0, 21)[:, None]
    rng = np.random.default_rng(2)

    def wave(delay):
        at = x - 0.4 * (past - delay)
        return (np.sin(2.0 * np.pi * at) + 0.3 * np.sin(6.0 * np.pi * at + 1.0))[:, None]

    law, unknown = wave(0.0), ((wave(1e-3 * past) - wave(0.0)) / 1e-3)[None, 1:]
    late = wave(0.25 * np.maximum(past - past[17], 0.0)) + noise * rng.normal(size=law.shape)
    steady = law + noise * rng.normal(size=law.shape)
    change = changes_of_speed(law, late, beside=unknown)
    assert change.frame == 17 and change.sudden.a == pytest.approx(0.25, abs=0.02)
    for found in (measure(law, late), beside_unknowns(measure(law, late), law, late, unknown)):
        assert found.changes_suddenly and found.systematic
        assert "slower from frame 17 on" in str(found)
        # Faster by all of the speed or more is what something else looks like.
        assert not dataclasses.replace(found, slower=-3.34).changes_suddenly
        assert not dataclasses.replace(found, of_motion=0.6).changes_suddenly  # not their run
    assert not measure(law, steady).systematic
    assert changes_of_speed(law[:5], late[:5]).sudden.certainty == 0.0  # too few frames to tell


def test_a_change_of_speed_is_one_of_time_and_not_of_frames():
    """Frames that crowd at the beginning."""
    times = 40.0 * np.linspace(0.0, 1.0, FRAMES) ** 2
    past = times / times[-1]

    def seen(late):
        phase = 2 * np.pi * (np.arange(CELLS) - (times - late)[:, None]) / CELLS
        return np.sqrt(2) * np.sin(phase)[:, None]

    law, steady, changing = seen(0.0), seen(0.1 * past), seen(0.1 * (past**2 - past))
    assert measure(law, steady, times).changing < 0.01
    assert measure(law, changing, times).changing > 0.99
    assert changes_of_speed(law, changing, times).gradual.a == pytest.approx(0.1 / 40.0, rel=0.02)
    assert abs(changes_of_speed(law, changing).gradual.a) < 0.9 * 0.1 / 40.0


def test_frames_that_were_left_out_unnoticed_are_seen(wave):
    """Two frames more than the law is told, the later one before frame 14."""
    moving = np.arange(FRAMES) + (np.arange(FRAMES) >= 8) + (np.arange(FRAMES) >= 14)
    moving = moving - 0.1 * np.arange(FRAMES)  # as far as a steady speed follows
    phase = 2 * np.pi * (np.arange(CELLS) - moving[:, None]) / CELLS
    seen = np.sqrt(2) * np.sin(phase)[:, None] + 0.01 * _noise(wave.shape)
    found = measure(wave, seen)
    assert found.timing > 0.5 and found.systematic and found.odd_frame in (8, 14)
    said = f"most between frames {found.odd_frame - 1} and {found.odd_frame} of the context"
    assert said in str(found)
    steady = measure(wave, wave + 0.05 * _noise(wave.shape))
    assert steady.timing < 0.05 and "other times" not in str(steady)
    tiny = measure(wave, wave + 0.02 * (seen - wave))
    assert not tiny.at_other_times


def test_a_front_that_is_late_at_each_sensor_alone_is_no_late_frame():
    """A steep front passes one of nine sensors at a time, at some a little earlier than the law
    says, at others later; or all of what was seen before a frame is late."""
    times, places = np.arange(40.0), np.linspace(2.0, 34.0, 9)

    def fronts(delay):
        after = (times[:, None] - delay - places)[:, None]
        return np.tanh(after) + 0.3 * np.sin(0.4 * after)

    law = fronts(0.0)
    by_sensor = 0.4 * np.random.default_rng(0).normal(size=9)
    assert measure(law, fronts(by_sensor)).timing < 0.2
    by_frame = np.where(times < 20, 0.4, -0.4)[:, None]
    assert measure(law, fronts(by_frame)).timing > 0.6


def test_a_delay_that_grows_steadily_is_one_of_speed(wave):
    """Also where the first frame is late itself."""
    phase = 2 * np.pi * (np.arange(CELLS) - (0.2 + 0.97 * np.arange(FRAMES))[:, None]) / CELLS
    assert measure(wave, np.sqrt(2) * np.sin(phase)[:, None]).timing < 0.02


def test_dispersion_makes_a_misfit_systematic_unless_the_law_reproduces_the_frames(wave):
    small = dataclasses.replace(measure(wave + _growing(wave, 5e-4), wave), dispersion=0.97)
    assert not small.reproduced and small.disperses and small.systematic
    assert str(small).startswith("dispersion explains 97 % of what flux and diffusion leave")
    assert not dataclasses.replace(small, dispersion=0.6).systematic
    tiny = dataclasses.replace(measure(wave + _growing(wave, 5e-5), wave), dispersion=0.97)
    assert tiny.reproduced and not tiny.systematic


def test_only_what_neighbours_do_not_share_is_like_noise():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(20, 1, 64)) * np.linspace(0.1, 2.0, 64)
    assert is_like_noise(noise)
    assert not is_like_noise(noise + 0.7)
    assert not is_like_noise(noise + np.repeat(noise[:1], 20, axis=0))
    assert not is_like_noise(noise[..., :-1] + noise[..., 1:])
    gaps = np.where(rng.random(noise.shape) < 0.2, np.nan, 1.0)
    assert is_like_noise(gaps * noise)
    assert not is_like_noise(gaps * (noise + 0.7))
    # Of every third cell no neighbours are known.
    noise[..., np.arange(64) % 3 > 0] = np.nan
    assert not is_like_noise(noise)


def test_a_misfit_far_above_the_noise_that_values_show_is_not_noise():
    """Not if it is small, nor if the noise is given; of two fields the larger counts."""
    rng = np.random.default_rng(0)
    t, x = np.arange(40.0), np.linspace(0.0, 1.0, 12)
    wave = np.sin(2 * np.pi * (x - 0.01 * t[:, None]))
    values = np.stack([wave, 5.0 * wave], axis=1) + 0.01 * rng.normal(size=(40, 2, 12))
    values[rng.random(values.shape) < 0.1] = np.nan
    context = Trajectory.from_numpy(values, t, x, ("a", "b"))
    shown = np.stack([wave, 5.0 * wave], axis=1)
    assert 0.7 < joint_report._in_noise_shown(context, shown) < 1.3
    shown[:, 0] += 0.2 * rng.normal(size=wave.shape)
    assert 15.0 < joint_report._in_noise_shown(context, shown) < 25.0
    assert joint_report._in_noise_shown(context.with_deviation(0.01), shown) == 0.0

    sized = dataclasses.replace(UNKNOWN, size=0.2, shared=0.0, in_noise_shown=9.6)
    assert sized.systematic and "10 times the noise that neighbouring values show" in str(sized)
    for harmless in ({"size": 0.1}, {"in_noise_shown": 4.0}):
        assert not dataclasses.replace(sized, **harmless).systematic


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_interpolation_between_sensors_is_what_a_law_has_to_beat(noise):
    """Twelve sensors in 60 cells: a misfit that is that of interpolation counts as 1, a fifth of it
    as .2, and noise as nothing."""
    rng = np.random.default_rng(3)
    t, x, at = np.arange(40.0), (np.arange(60) + 0.5) / 60, np.arange(2, 60, 5)
    wave = np.sin(4 * np.pi * (x - 0.01 * t[:, None]))[:, None]
    values = np.full(wave.shape, np.nan)
    values[..., at] = (wave + noise * rng.normal(size=wave.shape))[..., at]
    context = Trajectory.from_numpy(values, t, x)
    lines = wave.copy()
    lines[..., at[1:-1]] = 0.5 * (wave[..., at[:-2]] + wave[..., at[2:]])
    assert misfit_of_interpolation(context, lines) == pytest.approx(1.0, abs=0.03)
    assert misfit_of_interpolation(context, wave + 0.2 * (lines - wave)) == pytest.approx(
        0.2, abs=0.02
    )
    assert misfit_of_interpolation(context, wave + noise * rng.normal(size=wave.shape)) == 0.0
    dense = Trajectory.from_numpy(wave, t, x)
    assert misfit_of_interpolation(dense, lines) == 0.0

    alike = dataclasses.replace(UNKNOWN, shared=0.0, of_interpolation=0.9)
    assert alike.systematic and "interpolation between sensors explains the values nearly" in str(
        alike
    )
    less = dataclasses.replace(alike, of_interpolation=0.3, size=0.05, in_time=0.3)
    assert not less.systematic
    assert dataclasses.replace(less, in_time=0.8).systematic
    missed = dataclasses.replace(less, left_out=6.7)
    assert missed.systematic and "a sensor 2.6 times worse than they should" in str(missed)
    assert not dataclasses.replace(missed, left_out=1.5).systematic
    for harmless in ({"of_interpolation": 0.0}, {"size": 0.01}):
        assert not dataclasses.replace(less, in_time=0.8, **harmless).systematic


def test_something_new_in_the_last_frames_is_seen_beside_noise(wave):
    """A bump of two cells, in the last two frames alone."""
    noisy = wave + 0.03 * _noise(wave.shape)
    bumped = noisy.copy()
    bumped[-2:, 0, 20:22] += 0.5
    plain, found = measure(wave, noisy), measure(wave, bumped)
    assert found.at_end > 2.0 and found.ends_otherwise and found.systematic
    assert "the last frames are missed" in str(found)
    assert plain.at_end < 1.3 and not plain.systematic
    slight = measure(wave, noisy + (bumped - noisy) / 8.0)
    assert not slight.ends_otherwise
    assert measure(wave, wave + (bumped - noisy)).at_end == 0.0  # nothing to compare with
