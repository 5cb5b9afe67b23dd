"""Entries of a coordinate that differ only by rounding, as 0.3 and 0.30000000000000004."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

_SAME = 1e-3  # of the smallest step, as times may differ from multiples of an interval


def first_of_same(entries: np.ndarray, step: float) -> np.ndarray:
    """Different entries in ascending order, each replaced by the least of those that are the same
    as it; `step` is the smallest between entries that surely differ. Where many follow each other
    so closely that the last of them differs from the first, all of them stay."""
    bound = _SAME * step
    starts = np.concatenate([[True], _numbers(np.diff(entries)) > bound])
    least = entries[starts][np.cumsum(starts) - 1]
    return least if np.all(_numbers(entries - least) <= bound) else entries


def with_same_united(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The table with equal numbers in the columns `keys` for entries that are the same, given that
    those of lines that agree in all other keys differ."""
    found = {key: _united(frame, key, [k for k in keys if k != key]) for key in keys}
    return frame.assign(**{key: column for key, column in found.items() if column is not None})


def _united(frame: pd.DataFrame, key: str, others: Sequence[str]) -> np.ndarray | None:
    column = frame[key].to_numpy()
    if column.dtype.kind not in "iufmM" or len(column) < 2:
        return None
    entries, which = np.unique(column, return_inverse=True)
    codes = [which, *(pd.factorize(frame[other])[0] for other in others)]
    order = np.lexsort(codes)
    same_line = np.all([np.diff(code[order]) == 0 for code in codes[1:]] or True, axis=0)
    steps = _numbers(np.diff(column[order]))[same_line & (np.diff(which[order]) > 0)]
    found = first_of_same(entries, float(steps.min())) if steps.size else entries
    return None if found is entries else found[which]


def _numbers(differences: np.ndarray) -> np.ndarray:
    """Durations as whole numbers."""
    return differences.astype(np.int64) if differences.dtype.kind == "m" else differences
