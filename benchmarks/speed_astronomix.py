"""Speed and memory of the solver on a plane beside astronomix, which is written in JAX too.

    taskset -c 0 python benchmarks/speed_astronomix.py --peer PYTHON [--memory]

Both advance the smooth gas of `speed_plane.py` on 256² periodic cells by steps of equal length; 20
steps are subtracted from 120, so that starting costs nothing, and the processor time of the fastest
of five runs counts. `PYTHON` has astronomix; it may be the same. With `--memory` both run to
t = .099 on 512² cells, by steps of their own, and keep 100 frames; each run is a process, whose
peak counts.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
from speed_plane import GAMMA, gas

CELLS, STEPS, TIMES = 256, (20, 120), 5
LARGE, FRAMES, END = 512, 100, 0.099
Run = Callable[[float, int], object]


def ours(double: bool) -> Iterator[tuple[str, Run]]:
    import equinox as eqx
    import jax.numpy as jnp

    from hfluxno.fv import MUSCL, solve
    from hfluxno.grid import Grid
    from hfluxno.laws import Euler

    compiled, grid = eqx.filter_jit(solve), Grid.rectangle((CELLS, CELLS))
    first = jnp.asarray(gas(CELLS), float if double else np.float32)
    for name in ("hllc", "hll"):
        scheme = MUSCL(Euler(axes=2, gamma=GAMMA), "minmod", name)

        def run(dt: float, steps: int, scheme=scheme):
            return compiled(scheme, first, np.array([0.0, steps * dt]), grid, substeps=steps).values

        yield f"hfluxno, MUSCL, minmod, {name}", run


def keep_ours(double: bool):
    """100 frames."""
    import equinox as eqx
    import jax.numpy as jnp

    from hfluxno.fv import MUSCL, solve
    from hfluxno.grid import Grid
    from hfluxno.laws import Euler

    scheme, grid = MUSCL(Euler(axes=2, gamma=GAMMA), "minmod", "hllc"), Grid.rectangle((LARGE,) * 2)
    first, times = gas(LARGE).astype(float if double else np.float32), np.linspace(0, END, FRAMES)
    run = eqx.filter_jit(lambda q: solve(scheme, q, times, grid).values)
    return lambda: run(jnp.asarray(first))


def peer(double: bool) -> Iterator[tuple[str, Run]]:
    import astronomix.option_classes.simulation_config as options
    from astronomix import time_integration

    for name, solver in (("hllc", options.HLLC), ("hll", options.HLL)):

        def run(dt: float, steps: int, riemann=solver):
            fixed = {"fixed_timestep": True, "num_timesteps": steps}
            state, config, names = _of_astronomix(CELLS, double, riemann, **fixed)
            return time_integration(state, config, _parameters(steps * dt), names)

        yield f"astronomix, minmod, {name}", run


def keep_peers(double: bool):
    import astronomix.option_classes.simulation_config as options
    from astronomix import time_integration

    kept = options.SnapshotSettings(return_states=True)
    more = {"return_snapshots": True, "num_snapshots": FRAMES, "snapshot_settings": kept}
    state, config, names = _of_astronomix(LARGE, double, options.HLLC, **more)
    return lambda: time_integration(state, config, _parameters(END), names).states


def _parameters(end: float):
    from astronomix import SimulationParams

    return SimulationParams(t_end=end, gamma=GAMMA, C_cfl=0.4)


def _of_astronomix(cells: int, double: bool, riemann, **more):
    """Minmod in both axes at once, and two stages: the scheme of `MUSCL`."""
    import astronomix as a
    import astronomix.option_classes.simulation_config as options

    q = gas(cells).astype(np.float64 if double else np.float32)
    u, v = q[1] / q[0], q[2] / q[0]
    around = options.BoundarySettings1D(options.PERIODIC_BOUNDARY, options.PERIODIC_BOUNDARY)
    config = a.SimulationConfig(
        solver_mode=options.FINITE_VOLUME,
        backend=options.NATIVE_JAX,
        dimensionality=2,
        box_size=1.0,
        num_cells=cells,
        limiter=options.MINMOD,
        riemann_solver=riemann,
        time_integrator=options.RK2_SSP,
        split=options.UNSPLIT,
        boundary_handling=options.GHOST_CELLS,
        boundary_settings=options.BoundarySettings(around, around, around),
        numerical_precision=options.DOUBLE_PRECISION if double else options.SINGLE_PRECISION,
        **more,
    )
    names = a.get_registered_variables(config)
    state = a.construct_primitive_state(
        config=config,
        registered_variables=names,
        density=q[0],
        velocity_x=u,
        velocity_y=v,
        gas_pressure=(GAMMA - 1.0) * (q[3] - 0.5 * q[0] * (u * u + v * v)),
    )
    return state, a.finalize_config(config, state.shape), names


def speeds(runs: Iterator[tuple[str, Run]], precision: str) -> None:
    import jax

    for name, run in runs:
        fastest = dict.fromkeys(STEPS, np.inf)
        for number in range(TIMES + 1):
            for steps in STEPS:
                began = time.process_time()
                jax.block_until_ready(run(0.1 / CELLS, steps))
                if number:  # the first compiles
                    fastest[steps] = min(fastest[steps], time.process_time() - began)
        taken = (fastest[STEPS[1]] - fastest[STEPS[0]]) / (STEPS[1] - STEPS[0])
        rate = CELLS**2 / taken / 1e6
        print(f"{name:<30} {precision} {rate:6.2f} million cells × steps a second", flush=True)


def memory(made: Callable, name: str, double: bool) -> None:
    import jax

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10

    run, before = made(double), peak()
    found = jax.block_until_ready(run())
    size = found.nbytes / 2**20
    print(f"{name:<30} {found.dtype} {before:6.0f} MiB before, {peak():5.0f} MiB at most", end="")
    print(f", of which {size:.0f} MiB are {len(found)} frames", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", default=sys.executable, help="a Python with astronomix")
    parser.add_argument("--memory", action="store_true", help="measure memory instead of speed")
    parser.add_argument("--part", choices=("ours", "peer"), help=argparse.SUPPRESS)
    parser.add_argument("--precision", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part is None:
        for precision in ("float64", "float32"):
            for part, python in (("ours", sys.executable), ("peer", options.peer)):
                more = ["--memory"] * options.memory
                words = [__file__, "--part", part, "--precision", precision, *more]
                subprocess.run([python, *words], check=True)
        return
    import jax

    double, is_ours = options.precision == "float64", options.part == "ours"
    jax.config.update("jax_enable_x64", double)
    if options.memory:
        memory(keep_ours if is_ours else keep_peers, "hfluxno" if is_ours else "astronomix", double)
    else:
        speeds((ours if is_ours else peer)(double), options.precision)


if __name__ == "__main__":
    main()
