"""A uniform cell-centred grid.

Cell i of N on [lower, upper] has the centre x_i = lower + (i + 1/2) Δx, Δx = (upper - lower)/N.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from hfluxno.boundary import BOUNDARIES, Boundary, BoundaryName, Outflow, Periodic, Wall, named
from hfluxno.coordinates import number, whole

Ends = BoundaryName | Boundary | tuple[BoundaryName | Boundary, BoundaryName | Boundary]


def _all_named(axes) -> tuple[tuple[Boundary, Boundary], ...]:
    return tuple((named(low), named(high)) for low, high in axes)


def _both(one_or_two) -> tuple:
    if isinstance(one_or_two, str | type | Boundary):
        return (one_or_two,) * 2
    if not isinstance(one_or_two, Sequence | np.ndarray) or len(one_or_two) != 2:
        raise ValueError(
            f"A boundary is one of {', '.join(BOUNDARIES)}, or an object of hfluxno.boundary, or "
            f"two of these, for the lower and the upper end; got {one_or_two!r}."
        )
    return tuple(one_or_two)


class Grid(eqx.Module):
    """A uniform grid of cells, one entry of each tuple per space dimension.

    **Attributes:**

    - `lower`, `upper`: the ends of the domain, in the units of the coordinate.
    - `shape`: the number of cells along each axis.
    - `boundary`: the [boundaries][hfluxno.boundary] of each axis (lower side, upper side); a name
      becomes the object, if that needs nothing but a name.
    - `solid`: the cells that are walls, if there are any inside the domain. Nothing conserved
      passes into them, and what is stored there has no meaning.
    """

    lower: tuple[float, ...] = eqx.field(static=True)
    upper: tuple[float, ...] = eqx.field(static=True)
    shape: tuple[int, ...] = eqx.field(static=True)
    boundary: tuple[tuple[Boundary, Boundary], ...] = eqx.field(converter=_all_named)
    solid: Bool[Array | np.ndarray, "*space"] | None = None

    def __check_init__(self) -> None:
        if not len(self.lower) == len(self.upper) == len(self.shape) == len(self.boundary):
            raise ValueError(
                "lower, upper, shape and boundary of a grid must have one entry per axis; "
                f"got {len(self.lower)}, {len(self.upper)}, {len(self.shape)} and "
                f"{len(self.boundary)}."
            )
        for low, high, cells in zip(self.lower, self.upper, self.shape, strict=True):
            if not (np.isfinite(low) and np.isfinite(high) and low < high):
                raise ValueError(
                    f"A grid needs finite ends with lower < upper; got [{low}, {high}]."
                )
            if cells < 1:
                raise ValueError(f"A grid needs at least one cell per axis; got {cells}.")
        for first, last in self.boundary:
            if isinstance(first, Periodic) != isinstance(last, Periodic):
                raise ValueError(
                    "A periodic boundary joins both sides: make both of them periodic or neither."
                )
        if self.solid is not None:
            self._check_solid(self.solid)

    def _check_solid(self, solid: Bool[Array | np.ndarray, "*space"]) -> None:
        if len(self.shape) == 1:
            raise ValueError("On a line a wall inside the domain is an end: take each part alone.")
        if solid.shape != self.shape:
            raise ValueError(
                f"Walls inside a domain of {self.shape} cells need one entry per cell; got "
                f"{solid.shape}."
            )
        for end in (end for pair in self.boundary for end in pair):
            if not isinstance(end, Periodic | Outflow | Wall):
                raise ValueError(
                    "With walls inside the domain its sides must be periodic, outflows or walls; "
                    f"got {end.name!r}."
                )
        if isinstance(solid, np.ndarray) and solid.all():
            raise ValueError("All cells of the domain are walls; leave some free.")

    @classmethod
    def interval(
        cls,
        cells: int,
        lower: float = 0.0,
        upper: float = 1.0,
        boundary: Ends = "periodic",
        inflow: Float[Array | np.ndarray, "field 2"] | None = None,
    ) -> "Grid":
        """A one-dimensional grid of `cells` cells on [`lower`, `upper`].

        **Arguments:**

        - `boundary`: an object of [`hfluxno.boundary`][] or its name, one for both ends or two.
        - `inflow`: the states (field, side) outside the ends named `inflow`.
        """
        outside: tuple = (None, None)
        if inflow is not None:
            states = inflow if isinstance(inflow, jax.Array) else np.asarray(inflow, float)
            if states.ndim != 2 or states.shape[1] != 2:
                raise ValueError(
                    f"inflow has the shape {states.shape}; it needs (field, 2): a state for each "
                    "end of the domain, one column per side."
                )
            outside = (states[:, 0], states[:, 1])
        pair = zip(_both(boundary), outside, strict=True)
        low, high = (named(end, state) for end, state in pair)
        ends = (number(lower, "lower"),), (number(upper, "upper"),)
        return cls(*ends, (whole(cells, "cells"),), ((low, high),))

    @classmethod
    def rectangle(
        cls,
        shape: tuple[int, int],
        lower: tuple[float, float] = (0.0, 0.0),
        upper: tuple[float, float] = (1.0, 1.0),
        boundary: BoundaryName | Boundary | tuple[Ends, Ends] = "periodic",
        solid: Bool[Array | np.ndarray, "x y"] | None = None,
    ) -> "Grid":
        """A two-dimensional grid of `shape` cells on [x₀, x₁] × [y₀, y₁].

        **Arguments:**

        - `shape`: the numbers of cells along x and y; the cells need not be square.
        - `lower`, `upper`: (x₀, y₀) and (x₁, y₁).
        - `boundary`: an object of [`hfluxno.boundary`][] or its name for all four sides; or one
          entry for x and one for y, each for both sides or a pair.
        - `solid`: the cells that are walls.
        """
        if not isinstance(shape, Sequence | np.ndarray) or len(shape) != 2:
            raise ValueError(f"The shape is the numbers of cells along x and y; got {shape!r}.")
        along_x, along_y = _both(boundary)
        return cls(
            tuple(float(end) for end in lower),
            tuple(float(end) for end in upper),
            tuple(whole(cells, "cells") for cells in shape),
            (_both(along_x), _both(along_y)),
            solid,
        )

    @property
    def spacing(self) -> tuple[float, ...]:
        """Δx of each axis."""
        return tuple(
            (high - low) / cells
            for low, high, cells in zip(self.lower, self.upper, self.shape, strict=True)
        )

    def is_periodic(self, axis: int = 0) -> bool:
        """Whether the axis is a circle."""
        return isinstance(self.boundary[axis][0], Periodic)

    def has_wall(self) -> bool:
        """Whether at least one end of the first axis is closed."""
        return any(end.is_closed for end in self.boundary[0])

    def ends(self, axis: int = 0) -> tuple[str, str]:
        """The names of the boundaries of one axis."""
        low, high = self.boundary[axis]
        return low.name, high.name

    def centers(self, axis: int = 0) -> np.ndarray:
        """The cell centres along one axis, shape (cells,), in float64."""
        dx = self.spacing[axis]
        return self.lower[axis] + dx * (np.arange(self.shape[axis]) + 0.5)

    @property
    def free(self) -> np.ndarray:
        """Which cells are no walls, for NumPy."""
        if self.solid is None:
            return np.ones(self.shape, bool)
        return ~np.asarray(self.solid)

    def of_unit_cells(self) -> "Grid":
        """The same cells with sides of length 1, from zero on."""
        upper = tuple(map(float, self.shape))
        return dataclasses.replace(self, lower=(0.0,) * len(upper), upper=upper)

    def refine(self, factor: int | tuple[int, ...]) -> "Grid":
        """The grid in which every cell is split into `factor` cells along each axis, or into as
        many as there are for this axis."""
        factors = (factor,) * len(self.shape) if isinstance(factor, int) else factor
        shape = tuple(n * cells for n, cells in zip(factors, self.shape, strict=True))
        solid = self.solid
        if solid is not None:
            for axis, n in enumerate(factors):
                solid = solid.repeat(n, axis)
        return dataclasses.replace(self, shape=shape, solid=solid)


def averaged(values: Any, cells: tuple[int, ...]) -> Any:
    """Averages of (…, *space) over blocks of cells, so that this number of `cells` is left along
    each axis of space; for NumPy or JAX arrays."""
    first = values.ndim - len(cells)
    lead, space = values.shape[:first], values.shape[first:]
    if space == cells:
        return values
    split = [n for few, many in zip(cells, space, strict=True) for n in (few, many // few)]
    within = tuple(range(first + 1, first + len(split), 2))
    return values.reshape(*lead, *split).mean(axis=within)


def pad(
    u: Float[Array, "field *space"],
    grid: Grid,
    ghost: int,
    negated_fields: tuple[int, ...] = (),
    axis: int = 0,
    time: Float[Array, ""] | float = 0.0,
) -> Float[Array, "field *padded"]:
    """Adds `ghost` cells on both sides of one space axis, filled by the boundaries of the grid at
    that time. The space axes are the last ones of `u`.

    - `negated_fields`: the fields that change sign when the axis is reflected (a momentum).
    """
    position = u.ndim - len(grid.shape) + axis
    if grid.is_periodic(axis):
        width = [(0, 0)] * u.ndim
        width[position] = (ghost, ghost)
        return jnp.pad(u, width, mode="wrap")
    first = jnp.moveaxis(u, position, -1)
    left, right = grid.boundary[axis]
    low = left.ghost_cells(first[..., :ghost], 0, negated_fields, time)
    high = right.ghost_cells(first[..., -ghost:], 1, negated_fields, time)
    return jnp.moveaxis(jnp.concatenate([low, first, high], axis=-1), -1, position)
