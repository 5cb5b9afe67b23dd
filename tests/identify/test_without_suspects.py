"""What is tried when a law of a few sensors' values does not explain them."""

import dataclasses

import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify import FitStatus
from hfluxno.identify import without_suspects as module
from hfluxno.identify.identification import nothing_to_infer
from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.without_suspects import without_suspects

VALUES = np.full((20, 1, 40), np.nan)
VALUES[:, 0, ::8] = 1.0 + 0.1 * np.random.default_rng(0).normal(size=(20, 5))
WILD = (7, 0, 16)
VALUES[WILD] = 9.0
CONTEXT = Trajectory.from_numpy(VALUES)


class Shows(Estimate):
    """One that only tells what would be measured: one everywhere, and `off` that."""

    def __new__(cls, off: float):
        found = object.__new__(cls)
        object.__setattr__(found, "off", off)
        return found

    def __init__(self, off: float):
        pass

    def observed(self, times) -> np.ndarray:
        return np.ones(VALUES.shape) + self.off


def tried(outcomes: dict[tuple[str, bool], tuple[FitStatus, float]]):
    """The result, and what was tried: a stage, and whether the wild value was seen."""
    asked = []
    report = nothing_to_infer(np.stack([np.zeros(40), np.ones(40)])[:, None], CONTEXT)

    def found(stage: str, context: Trajectory):
        asked.append((stage, bool(np.isfinite(context.values[WILD]))))
        status, off = outcomes[asked[-1]]
        return dataclasses.replace(report, status=status, estimate=Shows(off))

    def with_terms(found_before, context):
        return found_before if found_before.status == FitStatus.OK else found("terms", context)

    return without_suspects(CONTEXT, lambda c: found("first", c), with_terms), asked


OK, POOR = FitStatus.OK, FitStatus.POOR_FIT


@pytest.mark.parametrize(
    ("outcomes", "suspect"),
    [
        ({("first", True): (OK, 0.0)}, 0),
        ({("first", True): (POOR, 0.5), ("first", False): (OK, 0.0)}, 1),
        (
            {
                ("first", True): (POOR, 0.5),
                ("first", False): (POOR, 0.4),
                ("terms", False): (OK, 0.0),
            },
            1,
        ),
        (  # not explained, but half as much is left of the others
            {
                ("first", True): (POOR, 1.0),
                ("first", False): (POOR, 0.9),
                ("terms", False): (POOR, 0.2),
            },
            1,
        ),
        (
            {
                ("first", True): (POOR, 0.5),
                ("first", False): (POOR, 0.5),
                ("terms", False): (POOR, 0.4),
                ("terms", True): (POOR, 0.5),
            },
            0,
        ),
    ],
    ids=["explained", "without it", "with terms too", "half as much", "in vain"],
)
def test_terms_are_tried_for_the_others_first(outcomes, suspect):
    found, asked = tried(outcomes)
    assert asked == list(outcomes)
    assert found.suspect == suspect


def test_what_a_better_law_shows_to_be_wild_is_left_out_then(monkeypatch):
    marked = iter([np.zeros(VALUES.shape, bool), VALUES == 9.0])
    monkeypatch.setattr(module, "suspect_values", lambda *_: next(marked))
    outcomes = {
        ("first", True): (POOR, 0.5),
        ("terms", True): (POOR, 0.4),
        ("first", False): (OK, 0.0),
    }
    found, asked = tried(outcomes)
    assert asked == list(outcomes) and found.suspect == 1 and found.status == OK


def test_without_enough_values_nothing_is_left_out():
    def first(context):
        if not np.isfinite(context.values[WILD]):
            raise ValueError("too few")
        return dataclasses.replace(report, status=POOR, estimate=Shows(0.5))

    report = nothing_to_infer(np.stack([np.zeros(40), np.ones(40)])[:, None], CONTEXT)
    found = without_suspects(CONTEXT, first, lambda found, _: found)
    assert found is not None and found.suspect == 0 and found.status == POOR
    assert without_suspects(CONTEXT, lambda _: None, lambda found, _: found) is None
