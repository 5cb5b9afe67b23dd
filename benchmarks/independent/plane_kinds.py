"""The kinds of data of the trust table on a plane: conservation laws and other systems."""

import dataclasses
from collections.abc import Callable

import numpy as np

from benchmarks.independent import plane
from benchmarks.independent.plane import Problem, patches, polynomials, scalar, smooth


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of data: a problem for each generator of random numbers."""

    name: str
    is_law: bool
    problem: Callable[[np.random.Generator], Problem]


def _kpp(random):
    return scalar(smooth(random, 0.0, 9.0), (np.sin, np.cos), (np.cos, np.sin), 0.03)


def _advection(random):
    speeds = random.uniform(-1.0, 1.0, 2)
    fluxes = [lambda u, a=a: a * u for a in speeds]
    slopes = [lambda u, a=a: a + 0.0 * u for a in speeds]
    return scalar(patches(random, -1.0, 1.0), fluxes, slopes, 0.04)


def _velocity(random, make, size):
    return np.stack([make(random, -size, size) for _ in range(2)])


def _dams(random, **more):
    x = plane.centres()
    h = np.ones((plane.FINE, plane.FINE))
    for _ in range(2):
        at, to = random.uniform(0.25, 0.75, 2)
        inside = np.hypot(x[:, None] - at, x - to) < random.uniform(0.12, 0.25)
        h = h + random.uniform(0.3, 1.0) * inside
    still = np.ones_like(h)
    return plane.water(random, h, random.uniform(-0.5, 0.5, 2)[:, None, None] * still, **more)


def _waves(random, **more):
    return plane.water(random, smooth(random, 0.7, 1.4), _velocity(random, smooth, 0.6), **more)


def _quadrants(random, **more):
    velocity = _velocity(random, patches, 0.8)
    return plane.gas(random, patches(random, 0.3, 1.8), velocity, patches(random, 0.3, 1.8), **more)


def _gas(random, **more):
    velocity = _velocity(random, smooth, 0.6)
    return plane.gas(random, smooth(random, 0.5, 1.5), velocity, smooth(random, 0.5, 1.5), **more)


def _rotation(random):
    """u_t + ∇·(v u) = 0 with v = ω × (x - ½), as -v·∇u of a bump away from the sides."""
    problem = scalar(
        np.exp(-60.0 * _square(*random.uniform(0.35, 0.65, 2))),
        [lambda u: 0.0 * u] * 2,
        [lambda u: 0.0 * u + 1.0] * 2,
        0.05,
    )

    def flux(u, axis):
        x = plane.centres()
        shape = u.shape[2]  # along the other axis, which is not padded
        assert shape == len(x)
        return (-1.0 if axis == 0 else 1.0) * (x - 0.5) * u

    return dataclasses.replace(problem, flux=flux)


def _square(at, to):
    x = plane.centres()
    return (x[:, None] - at) ** 2 + 2.0 * (x - to) ** 2


def _friction(random):
    rate = random.uniform(1.0, 3.0)
    return _waves(
        random, source=lambda u, x, y, t: np.stack([0 * u[0], -rate * u[1], -rate * u[2]])
    )


def _bottom(random):
    problem = _waves(random)
    slope = 3.0 * random.uniform(0.5, 1.0)

    def source(u, x, y, t):
        push = slope * u[0] * np.cos(2.0 * np.pi * x)
        return np.stack([0.0 * u[0], push, 0.0 * u[0]])

    return dataclasses.replace(problem, source=source)


def _decay(random):
    rate = random.uniform(0.3, 1.0)
    return polynomials(random, 3, smooth(random, -1.0, 1.5), source=lambda u, x, y, t: -rate * u)


def _gravity(random):
    g = random.uniform(1.0, 2.0)

    def source(u, x, y, t):
        return np.stack([0.0 * u[0], 0.0 * u[0], -g * u[0], -g * u[2]])

    return _gas(random, source=source)


def _diffusion(random):
    return polynomials(random, 3, patches(random, -1.0, 1.5), diffusivity=0.004)


def _place(random):
    """A flux that depends on place."""
    problem = polynomials(random, 3, smooth(random, -1.0, 1.5))
    plain, x = problem.flux, plane.centres()

    def flux(u, axis):
        return plain(u, axis) * (1.0 + 0.6 * np.sin(2.0 * np.pi * x))

    return dataclasses.replace(problem, flux=flux, speed=lambda u, axis: 1.6 + 0.0 * u)


def _hidden(random):
    """The depth of water alone."""
    return _waves(random)


def _block(make):
    """The same around a block of a quarter of each side, or less."""

    def problem(random):
        start, length = random.integers(6, 14, 2), random.integers(4, 9, 2)
        solid = np.zeros((plane.CELLS, plane.CELLS), bool)
        solid[tuple(slice(a, a + n) for a, n in zip(start, length, strict=True))] = True
        fine = np.kron(solid, np.ones((plane.PART, plane.PART))) > 0.0
        return dataclasses.replace(make(random), solid=fine)

    return problem


def _sharp(make):
    """The same by a scheme of high order."""
    return lambda random: dataclasses.replace(make(random), sharp=True)


KINDS = [
    Kind("cubic, smooth", True, lambda r: polynomials(r, 3, smooth(r, -1.0, 1.5))),
    Kind("cubic, patches", True, lambda r: polynomials(r, 3, patches(r, -1.0, 1.5))),
    Kind("quintic, smooth", True, lambda r: polynomials(r, 5, smooth(r, -1.0, 1.0))),
    Kind("KPP, smooth", True, _kpp),
    Kind("advection, patches", True, _advection),
    Kind("water, waves", True, _waves),
    Kind("water, dams", True, _dams),
    Kind("gas, smooth", True, _gas),
    Kind("gas, quadrants", True, _quadrants),
    Kind("rotation", True, _rotation),
    Kind("cubic with decay", True, _decay),
    Kind("cubic with diffusion", True, _diffusion),
    Kind("cubic, depends on place", False, _place),
    Kind("water with friction", True, _friction),
    Kind("water over a bottom", False, _bottom),
    Kind("gas with gravity", True, _gravity),
    Kind("depth of water alone", False, _hidden),
    Kind("water around a block", True, _block(_waves)),
    Kind("gas around a block", True, _block(_gas)),
    Kind("water, waves, by WENO", True, _sharp(_waves)),
    Kind("gas, smooth, by WENO", True, _sharp(_gas)),
]


def truth(kind: Kind, seed: int, member: int, frames: int) -> tuple[Problem, np.ndarray]:
    """A problem and its frames."""
    # Python's hash of a name would differ from run to run.
    problem = kind.problem(np.random.default_rng([seed, member, *kind.name.encode()]))
    values = plane.solved(problem, frames)
    if kind.name == "depth of water alone":
        problem, values = dataclasses.replace(problem, fields=("h",)), values[:, :1]
    return problem, values
