"""The targets of an export, and the names of their files."""

from collections.abc import Callable
from typing import NamedTuple

from hfluxno.export.to_c import header, test_program
from hfluxno.export.to_latex import latex
from hfluxno.export.to_numpy import numpy_file
from hfluxno.export.to_pyclaw import pyclaw_file
from hfluxno.export.to_stablehlo import stablehlo
from hfluxno.identify.law_file import dumps
from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved_law import SavedLaw

Files = dict[str, str | bytes]


class Target(NamedTuple):
    """The suffix of the (first) file, the function that makes the files by name, and whether it
    takes a law on a plane."""

    suffix: str
    files: Callable[..., Files]
    on_a_plane: bool = False


def _single(suffix: str, content: Callable[..., str | bytes], on_a_plane: bool = False) -> Target:
    return Target(suffix, lambda saved, stem: {f"{stem}{suffix}": content(saved)}, on_a_plane)


def _c(saved: SavedLaw | SavedPlaneLaw, stem: str) -> Files:
    name = f"{stem}.h"
    return {name: header(saved), f"{stem}_test.c": test_program(saved, name)}


TARGETS = {
    "numpy": _single(".py", numpy_file, on_a_plane=True),
    "c": Target(".h", _c, on_a_plane=True),
    "pyclaw": _single(".py", pyclaw_file),
    "stablehlo": _single(".stablehlo", stablehlo, on_a_plane=True),
    "latex": _single(".tex", latex, on_a_plane=True),
    "json": _single(".json", dumps, on_a_plane=True),
}


def check_target(target: str, on_a_plane: bool) -> None:
    """Raises `ValueError` if a target is not known or takes no law of this dimension."""
    if target not in TARGETS:
        raise ValueError(f"Unknown target {target!r}; choose one of {', '.join(TARGETS)}.")
    if on_a_plane and not TARGETS[target].on_a_plane:
        forms = ", ".join(name for name, each in TARGETS.items() if each.on_a_plane)
        raise ValueError(
            f"A law on a plane has the forms {forms}; got {target} (on a plane PyClaw takes only "
            "Riemann solvers in Fortran)."
        )


def export_law(saved: SavedLaw | SavedPlaneLaw, target: str, stem: str = "law") -> Files:
    """The files of an export, by name.

    - `target`: one of `TARGETS`.
    - `stem`: of the names.

    Raises `ValueError` if the target is unknown, or has no form for this law.
    """
    check_target(target, isinstance(saved, SavedPlaneLaw))
    dumps(saved)  # rejects invalid laws, including names that are not text
    return TARGETS[target].files(saved, stem)
