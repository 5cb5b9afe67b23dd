"""Identifications with known answers, so that what is shown and written can be checked."""

import dataclasses
import enum
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from hfluxno.forecaster import Forecast, Forecaster, forecast_times
from hfluxno.fv import Roe, solve
from hfluxno.laws.base import ConservationLaw
from hfluxno.trajectory import Trajectory
from tests.compiled import compiled


def wave(frames=8, cells=16, shift=0.0):
    """A sine (time, x) that moves by a thousandth of the domain a frame."""
    x = (np.arange(cells) + 0.5) / cells
    t = np.arange(frames) * 1e-3
    return 1 + 0.2 * np.sin(2 * np.pi * (x[None] - t[:, None] + shift))


class Terms(NamedTuple):
    names: tuple[str, ...]
    kinks: int = 0


class Quadratic(ConservationLaw):
    """f = c₁ u + c₂ u² for one field, with a diffusivity or without."""

    flux_coefficients: Any
    lower: Any
    upper: Any
    basis: Any = eqx.field(static=True, default=Terms(("u", "u²")))
    terms: None = None
    nu: float | None = eqx.field(static=True, default=None)
    fields: tuple[str, ...] = eqx.field(static=True, default=("u",))

    def flux(self, u):
        c = self.flux_coefficients.astype(u.dtype)
        return c[0, 0] * u + c[0, 1] * u**2

    def diffusivity(self, u):
        return None if self.nu is None else jnp.full_like(u, self.nu)

    @property
    def diffusion_coefficients(self):
        return np.zeros((1, 0))


class Pair(ConservationLaw):
    """Shallow water, f = (m, m²/h + g h²/2), with an observed range."""

    lower: Any
    upper: Any
    fields: tuple[str, ...] = eqx.field(static=True, default=("h", "m"))

    def flux(self, u):
        return jnp.stack([u[1], u[1] ** 2 / u[0] + 4.9 * u[0] ** 2])


class FakeStatus(enum.IntEnum):
    OK = 0
    POOR_FIT = 1

    @property
    def sentence(self) -> str:
        return ("the law explains the data", "the law explains the data poorly")[self]


@dataclasses.dataclass(frozen=True)
class FakeIdentification:
    law: Any
    candidate: str = "quadratic, no diffusion, roe-mc, grid x1"
    status: FakeStatus = FakeStatus.OK
    backtest_error: float = 0.0012
    persistence_error: float = 0.5
    residual: float = 0.0007
    covariance: Any = dataclasses.field(default_factory=lambda: np.diag([4.0, 1e-2]))
    coefficients: Any = dataclasses.field(default_factory=lambda: {"u": 100.0, "u²": -0.7})
    total_drift: Any = dataclasses.field(default_factory=lambda: np.array([1e-7]))
    tried: tuple = ()
    missing: float = 0.0
    suspect: int = 0
    limited: int = 0
    odd: tuple = ()
    not_conserved: tuple = ()
    exceeded: dict = dataclasses.field(default_factory=dict)
    readings: None = None
    recognised: None = None
    cause: None = None
    change: None = None
    formulas: tuple[str, ...] = ()

    def conserved(self, values: np.ndarray) -> np.ndarray:
        return values

    @property
    def chosen(self) -> str:
        return self.candidate

    @property
    def described(self) -> str:
        return self.chosen

    @property
    def sentence(self) -> str:
        return self.status.sentence


def identification(context: Trajectory, status=FakeStatus.OK, nu=None):
    """The fake for a context of one field, or of two: then shallow water."""
    values = np.asarray(context.values, float)
    lower, upper = np.nanmin(values, axis=(0, 2)), np.nanmax(values, axis=(0, 2))
    if len(context.fields) == 2:
        law = Pair(lower, upper, context.fields)
        return FakeIdentification(law, covariance=np.eye(1), coefficients={"m/h": 1.0})
    law = Quadratic(np.array([[100.0, -0.7]]), lower, upper, nu=nu, fields=context.fields)
    names = [f"f_{context.fields[0]}[{term}]" for term in law.basis.names]
    coefficients = dict(zip(names, (100.0, -0.7), strict=True))
    return FakeIdentification(law, status=status, coefficients=coefficients)


class FakeForecaster(Forecaster):
    """Solves the fake law from the last frame."""

    def forecast(self, context: Trajectory, steps: int) -> Forecast:
        single = [context]
        if context.is_batched:
            single = [
                Trajectory(v, context.times, context.grid, context.fields) for v in context.values
            ]
        found = tuple(identification(each) for each in single)
        times = np.concatenate(
            [np.asarray(context.times[-1:], float), forecast_times(context, steps)]
        )
        values = [
            compiled(solve, Roe(f.law), each.values[-1], times, context.grid).values[1:]
            for f, each in zip(found, single, strict=True)
        ]
        batch = context.is_batched
        shape = (len(single),) if batch else ()
        trajectory = Trajectory(
            jnp.stack(values) if batch else values[0],
            jnp.asarray(times[1:]),
            context.grid,
            context.fields,
        )
        return Forecast(
            trajectory=trajectory,
            status=np.zeros(shape, int),
            sentences=tuple(f.status.sentence for f in found),
            backtest_error=np.full(shape, 0.0012),
            conservation_drift=np.full(shape, 1e-7),
            left_observed_range=np.zeros(shape, bool),
            identifications=found,
        )


def shallow_water(frames=30, cells=100) -> np.ndarray:
    """States (time, field, x) of a hump that splits, for x in [0, 1] and t in [0, 0.15]."""
    x = (np.arange(cells) + 0.5) / cells
    initial = np.stack([1 + 0.4 * np.exp(-(((x - 0.5) / 0.1) ** 2)), 0 * x]).astype(np.float32)
    law = Pair(initial.min(axis=1), initial.max(axis=1))
    from hfluxno.grid import Grid

    grid = Grid.interval(cells)
    times = np.linspace(0, 0.15, frames)
    return np.asarray(compiled(solve, Roe(law), initial, times, grid).values)
