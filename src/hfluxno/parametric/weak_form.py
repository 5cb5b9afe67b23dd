"""The weak form of a conservation law, linear in its unknown coefficients, to start a fit.

Multiplied by a smooth test function ψ(x, t) of compact support and integrated by parts,

    ∫∫ u ψ_t + f(u) ψ_x + N(u) ψ_xx dx dt = 0,   N′ = ν,

so no data are differentiated and shocks are allowed. With f = Σ c_k φ_k and N = Σ d_k Φ_k this is
one linear equation per test function (weak-form identification: Messenger and Bortz, Multiscale
Model. Simul. 19, 2021, 1474-1497).
"""

import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.parametric.basis import Basis, Dictionary, chebyshev

# Widths of the supports, in frames and in cells, and the power p of the bump (1 - ξ²)^p.
_POWER = 4
_FRAME_WIDTHS = (5, 9)
_CELL_WIDTHS = (7, 13, 31)


@functools.lru_cache(maxsize=256)
def bump(points: int, derivative: int, power: int = _POWER) -> np.ndarray:
    """(1 - ξ²)^p or one of its first p - 1 derivatives at `points` inner points of [-1, 1]."""
    polynomial = np.polynomial.Polynomial([1.0, 0.0, -1.0]) ** power
    for _ in range(derivative):
        polynomial = polynomial.deriv()
    xi = np.linspace(-1.0, 1.0, points + 2)[1:-1]
    values = polynomial(xi) * (2.0 / (points + 1)) ** derivative
    values.flags.writeable = False  # all callers share it
    return values


def bump_families(frames: int, cells: int, periodic: bool) -> list[tuple[np.ndarray, ...]]:
    """For each width: matrices of ψ and ψ_t over frames, and of ψ, ψ_x and ψ_xx over cells, with
    one row per position; derivatives are per frame and per cell."""
    return [
        (*(rows(frames, len(psi), k, False, 1) for k in (0, 1)), *in_space)
        for psi, _, *in_space in _bumps(frames, cells, periodic)
    ]


def _bumps(frames: int, cells: int, periodic: bool) -> Iterator[tuple[np.ndarray, ...]]:
    """The same with ψ and ψ_t of one position in place of the matrices over frames, which for
    thousands of frames would be a program's largest constants."""
    for frame_width in sorted({min(w, frames) for w in _FRAME_WIDTHS}):
        for cell_width in sorted({min(w, cells) for w in _CELL_WIDTHS}):
            in_time = [bump(frame_width, k) for k in (0, 1)]
            stride = max(1, cell_width // 4)
            in_space = [rows(cells, cell_width, k, periodic, stride) for k in (0, 1, 2)]
            yield (*in_time, *in_space)


def rows(
    length: int, width: int, derivative: int, periodic: bool, stride: int, power: int = _POWER
) -> np.ndarray:
    """The bump or its derivative at every position, a row each, over `length` points."""
    values = bump(width, derivative, power)
    starts = np.arange(0, length if periodic else length - width + 1, stride)
    found = np.zeros((len(starts), length))
    np.put_along_axis(found, (starts[:, None] + np.arange(width)) % length, values[None], axis=1)
    return found


def weak_system(
    values: Float[Array, "time field space"],
    functions: Float[Array, "function time space"],
    antiderivatives: Float[Array, "field term time space"],
    frame_weights: Float[Array, " time"],
    periodic: bool,
) -> tuple[
    Float[Array, "equation function"],
    Float[Array, "field equation term"],
    Float[Array, "field equation"],
]:
    """The columns of the flux functions, those of the diffusion terms, and the right-hand sides.

    Times are in frames and lengths in cells: flux coefficients have the unit field·cell/frame,
    those of the diffusion cell²/frame. A test function that touches a frame of weight zero is
    dropped.
    """
    flux_columns, diffusion_columns, rhs = [], [], []
    dtype = values.dtype
    for family in _bumps(values.shape[0], values.shape[2], periodic):
        (t0, t1, x0, x1, x2), norm = _weighted(family, frame_weights, dtype)
        first = jnp.moveaxis(_tested(norm, t0, x1, functions), 0, -1)
        flux_columns.append(first.reshape(-1, functions.shape[0]))
        second = jnp.moveaxis(_tested(norm, t0, x2, antiderivatives), 1, -1)
        rows = second.shape[1] * second.shape[2]
        diffusion_columns.append(second.reshape(values.shape[1], rows, antiderivatives.shape[1]))
        rhs.append(-_tested(norm, t1, x0, values.swapaxes(0, 1)).reshape(values.shape[1], -1))
    return (
        jnp.concatenate(flux_columns),
        jnp.concatenate(diffusion_columns, axis=1),
        jnp.concatenate(rhs, axis=1),
    )


def _tested(
    norm: Float[Array, " when"],
    in_time: Float[Array, " width"],
    in_space: Float[Array, "position space"],
    values: Float[Array, "*of time space"],
) -> Float[Array, "*of when position"]:
    """The integrals of values times the test functions at all positions, times the norms."""
    found = _over_time(in_time, jnp.einsum("bx,...tx->...tb", in_space, values))
    return jnp.einsum("a,...ab->...ab", norm, found)


def _over_time(
    in_time: Float[Array, " width"], values: Float[Array, "*of time position"]
) -> Float[Array, "*of when position"]:
    count = values.shape[-2] - len(in_time) + 1
    parts = [part * values[..., k : k + count, :] for k, part in enumerate(in_time)]
    return jnp.sum(jnp.stack(parts), axis=0)


def _weighted(family, frame_weights, dtype):
    """The arrays of one width, and the weight of each position in time."""
    t0, _, x0, x1, _ = arrays = [jnp.asarray(array, dtype) for array in family]
    unseen = _over_time(jnp.abs(t0), (1.0 - frame_weights)[:, None])[:, 0]
    valid = (unseen == 0.0).astype(dtype)
    frames, positions = len(frame_weights), len(unseen)
    size = frames / (positions * jnp.sum(t0 * t0)) * x0.shape[1] / jnp.sum(x1 * x1)
    return arrays, jnp.sqrt(size) * valid


def antiderivatives(
    v: Float[Array, "*points"], half: Float[Array, "*points"], terms: int
) -> list[Float[Array, "*points"]]:
    """∫ T_k(v) du for k < terms, with u = middle + half v."""
    t = chebyshev(v, terms + 1)
    integrals = [v, 0.25 * t[2] if terms > 1 else v]
    integrals += [0.5 * (t[k + 1] / (k + 1) - t[k - 1] / (k - 1)) for k in range(2, terms)]
    return [half * integral for integral in integrals[:terms]]


def weak_equations(
    basis: Basis,
    mask: Float[Array, " parameter"],
    lower: Float[Array | np.ndarray, " field"],
    upper: Float[Array | np.ndarray, " field"],
    terms: int,
    values: Float[Array, "time field space"],
    frame_weights: Float[Array, " time"],
    periodic: bool,
) -> tuple[Float[Array, "field equation unknown"], Float[Array, "field equation"]]:
    """For each field the linear system of its flux coefficients and then its diffusion terms;
    columns of terms that are not free are zero."""
    fields = values.shape[1]
    states = values
    if isinstance(basis, Dictionary) and basis.flow:  # it divides by a density that may be zero
        low, high = (jnp.asarray(end)[:, None] for end in (lower, upper))
        states = jax.vmap(lambda u: jnp.clip(basis.flowing(u), low, high))(values)
    functions = jax.vmap(basis, out_axes=1)(states)
    half = 0.5 * (upper - lower)
    v = (values - (0.5 * (lower + upper))[None, :, None]) / half[None, :, None]
    columns = (
        [
            jnp.stack(antiderivatives(v[:, i], jnp.broadcast_to(half[i], v[:, i].shape), terms))
            for i in range(fields)
        ]
        if terms
        else [jnp.zeros((0, *v[:, 0].shape), v.dtype)] * fields
    )
    a, b, rhs = weak_system(values, functions, jnp.stack(columns), frame_weights, periodic)
    count = functions.shape[0]
    flux_mask = mask[: fields * count].reshape(fields, count)
    diffusion_mask = mask[fields * count :].reshape(fields, terms)
    matrices = jnp.concatenate([a[None] * flux_mask[:, None], b * diffusion_mask[:, None]], axis=2)
    return matrices, rhs


def source_columns(
    functions: Float[Array, "function time space"],
    frame_weights: Float[Array, " time"],
    periodic: bool,
) -> Float[Array, "equation function"]:
    """The columns of ∫∫ s(u) ψ dx dt for the functions of a source, in the rows of `weak_system`;
    the coefficients have the unit field/frame."""
    columns = []
    for family in _bumps(functions.shape[1], functions.shape[2], periodic):
        (t0, _, x0, _, _), norm = _weighted(family, frame_weights, functions.dtype)
        part = jnp.moveaxis(_tested(norm, t0, x0, functions), 0, -1)
        columns.append(part.reshape(-1, functions.shape[0]))
    return jnp.concatenate(columns)


def weak_start(
    matrices: Float[Array, "field equation unknown"],
    rhs: Float[Array, "field equation"],
    terms: int,
) -> tuple[Float[Array, "field function"], Float[Array, "field term"]]:
    """The least-squares solution of the weak equations.

    A negative diffusivity starts at zero.
    """
    solution = jnp.stack([least_squares(*system) for system in zip(matrices, rhs, strict=True)])
    count = matrices.shape[2] - terms
    flux, nu = solution[:, :count], solution[:, count:]
    if terms:
        nu = jnp.where(nu[:, :1] > 0.0, nu, 0.0)
    return flux, nu


def least_squares(
    matrix: Float[Array, "equation unknown"], rhs: Float[Array, " equation"]
) -> Float[Array, " unknown"]:
    """Least squares with columns of unit length; columns of zeros get the coefficient zero.

    The columns of a dictionary are nearly dependent, and in single precision the normal equations
    would lose all digits. So the matrix itself, with the rows of the ridge below it, is
    orthogonalised by the modified Gram–Schmidt process, which is as stable for least squares as
    Householder reflections (Björck, BIT 7, 1967, 1-21).
    """
    count = matrix.shape[1]
    norm = jnp.sqrt(jnp.sum(matrix * matrix, axis=0))
    norm = jnp.where(norm == 0.0, 1.0, norm)
    ridge = 1e-5 * jnp.eye(count, dtype=matrix.dtype)
    below = jnp.concatenate([ridge, jnp.zeros((count, 1), matrix.dtype)], axis=1)
    system = jnp.concatenate([jnp.concatenate([matrix / norm[None], rhs[:, None]], 1), below])

    def orthogonal_to(system, k):
        column = system[:, k]
        unit = column / jnp.sqrt(jnp.sum(column * column))
        row = unit @ system
        return system - jnp.outer(unit, row), row

    order = jnp.arange(count, dtype=jnp.int32)
    rows = jax.lax.scan(orthogonal_to, system, order)[1]
    triangle = jnp.triu(rows[:, :count])

    def substitute(solution, k):
        remainder = rows[k, count] - triangle[k] @ solution
        return solution.at[k].set(remainder / triangle[k, k]), None

    nothing = jnp.zeros_like(norm)
    return jax.lax.scan(substitute, nothing, order, reverse=True)[0] / norm
