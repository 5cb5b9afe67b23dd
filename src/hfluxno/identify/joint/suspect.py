"""Values of sensors that are probably not measurements.

A value is wild if the law misses it by more than `_FAR` standard deviations of what it misses of
its quantity, which the median of the absolute values tells (the quality control of observations in
data assimilation: Lorenc and Hammon, Quarterly Journal of the Royal Meteorological Society 114,
1988, 515-543), and if it stands out from the values before and after it at the same sensor by as
much, in the same direction. A front that passes at another time than the law says does the first
and not the second. As wild values spoil the law that they are compared with, those are wild too
that stand out from all neighbours and do not travel.
"""

import numpy as np
from jaxtyping import Bool, Float

from hfluxno.dead_sensors import dead_sensors, stuck_values
from hfluxno.identify.residuals.noise import deviation_by_median
from hfluxno.wild_values import wild

_FAR = 6.0
_MOST = 0.03  # of the values may be wild; more are no exceptions


def suspect_values(
    values: Float[np.ndarray, "time quantity cells"],
    shown: Float[np.ndarray, "time quantity cells"],
) -> Bool[np.ndarray, "time quantity cells"]:
    """Where values (NaN in gaps) are suspect, given what a law `shown` would have measured: those
    that are wild, and all of dead sensors."""
    found = np.zeros(values.shape, bool)
    for quantity in range(values.shape[1]):
        u, missed = values[:, quantity], (values - shown)[:, quantity]
        far = _FAR * float(deviation_by_median(missed))
        out = wild(u)
        for place in np.flatnonzero((~np.isnan(u)).any(axis=0)):
            out[:, place] |= _stands_out(u[:, place], missed[:, place], far)
        if out.sum() <= _MOST * np.sum(~np.isnan(u)):
            found[:, quantity] = out
        dead = list(dead_sensors(u[None]))
        found[:, quantity, dead] = ~np.isnan(u[:, dead])
        found[:, quantity] |= stuck_values(u)
    return found


def _stands_out(u: Float[np.ndarray, " time"], missed: Float[np.ndarray, " time"], far: float):
    """Where a series is missed by more than `far`, and beyond its neighbours by as much."""
    frames = np.flatnonzero(~np.isnan(u))
    series = np.pad(u[frames], 1, mode="edge")
    before, here, after = series[:-2], series[1:-1], series[2:]
    if len(frames) > 1:  # the first and the last one have one neighbour
        before[0], after[-1] = after[0], before[-1]
    above = (missed[frames] > far) & (here - np.maximum(before, after) > far)
    below = (missed[frames] < -far) & (np.minimum(before, after) - here > far)
    found = np.zeros(len(u), bool)
    found[frames] = above | below
    return found
