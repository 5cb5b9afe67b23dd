"""Starts at laws whose waves predict the first frames best.

The weak form of a few sensors sees little: between them, and from one frame to the next, waves
travel farther than what an interpolated field shows. But a run tells at once whether the waves of a
law are those that were measured. So of one field all pairs of speeds are run, at the least and the
largest state that was measured, over the first window, from its interpolated first state and ends,
and those that miss least are starts. A flux with kinks has one kink between them, another is a
parabola.

In whole frames the weak form sees the waves of a smooth flux, but of a flux with a kink the fast
ones pass more cells from frame to frame than the test functions are wide. So there the kink is
tried at some of the measured states, over a few frames, in which the first state is known.
"""

import itertools

import numpy as np
from jaxtyping import Float

from hfluxno.batching import on_all_cores
from hfluxno.identify.joint.dense import is_dense
from hfluxno.identify.joint.fit import distance, sizes
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.law_shape import LawShape
from hfluxno.trajectory import Trajectory

# The largest speed, in domains per frame, the least, in domains per window, and how many.
_FASTEST, _SLOWEST, _SPEEDS, _IN_FRAMES = 0.67, 0.12, 6, 8
_STARTS, _NOISE = 3, 0.1  # how many starts; the noise, in standard deviations
# Of whole frames: how many, and the parts of the measured values below the kink.
_FRAMES, _BELOW = 5, (0.3, 0.6, 0.75, 0.9)


def likely_waves(forward: Forward, window: Trajectory) -> list[Float[np.ndarray, " unknown"]]:
    """The best starts of one field at a few sensors, or in frames of one with a kink; none for
    others."""
    shape, cells = forward.shape, forward.settings.grid.shape[0]
    dense = is_dense(window)
    if len(shape.fields) > 1 or len(shape.basis.names) < 2 or (dense and shape.kinks != 1):
        return []
    fast, slow = _FASTEST * cells, _SLOWEST * cells / max(window.frames - 1, 1)
    some = np.geomspace(min(slow, fast), fast, _IN_FRAMES if dense else _SPEEDS)
    speeds = np.concatenate([-some, [0.0], some])
    places = [0.0]
    if dense:
        window = window.window(0, min(_FRAMES, window.frames))
        places = sorted(set(_measured_states(shape, window)))
    starts = [_start(forward, *each) for each in itertools.product(speeds, speeds, places)]
    noise = _NOISE * sizes(window)
    missed = on_all_cores(lambda z: distance(forward, window, noise, z), starts)
    return [starts[i] for i in np.argsort(missed, kind="stable")[:_STARTS]]


def _measured_states(shape: LawShape, window: Trajectory) -> list[float]:
    """States below which parts of the measured values are, in half ranges from the middle."""
    values = np.asarray(window.states.values)
    middle, half = 0.5 * (shape.upper + shape.lower)[0], 0.5 * (shape.upper - shape.lower)[0]
    return [float((u - middle) / half) for u in np.nanquantile(values, _BELOW)]


def _start(
    forward: Forward, least: float, most: float, place: float
) -> Float[np.ndarray, " unknown"]:
    """The unknowns of a flux whose waves have these speeds at the least and the largest state, and
    whose kinks are in this place."""
    shape, free = forward.shape, forward.spread > 0.0
    law, flux = np.zeros(len(forward.spread)), shape.sizes[0]
    law[0] = 0.5 * (least + most)
    if shape.kinks:  # f' = w sign v beside f' = s
        law[flux - 1] = 0.5 * (most - least)
        law[len(law) - 1] = place
    else:  # T₂' = 4 v
        law[1] = 0.125 * (most - least)
    z = np.zeros(forward.size)
    z[: len(law)][free] = (law - forward.center)[free] / forward.spread[free]
    return z
