"""A law as a Riemann solver for PyClaw: in Python on a line, in C on a plane."""

from hfluxno.export.left_out import left_out
from hfluxno.export.template import text_of
from hfluxno.export.to_c import header
from hfluxno.export.to_numpy import numpy_file
from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved.law import SavedLaw


def pyclaw_files(saved: SavedLaw | SavedPlaneLaw, stem: str) -> dict[str, str | bytes]:
    """The law in NumPy, and `rp` after it; on a plane also the C that `rp` compiles. Raises
    `ValueError` if the flux depends on place: a Riemann solver only sees states."""
    if isinstance(saved, SavedPlaneLaw):
        solver = text_of("law_rpn2.c").replace("THIS_FILE", f"{stem}_rpn2")
        return {
            f"{stem}.py": _with(saved, "pyclaw_plane.py"),
            f"{stem}.h": header(saved),
            f"{stem}_rpn2.c": solver.replace('"law.h"', f'"{stem}.h"'),
        }
    terms = saved.law.terms
    if terms is not None and (terms.flux_by_place.any() or terms.stretches.size):
        raise ValueError(
            "A Riemann solver only sees states, but this flux depends on place; export it to numpy "
            "or c."
        )
    return {f"{stem}.py": _with(saved, "pyclaw_solver.py")}


def _with(saved: SavedLaw | SavedPlaneLaw, solver: str) -> str:
    warning = left_out(saved, "pyclaw")
    head = f"# {warning}\n" if warning else ""
    body = text_of(solver).partition("# solver: begin\n")[2]
    return head + numpy_file(saved) + "\n\n" + body
