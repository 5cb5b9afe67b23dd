"""Waves of a linear system: the eigenvalues of a Roe matrix and the parts of a jump along them.

A v = Σ_p λ_p P_p v with the spectral projections P_p. For one field both are trivial, for two and
three they are Sylvester's formula, P_p = Π_{q≠p} (A - λ_q)/(λ_p - λ_q), with the roots of the
characteristic polynomial in closed form; more fields use LAPACK (on CPU).

A scheme that only needs a bound of the eigenvalues avoids all this. They are real, so all terms of
tr A^{2m} = Σ_p λ_p^{2m} are positive, and with d fields

    ρ ≤ (tr A^{2m})^{1/2m} ≤ d^{1/2m} ρ

whatever the eigenvectors. With 2m = 32 the bound is at most 4.5 % too large for four fields.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.base import Matrix, State, Waves

# Eigenvalues of a small matrix are kept apart by about this fraction of its size, so that the
# projections stay finite where the law is not strictly hyperbolic.
_RELATIVE_GAP = 1e-4
# 2m = 2⁵.
_SQUARINGS = 5


def speeds(matrix: Matrix) -> State:
    """The eigenvalues (real parts) in ascending order."""
    if matrix.shape[0] == 1:
        return matrix[0]
    if matrix.shape[0] == 2:
        mean, gap = _mean_and_half_gap(matrix)
        return jnp.stack([mean - gap, mean + gap])
    if matrix.shape[0] == 3:
        mean, roots, _ = _mean_and_roots(matrix)
        return jnp.stack([mean + root for root in roots])
    values = jnp.linalg.eigvals(jnp.moveaxis(matrix, (0, 1), (-2, -1))).real
    return jnp.moveaxis(jnp.sort(values, axis=-1), -1, 0)


def speed_range(matrix: Matrix) -> tuple[Float[Array, "*points"], Float[Array, "*points"]]:
    """Lower and upper bounds of the eigenvalues: for up to two fields the extreme eigenvalues
    themselves, for more ±(tr A³²)^{1/32}."""
    if matrix.shape[0] <= 2:
        values = speeds(matrix)
        return values[0], values[-1]
    radius = _radius(matrix)
    return -radius, radius


def _radius(matrix):
    # Scaled at every squaring, because the 32nd power of a speed would overflow single precision.
    power, exponent, logarithm = matrix, 1.0, jnp.zeros_like(matrix[0, 0])
    for _ in range(_SQUARINGS):
        size = jnp.max(jnp.abs(power), axis=(0, 1))
        scale = jax.lax.stop_gradient(jnp.where(size > 0.0, size, 1.0))
        logarithm = logarithm + jnp.log(scale) / exponent
        power = power / scale[None, None]
        power = jnp.sum(power[:, :, None] * power[None], axis=1)
        exponent *= 2.0
    trace = sum(power[i, i] for i in range(matrix.shape[0]))
    positive = trace > 0.0
    root = jnp.exp(jnp.log(jnp.where(positive, trace, 1.0)) / exponent + logarithm)
    return jnp.where(positive, root, 0.0)


def waves(matrix: Matrix) -> Waves:
    """The eigenvalues and a function that splits a vector (field, *points) into its parts
    (wave, field, *points) along the eigenvectors; the parts sum to the vector."""
    if matrix.shape[0] == 1:
        return matrix[0], lambda vector: vector[None]
    if matrix.shape[0] == 2:
        mean, gap = _mean_and_half_gap(matrix)

        def split_two(vector):
            (a, b), (c, d) = matrix
            first, other = vector
            low, scale = mean - gap, 0.5 / gap
            second = jnp.stack(
                [scale * ((a - low) * first + b * other), scale * (c * first + (d - low) * other)]
            )
            return jnp.stack([vector - second, second])

        return jnp.stack([mean - gap, mean + gap]), split_two
    if matrix.shape[0] == 3:
        mean, roots, rest = _mean_and_roots(matrix)
        slow, middle, fast = roots

        def split_three(vector):
            once = _times(rest, vector)
            twice = _times(rest, once)

            def part(root, other, another):
                # The roots sum to zero.
                whole = twice + root[None] * once + (other * another)[None] * vector
                return whole / ((root - other) * (root - another))[None]

            first, last = part(slow, middle, fast), part(fast, slow, middle)
            return jnp.stack([first, vector - first - last, last])

        return jnp.stack([mean + root for root in roots]), split_three
    values, vectors = _eig(jnp.moveaxis(matrix, (0, 1), (-2, -1)))
    # Rounding may turn a double eigenvalue, as that of a fluid, into a complex pair. The real and
    # the imaginary part of its vectors span the plane of both.
    vectors = jnp.where(values.imag[..., None, :] < 0.0, vectors.imag, vectors.real)
    order = jnp.argsort(values.real, axis=-1)
    values = jnp.take_along_axis(values.real, order, axis=-1)
    vectors = jnp.take_along_axis(vectors, order[..., None, :], axis=-1)
    # Of equal eigenvalues any vectors serve, which a limiter would notice, so they have one part.
    size = jnp.max(jnp.abs(values), axis=-1, keepdims=True)
    is_new = jnp.diff(values, axis=-1) > _RELATIVE_GAP * size
    is_new = jnp.concatenate([jnp.ones_like(is_new[..., :1]), is_new], axis=-1)
    group = jnp.cumsum(is_new, axis=-1)
    members = (is_new[..., None] & (group[..., None] == group[..., None, :])).astype(matrix.dtype)

    def split(vector):
        strengths = jnp.linalg.solve(vectors, jnp.moveaxis(vector, 0, -1)[..., None])
        parts = members @ jnp.swapaxes(vectors * jnp.swapaxes(strengths, -1, -2), -1, -2)
        return jnp.moveaxis(parts, (-2, -1), (0, 1))

    return jnp.moveaxis(values, -1, 0), split


@jax.custom_jvp
def _eig(matrices):
    return jnp.linalg.eig(matrices)


@_eig.defjvp
def _eig_jvp(primals, tangents):
    fields = primals[0].shape[-1]
    raise NotImplementedError(
        f"The eigenvectors of {fields} fields have no derivatives; use Rusanov or MUSCL, or give "
        "the law its waves in closed form (waves)."
    )


def _mean_and_half_gap(matrix):
    (a, b), (c, d) = matrix
    difference = 0.5 * (a - d)
    radicand = difference * difference + b * c
    size = difference * difference + jnp.abs(b * c)
    floor = _RELATIVE_GAP**2 * size + jnp.finfo(matrix.dtype).tiny
    return 0.5 * (a + d), jnp.sqrt(jnp.maximum(radicand, floor))


def _mean_and_roots(matrix):
    """The mean m of the eigenvalues of A, λ - m in ascending order, and A - m, for three fields.

    With B = A - m, s² = tr B²/6 and r = det B/2s³ they are m + 2 s cos((arccos r + 2πk)/3) (Smith,
    Commun. ACM 4, 1961, 168). For a complex pair the two results are nearly equal.
    """
    mean = (matrix[0, 0] + matrix[1, 1] + matrix[2, 2]) / 3.0
    identity = jnp.eye(3, dtype=matrix.dtype).reshape(3, 3, *(1,) * mean.ndim)
    rest = matrix - mean[None, None] * identity
    # Unlike the largest element, products of opposite ones do not depend on the units of fields.
    products = rest * jnp.swapaxes(rest, 0, 1)
    square, size = jnp.sum(products, axis=(0, 1)) / 6.0, jnp.sum(jnp.abs(products), axis=(0, 1))
    info = jnp.finfo(matrix.dtype)
    scale = jnp.sqrt(jnp.maximum(square, _RELATIVE_GAP**2 * size / 6.0 + info.tiny))
    (a, b, c), (d, e, f), (g, h, i) = rest / scale[None, None]
    half = 0.5 * (a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
    most = 1.0 - max(0.5 * _RELATIVE_GAP**2, 4.0 * float(info.eps))
    angle = jnp.arccos(jnp.clip(half, -most, most)) / 3.0
    fast = 2.0 * scale * jnp.cos(angle)
    slow = 2.0 * scale * jnp.cos(angle + 2.0 * jnp.pi / 3.0)
    return mean, (slow, -slow - fast, fast), rest


def _times(matrix, vector):
    return jnp.sum(matrix * vector[None], axis=1)
