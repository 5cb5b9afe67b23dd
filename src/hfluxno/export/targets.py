"""What a law can be exported to, and under which names the files are written."""

from collections.abc import Callable
from typing import NamedTuple

from hfluxno.export.to_c import header, test_program
from hfluxno.export.to_latex import latex
from hfluxno.export.to_numpy import numpy_file
from hfluxno.export.to_pyclaw import pyclaw_file
from hfluxno.export.to_stablehlo import stablehlo
from hfluxno.identify.law_file import dumps
from hfluxno.identify.saved_law import SavedLaw

Files = dict[str, str | bytes]


class Target(NamedTuple):
    """The suffix of the (first) file, and what makes the files by their names."""

    suffix: str
    files: Callable[[SavedLaw, str], Files]


def _single(suffix: str, content: Callable[[SavedLaw], str | bytes]) -> Target:
    return Target(suffix, lambda saved, stem: {f"{stem}{suffix}": content(saved)})


def _c(saved: SavedLaw, stem: str) -> Files:
    name = f"{stem}.h"
    return {name: header(saved), f"{stem}_test.c": test_program(saved, name)}


TARGETS = {
    "numpy": _single(".py", numpy_file),
    "c": Target(".h", _c),
    "pyclaw": _single(".py", pyclaw_file),
    "stablehlo": _single(".stablehlo", stablehlo),
    "latex": _single(".tex", latex),
    "json": _single(".json", dumps),
}


def export_law(saved: SavedLaw, target: str, stem: str = "law") -> Files:
    """The files of an export, by name.

    **Arguments:**

    - `target`: one of `TARGETS`.
    - `stem`: of the names.

    **Raises:**

    - `ValueError`, if the target is not known, or has no form for this law.
    """
    if target not in TARGETS:
        raise ValueError(f"Unknown target {target!r}; choose one of {', '.join(TARGETS)}.")
    dumps(saved)  # refuses what is no law, names that are no text included
    return TARGETS[target].files(saved, stem)
