"""Exact smooth solutions on [0, 1), periodic, as cell averages of shape (1, cells)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SimpleWave:
    """A scalar law from u₀ = mean + amplitude sin 2πx until its first shock.

    u is constant along x = y + f′(u₀(y)) t. The change of variables x → y makes
    ∫u dx = ∫u₀ dy + t (u₀ f′(u₀) - f(u₀)), so the averages need the feet y of the edges only.
    """

    flux: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    curvature: Callable[[np.ndarray], np.ndarray]
    mean: float
    amplitude: float

    def initial(self, y: np.ndarray) -> np.ndarray:
        return self.mean + self.amplitude * np.sin(2.0 * np.pi * y)

    def compression(self, y: np.ndarray) -> np.ndarray:
        """-∂y f′(u₀(y)): the first shock forms after the inverse of its maximum."""
        derivative = 2.0 * np.pi * self.amplitude * np.cos(2.0 * np.pi * y)
        return -self.curvature(self.initial(y)) * derivative

    def shock_time(self) -> float:
        return 1.0 / np.max(self.compression(np.linspace(0.0, 1.0, 100_001)))

    def averages(self, edges: np.ndarray, time: float) -> np.ndarray:
        if not time < self.shock_time():
            raise ValueError("a shock has formed by then")
        # x is an increasing function of y, so bisection finds the feet.
        reach = time * np.max(np.abs(self.slope(self.initial(np.linspace(0.0, 1.0, 1001))))) + 0.1
        low, high = edges - reach, edges + reach
        for _ in range(80):
            y = 0.5 * (low + high)
            beyond = y + self.slope(self.initial(y)) * time > edges
            low, high = np.where(beyond, low, y), np.where(beyond, y, high)
        u = self.initial(y)
        integral = self.mean * y - self.amplitude * np.cos(2.0 * np.pi * y) / (2.0 * np.pi)
        primitive = integral + time * (u * self.slope(u) - self.flux(u))
        return (np.diff(primitive) / np.diff(edges))[None]


@dataclass(frozen=True)
class HeatWave:
    """∂t u + c ∂x u = ν ∂xx u: u = mean + exp(-4π²νt) sin 2π(x - ct)."""

    nu: float
    speed: float = 0.0
    mean: float = 0.5

    def averages(self, edges: np.ndarray, time: float) -> np.ndarray:
        decay = np.exp(-4.0 * np.pi**2 * self.nu * time)
        shifted = edges - self.speed * time
        primitive = self.mean * edges - decay * np.cos(2.0 * np.pi * shifted) / (2.0 * np.pi)
        return (np.diff(primitive) / np.diff(edges))[None]


@dataclass(frozen=True)
class ColeHopf:
    """∂t u + ∂x(a u²) = ν ∂xx u, a decaying saw-tooth.

    v = 2a u solves ∂t v + v ∂x v = ν ∂xx v, and v = -2ν ∂x log φ with the solution
    φ = 1 + b exp(-4π²νt) cos 2πx of the heat equation, 0 < b < 1 (Hopf, Commun. Pure Appl. Math.
    3, 1950, 201-230; Cole, Quart. Appl. Math. 9, 1951, 225-236).
    """

    a: float
    nu: float
    b: float = 0.9

    def averages(self, edges: np.ndarray, time: float) -> np.ndarray:
        decay = self.b * np.exp(-4.0 * np.pi**2 * self.nu * time)
        potential = np.log1p(decay * np.cos(2.0 * np.pi * edges))
        return (-self.nu / self.a * np.diff(potential) / np.diff(edges))[None]
