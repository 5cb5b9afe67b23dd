"""One-dimensional conservation laws solved by PyClaw, as an independent reference.

The Riemann solvers below are written from the Roe linearisation of each law, in the form that
PyClaw's Python kernels expect: ``rp(q_l, q_r, aux_l, aux_r, problem_data)`` returns the waves
``(d, waves, interfaces)``, their speeds ``(waves, interfaces)`` and the left- and right-going
fluctuations ``(d, interfaces)``. None of them has an entropy fix. In each the fluctuations sum to
``f(q_r) - f(q_l)``, so the schemes are conservative (wherever no floor of the shallow-water solver
is active).

Importing this module needs ``clawpack``; nothing here imports ``hfluxno``.
"""

from __future__ import annotations

import logging
import logging.config
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from unittest import mock

import numpy as np

# On import PyClaw reconfigures the root logger and opens pyclaw.log in the current directory.
# Neither is wanted in a test run, so that one call is left out while it is imported.
with mock.patch.object(logging.config, "fileConfig"):
    from clawpack import pyclaw

for _name in ("pyclaw.controller", "pyclaw.solver", "pyclaw.solution", "pyclaw.fileio"):
    _logger = logging.getLogger(_name)
    _logger.propagate = False
    # The Controller sets the level of the second handler of its logger, so there must be two.
    while len(_logger.handlers) < 2:
        _logger.addHandler(logging.NullHandler())

Array = np.ndarray
Parameters = Mapping[str, float]

#: Jumps up to this size count as none: the secant slope of the flux is noise there.
SMALL_JUMP = 1e-14
#: Least depth in divisions and square roots, and least radicand of the wave speeds.
FLOOR = 1e-8

LIMITERS = {"none": 0, "minmod": 1, "superbee": 2, "vanleer": 3, "MC": 4}
BOUNDARIES = {
    "periodic": pyclaw.BC.periodic,
    "extrap": pyclaw.BC.extrap,
    "wall": pyclaw.BC.wall,
}


# --- fluxes -----------------------------------------------------------------------------------


def cubic_flux(q: Array, p: Parameters) -> Array:
    """f(u) = a u^3 + b u^2 + c u."""
    return ((p["a"] * q + p["b"]) * q + p["c"]) * q


def cubic_slope(q: Array, p: Parameters) -> Array:
    return (3.0 * p["a"] * q + 2.0 * p["b"]) * q + p["c"]


def sine_flux(q: Array, p: Parameters) -> Array:
    """f(u) = a sin(b u)."""
    return p["a"] * np.sin(p["b"] * q)


def sine_slope(q: Array, p: Parameters) -> Array:
    return p["a"] * p["b"] * np.cos(p["b"] * q)


def burgers_flux(q: Array, p: Parameters) -> Array:
    """f(u) = a u^2."""
    return p["a"] * q**2


def burgers_slope(q: Array, p: Parameters) -> Array:
    return 2.0 * p["a"] * q


def shallow_water_flux(q: Array, p: Parameters) -> Array:
    """f(h, m) = (alpha m, gamma m^2 / h + beta h^2 / 2)."""
    h, m = q
    momentum = p["gamma"] * m**2 / np.maximum(h, FLOOR) + 0.5 * p["beta"] * h**2
    return np.stack([p["alpha"] * m, momentum])


# --- Riemann solvers --------------------------------------------------------------------------


def _fluctuations(wave: Array, s: Array) -> tuple[Array, Array]:
    """Sums of s W over the waves that go left and over those that go right."""
    amdq = np.sum(np.minimum(s, 0.0) * wave, axis=1)
    apdq = np.sum(np.maximum(s, 0.0) * wave, axis=1)
    return amdq, apdq


def scalar_roe(flux: Callable, slope: Callable) -> Callable:
    """Roe solver of a scalar law: one wave, the jump itself, at the secant slope of the flux."""

    def rp(q_l, q_r, aux_l, aux_r, problem_data):
        jump = q_r - q_l
        none = np.abs(jump) <= SMALL_JUMP
        secant = (flux(q_r, problem_data) - flux(q_l, problem_data)) / np.where(none, 1.0, jump)
        s = np.where(none, slope(q_l, problem_data), secant)
        wave = jump[:, None, :]
        return wave, s, *_fluctuations(wave, s)

    return rp


def shallow_water_roe(q_l, q_r, aux_l, aux_r, problem_data):
    """Roe solver of the shallow-water law with coefficients alpha, beta, gamma.

    With the velocity averaged by sqrt(h) and the depth by the arithmetic mean, the matrix
    ``[[0, alpha], [beta h - gamma u^2, 2 gamma u]]`` maps a jump of the state to the jump of the
    flux for every gamma, as it does for the usual equations. Its eigenvectors are (alpha, s_p).
    """
    alpha, beta, gamma = (problem_data[k] for k in ("alpha", "beta", "gamma"))
    h_l, h_r = np.maximum(q_l[0], FLOOR), np.maximum(q_r[0], FLOOR)
    w_l, w_r = np.sqrt(h_l), np.sqrt(h_r)
    u = (w_l * (q_l[1] / h_l) + w_r * (q_r[1] / h_r)) / (w_l + w_r)
    h = 0.5 * (h_l + h_r)

    # For gamma < alpha a fast flow makes the radicand negative: the law is not hyperbolic there.
    root = np.sqrt(np.maximum(gamma * (gamma - alpha) * u**2 + alpha * beta * h, FLOOR))
    s = np.stack([gamma * u - root, gamma * u + root])

    # jump = a_1 (alpha, s_1) + a_2 (alpha, s_2)
    dh, dm = q_r - q_l
    a_1 = (s[1] * dh / alpha - dm) / (2.0 * root)
    a_2 = (dm - s[0] * dh / alpha) / (2.0 * root)
    wave = np.empty((2, 2, dh.size))
    wave[0, 0], wave[1, 0] = alpha * a_1, s[0] * a_1
    wave[0, 1], wave[1, 1] = alpha * a_2, s[1] * a_2
    return wave, s, *_fluctuations(wave, s)


@dataclass(frozen=True)
class Problem:
    """A law: its number of fields (and of waves), its coefficients, flux and Riemann solver."""

    fields: int
    parameters: tuple[str, ...]
    flux: Callable[[Array, Parameters], Array]
    riemann: Callable


PROBLEMS = {
    "cubic": Problem(1, ("a", "b", "c"), cubic_flux, scalar_roe(cubic_flux, cubic_slope)),
    "sine": Problem(1, ("a", "b"), sine_flux, scalar_roe(sine_flux, sine_slope)),
    "burgers": Problem(1, ("a",), burgers_flux, scalar_roe(burgers_flux, burgers_slope)),
    "shallow_water": Problem(2, ("alpha", "beta", "gamma"), shallow_water_flux, shallow_water_roe),
}


# --- solution ---------------------------------------------------------------------------------


def run(
    problem_name: str,
    q0: Array,
    times: Sequence[float],
    *,
    limiter: str = "MC",
    cfl_desired: float = 0.5,
    cfl_max: float = 0.9,
    order: int = 2,
    lower: float = 0.0,
    upper: float = 1.0,
    bc: str = "periodic",
    parameters: Parameters,
) -> tuple[Array, dict]:
    """Like :func:`solve`, but returns PyClaw's status (steps taken, step sizes, CFL) as well."""
    problem = PROBLEMS[problem_name]
    q0 = np.asarray(q0, dtype=np.float64)
    times = np.asarray(times, dtype=np.float64)
    if q0.ndim != 2 or q0.shape[0] != problem.fields:
        raise ValueError(f"{problem_name} needs q0 of shape ({problem.fields}, N), not {q0.shape}")
    if times.ndim != 1 or times.size < 2 or np.any(np.diff(times) <= 0.0):
        raise ValueError("times must be at least two increasing numbers")
    if set(parameters) != set(problem.parameters):
        raise ValueError(f"{problem_name} needs the parameters {', '.join(problem.parameters)}")
    if bc == "wall" and problem.fields < 2:
        raise ValueError("a wall reflects a momentum, which a scalar law does not have")

    solver = pyclaw.ClawSolver1D(problem.riemann)
    solver.kernel_language = "Python"
    solver.num_eqn = problem.fields
    solver.num_waves = problem.fields
    solver.fwave = False
    solver.limiters = LIMITERS[limiter]
    solver.order = order
    solver.cfl_desired = cfl_desired
    solver.cfl_max = cfl_max
    solver.all_bcs = BOUNDARIES[bc]

    domain = pyclaw.Domain(pyclaw.Dimension(lower, upper, q0.shape[1], name="x"))
    state = pyclaw.State(domain, problem.fields)
    state.problem_data.update({name: float(value) for name, value in parameters.items()})
    state.q[...] = q0

    claw = pyclaw.Controller()
    claw.verbosity = 0
    claw.solver = solver
    claw.solution = pyclaw.Solution(state, domain)
    claw.solution.t = times[0]
    claw.output_style = 2
    claw.out_times = times
    claw.output_format = None
    claw.keep_copy = True
    with np.errstate(all="ignore"):
        status = claw.run()

    values = np.stack([frame.q for frame in claw.frames])
    if not np.all(np.isfinite(values)):
        raise FloatingPointError(f"PyClaw's solution of {problem_name} is not finite")
    return values, dict(status)


def solve(problem_name: str, q0: Array, times: Sequence[float], **options) -> Array:
    """Solve a law by PyClaw's one-dimensional wave-propagation scheme, with its Python kernels.

    problem_name
        A key of ``PROBLEMS``; its coefficients are given as ``parameters={...}``.
    q0
        Cell averages at ``times[0]``, of shape ``(d, N)``.
    times
        Output times; PyClaw shortens its steps to land on each, so they affect the answer.
    options
        ``limiter="MC"`` (a key of ``LIMITERS``), ``cfl_desired=0.5``, ``cfl_max=0.9``,
        ``order=2``, ``lower=0.0``, ``upper=1.0``, ``bc="periodic"`` (a key of ``BOUNDARIES``).

    Returns the cell averages at every time, of shape ``(T, d, N)``.
    """
    return run(problem_name, q0, times, **options)[0]
