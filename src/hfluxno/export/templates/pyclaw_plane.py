"""The Riemann solver of a law on a plane that follows the law in a file for PyClaw."""

# ruff: noqa: I001  (what follows the mark is a file of its own, after that of the law)
import numpy as np

from hfluxno.export.templates.numpy_law import source

# solver: begin
# For PyClaw, whose solvers on a plane take compiled Riemann solvers (a C compiler is needed once):
#
#     solver = pyclaw.ClawSolver2D(riemann_solver=rp)
#     solver.num_eqn, solver.num_waves = len(FIELDS), rp.num_waves
#     solver.dimensional_split, solver.transverse_waves = False, solver.no_trans
#     solver.cfl_desired, solver.cfl_max = 0.45, 0.5
#     solver.limiters = pyclaw.limiters.tvd.MC
#     solver.step_source = step_source  # if the law has sources; diffusion is not part of it

import ctypes
import os
import subprocess
import types
from pathlib import Path


def _compiled():
    """The library of the C file beside this one, compiled if it is older; $CC names a compiler."""
    source = Path(__file__).with_name(Path(__file__).stem + "_rpn2.c")
    library = source.with_suffix(".so")
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        made = library.with_suffix(f".{os.getpid()}.so")
        flags = ["-O2", "-std=c99", "-shared", "-fPIC", str(source), "-o", str(made), "-lm"]
        subprocess.run([os.environ.get("CC", "cc"), *flags], check=True)
        os.replace(made, library)
    return ctypes.CDLL(str(library))


def _capsule(function):
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = (
        ctypes.py_object,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
    )
    return new(ctypes.cast(function, ctypes.c_void_p), None, None)


_LIBRARY = _compiled()
rp = types.SimpleNamespace(
    __name__="law_of_hfluxno",
    num_waves=_LIBRARY.law_waves(),
    rpn2=types.SimpleNamespace(_cpointer=_capsule(_LIBRARY.rpn2_)),
)


def step_source(solver, state, dt):
    """Adds what arises in a step, for `solver.step_source`; by the method of Heun."""
    before = np.array(state.q)
    first = before + dt * source(before)
    state.q[...] = 0.5 * (before + first + dt * source(first))
