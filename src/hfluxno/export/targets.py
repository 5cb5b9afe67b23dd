"""The targets of an export, and the names of their files."""

from collections.abc import Callable
from typing import NamedTuple

from hfluxno.export.plain import along_axes
from hfluxno.export.to_c import header, test_program
from hfluxno.export.to_latex import latex_file
from hfluxno.export.to_numpy import numpy_file
from hfluxno.export.to_pyclaw import pyclaw_files
from hfluxno.export.to_stablehlo import stablehlo
from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved.file import dumps
from hfluxno.identify.saved.law import SavedLaw

Files = dict[str, str | bytes]


class Target(NamedTuple):
    """The suffix of the (first) file, the function that makes the files by name, and how their
    names differ by default from those of other targets with the same suffix."""

    suffix: str
    files: Callable[..., Files]
    ending: str = ""


def _single(suffix: str, content: Callable[..., str | bytes]) -> Target:
    return Target(suffix, lambda saved, stem: {f"{stem}{suffix}": content(saved)})


def _c(saved: SavedLaw | SavedPlaneLaw, stem: str) -> Files:
    name = f"{stem}.h"
    return {name: header(saved), f"{stem}_test.c": test_program(saved, name)}


TARGETS = {
    "numpy": _single(".py", numpy_file),
    "c": Target(".h", _c),
    "pyclaw": Target(".py", pyclaw_files, "_pyclaw"),
    "stablehlo": _single(".stablehlo", stablehlo),
    "latex": _single(".tex", latex_file),
    "json": _single(".json", dumps),
}


def check_target(target: str) -> None:
    """Raises `ValueError` if a target is not known."""
    if target not in TARGETS:
        raise ValueError(f"Unknown target {target!r}; choose one of {', '.join(TARGETS)}.")


def export_law(saved: SavedLaw | SavedPlaneLaw, target: str, stem: str = "law") -> Files:
    """The files of an export, by name.

    - `target`: one of `TARGETS`.
    - `stem`: of the names.

    Raises `ValueError` if the target is unknown, or has no form for this law.
    """
    check_target(target)
    dumps(saved)  # rejects invalid laws, including names that are not text
    if target != "json":
        along_axes(saved)  # rejects those that have no such form
    return TARGETS[target].files(saved, stem)
