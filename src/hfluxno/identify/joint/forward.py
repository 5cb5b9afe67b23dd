"""The forward model of a joint estimate: from a vector of unknowns to a run and its measurements.

    z ↦ (law, first state, ends) ↦ u(t_j) ↦ H(u),   each number = its centre + its spread · z_k

for the law's coefficients, the first state and the states at open ends, with the observation H of
the context (see `hfluxno.observation`). The prior of every z_k is the standard normal distribution,
so centre and spread describe the prior knowledge (strong-constraint 4D-Var with a control variable
transform: Bannister, Q. J. R. Meteorol. Soc. 134, 2008, 1971-1996).
"""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hfluxno.boundary import Given
from hfluxno.fv.problem import Problem
from hfluxno.grid import Grid
from hfluxno.identify.joint.law_shape import LawShape
from hfluxno.observation import Observation, Run, observed, times_of
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.ranges import within
from hfluxno.parametric.solver_settings import MUSCL_RKL2, SolverSettings
from hfluxno.parametric.subgrid import prolong, restrict
from hfluxno.trajectory import Trajectory

# Programs are compiled for this number of frames times powers of two, and at least for so many
# after the context, so that most forecasts share those of their contexts.
_FRAMES, _AHEAD = 64, 20
# The diffusion number of an interval from which on its steps have many stages.
_MANY = 10.0


class Scale(eqx.Module):
    """The units of times and lengths: mean intervals of a context since its run begins, and cells.

    - `origin`, `end`: the times at which a run begins and the context ends.
    - `interval`, `cell`: in the units of the data.
    """

    origin: float
    end: float
    interval: float
    cell: float

    @classmethod
    def of(cls, context: Trajectory) -> "Scale":
        times = np.asarray(context.times, float)
        first, begin = float(times[0]), float(times_of(context.observation, times)[0])
        interval = float((times[-1] - times[0]) / (len(times) - 1))
        return cls(min(first, begin), float(times[-1]), interval, context.grid.spacing[0])

    def frames(self, times: Float[Array | np.ndarray, " time"]) -> Float[np.ndarray, " time"]:
        """Times in frames."""
        return (np.asarray(times, float) - self.origin) / self.interval


class Ends(eqx.Module):
    """Open ends: the states there at given times, as a mean plus modes.

    - `times`: in frames.
    - `mean`: shape (side, field, time), for the open sides.
    - `modes`: shape (mode, side, field, time).
    - `length`: the time over which they are correlated.
    - `scatter`: the prior standard deviation there, of each open side and field.
    - `sides`: which sides of the domain are open, 0 for the lower one.
    """

    times: Float[Array | np.ndarray, " time"]
    mean: Float[Array | np.ndarray, "side field time"]
    modes: Float[Array | np.ndarray, "mode side field time"]
    length: Float[Array | np.ndarray, ""] | float
    scatter: Float[Array | np.ndarray, "side field"]
    sides: tuple[int, ...] = eqx.field(static=True)


class Forward(eqx.Module):
    """The map from unknowns to runs.

    - `shape`: the structure of the law.
    - `settings`: how it is solved, on cells of length 1.
    - `center`, `spread`: of the coefficients of the law.
    - `first`: the mean of the first state, shape (field, cells).
    - `first_modes`: the modes that the unknowns add to it.
    - `minimum`, `maximum`: the bounds of the first state and of open ends, for each field.
    - `ends`: the open ends, or `None` if there are none; the others are in the settings.
    - `scale`: cells and frames in the units of the data.
    - `observation`: the steps from states to measured values.
    """

    shape: LawShape
    settings: SolverSettings
    center: Float[Array | np.ndarray, " coefficient"]
    spread: Float[Array | np.ndarray, " coefficient"]
    first: Float[Array | np.ndarray, "field cells"]
    first_modes: Float[Array | np.ndarray, "mode field cells"]
    minimum: Float[Array | np.ndarray, " field"]
    maximum: Float[Array | np.ndarray, " field"]
    ends: Ends | None
    scale: Scale
    observation: tuple[Observation, ...] = ()

    @property
    def size(self) -> int:
        """The number of unknowns."""
        ends = 0 if self.ends is None else self.ends.modes.shape[0]
        return self.center.shape[0] + self.first_modes.shape[0] + ends

    @property
    def observes_linearly(self) -> bool:
        """Whether what is measured does not depend on the law but through the states."""
        return all(step.is_linear for step in self.observation)

    @property
    def free(self) -> Int[np.ndarray, " free"]:
        """The unknowns that have an effect."""
        others = self.size - len(self.spread)
        return np.flatnonzero(np.concatenate([self.spread, np.ones(others)]))

    def coefficients(
        self, z: Float[Array | np.ndarray, " unknown"]
    ) -> Float[Array | np.ndarray, " coefficient"]:
        return self.shape.with_still(self.center + self.spread * z[: self.center.shape[0]])

    def law(self, z: Float[Array | np.ndarray, " unknown"]) -> FittedLaw:
        return self.shape.law(self.coefficients(z))

    def problem(self, z: Float[Array, " unknown"]) -> tuple[Problem, Float[Array, "field fine"]]:
        """The problem to be solved, and its initial state."""
        laws, firsts = self.center.shape[0], self.first_modes.shape[0]
        factor = self.settings.refinement
        first = self.first + jnp.tensordot(z[laws : laws + firsts], self.first_modes, axes=1)
        first = within(jnp, self.minimum[:, None], self.maximum[:, None], first)
        start = prolong(jnp.asarray(first), self.settings.grid, factor, self.shape.negated)
        flux = self.settings.numerical_flux(self.law(z))
        return Problem(flux, self.grid(z).refine(factor)), start

    def grid(self, z: Float[Array | np.ndarray, " unknown"]) -> Grid:
        """The cells of the data, with the states at open ends."""
        grid = self.settings.grid
        if self.ends is None:
            return grid
        after = self.center.shape[0] + self.first_modes.shape[0]
        # Outside of programs in NumPy, which has nothing to compile.
        xp = np if isinstance(z, np.ndarray) else jnp
        states = self.ends.mean + xp.tensordot(z[after:], self.ends.modes, axes=1)
        states = within(xp, self.minimum[None, :, None], self.maximum[None, :, None], states)
        ends = list(grid.boundary[0])
        for state, side in zip(states, self.ends.sides, strict=True):
            ends[side] = Given(self.ends.times, state)
        return Grid(grid.lower, grid.upper, grid.shape, ((ends[0], ends[1]),))

    def observed(
        self, z: Float[Array, " unknown"], states: Float[Array, "time field fine"]
    ) -> Float[Array, "measured quantity cells"]:
        """What would be measured of a run with these states, on its internal cells, at the times of
        `when`."""
        return self._measured(states[1:], self._flux(z, states[1:]))

    def observed_linearly(
        self, states: Float[np.ndarray, "time quantity fine"]
    ) -> Float[np.ndarray, "measured quantity cells"]:
        """The same in NumPy, of states or of any number of their derivatives, if no step of the
        observation depends on the law."""
        return self._measured(states[1:], states[1:, :0])

    def _measured(self, values, flux):
        grid, factor = self.settings.grid, self.settings.refinement
        values = observed(self.observation, Run(values, flux, grid.is_periodic(), factor))
        # Without points they are those of internal cells still.
        return restrict(values, values.shape[-1] // grid.shape[0])

    def when(self, times: Float[Array | np.ndarray, " time"]) -> Float[np.ndarray, " time_"]:
        """The times, in frames, at which a run is needed for measured values at these times of the
        data; with an observation, that of the first state before those of the steps."""
        needed = self.scale.frames(times_of(self.observation, np.asarray(times, float)))
        return np.concatenate([[0.0], needed]) if self.observation else needed

    def intervals(self, times: Float[np.ndarray, " time"]) -> Float[np.ndarray, " interval"]:
        """The intervals between times in frames, padded with zeros for a compiled program."""
        each = len(times_of(self.observation, np.zeros(1)))
        frames = _FRAMES if each == 1 else _FRAMES // 4
        usual = (self.scale.end - self.scale.origin) / self.scale.interval + _AHEAD
        while each * frames < max(len(times) - 1, each * usual):
            frames *= 2
        found = np.zeros(each * frames)
        found[: len(times) - 1] = np.diff(times)
        return found

    def paced(self, z: Float[np.ndarray, " unknown"]) -> "Forward":
        """The same with diffusion in steps of many stages if that of these unknowns would take
        many steps in an interval, and otherwise without: they cost more than two stages do."""
        diffusivity = self.law(z).diffusivity(np.asarray(self.first))
        number = 0.0 if diffusivity is None else 2.0 * float(np.max(diffusivity))
        scheme = MUSCL_RKL2 if number * self.settings.refinement**2 > _MANY else "muscl"
        if scheme == self.settings.scheme:
            return self
        return dataclasses.replace(self, settings=dataclasses.replace(self.settings, scheme=scheme))

    def blunt(self) -> "Forward":
        """The same with a factor of the flux that is equal on both sides of an interface."""
        return dataclasses.replace(self, settings=dataclasses.replace(self.settings, sharp=False))

    def _flux(self, z, states: Float[Array, "time field fine"]):
        """The flow through the centres of internal cells, in the units of the data."""
        factor, law, u = self.settings.refinement, self.law(z), states.swapaxes(0, 1)
        grid = self.settings.grid.refine(factor)
        flux = law.flux(u)
        if law.terms is not None:
            by_place = law.factor(jnp.asarray(grid.centers()), 1.0 / factor)
            flux = flux + law.terms.flux_offset[:, None, None]
            flux = flux if by_place is None else by_place[None, None] * flux
        diffusivity = law.diffusivity(u)
        if diffusivity is not None:
            wide = jnp.pad(u, ((0, 0), (0, 0), (1, 1)), "wrap" if grid.is_periodic() else "edge")
            flux = flux - diffusivity * 0.5 * factor * (wide[..., 2:] - wide[..., :-2])
        return flux.swapaxes(0, 1) * (self.scale.cell / self.scale.interval)
