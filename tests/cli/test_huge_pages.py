"""The command starts itself once more on huge pages."""

import os
import subprocess
import sys

import pytest

from hfluxno.cli import COMMANDS, main
from hfluxno.cli.huge_pages import _glibc

PROGRAM = """\
import os, sys
from hfluxno.cli.huge_pages import use_huge_pages
print(os.getpid(), sys.argv[1], flush=True)
use_huge_pages()
print(os.environ["GLIBC_TUNABLES"])
"""


def started(folder, **environment):
    ours = ("GLIBC_TUNABLES", "HFLUXNO_ON_HUGE_PAGES")
    others = {key: value for key, value in os.environ.items() if key not in ours}
    file = folder / "program.py"
    file.write_text(PROGRAM)
    result = subprocess.run(
        [sys.executable, str(file), "an argument"],
        env=others | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.splitlines()


@pytest.mark.skipif(not _glibc(), reason="the C library is not glibc")
def test_it_starts_once_more_as_the_same_process_with_the_same_arguments(tmp_path):
    first, second, tunables = started(tmp_path)
    assert first == second and first.endswith("an argument")
    assert tunables == "glibc.malloc.hugetlb=1"
    assert started(tmp_path, GLIBC_TUNABLES="glibc.malloc.perturb=0")[-1] == (
        "glibc.malloc.perturb=0:glibc.malloc.hugetlb=1"
    )


def test_what_a_user_chose_stays(tmp_path):
    assert started(tmp_path, GLIBC_TUNABLES="glibc.malloc.hugetlb=0")[1:] == [
        "glibc.malloc.hugetlb=0"
    ]


def test_it_does_not_start_again_where_the_tunable_is_lost(tmp_path):
    assert len(started(tmp_path, HFLUXNO_ON_HUGE_PAGES="1", GLIBC_TUNABLES="")) == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_long_commands_do_so_and_python_programs_that_call_them_do_not(monkeypatch, command):
    asked = []
    monkeypatch.setattr("hfluxno.cli.huge_pages.use_huge_pages", lambda: asked.append(True))
    main([command, "--help"])
    assert not asked
    monkeypatch.setattr("sys.argv", ["hfluxno", command, "--help"])
    main()
    assert bool(asked) == (command in ("train", "evaluate", "benchmark"))


def test_what_does_not_fit_the_memory_ends_in_a_sentence(monkeypatch, capsys):
    def fail(*_):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.\nmore")

    monkeypatch.setattr("hfluxno.cli._run", fail)
    assert main(["demo"]) == 2
    assert capsys.readouterr().err == (
        "hfluxno: There is not enough memory: RESOURCE_EXHAUSTED: Out of memory allocating 9 "
        "bytes.\n"
    )
