"""The rest of the file evaluates the law with NumPy alone.

States have the shape (field, *points); for one field the first axis may be missing. Within the
observed range

    f_i(u) = Σ_k FLUX[axis][i][k] Π_j w_j^EXPONENTS[k][j],   w_j = (u_j - SHIFT[j])/SCALE[j],

plus g √((w - a)² + WIDTH²) for each (a, g) of KINKS[axis], which only a law of one field has. A law
on a line has only the axis 0, one on a plane x (0) and y (1). Beyond the range f continues linearly
from the nearest observed state if CONTINUED, otherwise it is this sum there too. The diffusivity
keeps its value there, and so does the source of several fields; that of one field changes with the
distance d by b d + c d², BEYOND = (b, c) below and above, and that on a plane linearly. A flux is
known up to a constant: `flux` differs by one from a formula that leaves out a constant without
effect. For the flux the momentum of a FLOW = (density, momentum) over ground that may be dry counts
at most as FASTEST times its density.
"""

import numpy as np

# numbers: begin
FIELDS = ("u",)
UNITS = {"x": "", "time": "", "u": ""}
LOWER = (-1.0,)
UPPER = (1.0,)
CONTINUED = True
SHIFT = (0.0,)
SCALE = (1.0,)
EXPONENTS = ((2,),)
FLUX = (((0.5,),),)
KINKS: tuple[tuple[tuple[float, float], ...], ...] = ((),)
WIDTH = 1.0
DIFFUSIVITY: tuple[tuple[tuple[float, ...], ...], ...] = (((),),)
SOURCE: tuple[tuple[float, ...], ...] = ((),)
BEYOND = ((0.0, 0.0), (0.0, 0.0))
FLOW: tuple[int, ...] = ()
FASTEST = 0.0
ARISING: tuple[tuple[int, ...], ...] = ()
PLACE = (0.0, 1.0)
PERIODIC = True
SOURCE_BY_PLACE: tuple[tuple[float, ...], ...] = ((),)
CARRIER: int | None = None
FACTOR: tuple[float, ...] = ()
STRETCHES: tuple[tuple[float, ...], ...] = ()
OFFSET = (0.0,)
# numbers: end


def flux(u, axis=0):
    """f(u) along an axis, the amount of each field that passes a point per unit time."""
    u, bare = _states(u)
    u = _flowing(u)
    inside = _nearest(u)
    beyond = np.einsum("ij...,j...->i...", _gradient(inside, axis), u - inside)
    value = np.tensordot(FLUX[axis], _terms(inside, np.array(EXPONENTS)), axes=1)
    for _, rounded, weight in _kinks(inside, axis):
        value = value + weight * rounded
    value = value + beyond
    return value[0] if bare else value


def jacobian(u, axis=0):
    """∂f_i/∂u_j at index (i, j)."""
    u, bare = _states(u)
    found = _gradient(_nearest(_flowing(u)), axis)
    return found[0, 0] if bare else found


def speeds(u, axis=0):
    """The wave speeds, ascending: the eigenvalues of the Jacobian, shape (field, *points)."""
    u, bare = _states(u)
    found = _eigenvalues(_gradient(_nearest(_flowing(u)), axis))
    return found[0] if bare else found


def diffusivity(u, axis=0):
    """ν(u) of ∂t u + ∂x f(u) = ∂x(ν(u) ∂x u) along an axis; zero without diffusion."""
    u, bare = _states(u)
    found = np.maximum(_powers(DIFFUSIVITY[axis], _nearest(u)), 0.0)
    return found[0] if bare else found


def source(u, x=0.0):
    """s(u, x), the rate at which each field arises; zero without sources."""
    u, bare = _states(u)
    inside = _nearest(u)
    found = _arising(inside) if ARISING else _powers(SOURCE, inside)
    if not ARISING:
        away = u - inside
        (a, b), (c, d) = BEYOND
        found = found + away * np.where(away < 0.0, a + b * away, c + d * away)
    elif len(FLUX) > 1:
        found = found + _arising_beyond(inside, u - inside)
    count = len(SOURCE_BY_PLACE[0])
    if count:
        by_place = np.tensordot(SOURCE_BY_PLACE, _modes(x, count), axes=1)
        found = found + (by_place if CARRIER is None else by_place * u[CARRIER])
    return found[0] if bare else found


def factor(x):
    """k(x), if the flux is k(x) (f(u) + OFFSET); one if it does not depend on place."""
    x, length, count = np.asarray(x, float), PLACE[1] - PLACE[0], len(FACTOR)
    exponent = np.tensordot(FACTOR, _modes(x, count), axes=1) if count else np.zeros(x.shape)
    for begin, end, log_factor in STRETCHES:
        images = (x - length, x, x + length) if PERIODIC else (x,)
        inside = np.any([(begin <= y) & (y < end) for y in images], axis=0)
        exponent = exponent + log_factor * inside
    return np.exp(exponent)


def _states(u):
    u = np.asarray(u, float)
    bare = len(FIELDS) == 1 and (u.ndim == 0 or len(u) != 1)
    u = u[None] if bare else u
    if u.ndim == 0 or len(u) != len(FIELDS):
        raise ValueError(f"The first axis must hold the fields {', '.join(FIELDS)}.")
    return u, bare


def _along(numbers, u):
    return np.reshape(numbers, (-1,) + (1,) * (u.ndim - 1))


def _flowing(u):
    if FLOW:
        density, momentum = FLOW
        most = FASTEST * np.maximum(u[density], 0.0)
        u = u.copy()
        u[momentum] = np.clip(u[momentum], -most, most)
    return u


def _nearest(u):
    return np.clip(u, _along(LOWER, u), _along(UPPER, u)) if CONTINUED else u


def _terms(u, exponents):
    """Π_j w_j^e_kj at index (k, *points)."""
    w = (u - _along(SHIFT, u)) / _along(SCALE, u)
    found = np.ones((len(exponents), *u.shape[1:]))
    for k, powers in enumerate(exponents):
        for j, power in enumerate(powers):
            if power:
                found[k] = found[k] * w[j] ** float(power)
    return found


def _kinks(u, axis):
    """w - a, √((w - a)² + WIDTH²) and g of each kink."""
    w = (u - _along(SHIFT, u)) / _along(SCALE, u)
    return [(w - at, np.sqrt((w - at) ** 2 + WIDTH**2), weight) for at, weight in KINKS[axis]]


def _gradient(u, axis=0):
    exponents = np.array(EXPONENTS)
    columns = []
    for j in range(len(FIELDS)):
        lowered = exponents.copy()
        lowered[:, j] -= 1
        used = exponents[:, j] != 0
        weights = np.array(FLUX[axis])[:, used] * exponents[used, j] / SCALE[j]
        columns.append(np.tensordot(weights, _terms(u, lowered[used]), axes=1))
    found = np.stack(columns, axis=1)
    for beside, rounded, weight in _kinks(u, axis):
        found = found + weight / SCALE[0] * (beside / rounded)
    return found


def _eigenvalues(matrix):
    if len(matrix) == 1:
        return matrix[0]
    if len(matrix) > 2:
        found = np.linalg.eigvals(np.moveaxis(matrix, (0, 1), (-2, -1))).real
        return np.moveaxis(np.sort(found, axis=-1), -1, 0)
    middle, gap = _middle_and_gap(matrix)
    return np.stack([middle - gap, middle + gap])


def _middle_and_gap(matrix):
    """The mean and half the gap of two eigenvalues, at least a ten-thousandth of the matrix
    apart."""
    (a, b), (c, d) = matrix
    difference = 0.5 * (a - d)
    size = difference**2 + np.abs(b * c)
    floor = 1e-8 * size + np.finfo(float).tiny
    return 0.5 * (a + d), np.sqrt(np.maximum(difference**2 + b * c, floor))


def _powers(table, inside):
    found = np.zeros(inside.shape)
    for i, row in enumerate(table):
        v = (2.0 * inside[i] - LOWER[i] - UPPER[i]) / (UPPER[i] - LOWER[i])
        for coefficient in row[::-1]:
            found[i] = found[i] * v + coefficient
    return found


def _arising(inside):
    """Σ_k SOURCE[i][k] Π_j w_j^ARISING[k][j] with w the fields and then their absolute values."""
    w = np.concatenate([inside, np.abs(inside)])
    terms = [
        np.prod([w[j] ** float(e) for j, e in enumerate(powers) if e] or [np.ones(w[0].shape)], 0)
        for powers in ARISING
    ]
    return np.tensordot(SOURCE, np.array(terms), axes=1)


def _arising_beyond(inside, beyond):
    """The linear continuation of the sources of a law on a plane."""
    found = np.zeros(inside.shape)
    for k, powers in enumerate(ARISING):
        for j in range(len(inside)):
            if powers[j]:
                lowered = [e - (i == j) for i, e in enumerate(powers[: len(inside)])]
                slope = powers[j] * np.prod(
                    [w**e for w, e in zip(inside, lowered, strict=True)], axis=0
                )
                found += _along([row[k] for row in SOURCE], inside) * slope * beyond[j]
    return found


def _modes(x, count):
    xi = (np.asarray(x, float) - PLACE[0]) / (PLACE[1] - PLACE[0])
    if not PERIODIC:
        return np.stack([np.cos(np.pi * m * xi) for m in range(1, count + 1)])
    waves = [2.0 * np.pi * (k // 2 + 1) * xi for k in range(count)]
    return np.stack([np.sin(w) if k % 2 else np.cos(w) for k, w in enumerate(waves)])
