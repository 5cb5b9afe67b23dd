"""Values at the limit of an instrument, and others that are all alike."""

import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.data.unlikely_values import oddities
from hfluxno.identify import identification
from hfluxno.sensor_limit import at_limit, without_limits

TIMES, X = np.arange(20.0)[:, None], (np.arange(50) + 0.5) / 50
WAVE = 3.0 + np.sin(2 * np.pi * (X - 0.02 * TIMES))
NOISE = 0.03 * np.random.default_rng(0).normal(size=WAVE.shape)


@pytest.mark.parametrize("rounding", [None, 3])
@pytest.mark.parametrize(("low", "high"), [(-np.inf, 3.8), (2.3, np.inf), (2.3, 3.8)])
def test_what_repeats_the_largest_or_smallest_value_is_at_a_limit(low, high, rounding):
    shown = np.clip(WAVE + NOISE, low, high)
    shown = shown if rounding is None else shown.round(rounding)
    beyond = (shown == low) | (shown == high)
    assert beyond.mean() > 0.1
    np.testing.assert_array_equal(at_limit(shown), beyond)
    said = oddities(shown[None], X, np.arange(len(shown)))
    assert len(said) == np.isfinite([low, high]).sum()
    assert f"{np.sum(shown == max(low, -99.0) if np.isfinite(low) else shown == high)} v" in said[0]


@pytest.mark.parametrize(
    "values",
    [
        WAVE + NOISE,
        np.clip(WAVE, 2.3, 3.8),  # a state of its own, without noise
        np.clip(WAVE + NOISE - 3.0, 0.0, 1.0),  # nothing and all are limits of what is measured
        (WAVE + NOISE).round(1),  # rounded by more than the noise
        np.clip(WAVE + NOISE, 3.0, np.inf),  # half of the values, without which little is left
        np.where(np.arange(50) < 2, 1.5, WAVE + NOISE),  # what is at rest in two places
        np.full((20, 50), np.nan),
    ],
    ids=["noise", "plateaus", "natural", "rounded", "half", "at rest", "nothing"],
)
def test_other_values_are_not(values):
    assert not at_limit(values).any()


def test_frames_are_explained_without_them(monkeypatch):
    shown = np.minimum(WAVE + NOISE, 3.8)
    context = Trajectory.from_numpy(shown, TIMES[:, 0], X)
    others, limited = without_limits(context)
    assert limited == np.sum(shown == 3.8) == np.sum(np.isnan(others.values))
    unchanged, none = without_limits(Trajectory.from_numpy(WAVE + NOISE, TIMES[:, 0], X))
    assert none == 0 and np.isfinite(unchanged.values).all()
    seen = []
    nothing = identification.nothing_to_infer(shown[:, None], context)

    def law_of(single, _):
        seen.append(np.isnan(single.values).sum())
        return nothing

    monkeypatch.setattr(identification, "without_wild_values", law_of)
    (found,) = identification.identify_all(context)
    assert seen == [limited] and found.limited == limited
    assert f"{limited} measured values left out, which are all alike at a limit" in found.sentence
