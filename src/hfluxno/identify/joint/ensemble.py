"""Runs whose unknowns scatter as they are uncertain.

With open ends no derivative tells how uncertain states are. What enters may be far from what was
expected: in dense traffic states propagate slowly, and much lighter traffic enters as a fast shock.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from hfluxno.batching import on_all_cores
from hfluxno.fv.solve import MOST_STEPS
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.forward_runs import states_at, values_alone

# The runs of an ensemble, and by how many times the median one may change what was measured.
_RUNS, _MOST_CHANGE = 24, 4.0


def plausible(
    forward: Forward,
    z: Float[np.ndarray, " unknown"],
    covariance: Float[np.ndarray, "unknown unknown"],
    times: Float[np.ndarray, " time"],
    noise: Float[np.ndarray, " quantity"],
    seen: Bool[np.ndarray, "time quantity cells"] | None = None,
) -> Float[np.ndarray, "draw unknown"]:
    """Changes of the unknowns with this covariance, in pairs of opposite signs, that are plausible
    with measured values at these `times` of the data, where they were `seen`.

    The covariance is that of a run which is linear in the unknowns. By its derivative a state at an
    end where waves leave has no effect on what was measured, and may be anything; but if it were
    dense enough, a jam would have moved in. Changes that would move the measured values much
    farther than the others do are scaled down.
    """
    values, vectors = np.linalg.eigh(0.5 * (covariance + covariance.T))
    # The symmetric root, which does not change with the signs of the vectors, that is by rounding.
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    half = np.random.default_rng(1).standard_normal((_RUNS // 2, len(z))) @ root
    draws = np.concatenate([half, -half])
    forward = _on_fewer_cells(forward)
    intervals = forward.intervals(forward.when(times))

    def measured(change):
        values = values_alone(forward, z + change, intervals, MOST_STEPS)[: len(times)]
        return values if seen is None else np.where(seen, values, 0.0)

    first, *others = on_all_cores(measured, [np.zeros(len(z)), *draws])
    with np.errstate(over="ignore"):  # a run that blows up is too far
        moved = [np.sum(((each - first) / noise[:, None]) ** 2) for each in others]
    moved = np.nan_to_num(moved, nan=np.inf)
    usual = np.median(moved)
    too_far = moved > _MOST_CHANGE * usual
    scale = np.where(too_far, np.sqrt(usual / np.where(too_far, moved, 1.0)), 1.0)
    return draws * scale[:, None]


def spread_of_runs(
    forward: Forward,
    z: Float[np.ndarray, " unknown"],
    draws: Float[np.ndarray, "draw known"],
    times: Float[np.ndarray, " time"],
) -> Float[np.ndarray, "time field cells"]:
    """The standard deviations of runs with these changes of the unknowns, and with others of the
    last ones, of later states at open ends, of which only the prior is known. The runs are on fewer
    cells if there are many."""
    forward, known = _on_fewer_cells(forward), draws.shape[1]
    away = np.zeros((len(draws), len(z)))
    away[:, :known] = draws
    if len(z) > known:
        assert forward.ends is not None
        half = np.random.default_rng(0).standard_normal((len(draws) // 2, len(z)))[:, known:]
        half = _balanced(half, np.asarray(forward.ends.modes)[known - len(z) :])
        away[:, known:] = np.concatenate([half, -half])
    every = on_all_cores(lambda a: states_at(forward, z + a, times), [np.zeros(len(z)), *away])
    squares = [(each - every[0]) ** 2 for each in every[1:] if np.all(np.isfinite(each))]
    return np.sqrt(np.mean(squares, axis=0)) if squares else np.full(every[0].shape, np.inf)


def _on_fewer_cells(forward: Forward) -> Forward:
    return dataclasses.replace(forward, settings=forward.settings.of_derivatives())


def _balanced(
    draws: Float[np.ndarray, "draw mode"], modes: Float[np.ndarray, "mode side field time"]
) -> Float[np.ndarray, "draw mode"]:
    """Draws of these modes with the same paths, each value scaled to the variance that it has in
    the mean: of a few draws it would be larger at one time and smaller at another."""
    along = modes.reshape(len(modes), -1)
    paths = draws @ along
    expected, found = np.sum(along**2, axis=0), np.mean(paths**2, axis=0)
    scale = np.sqrt(np.divide(expected, found, out=np.zeros_like(found), where=found > 0.0))
    return (paths * scale) @ np.linalg.pinv(along)
