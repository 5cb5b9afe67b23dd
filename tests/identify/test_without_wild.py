"""Wild values of frames are left out only if the law of the others has other values there."""

import dataclasses

import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify import FitStatus, Identification
from hfluxno.identify.identification import nothing_to_infer
from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.without_wild import without_wild_values

FRAMES, CELLS = 12, 32
TIMES = np.arange(float(FRAMES))
TRUTH = np.sin(2 * np.pi * (np.arange(CELLS) - 0.7 * TIMES[:, None]) / CELLS)[:, None]
FAULTS = [(2, 5), (9, 20)]


def context(values: np.ndarray = TRUTH) -> Trajectory:
    values = values.copy()
    for frame, cell in FAULTS:
        values[frame, 0, cell] += 5.0
    return Trajectory.from_numpy(values, TIMES)


def finder(with_all: FitStatus, without: FitStatus, error: float, shown: np.ndarray = TRUTH):
    """A stand-in for a search: the statuses and the back-test error with gaps (with all: 1)."""

    def law_of(each: Trajectory) -> Identification:
        gaps = np.isnan(np.asarray(each.values))
        return dataclasses.replace(
            nothing_to_infer(TRUTH, each),
            status=without if gaps.any() else with_all,
            backtest_error=error if gaps.any() else 1.0,
            missing=float(gaps.sum()),
            filled=Trajectory.from_numpy(shown, TIMES),
        )

    return law_of


@pytest.mark.parametrize(
    ("with_all", "without", "error", "left"),
    [
        (FitStatus.OK, FitStatus.OK, 0.9, 2),
        (FitStatus.POOR_FIT, FitStatus.POOR_FIT, 0.4, 2),
        (FitStatus.POOR_FIT, FitStatus.POOR_FIT, 0.6, 0),
        (FitStatus.OK, FitStatus.POOR_FIT, 0.4, 0),
    ],
)
def test_what_decides(with_all, without, error, left):
    found = without_wild_values(context(), finder(with_all, without, error))
    assert (found.suspect, found.missing) == (left, left)


def test_values_that_the_law_of_the_others_has_are_kept():
    shown = np.asarray(context().values)
    found = without_wild_values(context(), finder(FitStatus.OK, FitStatus.OK, 0.9, shown))
    assert found.suspect == 0


def test_frames_without_wild_values_are_searched_once():
    calls = []

    def law_of(each: Trajectory) -> Identification:
        calls.append(each)
        return nothing_to_infer(TRUTH, each)

    without_wild_values(Trajectory.from_numpy(TRUTH, TIMES), law_of)
    assert len(calls) == 1


def test_a_joint_estimate_that_is_far_off_ends_the_search():
    found, calls = finder(FitStatus.OK, FitStatus.POOR_FIT, 0.9), []
    size = float(np.nanstd(np.asarray(context().values)))

    def law_of(each: Trajectory, noise: float) -> Identification:
        calls.append(each)
        estimate = object.__new__(Estimate)
        estimate.__dict__.update(noise=np.array([noise]))
        return dataclasses.replace(found(each), estimate=estimate)

    chosen = without_wild_values(context(), lambda each: law_of(each, 0.5 * size))
    assert chosen.suspect == 2 and len(calls) == 1
    chosen = without_wild_values(context(), lambda each: law_of(each, 0.1 * size))
    assert chosen.suspect == 0 and len(calls) == 3


def test_a_dead_place_is_left_out_if_the_law_of_the_others_has_other_values_there():
    values = TRUTH.copy()
    values[..., 9] = 0.0
    dead = Trajectory.from_numpy(values, TIMES)
    found = without_wild_values(dead, finder(FitStatus.OK, FitStatus.OK, 0.9))
    assert (found.suspect, found.missing) == (FRAMES, FRAMES)
    found = without_wild_values(dead, finder(FitStatus.OK, FitStatus.OK, 0.9, values))
    assert found.suspect == 0
