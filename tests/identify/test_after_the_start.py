"""Laws of frames of which the first one does not tell the first state."""

import dataclasses

import numpy as np
import pytest

from hfluxno.identify import after_the_start
from hfluxno.identify.after_the_start import law_after_the_start
from hfluxno.identify.identification import nothing_to_infer
from hfluxno.identify.residuals.misfit import UNKNOWN
from hfluxno.identify.status import FitStatus
from hfluxno.trajectory import Trajectory

TIMES = 0.5 * np.arange(20.0)
CONTEXT = Trajectory.from_numpy(np.random.default_rng(0).normal(size=(20, 1, 16)), TIMES)
EMPTY = nothing_to_infer(np.asarray(CONTEXT.values), CONTEXT)


def found(status, **misfit):
    shown = dataclasses.replace(UNKNOWN, shared=0.003, size=0.02, in_time=0.5, **misfit)
    return dataclasses.replace(EMPTY, status=status, misfit=shown)


WARNED = FitStatus.SYSTEMATIC_MISFIT
DIES_OUT = found(WARNED, growth=0.3)


@pytest.fixture
def parts(monkeypatch):
    """The contexts in which a law was sought."""
    monkeypatch.setattr(after_the_start, "to_save", lambda later: later)
    whole = dataclasses.replace(EMPTY, status=FitStatus.OK)
    monkeypatch.setattr(after_the_start, "given_identifier", lambda *_: lambda _: (whole,))
    return []


def sought(parts, later):
    def seek(part):
        parts.append(part)
        return later

    return seek


def test_a_law_whose_misfit_dies_out_is_sought_without_the_first_frames(parts):
    later = dataclasses.replace(found(FitStatus.OK, growth=1.0), candidate="of later frames")
    law = law_after_the_start(DIES_OUT, CONTEXT, sought(parts, later))
    assert law is not None and law.status == FitStatus.OK and law.candidate == "of later frames"
    (part,) = parts
    np.testing.assert_array_equal(part.times, TIMES[4:])
    np.testing.assert_array_equal(part.values, CONTEXT.values[4:])


@pytest.mark.parametrize(
    "other", [found(WARNED, growth=0.6), found(FitStatus.OK, growth=0.3), EMPTY]
)
def test_no_other_law_is_sought_again(parts, other):
    assert law_after_the_start(other, CONTEXT, sought(parts, None)) is None
    systematic = found(WARNED, growth=0.3, variation=0.1)
    assert law_after_the_start(systematic, CONTEXT, sought(parts, None)) is None
    brief = dataclasses.replace(CONTEXT, values=CONTEXT.values[:14], times=TIMES[:14])
    assert law_after_the_start(DIES_OUT, brief, sought(parts, None)) is None
    assert not parts


@pytest.mark.parametrize("later", [None, found(WARNED, growth=1.0)])
def test_the_warning_stays_unless_later_frames_are_explained(parts, later):
    assert law_after_the_start(DIES_OUT, CONTEXT, sought(parts, later)) is None
    assert len(parts) == 1
