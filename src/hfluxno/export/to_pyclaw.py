"""A law as a Riemann solver in Python for PyClaw."""

from hfluxno.export.template import after, text_of
from hfluxno.export.to_numpy import numpy_file
from hfluxno.identify.saved_law import SavedLaw


def pyclaw_file(saved: SavedLaw) -> str:
    """The law in NumPy, and `rp` after it. Raises `ValueError` if the flux depends on place: a
    Riemann solver only sees states."""
    terms = saved.law.terms
    if terms is not None and (terms.flux_by_place.any() or terms.stretches.size):
        raise ValueError(
            "A Riemann solver only sees states, but this flux depends on place; export it to numpy "
            "or c."
        )
    return numpy_file(saved) + "\n\n" + after(text_of("pyclaw_solver.py"), "solver")
