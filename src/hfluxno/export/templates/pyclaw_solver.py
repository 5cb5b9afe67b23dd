"""The Riemann solver that follows the law in a file for PyClaw."""

import numpy as np

from hfluxno.export.templates.numpy_law import (
    _eigenvalues,
    _gradient,
    _middle_and_gap,
    _nearest,
    flux,
    source,
)

# solver: begin
# For PyClaw:
#
#     solver = pyclaw.ClawSolver1D(riemann_solver=rp)
#     solver.kernel_language, solver.fwave = "Python", False
#     solver.num_eqn = solver.num_waves = len(FIELDS)
#     solver.limiters = pyclaw.limiters.tvd.MC
#     solver.step_source = step_source  # if the law has sources; diffusion is not part of it
#
# Waves and speeds are those of Roe's linearisation, the Jacobian averaged along the straight path
# between the states; the fluctuations split f(r) - f(l) along them, so they sum to it for any
# matrix, and waves whose speed passes zero upwards get an entropy fix.

_NODES, _WEIGHTS = (0.5 - 0.15**0.5, 0.5, 0.5 + 0.15**0.5), (5 / 18, 8 / 18, 5 / 18)


def rp(q_l, q_r, aux_l=None, aux_r=None, problem_data=None):
    """wave (field, wave, interface), s (wave, interface), and the left- and right-going parts amdq
    and apdq (field, interface) of f(q_r) - f(q_l)."""
    jump, flux_jump = q_r - q_l, flux(q_r) - flux(q_l)
    samples = [_gradient(_nearest(q_l + node * jump)) for node in _NODES]
    matrix = sum(weight * sample for weight, sample in zip(_WEIGHTS, samples, strict=True))
    s = _eigenvalues(matrix)
    wave, flux_wave = _split(matrix, s, jump), _split(matrix, s, flux_jump)
    going_left = np.where(s < 0.0, flux_wave, 0.0)
    ends = [_gradient(_nearest(q)) for q in (q_l, q_r)]
    lowest = _eigenvalues(ends[0])
    bound, sonic = np.abs(lowest), np.zeros(s.shape, bool)
    for sample in (*samples, ends[1]):
        found = _eigenvalues(sample)
        sonic = sonic | ((lowest < 0.0) & (found > 0.0))
        lowest, bound = np.minimum(lowest, found), np.maximum(bound, np.abs(found))
    going_left = np.where(sonic, 0.5 * (flux_wave - bound * wave), going_left)
    amdq = going_left.sum(axis=1)
    return wave, s, amdq, flux_jump - amdq


def step_source(solver, state, dt):
    """Adds what arises in a step, for `solver.step_source`; by the method of Heun."""
    before, x = np.array(state.q), state.grid.x.centers
    first = before + dt * source(before, x)
    state.q[...] = 0.5 * (before + first + dt * source(first, x))


def _split(matrix, s, vector):
    """The parts of a vector (field, interface) along the eigenvectors, (field, wave, interface)."""
    if len(s) == 1:
        return vector[:, None]
    if len(s) > 2:
        found, vectors = np.linalg.eig(np.moveaxis(matrix, (0, 1), (-2, -1)))
        # Rounding may turn equal speeds into a complex pair, whose vectors span the plane of both.
        vectors = np.where(found.imag[:, None] < 0.0, vectors.imag, vectors.real)
        order = np.argsort(found.real, axis=-1)[:, None]
        vectors = np.take_along_axis(vectors, order, axis=-1)
        strengths = np.linalg.solve(vectors, vector.T[..., None])[..., 0]
        return np.moveaxis(vectors * strengths[:, None], 0, -1)
    middle, gap = _middle_and_gap(matrix)
    low = middle - gap
    (a, b), (c, d) = matrix
    second = np.stack(
        [(a - low) * vector[0] + b * vector[1], c * vector[0] + (d - low) * vector[1]]
    )
    second = second * (0.5 / gap)
    return np.stack([vector - second, second], axis=1)
