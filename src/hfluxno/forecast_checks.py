"""Checks of every forecast, whatever the method: relative errors, totals, the observed range."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

# A back-test error is poor from this fraction of that of persistence.
POOR = 0.5
# A forecast has left the observed range if it exceeds it by this fraction of its width.
_RANGE_MARGIN = 0.01


def relative_l2(forecast: Any, truth: Any, axes: tuple[int, ...]) -> Any:
    """‖forecast - truth‖₂/‖truth‖₂ over these axes, for NumPy or JAX arrays; ‖forecast‖₂ where the
    truth vanishes."""
    array = jnp if isinstance(truth, jax.Array) else np
    size = array.sqrt(array.sum(array.square(truth), axis=axes))
    misfit = array.sqrt(array.sum(array.square(forecast - truth), axis=axes))
    return misfit / array.where(size > 0.0, size, 1.0)


def by_field(
    away: Float[np.ndarray, "*batch time field cell"],
    values: Float[np.ndarray, "*batch time field cell"],
) -> Float[np.ndarray, "*batch time field"]:
    """The relative l2 size of what the `values` of each field are off by; NaN in a frame without a
    field. NaN among them is not counted, nor what is off there.

        e_jf = |away_jf| / max(|u_jf|, √⟨|u_if|²⟩_i)

    with root mean squares |…| over the cells and the mean over the frames i: a momentum vanishes in
    some frames of standing waves, and its error does not."""
    known = np.isfinite(values)
    counted = known.sum(axis=-1)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        missed, size = (
            np.sum(np.square(u, dtype=float), axis=-1, where=known) / counted
            for u in (away, values)
        )
        usual = np.nansum(size, axis=-2) / np.sum(counted > 0, axis=-2)
        size = np.maximum(size, usual[..., None, :])
        return np.sqrt(missed / np.where(size == 0.0, 1.0, size))


def change_of_totals(
    start: Float[np.ndarray, "trajectory field *space"],
    frames: Float[np.ndarray, "trajectory time field *space"],
) -> Float[np.ndarray, "trajectory field"]:
    """The largest change of each field's total since the start, divided by the domain's length."""
    axes = tuple(range(3, frames.ndim))
    totals = np.mean(frames, axis=axes, dtype=np.float64)
    begin = np.mean(start[:, None], axis=axes, dtype=np.float64)
    return np.abs(totals - begin).max(axis=1)


def conservation_drift(
    start: Float[np.ndarray, "trajectory field *space"],
    frames: Float[np.ndarray, "trajectory time field *space"],
) -> Float[np.ndarray, " trajectory"]:
    """The largest change of a field's total, relative to the mean of abs(frames)."""
    size = np.mean(np.abs(frames), axis=(1, *range(3, frames.ndim)))
    return np.max(change_of_totals(start, frames) / np.where(size > 0.0, size, 1.0), axis=-1)


def left_observed_range(
    frames: Float[np.ndarray, "trajectory time field *space"],
    lower: Float[np.ndarray, "#trajectory field"],
    upper: Float[np.ndarray, "#trajectory field"],
) -> Bool[np.ndarray, " trajectory"]:
    """Whether a field left the observed range by more than one percent of its width."""
    axes = (1, *range(3, frames.ndim))
    margin = _RANGE_MARGIN * (upper - lower)
    low, high = frames.min(axis=axes), frames.max(axis=axes)
    return np.any((low < lower - margin) | (high > upper + margin), axis=1)
