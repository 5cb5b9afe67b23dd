"""How much of the misfit of two fields under noise dispersion explains."""

import numpy as np
from jaxtyping import Float

from hfluxno.identify.residuals.explained import Unexplained
from hfluxno.identify.residuals.measured import CERTAIN_DISPERSION, TOO_NOISY
from hfluxno.identify.residuals.noise import noise_level, rms

# How large the part d of the speed that a wave of wave number one in cells loses or gains has to
# be: the errors of a scheme of second order on half the cells are d = 1/48.
_BY_SCHEMES = 0.03
# In standard deviations, less is no reason to warn.
_WORTH = 0.003


def dispersing_together(
    simulated: Float[np.ndarray, "time field cells"],
    observed: Float[np.ndarray, "time field cells"],
    beside: Float[np.ndarray, "unknown time-1 field cells"],
    dispersed: Float[np.ndarray, "time-1 field cells"],
    carried: Float[np.ndarray, "draw time-1 field cells"] | None = None,
) -> float:
    """The fraction of the misfit beyond noise that `dispersed`, the derivative of the frames after
    the first with respect to d, explains beside those with respect to other unknowns; 0 if d or
    what it explains is small or not certain. If the run starts from a noisy frame, draws of what it
    has `carried` along of this noise are given."""
    scale = np.std(observed, axis=(0, 2))[:, None]
    scale = np.where(scale > 0.0, scale, 1.0)
    noise = noise_level(observed / scale)
    if noise >= TOO_NOISY:
        return 0.0
    missed = ((observed - simulated)[1:] / scale).ravel()
    others = (beside / scale).reshape(len(beside), -1)
    draws = np.zeros((1, missed.size))
    if carried is not None:
        draws = (carried / scale).reshape(len(carried), -1)
    rest = Unexplained(missed, others, float(np.hypot(noise, rms(draws))))
    by = rest.by((dispersed / scale).ravel(), draws)
    worth = rms(missed) * np.sqrt(by.explained) > _WORTH
    certain = by.certainty > CERTAIN_DISPERSION and abs(by.a) > _BY_SCHEMES
    return by.beyond_noise if certain and worth else 0.0
