"""Tables in Markdown files, between lines with their names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hfluxno.cli.benchmark import inserted
from hfluxno.data.replacing import check_writable, replace_text


def check_pages(files: Sequence[Path], name: str) -> None:
    """Checks that `write_pages` can write there, before minutes of work. Raises `ValueError` or
    `OSError` if it cannot.
    """
    for file in files:
        check_writable(file, (".md",))
        if file.exists():
            inserted(file.read_text(encoding="utf-8"), "", name)


def write_pages(files: Sequence[Path], tables: Mapping[str, str]) -> None:
    """Inserts each of the tables in every file between the lines with its name; a file that is not
    there has nothing but the tables.
    """
    for file in files:
        text = file.read_text(encoding="utf-8") if file.exists() else "".join(tables.values())
        for name, table in tables.items() if file.exists() else ():
            text = inserted(text, table, name)
        replace_text(file, text)
