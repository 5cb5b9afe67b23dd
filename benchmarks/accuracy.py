"""Accuracy of forecasts from 20 frames: the accuracy table of the documentation.

    python -m benchmarks.accuracy [--sets NAME …] [--contexts N] [--seed N]
                                  [--json FILE] [--markdown FILE …]

For each set, draws N trajectories of the test split (each with its own law), infers the law of each
from its first 20 frames, forecasts 80 steps and prints the relative l2 errors after 1, 20 and 80
steps (see `benchmarks.accuracy_sets`). Times are per context of a batch, without compilation. A
Markdown file that exists gets the table between its lines "accuracy: begin" and "accuracy: end";
any other is overwritten.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from benchmarks.accuracy_sets import CASES, STEPS, Case, Result, coarse_truth, measure
from benchmarks.machine import processors
from benchmarks.pages import check_pages, write_pages
from hfluxno.batching import map_in_chunks
from hfluxno.cli.runtime import prepared
from hfluxno.data import Configuration
from hfluxno.data.generate import chunk_size
from hfluxno.data.recipes import recipe
from hfluxno.data.replacing import check_writable, replacing
from hfluxno.fv import MUSCL, StepControl, solve
from hfluxno.grid import Grid

_HEADER = (
    "set",
    "contexts",
    "mean",
    "target",
    "met",
    "median",
    "95th percentile",
    "failures",
    "status",
    "ms",
)
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
        check_pages(options.markdown, "accuracy")
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
    write_pages(options.markdown, {"accuracy": f"{conditions}\n\n{table}"})


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

    def solved(chunk):
        with jax.enable_x64(True):
            return jax.tree.map(np.asarray, program(*chunk))

    inputs = (coefficients, initial)
    return map_in_chunks(solved, inputs, np.zeros(len(pairs)), chunk_size(fine))


def markdown(results: Sequence[Result]) -> str:
    """The table; cells with slashes hold one number for each of `STEPS`."""
    rows = [_HEADER, tuple("---" for _ in _HEADER), *(_row(result) for result in results)]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def _row(result: Result) -> tuple[str, ...]:
    used = result.l2[0].count
    left_out = [
        f"{number} {word}"
        for number, word in ((result.constant, "constant"), (result.unsolved, "unsolved"))
        if number
    ]
    return (
        result.case.title,
        str(used) + (f" ({', '.join(left_out)} left out)" if left_out else ""),
        _joined(_number(summary.mean) for summary in result.l2),
        _joined(_number(target) for target in result.case.targets),
        _joined({None: "–", True: "yes", False: "no"}[flag] for flag in result.reached),
        _joined(_number(summary.median) for summary in result.l2),
        _joined(_number(summary.p95) for summary in result.l2),
        str(max(summary.failures for summary in result.l2)),
        ", ".join(f"{count} {name}" for name, count in result.statuses.items()),
        f"{1e3 * result.seconds:.0f}",
    )


def plain(result: Result) -> dict:
    """The table as JSON data."""
    steps = [str(step) for step in STEPS]
    return {
        "set": dataclasses.asdict(result.case),
        "drawn": result.drawn,
        "constant": result.constant,
        "unsolved": result.unsolved,
        "l2": dict(zip(steps, map(dataclasses.asdict, result.l2), strict=True)),
        "linf": dict(zip(steps, map(dataclasses.asdict, result.linf), strict=True)),
        "reached": dict(zip(steps, result.reached, strict=True)),
        "statuses": dict(result.statuses),
        "seconds_per_context": result.seconds,
    }


def _joined(parts) -> str:
    return " / ".join(parts)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


if __name__ == "__main__":
    main()
