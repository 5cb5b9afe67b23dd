"""The scripts of the gallery: short, described, and right about what they show."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "examples" / "gallery").glob("*.py"))
# The largest error that each may print, in percent. Truth is by other schemes on finer cells.
_MOST = {
    "basin": 3.0,
    "buckley_leverett": 3.0,
    "dam_break": 3.0,
    "gas": 1.0,
    "pedestrians": 1.0,
    "sensors": 4.0,
    "traffic": 0.1,
}


def hook(name="gallery"):
    place = ROOT / "docs" / "hooks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(script, folder):
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "MPLBACKEND": "Agg"}
    environment["PYTHONPATH"] = str(ROOT / "src")
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_are_short_and_described(script):
    pytest.importorskip("mkdocs")
    title, text = hook().described(script)
    assert 0 < len(title) < 40 and title.isprintable() and len(text) > 100
    source = script.read_text(encoding="utf-8")
    assert len(source.splitlines()) < 80
    assert f"gallery/{script.stem}.md" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


def test_a_script_without_a_text_is_refused(tmp_path):
    pytest.importorskip("mkdocs")
    script = tmp_path / "bare.py"
    script.write_text('"""Only a title"""\n')
    with pytest.raises(Exception, match=r"bare\.py needs a docstring: a title, an empty line"):
        hook().described(script)


def test_only_a_site_of_several_versions_has_a_selector(monkeypatch):
    config = pytest.importorskip("mkdocs.config.defaults").MkDocsConfig()
    config.extra = {}
    monkeypatch.delenv("MIKE_DOCS_VERSION", raising=False)
    assert "version" not in hook("version").on_config(config).extra
    monkeypatch.setenv("MIKE_DOCS_VERSION", '{"version": "0.2.0"}')
    assert hook("version").on_config(config).extra["version"] == {"provider": "mike"}
    assert config.copyright.startswith("hfluxno ")


@pytest.mark.validation
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_run(script, tmp_path):
    printed = run(script, tmp_path)
    pictures = list(tmp_path.glob("*.png"))
    assert pictures and all(picture.stat().st_size > 20_000 for picture in pictures)
    if script.stem in _MOST:
        errors = re.findall(r"(?:after|error of the field).*? ([\d.e-]+) %", printed)
        assert errors and max(map(float, errors)) < _MOST[script.stem], printed
        assert "a conservation law explains the data" in printed
    if script.stem == "network":
        fitted, network, repeated = (
            float(re.search(rf"{name} .* ([\d.e-]+) after 60", printed)[1])
            for name in ("fitted law", "HFluxNO", "last frame repeated")
        )
        assert fitted < network < repeated
    if script.stem == "cluster":
        roads, below = map(int, re.search(r"bound: (\d+) of (\d+)", printed).group(2, 1))
        assert f"explains {roads} of {roads} roads" in printed and below >= 0.8 * roads
    if script.stem == "take_away":
        assert float(re.search(r"largest difference ([\d.e-]+) of", printed)[1]) < 1.0
        assert r"\begin{align*}" in printed
