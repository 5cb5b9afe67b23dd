"""Four fields on a line, whose eigenvectors have no derivatives: a gas with a tracer."""

import runpy

import numpy as np
import pytest

import hfluxno
from hfluxno.export import export_law
from hfluxno.identify import FitStatus, load_law
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.stages import stages
from hfluxno.trajectory import Trajectory
from tests.identify import runge_kutta

GAMMA, CELLS, FINE, INTERVAL, CONTEXT = 1.4, 48, 8, 0.02, 16
NAMES = ("rho", "m", "E", "s")


@pytest.mark.parametrize(("fields", "scheme"), [(3, "roe"), (4, "muscl")])
def test_every_candidate_of_four_fields_has_derivatives(fields, scheme):
    best = stages(fields)[0].propose(Candidate())[0]
    every = [each for stage in stages(fields) for each in stage.propose(best)]
    assert ({each.scheme for each in every} == {"muscl"}) == (scheme == "muscl")
    assert best.scheme == scheme


def test_five_fields_are_refused():
    values = np.random.default_rng(0).normal(size=(12, 5, 64))
    with pytest.raises(ValueError, match="one to 4 fields can be identified; this one has 5"):
        hfluxno.identify(Trajectory.from_numpy(values))


def gas_with_tracer() -> np.ndarray:
    """By MUSCL with Rusanov's flux on eight times as many cells, averaged."""
    cells = CELLS * FINE
    x = 2.0 * np.pi * (np.arange(cells) + 0.5) / cells
    rho, v = 1.0 + 0.2 * np.sin(x + 1.0), 0.3 + 0.2 * np.cos(x) + 0.1 * np.sin(2.0 * x)
    p, share = 1.0 + 0.2 * np.cos(x + 2.0), 0.5 + 0.25 * np.sin(x + 3.0) + 0.1 * np.cos(2.0 * x)
    u = np.stack([rho, rho * v, p / (GAMMA - 1.0) + 0.5 * rho * v * v, rho * share])

    def flux(u):
        v = u[1] / u[0]
        p = (GAMMA - 1.0) * (u[2] - 0.5 * u[1] * v)
        flux = np.stack([u[1], u[1] * v + p, (u[2] + p) * v, u[3] * v])
        return flux, np.abs(v) + np.sqrt(GAMMA * p / u[0])

    def change(u):
        behind, ahead = u - np.roll(u, 1, 1), np.roll(u, -1, 1) - u
        least = np.minimum(2.0 * np.minimum(abs(behind), abs(ahead)), 0.5 * abs(behind + ahead))
        slope = np.where(behind * ahead > 0.0, np.sign(ahead) * least, 0.0)
        left, right = u + 0.5 * slope, np.roll(u - 0.5 * slope, -1, 1)
        (of_left, fast), (of_right, also) = flux(left), flux(right)
        across = 0.5 * (of_left + of_right - np.maximum(fast, also) * (right - left))
        return -(across - np.roll(across, 1, 1)) * cells

    frames, steps = [u], 40
    for _ in range(CONTEXT + 10 - 1):
        for _ in range(steps):
            u = runge_kutta.heun(change, u, INTERVAL / steps)
        frames.append(u)
    return np.stack(frames).reshape(len(frames), 4, CELLS, FINE).mean(-1)


@pytest.mark.validation
def test_a_gas_with_a_tracer_is_found_and_its_law_taken_to_another_day(tmp_path):
    truth = gas_with_tracer()
    times, x = INTERVAL * np.arange(len(truth)), (np.arange(CELLS) + 0.5) / CELLS
    context = Trajectory.from_numpy(truth[:CONTEXT], times[:CONTEXT], x, fields=NAMES)
    ahead = hfluxno.forecast(context, 10)
    (found,) = ahead.identifications
    assert found.status == FitStatus.OK
    for formula, terms in zip(found.formulas, (("m",), ("E", "m²/rho")), strict=False):
        assert all(term in formula for term in terms)
    assert "m·s/rho" in found.formulas[3]

    def error(forecast):
        away = np.asarray(forecast.trajectory.values)[-1] - truth[-1]
        return np.linalg.norm(away) / np.linalg.norm(truth[-1])

    assert error(ahead) < min(0.01, ahead.predicted_error_90[-1])
    found.save(tmp_path / "law.json")
    files = export_law(load_law(tmp_path / "law.json"), "numpy")
    (tmp_path / "law.py").write_text(files["law.py"])
    module = runpy.run_path(str(tmp_path / "law.py"))
    u = truth[0]
    v = u[1] / u[0]
    c = np.sqrt(GAMMA * (GAMMA - 1.0) * (u[2] - 0.5 * u[1] * v) / u[0])
    np.testing.assert_allclose(module["speeds"](u), [v - c, v, v, v + c], atol=0.02)
    with pytest.raises(ValueError, match="export the law to numpy or pyclaw"):
        export_law(load_law(tmp_path / "law.json"), "c")
    late = Trajectory.from_numpy(truth[10:CONTEXT], times[10:CONTEXT], x, fields=NAMES)
    assert error(hfluxno.forecast(late, 10, law=load_law(tmp_path / "law.json"))) < 0.01
