"""The same as run_pyclaw.py on a plane, unsplit and without transverse waves."""

import sys
from pathlib import Path

from clawpack import pyclaw
from run_pyclaw import given, run


def main(folder: Path) -> None:
    exported, q0, times = given(folder)
    solver = pyclaw.ClawSolver2D(riemann_solver=exported.rp)
    solver.num_waves = exported.rp.num_waves
    solver.dimensional_split, solver.transverse_waves = False, solver.no_trans
    solver.dt_variable, solver.dt_initial = False, float(times[1] - times[0])
    solver.cfl_max, solver.max_steps = 0.5, 10**4
    run(solver, q0, times, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
