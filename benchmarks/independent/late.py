"""Laws whose first shock or steep front forms after the context: (member, frame, field, cells).

With a flux k f(u) a wave breaks at the time 1/max(-∂x f′(u))/k, so that time is drawn instead of k.
The contexts of `make trust` end at 0.38.
"""

import numpy as np

from .laws import scalar
from .schemes import spectral
from .states import CELLS, FRAMES, draw, waves

_SOON, _NEVER = (0.45, 1.0), (1.6, 3.0)
_VISCOSITY = 0.0005, 0.002


def _breaking(speed, state):
    """The time at which a state breaks with the flux f."""
    c, width = speed(state), 2.0 / state.shape[-1]
    slope = (np.roll(c, -1, axis=-1) - np.roll(c, 1, axis=-1)) / width
    return 1.0 / np.max(-slope, axis=-1, keepdims=True)


def _inviscid(state, flux, speed, at):
    k = _breaking(speed, state) / at
    return scalar(state, lambda u: k * flux(u), lambda u: np.abs(k * speed(u)) + 1e-3)


def _burgers(state, at):
    return _inviscid(state, lambda u: u**2 / 2, lambda u: u, at)


def _cubic(rngs, at):
    b, state = draw(rngs, -0.6, 0.6), waves(rngs, low=-0.7, high=0.7)
    return _inviscid(state, lambda u: u**3 / 3 + b * u**2 / 2, lambda u: u**2 + b * u, at)


def _viscous(state, at, nu):
    a = _breaking(lambda u: u, state) / at
    return spectral(lambda k: -nu * k**2, lambda u: a * u**2 / 2, state, FRAMES, CELLS)


def _narrow(rngs):
    return waves(rngs, low=0.8, high=1.2, most=2)


def late_burgers(rngs):
    at = draw(rngs, *_SOON)
    return _burgers(waves(rngs, low=-0.5), at)


def late_narrow_burgers(rngs):
    at = draw(rngs, *_SOON)
    return _burgers(_narrow(rngs), at)


def late_traffic(rngs):
    at, state = draw(rngs, *_SOON), waves(rngs, low=0.1, high=0.9)
    return _inviscid(state, lambda u: u * (1 - u), lambda u: 1 - 2 * u, at)


def late_cubic(rngs):
    return _cubic(rngs, draw(rngs, *_SOON))


def late_viscous(rngs):
    at, nu = draw(rngs, *_SOON), draw(rngs, *_VISCOSITY)
    return _viscous(waves(rngs, low=-0.5), at, nu)


def late_narrow_viscous(rngs):
    at, nu = draw(rngs, *_SOON), draw(rngs, *_VISCOSITY)
    return _viscous(_narrow(rngs), at, nu)


def never(rngs):
    """Burgers' equation, smooth to the end of the forecast."""
    at = draw(rngs, *_NEVER)
    return _burgers(waves(rngs, low=-0.5), at)


def never_cubic(rngs):
    return _cubic(rngs, draw(rngs, *_NEVER))
