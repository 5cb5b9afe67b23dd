"""Tables in a Markdown file, between lines with their names."""

from collections.abc import Mapping
from pathlib import Path


def inserted(text: str, table: str, name: str = "accuracy") -> str:
    """`text` with `table` between its lines `<!-- NAME: begin -->` and `<!-- NAME: end -->`. Raises
    `ValueError` if the text does not have one of each, in this order.
    """
    first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end) or first in rest or last in after:
        raise ValueError(f"The text needs one line {first} and after it one line {last}.")
    return f"{before}{first}\n\n{table}\n{last}{after}"


def insert_into(path: Path, parts: Mapping[str, str]) -> None:
    """Inserts each of these parts between the lines with its name in a Markdown file. Raises
    `ValueError` if the file lacks the lines of one of them.
    """
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = inserted(text, part + "\n", name)
    path.write_text(text, encoding="utf-8")
