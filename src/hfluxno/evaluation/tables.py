"""Tables in a Markdown file, between lines with their names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hfluxno.data.replacing import check_writable, replace_text


def inserted(text: str, table: str, name: str) -> str:
    """`text` with `table` between its lines `<!-- NAME: begin -->` and `<!-- NAME: end -->`. Raises
    `ValueError` if the text does not have one of each, in this order.
    """
    first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end) or first in rest or last in after:
        raise ValueError(f"The text needs one line {first} and after it one line {last}.")
    return f"{before}{first}\n\n{table}\n{last}{after}"


def check_markdown(files: Sequence[Path], name: str) -> None:
    """Checks that `write_markdown` can write there, before minutes of work. Raises `ValueError` or
    `OSError` if it cannot.
    """
    for file in files:
        check_writable(file, (".md",))
        if file.exists():
            inserted(file.read_text(encoding="utf-8"), "", name)


def write_markdown(files: Sequence[Path], table: str, name: str) -> None:
    """Inserts the table in each Markdown file between the lines with its name; a file that is not
    there has nothing but the table.
    """
    for file in files:
        text = inserted(file.read_text(encoding="utf-8"), table, name) if file.exists() else table
        replace_text(file, text)


def insert_into(path: Path, parts: Mapping[str, str]) -> None:
    """Inserts each of these parts between the lines with its name in a Markdown file. Raises
    `ValueError` if the file lacks the lines of one of them.
    """
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = inserted(text, part + "\n", name)
    path.write_text(text, encoding="utf-8")
