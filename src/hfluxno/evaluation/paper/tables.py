"""The tables of the paper from raw results, as rows of text; nothing is recomputed."""

import dataclasses
import math
from collections.abc import Iterable, Iterator

import numpy as np

from hfluxno.evaluation.paper import rows as described
from hfluxno.evaluation.paper.contenders import CONTENDERS
from hfluxno.evaluation.paper.problems import PROBLEMS, STEPS, TABLES
from hfluxno.evaluation.paper.published import published_for, published_network, zero_frame
from hfluxno.evaluation.paper.results import Plain
from hfluxno.methods import NETWORKS

NOTHING = "–"
# ICON's tables also include the reference methods and the paper's model.
_BESIDE_ICON = (
    *("icon", "icon-context", "icon-context-far"),
    *("persistence", "fit", "hfluxno-base", "hfluxno-small"),
)
_TITLES = {
    1: "In distribution",
    2: "Out of distribution",
    3: "ICON, in distribution",
    4: "ICON, out of distribution and longer",
    5: "Size and cost",
    6: "Twice the cells of the training",
}
_NORMS = {"l2": "l2", "linf": "l∞"}
# Frames after the context of the long roll-out: the paper's two steps of τ = 0.1, and the end.
_LONG, _LONG_SET = 40, "cubic"


@dataclasses.dataclass(frozen=True)
class Table:
    """One table.

    - `title`: above the table.
    - `header`, `rows`: its cells, as text.
    - `notes`: below the table: what the rows are, one line each.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def tables(results: Plain, numbers: Iterable[int]) -> list[Table]:
    """The tables with these numbers for which there are results."""
    found: list[Table] = []
    for number in numbers:
        found += _cost_table(results) if number == 5 else _error_tables(results, number)
    return found


def diagnostics(results: Plain) -> list[Table]:
    """The physical diagnostics of every set."""
    header = (
        "method",
        "drift of totals",
        "total variation, ratio",
        "spectrum error",
        "shock position error, cells",
        "windows with a shock",
    )
    found = []
    for problem, methods in _sets(results, PROBLEMS):
        rows = []
        for method, records in methods:
            shock = records[0]["errors"].get("shock")
            rows.append(
                (
                    title_of(method, records),
                    *(_mean(records, name) for name in ("drift", "variation", "spectrum", "shock")),
                    NOTHING if shock is None else str(shock["count"]),
                )
            )
        title = f"Physics after {STEPS} steps: {PROBLEMS[problem].title}"
        found.append(Table(title, header, tuple(rows)))
    return found


def sampling(results: Plain) -> Table:
    """How much of each set was used."""
    header = ("set", "method", "windows", "laws", "windows a second", "weights", "trained, minutes")
    rows = []
    for problem, methods in _sets(results, PROBLEMS):
        for method, records in methods:
            first = records[0]
            network = first.get("network")
            rows.append(
                (
                    PROBLEMS[problem].title,
                    title_of(method, records),
                    str(first["windows"]),
                    str(first["laws"]),
                    _number(first["windows_per_second"]),
                    ", ".join(record["source"] or NOTHING for record in records),
                    _minutes(network),
                )
            )
    return Table("Sample and speed", header, tuple(rows))


def _error_tables(results: Plain, number: int) -> list[Table]:
    found = []
    if number in (1, 2):
        found += [_overview(results, number, norm) for norm in _NORMS]
    for problem, methods in _sets(results, TABLES[number]):
        chosen = [pair for pair in methods if number not in (3, 4) or pair[0] in _BESIDE_ICON]
        if number == 4 and problem == _LONG_SET:  # its errors are those in Table 3
            found.append(_long_table(problem, chosen))
            continue
        for norm, spelled in _NORMS.items():
            rows = [_errors(problem, method, records, norm) for method, records in chosen]
            title = (
                f"Table {number}. {_TITLES[number]}: {PROBLEMS[problem].title}, relative {spelled}"
            )
            notes = _notes(problem, chosen) if norm == "l2" else ()  # the same for both
            found.append(Table(title, _error_header(norm, problem), tuple(rows), notes))
    return [table for table in found if table.rows]


def _notes(problem: str, methods) -> tuple[str, ...]:
    """What the rows are, and how they differ from the published ones."""
    found = [f"Set: {PROBLEMS[problem].differs}."] if PROBLEMS[problem].differs else []
    for method, records in methods:
        compared = published_for("l2", problem, method) is not None
        published = published_network(PROBLEMS[problem], method) if compared else None
        note = described.line(title_of(method, records), records, published)
        found += [note] if note else []
    return tuple(found)


def _overview(results: Plain, number: int, norm: str) -> Table:
    """The layout of the paper: one row per method, one column per set."""
    present = list(_sets(results, TABLES[number]))
    methods = dict.fromkeys(method for _, pairs in present for method, _ in pairs)
    by_set = {problem: dict(pairs) for problem, pairs in present}
    rows = []
    for method in methods:
        cells = [title_of(method, [r for of in by_set.values() for r in of.get(method, [])])]
        for problem in by_set:
            records = by_set[problem].get(method)
            ours = NOTHING if records is None else _pair(_pooled(records, norm))
            published = published_for(norm, problem, method)
            cells.append(ours if published is None else f"{ours} (published {_pair(published)})")
        rows.append(tuple(cells))
    header = ("method", *(PROBLEMS[problem].title for problem in by_set))
    title = (
        f"Table {number}. {_TITLES[number]}: relative {_NORMS[norm]} error, 1 step / {STEPS} steps"
    )
    return Table(title, header, tuple(rows))


def _error_header(norm: str, problem: str) -> tuple[str, ...]:
    less = zero_frame(norm, problem) is not None
    return (
        "method",
        "1 step",
        "published",
        "ours/published",
        f"{STEPS} steps",
        "published",
        *(["published, less the zero frame (estimate)"] if less else []),
        "ours/published" + (" less it" if less else ""),
        "median",
        "95th percentile",
        "windows",
        "failures",
    )


def _errors(problem: str, method: str, records: list[Plain], norm: str) -> tuple[str, ...]:
    keys = [f"{norm}, 1 step", f"{norm}, {STEPS} steps"]
    published = published_for(norm, problem, method) or (None, None)
    ours = _pooled(records, norm)
    less = zero_frame(norm, problem)
    cells = [title_of(method, records), _mean(records, keys[0])]
    cells += [_number(published[0]), _ratio(ours[0], published[0])]
    cells += [_mean(records, keys[1]), _number(published[1])]
    like = published[1]
    if less is not None:
        like = None if like is None else like - less
        cells.append(_number(like))
    cells.append(_ratio(ours[1], like))
    whole = [record["errors"] for record in records]
    cells.append(_pair(np.mean([errors[key]["median"] for errors in whole]) for key in keys))
    cells.append(_pair(np.mean([errors[key]["p95"] for errors in whole]) for key in keys))
    cells.append(str(whole[0][keys[1]]["count"]))
    cells.append(", ".join(str(errors[keys[1]]["failures"]) for errors in whole))
    return tuple(cells)


def _ratio(ours: float, published: float | None) -> str:
    return NOTHING if published is None else _number(ours / published)


def _long_table(problem: str, methods) -> Table:
    rows = []
    for method, records in methods:
        curve = records[0]["long"]["l2"]
        if len(curve) <= _LONG:
            continue
        cells = [_number(curve[j]["mean"]) for j in (_LONG - 1, len(curve) - 1)]
        rows.append((title_of(method, records), *cells, str(curve[0]["count"])))
    title = f"Table 4. Long roll-out: {PROBLEMS[problem].title}, relative l2 at a time"
    return Table(
        title, ("method", f"after {_LONG} steps", "at the end", "trajectories"), tuple(rows)
    )


def _cost_table(results: Plain) -> list[Table]:
    header = (
        "method",
        "parameters",
        "MB",
        "MFLOP a step",
        "training step of 64, ms",
        f"forecast of {STEPS} steps, ms",
        "windows a second",
    )
    records = results["records"].get("cubic", {})
    costs = results["costs"].get("methods", {})
    rows = [
        _cost(title_of(method, records.get(method, [])), costs[method], records.get(method))
        for method in ordered(costs)
    ]
    for method, cost in results["costs"].get("published", {}).items():
        rows.append(_cost(f"{NETWORKS[method]}, published size, untrained", cost, None))
    title = f"Table 5. {_TITLES[5]}: cubic"
    return [Table(title, header, tuple(rows))] if rows else []


def _cost(title: str, cost: Plain, records: list[Plain] | None) -> tuple[str, ...]:
    flops = cost.get("flops")
    return (
        title,
        NOTHING if "parameters" not in cost else f"{cost['parameters']:,}",
        _number(cost.get("megabytes")),
        _number(None if flops is None else 1e-6 * flops),
        _number(cost.get("training_milliseconds")),
        _number(cost["forecast_milliseconds"]),
        _number(records[0]["windows_per_second"] if records else None),
    )


def _sets(results: Plain, names: Iterable[str]) -> Iterator[tuple[str, list]]:
    """(set, [(method, records)]) in the order of the benchmark, without empty ones."""
    for problem in names:
        if present := methods_of(results, problem):
            yield problem, present


def methods_of(results: Plain, problem: str) -> list[tuple[str, list[Plain]]]:
    """(method, records) of a set in the order of the benchmark, without methods that have none."""
    records = results["records"].get(problem, {})
    return [(method, records[method]) for method in ordered(records) if records[method]]


def ordered(methods: Iterable[str]) -> list[str]:
    """Methods in the order of the benchmark; those that were added come last."""
    names = list(CONTENDERS)
    return sorted(methods, key=lambda m: names.index(m) if m in names else len(names))


def title_of(method: str, records: list[Plain]) -> str:
    """The title of a method in tables and figures; with the size for HFluxNO, which has several."""
    if method not in CONTENDERS:
        return method
    contender = CONTENDERS[method]
    known = contender.sized and any(record.get("network") for record in records)
    return f"{contender.title}, {described.size(records)}" if known else contender.title


def _minutes(network: Plain | None) -> str:
    minutes = None if network is None else network["minutes"]
    return NOTHING if minutes is None else f"{minutes:.0f}"


def _pooled(records: list[Plain], norm: str) -> tuple[float, ...]:
    keys = (f"{norm}, 1 step", f"{norm}, {STEPS} steps")
    return tuple(float(np.mean([r["errors"][key]["mean"] for r in records])) for key in keys)


def _mean(records: list[Plain], name: str) -> str:
    """The mean, ± the standard deviation over seeds, or ± the sampling error of one seed."""
    found = [record["errors"].get(name) for record in records]
    there = [summary for summary in found if summary is not None]
    if not there:
        return NOTHING
    means = [summary["mean"] for summary in there]
    spread = float(np.std(means, ddof=1)) if len(means) > 1 else there[0]["standard_error"]
    text = _number(float(np.mean(means)))
    if spread is None or not math.isfinite(spread):
        return text
    return f"{text} ± {_number(spread, 1)}"


def _pair(numbers: Iterable[float | None]) -> str:
    return " / ".join(_number(None if number is None else float(number)) for number in numbers)


def _number(value: float | None, digits: int = 3) -> str:
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return "∞"
    return f"{value:.{digits}g}"
