"""Accuracy of forecasts from 20 frames: the accuracy table of the documentation.

    python benchmarks/accuracy.py [--sets NAME …] [--contexts N] [--seed N]
                                  [--json FILE] [--markdown FILE …]

For each set, draws N trajectories of the test split (each with its own law), infers the law of each
from its first 20 frames, forecasts 80 steps and prints the relative l2 errors after 1, 20 and 80
steps (see `hfluxno.evaluation.accuracy`). Times are per context of a batch, without compilation. A
Markdown file that exists gets the table between its lines "accuracy: begin" and "accuracy: end";
any other is overwritten.
"""

import argparse
import dataclasses
import json
import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np

from hfluxno.cli.runtime import prepared
from hfluxno.data import Configuration
from hfluxno.data.generate import chunk_size
from hfluxno.data.recipes import recipe
from hfluxno.data.replacing import check_writable, replacing
from hfluxno.evaluation import CASES, STEPS, Case, measure
from hfluxno.evaluation.accuracy import coarse_truth
from hfluxno.evaluation.tables import inserted, markdown, plain
from hfluxno.fv import MUSCL, StepControl, solve
from hfluxno.grid import Grid

FINE_CELLS = 1600
_FINE_CONTROL = StepControl(desired=0.45, maximum=0.5, lagged=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", metavar="NAME", choices=CASES, default=list(CASES))
    parser.add_argument("--contexts", type=int, default=100, help="trajectories drawn for each set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", nargs="+", default=[])
    options = parser.parse_args()
    try:
        if options.json:
            check_writable(options.json, (".json",))
        for file in options.markdown:
            check_writable(file, (".md",))
            if file.exists():
                inserted(file.read_text(encoding="utf-8"), "")
        with prepared():
            results = run([CASES[name] for name in options.sets], options.contexts, options.seed)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    table = markdown(results)
    conditions = (
        f"Relative l2 error after {' / '.join(map(str, STEPS))} steps, {options.contexts} "
        f"trajectories drawn for each set, seed {options.seed}; {processors()}, "
        f"JAX {jax.__version__} on {jax.default_backend()}."
    )
    print(f"\n{conditions}\n\n{table}")
    reached = [flag for result in results for flag in result.reached if flag is not None]
    print(f"{sum(reached)} of {len(reached)} targets are reached.")
    if options.json:
        report = {"conditions": conditions, "sets": [plain(result) for result in results]}
        with replacing(options.json) as (path,):
            path.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
    for file in options.markdown:
        text = f"{conditions}\n\n{table}"
        if file.exists():
            text = inserted(file.read_text(encoding="utf-8"), text)
        with replacing(file) as (path,):
            path.write_text(text, encoding="utf-8")


def run(cases: list[Case], contexts: int, seed: int) -> list:
    """The result of each case, printed as soon as it is known."""
    results = []
    for case in cases:
        began = time.perf_counter()
        configuration = case.configuration(contexts, seed)
        truth, status = (fine_truth if case.fine else coarse_truth)(configuration)
        results.append(measure(case, configuration, truth, status))
        row = markdown(results[-1:]).splitlines()[-1]
        print(row, f"{time.perf_counter() - began:.0f} s in all", flush=True)
    return results


def fine_truth(
    configuration: Configuration, cells: int = FINE_CELLS
) -> tuple[np.ndarray, np.ndarray]:
    """The trajectories of a configuration, solved by MUSCL with an SSP Runge-Kutta scheme on
    `cells` cells and averaged to the cells of the configuration; and their status.

    The scheme differs from those of the data sets in reconstruction, numerical flux, integrator and
    choice of the time step.
    """
    fine = dataclasses.replace(configuration, cells=cells, float64=True)
    pairs = [fine.indices(i) for i in range(fine.trajectories)]
    coefficients = np.stack([fine.coefficients(law) for law, _ in pairs])
    initial = np.stack([fine.initial_state(*pair) for pair in pairs])
    grid, law_type = Grid.interval(cells), recipe(fine.law).law

    def one(numbers, state):
        law = law_type(**dict(zip(fine.parameters, numbers, strict=True)))
        run = solve(MUSCL(law), state, fine.times, grid, _FINE_CONTROL, max_steps=20 * cells)
        means = run.values.reshape(*run.values.shape[:-1], configuration.cells, -1).mean(axis=-1)
        return means, run.status

    program = jax.jit(jax.vmap(one))

    def solved(members):
        with jax.enable_x64(True):  # the setting is per thread
            return jax.tree.map(np.asarray, program(coefficients[members], initial[members]))

    width = chunk_size(fine)
    chunks = [
        np.resize(np.arange(start, min(start + width, len(pairs))), width)
        for start in range(0, len(pairs), width)
    ]
    parts = [solved(chunks[0])]  # compiles once, before the threads start
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts += pool.map(solved, chunks[1:])
    values, status = (np.concatenate(leaves)[: len(pairs)] for leaves in zip(*parts, strict=True))
    return values, status


def processors() -> str:
    """The number of cores and their kind."""
    kind = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                kind = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return f"{os.cpu_count()} cores ({kind})"


if __name__ == "__main__":
    main()
