"""`hfluxno export`: which files it leaves, and what it refuses."""

import importlib

import numpy as np
import pytest

from hfluxno.cli import main
from tests.identify.laws import LAWS, identification, polynomial


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    identification(polynomial(0.5, 1.5, 0.0, 2.0, -0.25, fields=("u",))).save("law.json")
    return tmp_path


@pytest.mark.parametrize(
    ("target", "files"),
    [
        ("numpy", ["law.py"]),
        ("c", ["law.h", "law_test.c"]),
        ("pyclaw", ["law_pyclaw.py"]),
        ("latex", ["law.tex"]),
    ],
)
def test_files_are_named_after_the_law(folder, capsys, target, files):
    assert main(["export", "law.json", "--to", target]) == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(["law.json", *files])
    shown, said = capsys.readouterr()
    assert said == "" and shown.startswith("f(u) = 2 u − 0.25 u²\n0.5 ≤ u ≤ 1.5\n")
    assert shown.endswith("".join(f"wrote {name}\n" for name in files))


def test_what_the_file_lacks_is_said_after_it_was_written(folder, capsys):
    identification(LAWS["river"]()).save("river.json")
    assert main(["export", "river.json", "--to", "pyclaw"]) == 0
    told = "PyClaw adds the source of this law only with solver.step_source = step_source."
    assert capsys.readouterr().err == f"hfluxno: {told}\n"


def test_another_name_and_the_law_itself(folder):
    (folder / "LAW.JSON").write_bytes((folder / "law.json").read_bytes())
    assert main(["export", "LAW.JSON", "--to", "latex"]) == 0
    assert main(["export", "law.json", "--to", "json", "-o", "copy.json"]) == 0
    assert (folder / "copy.json").read_bytes() == (folder / "law.json").read_bytes()
    assert main(["export", "law.json", "--to", "c", "-o", "other.h"]) == 0
    assert '#include "other.h"' in (folder / "other_test.c").read_text()


def test_snapshots_are_identified_first(folder, monkeypatch, capsys):
    found = identification(polynomial(0.5, 1.5, 0.0, 2.0, fields=("u",)))
    package = importlib.import_module("hfluxno.identify")
    monkeypatch.setattr(package, "identify_all", lambda context, momentum=None: (found,))
    np.savez("in.npz", u=1.0 + 0.3 * np.sin(np.arange(80.0)).reshape(5, 16))
    assert main(["export", "in.npz", "--to", "numpy"]) == 0
    assert capsys.readouterr().out.startswith("f(u) = 2 u\n") and (folder / "in_law.py").exists()


def test_no_program_of_somebody_else_is_replaced(folder, capsys):
    (folder / "law.py").write_text("print('mine')")
    assert main(["export", "law.json", "--to", "numpy"]) == 2
    assert "law.py was not written by this command; move it" in capsys.readouterr().err
    assert (folder / "law.py").read_text() == "print('mine')"
    assert main(["export", "law.json", "--to", "numpy", "-o", "law.py"]) == 0
    assert main(["export", "law.json", "--to", "numpy"]) == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("law.json --to matlab", "Unknown target 'matlab'; choose one of numpy, c, pyclaw"),
        ("law.json --to json", "law.json is the input itself"),
        ("law.json --to c -o law.py", "The name law.py does not say what to write; end it with"),
        ("law.json --to c -k 5", "--context does not apply: law.json holds a law, not snapshots;"),
        ("law.json --to c --boundary open", "--boundary does not apply: law.json"),
        ("none.json --to c", "There is no law file none.json"),
        ("none.nc --to c", "none.nc"),
    ],
)
def test_faults_end_in_a_sentence_and_write_nothing(folder, capsys, arguments, sentence):
    assert main(["export", *arguments.split()]) == 2
    assert sentence in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["law.json"]
