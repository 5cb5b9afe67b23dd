"""Periodic random fields of GSTools: a Fourier series with random coefficients.

    u(x) = Σ_k √(S(k) Δk) (Z_{1,k} cos kx + Z_{2,k} sin kx),   k = -mΔk/2, …, (m/2 - 1)Δk,

Δk = 2π/period, with the spectrum S of a covariance model and standard normal Z (Müller, Schüler,
Zech and Heße, Geosci. Model Dev. 15, 2022, 3161-3182; `gstools.SRF` with the generator "Fourier").

`gstools.SRF` takes about a millisecond for a sample, longer than solving for it. Here the series is
one product with a matrix; a test compares it with GSTools for the same Z, to rounding.
"""

import dataclasses
import functools

import numpy as np
from jaxtyping import Float


@dataclasses.dataclass(frozen=True)
class FourierField:
    """A stationary periodic field with Gaussian covariance, k(r) = σ² exp(-π r²/(4 l²)).

    Attributes:

    - `variance`: σ².
    - `length`: the integral scale l, in units of x.
    - `lognormal`: whether the field is exp of that Gaussian field, which makes it positive.
    - `period`: the length of the circle.
    - `modes`: the number of waves, even.
    """

    variance: float
    length: float
    lognormal: bool = False
    period: float = 1.0
    modes: int = 32

    def __post_init__(self) -> None:
        if min(self.variance, self.length, self.period) <= 0.0:
            raise ValueError(
                "A random field needs a positive variance, length and period; got "
                f"{self.variance}, {self.length} and {self.period}."
            )
        if self.modes < 2 or self.modes % 2:
            raise ValueError(f"The number of modes must be even and positive; got {self.modes}.")

    def spectrum(self, k: Float[np.ndarray, " waves"]) -> Float[np.ndarray, " waves"]:
        """S(k) = σ² l/π exp(-(k l)²/π), as GSTools writes it, to the last bit: data sets depend on
        it."""
        scale = self.length / (np.sqrt(np.pi) / 2.0)
        density = scale / 2.0 / np.sqrt(np.pi) * np.exp(-((k * scale / 2.0) ** 2))
        return density * self.variance

    def sample(
        self, random: np.random.Generator, x: Float[np.ndarray, " x"]
    ) -> Float[np.ndarray, " x"]:
        """One sample at the points `x`; takes 2 × `modes` standard normal numbers."""
        return self.series(random.standard_normal((2, self.modes)), x)

    def series(
        self, coefficients: Float[np.ndarray, "2 modes"], x: Float[np.ndarray, " x"]
    ) -> Float[np.ndarray, " x"]:
        """The series with the given Z_1 and Z_2, at the points `x`."""
        field = coefficients.reshape(-1) @ _waves(self, tuple(x.tolist()))
        return np.exp(field) if self.lognormal else field


@functools.lru_cache(maxsize=16)
def _waves(field: FourierField, x: tuple[float, ...]) -> Float[np.ndarray, "waves x"]:
    """√(S(k) Δk) cos kx for every k, then the same with sin."""
    spacing = 2.0 * np.pi / field.period
    k = spacing * np.arange(-(field.modes // 2), field.modes // 2)
    amplitude = np.sqrt(field.spectrum(np.abs(k)) * spacing)
    phase = np.outer(k, np.asarray(x))
    return np.concatenate([amplitude[:, None] * np.cos(phase), amplitude[:, None] * np.sin(phase)])
