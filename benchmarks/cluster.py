"""Many trajectories: throughput and memory of one and several processes, and an estimate of jobs.

    python benchmarks/cluster.py [--contexts N] [--workers N] [--chunk N] [--folder FOLDER]
    python benchmarks/cluster.py plan --trajectories 1e7 --rate CONTEXTS_A_SECOND [--price EURO]

The first makes a store of `N` contexts of 20 frames of 100 cells (the cubic law, by `hfluxno
generate`) and forecasts 80 frames of each by `hfluxno forecast`: in one process, then with one and
with `--workers` Dask workers. Fifty contexts are forecast first to compile the programs. It prints
the wall-clock time including the start of processes, the CPU time, contexts per second, the peak
memory of a process, and the load of the machine before each run, because other programs affect the
wall-clock time. The ratio of the last and the first row is the gain from several processes. With
`--twice` another run has ten times as many contexts, which must not take more memory.

The second estimates a job: size of input and output, tasks, core hours. Rates are per core:
contexts divided by CPU seconds.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

COMMAND = [sys.executable, "-c", "import sys; from hfluxno.cli import main; sys.exit(main())"]
FRAMES, CELLS, STEPS, INITIALS = 20, 100, 80, 50
# Bytes per context for the figures of its quality and two sentences.
FIGURES = 400
# The number of states in the tables of a law, by its number of fields (see
# `hfluxno.data.law_table`).
POINTS = {1: 101, 2: 33}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contexts", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--chunk", type=int, default=64)
    parser.add_argument("--folder", type=Path, help="for the stores; a temporary one if not given")
    parser.add_argument("--twice", action="store_true", help="also ten times as many contexts")
    known = parser.add_subparsers(dest="what")
    planned = known.add_parser("plan")
    planned.add_argument("--trajectories", type=float, default=1e7)
    planned.add_argument("--rate", type=float, required=True, help="contexts per second and core")
    planned.add_argument("--frames", type=int, default=FRAMES)
    planned.add_argument("--cells", type=int, default=CELLS)
    planned.add_argument("--fields", type=int, choices=(1, 2), default=1)
    planned.add_argument("--steps", type=int, default=STEPS)
    planned.add_argument("--chunk", type=int, default=1024)
    planned.add_argument("--cores", type=int, nargs="+", default=[2, 64, 1024])
    planned.add_argument("--price", type=float, default=0.04, help="per core hour")
    options = parser.parse_args()
    if options.what == "plan":
        plan(options)
        return
    options.contexts = INITIALS * max(1, -(-options.contexts // INITIALS))
    with tempfile.TemporaryDirectory() as temporary:
        measure(options, Path(options.folder or temporary))


def measure(options: argparse.Namespace, folder: Path) -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; chunks of {options.chunk}")
    heads = ("contexts", "clock, s", "CPU, s", "per second", "GiB, peak", "load")
    print(f"{'':20}" + "".join(f"{head:>14}" for head in heads))
    warm = made(folder, INITIALS)
    run(warm, folder, [])
    rows = [("one process", []), ("Dask, 1 worker", dask(1, options))]
    rows.append((f"Dask, {options.workers} workers", dask(options.workers, options)))
    store = made(folder, options.contexts)
    found = [report(name, store, folder, words, options.contexts) for name, words in rows]
    print(f"gain of {options.workers} workers over one process: {found[2] / found[0]:.2f}")
    if options.twice:
        more = 10 * options.contexts
        report(rows[2][0], made(folder, more), folder, rows[2][1], more)


def dask(workers: int, options: argparse.Namespace) -> list[str]:
    return ["--scheduler", "local", "--workers", str(workers), "--chunk", str(options.chunk)]


def made(folder: Path, contexts: int) -> Path:
    store = folder / f"cubic-{contexts}.zarr"
    if not store.exists():
        laws = str(contexts // INITIALS)
        words = ["generate", "cubic", "-o", str(store), "--split", "test", "--laws", laws]
        subprocess.run([*COMMAND, *words, "--initials", str(INITIALS)], check=True)
    return store


def report(name: str, store: Path, folder: Path, words: list[str], contexts: int) -> float:
    clock, cores, memory, before = run(store, folder, words)
    rate = contexts / clock
    print(
        f"{name:20}{contexts:>14,}{clock:>14.0f}{cores:>14.0f}{rate:>14.1f}{memory:>14.2f}", end=""
    )
    print(f"{before:>14.1f}", flush=True)
    return rate


def run(store: Path, folder: Path, words: list[str]) -> tuple[float, float, float, float]:
    """Wall-clock and CPU seconds, the peak memory of a process in GiB, and the load before."""
    before, output = os.getloadavg()[0], folder / "ahead.zarr"
    command = ["forecast", str(store), "-k", str(FRAMES), "-n", str(STEPS), "-o", str(output)]
    began = time.monotonic()
    process = subprocess.Popen([*COMMAND, *command, "--json", *words], stdout=subprocess.DEVNULL)
    largest, stop = [0.0], threading.Event()
    watch = threading.Thread(target=watched, args=(process.pid, largest, stop))
    watch.start()
    _, code, used = os.wait4(process.pid, 0)
    stop.set()
    watch.join()
    if code:
        raise SystemExit(f"hfluxno {' '.join(command)} failed.")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, largest[0], before


def watched(pid: int, largest: list[float], stop: threading.Event) -> None:
    while not stop.wait(0.5):
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
            except OSError:  # it has ended
                continue
            parent, own = (int(re.search(rf"^{key}:\s+(\d+)", text, re.M)[1]) for key in KEYS)
            peak = re.search(r"^VmHWM:\s+(\d+)", text, re.M)
            if pid in (parent, own) and peak:
                largest[0] = max(largest[0], int(peak[1]) / 2**20)


KEYS = ("PPid", "Pid")


def plan(options: argparse.Namespace) -> None:
    count, single, double = options.trajectories, 4, 8
    state = options.fields * options.cells
    context = single * state * options.frames
    fields, points = options.fields, POINTS[options.fields]
    tables = double * (fields * points + (2 * fields + fields**2) * points**fields)
    # The forecast, the ends of its bands, and the predicted error with its bound.
    ahead = (3 * single * state + 2 * double) * options.steps + tables + FIGURES
    hours = count / options.rate / 3600
    held = options.chunk * (context + ahead)
    tasks = -(-count // options.chunk)
    rows = [
        ("contexts, before compression", f"{count * context / 1e12:.2f} TB"),
        ("forecasts, bands and laws, before compression", f"{count * ahead / 1e12:.2f} TB"),
        (f"tasks, of {options.chunk} contexts", f"{tasks:,.0f}"),
        ("length of a task", f"{options.chunk / options.rate:,.0f} s"),
        ("arrays held by a task", f"{held / 2**20:,.0f} MiB"),
        ("core hours", f"{hours:,.0f}"),
        (f"cost at {options.price:g} per core hour", f"{hours * options.price:,.0f}"),
    ]
    rows += [(f"on {n:,} cores", f"{hours / n:,.1f} h") for n in options.cores]
    print(
        f"| {count:,.0f} contexts of {options.frames} × {options.cells}, {options.steps} ahead | |"
    )
    print("| --- | --- |")
    for name, value in rows:
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
