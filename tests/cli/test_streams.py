"""What the streams of a process may be: closed, of an old encoding, full, or without a reader."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import rich.console

from hfluxno.cli import report, streams

COMMAND = [sys.executable, "-c", "import sys; from hfluxno.cli import main; sys.exit(main())"]


def test_letters_that_an_encoding_lacks(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    streams.prepare()
    sys.stdout.write("1 ± 2 − ρ")
    streams.flush()
    assert written.getvalue() == b"1 ? 2 ? ?"


@pytest.mark.parametrize(("encoding", "said"), [("ascii", "\\u03c1"), ("utf-8", "ρ")])
def test_json_escapes_letters_that_an_encoding_lacks(monkeypatch, encoding, said):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    streams.prepare()
    report.print_json({"variable": "ρ", "cells": 3.0})
    streams.flush()
    assert written.getvalue().decode() == f'{{"variable": "{said}", "cells": 3.0}}\n'


def test_closed_streams_lose_what_is_written(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    streams.prepare()
    for stream in (sys.stdout, sys.stderr):
        stream.write("1 ± 2")
        stream.close()


def test_codes_that_change_a_terminal_are_not_shown():
    assert streams.printable("a\x1b[31m\n\udce9 ± ρ") == "a?[31m?? ± ρ"


@pytest.mark.parametrize("columns", ["0", "5", "10", "39", "²", "-80", "wide"])
def test_lines_are_never_too_short_for_a_report(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    streams.prepare()
    assert rich.console.Console(file=io.StringIO()).width >= 40


def test_a_width_with_room_is_kept(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    streams.prepare()
    assert rich.console.Console(file=io.StringIO()).width == 60


def test_what_the_system_refuses_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    for name, said in (
        ("a" * 300, "cannot be used (File name too long); choose a shorter one."),
        ("file/a", "cannot be used (Not a directory); name folders where folders are needed."),
    ):
        with pytest.raises(OSError) as caught:
            (tmp_path / name).write_text("")
        assert streams.said_of(caught.value) == f"{tmp_path / name} {said}"
    assert streams.said_of(OSError(28, "No space left on device")).startswith("The output cannot")
    assert streams.said_of(ValueError("two\n words")) == "two words"
    memory = streams.said_of(MemoryError("Unable to allocate 298. GiB for an array"))
    assert memory.startswith("There is not enough memory (Unable to allocate 298. GiB for an ")
    assert memory.endswith("); choose fewer cells or frames.")


def test_nobody_reads_the_output():
    reads, writes = os.pipe()
    os.close(reads)
    ended = subprocess.run([*COMMAND, "--help"], stdout=writes, stderr=subprocess.PIPE, check=False)
    os.close(writes)
    assert ended.returncode == 1 and ended.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_the_output_does_not_fit():
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 2
    assert "No space left on device" in ended.stderr and ended.stderr.count("\n") == 1
