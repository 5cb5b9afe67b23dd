"""Open ends after the last measured time."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from hfluxno.identify.joint.end_trend import faded, slope_weights
from hfluxno.identify.joint.forward import Ends, Forward
from hfluxno.identify.joint.prior import for_each_field

_FUTURE = 16  # times, as linear paths between fewer vary less


def with_future(
    forward: Forward, until: float, fading: Sequence[float | None] = (None, None)
) -> Forward:
    """The same with ends that continue beyond the last measured time, centred on the state at that
    time, or for a side with a `fading` on the trend (see `hfluxno.identify.joint.end_trend`), from
    which they move as far as states of their prior at two times are apart. The further unknowns
    come last."""
    ends = forward.ends
    if ends is None or until <= ends.times[-1]:
        return forward
    ahead = np.linspace(0.0, until - ends.times[-1], _FUTURE + 1)[1:]
    between = np.exp(-np.abs(ahead[:, None] - ahead[None]) / ends.length)
    known = np.exp(-ahead / ends.length)
    along = np.linalg.cholesky(between - known[:, None] - known[None] + 1.0).T
    per_side = [for_each_field(along, scatter) for scatter in np.asarray(ends.scatter)]
    (each, fields, _), measured = per_side[0].shape, ends.times.shape[0]
    sides = len(per_side)
    new = np.zeros((sides * each, sides, fields, measured + _FUTURE))
    for i, modes_of_side in enumerate(per_side):
        new[i * each : (i + 1) * each, i, :, measured:] = modes_of_side
    grown = np.stack([np.zeros(len(ahead)) if f is None else faded(ahead, f) for f in fading])
    weights = slope_weights(np.asarray(ends.times))
    kept = [
        np.asarray(part)[..., -1:] + (np.asarray(part) @ weights)[..., None] * grown[:sides, None]
        for part in (ends.mean, ends.modes)
    ]
    longer = Ends(
        np.concatenate([ends.times, ends.times[-1] + ahead]),
        np.concatenate([ends.mean, kept[0]], axis=-1),
        np.concatenate([np.concatenate([ends.modes, kept[1]], axis=-1), new]),
        ends.length,
        ends.scatter,
        ends.sides,
    )
    return dataclasses.replace(forward, ends=longer)
