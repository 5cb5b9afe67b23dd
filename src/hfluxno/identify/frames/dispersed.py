"""What dispersion would do to the run of a law: ∂u/∂d, at d = 0, of the solution of

    ∂t u + ∂x f(u) = ∂x(ν(u) ∂x u) - d ∂xxx u

in cells and frames, half of the new term acting before each interval and half after it.
"""

import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.select import FittedCandidate
from hfluxno.identify.frames.track import advanced, first_rate, prolonged
from hfluxno.parametric.subgrid import restrict

_SMALL = 1e-3  # the change by the term in an interval, in standard deviations


def by_dispersion(
    trial: FittedCandidate, values: Float[np.ndarray, "time field cells"]
) -> Float[np.ndarray, "time-1 field cells"]:
    """The derivative of the frames after the first on a periodic domain; zero if nothing varies."""
    law, settings = trial.family.law(trial.fit.parameters), trial.settings
    factor = settings.refinement

    def dispersed(state: np.ndarray, d: float) -> np.ndarray:
        change = -0.5 * d * _third_difference(np.asarray(restrict(state, factor)))
        return state + np.repeat(change, factor, axis=-1)

    def run(d: float) -> np.ndarray:
        state = prolonged(trial.initial, settings, law.negated_fields)
        rate, frames = first_rate(settings), []
        for _ in values[1:]:
            state, rate = advanced(law, settings, dispersed(state, d), rate, len(values))
            state = dispersed(state, d)
            frames.append(np.asarray(restrict(state, factor)))
        return np.stack(frames)

    largest = float(np.max(np.abs(_third_difference(trial.initial))))
    if largest == 0.0:
        return np.zeros_like(values[1:])
    small = _SMALL * float(np.std(values)) / largest
    return (run(small) - run(0.0)) / small


def _third_difference(u: Float[np.ndarray, "field cells"]) -> Float[np.ndarray, "field cells"]:
    """∂xxx u of second order, on cells of length 1."""
    further, near = (np.roll(u, -k, axis=-1) - np.roll(u, k, axis=-1) for k in (2, 1))
    return 0.5 * further - near
