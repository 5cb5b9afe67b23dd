"""Tables from raw results that are written down here."""

import copy
import math
import re

import jax
import numpy as np
import pytest

from hfluxno.data import Configuration, blocks
from hfluxno.evaluation.errors import NORMS, errors_of
from hfluxno.evaluation.paper.contenders import CONTENDERS
from hfluxno.evaluation.paper.layout import latex, markdown
from hfluxno.evaluation.paper.problems import PROBLEMS, TABLES, sets_of
from hfluxno.evaluation.paper.published import errors as published_errors
from hfluxno.evaluation.paper.published import published_for, published_network, zero_frame
from hfluxno.evaluation.paper.rows import line, network_record
from hfluxno.evaluation.paper.tables import Table, diagnostics, sampling, tables, title_of
from hfluxno.training.state import split_network


def summary(mean, standard_error=None, count=400, failures=0):
    return {
        "count": count,
        "failures": failures,
        "mean": mean,
        "median": 0.5 * mean,
        "p95": 3.0 * mean,
        "standard_error": standard_error,
    }


def network_of(source, parameters=421_572):
    return {
        "parameters": parameters,
        "model": {"encoder": {"embedding": 64}, "context_mode": "sliding"},
        "data_set": "cubic",
        "preset": "p",
        "seed": int(source[-1]) if source[-1].isdigit() else 0,
        "steps": 5_000,
        "batch": 64,
        "loss": "one-step, relative l2 error",
        "augmentation": "shift",
        "optimizer": "AdamW",
        "minutes": 91.6,
    }


def record(source, one, many, failures=0, shock=2.0, scale=1.0, frames=81):
    """One step and 20 steps with a standard error of a tenth; l∞ is ten times l2."""
    errors = {}
    for norm, factor in (("l2", 1.0), ("linf", 10.0)):
        errors[f"{norm}, 1 step"] = summary(factor * one, factor * one / 10)
        errors[f"{norm}, 20 steps"] = summary(factor * many, factor * many / 10, failures=failures)
    physics = {"drift": 1e-7, "variation": 0.9, "spectrum": 0.05}
    errors |= {name: summary(mean) for name, mean in physics.items()}
    errors["shock"] = None if shock is None else summary(shock, 0.1, count=123)
    times = [0.1 + 0.005 * j for j in range(frames)]
    wave = [0.0, 1.0, 0.5, -0.5]
    return {
        "source": source,
        "network": network_of(source) if source else None,
        "context": 20,
        "windows": 400,
        "laws": 100,
        "errors": errors,
        "long": {
            "times": times,
            "l2": [summary(one * (j + 1), count=100) for j in range(frames)],
            "linf": [summary(one * (j + 1), count=100) for j in range(frames)],
        },
        "example": {
            "frames": [0, 19],
            "truth": [[wave], [wave[::-1]]],
            "forecast": [[[scale * u for u in wave]], [[scale * u for u in wave[::-1]]]],
        },
        "seconds": 2.0,
        "windows_per_second": 200.0,
    }


# In another order than the published one; cubic has every kind of method.
RESULTS = {
    "conditions": {},
    "records": {
        "sine-steps": {
            "hfluxno-small": [record("hfluxno-small-cubic", 0.00485, 0.0303, scale=0.8)],
            "persistence": [record("", 0.02, 0.2, shock=None)],
        },
        "cubic": {
            "my_2 & 50%": [record("runs/a_b", math.inf, math.inf, failures=400, scale=0.1)],
            "icon": [record("icon-cubic", 0.03, 0.182, frames=60)],
            "icon-context": [record("icon-context-cubic", 0.03, 0.3, frames=60)],
            "dpot": [record("dpot-cubic", 0.0037, 0.136)],
            "hfluxno-small": [
                record(f"seed{seed}", one, many, failures=seed, scale=0.9)
                for seed, (one, many) in enumerate([(0.003, 0.05), (0.004, 0.06), (0.005, 0.07)])
            ],
            "known-law": [record("", 1e-9, 1e-3)],
            "persistence": [record("", 0.02, 0.2, frames=40)],
        },
    },
    "costs": {
        "methods": {
            "persistence": {"forecast_milliseconds": 0.25},
            "dpot": {
                "forecast_milliseconds": 12.5,
                "parameters": 1234567,
                "megabytes": 4.938268,
                "flops": 2.5e6,
                "training_milliseconds": None,
            },
        },
        "classical": [
            {"cells": 50, "error": 0.1, "milliseconds": 1.0},
            {"cells": 100, "error": 0.0, "milliseconds": 4.0},
        ],
    },
}
HFLUXNO = "HFluxNO, 0.42 M"
CONTEXT_ICON = "ICON, pairs of the context, τ = 0.005"
CUBIC_METHODS = [
    "persistence", "true law", HFLUXNO, "DPOT", "ICON", CONTEXT_ICON, "my_2 & 50%",
]  # fmt: skip


def rows(number, title, results=RESULTS):
    """The rows of the table with that title, by method."""
    (found,) = [t for t in tables(results, [number]) if t.title.endswith(title)]
    return found.header, {row[0]: row[1:] for row in found.rows}


def test_the_paper_s_table_has_a_row_a_method_and_a_column_a_set():
    header, found = rows(1, "relative l2 error, 1 step / 20 steps")
    assert header == ("method", "cubic")  # the other sets are not there
    assert list(found) == CUBIC_METHODS
    assert found["DPOT"] == ("0.0037 / 0.136 (published 0.0074 / 0.136)",)
    assert found[HFLUXNO] == ("0.004 / 0.06 (published 0.0041 / 0.0521)",)
    assert found["true law"] == ("1e-09 / 0.001",)
    assert found["ICON"] == ("0.03 / 0.182 (published – / 0.364)",)  # one step is not published
    assert found[CONTEXT_ICON] == ("0.03 / 0.3",)
    assert found["my_2 & 50%"] == ("∞ / ∞",)
    _, found = rows(1, "relative l∞ error, 1 step / 20 steps")
    assert found["DPOT"] == ("0.037 / 1.36 (published 0.0242 / 0.678)",)


def test_a_set_where_a_method_is_missing_has_a_dash():
    results = copy.deepcopy(RESULTS)
    results["records"]["burgers"] = {"fit": [record("", 0.5, 0.25)]}
    header, found = rows(1, "relative l2 error, 1 step / 20 steps", results)
    assert header == ("method", "cubic", "viscous Burgers")
    assert found["fitted law"] == ("–", "0.5 / 0.25")
    assert found["DPOT"][1] == "– (published 0.00263 / 0.0466)"


def test_errors_stand_beside_the_published_ones():
    header, found = rows(1, "In distribution: cubic, relative l2")
    assert list(found) == CUBIC_METHODS
    named = dict(zip(header[1:4], found["DPOT"][:3], strict=True))
    assert named == {
        "1 step": "0.0037 ± 0.0004",
        "published": "0.0074",
        "ours/published": "0.5",
    }
    named = dict(zip(header[4:], found["DPOT"][3:], strict=True))
    assert named == {
        "20 steps": "0.136 ± 0.01",
        "published": "0.136",
        "ours/published": "1",
        "median": "0.00185 / 0.068",
        "95th percentile": "0.0111 / 0.408",
        "windows": "400",
        "failures": "0",
    }
    assert found["ICON"][:6] == ("0.03 ± 0.003", "–", "–", "0.182 ± 0.02", "0.364", "0.5")
    assert found[CONTEXT_ICON][:6] == ("0.03 ± 0.003", "–", "–", "0.3 ± 0.03", "–", "–")
    assert found["persistence"][:6] == ("0.02 ± 0.002", "–", "–", "0.2 ± 0.02", "–", "–")


def test_several_seeds_have_their_mean_and_its_spread_over_seeds():
    _, found = rows(1, "In distribution: cubic, relative l2")
    # √((1 + 0 + 1)/2) = 1 step of 0.001 and of 0.01; 0.06/0.0521 = 1.152.
    assert found[HFLUXNO][:6] == (
        "0.004 ± 0.001", "0.0041", "0.976", "0.06 ± 0.01", "0.0521", "1.15",
    )  # fmt: skip
    assert found[HFLUXNO][-4:] == ("0.002 / 0.03", "0.012 / 0.18", "400", "0, 1, 2")


def test_what_failed_is_infinite_and_counted():
    _, found = rows(1, "In distribution: cubic, relative l2")
    assert found["my_2 & 50%"][:6] == ("∞", "–", "–", "∞", "–", "–")
    assert found["my_2 & 50%"][-4:] == ("∞ / ∞", "∞ / ∞", "400", "400")
    results = copy.deepcopy(RESULTS)
    results["records"]["cubic"]["dpot"] = results["records"]["cubic"]["my_2 & 50%"]
    assert rows(1, "cubic, relative l2", results)[1]["DPOT"][:3] == ("∞", "0.0074", "∞")


def test_where_no_uncertainty_is_known_none_is_shown():
    results = copy.deepcopy(RESULTS)
    for entry in results["records"]["cubic"]["dpot"][0]["errors"].values():
        entry["standard_error"] = None
    assert rows(1, "cubic, relative l2", results)[1]["DPOT"][0] == "0.0037"


def test_table_2_has_the_sets_out_of_distribution():
    titles = [table.title for table in tables(RESULTS, [2])]
    assert [title.split(". ")[1].split(":")[0] for title in titles] == ["Out of distribution"] * 4
    header, found = rows(2, "relative l2 error, 1 step / 20 steps")
    assert header == ("method", "sine flux, steps") and list(found) == ["persistence", HFLUXNO]
    _, found = rows(2, "sine flux, steps, relative l2")
    assert found[HFLUXNO][1:3] == ("0.00485", "1") and found[HFLUXNO][5] == "0.5"


def test_the_tables_of_icon_have_icon_yardsticks_and_the_paper_s_model():
    expected = ["persistence", HFLUXNO, "ICON", CONTEXT_ICON]
    assert [table.title for table in tables(RESULTS, [3])] == [
        f"Table 3. ICON, in distribution: cubic, relative {norm}" for norm in ("l2", "l∞")
    ]
    assert list(rows(3, "cubic, relative l2")[1]) == expected
    assert rows(3, "cubic, relative l2")[1] == {
        method: row
        for method, row in rows(1, "In distribution: cubic, relative l2")[1].items()
        if method in expected
    }
    assert list(rows(4, "sine flux, steps, relative l2")[1]) == ["persistence", HFLUXNO]
    header, found = rows(4, "Long roll-out: cubic, relative l2 at a time")
    assert header == ("method", "after 40 steps", "at the end", "trajectories")
    # Step j has the error j times that of one step; persistence ends at the 40th.
    assert found == {
        HFLUXNO: ("0.12", "0.243", "100"),
        "ICON": ("1.2", "1.8", "100"),
        CONTEXT_ICON: ("1.2", "1.8", "100"),
    }


def test_the_table_of_costs():
    (table,) = tables(RESULTS, [5])
    assert table.rows == (
        ("persistence", "–", "–", "–", "–", "0.25", "200"),
        ("DPOT", "1,234,567", "4.94", "2.5", "–", "12.5", "200"),
    )
    del (alone := copy.deepcopy(RESULTS))["records"]["cubic"]
    assert [row[-1] for row in tables(alone, [5])[0].rows] == ["–", "–"]


def test_the_physics_of_every_set():
    found = diagnostics(RESULTS)
    assert [table.title for table in found] == [
        "Physics after 20 steps: cubic",
        "Physics after 20 steps: sine flux, steps",
    ]
    by_method = {row[0]: row[1:] for row in found[1].rows}
    assert by_method[HFLUXNO] == ("1e-07", "0.9", "0.05", "2 ± 0.1", "123")
    assert by_method["persistence"] == ("1e-07", "0.9", "0.05", "–", "–")


def test_the_sample_of_every_record():
    found = {row[:2]: row[2:] for row in sampling(RESULTS).rows}
    assert len(found) == 9
    assert found["cubic", HFLUXNO] == ("400", "100", "200", "seed0, seed1, seed2", "92")
    assert found["cubic", "persistence"] == ("400", "100", "200", "–", "–")


def test_where_nothing_was_measured_there_is_no_table():
    empty = {"conditions": {}, "records": {}, "costs": {}}
    assert tables(empty, TABLES) == diagnostics(empty) == []
    assert sampling(empty).rows == ()


def test_the_sets_of_tables_and_figures():
    first = ("cubic", "cubic-authors", "shallow-water", "shallow-water-authors", "burgers")
    assert sets_of((1,), ()) == first
    assert sets_of((3,), (3,)) == ("cubic", "sine-steps")
    assert sets_of((6, 2, 1), ()) == tuple(PROBLEMS) and sets_of((5,), ()) == ()
    with pytest.raises(ValueError, match=r"Unknown table 7; choose from 1, 2, 3, 4, 5, 6\."):
        sets_of((1, 7), ())
    with pytest.raises(ValueError, match=r"Unknown figure 1; choose from 2, 3\."):
        sets_of((), (1,))


def test_what_was_published_belongs_to_a_set_of_the_tables():
    for by_set in published_errors().values():
        assert set(by_set) <= set(TABLES[1] + TABLES[2])
        for pairs in by_set.values():
            # Errors grow with the number of steps.
            assert all(one is None or one < many for one, many in pairs.values())


def test_published_errors_stand_on_rows_of_the_published_architecture_alone():
    for name in ("hfluxno-weak-form", "hfluxno-law", "hfluxno-law-refined", "icon-context", "fno"):
        assert all(published_for("l2", problem, name) is None for problem in PROBLEMS)
    # The authors' shallow water has a tenth of the β of the text.
    assert published_for("l2", "shallow-water", "hfluxno-base") is None
    assert published_for("l2", "shallow-water-authors", "hfluxno-base") == (0.00627, 0.0755)


@pytest.mark.parametrize("method", ["hfluxno-base", "hfluxno-small", "dpot", "disco"])
@pytest.mark.parametrize("problem", sorted(published_errors()["l2"]))
def test_a_row_beside_a_published_error_says_in_what_it_differs(method, problem):
    """For every shipped network: parameters, windows, loss, augmentation, data and seeds."""
    ready = CONTENDERS[method].prepare(PROBLEMS[problem])
    if not ready:
        pytest.skip("no such weights are shipped")
    # Nothing but the set's own training data counts.
    records = [{"network": network_record(one.network)} for one in ready]
    assert {r["network"]["data_set"] for r in records} == {PROBLEMS[problem].trained}
    counted = sum(leaf.size for leaf in jax.tree.leaves(split_network(ready[0].network.network)[0]))
    assert records[0]["network"]["parameters"] >= counted  # a complex number counts twice
    note = line(title_of(method, records), records, published_network(PROBLEMS[problem], method))
    ours, theirs = note.split(" Published: ")
    for record in records:
        network = record["network"]
        assert f"{network['parameters']:,} parameters" in ours
        assert f"{network['steps']:,} updates of {network['batch']} windows" in ours
        assert network["loss"] in ours and network["augmentation"] in ours
    assert "50,000 updates of 256 windows" in theirs and "3 seeds" in theirs
    assert "one-step, mean square error; augmentation none" in theirs
    if method == "hfluxno-base":
        assert title_of(method, records) in ("HFluxNO, 2.68 M", "HFluxNO, 2.77 M")
        assert "differ" not in theirs
    if method == "hfluxno-small":
        assert "embedding 64 (published 128)" in theirs
        assert "2,678,020" in theirs or "2,771,460" in theirs


def test_burgers_has_a_column_without_the_zero_frame():
    results = copy.deepcopy(RESULTS)
    results["records"]["burgers"] = {"dpot": [record("dpot-burgers", 0.00263, 0.043)]}
    header, found = rows(1, "viscous Burgers, relative l2", results)
    place = header.index("published, less the zero frame (estimate)") - 1
    # .0466 - .0036 = .043
    assert found["DPOT"][place - 1 : place + 2] == ("0.0466", "0.043", "1")
    notes = [t.notes for t in tables(results, [1]) if t.title.endswith("Burgers, relative l2")]
    assert "count a last frame of zeros" in notes[0][0]


@pytest.mark.parametrize("initial", ["grf", "steps"])
def test_what_the_zero_frame_adds(initial):
    configuration = Configuration("burgers", split="test", laws=32, initials=1, initial=initial)
    values = np.concatenate([block.values[block.status == 0] for block in blocks(configuration)])
    forecast = values[:, 81:].astype(float)
    truth = forecast.copy()
    truth[:, -1] = 0.0
    moving = np.ptp(forecast[:, -1, 0], axis=-1) > 0.0
    problem = "burgers" if initial == "grf" else "burgers-steps"
    errors = errors_of(forecast, truth, np.zeros(len(truth), bool)).isel(step=-1, window=moving)
    for norm in NORMS:
        share = float(errors[f"{norm}_joint"].mean()) / 62
        assert share == pytest.approx(zero_frame(norm, problem), rel=0.1)


@pytest.fixture(scope="module")
def everything():
    return [*tables(RESULTS, TABLES), *diagnostics(RESULTS), sampling(RESULTS)]


def test_every_row_has_the_columns_of_its_header(everything):
    assert len(everything) > 10
    for table in everything:
        assert table.rows and {len(row) for row in table.rows} == {len(table.header)}


def test_markdown_has_every_table_under_its_title(everything):
    parts = re.split(r"^### (.*)\n\n", markdown(everything), flags=re.MULTILINE)[1:]
    assert parts[::2] == [table.title for table in everything]
    for table, text in zip(everything, parts[1::2], strict=True):
        lines = text.strip().split("\n")
        notes = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
        assert tuple(notes) == table.notes
        lines = [line for line in lines if line.startswith("|")]
        cells = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines]
        assert cells[0] == list(table.header) and cells[1] == ["---"] * len(table.header)
        assert [tuple(row) for row in cells[2:]] == list(table.rows)


def test_latex_has_every_table_with_its_columns(everything):
    text = latex(everything)
    assert text.isascii()  # no sign is left that needs a package
    parts = text.split(r"\begin{table}")[1:]
    assert len(parts) == len(everything)
    for table, part in zip(everything, parts, strict=True):
        bare = re.sub(r"\\.", "", part)  # without \&, \%, \_ and \\
        assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
        assert "%" not in bare and "∞" not in bare
        columns = re.search(r"\\begin{tabular}{(l(r+))}", part)[1]
        assert len(columns) == len(table.header)
        body = part[part.index(r"\toprule") : part.index(r"\end{tabular}")]
        lines = [line for line in body.split("\n") if line.endswith(r"\\")]
        assert len(lines) == 1 + len(table.rows)
        for text in lines:
            assert len(re.findall(r"(?<!\\)&", text)) == len(columns) - 1
        assert re.findall(r"\\(?:top|mid|bottom)rule", part) == [
            r"\toprule", r"\midrule", r"\bottomrule",
        ]  # fmt: skip
        assert part.rstrip().endswith(r"\end{table}")


def test_latex_escapes_what_has_a_meaning_there():
    table = Table(
        "a_b: relative l2 & relative l∞",
        ("method", "model2"),
        (("50% & τ_1", "1 ± 0.1"), ("∞", "–")),
    )
    text = latex([table])
    assert r"{a\_b: relative $\ell_2$ \& relative $\ell_\infty$}" in text
    assert r"method & model2 \\" in text  # a name, no norm
    assert r"50\% \& $\tau$\_1 & 1 $\pm$ 0.1 \\" in text
    assert r"$\infty$ & -- \\" in text
