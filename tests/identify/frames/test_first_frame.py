"""The spread of coefficients because of noise in the first frame, beside that of many fits."""

import numpy as np

from hfluxno.boundary import Periodic
from hfluxno.fv import StepControl
from hfluxno.grid import Grid
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.first_frame import covariance_by_first_frame, noise_carried
from hfluxno.identify.frames.refine import refine
from hfluxno.identify.frames.select import FittedCandidate
from hfluxno.identify.frames.track import gains, track
from hfluxno.identify.residuals.measured import measure
from hfluxno.parametric.basis import Chebyshev
from hfluxno.parametric.law_family import LawFamily
from hfluxno.parametric.solver_settings import SolverSettings

CELLS, FRAMES, NOISE = 48, 12, 0.02
GRID = Grid((0.0,), (float(CELLS),), (CELLS,), ((Periodic(), Periodic()),))
SETTINGS = SolverSettings(StepControl(0.5, 0.5), True, GRID, "roe", 1)
# f = .5 T₁ + .4 T₂ in cells per frame.
TRUE = np.array([0.5, 0.4])


def a_family() -> LawFamily:
    low, high = np.array([-1.0]), np.array([1.0])
    basis = Chebyshev(np.zeros(1), np.ones(1), 2)
    return LawFamily(basis, np.eye(2), low, high, 0, ("u",), ())


def frames_of(family: LawFamily) -> np.ndarray:
    """Two shocks and rarefactions."""
    first = np.where(np.arange(CELLS) % 24 < 10, 0.8, -0.6)[None, None] * np.ones((FRAMES, 1, 1))
    followed, _, _ = track(family.law(TRUE), SETTINGS, first, gains("continue", FRAMES, 0))
    return np.concatenate([first[:1], followed])


def test_the_covariance_is_that_of_fits_to_noisy_first_frames(x64):
    rng, family = np.random.default_rng(0), a_family()
    exact = frames_of(family)
    weights = np.ones(FRAMES)

    def fitted(values):
        return refine(family, SETTINGS, values, weights, TRUE, 12)

    found = []
    for _ in range(24):
        values = exact.copy()
        values[0] += NOISE * rng.normal(size=values[0].shape)
        found.append(fitted(values).parameters)
    scatter = np.std(found, axis=0)
    values = exact + NOISE * rng.normal(size=exact.shape)
    fit = fitted(values)
    trial = FittedCandidate(Candidate(), SETTINGS, family, fit, values[0], np.zeros(3), 0)
    covariance = covariance_by_first_frame(
        trial, values, noise_carried(trial, values, measure(fit.frames, values)), None
    )
    predicted = np.sqrt(np.diag(covariance))
    assert np.all((predicted > 0.5 * scatter) & (predicted < 2.0 * scatter)), (predicted, scatter)
    independent = np.sqrt(np.diag(np.linalg.inv(fit.normal))) * fit.residual
    assert np.all(scatter > 1.5 * independent)


def test_without_noise_there_is_none(x64):
    family = a_family()
    exact = frames_of(family)
    fit = refine(family, SETTINGS, exact, np.ones(FRAMES), TRUE, 5)
    trial = FittedCandidate(Candidate(), SETTINGS, family, fit, exact[0], np.zeros(3), 0)
    quiet = measure(fit.frames, exact)
    carried = noise_carried(trial, exact, quiet)
    assert carried is None
    assert not np.any(covariance_by_first_frame(trial, exact, carried, None))
