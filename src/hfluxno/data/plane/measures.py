"""How far frames on a plane move, before any law is inferred.

Fields are arrays (time, x, y), NaN where nothing was measured and in walls inside.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import fft

from hfluxno.data.measures import vertex


class Drift(NamedTuple):
    """How far a field moves per frame along x and y, in cells, and the correlation of frames after
    that shift."""

    x: float
    y: float
    correlation: float


def drift(u: Float[np.ndarray, "time x y"]) -> Drift:
    """The shift (r, s) that minimises the mean of (u(t + 1, i + r, j + s) - u(t, i, j))² over the
    cells that overlap, at least half of all, by cross-correlation; NaN without neighbouring
    frames."""
    seen = np.isfinite(u)
    pairs = np.flatnonzero(seen[:-1].any(axis=(1, 2)) & seen[1:].any(axis=(1, 2)))
    if not len(pairs):
        return Drift(np.nan, np.nan, np.nan)
    known = seen.astype(float)
    bare = np.where(seen, u - np.nanmean(u), 0.0)
    counts = _correlation(known[pairs], known[pairs + 1])
    squares = _correlation(bare[pairs] ** 2, known[pairs + 1])
    squares += _correlation(known[pairs], bare[pairs + 1] ** 2)
    products = _correlation(bare[pairs], bare[pairs + 1])
    enough = counts >= 0.5 * counts.max()
    misfit = np.where(enough, squares - 2.0 * products, np.inf) / np.where(enough, counts, 1.0)
    # Of shifts that are as good, as where a field is constant, the shortest is the drift.
    shifts = [fft.fftfreq(n, 1.0 / n) for n in misfit.shape]
    length = np.hypot(shifts[0][:, None], shifts[1])
    best = misfit.min() + 1e-9 * squares.max() / counts.max()
    r, s = np.unravel_index(np.argmin(np.where(misfit <= best, length, np.inf)), misfit.shape)
    alike = 2.0 * products[r, s] / squares[r, s] if squares[r, s] > 0.0 else 1.0
    along_x, along_y = misfit[[r - 1, r, (r + 1) % len(misfit)], s], np.roll(misfit[r], 1 - s)[:3]
    return Drift(
        float(shifts[0][r] + vertex(*along_x)), float(shifts[1][s] + vertex(*along_y)), float(alike)
    )


def _correlation(f: np.ndarray, g: np.ndarray) -> Float[np.ndarray, "x y"]:
    """Σ f(t, i, j) g(t, i + r, j + s) for every shift, with zeros outside."""
    shape = [2 * n for n in f.shape[1:]]
    product = np.conj(fft.rfft2(f, shape)) * fft.rfft2(g, shape)
    return fft.irfft2(product.sum(axis=0), shape)
