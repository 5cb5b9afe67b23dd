"""Tables as Markdown and as LaTeX."""

from collections.abc import Iterable

from hfluxno.evaluation.paper.tables import Table

_LATEX = {
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "relative l2": r"relative $\ell_2$",
    "relative l∞": r"relative $\ell_\infty$",
    "∞": r"$\infty$",
    "±": r"$\pm$",
    "–": "--",
    "τ": r"$\tau$",
    "→": r"$\to$",
    "ε": r"$\varepsilon$",
    "β": r"$\beta$",
}


def markdown(tables: Iterable[Table]) -> str:
    """The tables, each under its title."""
    return "\n".join(f"### {table.title}\n\n{_markdown(table)}" for table in tables)


def latex(tables: Iterable[Table]) -> str:
    """The tables as floats for the package booktabs."""
    return "\n".join(map(_latex, tables))


def _markdown(table: Table) -> str:
    lines = [table.header, tuple("---" for _ in table.header), *table.rows]
    text = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    notes = "".join(f"- {note}\n" for note in table.notes)
    return f"{text}\n{notes}" if notes else text


def _latex(table: Table) -> str:
    def line(cells):
        return " & ".join(map(_escaped, cells)) + r" \\"

    columns = "l" + "r" * (len(table.header) - 1)
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{_escaped(table.title)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            line(table.header),
            r"\midrule",
            *map(line, table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par {{\footnotesize {_escaped(note)}}}" for note in table.notes),
            r"\end{table}",
            "",
        ]
    )


def _escaped(text: str) -> str:
    for plain, escaped in _LATEX.items():
        text = text.replace(plain, escaped)
    return text
