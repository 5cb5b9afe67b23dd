"""`hfluxno benchmark`: refusals in one sentence, and the whole way with a handful of windows."""

import json
import re

import pytest

from hfluxno.cli import main
from hfluxno.evaluation.paper import measure

SMOKE = ("--smoke", "--tables", "1,2", "--sets", "cubic", "--figures", "2,3")


def refused(capsys, *arguments):
    assert main(["benchmark", *map(str, arguments)]) == 2
    *progress, said = capsys.readouterr().err.splitlines()
    assert said.startswith("hfluxno: ") and not any("hfluxno" in line for line in progress)
    return said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("euler2d", "--sets=cubic"), "--sets does not apply to euler2d; leave it out."),
        (("paper", "--cells=64"), "--cells does not apply to paper; leave it out."),
        (("pdebench",), "Unknown benchmark 'pdebench'; choose paper or euler2d."),
        (("paper", "--tables", "7"), "Unknown table 7; choose from 1, 2, 3, 4, 5, 6."),
        (("paper", "--figures", "2,4"), "Unknown figure 4; choose from 2, 3."),
        (("paper", "--tables", "one"), "--tables takes numbers separated by commas; got 'one'."),
        (("paper", "--tables", "-1"), "--tables takes numbers separated by commas; got '-1'."),
        (("paper", "--methods", "fit,oracle"), "Unknown method 'oracle'; choose from persistence,"),
        (("paper", "--sets", "cosine"), "Unknown set 'cosine'; choose from cubic, cubic-authors,"),
        (("paper", "--windows", "many"), "--windows is a number or all; got 'many'."),
        (("paper", "--windows", "0"), "windows must be at least 1; got 0."),
        (("paper", "--laws", "0"), "laws must be at least 1; got 0."),
        (("paper", "--add", "dpot"), "--add takes NAME=VALUE; got 'dpot'."),
        (("paper", "--add", "dpot="), "--add takes NAME=VALUE; got 'dpot='."),
        (("paper", "--data", "cubic"), "--data takes NAME=VALUE; got 'cubic'."),
        (("paper", "--data", "cosine=a.nc"), "Unknown set 'cosine'; choose from cubic,"),
        (("paper", "--markdown", "a.txt"), "end it with .md."),
        (("paper", "--markdown", "a.md"), "There is no file a.md to insert the tables into."),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(
    tmp_path, capsys, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--methods", "mine", "--add", "mine=no-such"),
            "Unknown weights 'no-such': give a folder",
        ),
        (("--data", "cubic=missing.nc"), "There is no data set missing.nc; check the path"),
    ],
)
def test_files_that_are_missing_are_named(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, "paper", *SMOKE, *arguments)
    assert not list(tmp_path.rglob("*.json"))


def test_a_text_without_a_place_for_the_tables_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = tmp_path / "a.md"
    text.write_text("nothing\n<!-- results: begin -->\n")
    said = refused(capsys, "paper", "--markdown", text)
    assert "The text needs one line <!-- results: begin --> and after it one line" in said
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder and the text of a run."""
    folder = tmp_path_factory.mktemp("benchmark")
    output, text = folder / "made" / "here", folder / "README.md"
    text.write_text("Before.\n<!-- results: begin -->\nold\n<!-- results: end -->\nAfter.\n")
    command = ["benchmark", "paper", *SMOKE, "--output", str(output)]
    methods = ["--methods", "persistence,known-law"]
    assert main([*command, *methods, "--markdown", str(text)]) == 0
    return command, output, text


def test_the_whole_way(finished, capsys):
    _, output, text = finished
    pictures = {"figure_2.png", "figure_3.png", "cost_and_error.png"}
    files = {"results.json", "tables.md", "tables.tex", *pictures}
    assert {path.name for path in output.iterdir()} == files
    for name in pictures:
        assert (output / name).stat().st_size > 10_000
    found = json.loads((output / "results.json").read_text())
    assert list(found["records"]) == ["cubic"]
    records = found["records"]["cubic"]
    assert list(records) == ["persistence", "known-law"]
    assert found["conditions"]["windows"] == 4 and found["costs"] == {}
    errors = {name: record[0]["errors"]["l2, 20 steps"] for name, record in records.items()}
    assert {entry["count"] for entry in errors.values()} == {4}
    assert errors["known-law"]["mean"] < 0.05 * errors["persistence"]["mean"] < 0.1
    # What is written is put between the lines of the text, which keeps the rest.
    tables = (output / "tables.md").read_text()
    assert f"{errors['persistence']['mean']:.3g}" in tables and "| true law |" in tables
    begin, end = "<!-- results: begin -->", "<!-- results: end -->"
    assert text.read_text() == f"Before.\n{begin}\n\n{tables}\n{end}\nAfter.\n"
    assert (output / "tables.tex").read_text().count(r"\begin{table}") == tables.count("###")


def test_a_second_run_measures_nothing_and_draws_the_same(finished, capsys, monkeypatch):
    command, output, _ = finished
    kept = ("results.json", "tables.md", "tables.tex")
    before = {name: (output / name).read_bytes() for name in kept}
    pictured = (output / "figure_2.png").stat().st_mtime_ns
    for name in ("forecast_windows", "_long"):
        monkeypatch.setattr(measure, name, None)  # whoever measures fails
    assert main([*command, "--methods", "persistence,known-law"]) == 0
    assert {name: (output / name).read_bytes() for name in kept} == before
    assert (output / "figure_2.png").stat().st_mtime_ns > pictured
    shown = capsys.readouterr().out
    assert shown.startswith("### Table 1. In distribution: relative l2 error, 1 step / 20 steps\n")
    assert shown.endswith(f"\nwrote {output}\n")
    assert shown.split("\nwrote")[0] in before["tables.md"].decode()


def test_a_run_takes_up_the_others_and_refuses_another_sample(finished, capsys):
    command, output, _ = finished
    records = json.loads((output / "results.json").read_text())["records"]["cubic"]
    command = [*command, "--methods", "known-law"]
    assert main([*command, "--figures", ""]) == 0
    # What is asked for is there; what else is there stays in the tables.
    assert json.loads((output / "results.json").read_text())["records"]["cubic"] == records
    assert "| persistence |" in capsys.readouterr().out
    before = (output / "results.json").read_bytes()
    said = refused(capsys, *command[1:], "--seed", "3")
    assert "results of another sample (it differs in seed); choose another output" in said
    assert (output / "results.json").read_bytes() == before


def test_a_results_file_that_is_damaged_is_refused(finished, capsys, tmp_path):
    (tmp_path / "results.json").write_text('{"format"')
    said = refused(capsys, "paper", *SMOKE, "--output", tmp_path)
    assert re.search(r"results\.json is damaged: it is not JSON; remove it to start again", said)
