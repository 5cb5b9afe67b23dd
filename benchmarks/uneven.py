"""Frames at uneven times: how reliable the bounds and bands of joint estimates are.

    python -m benchmarks.uneven [--contexts N] [--seed N] [--noise PART]

Each context has 20 frames at random times within 0.4, with noise in units of the standard
deviation. Law and states are estimated jointly, and 20 steps are forecast. The truth comes from
`independent`, in steps of a thousandth.
"""

import argparse

import numpy as np

import hfluxno
from benchmarks.independent import late, laws, schemes
from hfluxno.cli.runtime import prepared

_STEP, _LAST, _FRAMES, _AHEAD = 0.001, 400, 20, 20
_KINDS = (laws.traffic, laws.burgers, laws.cubic, late.late_burgers, laws.sine)


def truths(kind, contexts: int, seed: int) -> np.ndarray:
    """Frames a thousandth apart, (member, frame, field, cells)."""
    rngs = [np.random.default_rng([seed, member, 77]) for member in range(contexts)]
    before = schemes.INTERVAL, laws.FRAMES
    schemes.INTERVAL, laws.FRAMES = _STEP, 2 * _LAST + 1
    try:
        return kind(rngs).astype(float)
    finally:
        schemes.INTERVAL, laws.FRAMES = before


def measured(truth: np.ndarray, rng: np.random.Generator, noise: float) -> tuple[str, np.ndarray]:
    """The status, and the error, bound and share of values inside the bands of each forecast
    frame."""
    inner = np.sort(rng.choice(np.arange(5, _LAST - 5), _FRAMES - 2, replace=False))
    at = np.concatenate([[0], inner, [_LAST]])
    seen = truth[at] + noise * truth[at].std() * rng.normal(size=truth[at].shape)
    context = hfluxno.Trajectory.from_numpy(seen, _STEP * at, fields=("u",), boundary="periodic")
    found = hfluxno.forecast(context, _AHEAD, every=_LAST * _STEP / _AHEAD)
    right = truth[_LAST + _LAST // _AHEAD * np.arange(1, _AHEAD + 1)]
    values = np.asarray(found.trajectory.values)
    away = np.abs(values - right)
    error = np.sqrt(np.sum(away**2, axis=(1, 2)) / np.sum(right**2, axis=(1, 2)))
    inside = np.mean(away < found.half_width, axis=(1, 2))
    status = found.identifications[0].status.name
    return status, np.stack([error, found.predicted_error_90, inside])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contexts", type=int, default=1, help="contexts drawn for each kind")
    parser.add_argument("--seed", type=int, default=32)
    parser.add_argument("--noise", type=float, default=0.0)
    options = parser.parse_args()
    sound = []
    with prepared():
        for kind in _KINDS:
            for member, truth in enumerate(truths(kind, options.contexts, options.seed)):
                rng = np.random.default_rng([options.seed, member, 6])
                status, rows = measured(truth, rng, options.noise)
                error, bound, inside = rows
                print(
                    f"{kind.__name__:14s} {status:18s} error {error[0]:.1e} to {error[-1]:.1e}, "
                    f"below the bound {np.mean(error < bound):.2f}, inside {inside.mean():.2f}",
                    flush=True,
                )
                sound += [rows] if status == "OK" else []
    error, bound, inside = np.concatenate(sound, axis=1)
    print(
        f"{len(sound)} with the status OK: {np.mean(error < bound):.2f} of the frames below the "
        f"bound, median bound over median error {np.median(bound) / np.median(error):.1f}, "
        f"{inside.mean():.2f} of the values inside of the bands"
    )


if __name__ == "__main__":
    main()
