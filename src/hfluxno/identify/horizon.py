"""How far ahead a forecast is to be believed, in words."""

import numpy as np
from jaxtyping import Float

from hfluxno.forecast_checks import by_field, left_observed_range
from hfluxno.forecaster import bound_of
from hfluxno.identify.result import Identification
from hfluxno.identify.status import FitStatus
from hfluxno.plural import percent, plural

# A predicted error up to which a forecast counts as reliable, and one as large as the field.
BELIEVED, _UNKNOWN = 0.05, 1.0


def horizon(
    item: Identification,
    states: Float[np.ndarray, "time field cells"],
    spread: Float[np.ndarray, "steps field cells"] | None,
    unknown: Float[np.ndarray, " steps"] | None = None,
) -> str:
    """How far ahead the 90 % bound of a forecast is small, of all fields together and of each, and
    from where on it is larger than the fields, and why if that is because states leave the observed
    range. Nothing if the standard deviations are not known, or the law does not explain the
    context.

    - `states`: that from which the forecast starts, and its frames.
    - `spread`: the standard deviations of the frames.
    - `unknown`: the part of the variance of each that is due to what is unknown beyond the observed
      range.
    """
    if spread is None or item.status != FitStatus.OK:
        return ""
    frames = item.measured(states[1:])
    expected = _relative(spread, frames)
    vague, beyond = _below(bound_of(expected), _UNKNOWN), ""
    if vague < len(frames):
        beyond = _beyond_range(item, states, unknown, vague, expected)
    return how_far(frames, spread, item.measured_fields, beyond)


def how_far(
    frames: Float[np.ndarray, "steps field cells"],
    spread: Float[np.ndarray, "steps field cells"],
    fields: tuple[str, ...],
    beyond: str = "",
) -> str:
    """How far ahead the 90 % bound of frames with these standard deviations is small, and from
    where on it is larger than the fields, for a reason that is said `beyond` it."""
    error = bound_of(_relative(spread, frames))
    sure, vague = _below(error, BELIEVED), _below(error, _UNKNOWN)
    small, whole, every = percent(BELIEVED), percent(_UNKNOWN), plural(len(frames), "frame")
    if vague == 0:
        return f"; its error may exceed {whole} from the first frame on: nothing is known{beyond}"
    ends = f"{whole} from frame {vague + 1} on: nothing is known there{beyond}"
    if sure == 0:
        more = f", and {ends}" if vague < len(frames) else ""
        return f"; its error may exceed {small} from the first frame on{more}"
    more = f", and may exceed {ends}" if vague < len(frames) else ""
    of_each = bound_of(by_field(spread, frames))
    least = _below(of_each.max(axis=1), BELIEVED)
    said = f"; in nine of ten cases its error is below {small} for"
    if least >= sure:
        return f"{said} {sure} of {every}{more}"
    largest = fields[int(np.argmax(of_each[least]))]
    return (
        f"{said} {least} of {every} in each field (it is largest in {largest}), for {sure} in all "
        f"together{more}"
    )


def _relative(
    spread: Float[np.ndarray, "steps field cells"], frames: Float[np.ndarray, "steps field cells"]
) -> Float[np.ndarray, " steps"]:
    size = np.sqrt(np.mean(frames**2, axis=(1, 2)))
    return np.sqrt(np.mean(spread**2, axis=(1, 2))) / np.where(size > 0.0, size, 1.0)


def _below(error: Float[np.ndarray, " steps"], limit: float) -> int:
    """How many frames come before the first that exceeds a limit."""
    return int(np.argmax([*(error > limit), True]))


def _beyond_range(
    item: Identification,
    states: Float[np.ndarray, "time field cells"],
    unknown: Float[np.ndarray, " steps"] | None,
    vague: int,
    expected: Float[np.ndarray, " steps"],
) -> str:
    """Which fields leave the observed range, if without that the bound of the frame `vague` were
    not larger than the field; else nothing."""
    if unknown is None:
        return ""
    if bound_of(expected * np.sqrt(1.0 - unknown))[vague] > _UNKNOWN:
        return ""
    law, frames = item.grid_law, states[1 : vague + 2]
    lower, upper = np.asarray(law.lower), np.asarray(law.upper)
    left = [
        name
        for i, name in enumerate(item.law.fields)
        if left_observed_range(frames[None, :, [i]], lower[None, [i]], upper[None, [i]])[0]
    ]
    verb = "leave" if len(left) > 1 else "leaves"
    return f", as {' and '.join(left)} {verb} the observed range, beyond which the law is a guess"
