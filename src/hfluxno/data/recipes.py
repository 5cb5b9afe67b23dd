"""How each data set is made: the law and its coefficients, the solver, the initial conditions.

The cubic, sine, shallow-water and Burgers sets are those described in the HFluxNO paper (Appendix
B), `shallow-water-authors` is what the authors' configuration has instead (docs/data_format.md);
LWR, Buckley-Leverett and the two-dimensional Euler set are ours, the last after the Euler sets of
The Well.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from hfluxno.data.gas import energy_of
from hfluxno.fv import MUSCL, NumericalFlux, Roe, Rusanov, StepControl
from hfluxno.grid import Grid
from hfluxno.initial import FourierField, bounded, periodic_field, random_patches, random_steps
from hfluxno.laws import (
    LWR,
    BuckleyLeverett,
    ConservationLaw,
    Cubic,
    Euler,
    ShallowWater,
    Sine,
    ViscousBurgers,
)

Initial = Callable[[np.random.Generator, int], Float[np.ndarray, "field *space"]]
# From coefficients and a drawn state to the conserved fields.
Conserved = Callable[
    [Float[np.ndarray, " parameter"], Float[np.ndarray, "field *space"]],
    Float[np.ndarray, "field *space"],
]
SPLITS: tuple[str, ...] = ("train", "validation", "test")
INITIALS: tuple[str, ...] = ("grf", "steps")

_BURGERS_FIELD = FourierField(variance=1.0, length=0.1)
_MOMENTUM_FIELD = FourierField(variance=0.5, length=0.3)
_HEIGHT_FIELD = FourierField(variance=0.5, length=0.3, lognormal=True)
# A car density and a saturation are fractions; both stay away from the ends of [0, 1].
_FRACTION = (0.1, 0.9)
# Density, velocity and pressure of gases that meet, at up to twice the speed of sound.
_GASES = ((0.3, 1.8), (-0.8, 0.8), (-0.8, 0.8), (0.3, 1.8))


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The law, the solver and the initial conditions of one data set.

    - `law`: the class of the law; every coefficient has a default.
    - `equation`: as written in files.
    - `scheme`: the numerical flux for a law.
    - `control`: the CFL rule.
    - `initials`: by kind, a function that draws one state (field, x) on a number of cells of [0,
      1], or (field, x, y) on the square.
    - `own_ranges`: of coefficients not drawn from the published range of the law.
    - `own_fields`: the names of the fields, if not those of the law.
    - `axes`: the number of space axes.
    - `finer`: it is solved on cells shorter by this factor along each axis, and averaged.
    - `conserved`: the state from what is drawn, if that is not the state itself.
    """

    law: Any
    equation: str
    scheme: Callable[[ConservationLaw], NumericalFlux]
    control: StepControl
    initials: Mapping[str, Initial]
    own_ranges: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    own_fields: tuple[str, ...] = ()
    axes: int = 1
    finer: int = 1
    conserved: Conserved | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        # A law object would hold arrays, and arrays start JAX: too early for `use_cores`.
        return self.own_fields or self.law.fields

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """The ranges in which the coefficients are uniform, in their order."""
        return {**getattr(self.law, "ranges", {}), **self.own_ranges}

    def grid(self, cells: int) -> Grid:
        """A periodic grid of `cells` cells on [0, 1], or along each side of the square."""
        return Grid.interval(cells) if self.axes == 1 else Grid.rectangle((cells, cells))

    def solver_attributes(self, law: ConservationLaw) -> dict[str, str | float]:
        """What a file says about the solver."""
        scheme = self.scheme(law)
        if isinstance(scheme, Roe):
            fix = "with" if scheme.entropy_fix else "without"
            described = f"Roe wave propagation {fix} entropy fix, forward Euler"
            limiter = scheme.limiter
        elif isinstance(scheme, MUSCL):
            described = (
                f"MUSCL, {scheme.riemann}, SSPRK2, on cells {self.finer} times as short, averaged"
            )
            limiter = scheme.limiter
        else:
            described = "first-order Rusanov, forward Euler, centred diffusion"
            limiter = "none"
        return {
            "solver": described,
            "limiter": limiter,
            "cfl_desired": float(self.control.desired),
            "cfl_maximum": float(self.control.maximum),
            "cfl_speed": "previous step" if self.control.lagged else "present state",
        }


def recipe(name: str) -> Recipe:
    """The recipe of that name. Raises `ValueError` if the name is unknown."""
    if name not in RECIPES:
        raise ValueError(f"Unknown law {name!r}; choose one of {', '.join(RECIPES)}.")
    return RECIPES[name]


def _shallow_water_grf(random, cells):
    x = _centers(cells)
    return np.stack([_HEIGHT_FIELD.sample(random, x), _MOMENTUM_FIELD.sample(random, x)])


def _shallow_water_steps(random, cells):
    # The momentum remains smooth: steps in both make irregular solutions (Appendix B.2).
    height = random_steps(random, cells, 0.5, 4.5)
    return np.stack([height, _MOMENTUM_FIELD.sample(random, _centers(cells))])


def _gas(coefficients, drawn):
    density, u, v, pressure = drawn
    energy = energy_of(density, (u, v), pressure, float(coefficients[0]))
    return np.stack([density, density * u, density * v, energy])


def _centers(cells: int) -> Float[np.ndarray, " x"]:
    return (np.arange(cells) + 0.5) / cells


_CLAWPACK = StepControl(desired=0.5, maximum=0.9, lagged=True)
_EXPLICIT = StepControl(desired=0.4, maximum=0.4, lagged=False)
_EXPLICIT_2D = StepControl(desired=0.45, maximum=0.45, lagged=False)
_ROE = functools.partial(Roe, limiter="mc", entropy_fix=False)
_ROE_WITH_FIX = functools.partial(Roe, limiter="mc", entropy_fix=True)
_HLLC = functools.partial(MUSCL, limiter="van-leer", riemann="hllc")
_SCALAR: dict[str, Initial] = {
    "grf": lambda random, cells: periodic_field(random, cells)[None],
    "steps": lambda random, cells: random_steps(random, cells, -1.0, 1.0)[None],
}
_BOUNDED: dict[str, Initial] = {
    "grf": lambda random, cells: bounded(periodic_field(random, cells), *_FRACTION)[None],
    "steps": lambda random, cells: random_steps(random, cells, 0.0, 1.0)[None],
}
_BURGERS: dict[str, Initial] = {
    "grf": lambda random, cells: _BURGERS_FIELD.sample(random, _centers(cells))[None],
    "steps": _SCALAR["steps"],
}

_SHALLOW_WATER = Recipe(
    ShallowWater,
    "∂t h + ∂x(alpha m) = 0, ∂t m + ∂x(gamma m²/h + beta h²/2) = 0",
    _ROE,
    _CLAWPACK,
    {"grf": _shallow_water_grf, "steps": _shallow_water_steps},
)

RECIPES: dict[str, Recipe] = {
    "cubic": Recipe(Cubic, "∂t u + ∂x(a u³ + b u² + c u) = 0", _ROE, _CLAWPACK, _SCALAR),
    "sine": Recipe(Sine, "∂t u + ∂x(a sin(b u)) = 0", _ROE, _CLAWPACK, _SCALAR),
    "shallow-water": _SHALLOW_WATER,
    "shallow-water-authors": dataclasses.replace(_SHALLOW_WATER, own_ranges={"beta": (0.8, 1.2)}),
    "burgers": Recipe(ViscousBurgers, "∂t u + ∂x(a u²) = nu ∂xx u", Rusanov, _EXPLICIT, _BURGERS),
    "lwr": Recipe(
        LWR, "∂t rho + ∂x(v rho (1 - rho/rho_max)) = 0", _ROE_WITH_FIX, _CLAWPACK, _BOUNDED
    ),
    "buckley-leverett": Recipe(
        BuckleyLeverett, "∂t s + ∂x(q s²/(s² + M (1 - s)²)) = 0", _ROE_WITH_FIX, _CLAWPACK, _BOUNDED
    ),
    "euler-2d": Recipe(
        functools.partial(Euler, 2),
        "∂t ρ + ∇·m = 0, ∂t m + ∇·(m ⊗ m/ρ) + ∇p = 0, ∂t E + ∇·((E + p) m/ρ) = 0, "
        "p = (gamma - 1)(E - m²/(2ρ))",
        _HLLC,
        _EXPLICIT_2D,
        {"steps": lambda random, cells: random_patches(random, cells, _GASES)},
        own_ranges={"gamma": (1.13, 1.76)},
        own_fields=("density", "momentum_x", "momentum_y", "energy"),
        axes=2,
        finer=2,
        conserved=_gas,
    ),
}
