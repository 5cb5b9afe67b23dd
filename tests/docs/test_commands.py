"""The commands of README and docs: each is one that the command line understands."""

import importlib
import re
import shlex
import typing
from pathlib import Path

import pytest
import tyro

from hfluxno.cli import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_SHORT = re.compile(r"[|…\[\]]")  # an abbreviation for readers


def commands(page):
    """The lines `hfluxno …` of the blocks of a page, without comments."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.M)
    blocks = [block for language, block in fenced if language in ("", "sh", "text")]
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        for part in line.removeprefix("$ ").split("&&"):
            words = part.strip().removeprefix(".venv/bin/")
            if words.startswith("hfluxno ") and not _SHORT.search(words.partition(" #")[0]):
                yield shlex.split(words, comments=True)[1:]


def understood(words):
    if words[0].startswith("-"):
        assert words in (["--help"], ["--version"])
        return
    assert words[0] in COMMANDS, f"There is no command {words[0]}."
    module = importlib.import_module(f"hfluxno.cli.{words[0]}")
    config = typing.get_type_hints(module.main)["config"]
    tyro.cli(config, prog=f"hfluxno {words[0]}", args=words[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_understood(page):
    for words in commands(page):
        try:
            understood(words)
        except SystemExit as error:
            pytest.fail(f"{page.name}: hfluxno {shlex.join(words)} is not understood ({error})")


def test_commands_are_found_and_checked():
    assert sum(1 for page in PAGES for _ in commands(page)) > 50
    with pytest.raises(SystemExit):
        understood(["forecast", "mine.nc", "--contxt", "20"])


def test_scripts_and_targets_that_are_named_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        text = page.read_text("utf-8")
        for script in re.findall(r"python ((?:benchmarks|examples)/[\w/]+\.py)", text):
            assert (ROOT / script).is_file(), f"{page.name} names {script}"
        for module in re.findall(r"python -m (benchmarks\.\w+)", text):
            assert (ROOT / (module.replace(".", "/") + ".py")).is_file(), f"{page.name}: {module}"
        for target in re.findall(r"`make ([a-z-]+)", text) + re.findall(
            r"^make ([a-z-]+)", text, re.M
        ):
            assert target in targets, f"{page.name} names make {target}"


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 150
