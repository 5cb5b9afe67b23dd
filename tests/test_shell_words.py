"""Proposed commands mean the same after they were pasted into a shell."""

import io
import os
import subprocess
import sys

import pytest

from hfluxno.shell_words import joined, option, quoted

NAMES = [
    "u",
    "it's",
    "a b",
    'o"k',
    "$HOME`x`",
    "ρ é",
    "密度",
    "new\nline",
    "a\\",
    os.fsdecode(b"\xff"),
]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
@pytest.mark.parametrize("name", [*NAMES, os.fsdecode(b"\xff")])
def test_a_shell_reads_the_name(monkeypatch, name, encoding):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    word = quoted(name)
    assert word.isprintable() and word.encode(encoding)
    read = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert read.stdout == os.fsencode(name)


def test_only_odd_names_look_odd():
    assert joined(["hfluxno", "check", "a.nc", "密度.nc", "--x=b c"]).endswith(
        "'密度.nc' '--x=b c'"
    )
    assert option("variable", "h,hu") == "--variable h,hu"
    assert option("variable", "-u v") == "--variable='-u v'"
