"""How well first-order laws can describe the traffic of NGSIM US-101.

    python benchmarks/us101.py NGSIM_US101_Density_Data.txt [--places 10] [--bins 6]

The file (104 places of 20 ft, 540 times of 5 s) is that of
`Allan-Avila/Highway-Traffic-Dynamics-KMD-Code`. The densities between both end cells are computed
from these and the first frame by

    ∂t u + ∂x(k(x) (f(u) + c)) = ∂x(ν ∂x u) + p(x)

with f of degree 4, whose coefficients are fitted to all of them: no estimate from fewer data can be
better than the best law of its class. Rusanov's flux with limited slopes, in NumPy. The last row is
what `hfluxno.identify` finds in the interior with the end cells given; its back-test error is that
on the last quarter of the frames, without them.
"""

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
from measurements import relative, table
from scipy.optimize import least_squares

from hfluxno import Trajectory
from hfluxno.boundary import Given
from hfluxno.grid import Grid
from hfluxno.identify import Identification, identify

DEGREE, STEPS, CLASSES = 4, 10, ("", "p(x)", "k(x)", "k(x), p(x)")


def densities(path: Path, places: int, bins: int) -> np.ndarray:
    """Means over so many places and times, (time, cell), relative to the largest."""
    fine = np.loadtxt(path)
    fine = fine[: len(fine) // places * places]
    means = fine.reshape(-1, places, fine.shape[1] // bins, bins).mean(axis=(1, 3))
    return means.T / means.max()


def run(data, flux, nu, c, k, p) -> np.ndarray:
    """The cells between the end cells for a batch of laws, (law, time, cell)."""
    u = np.repeat(data[None, 0, 1:-1], len(flux), axis=0)
    shown, states = [u], np.linspace(-1, 1, 41)
    chebyshev = np.polynomial.chebyshev
    series = np.concatenate([c[:, None], flux], axis=1)
    slopes = [2 * chebyshev.chebval(states, chebyshev.chebder(each)) for each in series]
    fastest = np.abs(slopes).max(axis=1)[:, None]
    for before, after in itertools.pairwise(data):
        for step in range(STEPS):
            ends = before + (step + 0.5) / STEPS * (after - before)
            low, high = (np.full((len(u), 1), end) for end in ends[[0, -1]])
            around = np.concatenate([low, u, high], axis=1)
            jump = np.diff(around, axis=1)
            alike = jump[:, 1:] * jump[:, :-1] > 0
            least = np.minimum(np.abs(jump[:, 1:]), np.abs(jump[:, :-1]))
            slope = np.pad(np.where(alike, np.sign(jump[:, 1:]) * least, 0), ((0, 0), (1, 1)))
            left, right = (around + slope / 2)[:, :-1], (around - slope / 2)[:, 1:]
            both = [np.einsum("lcd,ld->lc", powers(state), series) for state in (left, right)]
            through = k * (sum(both) / 2 - fastest / 2 * (right - left)) - nu[:, None] * jump
            u = np.clip(u + (p - np.diff(through, axis=1)) / STEPS, -0.5, 1.5)
        shown.append(u)
    return np.stack(shown, axis=1)


def powers(u) -> np.ndarray:
    return np.polynomial.chebyshev.chebvander(2 * u - 1, DEGREE)


def parts(data, z, kind: str) -> tuple[np.ndarray, ...]:
    """The numbers of laws: (law, unknown) with those of k and p last, if they vary."""
    z, (laws, inner) = np.atleast_2d(z), (len(np.atleast_2d(z)), data.shape[1] - 2)
    flux, nu, rest = z[:, :DEGREE], np.abs(z[:, DEGREE]), z[:, DEGREE + 1 :]
    c, k, p = np.zeros(laws), np.ones((laws, inner + 1)), np.zeros((laws, inner))
    if "k" in kind:
        c, k[:, 1:], rest = rest[:, 0], np.exp(rest[:, 1 : inner + 1]), rest[:, inner + 1 :]
    return flux, nu, c, k, rest if "p" in kind else p


def fitted(data, kind: str, start) -> np.ndarray:
    inner = data.shape[1] - 2
    more = ("k" in kind) * (inner + 1) + ("p" in kind) * inner
    start = np.concatenate([start, np.zeros(more)])

    def misfit(z):
        found = run(data, *parts(data, z, kind))
        return (found - data[:, 1:-1]).reshape(len(found), -1)

    def residual(z):
        return np.concatenate([misfit(z)[0], 1e-3 * z])

    def jacobian(z):
        shifted = misfit(np.concatenate([z[None], z + 1e-5 * np.eye(len(z))]))
        return np.concatenate([(shifted[1:] - shifted[0]).T / 1e-5, 1e-3 * np.eye(len(z))])

    return least_squares(residual, start, jacobian, max_nfev=12).x


def identified(data) -> Identification:
    """The law that hfluxno finds in the interior, in frames and cells."""
    times, cells = np.arange(float(len(data))), data.shape[1] - 2
    ends = (Given(times, data[:, :1].T), Given(times, data[:, -1:].T))
    grid = Grid((0.0,), (float(cells),), (cells,), (ends,))
    return identify(Trajectory(data[:, None, 1:-1], times, grid, ("density",)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--places", type=int, default=10)
    parser.add_argument("--bins", type=int, default=6)
    options = parser.parse_args()
    data = densities(options.file, options.places, options.bins)
    truth, weight = data[:, 1:-1], np.linspace(0, 1, data.shape[1])[1:-1]
    between = data[:, :1] + weight * (data[:, -1:] - data[:, :1])
    rows: list[list] = [["linear interpolation", relative(between, truth)]]
    start = np.array([-0.2, -0.3, 0.0, 0.0, 0.05])
    for kind in CLASSES:
        found = fitted(data, kind, start)
        start = found[: DEGREE + 1] if not kind else start
        label = f"f(u), ν, {kind}".removesuffix(", ")
        rows.append([label, relative(run(data, *parts(data, found, kind))[0], truth)])
    found = identified(data)
    assert found.estimate is not None
    rows.append([f"hfluxno: {found.candidate}", relative(found.estimate.states[:, 0], truth)])
    sys.stdout.write(table(["what is fitted", "error"], rows) + "\n")
    sys.stdout.write(
        f"hfluxno: {found.status.name}, back-test error {found.backtest_error:.3f} "
        f"(the last frame {found.persistence_error:.3f})\n"
    )


if __name__ == "__main__":
    main()
