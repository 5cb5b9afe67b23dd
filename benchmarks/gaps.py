"""Errors of forecasts from contexts with gaps, and from the same contexts without.

The truth is from `weno.py` on 1024 cells, averaged to 128; errors are 20 frames after the context.

    python benchmarks/gaps.py [law ...]
"""

import sys
import tempfile

import jax
import numpy as np
from weno import LAWS, cell_averages

import hfluxno
from hfluxno.trajectory import Trajectory

CONTEXTS, FINE, CELLS, INTERVAL, AHEAD = 8, 1024, 128, 0.01, 20


def initial(law: str, rng: np.random.Generator) -> np.ndarray:
    """Random smooth waves, (field, fine); shocks form during the context or the forecast."""
    x = (np.arange(FINE) + 0.5) / FINE

    def wave() -> np.ndarray:
        parts = [
            rng.normal() * np.exp(-0.5 * k) * np.sin(2.0 * np.pi * (k * x + rng.uniform()))
            for k in range(1, 5)
        ]
        return np.sum(parts, axis=0) / np.std(np.sum(parts, axis=0))

    if law == "shallow-water":
        h = 1.0 + 0.15 * wave()
        return np.stack([h, 0.2 * wave() * h])
    if law == "lwr":
        return (0.45 + 0.18 * np.clip(wave(), -2.2, 2.2))[None]
    return (0.3 + 0.7 * wave() if law == "burgers" else 0.6 * wave())[None]


def at_random(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(u.shape) < 0.1, np.nan, u)


def sensors(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Six of the cells drop out after a quarter of the context."""
    u = u.copy()
    u[len(u) // 4 :, :, rng.choice(u.shape[-1], 6, replace=False)] = np.nan
    return u


def two_frames(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    u = u.copy()
    u[rng.choice(np.arange(1, len(u) - 1), 2, replace=False)] = np.nan
    return u


def half_of_the_times(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    u = u.copy()
    u[rng.choice(np.arange(1, len(u) - 1), len(u) // 2, replace=False)] = np.nan
    return u


def every_fourth(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(np.arange(u.shape[-1]) % 4 == 0, u, np.nan)


def coarse(u: np.ndarray) -> np.ndarray:
    """Averages over four cells."""
    return u.reshape(*u.shape[:-1], -1, 4).mean(axis=-1)


def error(truth: list[np.ndarray], frames: int, seen: list[np.ndarray]) -> list[float]:
    """The relative l2 errors `AHEAD` frames after each context."""
    times = INTERVAL * np.arange(frames)
    batch = Trajectory.from_numpy(np.stack(seen), times)
    ahead = np.asarray(hfluxno.forecast(batch, AHEAD).trajectory.values)[:, -1]
    right = np.stack([u[frames + AHEAD - 1] for u in truth])
    square = np.sum((ahead - right) ** 2, axis=(1, 2)) / np.sum(right**2, axis=(1, 2))
    return [float(e) for e in np.sqrt(square)]


def row(name: str, errors: list[float], beside: list[float] | None = None) -> list[float]:
    each = " ".join(f"{e:7.4f}" for e in errors)
    ratio = "" if beside is None else f"{np.mean(errors) / np.mean(beside):6.2f}"
    print(f"  {name:34s} {np.mean(errors):7.4f} {ratio:>6s}   {each}", flush=True)
    return errors


def measure(law: str) -> None:
    rng = np.random.default_rng(7)
    times = INTERVAL * np.arange(40 + AHEAD)
    truth = [cell_averages(law, initial(law, rng), times, CELLS) for _ in range(CONTEXTS)]
    print(f"{law}: mean error, ratio to the context without gaps, error of each", flush=True)

    def spoiled(how, frames):
        return error(truth, frames, [how(u[:frames], rng) for u in truth])

    whole = row("20 frames, complete", error(truth, 20, [u[:20] for u in truth]))
    row("20 frames, 10 % missing at random", spoiled(at_random, 20), whole)
    row("20 frames, 6 sensors drop out", spoiled(sensors, 20), whole)
    row("20 frames, 2 of them missing", spoiled(two_frames, 20), whole)
    long = row("40 frames, complete", error(truth, 40, [u[:40] for u in truth]))
    row("40 frames, 20 of them missing", spoiled(half_of_the_times, 40), long)
    few = [coarse(u) for u in truth]
    wide = row("20 frames of 32 cells, complete", error(few, 20, [u[:20] for u in few]))
    row("20 frames, every fourth cell", spoiled(every_fourth, 20), wide)


def main() -> None:
    # Programs are compiled once for all contexts of a kind.
    jax.config.update("jax_compilation_cache_dir", tempfile.mkdtemp())
    for law in sys.argv[1:] or LAWS:
        measure(law)


if __name__ == "__main__":
    main()
