"""The settings of the solver in an identification."""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from hfluxno.fv import MUSCL, EngquistOsher, NumericalFlux, Roe, Rusanov, StepControl
from hfluxno.grid import Grid
from hfluxno.laws.base import ConservationLaw
from hfluxno.laws.place import LawByPlace, turn
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.ranges import widened

# The CFL number of advection and of diffusion, whose sum may be one.
_STABLE = 0.5
# The most internal cells of a cell of the data on which derivatives are taken.
_FINEST_OF_DERIVATIVES = 2
# On so many the error of the scheme is hardly larger than that of the scheme that made the data,
# which a fit may hide in the context but not later.
_AS_FINE = 8
# From this refinement on, what the limiter of van Leer smears is less than what MC sharpens
# wrongly: jumps between states on both sides of an inflection (docs/solver.md, "Compound waves").
_VAN_LEER_FROM = 4

# Those of first order have a diffusion of their own, which depends on the length of their steps.
FIRST_ORDER = ("rusanov", "upwind")
# Diffusion in steps of many stages, of which there are four or more in an interval.
MUSCL_RKL2 = "muscl-rkl2"
_LEAST_RATE = 4.0 * _STABLE


class SolverSettings(eqx.Module):
    """The settings of the solver, shared by a batch.

    - `control`: the CFL rule.
    - `fresh_start`: whether the first step tries the whole interval, as at the start of a run, or
      is proposed from the speed of the first frame, as in the middle of one.
    - `grid`: the cells of the data, of length 1.
    - `scheme`: one of `SCHEMES`.
    - `refinement`: the number of internal cells per cell of the data.
    - `sharp`: whether the factor of a flux jumps at interfaces, or is the same on both sides of
      each. With the former a cell that a jump divides has a state that neither side has.
    """

    control: StepControl
    fresh_start: Bool[Array, ""] | bool
    grid: Grid
    scheme: str = eqx.field(static=True)
    refinement: int = eqx.field(static=True)
    sharp: Bool[Array, ""] | bool = True

    def __check_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise ValueError(f"Unknown scheme {self.scheme!r}; choose one of {', '.join(SCHEMES)}.")

    def numerical_flux(self, law: FittedLaw) -> NumericalFlux:
        return SCHEMES[self.scheme](self, law)

    @property
    def is_as_fine(self) -> bool:
        """Whether the error of the scheme counts in full, however little a law misses."""
        return self.refinement >= _AS_FINE

    def of_derivatives(self) -> "SolverSettings":
        """Those of derivatives, on at most twice as many cells as the data has: where the states
        are on four times as many, they take a quarter to an eighth of the time, and lead to the
        same minimum but for a small part of what the law does not explain."""
        return dataclasses.replace(self, refinement=min(self.refinement, _FINEST_OF_DERIVATIVES))

    def on_other_cells(self) -> "SolverSettings":
        """The same on half as many internal cells, or on twice as many if there is one for each
        cell of the data; the difference estimates the error of the scheme."""
        if self.refinement > 1:
            return dataclasses.replace(self, refinement=self.refinement // 2)
        scheme = "roe-entropy-fix" if self.scheme == "roe" else self.scheme
        # Equal steps of the data's own solver need not be stable on smaller cells.
        equal = bool(np.isfinite(self.control.longest))
        control = StepControl(_STABLE, _STABLE, False) if equal else self.control
        return dataclasses.replace(self, control=control, refinement=2, scheme=scheme)

    @property
    def of_difference(self) -> float:
        """The error of the scheme as a multiple of the difference of a run `on_other_cells`, at
        most: at jumps all schemes are of first order, and a run on cells of half the length has
        half the error."""
        return 1.0 if self.refinement > 1 else 2.0

    def by_place(self, law: FittedLaw) -> ConservationLaw:
        """The law with its dependence on place evaluated once for a run."""
        if law.terms is None:
            return law
        fine = self.grid.refine(self.refinement)
        edges = jnp.asarray(np.linspace(fine.lower[0], fine.upper[0], fine.shape[0] + 1))
        arising = law.arising(jnp.asarray(fine.centers()))
        plain, offset = law.without_place(), law.terms.flux_offset
        factor = law.smooth_factor(edges)
        if not law.terms.stretches.size or len(law.fields) > 1:
            return LawByPlace(law.fields, plain, factor, offset, arising, carrier=law.terms.carrier)
        inside = law.stretch_factor(jnp.asarray(fine.centers()), fine.spacing[0])
        padded = jnp.pad(inside, 1, "wrap" if fine.is_periodic() else "edge")
        on_left, on_right = factor * padded[:-1], factor * padded[1:]
        low, high = widened(jnp, jnp.asarray(law.lower), jnp.asarray(law.upper), law.reach)
        at = turn(plain, low[0], high[0])
        at = eqx.tree_at(lambda t: t.sign, at, jnp.where(self.sharp, at.sign, 0.0))
        sides = on_left, on_right, at
        # For fluxes that turn more than once.
        factor = factor * law.stretch_factor(edges, fine.spacing[0])
        return LawByPlace(law.fields, plain, factor, offset, arising, sides)


def _upwind(settings: SolverSettings, law: FittedLaw) -> NumericalFlux:
    low, high = widened(jnp, jnp.asarray(law.lower), jnp.asarray(law.upper), law.reach)
    at = turn(law, low[0], high[0])
    return EngquistOsher(law, at.state, at.sign)


def _with_entropy_fix(settings: SolverSettings, law: FittedLaw) -> NumericalFlux:
    resolved = settings.refinement > 1 and len(law.fields) == 1
    limiter = "van-leer" if resolved and settings.refinement >= _VAN_LEER_FROM else "mc"
    return Roe(law, limiter, entropy_fix=True, plain_compounds=resolved)


# The numerical flux of each scheme by name.
SCHEMES: dict[str, Callable[[SolverSettings, FittedLaw], NumericalFlux]] = {
    "roe": lambda settings, law: Roe(law, "mc", entropy_fix=False),
    "roe-entropy-fix": _with_entropy_fix,
    "rusanov": lambda settings, law: Rusanov(law),
    "upwind": _upwind,
    "muscl": lambda settings, law: MUSCL(settings.by_place(law)),
    MUSCL_RKL2: lambda settings, law: MUSCL(settings.by_place(law), least_rate=_LEAST_RATE),
}
