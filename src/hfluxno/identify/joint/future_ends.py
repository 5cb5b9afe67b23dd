"""Open ends after the last measured time."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from hfluxno.identify.joint.end_outlook import Outlook
from hfluxno.identify.joint.forward import Ends, Forward
from hfluxno.identify.joint.prior import for_each_field

_FUTURE = 16  # times, as linear paths between fewer vary less


def with_future(
    forward: Forward, until: float, outlooks: Sequence[Outlook | None] = (None, None)
) -> Forward:
    """The same with ends that continue beyond the last measured time, centred on the state at that
    time, or for a side with an outlook on what that expects (see
    `hfluxno.identify.joint.end_outlook`). They move from there as far as states of their prior at
    two times are apart; if they return to what is usual, as far as its states are from what the
    last one tells of them. The further unknowns come last."""
    ends = forward.ends
    if ends is None or until <= ends.times[-1]:
        return forward
    ahead = np.linspace(0.0, until - ends.times[-1], _FUTURE + 1)[1:]
    between = np.exp(-np.abs(ahead[:, None] - ahead[None]) / ends.length)
    known = np.exp(-ahead / ends.length)
    moved = between - known[:, None] - known[None] + 1.0
    returned = between - known[:, None] * known[None]
    mean, modes = np.asarray(ends.mean), np.asarray(ends.modes)
    sides, fields, measured = mean.shape
    mean_later = np.repeat(mean[..., -1:], _FUTURE, axis=-1)
    modes_later = np.repeat(modes[..., -1:], _FUTURE, axis=-1)
    each = fields * _FUTURE
    new = np.zeros((sides * each, sides, fields, measured + _FUTURE))
    for i, (outlook, scatter) in enumerate(zip(outlooks, np.asarray(ends.scatter), strict=False)):
        returns = outlook is not None and not outlook.is_trend
        along = np.linalg.cholesky(returned if returns else moved).T
        new[i * each : (i + 1) * each, i, :, measured:] = for_each_field(along, scatter)
        if outlook is not None:
            mean_later[i] += outlook.change(mean[i], ahead)
            modes_later[:, i] += outlook.change(modes[:, i], ahead)
    longer = Ends(
        np.concatenate([ends.times, ends.times[-1] + ahead]),
        np.concatenate([mean, mean_later], axis=-1),
        np.concatenate([np.concatenate([modes, modes_later], axis=-1), new]),
        ends.length,
        ends.scatter,
        ends.sides,
    )
    return dataclasses.replace(forward, ends=longer)
