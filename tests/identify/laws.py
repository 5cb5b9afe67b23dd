"""Identifications with laws of every form, as fits return them, without a fit."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from hfluxno.fv import Roe, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.identify import Candidate, FitStatus, FittedLaw, Identification
from hfluxno.identify.frames.select import make_settings
from hfluxno.identify.saved.law import in_cells
from hfluxno.laws import LWR
from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.basis import Chebyshev, Dictionary, Kinked, TensorChebyshev
from hfluxno.parametric.fitted_law import Terms
from hfluxno.trajectory import Trajectory
from tests.compiled import compiled

# v = 90 km/h, 150 vehicles/km: in kilometres and hours.
V, FULL = 90.0, 150.0
LENGTH, INTERVAL = 12.0, 1 / 240


def polynomial(low, high, *powers, fields=("density",), **more) -> FittedLaw:
    """f = Σ powers[k] u^k in Chebyshev polynomials on [low, high]."""
    series = np.polynomial.Polynomial(powers).convert(
        domain=[low, high], kind=np.polynomial.Chebyshev
    )
    middle, half = np.array([0.5 * (low + high)]), np.array([0.5 * (high - low)])
    return FittedLaw(
        fields,
        Chebyshev(middle, half, len(series.coef) - 1),
        series.coef[None, 1:],
        np.zeros((1, 0)),
        np.array([low]),
        np.array([high]),
        **more,
    )


@functools.cache
def road(boundary="periodic", frames=13, cells=60):
    """Greenshields' traffic on other cells and at other times than the law was found at."""
    grid = Grid.interval(cells, 0.0, LENGTH, boundary)
    x = grid.centers() / LENGTH
    first = 60.0 + 25.0 * np.sin(2 * np.pi * x) + 10.0 * np.sin(4 * np.pi * x + 1.0)
    times = np.arange(frames) * INTERVAL
    with jax.enable_x64(True):
        law = LWR(v=V, rho_max=FULL)
        run = compiled(solve, Roe(law, "mc"), jnp.asarray(first[None]), times, grid, StepControl())
    return Trajectory(np.asarray(run.values), times, grid, ("density",))


def one_field(diffusion=3, terms=False, name="density") -> FittedLaw:
    lower, upper = np.array([0.1]), np.array([1.3])
    further = None
    if terms:
        modes = PlaceModes(0.0, 1.0, 2, True)
        further = Terms(
            np.array([[0.02, -0.1, 0.03]]),
            np.array([[0.2, -0.1]]),
            np.array([0.3, 0.1]),
            np.array([0.07]),
            modes,
            np.array([[0.2, 0.35, -0.3], [0.8, 1.1, 0.2]]),
        )
    return FittedLaw(
        (name,),
        Chebyshev(0.5 * (lower + upper), 0.5 * (upper - lower), 6),
        np.array([[0.31, -0.43, 0.06, -1 / 30, 0.011, 0.0]]),
        np.array([[0.003, -0.004, 0.0007]])[:, :diffusion],
        lower,
        upper,
        (),
        further,
    )


def kinked(*places, width=0.05, **more) -> FittedLaw:
    """A parabola and a kink at each place, as joint estimates find it, rounded as nothing in the
    library is."""
    smooth = one_field(**more)
    weights = 0.4 / np.arange(1.0, len(places) + 1.0)
    return dataclasses.replace(
        smooth,
        basis=Kinked(smooth.basis, np.array(places), width),
        flux_coefficients=np.concatenate([smooth.flux_coefficients, -weights[None]], axis=1),
    )


def shallow_water() -> FittedLaw:
    """m and m²/h + 4.9 h² in a dictionary with a scale."""
    lower, upper, scale = np.array([0.5, -1.0]), np.array([2.0, 1.0]), np.array([2.0, 1.0])
    exponents = ((1, 0), (0, 1), (2, 0), (-1, 2))
    flux = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 4.9 * 4.0, 0.5]])
    basis = Dictionary(scale, exponents, ("h", "m"))
    return FittedLaw(("h", "m"), basis, flux, np.zeros((2, 0)), lower, upper, (1,))


def dry_ground() -> FittedLaw:
    """Shallow water that may leave its ground dry, at most as fast as 1.5."""
    law = shallow_water()
    basis = dataclasses.replace(law.basis, flow=(0, 1), fastest=1.5)
    return dataclasses.replace(law, basis=basis, lower=np.array([2e-4, -1.0]))


def river() -> FittedLaw:
    """Shallow water down a slope, with friction."""
    functions = ((0, 0, 0, 0), (1, 0, 0, 0), (-2, 1, 0, 1))
    by_state, none = np.array([[0.0, 0.0, 0.0], [0.1, 0.8, -1.5]]), np.zeros((2, 0))
    modes = PlaceModes(0.0, 1.0, 1, True)
    terms = Terms(by_state, none, np.zeros(0), np.zeros(2), modes, functions=functions)
    return dataclasses.replace(shallow_water(), terms=terms)


def river_over_a_bed() -> FittedLaw:
    """The same, with the force of a bed on the momentum."""
    law = river()
    force = np.array([[0.0, 0.0, 0.0], [0.4, -0.7, 0.2]])
    modes = PlaceModes(0.0, 1.0, 3, True)
    terms = dataclasses.replace(law.terms, source_by_place=force, modes=modes, carrier=0)
    return dataclasses.replace(law, terms=terms)


def gas(gamma=1.4) -> FittedLaw:
    """Euler's equations."""
    lower, upper = np.array([0.8, -0.3, 2.0]), np.array([1.2, 0.3, 3.0])
    exponents = ((0, 1, 0), (0, 0, 1), (-1, 2, 0), (-1, 1, 1), (-2, 3, 0))
    flux = np.zeros((3, 5))
    flux[0, 0] = 1.0
    flux[1, 1:3] = gamma - 1.0, 0.5 * (3.0 - gamma)
    flux[2, 3:] = gamma, -0.5 * (gamma - 1.0)
    fields = ("rho", "m", "E")
    basis = Dictionary(np.ones(3), exponents, fields)
    return FittedLaw(fields, basis, flux, np.zeros((3, 0)), lower, upper, (1,))


def pair() -> FittedLaw:
    """Two fields in a tensor basis, with diffusion."""
    lower, upper = np.array([0.0, -1.0]), np.array([2.0, 1.5])
    basis = TensorChebyshev(0.5 * (lower + upper), 0.5 * (upper - lower), 3, 2)
    flux = 0.3 * np.sin(1.0 + np.arange(18.0)).reshape(2, 9)
    flux[0, 1] += 1.0
    flux[1, 0] += 1.0
    return FittedLaw(("a", "b"), basis, flux, np.array([[0.01], [0.02]]), lower, upper, (1,))


LAWS = {
    "one field": one_field,
    "no diffusion": lambda: one_field(diffusion=0),
    "further terms": lambda: one_field(terms=True),
    "a kink": lambda: kinked(-0.3),
    "kinks and further terms": lambda: kinked(0.4, -0.1, width=0.02, terms=True),
    "dictionary": shallow_water,
    "dry ground": dry_ground,
    "river": river,
    "river over a bed": river_over_a_bed,
    "tensor": pair,
    "gas": gas,
}


def identification(law: FittedLaw, cells=50, interval=0.01, **changes) -> Identification:
    """As if `law` had been found on [0, 1], by the Rusanov scheme on a finer grid."""
    grid = Grid.interval(cells)
    candidate = Candidate(scheme="muscl" if law.terms else "roe-entropy-fix", refinement=2)
    names = [f"f_{law.fields[0]}[{name}]" for name in law.basis.names]
    count = len(names)
    matrix = np.random.default_rng(0).normal(size=(count, count)) / 3e3
    found = {
        "law": law,
        "candidate": candidate,
        "status": FitStatus.OK,
        "backtest_error": 1 / 3e3,
        "persistence_error": 0.21,
        "residual": 2 / 3e3,
        "coefficients": dict(zip(names, map(float, law.flux_coefficients[0]), strict=True)),
        "covariance": matrix @ matrix.T,
        "total_drift": np.zeros(len(law.fields)),
        "initial": np.zeros((len(law.fields), cells)),
        "grid_law": in_cells(law, grid, interval),
        "settings": make_settings(candidate, grid),
        "cell": grid.spacing[0],
        "interval": interval,
    }
    with jax.enable_x64(True):
        return Identification(**(found | changes))
