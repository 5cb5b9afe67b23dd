"""A uniform cell-centred grid and its boundary conditions.

Cell i of N on [lower, upper] has the centre x_i = lower + (i + 1/2) Δx, Δx = (upper - lower)/N.
A boundary condition is a rule that fills ghost cells, so no scheme has to know which one holds.
"""

from typing import Literal, get_args

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Boundary = Literal["periodic", "outflow", "reflecting", "inflow"]
BOUNDARIES: tuple[str, ...] = get_args(Boundary)


class Grid(eqx.Module):
    """A uniform grid of cells, one entry of each tuple per space dimension.

    **Attributes:**

    - `lower`, `upper`: the ends of the domain, in the units of the coordinate.
    - `shape`: the number of cells along each axis.
    - `boundary`: a pair of names (lower side, upper side) per axis. `periodic` joins the two
      sides, `outflow` repeats the outermost cell, `reflecting` is a wall (see
      [`pad`][hfluxno.grid.pad]), and `inflow` holds a given state outside of the domain.
    - `inflow`: the states (field, side) outside of an `inflow` boundary, for one-dimensional
      grids; `None` where no side has inflow.
    """

    lower: tuple[float, ...] = eqx.field(static=True)
    upper: tuple[float, ...] = eqx.field(static=True)
    shape: tuple[int, ...] = eqx.field(static=True)
    boundary: tuple[tuple[Boundary, Boundary], ...] = eqx.field(static=True)
    inflow: Float[Array | np.ndarray, "field 2"] | None = None

    def __check_init__(self):
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
        for pair in self.boundary:
            for name in pair:
                if name not in BOUNDARIES:
                    raise ValueError(
                        f"Unknown boundary {name!r}; choose one of {', '.join(BOUNDARIES)}."
                    )
            if (pair[0] == "periodic") != (pair[1] == "periodic"):
                raise ValueError(
                    "A periodic boundary joins both sides: make both of them periodic or neither."
                )
        if any("inflow" in pair for pair in self.boundary) and self.inflow is None:
            raise ValueError(
                "An inflow boundary needs the state outside of the domain: pass "
                "inflow=array of shape (field, 2), one column per side."
            )

    @classmethod
    def interval(
        cls,
        cells: int,
        lower: float = 0.0,
        upper: float = 1.0,
        boundary: Boundary | tuple[Boundary, Boundary] = "periodic",
        inflow: Float[Array | np.ndarray, "field 2"] | None = None,
    ) -> "Grid":
        """A one-dimensional grid of `cells` cells on [`lower`, `upper`]."""
        pair = (boundary, boundary) if isinstance(boundary, str) else (boundary[0], boundary[1])
        return cls((float(lower),), (float(upper),), (int(cells),), (pair,), inflow)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Δx of each axis."""
        return tuple(
            (high - low) / cells
            for low, high, cells in zip(self.lower, self.upper, self.shape, strict=True)
        )

    def centers(self, axis: int = 0) -> np.ndarray:
        """The cell centres along one axis, shape (cells,), in float64."""
        dx = self.spacing[axis]
        return self.lower[axis] + dx * (np.arange(self.shape[axis]) + 0.5)

    def refine(self, factor: int) -> "Grid":
        """The grid in which every cell is split into `factor` cells along each axis."""
        return Grid(
            self.lower,
            self.upper,
            tuple(factor * cells for cells in self.shape),
            self.boundary,
            self.inflow,
        )


def pad(
    u: Float[Array, "field *space"],
    grid: Grid,
    ghost: int,
    odd_fields: tuple[int, ...] = (),
    axis: int = 0,
) -> Float[Array, "field *padded"]:
    """Adds `ghost` cells on both sides of one space axis of the grid, whose axes are the last ones.

    A `reflecting` wall mirrors the cells next to it and changes the sign of the fields with the
    indices `odd_fields`, those that point along the axis (a momentum). The mirror image is what
    makes the wall's flux of every even field vanish (LeVeque, Finite Volume Methods for
    Hyperbolic Problems, 2002, section 7.3.3).
    """
    position = u.ndim - len(grid.shape) + axis
    left, right = grid.boundary[axis]
    if left == "periodic":
        width = [(0, 0)] * u.ndim
        width[position] = (ghost, ghost)
        return jnp.pad(u, width, mode="wrap")
    first = jnp.moveaxis(u, position, -1)
    low = _ghost_cells(first[..., :ghost], left, odd_fields, grid.inflow, side=0)
    high = _ghost_cells(first[..., -ghost:], right, odd_fields, grid.inflow, side=1)
    return jnp.moveaxis(jnp.concatenate([low, first, high], axis=-1), -1, position)


def _ghost_cells(edge, boundary, odd_fields, inflow, side):
    if boundary == "outflow":
        outermost = edge[..., :1] if side == 0 else edge[..., -1:]
        return jnp.broadcast_to(outermost, edge.shape)
    if boundary == "reflecting":
        sign = np.ones(edge.shape[0])
        sign[list(odd_fields)] = -1.0
        shape = (edge.shape[0],) + (1,) * (edge.ndim - 1)
        return jnp.flip(edge, axis=-1) * jnp.asarray(sign.reshape(shape), edge.dtype)
    state = jnp.asarray(inflow)[:, side].astype(edge.dtype)
    return jnp.broadcast_to(state.reshape((-1,) + (1,) * (edge.ndim - 1)), edge.shape)
