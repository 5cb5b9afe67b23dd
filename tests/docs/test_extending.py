"""The recipes of docs/extending.md run as they stand, the training with smaller numbers."""

import dataclasses
import json
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno import boundary
from hfluxno.cli import main
from hfluxno.data.opening import READERS
from hfluxno.evaluation.paper.results import read
from hfluxno.fv import Rusanov, solve
from hfluxno.laws import Cubic
from hfluxno.methods import METHODS
from hfluxno.models.registry import MODELS
from hfluxno.models.weights import load
from hfluxno.observation import Run, TimeMean
from hfluxno.training.release import release

_PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
# What would take minutes.
_SMALLER = {
    "steps=2_000": "steps=4",
    "batch=64": "batch=4",
    "windows=64": "windows=4",
    "every=500": "every=4",
    "warmup=100": "warmup=1",
    '"--windows", "100"': '"--windows", "4", "--laws", "2"',
}


def followed(recipe: str, smaller: dict[str, str] | None = None) -> dict:
    """The names that the blocks of a recipe leave."""
    section = _PAGE.read_text(encoding="utf-8").split(f"\n## {recipe}\n")[1].split("\n## ")[0]
    text = "\n".join(re.findall(r"```python\n(.*?)```", section, re.DOTALL))
    for long, short in (smaller or {}).items():
        assert text.count(long) == 1
        text = text.replace(long, short)
    names: dict = {"__name__": "extending"}
    exec(compile(text, str(_PAGE), "exec"), names)
    return names


def test_a_law():
    names = followed("A law")
    values = np.asarray(names["solution"].values)
    # The jacobian v (ln(ρ_max/ρ) - 1) follows from the flux; the ring keeps its cars.
    law, u = names["Greenberg"](v=2.0), jnp.asarray([[0.2, 0.5]])
    np.testing.assert_allclose(law.jacobian(u)[0, 0], 2.0 * (-np.log(u[0]) - 1.0), rtol=1e-5)
    np.testing.assert_allclose(values.sum(axis=(1, 2)), 40.0, rtol=1e-5)
    assert int(names["solution"].status) == 0 and np.abs(values[-1] - values[0]).max() > 0.05


def test_a_scheme():
    names = followed("A scheme")
    found, grid, state = (names[name] for name in ("solution", "grid", "state"))
    times = np.linspace(0.0, 0.1, 6)
    rusanov = np.asarray(solve(Rusanov(Cubic()), state, times, grid).values)
    values = np.asarray(found.values)
    np.testing.assert_allclose(values.sum(axis=(1, 2)), 0.0, atol=1e-4)
    # Near the less dissipative flux, and flatter.
    assert 0.0 < np.abs(values[-1] - rusanov[-1]).mean() < 0.1
    assert np.abs(np.diff(values[-1])).sum() <= np.abs(np.diff(rusanov[-1])).sum()


def test_a_boundary():
    names = followed("A boundary")
    # A ramp that moves with unit speed stays a ramp, through both ends.
    values, x = np.asarray(names["solution"].values)[:, 0], names["grid"].centers()
    np.testing.assert_allclose(values[-1], 1.0 + x - 0.2, atol=2e-5)
    assert issubclass(names["Extrapolated"], boundary.Boundary)


@pytest.mark.usefixtures("x64")
def test_an_observation():
    """Its values, and derivatives like those of finite differences."""
    names = followed("An observation")
    context, step = names["context"], names["MeanSpeed"]()
    assert context.states.fields == ("density",) and len(context.observation) == 2
    u = jnp.asarray(np.random.default_rng(0).uniform(0.2, 0.6, (3, 1, 5)))

    def speed(u):
        return step(Run(u, u * (1.0 - u)))[:, 1]

    np.testing.assert_allclose(speed(u), 1.0 - u[:, 0])
    np.testing.assert_allclose(jax.jvp(speed, (u,), (u,))[1], -u[:, 0])


@pytest.mark.validation
def test_an_observation_is_fitted_through():
    """The law is that of the speeds, though what moves does so at another one."""
    context = followed("An observation")["context"]
    x, tau = context.grid.centers(), np.linspace(-0.25, 0.25, 100)
    u = density_of_greenshields(
        x, np.asarray(context.times)[:, None, None] * 0.1 + 0.1 * tau[:, None]
    )
    seen = np.stack([u.mean(axis=1), (1.0 - u).mean(axis=1)], axis=1)
    context = dataclasses.replace(
        context,
        values=seen,
        times=0.1 * context.times,
        observation=(*context.observation[:1], TimeMean(0.05)),
    )
    found = hfluxno.reconstruct(context).identification.law
    u = np.linspace(0.22, 0.38, 5)
    flux = np.asarray(found.flux(u)).ravel() + float(found.terms.flux_offset[0])
    np.testing.assert_allclose(flux, u * (1.0 - u), atol=0.003)


def density_of_greenshields(x, t):
    """∂t u + ∂x u (1 - u) = 0 from 0.3 + 0.1 sin(2πx), along characteristics, before it breaks."""
    u = 0.3 + 0.0 * (x + t)
    for _ in range(200):
        u = 0.3 + 0.1 * np.sin(2 * np.pi * (x - (1.0 - 2.0 * u) * t))
    return u


def wave(frames=8, cells=16):
    x, t = (np.arange(cells) + 0.5) / cells, np.arange(frames) * 1e-3
    return x, t, 1.0 + 0.2 * np.sin(2 * np.pi * (x - t[:, None]))


def test_a_method(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(METHODS, "trend", None)  # so that the entry goes at the end
    followed("A method of forecasting")
    x, t, values = wave()
    values = values[:1] + 0.1 * np.arange(8)[:, None]
    np.savez("in.npz", values=np.stack([values] * 70)[:, :, None], x=x, t=t)
    assert main(["forecast", "in.npz", "-k", "5", "-n", "3", "--method", "trend", "--json"]) == 0
    captured = capsys.readouterr()
    results = json.loads(captured.out)["results"]
    assert len(results) == 70 and "70 of 70 contexts" in captured.err
    assert max(result["true_error"]["3"] for result in results) < 1e-6


def test_a_reader(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(READERS, ".waves", None)
    followed("A reader")
    x, t, values = wave()
    values[2, 3] = np.nan
    np.savetxt("in.waves", np.vstack([[0.0, *x], np.column_stack([t, values])]))
    assert (
        main(["forecast", "in.waves", "-k", "5", "-n", "3", "--method", "persistence", "--json"])
        == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert (report["variable"], report["frames"], report["cells"]) == ("height", 8, 16)


@pytest.mark.validation
def test_a_network(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(MODELS, "stencil", None)  # so that the entry goes at the end
    names = followed("A network", _SMALLER)
    assert np.isfinite(names["outcome"].best_error)

    found = read(Path("benchmark/results.json"))["records"]["cubic"]
    assert found["stencil"][0]["windows"] == 4
    assert "| stencil |" in capsys.readouterr().out

    # Weights survive being released: the same frame after the same context.
    release(Path("runs/stencil-cubic"), Path("weights"))
    context = jnp.asarray(np.random.default_rng(0).normal(size=(20, 1, 100)), jnp.float32)
    frames = [
        network.predict(context)
        for network in (names["forecaster"].network, load("weights").network)
    ]
    np.testing.assert_allclose(*frames, rtol=1e-6)
