"""Approximate Riemann solvers: the flux between two states.

They need bounds of the wave speeds but no eigenvectors, so they serve any number of fields.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.fv import eigen
from hfluxno.laws.base import GAUSS_NODES, ConservationLaw, State, on_the_way


def spectral_radius(law: ConservationLaw, u: State) -> Float[Array, "*points"]:
    """max_p |λ_p(u)|, or an upper bound of it."""
    lowest, highest = _speed_range(law, u)
    return _larger(jnp.abs(lowest), jnp.abs(highest))


def speed_bound(law: ConservationLaw, left: State, right: State) -> Float[Array, "*points"]:
    """max ρ of a Riemann problem.

    For systems it is the larger of ρ(l) and ρ(r). A scalar flux that is not convex can be faster
    between the two states than at them, so it is also evaluated at three points in between;
    otherwise the numerical flux would not be monotone.
    """
    radii = _through(lambda u: spectral_radius(law, u), left, right)
    return functools.reduce(_larger, radii)


def rusanov(law: ConservationLaw, left: State, right: State) -> State:
    """F = ½ (f(l) + f(r)) - ½ max ρ (r - l), the local Lax-Friedrichs flux.

    ρ is the spectral radius of the Jacobian (Rusanov, USSR Comput. Math. Math. Phys. 1, 1961,
    267-279).
    """
    bound, (f_left, f_right) = speed_bound(law, left, right), _fluxes(law, left, right)
    return 0.5 * (f_left + f_right) - 0.5 * bound[None] * (right - left)


def hll(law: ConservationLaw, left: State, right: State) -> State:
    """F = (S⁺ f(l) - S⁻ f(r) + S⁺ S⁻ (r - l))/(S⁺ - S⁻), one state between the outermost waves.

    S⁻ ≤ 0 ≤ S⁺ are the extreme speeds at the two states and zero (Harten, Lax and van Leer, SIAM
    Rev. 25, 1983, 35-61; the speeds: Davis, SIAM J. Sci. Stat. Comput. 9, 1988, 445-473). For a
    scalar law, speeds in between count too, as in [`speed_bound`][hfluxno.fv.riemann.speed_bound].
    """
    slowest, fastest = outermost(law, left, right)
    low, high = jnp.minimum(slowest, 0.0)[None], jnp.maximum(fastest, 0.0)[None]
    moving = high > low
    width = jnp.where(moving, high - low, 1.0)
    f_left, f_right = _fluxes(law, left, right)
    mixed = (high * f_left - low * f_right + high * low * (right - left)) / width
    # Without waves both fluxes are equal up to rounding.
    return jnp.where(moving, mixed, 0.5 * (f_left + f_right))


def hllc(law: ConservationLaw, left: State, right: State) -> State:
    """F = f(u_K) + S_K (u*_K - u_K), where K is the side of the contact on which the interface
    lies, and f(u_K) if all waves move to one side.

    The law provides the contact (Toro, Spruce and Speares, Shock Waves 4, 1994, 25-34).
    """
    slowest, fastest = outermost(law, left, right)
    # Computed once; the compiler would do it for each of its uses.
    found = jax.lax.optimization_barrier(law.contact(left, right, slowest, fastest))
    contact, star_left, star_right = found
    from_left = (contact >= 0.0)[None]
    state = jnp.where(from_left, left, right)
    star = jnp.where(from_left, star_left, star_right)
    outer = jnp.where(contact >= 0.0, jnp.minimum(slowest, 0.0), jnp.maximum(fastest, 0.0))
    return law.flux(state) + outer[None] * (star - state)


def outermost(
    law: ConservationLaw, left: State, right: State
) -> tuple[Float[Array, "*points"], Float[Array, "*points"]]:
    """The speeds of the slowest and the fastest wave of a Riemann problem."""
    lowest = _through(lambda u: _speed_range(law, u)[0], left, right)
    highest = _through(lambda u: _speed_range(law, u)[1], left, right)
    return functools.reduce(jnp.minimum, lowest), functools.reduce(jnp.maximum, highest)


def _through(function, left, right):
    """A pointwise function at both states, of a scalar also at three points in between."""
    if left.shape[0] > 1:
        return function(left), function(right)
    return tuple(function(on_the_way(left, right, (0.0, *GAUSS_NODES, 1.0))))


@jax.custom_jvp
def _larger(a, b):
    """The maximum, with the derivative of b only where it is larger: JAX's own takes the mean of
    equal ones, by three times as many operations."""
    return jnp.maximum(a, b)


@_larger.defjvp
def _larger_jvp(primals, tangents):
    (a, b), (da, db) = primals, tangents
    return _larger(a, b), jnp.where(b > a, db, da)


def _fluxes(law: ConservationLaw, left, right):
    """f(l) and f(r); of a scalar, whose flux may have many terms, in one evaluation."""
    if left.shape[0] > 1:
        return law.flux(left), law.flux(right)
    both = law.flux(jnp.stack([left, right], axis=1))
    return both[:, 0], both[:, 1]


def _speed_range(law: ConservationLaw, u):
    declared = law.speed_range(u)
    return eigen.speed_range(law.jacobian(u)) if declared is None else declared


RiemannSolver = Callable[[ConservationLaw, State, State], State]
RIEMANN_SOLVERS: dict[str, RiemannSolver] = {"rusanov": rusanov, "hll": hll, "hllc": hllc}


def riemann_solver(name: str) -> RiemannSolver:
    """The Riemann solver of that name. Raises `ValueError` if the name is unknown."""
    if name not in RIEMANN_SOLVERS:
        known = ", ".join(RIEMANN_SOLVERS)
        raise ValueError(f"Unknown Riemann solver {name!r}; choose one of {known}.")
    return RIEMANN_SOLVERS[name]
