"""PyClaw with an exported Riemann solver, in a process of its own: run_pyclaw.py FOLDER.

Reads exported.py and in.npz (q0, times; on the ring [0, 1]), and writes out.npz.
"""

import sys
from pathlib import Path

import numpy as np
from clawpack import pyclaw


def main(folder: Path) -> None:
    exported, q0, times = given(folder)
    solver = pyclaw.ClawSolver1D(riemann_solver=exported.rp)
    solver.kernel_language, solver.num_waves = "Python", len(exported.FIELDS)
    solver.cfl_desired, solver.cfl_max = 0.5, 0.9
    solver.step_source = exported.step_source
    run(solver, q0, times, folder)


def given(folder: Path):
    """The exported module, the first state and the times."""
    sys.path.insert(0, str(folder))
    import exported

    with np.load(folder / "in.npz") as arrays:
        return exported, arrays["q0"], arrays["times"]


def run(solver, q0: np.ndarray, times: np.ndarray, folder: Path) -> None:
    """Solves on [0, 1] along each axis, periodic, and writes the states at these times."""
    solver.num_eqn, solver.fwave = len(q0), False
    solver.limiters = pyclaw.limiters.tvd.MC
    solver.all_bcs = pyclaw.BC.periodic
    axes = [pyclaw.Dimension(0.0, 1.0, n, name=a) for n, a in zip(q0.shape[1:], "xy", strict=False)]
    domain = pyclaw.Domain(axes)
    state = pyclaw.State(domain, len(q0))
    state.q[...] = q0
    claw = pyclaw.Controller()
    claw.verbosity, claw.solver, claw.solution = 0, solver, pyclaw.Solution(state, domain)
    claw.output_style, claw.out_times = 2, times
    claw.output_format, claw.keep_copy = None, True
    claw.run()
    np.savez(folder / "out.npz", values=np.stack([frame.q for frame in claw.frames]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
