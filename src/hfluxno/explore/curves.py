"""Curves through a few drawn points: a first state and a flux."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.laws.base import ConservationLaw, Matrix, State

Points = Sequence[tuple[float, float]]

# Closer points would make a nearly vertical curve, with waves too fast to be solved.
LEAST_DISTANCE = 0.02


def in_order(points: Points, what: str) -> Float[np.ndarray, "point 2"]:
    """The points from left to right. Raises `ValueError` if two of them are at nearly the same
    place, or one is not a number."""
    array = np.array(sorted(points), float).reshape(-1, 2)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"A point of the {what} is not a number; type one in its fields.")
    near = np.flatnonzero(np.diff(array[:, 0]) < LEAST_DISTANCE)
    if near.size:
        raise ValueError(
            f"Two points of the {what} are at nearly the same place, {array[near[0], 0]:.3g}; move "
            f"one of them to the side by {LEAST_DISTANCE:g} or more."
        )
    return array


def state_curve(
    points: Points, x: Float[np.ndarray, " cell"], periodic: bool
) -> Float[np.ndarray, " cell"]:
    """A first state on [0, 1] that overshoots none of its points (PCHIP): Fritsch and Butland, SIAM
    J. Sci. Stat. Comput. 5, 1984, 300-304."""
    from scipy.interpolate import PchipInterpolator

    known = in_order(points, "first state")
    if periodic:
        if known[0, 0] + 1.0 - known[-1, 0] < LEAST_DISTANCE:  # 0 and 1 are one place
            known = known[:-1]
        turn = np.array([1.0, 0.0])
        known = np.concatenate([known - turn, known, known + turn])
    inside = np.clip(x, known[0, 0], known[-1, 0])
    return PchipInterpolator(known[:, 0], known[:, 1])(inside)


class DrawnFlux(ConservationLaw):
    """f(u) as the cubic spline through points: of four or more that lie on a polynomial of degree
    three this is the polynomial. Beyond them f continues linearly.

    - `knots`: the states of the points, increasing.
    - `coefficients`: of (u - knot)³, …, 1 in each piece.
    """

    fields: tuple[str, ...] = eqx.field(static=True)
    knots: Float[Array | np.ndarray, " point"]
    coefficients: Float[Array | np.ndarray, "4 piece"]

    @classmethod
    def through(cls, points: Points) -> "DrawnFlux":
        """The flux through these points. Raises `ValueError` if two of them are at nearly the same
        state."""
        from scipy.interpolate import CubicSpline

        known = in_order(points, "flux")
        spline = CubicSpline(known[:, 0], known[:, 1])
        return cls(("u",), known[:, 0], np.asarray(spline.c))

    def flux(self, u: State) -> State:
        inside, v, (a, b, c, d) = self._piece(u)
        slope = (3.0 * a * v + 2.0 * b) * v + c
        return ((a * v + b) * v + c) * v + d + slope * (u - inside)

    def jacobian(self, u: State) -> Matrix:
        _, v, (a, b, c, _) = self._piece(u)
        return ((3.0 * a * v + 2.0 * b) * v + c)[None]

    def _piece(self, u):
        """The states clipped to the range of the points, their distances from the preceding point,
        and the coefficients there."""
        knots = jnp.asarray(self.knots).astype(u.dtype)
        inside = jnp.clip(u, knots[0], knots[-1])
        piece = sum((inside >= knot).astype(int) for knot in knots[1:-1])
        rows = [row.astype(u.dtype)[piece] for row in jnp.asarray(self.coefficients)]
        return inside, inside - knots[piece], rows

    def at(self, u: Float[np.ndarray, " place"]) -> Float[np.ndarray, " place"]:
        """f(u) in NumPy, for pictures."""
        from scipy.interpolate import PPoly

        knots = np.asarray(self.knots)
        spline = PPoly(np.asarray(self.coefficients), knots)
        inside = np.clip(u, knots[0], knots[-1])
        return spline(inside) + spline(inside, 1) * (u - inside)
