"""Tutorials and answers, followed from top to bottom as a reader would."""

import json
import re
import shlex
from pathlib import Path

import jax
import numpy as np
import pytest

import hfluxno
from hfluxno.cli import main

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page, language):
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.M)


def followed(page):
    """The names that the Python of a page leaves."""
    names: dict = {"__name__": page}
    exec(compile("\n".join(blocks(page, "python")), page, "exec"), names)
    return names


def test_own_layout():
    names = followed("how_to/data.md")
    assert names["context"].values.shape == (30, 1, 64)
    np.testing.assert_allclose(names["context"].grid.spacing, 0.1)


def test_programs_are_kept_where_one_says():
    before = jax.config.values["jax_compilation_cache_dir"]
    try:
        followed("how_to/machines.md")
        assert jax.config.values["jax_compilation_cache_dir"] == "/tmp/hfluxno-programs"
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


@pytest.mark.validation
def test_weights_are_loaded_and_forecast(capsys):
    followed("how_to/networks.md")
    assert capsys.readouterr().out == "(20, 1, 100)\n"


def test_the_page_shows_what_check_prints(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    followed("tutorials/engineer.md")
    assert main(["check", "detectors.csv", "--domain", "0,10"]) == 0
    printed = capsys.readouterr().out.split()
    assert printed == blocks("tutorials/engineer.md", "text")[0].split()


def assert_shown(block, printed):
    """The numbers of a block are, nearly, those that were printed."""
    for line in block.splitlines():
        label, numbers = line[:27].strip(), re.findall(r"\d+\.?\d*", line[27:])
        if label in ("", "status", "law") or not numbers:
            continue
        found = re.findall(r"\d+\.?\d*", printed.partition(f" {label} ")[2])[: len(numbers)]
        np.testing.assert_allclose(np.float64(found), np.float64(numbers), 0.02, err_msg=label)


@pytest.mark.validation
def test_a_table_of_measurements(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    followed("tutorials/engineer.md")
    lines = [line for block in blocks("tutorials/engineer.md", "sh") for line in block.splitlines()]
    assert len(lines) == 5
    for line in lines:
        words = shlex.split(line)
        assert words[0] == "hfluxno" and main(words[1:]) == 0, line
        printed = " ".join(capsys.readouterr().out.split())
        if words[1] in ("forecast", "reconstruct"):
            assert "explains the data" in printed, printed
        if lines.index(line) in (1, 2):
            assert_shown(blocks("tutorials/engineer.md", "text")[lines.index(line)], printed)
    for name in ("road.png", "law.json", "law.py", "detectors_reconstruction.nc"):
        assert (tmp_path / name).is_file()
    law = hfluxno.load_law("law.json").law
    capacity, low = law.flux(np.array([60.0, 20.0]))
    assert capacity - low == pytest.approx((48.0 - 1.6 * 20 * (1 - 20 / 120)) / 60, rel=0.15)
    assert main([*shlex.split(lines[2])[1:], "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    for step in ("1", "6", "12"):
        noise = result["noise_error"][step]
        assert result["true_error"][step] < np.hypot(result["predicted_error_90"][step], noise)


@pytest.mark.validation
def test_a_scheme_in_mind(capsys):
    names = followed("tutorials/analyst.md")
    u, speed = names["u"], names["speed"]
    assert np.abs(speed - (2.4 * u**2 - u + 0.3))[1:-1].max() < 0.05
    assert names["error"] < 0.02 and names["found"].status.name == "OK"
    assert int(names["again"].status) == 0 and len(names["found"].tried) > 1
    np.testing.assert_allclose(names["forecast"].conservation_drift, 0.0, atol=1e-6)
    assert capsys.readouterr().out.startswith("0 ")
