"""The accuracy table in Markdown and as plain data."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from hfluxno.evaluation.accuracy import STEPS, Result

_HEADER = (
    "set",
    "contexts",
    "mean",
    "must reach",
    "reached",
    "median",
    "95th percentile",
    "failures",
    "status",
    "ms",
)


def markdown(results: Sequence[Result]) -> str:
    """The table; cells with slashes hold one number for each of `STEPS`."""
    rows = [_HEADER, tuple("---" for _ in _HEADER), *(_row(result) for result in results)]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def _row(result: Result) -> tuple[str, ...]:
    used = result.l2[0].count
    left_out = [
        f"{number} {word}"
        for number, word in ((result.constant, "constant"), (result.unsolved, "unsolved"))
        if number
    ]
    return (
        result.case.title,
        str(used) + (f" ({', '.join(left_out)} left out)" if left_out else ""),
        _joined(_number(summary.mean) for summary in result.l2),
        _joined(_number(target) for target in result.case.targets),
        _joined({None: "–", True: "yes", False: "no"}[flag] for flag in result.reached),
        _joined(_number(summary.median) for summary in result.l2),
        _joined(_number(summary.p95) for summary in result.l2),
        str(max(summary.failures for summary in result.l2)),
        ", ".join(f"{count} {name}" for name, count in result.statuses.items()),
        f"{1e3 * result.seconds:.0f}",
    )


def plain(result: Result) -> dict:
    """The table as JSON data."""
    steps = [str(step) for step in STEPS]
    return {
        "set": dataclasses.asdict(result.case),
        "drawn": result.drawn,
        "constant": result.constant,
        "unsolved": result.unsolved,
        "l2": dict(zip(steps, map(dataclasses.asdict, result.l2), strict=True)),
        "linf": dict(zip(steps, map(dataclasses.asdict, result.linf), strict=True)),
        "reached": dict(zip(steps, result.reached, strict=True)),
        "statuses": dict(result.statuses),
        "seconds_per_context": result.seconds,
    }


def inserted(text: str, table: str, name: str = "accuracy") -> str:
    """`text` with `table` between its lines `<!-- NAME: begin -->` and `<!-- NAME: end -->`.

    **Raises:**

    - `ValueError`, if the text does not have one of each, in this order.
    """
    first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end) or first in rest or last in after:
        raise ValueError(f"The text needs one line {first} and after it one line {last}.")
    return f"{before}{first}\n\n{table}\n{last}{after}"


def _joined(parts) -> str:
    return " / ".join(parts)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def insert_into(path: Path, parts: Mapping[str, str]) -> None:
    """Inserts each of these parts between the lines with its name in a Markdown file.

    **Raises:**

    - `ValueError`, if the file lacks the lines of one of them.
    """
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = inserted(text, part + "\n", name)
    path.write_text(text, encoding="utf-8")
