"""Counts: what accumulates at each place is no field of a law; what is counted in cells scatters by
itself, also where most cells are empty."""

import numpy as np
from jaxtyping import Float

from hfluxno.data.which_is_conserved import measure_of, words_of
from hfluxno.rounding import rounding_step

_UNITS = {"count", "counts", "veh", "vehicle", "vehicles", "ped", "persons", "particles", "cars"}
_WORDS = _UNITS | {"number", "anzahl", "fahrzeuge", "individuals", "people", "population"}
_NAMED = {"cumulative", "cumulated", "accumulated", "cum", "cumul", "kumuliert"}
# By how much a count grows at each place at least, of what it grows anywhere, too; and in the last
# third of the time at most and at least, of what it grows in the first: a population that grows
# everywhere does so faster and faster, or not at all any more.
_LEAST, _EVERYWHERE, _STEADY = 5, 0.3, 3.0


def looks_cumulative(u: Float[np.ndarray, "trajectory time x"], name: str, units: str) -> bool:
    """Whether values are counts, by being integers without other units or by their name, that grow
    at each place steadily and never fall."""
    bare = u[..., (~np.isnan(u)).any(axis=(0, 1))]
    known = bare[~np.isnan(bare)]
    counts = bool(np.all(known == np.round(known))) and units.strip().lower() in {"", "1", *_UNITS}
    counts &= not measure_of(name, {"units": units})
    if not counts and not words_of(name) & _NAMED:
        return False
    if not known.size or np.any(np.diff(bare, axis=1) < 0.0):
        return False
    third = max(bare.shape[1] // 3, 1)
    whole, early, late = (
        np.fmax.reduce(part, axis=1) - np.fmin.reduce(part, axis=1)
        for part in (bare, bare[:, : third + 1], bare[:, -third - 1 :])
    )
    least, most = np.nanmin(whole), np.nanmax(whole)
    if not most > 0.0 or least < max(_LEAST if counts else 0.0, _EVERYWHERE * most):
        return False
    first, last = np.nansum(early), np.nansum(late)
    return bool(first <= _STEADY * last and last <= _STEADY * first)


def cumulative_hint(name: str) -> str:
    """What to use in the place of such a field."""
    return (
        f"{name} looks like cumulative counts, which only ever grow: what is conserved is not them "
        "but what they differ by from place to place, a density (or its change since they began), "
        "of which what they differ by in time is the flow."
    )


def scatter_hint(u: Float[np.ndarray, "trajectory time x"], name: str, units: str) -> str:
    """How much counts scatter; empty of what is not called a number of things or is no integer."""
    known = u[~np.isnan(u)]
    called = units.strip().lower() in _UNITS or words_of(name) & _WORDS
    if not called or np.any(known != np.round(known)) or np.any(known < 0.0) or not np.any(known):
        return ""
    return (
        f"{name} is counted, and counts of independent things scatter by the root of the count, "
        f"here by up to {np.sqrt(np.max(known)):.2g}; a variable of the file that holds the root "
        "can be given with --noise."
    )


def where_it_is(
    u: Float[np.ndarray, "trajectory time x"],
) -> Float[np.ndarray, "trajectory time x"]:
    """Values that are multiples of a step, as numbers of particles per length are, with zeros that
    have only zeros beside them as gaps if most values are zero: these show no noise."""
    zero = u == 0.0
    if np.sum(zero) <= 0.5 * np.sum(~np.isnan(u)) or rounding_step(u) == 0.0:
        return u
    padded = np.pad(zero, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    empty = (
        zero
        & padded[:, :-2, 1:-1]
        & padded[:, 2:, 1:-1]
        & padded[:, 1:-1, :-2]
        & padded[:, 1:-1, 2:]
    )
    return np.where(empty, np.nan, u)
