"""The forward model of a joint estimate: which run a vector of unknowns means.

    z ↦ (law, first state, ends) ↦ u(t_j),   each number = its centre + its spread · z_k

with the law's coefficients, the first state and the states at open ends. The prior of every z_k is
the standard normal distribution, so centre and spread say what is believed before the measurements
(strong-constraint 4D-Var with a control variable transform: Bannister, Q. J. R. Meteorol. Soc. 134,
2008, 1971-1996).
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.batching import on_all_cores
from hfluxno.boundary import Given
from hfluxno.fv.sensitivity import Problem, solve_with_derivatives
from hfluxno.grid import Grid
from hfluxno.identify.basis import Basis, Kinked
from hfluxno.identify.fitted_law import FittedLaw, Terms
from hfluxno.identify.solver_settings import SolverSettings
from hfluxno.identify.subgrid import prolong, restrict
from hfluxno.laws.place import PlaceModes
from hfluxno.stored_jit import stored_jit

# Derivatives are taken along so many directions at once, and on all cores: one small program serves
# any number of unknowns.
_FEW_DIRECTIONS, _MANY_DIRECTIONS = 8, 16


class LawShape(eqx.Module):
    """What a law is made of, and how a vector of coefficients is cut into its parts.

    The order is (field, flux function), (field, diffusion term), (field, source term),
    (field, mode of the source), (field, offset of the flux), (mode of the flux), (place of a kink).
    Coefficients of the flux are counted in half ranges of their field times cells per frame, those
    of sources in half ranges per frame.

    **Attributes:**

    - `basis`: the functions of the flux.
    - `lower`, `upper`: the observed range of each field.
    - `modes`: the functions of place.
    - `fields`, `negated`: names, and the indices of the fields that a wall turns round.
    - `diffusion`, `by_state`, `source_modes`, `flux_modes`: how many there are of each term.
    - `closed`: whether the constant of the flux is a coefficient although the flux is the same
      everywhere. Where an end lets nothing through, it is no longer free.
    """

    basis: Basis
    lower: Float[Array | np.ndarray, " field"]
    upper: Float[Array | np.ndarray, " field"]
    modes: PlaceModes
    fields: tuple[str, ...] = eqx.field(static=True)
    negated: tuple[int, ...] = eqx.field(static=True, default=())
    diffusion: int = eqx.field(static=True, default=0)
    by_state: int = eqx.field(static=True, default=0)
    source_modes: int = eqx.field(static=True, default=0)
    flux_modes: int = eqx.field(static=True, default=0)
    closed: bool = eqx.field(static=True, default=False)

    @property
    def has_offset(self) -> bool:
        """Whether the constant of the flux is a coefficient."""
        return self.closed or self.flux_modes > 0

    @property
    def kinks(self) -> int:
        """The number of kinks of the flux, whose places are unknowns."""
        return self.basis.kinks

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of coefficients of each part."""
        d = len(self.fields)
        parts = (
            len(self.basis.names),
            self.diffusion,
            self.by_state,
            self.source_modes,
            int(self.has_offset),
        )
        return (*(d * n for n in parts), self.flux_modes, self.kinks)

    def law(self, coefficients: Float[Array | np.ndarray, " coefficient"]) -> FittedLaw:
        d = len(self.fields)
        ends = np.cumsum(self.sizes)
        flux, diffusion, by_state, by_place, offset, factor, at = (
            coefficients[end - size : end] for end, size in zip(ends, self.sizes, strict=True)
        )
        half = (0.5 * (self.upper - self.lower))[:, None]
        terms = None
        if self.by_state or self.source_modes or self.has_offset:
            terms = Terms(
                by_state.reshape(d, -1) * half,
                by_place.reshape(d, -1) * half,
                factor,
                offset * half[:, 0] if self.has_offset else jnp.zeros(d),
                self.modes,
            )
        basis = self.basis
        if isinstance(basis, Kinked):
            basis = dataclasses.replace(basis, at=at)
        return FittedLaw(
            self.fields,
            basis,
            flux.reshape(d, -1) * half,
            diffusion.reshape(d, -1),
            self.lower,
            self.upper,
            self.negated,
            terms,
        )


class Ends(eqx.Module):
    """Open ends: the states there at some times, as a mean and modes that are added to it.

    **Attributes:**

    - `times`: in frames.
    - `mean`: shape (side, field, time), for the open sides.
    - `modes`: shape (mode, side, field, time).
    - `length`: the time over which they are correlated.
    - `scatter`: how much each field varies at them.
    - `sides`: which sides of the domain are open, 0 for the lower one.
    """

    times: Float[Array | np.ndarray, " time"]
    mean: Float[Array | np.ndarray, "side field time"]
    modes: Float[Array | np.ndarray, "mode side field time"]
    length: Float[Array | np.ndarray, ""] | float
    scatter: Float[Array | np.ndarray, " field"]
    sides: tuple[int, ...] = eqx.field(static=True)


class Forward(eqx.Module):
    """The map from unknowns to runs.

    **Attributes:**

    - `shape`: what the law is made of.
    - `settings`: how it is solved, on cells of length 1.
    - `center`, `spread`: of the coefficients of the law.
    - `first`: the mean of the first state, shape (field, cells).
    - `first_modes`: what the unknowns add to it.
    - `least`: what no first state and no state of an open end is below, for each field.
    - `ends`: the open ends, or `None` if there are none; at the others the boundary of the
      settings' grid holds.
    """

    shape: LawShape
    settings: SolverSettings
    center: Float[Array | np.ndarray, " coefficient"]
    spread: Float[Array | np.ndarray, " coefficient"]
    first: Float[Array | np.ndarray, "field cells"]
    first_modes: Float[Array | np.ndarray, "mode field cells"]
    least: Float[Array | np.ndarray, " field"]
    ends: Ends | None = None

    @property
    def size(self) -> int:
        """The number of unknowns."""
        ends = 0 if self.ends is None else self.ends.modes.shape[0]
        return self.center.shape[0] + self.first_modes.shape[0] + ends

    def coefficients(
        self, z: Float[Array | np.ndarray, " unknown"]
    ) -> Float[Array | np.ndarray, " coefficient"]:
        return self.center + self.spread * z[: self.center.shape[0]]

    def law(self, z: Float[Array | np.ndarray, " unknown"]) -> FittedLaw:
        return self.shape.law(self.coefficients(z))

    def problem(self, z: Float[Array, " unknown"]) -> tuple[Problem, Float[Array, "field fine"]]:
        """What is solved, and the state that it starts from."""
        laws, firsts = self.center.shape[0], self.first_modes.shape[0]
        factor = self.settings.refinement
        first = self.first + jnp.tensordot(z[laws : laws + firsts], self.first_modes, axes=1)
        first = _not_below(self.least[:, None], first)
        start = prolong(jnp.asarray(first), self.settings.grid, factor, self.shape.negated)
        flux = self.settings.numerical_flux(self.law(z))
        return Problem(flux, self.grid(z).refine(factor)), start

    def grid(self, z: Float[Array | np.ndarray, " unknown"]) -> Grid:
        """The cells of the data, with what the unknowns say of the ends."""
        grid = self.settings.grid
        if self.ends is None:
            return grid
        after = self.center.shape[0] + self.first_modes.shape[0]
        states = self.ends.mean + jnp.tensordot(z[after:], self.ends.modes, axes=1)
        states = _not_below(self.least[None, :, None], states)
        ends = list(grid.boundary[0])
        for state, side in zip(states, self.ends.sides, strict=True):
            ends[side] = Given(self.ends.times, state)
        return Grid(grid.lower, grid.upper, grid.shape, ((ends[0], ends[1]),))


def on_other_cells(
    forward: Forward,
    z: Float[np.ndarray, " unknown"],
    intervals: Float[np.ndarray, " interval"],
    max_steps: int,
) -> Float[np.ndarray, "time field cells"]:
    """The states of `run` on another internal grid (see `SolverSettings.on_other_cells`)."""
    other = dataclasses.replace(forward, settings=forward.settings.on_other_cells())
    free = _free(other)
    # No derivative is asked for; the program is the one of a search that tries finer grids.
    nothing = np.zeros((_chunk_size(free), other.size))
    return np.asarray(_run(other, z, nothing, intervals, max_steps)[0])


def _free(forward: Forward) -> np.ndarray:
    """The unknowns that change anything."""
    others = forward.size - len(forward.spread)
    return np.flatnonzero(np.concatenate([forward.spread, np.ones(others)]))


def _chunk_size(free: np.ndarray) -> int:
    return _FEW_DIRECTIONS if len(free) <= _FEW_DIRECTIONS else _MANY_DIRECTIONS


def _not_below(least, states):
    # Not the maximum: its derivative is one half where a state is at the bound, as empty ones are.
    return jnp.where(states < least, least, states)


def run(
    forward: Forward,
    z: Float[np.ndarray, " unknown"],
    intervals: Float[np.ndarray, " interval"],
    max_steps: int,
) -> tuple[
    Float[np.ndarray, "time field cells"], Float[np.ndarray, "time unknown field cells"], int
]:
    """The states at the first time and after each interval, their derivatives by all unknowns, and
    the largest number of steps that an interval took."""
    free = _free(forward)
    size = _chunk_size(free)
    chunks = [free[k : k + size] for k in range(0, max(len(free), 1), size)]

    def along(chunk):
        directions = np.zeros((size, forward.size))
        directions[np.arange(len(chunk)), chunk] = 1.0
        return tuple(map(np.asarray, _run(forward, z, directions, intervals, max_steps)))

    parts = on_all_cores(along, chunks)
    states, first, steps = parts[0]
    derivatives = np.zeros((first.shape[0], forward.size, *first.shape[2:]))
    for chunk, (_, found, _) in zip(chunks, parts, strict=True):
        derivatives[:, chunk] = found[:, : len(chunk)]
    return states, derivatives, int(steps)


@stored_jit
def _run(forward, z, directions, intervals, max_steps):
    def along(direction):
        return eqx.filter_jvp(forward.problem, (z,), (direction,))

    (problem, start), (changes, first) = jax.vmap(along, out_axes=(None, 0))(directions)
    settings = forward.settings
    rate = jnp.asarray(-1.0)
    states, derivatives, steps = solve_with_derivatives(
        problem, changes, start, first, intervals, settings.control, rate, max_steps
    )
    states = jnp.concatenate([start[None], states])
    derivatives = jnp.concatenate([first[None], derivatives])
    factor = settings.refinement
    return restrict(states, factor), restrict(derivatives, factor), steps
