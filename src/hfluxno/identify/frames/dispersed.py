"""What dispersion would do to the run of a law: ∂u/∂d, at d = 0, of the solution of

    ∂t u + ∂x f(u) = ∂x(ν(u) ∂x u) - d ∂xxx u

for one field, and with -d ∂xxx f(u) for several, which waves run through at several speeds: waves
of wave number k then are slower or faster by the part d k² of their own speed, as long waves on
water, in a lattice, or in a quantum fluid are. In cells and frames, half of the new term acting
before each interval and half after it.
"""

import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.select import FittedCandidate
from hfluxno.identify.frames.track import advanced, first_rate, gains, prolonged, track
from hfluxno.parametric.subgrid import restrict

_SMALL = 1e-3  # the change by the term in an interval, in standard deviations


def by_dispersion(
    trial: FittedCandidate, values: Float[np.ndarray, "time field cells"]
) -> Float[np.ndarray, "time-1 field cells"]:
    """The derivative of the frames after the first on a periodic domain; zero if nothing varies."""
    law, settings = trial.family.law(trial.fit.parameters), trial.settings
    factor = settings.refinement

    def term(state: np.ndarray) -> np.ndarray:
        u = np.asarray(restrict(state, factor))
        return _third_difference(u if len(u) == 1 else np.asarray(law.flux(u)))

    def dispersed(state: np.ndarray, d: float) -> np.ndarray:
        return state + np.repeat(-0.5 * d * term(state), factor, axis=-1)

    def run(d: float) -> np.ndarray:
        state = prolonged(trial.initial, settings, law.negated_fields)
        rate, frames = first_rate(settings), []
        for _ in values[1:]:
            state, rate = advanced(law, settings, dispersed(state, d), rate, len(values))
            state = dispersed(state, d)
            frames.append(np.asarray(restrict(state, factor)))
        return np.stack(frames)

    deviation = np.std(values, axis=(0, 2))
    first = prolonged(trial.initial, settings, law.negated_fields)
    # Fields may have different units; one that is constant varies nowhere.
    largest = np.max(np.abs(term(first)), axis=1)
    moves = (largest > 0.0) & (deviation > 0.0)
    if not np.any(moves):
        return np.zeros_like(values[1:])
    small = _SMALL * float(np.min(deviation[moves] / largest[moves]))
    return (run(small) - run(0.0)) / small


def by_other_cells(
    trial: FittedCandidate, values: Float[np.ndarray, "time field cells"]
) -> Float[np.ndarray, "time-1 field cells"]:
    """What internal cells of twice the length, or of half the length where no cell is divided,
    change in the frames after the first: a multiple of the errors of the scheme, which disperses
    too."""
    law, settings = trial.family.law(trial.fit.parameters), trial.settings
    other = settings.on_other_cells()
    start = np.concatenate([trial.initial[None], values[1:]])
    alone = gains("continue", len(values), 0)
    return track(law, other, start, alone)[0] - track(law, settings, start, alone)[0]


def _third_difference(u: Float[np.ndarray, "field cells"]) -> Float[np.ndarray, "field cells"]:
    """∂xxx u of second order, on cells of length 1."""
    further, near = (np.roll(u, -k, axis=-1) - np.roll(u, k, axis=-1) for k in (2, 1))
    return 0.5 * further - near
