"""Exact entropy solutions of Riemann problems, u(x, t) = U(ξ), ξ = (x - x₀)/t.

Where U is smooth, d(ξU - f(U))/dξ = U, and the Rankine-Hugoniot condition makes ξU - f(U)
continuous across shocks. So P(ξ) = ξU(ξ) - f(U(ξ)) is a primitive of U, and the average of u over
the cell [x_l, x_r] is t (P(ξ_r) - P(ξ_l))/(x_r - x_l), without quadrature.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


def _edge_coordinates(edges: np.ndarray, time: float, jump: float) -> np.ndarray:
    return (np.asarray(edges, float) - jump) / time


@dataclass(frozen=True)
class ScalarRiemann:
    """A scalar law with any flux, convex or not.

    Oleinik's entropy solution follows the lower convex envelope of f between the states where
    left < right and the upper concave envelope where left > right. Its primitive is the Legendre
    transform of the envelope, which is that of f itself:

        -P(ξ) = min over [left, right] of f(u) - ξu,   or max over [right, left]

    (Osher, SIAM J. Numer. Anal. 21, 1984, 217-235). The extremum is taken over `samples` states
    and then over the parabola through the three best, which leaves an error of the third power of
    their distance.
    """

    flux: Callable[[np.ndarray], np.ndarray]
    left: float
    right: float
    jump: float = 0.0
    samples: int = 2001

    def primitive(self, xi: np.ndarray) -> np.ndarray:
        sign = 1.0 if self.left <= self.right else -1.0
        low, high = sorted((self.left, self.right))
        u = np.linspace(low, high, self.samples)
        values = sign * (self.flux(u) - np.asarray(xi)[:, None] * u)
        best = np.clip(np.argmin(values, axis=1), 1, self.samples - 2)
        before, here, after = (
            np.take_along_axis(values, (best + shift)[:, None], axis=1)[:, 0]
            for shift in (-1, 0, 1)
        )
        slope, bend = 0.5 * (after - before), after - 2.0 * here + before
        shift = np.where(bend > 0.0, np.clip(-slope / np.where(bend > 0.0, bend, 1.0), -1, 1), 0.0)
        parabola = here + shift * slope + 0.5 * shift**2 * bend
        return -sign * np.minimum(parabola, values.min(axis=1))

    def averages(self, edges: np.ndarray, time: float) -> np.ndarray:
        """Cell averages at `time` > 0, shape (1, cells)."""
        xi = _edge_coordinates(edges, time, self.jump)
        return (time * np.diff(self.primitive(xi)) / np.diff(edges))[None]


@dataclass(frozen=True)
class ShallowWaterRiemann:
    """Two states (h, m) of the shallow-water equations (α = γ = 1, β = g) without a dry bed.

    The velocity behind a wave of the family ∓ into a state (h_k, v_k) is v_k ∓ φ(h; h_k) with
    φ = 2(√(gh) - √(gh_k)) in a rarefaction (h ≤ h_k) and (h - h_k) √(g (h + h_k)/(2 h h_k)) in a
    shock (Toro, Shock-Capturing Methods for Free-Surface Shallow Flows, 2001, chapter 5).
    """

    left: tuple[float, float]
    right: tuple[float, float]
    gravity: float = 9.81
    jump: float = 0.0

    def _wave(self, h, outer):
        g = self.gravity
        if h <= outer:
            return 2.0 * (np.sqrt(g * h) - np.sqrt(g * outer))
        return (h - outer) * np.sqrt(0.5 * g * (h + outer) / (h * outer))

    def middle(self) -> tuple[float, float]:
        """Height and velocity between the two waves."""
        (h_l, m_l), (h_r, m_r) = self.left, self.right
        v_l, v_r = m_l / h_l, m_r / h_r
        low, high = 1e-12, 1e3
        for _ in range(200):
            h = 0.5 * (low + high)
            excess = self._wave(h, h_l) + self._wave(h, h_r) + v_r - v_l
            low, high = (low, h) if excess > 0.0 else (h, high)
        return h, 0.5 * (v_l + v_r + self._wave(h, h_r) - self._wave(h, h_l))

    def states(self, xi: np.ndarray) -> np.ndarray:
        """U(ξ), shape (2, points)."""
        g = self.gravity
        middle_h, middle_v = self.middle()
        xi = np.asarray(xi, float)
        h, v = np.full(xi.shape, middle_h), np.full(xi.shape, middle_v)
        for sign, (outer, momentum) in ((-1.0, self.left), (1.0, self.right)):
            # Seen in a mirror where sign = -1: the wave goes to the right into the outer state.
            speed = sign * momentum / outer
            s = sign * xi
            if middle_h > outer:
                shock = speed + np.sqrt(0.5 * g * middle_h * (middle_h + outer) / outer)
                inside, fan = s > shock, np.zeros(xi.shape, bool)
            else:
                head, c = speed + np.sqrt(g * outer), np.sqrt(g * outer)
                tail = sign * middle_v + np.sqrt(g * middle_h)
                inside, fan = s > head, (s > tail) & (s <= head)
                celerity = (s - speed + 2.0 * c) / 3.0
                h = np.where(fan, celerity**2 / g, h)
                v = np.where(fan, sign * (s - celerity), v)
            h, v = np.where(inside, outer, h), np.where(inside, sign * speed, v)
        return np.stack([h, h * v])

    def averages(self, edges: np.ndarray, time: float) -> np.ndarray:
        """Cell averages at `time` > 0, shape (2, cells)."""
        xi = _edge_coordinates(edges, time, self.jump)
        h, m = self.states(xi)
        flux = np.stack([m, m * m / h + 0.5 * self.gravity * h * h])
        primitive = xi * np.stack([h, m]) - flux
        return time * np.diff(primitive, axis=1) / np.diff(edges)


@dataclass(frozen=True)
class EulerRiemann:
    """Two states (ρ, v, p) of an ideal gas without a vacuum between them.

    The velocity behind a wave of the family ∓ into a state (ρ_k, v_k, p_k) is v_k ∓ φ(p; k) with
    φ = 2 c_k/(γ - 1) ((p/p_k)^{(γ-1)/2γ} - 1) in a rarefaction (p ≤ p_k) and
    (p - p_k) √(A/(p + B)), A = 2/((γ + 1) ρ_k), B = (γ - 1)/(γ + 1) p_k, in a shock (Toro, Riemann
    Solvers and Numerical Methods for Fluid Dynamics, 2009, chapter 4).
    """

    left: tuple[float, float, float]
    right: tuple[float, float, float]
    gamma: float = 1.4
    jump: float = 0.0

    def _wave(self, p, outer):
        rho, _, p_k = outer
        g = self.gamma
        if p <= p_k:
            c = np.sqrt(g * p_k / rho)
            return 2.0 * c / (g - 1.0) * ((p / p_k) ** ((g - 1.0) / (2.0 * g)) - 1.0)
        a, b = 2.0 / ((g + 1.0) * rho), (g - 1.0) / (g + 1.0) * p_k
        return (p - p_k) * np.sqrt(a / (p + b))

    def middle(self) -> tuple[float, float]:
        """Pressure and velocity between the outer waves."""
        v_l, v_r = self.left[1], self.right[1]
        low, high = 1e-12, 1e3
        for _ in range(200):
            p = 0.5 * (low + high)
            excess = self._wave(p, self.left) + self._wave(p, self.right) + v_r - v_l
            low, high = (low, p) if excess > 0.0 else (p, high)
        return p, 0.5 * (v_l + v_r + self._wave(p, self.right) - self._wave(p, self.left))

    def states(self, xi: np.ndarray) -> np.ndarray:
        """U(ξ) = (ρ, m, E), shape (3, points)."""
        g = self.gamma
        middle_p, middle_v = self.middle()
        xi = np.asarray(xi, float)
        rho, v, p = (np.empty(xi.shape) for _ in range(3))
        for sign, (rho_k, v_k, p_k) in ((-1.0, self.left), (1.0, self.right)):
            # Seen in a mirror where sign = -1: the wave goes to the right into the outer state.
            speed, contact, s = sign * v_k, sign * middle_v, sign * xi
            c = np.sqrt(g * p_k / rho_k)
            ratio, share = middle_p / p_k, (g - 1.0) / (g + 1.0)
            if middle_p > p_k:
                shock = speed + c * np.sqrt((ratio + share) / (1.0 + share))
                density = rho_k * (ratio + share) / (share * ratio + 1.0)
                outside, fan = s > shock, np.zeros(xi.shape, bool)
            else:
                density = rho_k * ratio ** (1.0 / g)
                tail = contact + np.sqrt(g * middle_p / density)
                outside, fan = s > speed + c, (s > tail) & (s <= speed + c)
            here = s > contact
            rho, v, p = (
                np.where(here, inner, found)
                for inner, found in ((density, rho), (sign * contact, v), (middle_p, p))
            )
            celerity = 2.0 / (g + 1.0) * (c + 0.5 * (g - 1.0) * (s - speed))
            thinned = np.where(fan, celerity / c, 1.0)
            in_fan = (
                rho_k * thinned ** (2.0 / (g - 1.0)),
                sign * (s - celerity),
                p_k * thinned ** (2.0 * g / (g - 1.0)),
            )
            rho, v, p = (np.where(fan, i, f) for i, f in zip(in_fan, (rho, v, p), strict=True))
            rho, v, p = (
                np.where(outside, o, f) for o, f in zip((rho_k, v_k, p_k), (rho, v, p), strict=True)
            )
        return np.stack([rho, rho * v, p / (g - 1.0) + 0.5 * rho * v * v])

    def averages(self, edges: np.ndarray, time: float) -> np.ndarray:
        """Cell averages at `time` > 0, shape (3, cells)."""
        xi = _edge_coordinates(edges, time, self.jump)
        rho, m, energy = u = self.states(xi)
        pressure = (self.gamma - 1.0) * (energy - 0.5 * m * m / rho)
        flux = np.stack([m, m * m / rho + pressure, (energy + pressure) * m / rho])
        return time * np.diff(xi * u - flux, axis=1) / np.diff(edges)
