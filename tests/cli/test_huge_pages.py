"""The command starts itself once more on huge pages."""

import os
import subprocess
import sys

import pytest

from hfluxno.cli.huge_pages import _glibc

PROGRAM = """
import os, sys
from hfluxno.cli.huge_pages import use_huge_pages
print(os.getpid(), sys.argv[1], flush=True)
use_huge_pages()
print(os.environ["GLIBC_TUNABLES"])
"""


def started(**environment):
    others = {key: value for key, value in os.environ.items() if key != "GLIBC_TUNABLES"}
    command = [sys.executable, "-c", PROGRAM, "an argument"]
    result = subprocess.run(
        command, env=others | environment, capture_output=True, text=True, check=True
    )
    return result.stdout.splitlines()


@pytest.mark.skipif(not _glibc(), reason="the C library is not glibc")
def test_it_starts_once_more_as_the_same_process_with_the_same_arguments():
    first, second, tunables = started()
    assert first == second and first.endswith("an argument")
    assert tunables == "glibc.malloc.hugetlb=1"
    assert started(GLIBC_TUNABLES="glibc.malloc.perturb=0")[-1] == (
        "glibc.malloc.perturb=0:glibc.malloc.hugetlb=1"
    )


def test_what_a_user_chose_stays():
    assert started(GLIBC_TUNABLES="glibc.malloc.hugetlb=0")[1:] == ["glibc.malloc.hugetlb=0"]
