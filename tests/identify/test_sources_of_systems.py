"""Two fields with sources of their own: from the weak form to the forecast."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.fv import Roe, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.basis import Dictionary, physical_exponents
from hfluxno.identify.candidate import Candidate, Stage, make_directions, make_mask
from hfluxno.identify.refine import LawFamily
from hfluxno.laws import ShallowWater
from hfluxno.trajectory import Trajectory
from tests.compiled import compiled

CELLS, FRAMES, STEPS, INTERVAL = 64, 16, 8, 0.02
FRICTION = 1.5


class WithFriction(ShallowWater):
    def source(self, u, x, t):
        return jnp.stack([jnp.zeros_like(u[0]), -FRICTION * u[1]])


@pytest.fixture(scope="module")
def values():
    x = (np.arange(CELLS) + 0.5) / CELLS
    initial = np.stack([1.0 + 0.3 * np.sin(2 * np.pi * x), 0.3 + 0.2 * np.cos(4 * np.pi * x)])
    with jax.enable_x64(True):
        law = WithFriction(alpha=1.0, gamma=1.0, beta=1.0)
        times = INTERVAL * np.arange(FRAMES + STEPS)
        run = solve(Roe(law, "mc", False), jnp.asarray(initial), times, Grid.interval(CELLS))
        return np.asarray(run.values)


def family(values, negated=()):
    lower, upper = values.min(axis=(0, 2)), values.max(axis=(0, 2))
    scale = np.maximum(np.abs(lower), np.abs(upper))
    basis = Dictionary(scale, physical_exponents((True, False)), ("h", "m"))
    mask = make_mask(Candidate("dictionary", 0, sources=True), basis, 2, negated)
    return LawFamily(basis, make_directions(mask), lower, upper, 0, ("h", "m"), negated, 2)


def test_the_weak_form_knows_sources(values, x64):
    few = family(values)
    names, count = few.basis.names, len(few.basis.names)
    wanted = [(0, "m"), (1, "h²"), (1, "m²/h")]
    free = np.zeros(2 * count + 4)
    free[[field * count + names.index(name) for field, name in wanted] + [2 * count + 3]] = 1.0
    few = LawFamily(few.basis, make_directions(free), few.lower, few.upper, 0, ("h", "m"), (), 2)
    found = compiled(few.start, jnp.asarray(values), jnp.ones(len(values)), True)
    law = few.law(np.asarray(found))
    source = np.asarray(law.source(jnp.asarray(values[0]), jnp.zeros((1, CELLS)), 0.0))
    np.testing.assert_allclose(source[0], 0.0, atol=1e-12)
    np.testing.assert_allclose(source[1], -FRICTION * INTERVAL * values[0, 1], rtol=0.03, atol=1e-4)


def test_a_wall_allows_no_constant_source_of_the_momentum(values):
    mask = family(values, negated=(1,)).mask
    np.testing.assert_array_equal(mask[-4:], [1.0, 1.0, 0.0, 1.0])
    np.testing.assert_array_equal(family(values).mask[-4:], 1.0)


def test_friction_is_found_and_goes_on(values, x64, monkeypatch, tmp_path):
    """Of the stages only the first one, which data of our own scheme end at."""
    select = importlib.import_module("hfluxno.identify.select")
    plain = Candidate("dictionary", 0, sparse="weak-form")
    monkeypatch.setattr(select, "stages", lambda fields: (Stage(lambda best: (plain,), 1.0),))
    times = INTERVAL * np.arange(FRAMES)
    context = Trajectory.from_numpy(values[:FRAMES], times, fields=("h", "m"))
    found = hfluxno.identify(context)
    assert found.status == FitStatus.OK and found.candidate.sources
    assert set(found.coefficients) == {"f_h[m]", "f_m[h²]", "f_m[m²/h]", "s_m[m]"}
    assert found.coefficients["s_m[m]"] == pytest.approx(-FRICTION, rel=1e-3)
    assert found.formulas[1] == "∂t m + ∂x(0.5 h² + 1 m²/h) = -1.5 m"
    assert found.recognised.name == "shallow water"
    forecast = hfluxno.forecast(context, STEPS)
    error = np.asarray(forecast.trajectory.values) - values[FRAMES:]
    assert np.linalg.norm(error) < 1e-4 * np.linalg.norm(values[FRAMES:])
    found.save(tmp_path / "law.json")
    again = hfluxno.load_law(tmp_path / "law.json")
    u, x = jnp.asarray(values[0]), jnp.zeros((1, CELLS))
    np.testing.assert_array_equal(again.law.source(u, x, 0.0), found.law.source(u, x, 0.0))
