"""The conserved field behind a density and its measured flow: the road of Aw, Rascle and Zhang.

    ρ_t + q_x = 0,   y_t + (y q/ρ)_x = Q(ρ)/τ - q/τ,   y = q + ρ p(ρ),   p = c ((ρ/ρ₀)^γ - 1)/γ

(see `hfluxno.laws.aw_rascle_zhang`). The flow q is not conserved, but y is; c, γ, the polynomial Q
and τ are what the frames of ρ and q determine:

1. For given γ the weak form is linear in the others,

       ∫∫ (q + ρ p) ψ_t + (q²/ρ + p q) ψ_x + (Q(ρ)/τ - q/τ) ψ dx dt = 0.

   Waves that cross more than a cell a frame make it rough.
2. Least squares through the solver then fit all of them to all frames of ρ and q. An exponent that
   is nearly a whole number is that number if this costs nothing.

Afterwards any law can be inferred from frames of ρ and y.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from hfluxno.fv import MUSCL
from hfluxno.fv.problem import Problem
from hfluxno.fv.sensitivity import solve_with_derivatives
from hfluxno.fv.solve import MOST_STEPS
from hfluxno.grid import Grid
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.interpolation import interpolated
from hfluxno.identify.frames.second_order import NAME, SecondOrder
from hfluxno.identify.frames.select import make_settings
from hfluxno.identify.frames.track import padded_intervals
from hfluxno.laws.aw_rascle_zhang import AwRascleZhang
from hfluxno.parametric.levenberg_marquardt import levenberg_marquardt
from hfluxno.parametric.solver_settings import SolverSettings
from hfluxno.parametric.subgrid import prolong, restrict
from hfluxno.parametric.weak_form import bump_families
from hfluxno.stored_jit import stored_jit
from hfluxno.trajectory import Trajectory

# The number of powers of Q.
_POWERS = 3
_EXPONENTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
# A pressure may leave this part of the squares of the weak form that relaxation leaves. Of traffic
# with drivers of different speeds it leaves .003 or less, of flowing water or gas .2 or more.
EXPLAINED, EVIDENT = 0.5, 0.02
# Up to this misfit, in standard deviations, the frames may be those of such a road.
_MOST_MISFIT = 0.3
# A whole exponent may increase the misfit by this factor.
_AS_GOOD = 1.02
# Cells of the solver for each of the data, and for the whole domain.
_CELLS, _ALL_CELLS = 4, 400
# The inverse prior deviation of all coefficients, in mean speeds and in mean flows per frame.
_WEAK = 1e-4
_EVALUATIONS, _SMALL_DECREASE, _EXACT = 8, 0.02, 1e-6


def second_order(
    single: Trajectory, flow: int, factor: float = 1.0, most_left: float = EXPLAINED
) -> SecondOrder | None:
    """The road behind complete or nearly complete frames of a density and its flow at equal
    intervals, or `None` if they are not such a road's.

    - `flow`: which of the two fields is the flow.
    - `factor`: what makes of its unit that of the density times x over time.
    - `most_left`: the part of the squares of the weak form that a pressure may leave.
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
    start = _weak_start(rho / scale, q / scale, single.grid.is_periodic(), most_left)
    if start is None:
        return None
    pair = np.stack([rho, q], axis=1) / scale
    found = _fitted(pair, np.isfinite(values[:, [density, flow]]), single.grid, start)
    if found is None:
        return None
    strength, exponent = found
    names = single.fields
    return SecondOrder(names[density], names[flow], flow, strength / per_frame, exponent, scale)


def _weak_start(
    rho: Float[np.ndarray, "time cells"],
    q: Float[np.ndarray, "time cells"],
    periodic: bool,
    most_left: float,
) -> Float[np.ndarray, " unknown"] | None:
    """c, γ, the coefficients of Q/τ, and 1/τ by the weak form, for a mean density of one; `None` if
    a pressure leaves more of it, or does not rise."""
    pressures = [np.log(rho) if e == 0.0 else (rho**e - 1.0) / e for e in _EXPONENTS]
    families = bump_families(len(rho), rho.shape[1], periodic)
    parts = [_weak_equations(family, rho, q, pressures) for family in families]
    equations = np.concatenate(parts, axis=1)
    sizes = np.linalg.norm(equations[:-1], axis=1)
    matrix, right = (equations[:-1] / sizes[:, None]).T, -equations[-1]
    relaxing = list(range(len(pressures), len(sizes)))

    def fitted(used: list[int]) -> tuple[np.ndarray, float]:
        found = np.linalg.lstsq(matrix[:, used], right, rcond=1e-10)[0]
        return found / sizes[used], float(np.sum((right - matrix[:, used] @ found) ** 2))

    tried = [fitted([k, *relaxing]) for k in range(len(pressures))]
    best = int(np.argmin([left for _, left in tried]))
    (strength, *others), left = tried[best]
    if left > most_left * fitted(relaxing)[1] or not strength > 0.0:
        return None
    return np.array([strength, _EXPONENTS[best], *others])


def _weak_equations(
    family: tuple[np.ndarray, ...], rho: np.ndarray, q: np.ndarray, pressures: list[np.ndarray]
) -> Float[np.ndarray, "term equation"]:
    """What each coefficient is multiplied by in the weak form, and what has none."""
    in_time, in_time_derived, in_space, in_space_derived, _ = family
    size = float(np.linalg.norm(in_time[0]) * np.linalg.norm(in_space[0]))

    def moved(change: np.ndarray, flux: np.ndarray) -> np.ndarray:
        return in_time_derived @ change @ in_space.T + in_time @ flux @ in_space_derived.T

    terms = [moved(rho * each, q * each) for each in pressures]
    powers = [rho**k for k in range(1, _POWERS + 1)]
    terms += [in_time @ each @ in_space.T for each in (*powers, -q)]
    return np.stack([each.ravel() for each in (*terms, moved(q, q * q / rho))]) / size


def _fitted(
    values: Float[np.ndarray, "time two cells"],
    seen: Bool[np.ndarray, "time two cells"],
    grid: Grid,
    start: Float[np.ndarray, " unknown"],
) -> tuple[float, float] | None:
    """c and γ with which runs from the first frame come closest to all others, in cells a frame;
    `None` if they do not come close."""
    settings = make_settings(Candidate("tensor", 0), grid)
    times = min(_CELLS, max(1, _ALL_CELLS // grid.shape[0]))
    settings = dataclasses.replace(settings, refinement=times, scheme="muscl", fresh_start=False)
    intervals = padded_intervals(len(values) - 1, len(values) - 1)
    size = np.std(values, axis=(0, 2))[:, None]
    weights = (seen / size)[1:] / np.sqrt(np.sum(seen[1:]))
    unit = np.full(len(start), float(np.mean(values[:, 1])))
    unit[[1, -1]] = 1.0

    def least(begin: np.ndarray, whole: bool) -> tuple[np.ndarray, float]:
        along = np.where(np.arange(len(begin)) == 1, 0.0, unit) if whole else unit

        def residual(step):
            found = _run(settings, begin + along * step, values[0], intervals)
            states, changes = (np.asarray(each)[: len(weights)] for each in found)
            misfit = (states - values[1:]) * weights
            rows = (changes * weights[:, None]).swapaxes(0, 1).reshape(len(begin), -1)
            value = np.concatenate([misfit.ravel(), _WEAK * step])
            rows = np.concatenate([along[:, None] * rows, _WEAK * np.eye(len(step))], axis=1)
            return value, rows, misfit

        nothing = np.zeros(len(begin))
        with jax.enable_x64(True):
            found = levenberg_marquardt(residual, nothing, _EXACT, _EVALUATIONS, _SMALL_DECREASE)
        left = np.inf if found.aux is None else float(np.linalg.norm(found.aux))
        return begin + along * found.point, left

    best, left = least(start, whole=False)
    if not left < _MOST_MISFIT:
        return None
    rounded = np.array([best[0], np.round(best[1]), *best[2:]])
    rounded, as_well = least(rounded, whole=True)
    if as_well <= _AS_GOOD * left:
        best = rounded
    return float(best[0]), float(best[1])


def _law(unknowns: Float[Array, " unknown"]) -> AwRascleZhang:
    strength, exponent, rate = unknowns[0], unknowns[1], unknowns[-1]
    one = jnp.ones_like(strength)
    return AwRascleZhang(("density", NAME), strength, exponent, one, unknowns[2:-1], rate)


@stored_jit
def _run(settings: SolverSettings, unknowns, first, intervals):
    """Density and flow after each interval on the cells of the data, from the first ones, and their
    derivatives by each unknown."""
    grid = settings.grid.refine(settings.refinement)

    def begun(unknowns):
        law = _law(unknowns)
        y = first[1] + first[0] * law.pressure(first[0])
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
        pressure = _law(unknowns).pressure(states[:, 0])
        return jnp.stack([states[:, 0], states[:, 1] - states[:, 0] * pressure], axis=1)

    cells = jnp.asarray(restrict(states, settings.refinement))
    cell_changes = jnp.asarray(restrict(derivatives, settings.refinement))

    def of_flow(direction, change):
        return jax.jvp(flow, (unknowns, cells), (direction, change))[1]

    return flow(unknowns, cells), jax.vmap(of_flow, in_axes=(0, 1), out_axes=1)(every, cell_changes)
