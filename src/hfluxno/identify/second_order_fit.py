"""The conserved field behind a density and its measured flow: the road of Aw, Rascle and Zhang.

    ρ_t + q_x = 0,   y_t + (y q/ρ)_x = Q(ρ) - q/τ (both over τ),   y = q + ρ p(ρ)

(see `hfluxno.laws.aw_rascle_zhang`). The flow q is not conserved, but y is; the polynomials p and
Q, without constants, and τ are what the frames of ρ and q determine:

1. The weak form is linear in their coefficients,

       ∫∫ (q + Σ p_k ρ^{k+1}) ψ_t + (q²/ρ + Σ p_k ρ^k q) ψ_x + (Σ Q_k ρ^k - q)/τ ψ dx dt = 0.

   Waves that cross more than a cell a frame make it rough.
2. Least squares through the solver then fit them to all frames of ρ and q.

Afterwards any law can be inferred from frames of ρ and y.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hfluxno.fv import MUSCL
from hfluxno.fv.problem import Problem
from hfluxno.fv.sensitivity import solve_with_derivatives
from hfluxno.fv.solve import MOST_STEPS
from hfluxno.grid import Grid
from hfluxno.identify.candidate import Candidate
from hfluxno.identify.interpolation import interpolated
from hfluxno.identify.levenberg_marquardt import levenberg_marquardt
from hfluxno.identify.second_order import NAME, POWERS, SecondOrder
from hfluxno.identify.select import make_settings
from hfluxno.identify.solver_settings import SolverSettings
from hfluxno.identify.subgrid import prolong, restrict
from hfluxno.identify.track import padded_intervals
from hfluxno.identify.weak_form import bump_families
from hfluxno.laws.aw_rascle_zhang import AwRascleZhang, series
from hfluxno.stored_jit import stored_jit
from hfluxno.trajectory import Trajectory

# A pressure has to explain this fraction of the squares of the weak form that relaxation leaves.
_EXPLAINED = 0.5
# Up to this misfit, in standard deviations, the frames may be those of such a road.
_MOST_MISFIT = 0.3
# The prior standard deviation of all coefficients in mean speeds, and in mean flows per frame.
_PRIOR = 10.0
_EVALUATIONS = 20
_EXACT = 1e-6


def second_order(single: Trajectory, flow: int, factor: float = 1.0) -> SecondOrder | None:
    """The road behind complete or nearly complete frames of a density and its flow at equal
    intervals, or `None` if they are not such a road's.

    - `flow`: which of the two fields is the flow.
    - `factor`: what makes of its unit that of the density times x over time.
    """
    density = 1 - flow
    values = np.asarray(single.values, np.float64)
    times = np.asarray(single.times, float)
    per_frame = factor * (times[-1] - times[0]) / (len(times) - 1) / single.grid.spacing[0]
    filled = interpolated(values, single.grid.is_periodic())
    rho, q = filled[:, density], per_frame * filled[:, flow]
    if not (np.all(rho > 0.0) and np.mean(q) > 0.0):
        return None
    scale = float(np.mean(rho))
    start = _weak_start(rho / scale, q / scale, single.grid.is_periodic())
    if start is None:
        return None
    pair = np.stack([rho, q], axis=1) / scale
    pressure = _fitted(pair, np.isfinite(values[:, [density, flow]]), single.grid, start)
    if pressure is None:
        return None
    pressures = tuple(map(float, pressure / per_frame))
    return SecondOrder(single.fields[density], single.fields[flow], flow, pressures, scale)


def _weak_start(
    rho: Float[np.ndarray, "time cells"], q: Float[np.ndarray, "time cells"], periodic: bool
) -> Float[np.ndarray, " unknown"] | None:
    """The coefficients of p, of Q/τ, and 1/τ by the weak form; `None` if a pressure explains little
    of it, or does not rise."""
    powers = [rho**k for k in range(1, POWERS + 1)]
    parts = [
        _weak_equations(family, rho, q, powers)
        for family in bump_families(len(rho), rho.shape[1], periodic)
    ]
    equations = np.concatenate(parts, axis=1)
    sizes = np.linalg.norm(equations[:-1], axis=1)
    matrix, right = (equations[:-1] / sizes[:, None]).T, -equations[-1]

    def fitted(used: list[int]) -> tuple[np.ndarray, float]:
        found, rest = np.zeros(len(sizes)), matrix[:, used]
        found[used] = np.linalg.lstsq(rest, right, rcond=1e-10)[0]
        return found / sizes, float(np.sum((right - matrix @ found) ** 2))

    every, others = list(range(len(sizes))), list(range(POWERS, len(sizes)))
    if fitted(every)[1] > _EXPLAINED * fitted(others)[1]:
        return None
    # Few powers of the pressure: the others are left to the fit.
    for few in (2, 1):
        found, _ = fitted([*range(few), *others])
        slope = sum(k * found[k - 1] * powers[k - 1] for k in range(1, POWERS + 1))
        if np.min(slope) > 0.0:
            return found
    return None


def _weak_equations(
    family: tuple[np.ndarray, ...], rho: np.ndarray, q: np.ndarray, powers: list[np.ndarray]
) -> Float[np.ndarray, "term equation"]:
    """What each coefficient is multiplied by in the weak form, and what has none."""
    in_time, in_time_derived, in_space, in_space_derived, _ = family
    size = float(np.linalg.norm(in_time[0]) * np.linalg.norm(in_space[0]))

    def moved(change: np.ndarray, flux: np.ndarray) -> np.ndarray:
        return in_time_derived @ change @ in_space.T + in_time @ flux @ in_space_derived.T

    terms = [moved(rho * each, q * each) for each in powers]
    terms += [in_time @ each @ in_space.T for each in (*powers, -q)]
    return np.stack([each.ravel() for each in (*terms, moved(q, q * q / rho))]) / size


def _fitted(
    values: Float[np.ndarray, "time two cells"],
    seen: np.ndarray,
    grid: Grid,
    start: Float[np.ndarray, " unknown"],
) -> Float[np.ndarray, " power"] | None:
    """The pressure with which runs from the first frame come closest to all others, in cells a
    frame; `None` if they do not come close."""
    settings = dataclasses.replace(
        make_settings(Candidate("tensor", 0), grid), refinement=2, scheme="muscl"
    )
    settings = dataclasses.replace(settings, fresh_start=False)
    intervals = padded_intervals(len(values) - 1, len(values) - 1)
    size = np.std(values, axis=(0, 2))[:, None]
    weights = (seen / size)[1:] / np.sqrt(np.sum(seen[1:]))
    speed, mean = float(np.mean(values[:, 1])), np.ones(len(start))
    mean[: 2 * POWERS] = speed

    def residual(step):
        found = _run(settings, start + mean * step, values[0], intervals)
        states, changes = (np.asarray(each)[: len(weights)] for each in found)
        misfit = (states - values[1:]) * weights
        rows = (changes * weights[:, None]).swapaxes(0, 1).reshape(len(start), -1)
        prior = 1e-3 / _PRIOR
        value = np.concatenate([misfit.ravel(), prior * step])
        return value, np.concatenate([mean[:, None] * rows, prior * np.eye(len(step))], 1), misfit

    with jax.enable_x64(True):
        found = levenberg_marquardt(residual, np.zeros(len(start)), _EXACT, _EVALUATIONS)
    if found.aux is None or not np.linalg.norm(found.aux) < _MOST_MISFIT:
        return None
    return (start + mean * found.point)[:POWERS]


def _law(unknowns) -> AwRascleZhang:
    pressure, equilibrium = unknowns[:POWERS], unknowns[POWERS : 2 * POWERS]
    fields = ("density", NAME)
    return AwRascleZhang(fields, pressure, equilibrium, unknowns[-1], jnp.ones_like(unknowns[0]))


@stored_jit
def _run(settings: SolverSettings, unknowns, first, intervals):
    """Density and flow after each interval on the cells of the data, from the first ones, and their
    derivatives by each unknown."""
    grid = settings.grid.refine(settings.refinement)

    def begun(unknowns):
        law = _law(unknowns)
        y = first[1] + first[0] * series(law.pressure, first[0])
        state = prolong(jnp.stack([first[0], y]), settings.grid, settings.refinement, ())
        return MUSCL(law, riemann="hll"), state

    def along(direction):
        return eqx.filter_jvp(begun, (unknowns,), (direction,))

    every = jnp.eye(len(unknowns), dtype=unknowns.dtype)
    (flux, state), (changes, state_changes) = jax.vmap(along, out_axes=(None, 0))(every)
    unchanged = jax.tree.map(lambda _: None, grid)
    states, derivatives, _ = solve_with_derivatives(
        Problem(flux, grid),
        Problem(changes, unchanged),
        state,
        state_changes,
        intervals,
        settings.control,
        jnp.asarray(-1.0),
        MOST_STEPS,
    )

    def flow(unknowns, states):
        pressure = series(unknowns[:POWERS], states[:, 0])
        return jnp.stack([states[:, 0], states[:, 1] - states[:, 0] * pressure], axis=1)

    cells = jnp.asarray(restrict(states, settings.refinement))
    cell_changes = jnp.asarray(restrict(derivatives, settings.refinement))

    def of_flow(direction, change):
        return jax.jvp(flow, (unknowns, cells), (direction, change))[1]

    return flow(unknowns, cells), jax.vmap(of_flow, in_axes=(0, 1), out_axes=1)(every, cell_changes)
