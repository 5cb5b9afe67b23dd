"""What fields on a line act as: a velocity, and a pressure instead of an energy.

A velocity carries the density, ∂t ρ + ∂x (ρ u) = 0, and is not conserved across shocks.

A pressure p is not conserved. If one of three fields is one, Euler's equations hold with the energy
E = a p + k, k = m²/2ρ and a = 1/(γ - 1):

    ∂t m + ∂x (m²/ρ + p) = 0,   ∂t (a p + k) + ∂x ((a p + p + k) m/ρ) = 0,

with one unknown, in the weak form also across shocks. Their residual is compared with that of the
best flux of p itself, which has more unknowns, unless it is small.
"""

import dataclasses
import itertools

import numpy as np
from jaxtyping import Float

from hfluxno.identify.accepted import is_joint, is_of_states, is_uneven, uninformative
from hfluxno.identify.frames.change import MomentumOfVelocity
from hfluxno.identify.frames.gaps import MINIMUM_CELLS, MINIMUM_FRAMES
from hfluxno.identify.frames.interpolation import interpolated
from hfluxno.identify.frames.momentum import POSITIVE, velocity
from hfluxno.parametric.basis import fluid_exponents
from hfluxno.parametric.weak_form import bump_families
from hfluxno.trajectory import Trajectory

# The momentum may miss its equation by this fraction (energies instead of a pressure make it
# miss by half), and the energy its own by that, or by this fraction of what the best flux of the
# field leaves. In no gas is a above the third.
_MISSED, _BETTER, _MOST_A = 0.03, 0.5, 10.0
_WIDEST = 3  # supports in time: narrow ones are sampled too coarsely
_MOST, _MOST_FRAMES = 8, 400  # trajectories of a batch, and frames
_MOST_MISSING = 0.5


@dataclasses.dataclass(frozen=True)
class Acting:
    """What fields act as.

    - `momentum`: the change to the momentum of a field that is a velocity, or `None`.
    - `is_used`: whether the law is sought for that momentum.
    - `pressure`: the field that is a pressure and is not conserved, or `None`.
    - `gamma`: the ratio of specific heats with which it is one.
    """

    momentum: MomentumOfVelocity | None = None
    is_used: bool = False
    pressure: str | None = None
    gamma: float | None = None


def acting(context: Trajectory) -> Acting:
    """What several fields of a context act as, without a search for the law; nothing if too little
    of it was measured."""
    fields, every = context.states.fields, context.states.batch
    shape = (context.frames, context.grid.shape[0])
    if len(fields) not in (2, 3) or not is_of_states(context) or is_uneven(context):
        return Acting()
    if shape[0] < MINIMUM_FRAMES or shape[1] < MINIMUM_CELLS:
        return Acting()
    measured = np.mean(np.isfinite(every), axis=(1, 3)).min(axis=1) > 1.0 - _MOST_MISSING
    measured[measured] = ~uninformative(context)[measured]
    used = every[measured][:_MOST, :_MOST_FRAMES].astype(np.float64)
    if not len(used):
        return Acting()
    periodic = context.grid.is_periodic()
    batch = np.stack([interpolated(values, periodic) for values in used])
    if (found := velocity(batch)) is not None:
        place, density = found
        momentum = MomentumOfVelocity(fields[density], fields[place], place)
        return Acting(momentum, len(fields) == 2 and not is_joint(context))
    if len(fields) < 3:
        return Acting()
    times = np.asarray(context.times, float)
    speed = (times[-1] - times[0]) / (len(times) - 1) / context.grid.spacing[0]
    pushing = _pushing(batch, speed, periodic)
    return Acting() if pushing is None else Acting(pressure=fields[pushing[0]], gamma=pushing[1])


def _pushing(
    batch: Float[np.ndarray, "trajectory time three cells"], speed: float, periodic: bool
) -> tuple[int, float] | None:
    """The field that moves the momentum as a pressure, and γ; `None` if there is none.

    - `speed`: the interval over the length of a cell.
    """
    families = bump_families(batch.shape[1], batch.shape[3], periodic)[-_WIDEST:]

    def moved(changing: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """∫∫ of both times ψ_t and ψ_x, for all test functions of all trajectories."""
        parts = []
        for in_time, in_time_derived, in_space, in_space_derived, _ in families:
            size = np.linalg.norm(in_time[0]) * np.linalg.norm(in_space[0])
            by_time = in_time_derived @ changing @ in_space.T
            parts.append((by_time + speed * in_time @ flux @ in_space_derived.T).ravel() / size)
        return np.concatenate(parts)

    nothing = np.zeros_like(batch[:, :, 0])
    best, found = _MISSED, None
    for roles in itertools.permutations(range(3)):
        rho, m, p = (batch[:, :, i] for i in roles)
        if rho.min() <= POSITIVE * rho.max():
            continue
        carried = _part(moved(rho, m), moved(rho, nothing))
        pushed = max(carried, _part(moved(m, m * m / rho + p), moved(m, nothing)))
        if pushed < best:
            best, found = pushed, roles
    if found is None:
        return None
    rho, m, p = (batch[:, :, i] for i in found)
    k = 0.5 * m * m / rho
    by_pressure, others = moved(p, p * m / rho), moved(k, (p + k) * m / rho)
    a = -(by_pressure @ others) / (by_pressure @ by_pressure)
    if not 0.0 < a < _MOST_A:
        return None
    gamma, right = 1.0 + 1.0 / float(a), moved(p, nothing)
    left = np.linalg.norm(a * by_pressure + others) / a
    if left <= _MISSED * np.linalg.norm(right):
        return found[2], gamma
    exponents = fluid_exponents(3, found[0])
    scaled = batch / np.abs(batch).max(axis=(0, 1, 3))[:, None]
    functions = [np.prod(scaled ** np.array(e)[:, None], axis=2) for e in exponents]
    columns = np.stack([moved(nothing, each) for each in functions], axis=1)
    own = right - columns @ np.linalg.lstsq(columns, right, rcond=1e-10)[0]
    return (found[2], gamma) if left <= _BETTER * np.linalg.norm(own) else None


def _part(rest: np.ndarray, of: np.ndarray) -> float:
    size = float(np.linalg.norm(of))
    return float(np.linalg.norm(rest)) / size if size > 0.0 else np.inf
