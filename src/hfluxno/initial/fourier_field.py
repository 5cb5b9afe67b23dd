"""Periodic random fields of GSTools: a Fourier series with random coefficients.

    u(x) = Σ_k √(S(k) Δk) (Z_{1,k} cos kx + Z_{2,k} sin kx),   k = -16Δk, …, 15Δk,

Δk = 2π, with the spectrum S of a covariance model and standard normal Z (Müller, Schüler,
Zech and Heße, Geosci. Model Dev. 15, 2022, 3161-3182; `gstools.SRF` with the generator "Fourier").

`gstools.SRF` takes about a millisecond for a sample, longer than solving for it. Here the series is
one product with a matrix; a test compares it with GSTools for the same Z, to rounding.
"""

import dataclasses
import functools

import numpy as np
from jaxtyping import Float

_SPACING, _MODES = 2.0 * np.pi, 32  # Δk, and the number of waves


@dataclasses.dataclass(frozen=True)
class FourierField:
    """A stationary field of period one with Gaussian covariance, k(r) = σ² exp(-π r²/(4 l²)).

    Attributes:

    - `variance`: σ².
    - `length`: the integral scale l, in units of x.
    - `lognormal`: whether the field is exp of that Gaussian field, which makes it positive.
    """

    variance: float
    length: float
    lognormal: bool = False

    def spectrum(self, k: Float[np.ndarray, " waves"]) -> Float[np.ndarray, " waves"]:
        """S(k) = σ² l/π exp(-(k l)²/π), as GSTools writes it, to the last bit: data sets depend on
        it."""
        scale = self.length / (np.sqrt(np.pi) / 2.0)
        density = scale / 2.0 / np.sqrt(np.pi) * np.exp(-((k * scale / 2.0) ** 2))
        return density * self.variance

    def sample(
        self, random: np.random.Generator, x: Float[np.ndarray, " x"]
    ) -> Float[np.ndarray, " x"]:
        """One sample at the points `x`; takes 64 standard normal numbers."""
        return self.series(random.standard_normal((2, _MODES)), x)

    def series(
        self, coefficients: Float[np.ndarray, "2 modes"], x: Float[np.ndarray, " x"]
    ) -> Float[np.ndarray, " x"]:
        """The series with the given Z_1 and Z_2, at the points `x`."""
        field = coefficients.reshape(-1) @ _waves(self, tuple(x.tolist()))
        return np.exp(field) if self.lognormal else field


@functools.lru_cache(maxsize=16)
def _waves(field: FourierField, x: tuple[float, ...]) -> Float[np.ndarray, "waves x"]:
    """√(S(k) Δk) cos kx for every k, then the same with sin."""
    k = _SPACING * np.arange(-_MODES // 2, _MODES // 2)
    amplitude = np.sqrt(field.spectrum(np.abs(k)) * _SPACING)
    phase = np.outer(k, np.asarray(x))
    return np.concatenate([amplitude[:, None] * np.cos(phase), amplitude[:, None] * np.sin(phase)])
