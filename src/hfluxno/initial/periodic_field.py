"""A periodic Gaussian random field from its covariance function.

On N equidistant points of a circle the covariance matrix k(x_i - x_j) is circulant, so the discrete
Fourier transform diagonalises it: its eigenvalues are λ_m = Σ_j k(x_j) exp(-2πi jm/N), and

    u_j = Σ_m √(λ_m/N) ξ_m exp(2πi jm/N),   E|ξ_m|² = 1,  ξ_{-m} = conj(ξ_m)

has exactly this covariance (Dietrich and Newsam, SIAM J. Sci. Comput. 18, 1997, 1088-1107).
"""

import numpy as np
from jaxtyping import Float


def periodic_covariance(r: Float[np.ndarray, "*points"]) -> Float[np.ndarray, "*points"]:
    """k(r) = exp(-(1 - cos 2πr)) on a circle of length one (HFluxNO, Appendix B.1)."""
    return np.exp(np.cos(2.0 * np.pi * r) - 1.0)


def periodic_field(random: np.random.Generator, cells: int) -> Float[np.ndarray, " x"]:
    """A sample with `periodic_covariance`, of mean zero, on the centres of `cells` cells of [0, 1].

    The random numbers are used from the longest wave to the shortest, so the same generator gives
    the same field on every grid that resolves the covariance.

    - `random`: the source of `cells` standard normal numbers.
    - `cells`: the number of cells N.
    """
    eigenvalues = np.fft.rfft(periodic_covariance(np.arange(cells) / cells)).real
    # ξ_0, then the real and imaginary part of ξ_1, ξ_2, …, each of variance one half; where N is
    # even the shortest wave has only one part.
    noise = random.standard_normal(cells)
    parts = np.concatenate([noise[:1], [0.0], np.sqrt(0.5) * noise[1:], np.zeros(1 - cells % 2)])
    if cells % 2 == 0:
        parts[-2] = noise[-1]
    modes = parts[0::2] + 1j * parts[1::2]
    # The transform counts from the left end of the domain; the centres lie half a cell further.
    # A Gaussian field is stationary, so only samples on different grids would notice.
    waves = np.arange(len(modes))
    shift = np.exp(1j * np.pi * waves / cells)
    if cells % 2 == 0:
        shift[-1] = 1.0
    scale = np.sqrt(np.maximum(eigenvalues, 0.0) * cells)  # some are negative by rounding
    return np.fft.irfft(scale * modes * shift, n=cells)
