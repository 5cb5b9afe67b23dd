"""Which of the fitted candidates is taken."""

from types import SimpleNamespace

import numpy as np
import pytest

from hfluxno.identify.candidate import Candidate
from hfluxno.identify.select import Trial, _pick


def _trial(error, unknowns, **options):
    """A trial of which only these are known; its class checks the types of what it is made from."""
    trial = object.__new__(Trial)
    trial.candidate, trial.errors = Candidate(**options), np.full(3, error)
    trial.unknowns = SimpleNamespace(mask=np.ones(unknowns))
    return trial


@pytest.mark.parametrize(
    ("simple", "rich", "taken"),
    [
        ((1.09, 4), (1.0, 4), "simple"),  # less work
        ((1.11, 4), (1.0, 4), "rich"),
        ((1.19, 4), (1.0, 9), "simple"),  # 1.1 · 1.18 / 1.08 = 1.20
        ((1.21, 4), (1.0, 9), "rich"),
        ((0.0169, 3), (0.0127, 18), "simple"),
        ((0.0181, 3), (0.0127, 18), "rich"),  # 1.1 · 1.36 / 1.06 = 1.41
        ((1.0, 4), (1.0, 3), "rich"),
    ],
)
def test_an_unknown_must_be_worth_two_percent(simple, rich, taken):
    trials = {"simple": _trial(*simple), "rich": _trial(*rich, refinement=2)}
    assert _pick(list(trials.values())) is trials[taken]
    assert _pick(list(trials.values())[::-1]) is trials[taken]


def test_a_denoised_twin_needs_no_margin_and_failures_are_taken_last():
    plain, twin = _trial(1.0, 4), _trial(0.99, 4, denoised=True)
    assert _pick([plain, twin]) is twin
    failed = _trial(np.nan, 3)
    assert _pick([failed, plain]) is plain
    assert _pick([failed]) is failed
