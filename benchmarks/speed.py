"""Speed of making data sets: hfluxno and PyClaw, in one run on one machine.

    python benchmarks/speed.py [--trajectories N] [--peer N]

Both solve trajectories of the same data set (100 cells, 101 frames, t ∈ [0, 0.5]) by the same
scheme with the same CFL rule; the difference of their results is printed. hfluxno works in float32
on all cores, as `hfluxno generate` does; PyClaw (with the Python kernels of
`tests/oracle/pyclaw_problems.py`) in float64 on one core, as installed. PyClaw is timed before and
after hfluxno, so that a changing load affects both; its failed runs do not count.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

from hfluxno.data import Configuration, block_size, blocks

SETS = ("cubic", "shallow-water")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trajectories", type=int, default=10_240, help="solved by hfluxno")
    parser.add_argument("--peer", type=int, default=40, help="of these, also solved by PyClaw")
    options = parser.parse_args()
    peer = load_peer()
    print(f"{os.cpu_count()} cores; trajectories per second")
    for law in SETS:
        compare(law, options.trajectories, options.peer, peer)


def load_peer():
    """The module that solves with PyClaw, or `None`."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "oracle"))
    try:
        import pyclaw_problems
    except ImportError:
        print("PyClaw is omitted because it is not installed (pip install clawpack).")
        return None
    return pyclaw_problems


def compare(law: str, trajectories: int, peer_count: int, peer) -> None:
    configuration = Configuration(law, laws=max(1, trajectories // 16), initials=16)
    half = max(1, peer_count // 2)
    first = time_peer(configuration, range(half), peer)
    including, excluding, values = time_hfluxno(configuration, 2 * half)
    second = time_peer(configuration, range(half, 2 * half), peer)
    print(f"\n{law}, {configuration.trajectories} trajectories")
    print(f"  hfluxno, compilation included  {including:8.0f}")
    print(f"  hfluxno, after the first block {excluding:8.0f}")
    if first is None or second is None:
        return
    answers = first[1] + second[1]
    speed = sum(answer is not None for answer in answers) / (first[0] + second[0])
    print(f"  PyClaw, one core               {speed:8.1f}")
    print(f"  ratio, compilation included    {including / speed:8.0f}")
    print(f"  ratio, after the first block   {excluding / speed:8.0f}")
    errors = [
        float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))
        for ours, theirs in zip(values, answers, strict=True)
        if theirs is not None and np.all(np.isfinite(ours))
    ]
    print(
        f"  relative l2 distance of {len(errors)} trajectories: median {np.median(errors):.1e}, "
        f"largest {np.max(errors):.1e}"
    )


def time_hfluxno(configuration: Configuration, keep: int) -> tuple[float, float, list[np.ndarray]]:
    """Trajectories per second with and without the first block, and the first `keep` answers."""
    began = time.perf_counter()
    first_done, first_count, kept = began, 0, []
    for block in blocks(configuration):
        if block.start == 0:
            first_done, first_count = time.perf_counter(), len(block.status)
        kept.extend(block.values[: max(0, keep - block.start)].copy())
    ended = time.perf_counter()
    including = configuration.trajectories / (ended - began)
    if configuration.trajectories <= block_size(configuration):
        return including, float("nan"), kept[:keep]
    excluding = (configuration.trajectories - first_count) / (ended - first_done)
    return including, excluding, kept[:keep]


def time_peer(configuration: Configuration, indices: range, peer):
    """The seconds of PyClaw's successful runs, and its answers; `None` without PyClaw."""
    if peer is None:
        return None
    seconds, answers = 0.0, []
    for index in indices:
        law, initial = configuration.indices(index)
        parameters = dict(
            zip(configuration.parameters, configuration.coefficients(law), strict=True)
        )
        state = configuration.initial_state(law, initial)
        problem = configuration.law.replace("-", "_")
        began = time.perf_counter()
        try:
            answer = peer.solve(problem, state, configuration.times, parameters=parameters)
        except Exception as failure:  # PyClaw's own type if it runs out of steps
            print(f"  PyClaw failed in trajectory {index}: {failure}")
            answers.append(None)
        else:
            seconds += time.perf_counter() - began
            answers.append(answer)
    return seconds, answers


if __name__ == "__main__":
    main()
