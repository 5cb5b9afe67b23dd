"""A field that is not what a law conserves is named if its total changes in closed ends."""

import dataclasses

import numpy as np
import pytest

from hfluxno.identify.not_conserved import not_conserved
from hfluxno.identify.residuals.missing import Cause
from hfluxno.identify.status import FitStatus
from hfluxno.trajectory import Trajectory
from tests.identify.laws import identification, one_field

CELLS, FRAMES = 64, 18
X, TIMES = (np.arange(CELLS) + 0.5) / CELLS, 0.02 * np.arange(FRAMES)[:, None]
POOR = FitStatus.SYSTEMATIC_MISFIT


def spreading():
    """A density that moves and spreads, and its square, which is not conserved."""
    w = 2.0 + np.exp(-0.5 * TIMES) * np.sin(2 * np.pi * (X - TIMES))
    return np.stack([w, 0.2 * w**2], axis=1)


def context(values, boundary="periodic"):
    return Trajectory.from_numpy(values, TIMES[:, 0], X, fields=("w", "c"), boundary=boundary)


def named(values, status=POOR, cause=None, momenta=(), boundary="periodic"):
    return not_conserved(status, cause, values, context(values, boundary), momenta)


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("boundary", ["periodic", "reflecting"])
def test_the_field_whose_total_changes_is_named(noise, boundary):
    values = spreading()
    size = values.std(axis=(0, 2), keepdims=True)
    values = values + noise * size * np.random.default_rng(0).normal(size=values.shape)
    assert named(values, boundary=boundary) == ("c",)


def test_it_is_not_where_another_reason_is_known_or_possible():
    values = spreading()
    assert named(values, FitStatus.OK) == named(values, boundary="outflow") == ()
    assert named(values, momenta=(1,)) == ()
    source = Cause("c", 0.3, {}, "a source that depends on place")
    assert named(values, cause=source) == ()
    assert named(values, cause=dataclasses.replace(source, name="dispersion")) == ("c",)
    assert named(np.where(values == values[3, 0, 3], np.nan, values)) == ()


def test_totals_of_points_and_of_noise_do_not_change_gradually():
    """Fronts pass between the points."""
    place = np.mod(X - 0.9 * TIMES / 0.02 / CELLS, 1.0)
    front = np.where(place < 0.4, 1.0, 0.2) + 0.1 * np.sin(2 * np.pi * place)
    w = spreading()[:, 0]
    noisy = w + 0.05 * w.std() * np.random.default_rng(1).normal(size=w.shape)
    assert named(np.stack([front, noisy], axis=1)) == ()


def test_it_is_a_part_of_the_sentence():
    found = identification(one_field(), status=POOR)
    said = dataclasses.replace(found, not_conserved=("c1", "c2")).sentence
    assert "a source changes the total of c1 and c2, or it is not what is conserved" in said
    assert "total" not in found.sentence
