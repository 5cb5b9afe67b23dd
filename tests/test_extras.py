"""The core works without the packages of extras, and says in a sentence which one is missing."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hfluxno.cli import main
from hfluxno.extras import EXTRAS, MissingExtra, require
from hfluxno.models.weights import load

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = sorted(module for modules in EXTRAS.values() for module in modules)

# What of the package is for an extra alone.
_FOR_EXTRAS = (
    "hfluxno.evaluation.paper",
    "hfluxno.evaluation.plane",
    "hfluxno.explore.controls",
    "hfluxno.explore.page",
    "hfluxno.explore.pictures",
    "hfluxno.explore.scenes",
    "hfluxno.explore.serve",
    "hfluxno.models.baselines.disco.disco",
    "hfluxno.models.hub",
    "hfluxno.plots.benchmark",
    "hfluxno.plots.plane_benchmark",
    "hfluxno.training",
)

_CORE = f"""
import importlib, pkgutil, sys

for name in {[*MODULES, "gstools"]!r}:
    sys.modules[name] = None  # an import of it fails
import hfluxno
for module in pkgutil.walk_packages(hfluxno.__path__, "hfluxno.", onerror=lambda name: None):
    if not module.name.startswith({_FOR_EXTRAS!r}) and ".templates" not in module.name:
        importlib.import_module(module.name)

import numpy as np
from pathlib import Path
from hfluxno.cli import main

x, time = (np.arange(32) + 0.5) / 32, 0.01 * np.arange(12)
values = np.stack([1.5 + np.sin(2 * np.pi * (x - t)) for t in time])
np.savez("wave.npz", values=values, x=x, time=time)
assert main(["check", "wave.npz"]) == 0
words = ["-o", "ahead.nc", "--figure", "ahead.png", "-k", "10", "-n", "4"]
words += ["--method", "persistence"]
assert main(["forecast", "wave.npz", *words]) == 0
assert Path("ahead.nc").is_file() and Path("ahead.png").is_file()
words = ["--laws", "1", "--initials", "1", "--cells", "16", "-o", "burgers.zarr"]
assert main(["generate", "burgers", *words]) == 0
"""


def test_the_core_needs_no_extra(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", _CORE], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def distributions(lines):
    return {re.split(r"[^\w-]", line)[0].lower() for line in lines} - {"hfluxno"}


def test_modules_are_those_of_the_extras():
    declared = PROJECT["optional-dependencies"]
    for extra, modules in EXTRAS.items():
        names = {module.replace(".", "-").lower() for module in modules}
        assert names == distributions(declared[extra]), extra
    assert set(declared) == {*EXTRAS, "cuda", "dev", "docs", "oracles", "types"}
    (whole,) = [line for line in declared["dev"] if line.startswith("hfluxno[")]
    named = set(whole.removeprefix("hfluxno[").removesuffix("]").split(","))
    # Networks come with train; the tests have stand-ins for what sends logs away.
    assert named | {"networks", "logs"} == {*EXTRAS, "docs"}


def test_the_core_is_light():
    shared = {"jax", "numpy", "scipy"}  # SciPy is JAX's own
    assert len(distributions(PROJECT["dependencies"]) - shared) < 15
    assert not distributions(PROJECT["dependencies"]) & {
        name for extra in EXTRAS for name in distributions(PROJECT["optional-dependencies"][extra])
    }


@pytest.mark.parametrize(
    ("module", "use", "sentence"),
    [
        ("safetensors", lambda: load("hfluxno-small-cubic"),
         "Loading a network needs safetensors: pip install 'hfluxno[networks]'."),
        ("diffrax", lambda: load("disco-cubic"),
         "DISCO needs diffrax: pip install 'hfluxno[networks]'."),
        ("huggingface_hub", lambda: load("owner/name"),
         "A network of the Hugging Face hub needs huggingface_hub: pip install 'hfluxno[hub]'."),
    ],
    ids=lambda value: value if value in MODULES else "",
)  # fmt: skip
def test_a_missing_package_is_named_in_python(monkeypatch, module, use, sentence):
    monkeypatch.setitem(sys.modules, module, None)  # an import of it fails
    with pytest.raises(MissingExtra) as raised:
        use()
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("module", "words", "sentence"),
    [
        ("optax", "train tiny", "hfluxno train needs optax: pip install 'hfluxno[train]'."),
        ("grain", "evaluate --weights x --data y",
         "hfluxno evaluate needs grain: pip install 'hfluxno[train]'."),
        ("orbax.checkpoint", "benchmark paper",
         "hfluxno benchmark needs orbax.checkpoint: pip install 'hfluxno[train]'."),
        ("panel", "explore", "hfluxno explore needs panel: pip install 'hfluxno[explore]'."),
        ("tensorboardX", "train tiny -o run --tensorboard",
         "--tensorboard needs tensorboardX: pip install 'hfluxno[logs]', or leave it out."),
        ("wandb", "train tiny -o run --wandb mine",
         "--wandb needs wandb: pip install 'hfluxno[logs]', or leave it out."),
    ],
    ids=lambda value: value if value in MODULES else "",
)  # fmt: skip
def test_a_missing_package_is_named_by_commands(
    tmp_path, monkeypatch, capsys, module, words, sentence
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    assert main(words.split()) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"hfluxno: {sentence}"


def test_training_cannot_be_imported_without_its_packages():
    program = "import sys; sys.modules['optax'] = None; import hfluxno.training.losses"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = ended.stderr.splitlines()[-1]
    assert last.endswith("hfluxno.training needs optax: pip install 'hfluxno[train]'.")


def test_all_that_is_missing_is_named(monkeypatch):
    for module in ("bokeh", "panel"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match="bokeh, panel: pip install"):
        require("This", "explore")
    require("This", "train")
