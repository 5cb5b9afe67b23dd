"""The accuracy table: which frames are compared, what is left out, how noise enters."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import accuracy_sets
from benchmarks.accuracy import fine_truth, markdown, plain
from benchmarks.accuracy_sets import CASES, CONTEXT_FRAMES, STEPS, Case, coarse_truth, measure
from benchmarks.pages import check_pages, write_pages
from hfluxno.cli.benchmark import inserted
from hfluxno.evaluation import relative_l2
from hfluxno.trajectory import Trajectory

CELLS = 16
CASE = Case("moving", "a moving set", "cubic", "grf", (1e-3, None, 0.5))


class Identifier:
    """In place of an identification: keeps what it was given."""

    def __init__(self):
        self.contexts = []

    def __call__(self, context):
        self.contexts.append(context)
        return tuple(range(context.values.shape[0]))


class Oracle:
    """In place of a forecaster: step k of member i is frame 19 + k of the truth, scaled."""

    truth: np.ndarray
    factor = np.float64(1.0)
    status: np.ndarray | None = None

    def advance(self, context, identifications, steps):
        members = len(identifications)
        values = self.factor * self.truth[:members, CONTEXT_FRAMES : CONTEXT_FRAMES + steps]
        times = np.arange(1.0, steps + 1.0)
        trajectory = Trajectory(jnp.asarray(values), times, context.grid, context.fields)
        status = np.zeros(members, int) if self.status is None else self.status
        return dataclasses.make_dataclass("Forecast", ["trajectory", "status"])(trajectory, status)


@pytest.fixture
def identifier(monkeypatch):
    found = Identifier()
    monkeypatch.setattr(accuracy_sets, "identify_all", found)
    return found


@pytest.fixture
def oracle(monkeypatch):
    found = Oracle()
    monkeypatch.setattr(accuracy_sets, "FittedLawForecaster", lambda: found)
    return found


def travelling_waves(count: int) -> np.ndarray:
    x, t = np.arange(CELLS) / CELLS, np.linspace(0.0, 0.5, 101)[:, None]
    waves = [1.5 + np.sin(2 * np.pi * (x - (1 + i) * t)) for i in range(count)]
    return np.stack(waves)[:, :, None]


def test_a_perfect_forecaster_has_no_error(identifier, oracle):
    truth = oracle.truth = travelling_waves(3)
    result = measure(CASE, CASE.configuration(3, 0), truth, np.zeros(3, np.int8))
    assert [summary.mean for summary in result.l2 + result.linf] == [0.0] * 6
    assert result.reached == (True, None, True)
    assert result.statuses == {"OK": 3} and result.seconds > 0.0
    context = identifier.contexts[-1]
    np.testing.assert_array_equal(np.asarray(context.values), truth[:, :CONTEXT_FRAMES])
    assert context.values.dtype == np.float64 and context.fields == ("u",)
    assert float(context.times[0]) == 0.0
    assert float(context.times[1]) == pytest.approx(0.005)


def test_the_error_of_each_step_is_that_step(identifier, oracle):
    oracle.truth = travelling_waves(2)
    oracle.factor = 1.0 + np.arange(1.0, max(STEPS) + 1)[:, None, None] * 1e-3
    result = measure(CASE, CASE.configuration(2, 0), oracle.truth, np.zeros(2, np.int8))
    for norm in (result.l2, result.linf):
        assert [s.mean for s in norm] == pytest.approx([1e-3, 20e-3, 80e-3], rel=1e-9)
    assert result.reached[1:] == (None, True)


def test_constant_and_unsolved_trajectories_are_left_out_and_counted(identifier, oracle):
    truth = travelling_waves(5)
    truth[1] = 0.7  # nothing moves
    truth[3, 50:] = np.nan  # the solver gave up
    status = np.array([0, 0, 0, 2, 0], np.int8)
    oracle.truth = truth[[0, 2, 4]]
    result = measure(CASE, CASE.configuration(5, 0), truth, status)
    assert (result.drawn, result.constant, result.unsolved) == (5, 1, 1)
    assert result.l2[0].count == 3 and result.l2[-1].mean == 0.0
    with pytest.raises(ValueError, match="None of 1 trajectory"):
        measure(CASE, CASE.configuration(1, 0), truth[1:2], status[:1])


def test_failures_by_status_and_by_number(identifier, oracle):
    truth = travelling_waves(3)
    oracle.truth = truth.copy()
    oracle.truth[0, CONTEXT_FRAMES + 79] = np.nan
    oracle.status = np.array([0, 3, 1])  # OK, FAILED, POOR_FIT
    result = measure(CASE, CASE.configuration(3, 0), truth, np.zeros(3, np.int8))
    assert [summary.failures for summary in result.l2] == [2, 2, 2]
    assert result.l2[0].mean == 0.0 and result.l2[-1].mean == np.inf
    assert result.statuses == {"OK": 1, "FAILED": 1, "POOR_FIT": 1}


def test_noise_is_on_the_context_alone_and_of_the_stated_size(identifier, oracle):
    case = dataclasses.replace(CASE, noise=0.05)
    truth = oracle.truth = travelling_waves(40)
    result = measure(case, case.configuration(40, 0), truth, np.zeros(40, np.int8))
    assert result.l2[-1].mean == 0.0
    noise = np.asarray(identifier.contexts[-1].values) - truth[:, :CONTEXT_FRAMES]
    size = np.sqrt(np.mean(truth**2, axis=(1, 2, 3)))
    relative = noise / size[:, None, None, None]
    # 12 800 numbers: their standard deviation has a relative error of 0.6 %, their mean of 0.0004.
    assert np.std(relative) == pytest.approx(0.05, rel=0.03)
    assert abs(np.mean(relative)) < 0.002
    # The noise of a trajectory is its own, and stays when others are left out.
    status = np.array([1] + [0] * 39, np.int8)
    oracle.truth = truth[1:]
    measure(case, case.configuration(40, 0), truth, status)
    again = np.asarray(identifier.contexts[-1].values) - truth[1:, :CONTEXT_FRAMES]
    np.testing.assert_array_equal(again, noise[1:])


def test_every_case_is_a_set_of_the_test_split_with_a_law_for_each_context():
    for name, case in CASES.items():
        configuration = case.configuration(7, 3)
        assert name == case.name and len(case.targets) == len(STEPS)
        assert (configuration.split, configuration.laws, configuration.initials) == ("test", 7, 1)
        assert (configuration.seed, configuration.cells) == (3, 100)
        assert configuration.frames >= CONTEXT_FRAMES + max(STEPS)
        assert not (case.fine and case.noise)


def test_the_fine_truth_is_the_same_problem_solved_by_another_scheme():
    configuration = dataclasses.replace(
        CASES["lwr-fine"].configuration(3, 0), cells=32, frames=5, final_time=0.1
    )
    coarse, _ = coarse_truth(configuration)
    fine, status = fine_truth(configuration, cells=256)
    assert fine.shape == coarse.shape and not status.any()
    # Averages keep totals, and they do not change in time.
    totals = fine.mean(axis=-1)
    np.testing.assert_allclose(totals, np.broadcast_to(totals[:, :1], totals.shape), rtol=1e-12)
    distance = relative_l2(fine, coarse)
    assert np.all(distance < 0.03) and np.all(distance[:, -1] > 1e-5)


def test_the_table_shows_a_number_for_each_step(identifier, oracle):
    oracle.truth = travelling_waves(2)
    oracle.factor = np.float64(1.0 + 2.0**-10)
    truth = np.concatenate([oracle.truth, np.full_like(oracle.truth[:1], 0.5)])
    result = measure(CASE, CASE.configuration(3, 0), truth, np.zeros(3, np.int8))
    header, rule, row = markdown([result]).splitlines()
    assert header.count("|") == rule.count("|") == row.count("|")
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:9] == [
        "a moving set",
        "2 (1 constant left out)",
        "0.00098 / 0.00098 / 0.00098",
        "0.001 / – / 0.5",
        "yes / – / yes",
        "0.00098 / 0.00098 / 0.00098",
        "0.00098 / 0.00098 / 0.00098",
        "0",
        "2 OK",
    ]
    report = plain(result)
    assert report["l2"]["20"]["mean"] == pytest.approx(2.0**-10)
    assert report["reached"] == {"1": True, "20": None, "80": True}


def test_a_table_takes_the_place_of_the_one_before():
    begin, end = "<!-- speed: begin -->", "<!-- speed: end -->"
    text = f"before\n{begin}\nold\n{end}\nafter\n"
    once = inserted(text, "| new |\n", "speed")
    assert once == f"before\n{begin}\n\n| new |\n\n{end}\nafter\n"
    assert inserted(once, "| new |\n", "speed") == once
    for broken in ("nothing", f"{begin} alone", f"{end} {begin}", f"{begin}{end}{begin}{end}"):
        with pytest.raises(ValueError, match="needs one line <!-- speed: begin -->"):
            inserted(broken, "", "speed")


def test_parts_are_inserted_where_their_names_are(tmp_path):
    file = tmp_path / "page.md"
    page = "".join(f"<!-- {name}: begin -->\n\nold\n\n<!-- {name}: end -->\n" for name in "ab")
    file.write_text(page, encoding="utf-8")
    write_pages([file], {"a": "| one |", "b": "| two |"})
    text = file.read_text(encoding="utf-8")
    assert text.index("a: begin") < text.index("| one |") < text.index("a: end")
    assert text.index("b: begin") < text.index("| two |") and "old" not in text


def test_a_table_is_written_to_a_new_file_and_into_one_with_its_lines(tmp_path):
    page, new = tmp_path / "page.md", tmp_path / "new.md"
    page.write_text("<!-- a: begin -->\nold\n<!-- a: end -->\n", encoding="utf-8")
    check_pages([page, new], "a")
    write_pages([page, new], {"a": "| one |"})
    assert page.read_text(encoding="utf-8") == "<!-- a: begin -->\n\n| one |\n<!-- a: end -->\n"
    assert new.read_text(encoding="utf-8") == "| one |"
    with pytest.raises(ValueError, match="needs one line <!-- a: begin -->"):
        check_pages([new], "a")
