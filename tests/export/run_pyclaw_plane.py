"""Run by test_pyclaw_live.py: PyClaw on a plane with the exported law, from in.npz to out.npz."""

import sys
from pathlib import Path

import numpy as np
from clawpack import pyclaw


def main(folder: Path) -> None:
    sys.path.insert(0, str(folder))
    import exported

    with np.load(folder / "in.npz") as given:
        q0, times = given["q0"], given["times"]
    solver = pyclaw.ClawSolver2D(riemann_solver=exported.rp)
    solver.num_eqn, solver.num_waves = len(exported.FIELDS), exported.rp.num_waves
    solver.dimensional_split, solver.transverse_waves = False, solver.no_trans
    solver.limiters, solver.fwave = pyclaw.limiters.tvd.MC, False
    solver.dt_variable, solver.dt_initial = False, float(times[1] - times[0])
    solver.cfl_max, solver.max_steps = 0.5, 10**4
    solver.all_bcs = pyclaw.BC.periodic
    axes = [pyclaw.Dimension(0.0, 1.0, n, name=a) for n, a in zip(q0.shape[1:], "xy", strict=True)]
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
