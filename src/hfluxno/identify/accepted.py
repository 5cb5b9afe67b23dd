"""Which contexts a law can be inferred from, and on which one is used."""

import numpy as np

from hfluxno.boundary import Given, Open
from hfluxno.coordinates import MOST_MISSING, check_magnitude, kept_precision
from hfluxno.identify.frames.gaps import (
    MINIMUM_CELLS,
    MINIMUM_FRAMES,
    MINIMUM_PLACES,
    check_measured,
)
from hfluxno.names import MOST_FIELDS
from hfluxno.shell_words import quoted
from hfluxno.trajectory import Trajectory
from hfluxno.wild_values import MOST_STANDING_OUT, wild

# Intervals are equal if they differ by less than this fraction.
_EVEN = 1e-3
FEW = 16  # trajectories of a batch, of which joint estimates do not take too long
# A longer part of the domain, never measured, cannot be interpolated.
_BLANK = 0.2
# A run bridges longer gaps between measurements than interpolation does.
_MOST_MISSING_OF_JOINT = 0.98
_OF_A_BATCH = (
    "A batch is taken as a whole: leave this trajectory out, as forecast_dataset and --scheduler "
    "local do."
)


def check_fields(of_law: tuple[str, ...], of_context: tuple[str, ...]) -> None:
    """Raises `ValueError` if a context does not have the fields of a law, in their order."""
    if of_law != of_context:
        raise ValueError(
            f"The law has the fields {', '.join(map(repr, of_law))}, and the context "
            f"{', '.join(map(repr, of_context))}; select or rename those of the context so that "
            "they are the same, in the same order."
        )


def check_context(context: Trajectory, jointly: bool, among_others: bool) -> None:
    """Rejects a context that no law can be inferred from. Raises `ValueError` with the reason."""
    batch = context.batch
    least = (_MOST_MISSING_OF_JOINT, MINIMUM_PLACES) if jointly else (MOST_MISSING, MINIMUM_CELLS)
    if len(context.grid.shape) != 1:
        raise ValueError(
            "Only a field along one space axis is reconstructed; identify or forecast frames on a "
            "plane."
        )
    if len(context.fields) > MOST_FIELDS:
        raise ValueError(
            f"Only contexts with one to {MOST_FIELDS} fields can be identified; this one has "
            f"{len(context.fields)}. Select one variable, or those that form a system."
        )
    if context.frames < MINIMUM_FRAMES:
        raise ValueError(
            f"A context needs at least {MINIMUM_FRAMES} frames; this one has {context.frames}."
        )
    if context.grid.shape[0] < MINIMUM_CELLS:
        raise ValueError(
            f"A context needs at least {MINIMUM_CELLS} cells; this one has "
            f"{context.grid.shape[0]}. Place fewer sensors on a finer grid, with NaN between them, "
            "and reconstruct the field."
        )
    if np.any(np.isinf(batch)):
        raise ValueError("The context has infinite values; make them NaN or correct them first.")
    for i, name in enumerate(context.fields):
        check_magnitude(batch[..., i, :], f"values of {name}")
    for member, each in enumerate(batch):
        number = f" {member}" if context.is_batched else ""
        try:
            check_measured(each, context.fields, number, *least)
        except ValueError as error:
            if not context.is_batched:
                raise
            raise ValueError(f"{error} {_OF_A_BATCH}") from error
    if np.all(uninformative(context)) and not among_others:
        sound = _sound(context)
        flat = _same_along(sound, (1, 3))
        which = " of every trajectory" if len(flat) > 1 else ""
        if not np.any(flat):
            raise ValueError(
                f"Nothing moves in the frames{which}: there is nothing to infer from them."
            )
        field = context.fields[int(np.argwhere(flat)[0][1])]
        others = [name for name in context.fields if name != field]
        mend = (
            f"; leave it out (on the command line --variable={quoted(','.join(others))})"
            if others
            else ""
        )
        alone = np.any(np.isnan(sound) & ~np.isnan(batch))
        besides = ", besides values that stand out from all others" if alone else ""
        raise ValueError(
            f"The field {field!r}{which} is constant{besides}: there is nothing to infer from "
            f"it{mend}."
        )


def check_whole(context: Trajectory, jointly: bool) -> None:
    """Rejects more than two fields if anything besides the law and the ends would have to be
    estimated. Raises `ValueError` with the reason.
    """
    incomplete = np.any(np.isnan(np.asarray(context.values)))
    unknown = jointly and not has_only_moving_ends(context)
    if len(context.fields) > 2 and (incomplete or unknown):
        raise ValueError(
            f"{len(context.fields)} fields need complete frames at equal intervals, and no `noise`;"
            " fill the gaps, or choose one or two fields."
        )


def check_plane(context: Trajectory) -> None:
    """Rejects what a law on a plane cannot use: its weak form needs no known noise. Raises
    `ValueError` if a noise is given.
    """
    if context.deviation is not None:
        raise ValueError("The noise of frames on a plane is estimated; leave it out.")


def uninformative(context: Trajectory) -> np.ndarray:
    """Which trajectories have a constant field, or no field that changes in time, besides values
    that stand out from all their neighbours."""
    batch = _sound(context)
    constant, still = _same_along(batch, (1, 3)), _same_along(batch, (1,))
    return np.any(constant, axis=1) | np.all(still, axis=1)


def _sound(context: Trajectory) -> np.ndarray:
    """The batch, with NaN for wild values in fields of which nearly all values are the same."""
    batch = context.batch
    middle = np.nanmedian(batch, axis=(1, 3), keepdims=True)
    same = np.mean((batch == middle) | np.isnan(batch), axis=(1, 3))
    few = np.argwhere((same >= 1.0 - MOST_STANDING_OUT) & (same < 1.0))
    batch = batch.copy() if len(few) else batch
    for member, field in few:
        u = batch[member, :, field]
        batch[member, :, field] = np.where(wild(u), np.nan, u)
    return batch


def _same_along(batch: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Which fields of which trajectories do not vary by more than rounding along these axes of
    (trajectory, time, field, cells)."""
    rounding = max(4.0 * float(np.finfo(kept_precision(batch.dtype)).eps), 1e-12)
    known = ~np.isnan(batch)
    high = np.max(batch, axis=axes, keepdims=True, initial=-np.inf, where=known)
    low = np.min(batch, axis=axes, keepdims=True, initial=np.inf, where=known)
    return np.max(high - low, axis=(1, 3)) <= rounding * np.nanmax(np.abs(batch), axis=(1, 3))


def is_joint(context: Trajectory) -> bool:
    """Whether there are unknowns besides the law that frames do not show, the frames are at uneven
    times or too little was measured to interpolate them, or it is known how they were measured."""
    measured = np.min(np.mean(context.observed, axis=(-3, -2, -1)))
    sparse = bool(measured < 1.0 - MOST_MISSING) or _has_blank(context)
    return is_uneven(context) or _has_moving_ends(context) or _is_described(context) or sparse


def _has_blank(context: Trajectory) -> bool:
    """Whether a single field was never measured in a long stretch, of a few trajectories at most; a
    stretch at both ends of a ring counts as two."""
    every = context.observed.any(axis=-3).reshape(-1, *context.grid.shape)
    if len(context.states.fields) > 1 or len(every) > FEW:
        return False
    bounds = [np.concatenate([[-1], np.flatnonzero(seen), [len(seen)]]) for seen in every]
    longest = max(int(np.diff(each).max()) - 1 for each in bounds)
    return longest > _BLANK * context.grid.shape[0]


def has_only_moving_ends(context: Trajectory) -> bool:
    """Whether complete frames at even times have states at their ends that are given or unknown,
    and nothing else requires a joint estimate."""
    whole = bool(np.all(context.observed)) and not is_uneven(context)
    return whole and _has_moving_ends(context) and not _is_described(context)


def _has_moving_ends(context: Trajectory) -> bool:
    return any(isinstance(end, Open | Given) for end in context.grid.boundary[0])


def _is_described(context: Trajectory) -> bool:
    return context.deviation is not None or not is_of_states(context)


def is_uneven(context: Trajectory) -> bool:
    intervals = np.diff(np.asarray(context.times, float))
    mean = intervals.mean() if intervals.size else 0.0  # of a single frame
    return bool(np.any(np.abs(intervals - mean) > _EVEN * mean))


def is_of_states(context: Trajectory) -> bool:
    """Whether the values are, at least nearly, averages over cells."""
    return all(step.nearly_states for step in context.observation)


def has_weak_form(values: np.ndarray, context: Trajectory) -> bool:
    """Whether these are complete frames of states at equal intervals, as the weak form needs."""
    return is_of_states(context) and not is_uneven(context) and bool(np.all(np.isfinite(values)))
