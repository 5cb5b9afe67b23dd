"""Links and references of the documentation, without the gallery, which takes minutes to make."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_link_and_reference_has_a_target(tmp_path):
    pytest.importorskip("mkdocstrings")
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("hooks"))
    settings = (ROOT / "mkdocs.yml").read_text("utf-8").replace("[src]", f"[{ROOT / 'src'}]")
    settings = settings.replace("strict: true", "strict: false").replace(
        "\nhooks:\n", "\nunused:\n"
    )
    (tmp_path / "mkdocs.yml").write_text(settings, "utf-8")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build"],
        cwd=tmp_path,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    lines = [line for line in built.stderr.splitlines() if line.startswith("WARNING")]
    assert not [line for line in lines if "gallery" not in line and "'unused'" not in line]
