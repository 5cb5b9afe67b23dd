"""Given states at an end that the field beside it does not have: imposed where waves go out, or a
mistake."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from hfluxno.boundary import Given
from hfluxno.plural import percent
from hfluxno.wild_values import noise

# A state is far from the outermost value by more than this many standard deviations of the noise
# or this part of the deviation of the field, beyond steps to the next one. Of 20 given ends that
# were attained it was so in .15 of the frames or less, of two imposed ones in .75.
_NOISE, _STEPS, _LEAST = 5.0, 2.0, 0.1
_MOST_FAR = 0.5  # of the frames


def unattained(
    values: Float[np.ndarray, "... time field x"],
    times: Float[np.ndarray, " time"],
    sides: tuple[Given | None, Given | None],
    fields: Sequence[str],
) -> list[str]:
    """A sentence for each end at which the given states are far from the values beside it in most
    frames; `times` are in the units of the given ends."""
    found = []
    for side, end in enumerate(sides):
        if end is None:
            continue
        for i, name in enumerate(fields):
            u = values[..., i, :].reshape(-1, len(times), values.shape[-1])
            far = _far(u[..., ::-1] if side else u, np.interp(times, end.times, end.values[i]))
            if far > _MOST_FAR:
                found.append(
                    f"The states given at the {('lower', 'upper')[side]} end are far from {name} "
                    f"beside it in {percent(far)} of the frames: right if they are imposed and "
                    "waves go out there, otherwise check their times, units and ends."
                )
    return found


def _far(u: Float[np.ndarray, "trajectory time x"], states: Float[np.ndarray, " time"]) -> float:
    """In which part of the frames the states are far from the first values."""
    places = np.flatnonzero((~np.isnan(u)).any(axis=(0, 1)))[:2]
    if len(places) < 2:
        return 0.0
    first, second = u[..., places[0]], u[..., places[1]]
    sigma = float(np.nan_to_num(noise(u)))
    least = max(_NOISE * sigma, _LEAST * float(np.nanstd(u)))
    off = np.abs(states - first) > least + _STEPS * np.abs(second - first)
    known = ~np.isnan(first + second)
    return float(np.mean(off[known])) if known.any() else 0.0
