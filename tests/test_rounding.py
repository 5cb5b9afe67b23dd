"""Values that were rounded."""

import dataclasses

import numpy as np
import pytest

from hfluxno import forecast
from hfluxno.rounding import rounding_error, rounding_step
from tests.identify.laws import FULL, V, identification, polynomial, road

FRAMES, CELLS = 12, 40


def wave(speed=0.01, frames=FRAMES):
    x, t = (np.arange(CELLS) + 0.5) / CELLS, np.arange(frames)[:, None]
    return 1.0 + 0.5 * np.sin(2 * np.pi * (x - speed * t))[:, None]


@pytest.mark.parametrize("step", [0.1, 0.05, 0.25, 1e-7])
@pytest.mark.parametrize("offset", [0.0, 273.15])
@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_the_step_is_found(step, offset, precision):
    size = step / 0.1
    if offset and step < 1e-3:
        pytest.skip("there are hardly such numbers")
    values = (step * np.round(wave() * size / step) + offset).astype(precision)
    assert rounding_step(values) == pytest.approx(step, rel=1e-3)
    values[2, 0, 3:6] = np.nan
    assert rounding_step(values) == pytest.approx(step, rel=1e-3)


def test_counts_have_the_step_one():
    counts = np.random.default_rng(0).poisson(30.0, size=(FRAMES, 1, CELLS)).astype(float)
    assert rounding_step(counts) == 1.0


def test_what_is_not_rounded_has_no_step():
    rng = np.random.default_rng(1)
    assert rounding_step(wave()) == 0.0
    assert rounding_step(np.round(wave(), 6)) == 0.0  # as most files are written
    assert rounding_step(np.where(wave() > 1.0, 0.9, 0.2)) == 0.0  # a jump between two states
    levels = np.repeat(rng.uniform(size=9), 50)  # plateaus of any height
    assert rounding_step(levels) == 0.0
    assert rounding_step(np.full(5, np.nan)) == 0.0


def test_each_field_has_its_error():
    both = np.concatenate([np.round(wave(), 1), wave()], axis=1)
    np.testing.assert_allclose(rounding_error(both), [0.5 * 0.1 / np.sqrt(12.0), 0.0], rtol=1e-6)


@pytest.mark.parametrize("step", [0.0, 10.0])
def test_a_forecast_is_no_better_known_than_what_rounding_leaves(step):
    """With the law of the road, which is solved exactly."""
    law = identification(polynomial(20.0, 110.0, 0.0, V, -V / FULL), cells=60)
    context = road().window(0, 8)
    values = np.asarray(context.values)
    if step:
        context = dataclasses.replace(context, values=step * np.round(values / step))
    ahead = forecast(context, 3, law=law)
    least = 0.5 * step / np.sqrt(12.0)
    assert ahead.deviation is not None and np.min(ahead.deviation) >= least
    assert step or np.min(ahead.deviation) < 0.2
