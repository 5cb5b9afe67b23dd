"""Links and references of the documentation, without the gallery, which takes minutes to make."""

import shutil

import pytest

from tests.docs.building import ROOT, built


def test_every_link_and_reference_has_a_target(tmp_path):
    pytest.importorskip("mkdocstrings")
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("hooks"))
    settings = (ROOT / "mkdocs.yml").read_text("utf-8").replace("[src]", f"[{ROOT / 'src'}]")
    settings = settings.replace("strict: true", "strict: false").replace(
        "\nhooks:\n", "\nunused:\n"
    )
    (tmp_path / "mkdocs.yml").write_text(settings, "utf-8")
    done = built(tmp_path)
    lines = [line for line in done.stderr.splitlines() if line.startswith("WARNING")]
    assert not [line for line in lines if "gallery" not in line and "'unused'" not in line]
