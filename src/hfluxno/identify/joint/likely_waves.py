"""Starts at laws whose waves predict the first frames best.

The weak form of a few sensors sees little: between them, and from one frame to the next, waves
travel farther than what an interpolated field shows. But a run tells at once whether the waves of a
law are those that were measured. So of one field all pairs of speeds are run, at the least and the
largest state that was measured, over the first window, from its interpolated first state and ends,
and those that miss least are starts. A flux with kinks has one kink between them, another is a
parabola.
"""

import itertools

import numpy as np
from jaxtyping import Float

from hfluxno.batching import on_all_cores
from hfluxno.identify.joint.dense import is_dense
from hfluxno.identify.joint.fit import distance, sizes
from hfluxno.identify.joint.forward import Forward
from hfluxno.trajectory import Trajectory

# The largest speed, in domains per frame, the least, in domains per window, and how many.
_FASTEST, _SLOWEST, _SPEEDS = 0.67, 0.12, 6
_STARTS, _NOISE = 3, 0.1  # how many starts; the noise, in standard deviations


def likely_waves(forward: Forward, window: Trajectory) -> list[Float[np.ndarray, " unknown"]]:
    """The best starts of one field at a few sensors; none for others."""
    shape, cells = forward.shape, forward.settings.grid.shape[0]
    if len(shape.fields) > 1 or is_dense(window) or len(shape.basis.names) < 2:
        return []
    fast, slow = _FASTEST * cells, _SLOWEST * cells / max(window.frames - 1, 1)
    some = np.geomspace(min(slow, fast), fast, _SPEEDS)
    speeds = np.concatenate([-some, [0.0], some])
    starts = [_start(forward, *pair) for pair in itertools.product(speeds, speeds)]
    noise = _NOISE * sizes(window)
    missed = on_all_cores(lambda z: distance(forward, window, noise, z), starts)
    return [starts[i] for i in np.argsort(missed, kind="stable")[:_STARTS]]


def _start(forward: Forward, least: float, most: float) -> Float[np.ndarray, " unknown"]:
    """The unknowns of a flux whose waves have these speeds at the least and the largest state."""
    shape, free = forward.shape, forward.spread > 0.0
    law, flux = np.zeros(len(forward.spread)), shape.sizes[0]
    law[0] = 0.5 * (least + most)
    if shape.kinks:  # f' = w sign v beside f' = s
        law[flux - 1] = 0.5 * (most - least)
    else:  # T₂' = 4 v
        law[1] = 0.125 * (most - least)
    z = np.zeros(forward.size)
    z[: len(law)][free] = (law - forward.center)[free] / forward.spread[free]
    return z
