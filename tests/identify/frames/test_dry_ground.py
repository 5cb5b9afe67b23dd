"""Flows over ground that may be dry, against Ritter's exact solution of a dam break."""

import dataclasses
import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from hfluxno import forecast
from hfluxno.forecast_checks import relative_l2
from hfluxno.fv import MUSCL, Status, StepControl, eigen, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.candidate_family import family_of
from hfluxno.identify.frames.candidate_functions import may_be_dry
from hfluxno.identify.frames.stages import stages, stages_over_dry_ground
from hfluxno.identify.frames.weak_start import weak_parameters
from hfluxno.trajectory import Trajectory
from tests.compiled import compiled
from tests.identify.exact import dam_break_on_dry_ground
from tests.identify.laws import dry_ground

select = importlib.import_module("hfluxno.identify.frames.select")

G, LENGTH, CELLS = 9.81, 20.0, 100
TIMES = np.linspace(0.0, 1.6, 25)


def ritter(times, cells=CELLS):
    return dam_break_on_dry_ground(times, cells, LENGTH, gravity=G)


def test_a_flow_that_falls_to_zero_may_be_dry():
    frames = ritter(TIMES)
    assert may_be_dry(frames, (1,))
    assert not may_be_dry(frames, ())
    assert not may_be_dry(frames + np.array([0.1, 0.0])[:, None], (1,))
    assert not may_be_dry(frames - np.array([0.1, 0.0])[:, None], (1,))  # not a density
    assert not may_be_dry(np.concatenate([frames, frames[:, :1]], axis=1), (1,))


@pytest.mark.usefixtures("x64")
def test_the_weak_form_finds_the_law_of_the_flow():
    frames = ritter(TIMES)
    bounded = stages_over_dry_ground()[1].propose(Candidate())[0]
    grid, weights = (
        Grid.interval(CELLS, upper=float(CELLS), boundary="reflecting"),
        np.ones(len(frames)),
    )
    family, _ = family_of(bounded, frames, ("h", "q"), (1,), None, weights, grid)
    law = family.law(weak_parameters(family, frames, weights, grid))
    steps = TIMES[1] / (LENGTH / CELLS)
    found = np.asarray(law.flux_coefficients) / law.basis.sizes / steps
    table = {
        (field, powers): found[i, k]
        for i, field in enumerate("hq")
        for k, powers in enumerate(law.basis.exponents)
        if abs(found[i, k]) > 1e-6
    }
    expected = {("h", (0, 1)): 1.0, ("q", (2, 0)): 0.5 * G, ("q", (-1, 2)): 1.0}
    assert table.keys() == expected.keys()
    for key, value in expected.items():
        assert table[key] == pytest.approx(value, rel=0.01)


@pytest.mark.usefixtures("x64")
def test_the_velocity_of_nearly_dry_ground_is_bounded():
    law = dry_ground()
    u = np.array([[0.0, -1e-3, 1e-9, 0.1, 1.0], [0.3, -0.3, 0.3, -0.3, 0.3]])
    (mass, momentum), speeds = compiled(
        lambda law, u: (law.flux(u), eigen.speeds(law.jacobian(u))), law, u
    )
    np.testing.assert_allclose(mass, [0.0, 0.0, 1.5e-9, -0.15, 0.3], rtol=1e-12)
    assert np.max(np.abs(speeds)) <= 1.5 + np.sqrt(9.8) + 1e-12
    assert np.all(np.abs(momentum[:3]) < 1e-2)


@pytest.mark.usefixtures("x64")
def test_water_that_runs_over_dry_ground_stays_positive_and_is_conserved():
    given = dry_ground()
    law = dataclasses.replace(
        given,
        basis=dataclasses.replace(given.basis, scale=np.ones(2), fastest=12.0),
        flux_coefficients=np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.5 * G, 1.0]]),
        lower=np.array([1e-4, -2.0]),
    )
    grid = Grid.interval(400, upper=LENGTH, boundary="reflecting")
    start = ritter([0.1], 400)[0]
    times = np.linspace(0.1, 6.0, 20)
    found = compiled(solve, MUSCL(law), start, times, grid, StepControl(0.4, 0.4, False))
    frames = np.asarray(found.values)
    assert found.status == Status.OK
    assert frames[:, 0].min() > -1e-12
    totals = frames[:, 0].sum(axis=1)
    np.testing.assert_allclose(totals, totals[0], rtol=1e-12)
    at = 4  # before anything reaches the far wall
    assert relative_l2(frames[at], ritter([times[at]], 400)[0], (0, 1)) < 0.01


def tried(monkeypatch, error_of):
    """The candidates that a search over dry ground tries, by a rule for their back-test errors."""
    seen = []

    def attempt(candidate, *others):
        seen.append(candidate)
        made = select.FittedCandidate.__new__(select.FittedCandidate)
        made.candidate, made.errors, made.rivals = candidate, np.full(3, error_of(candidate)), 0
        made.fit = SimpleNamespace(is_solved=True)
        return made

    monkeypatch.setattr(select, "attempt", attempt)
    monkeypatch.setattr(select, "refit", lambda best, *others: best)
    monkeypatch.setattr(select, "diffuses", lambda *others: False)
    best, _ = select.choose(ritter(TIMES), Grid.interval(CELLS), ("h", "q"), (1,))
    return best.candidate, seen


def test_a_bound_is_tried_where_the_usual_law_predicts_badly(monkeypatch):
    best, seen = tried(monkeypatch, lambda c: 0.2 if not c.dry else 0.03 / c.refinement)
    assert best.dry
    assert best.refinement == 4
    assert [c.dry for c in seen] == [False] + [True] * (len(seen) - 1)


def test_a_usual_law_that_predicts_well_needs_no_bound(monkeypatch):
    best, seen = tried(monkeypatch, lambda c: 0.004 / c.refinement)
    assert not best.dry
    assert not any(c.dry for c in seen)
    assert {c.scheme for c in seen} >= {s.propose(Candidate())[0].scheme for s in stages(2)[:1]}


@pytest.mark.validation
def test_a_dam_break_over_dry_ground_is_forecast():
    """Until the water has reached the wall, and a while beyond what the context shows."""
    every = ritter(np.linspace(0.0, 2.0, 31))
    times, x = np.linspace(0.0, 2.0, 31), (np.arange(CELLS) + 0.5) * LENGTH / CELLS
    context = Trajectory.from_numpy(every[:21], times[:21], x, ("h", "q"), "reflecting")
    found = forecast(context, steps=10)
    assert found.status == FitStatus.OK
    errors = relative_l2(found.trajectory.values, every[21:], (1, 2))
    assert errors[-1] < 0.02
    assert np.all(errors < found.predicted_error_90)
