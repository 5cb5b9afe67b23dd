"""Waiting times: `hfluxno` in a new process, with an empty and with a filled cache.

    python benchmarks/latency.py [--cases NAME …] [--warm N]

Each case is one command in its own process. The first run finds an empty cache of compiled programs
(`XDG_CACHE_HOME`, see `hfluxno.cli.runtime`), the others that of the first. `demo` is the example
that comes with hfluxno, including its picture; `traffic` and `shallow-water` are 20 frames of 128
cells by a solver unlike any of our schemes: second-order central-upwind on 1536 cells, averaged.
Columns: wall-clock and CPU seconds; the wall-clock time of tracing, lowering, compiling and loading
programs by JAX's monitoring (the first two can overlap with the third); the rest, which is
importing, reading, solving, drawing and loading the programs stored by `hfluxno.stored_jit`; and
the numbers of programs that were traced, and that JAX compiled or loaded.
"""

import argparse
import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FINE, CELLS, FRAMES, STEPS = 1536, 128, 20, 20
PARTS = ("trace", "lower", "compile", "load")
_EVENTS = {
    "/jax/core/compile/jaxpr_trace_duration": "trace",
    "/jax/core/compile/jaxpr_to_mlir_module_duration": "lower",
    "/jax/core/compile/backend_compile_duration": "compile",  # includes what was loaded
    "/jax/compilation_cache/cache_retrieval_time_sec": "load",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", metavar="NAME", choices=CASES, default=list(CASES))
    parser.add_argument("--warm", type=int, default=2, help="runs with a filled cache")
    parser.add_argument("--child", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return
    heads = ("wall", "CPU", *PARTS, "rest", "traced", "loaded")
    print(f"{os.cpu_count()} cores; seconds; warm: median of {options.warm} runs")
    print(f"{'':20}" + "".join(f"{head:>9}" for head in heads))
    for name in options.cases:
        with tempfile.TemporaryDirectory() as folder:
            arguments = CASES[name](Path(folder))
            show(f"{name}, cold", run(arguments, folder))
            warm = [run(arguments, folder) for _ in range(options.warm)]
            if warm:
                show(f"{name}, warm", {k: statistics.median(r[k] for r in warm) for k in warm[0]})


def show(label: str, result: dict) -> None:
    rest = result["wall"] - result["busy"]
    seconds = [result["wall"], result["CPU"], *(result[part] for part in PARTS), rest]
    counts = f"{result['traced']:9.0f}{result['loaded']:9.0f}"
    print(f"{label:20}" + "".join(f"{s:9.2f}" for s in seconds) + counts, flush=True)


def run(arguments: list[str], folder: str) -> dict:
    """One command in a new process with its caches in `folder`."""
    environment = os.environ | {"XDG_CACHE_HOME": folder}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    before, began = os.times(), time.perf_counter()
    command = [sys.executable, __file__, "--child", *arguments]
    done = subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.PIPE, check=True)
    wall, after = time.perf_counter() - began, os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return json.loads(done.stdout.splitlines()[-1]) | {"wall": wall, "CPU": cpu}


def child(arguments: list[str]) -> None:
    """Runs the command and prints JAX's measurements."""
    import jax.monitoring

    spans, counts = collections.defaultdict(list), collections.Counter()

    def listen(event: str, seconds: float, **_) -> None:
        if event in _EVENTS:
            now = time.perf_counter()
            spans[_EVENTS[event]].append((now - seconds, now))
            counts[_EVENTS[event]] += 1

    jax.monitoring.register_event_duration_secs_listener(listen)
    from hfluxno.cli import main

    if main(arguments):
        sys.exit(1)
    seconds = {part: covered(spans[part]) for part in PARTS}
    seconds["compile"] -= seconds["load"]
    seconds["busy"] = covered([span for part in PARTS for span in spans[part]])
    counts = {"traced": counts["trace"], "loaded": counts["compile"]}
    print(json.dumps(seconds | counts))


def covered(spans: list[tuple[float, float]]) -> float:
    """The length of the union: tracing a program may trace others, in several threads."""
    total, end = 0.0, -np.inf
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def demo(folder: Path) -> list[str]:
    return ["demo", "--folder", str(folder), "--json"]


def traffic(folder: Path) -> list[str]:
    """Cars: f = ρ (1 - ρ)."""
    x = (np.arange(FINE) + 0.5) / FINE
    initial = 0.4 + 0.25 * np.sin(2 * np.pi * x) + 0.1 * np.cos(6 * np.pi * x)
    return _forecast(
        folder, ["density"], 0.02, initial[None], lambda u: u * (1 - u), _traffic_speed
    )


def _traffic_speed(u):
    return np.abs(1 - 2 * u[0])


def shallow_water(folder: Path) -> list[str]:
    x = (np.arange(FINE) + 0.5) / FINE
    height = 1.0 + 0.2 * np.sin(2 * np.pi * x) + 0.1 * np.cos(4 * np.pi * x)
    initial = np.stack([height, 0.1 * np.sin(4 * np.pi * x)])
    return _forecast(folder, ["h", "m"], 0.015, initial, _water_flux, _water_speed)


def _water_flux(u):
    return np.stack([u[1], u[1] ** 2 / u[0] + 0.5 * u[0] ** 2])


def _water_speed(u):
    return np.abs(u[1] / u[0]) + np.sqrt(u[0])


def _forecast(folder, fields, interval, initial, flux, speed) -> list[str]:
    frames = [initial]
    for _ in range(FRAMES - 1):
        frames.append(_advance(frames[-1], interval, flux, speed))
    values = np.stack(frames).reshape(FRAMES, len(fields), CELLS, -1).mean(axis=-1)
    np.savez(
        folder / "context.npz",
        values=values,
        t=interval * np.arange(FRAMES),
        x=(np.arange(CELLS) + 0.5) / CELLS,
        fields=fields,
    )
    arguments = ["--steps", str(STEPS), "--output", str(folder / "forecast.nc"), "--json"]
    return ["forecast", str(folder / "context.npz"), *arguments]


def _advance(u, interval, flux, speed):
    """The periodic state after `interval`: central-upwind fluxes of van Leer's slopes (Kurganov and
    Tadmor, J. Comput. Phys. 160, 2000, 241-282) and Heun's method."""
    dx = 1.0 / u.shape[1]
    steps = int(np.ceil(interval * np.max(speed(u)) / (0.4 * dx)))
    dt = interval / steps

    def change(u):
        left, right = u - np.roll(u, 1, 1), np.roll(u, -1, 1) - u
        product = np.maximum(left * right, 0.0)
        slope = 2.0 * product / np.where(product > 0.0, left + right, 1.0)
        below, above = u + 0.5 * slope, np.roll(u - 0.5 * slope, -1, 1)
        fastest = np.maximum(speed(below), speed(above))
        between = 0.5 * (flux(below) + flux(above)) - 0.5 * fastest * (above - below)
        return (np.roll(between, 1, 1) - between) / dx

    for _ in range(steps):
        half = u + dt * change(u)
        u = 0.5 * (u + half + dt * change(half))
    return u


CASES = {"demo": demo, "traffic": traffic, "shallow-water": shallow_water}

if __name__ == "__main__":
    main()
