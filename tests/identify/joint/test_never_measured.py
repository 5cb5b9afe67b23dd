"""What is not known where nothing was ever measured.

The truth is Burgers' equation on a ring by an upwind scheme on cells 32 times finer, of which one
half is never measured.
"""

import numpy as np
import pytest

from hfluxno import Trajectory, forecast
from hfluxno.identify import FitStatus
from hfluxno.identify.accepted import is_joint
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward

CELLS, FINER, FRAMES, AHEAD = 32, 32, 16, 10


@pytest.fixture(scope="module")
def burgers():
    count = CELLS * FINER
    x = (np.arange(count) + 0.5) / count
    u = 1.0 + 0.3 * np.sin(2 * np.pi * x) + 0.15 * np.cos(4 * np.pi * x)
    frames = []
    for _ in range(FRAMES + AHEAD):
        frames.append(u.reshape(CELLS, FINER).mean(axis=1))
        for _ in range(40):
            u = u - 0.02 / 40 * count * (0.5 * u**2 - np.roll(0.5 * u**2, 1))
    return np.array(frames)


def seen_in(values, cells):
    known = np.isin(np.arange(CELLS), cells)
    return Trajectory.from_numpy(
        np.where(known, values[:FRAMES], np.nan), 0.02 * np.arange(FRAMES), fields=("u",)
    )


@pytest.mark.parametrize(
    ("cells", "jointly"),
    [(range(16), True), (range(0, CELLS, 4), False), ((*range(20), *range(24, CELLS)), False)],
)
def test_a_long_stretch_without_measurements_is_not_interpolated(burgers, cells, jointly):
    assert is_joint(seen_in(burgers, list(cells))) is jointly


def test_only_a_few_contexts_of_one_field_are_estimated_jointly_for_it(burgers):
    one = seen_in(burgers, range(16)).values[:, 0]
    times = 0.02 * np.arange(FRAMES)
    for many, jointly in ((16, True), (17, False)):
        batch = np.repeat(one[None, :, None], many, axis=0)
        assert is_joint(Trajectory.from_numpy(batch, times)) is jointly
    pair = np.stack([burgers[:FRAMES], one], axis=1)
    assert not is_joint(Trajectory.from_numpy(pair, times))


def test_the_first_state_is_less_certain_far_from_all_measurements(burgers):
    context = seen_in(burgers, range(16))
    forward = make_forward(Kind(4), context, (), known_first=False)
    spread = np.sqrt(np.sum(forward.first_modes[:, 0] ** 2, axis=0))
    # Between measured cells, which are alike, the least; in the blank, what the frames show.
    size = spread[8] / (0.7 * 0.2)
    assert spread[:16] == pytest.approx(0.7 * 0.2 * size)
    assert size == pytest.approx(np.std(np.asarray(context.values)[:, :, :16]), rel=0.3)
    # The ninth cell from the nearest measured one, of a correlation over 0.15 of 32 cells.
    two_states = np.sqrt(2.0 - 2.0 * np.exp(-8.0 / 4.8))
    assert spread[[23, 24]] == pytest.approx(two_states * size)
    assert np.all(np.diff(spread[17:24]) > 0.0)


@pytest.mark.validation
def test_the_bound_holds_though_half_of_a_ring_was_never_measured(burgers):
    result, truth = forecast(seen_in(burgers, range(16)), steps=AHEAD), burgers[FRAMES:, None]
    assert result.status == FitStatus.OK
    values = np.asarray(result.trajectory.values)
    errors = np.linalg.norm(values - truth, axis=(1, 2)) / np.linalg.norm(truth, axis=(1, 2))
    assert np.all((errors > 0.03) & (errors < result.predicted_error_90))
    assert np.mean(np.abs(values - truth) < result.half_width) > 0.85
