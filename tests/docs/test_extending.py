"""The worked example of docs/extending.md runs as it stands, with smaller numbers."""

import re
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from hfluxno.evaluation.paper.results import read
from hfluxno.models.registry import MODELS
from hfluxno.models.weights import load
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


def test_every_block_of_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(MODELS, "stencil", None)  # so that the entry goes at the end
    blocks = re.findall(r"```python\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    text = "\n".join(blocks)
    for long, short in _SMALLER.items():
        assert text.count(long) == 1
        text = text.replace(long, short)
    names: dict = {"__name__": "extending"}
    exec(compile(text, str(_PAGE), "exec"), names)
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
