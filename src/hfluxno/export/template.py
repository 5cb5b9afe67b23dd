"""Templates of programs: their text, and how they are filled in."""

from pathlib import Path

from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved.law import SavedLaw

_FOLDER = Path(__file__).parent / "templates"
# Characters allowed in a comment of C, so that no name can end it.
_PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;:()+-*=<>^_%'")
_WRITTEN = str.maketrans({"·": "*", "²": "^2", "³": "^3"})


def text_of(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def filled(template: str, mark: str, lines: list[str]) -> str:
    """The template with these lines instead of those between `# mark: begin` and `# mark: end`,
    which are removed too."""
    kept: list[str] = []
    inside = False
    for line in template.splitlines():
        if f"{mark}: begin" in line:
            inside = True
            kept += lines
        elif f"{mark}: end" in line:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept) + "\n"


def provenance(saved: SavedLaw | SavedPlaneLaw) -> list[str]:
    """Where the law comes from, one sentence per line."""
    law, fit = saved.law, saved.fit
    ranges = ", ".join(
        f"{name} from {low:.6g} to {high:.6g}{' ' + unit if unit else ''}"
        for name, low, high, unit in zip(
            law.fields, law.lower, law.upper, saved.units.fields, strict=True
        )
    )
    of_axes = saved.units.by_name(law.fields)
    letters = (("x", "x"), ("y", "y"), ("t", "time"))
    units = [f"{letter} in {of_axes[axis]}" for letter, axis in letters if of_axes.get(axis)]
    change = saved.change if isinstance(saved, SavedLaw) else None
    added = [] if change is None else [f"The data have {change.replaced} instead: {change}."]
    return [
        f"A law that hfluxno found: {fit.law}.",
        *added,
        f"It is known for {ranges}" + (f" ({', '.join(units)})." if units else "."),
        f"Of the data that it was found in: {fit.sentence}.",
    ]


def in_c(text: str) -> str:
    plain = text.translate(_WRITTEN)
    return "".join(letter if letter in _PLAIN else "?" for letter in plain)
