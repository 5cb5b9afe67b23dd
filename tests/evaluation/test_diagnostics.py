"""Diagnostics against states whose answers are known in closed form."""

import numpy as np
import pytest

from hfluxno.evaluation.diagnostics import diagnose

DIAGNOSTICS = ("drift", "variation", "spectrum", "shock")

CELLS = 16
X = (np.arange(CELLS) + 0.5) / CELLS
SINE = np.sin(2 * np.pi * X)
STEP = np.where(X < 0.5, 1.0, 0.0)  # a jump down in the middle and one up at the boundary


def sawtooth(place=0):
    """Rises slowly, and falls by (n - 1)/n behind cell `place`."""
    return np.roll(np.arange(CELLS) / CELLS, place - (CELLS - 1))


def found(name, forecast, truth, last=None):
    """A diagnostic of one window of one frame and one field, or of (time, field, x)."""
    forecast, truth = (
        np.reshape(v, (1, -1, *v.shape[-2:])) for v in map(np.atleast_2d, (forecast, truth))
    )
    last = truth[:, 0] if last is None else np.atleast_2d(last)[None]
    return diagnose(forecast, truth, last)[name][0]


def test_the_truth_itself_has_no_fault():
    states = np.stack([np.roll(sawtooth(), k)[None] for k in range(3)])[None]
    answer = diagnose(states, states, states[:, 0])
    assert tuple(answer) == DIAGNOSTICS
    assert {name: float(v[0]) for name, v in answer.items()} == pytest.approx(
        {"drift": 0.0, "variation": 1.0, "spectrum": 0.0, "shock": 0.0}, abs=1e-15
    )


def test_drift_is_the_largest_change_of_the_total_at_any_time():
    truth = np.stack([2.0 + STEP, 3.0 - STEP, 2.5 + 0 * STEP])[:, None]  # its mean is 2.5
    forecast = truth + np.array([0.1, -0.3, 0.2])[:, None, None]
    assert found("drift", forecast, truth, 2.0 + STEP) == pytest.approx(0.3 / 2.5, rel=1e-14)


def test_drift_counts_from_the_context_not_from_the_truth():
    # A truth that loses a tenth of its total does not excuse a forecast that does.
    assert found("drift", 0.9 + 0 * X, 0.9 + 0 * X, 1.0 + 0 * X) == pytest.approx(0.1 / 0.9)


def test_what_only_moves_does_not_drift():
    assert found("drift", np.roll(STEP, 3), STEP) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize(
    ("forecast", "ratio"),
    [
        (2.0 * STEP, 2.0),
        (np.roll(STEP, 5), 1.0),
        # An overshoot by 0.25 at one cell goes up and down once more.
        (np.where(np.arange(CELLS) == 4, 1.25, STEP), 1.25),
        # Monotone ramps in place of jumps have the same variation, lower plateaus have less.
        (np.interp(X, [0.1, 0.3, 0.7, 0.9], [0.0, 1.0, 1.0, 0.0]), 1.0),
        (0.2 + 0.6 * STEP, 0.6),
        (0.3 + 0 * STEP, 0.0),
    ],
)
def test_variation_is_that_of_wiggles_and_smears(forecast, ratio):
    assert found("variation", forecast, STEP) == pytest.approx(ratio, rel=1e-14)


@pytest.mark.parametrize("shift", [1, 5, CELLS - 1])
def test_the_spectrum_does_not_see_a_shift_or_a_mean(shift):
    assert found("spectrum", 7.0 + np.roll(STEP, shift), STEP) == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("factor", [0.0, 0.7, 1.0, 1.5])
def test_the_spectrum_error_of_a_scaled_wave_is_the_scale(factor):
    assert found("spectrum", factor * SINE, SINE) == pytest.approx(abs(1 - factor), abs=1e-14)


def test_the_spectrum_error_of_an_added_wave_is_its_size():
    # Its mode is not in the truth, and Parseval says how large it is.
    added = SINE + 0.3 * np.cos(2 * np.pi * 3 * X)
    assert found("spectrum", added, SINE) == pytest.approx(0.3, rel=1e-13)


@pytest.mark.parametrize("moved", range(CELLS))
@pytest.mark.parametrize("place", [0, 7, CELLS - 1])
def test_a_shock_is_off_by_the_shorter_way_around(moved, place):
    forecast = np.roll(sawtooth(place), moved)
    assert found("shock", forecast, sawtooth(place)) == min(moved, CELLS - moved)


def test_a_shock_is_looked_for_with_its_sign():
    forecast = 0.5 * sawtooth(5) - 0.8 * sawtooth(10)  # falls behind 5, rises more behind 10
    assert np.argmax(np.abs(np.diff(forecast))) == 10
    assert found("shock", forecast, sawtooth(5)) == 0
    assert found("shock", forecast, -sawtooth(5)) == 5


def test_a_smooth_truth_has_no_shock():
    # Its jumps are at most 2 sin(π/16) of a range of 2 cos(π/16).
    assert 2 * np.sin(np.pi / CELLS) < 0.25 * np.ptp(SINE)
    assert np.isnan(found("shock", STEP, SINE))
    # With half of the cells they are a shock.
    assert found("shock", SINE[::2], SINE[::2]) == 0


def test_where_nothing_moves_only_the_drift_is_known():
    for level in (0.0, 1.0):
        truth = np.full(CELLS, level)
        answers = {name: found(name, STEP, truth) for name in DIAGNOSTICS}
        assert [name for name, v in answers.items() if np.isnan(v)] == [
            "variation",
            "spectrum",
            "shock",
        ]
    assert found("drift", 0.0 * X, 0.0 * X) == 0.0


def test_of_two_fields():
    """Drift: the worse one. Variation: the mean. Spectrum: both together. Shock: the first."""
    truth = np.stack([1.0 + sawtooth(3), 4.0 * STEP])
    forecast = np.stack([1.1 + sawtooth(5), 2.0 * STEP])
    assert found("drift", forecast, truth) == pytest.approx(1.0 / 2.0)
    assert found("variation", forecast, truth) == pytest.approx((1.0 + 0.5) / 2)
    rough = [np.sum(np.abs(np.fft.rfft(v)[1:]) ** 2) for v in truth]
    expected = 0.5 * np.sqrt(rough[1] / sum(rough))
    assert found("spectrum", forecast, truth) == pytest.approx(expected, rel=1e-12)
    assert found("shock", forecast, truth) == 2
    # A field at rest has no variation to compare with.
    still = np.stack([np.ones(CELLS), STEP])
    assert found("variation", np.stack([SINE, 0.5 * STEP]), still) == pytest.approx(0.5)


def test_shapes_are_those_of_the_last_frame_and_windows_are_apart():
    random = np.random.default_rng(0)
    forecast, truth = random.normal(size=(2, 3, 4, 2, CELLS)).astype(np.float32)
    truth[..., 0, :] += 9 * sawtooth(4)
    last = truth[:, 0]
    together = diagnose(forecast, truth, last)
    for i in range(3):
        alone = diagnose(forecast[i : i + 1], truth[i : i + 1], last[i : i + 1])
        for name in DIAGNOSTICS:
            assert together[name].shape == (3,)
            assert together[name][i] == alone[name][0]
    wild = np.concatenate([100.0 * forecast[:, :3], forecast[:, 3:]], axis=1)
    for name in DIAGNOSTICS[1:]:
        np.testing.assert_array_equal(diagnose(wild, truth, last)[name], together[name])
    assert np.all(diagnose(wild, truth, last)["drift"] > together["drift"])


def test_a_forecast_that_is_not_finite_or_has_no_jump_is_as_far_off_as_can_be():
    truth = np.zeros((2, 2, 1, 20))
    truth[..., 5:9] = 1.0
    forecast = truth.copy()
    forecast[0, 1, 0, 3] = np.nan
    forecast[1] = 0.3
    found = diagnose(forecast, truth, truth[:, 0])
    assert all(np.isinf(values[0]) for values in found.values())
    assert found["shock"][1] == 10.0 and found["variation"][1] == 0.0
