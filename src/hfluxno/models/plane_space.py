"""The laws on a plane that a network can express, as `hfluxno.models.law_space` has them on a line.

The fluxes of one field are Chebyshev series, one along each axis. Several fields are a fluid: the
momentum transports the density, and the other fluxes are the isotropic ones of the dictionary of a
fluid (`hfluxno.parametric.plane.terms`); for Euler's fields 25 numbers instead of 296, and a law
that turns with the plane. A number is the coefficient of a flux in cells along x and frames, in
half ranges of its field.

Least squares solve the weak form of `hfluxno.parametric.plane.weak_form` within a program, in the
precision of the context: without gaps and walls, and with the functions of averages.
"""

import functools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.grid import Grid
from hfluxno.models.scaling import observed_range
from hfluxno.parametric.basis import Basis, Chebyshev, Dictionary, fluid_exponents
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.plane.terms import Roles, Structure, free_structures, isotropic_structures
from hfluxno.parametric.plane.weak_form import CELLS, INTERVALS, bumps, time_rows, widths
from hfluxno.parametric.weak_form import least_squares

# With few frames the weak form of one field would fit the errors of its quadrature by higher ones.
_FITTED = 4


class PlaneSpace(eqx.Module):
    """A set of laws on a plane, for any context.

    - `fields`: their names.
    - `size`: for one field, the number of Chebyshev functions of each flux.
    - `positive`: for systems, which fields stay away from zero; the first of them is the density.
    - `momentum`: for systems, where the components of the momentum are.
    """

    fields: tuple[str, ...] = eqx.field(static=True)
    size: int = eqx.field(static=True)
    positive: tuple[bool, ...] = eqx.field(static=True)
    momentum: tuple[int, ...] = eqx.field(static=True)

    def __check_init__(self) -> None:
        fields = len(self.fields)
        if fields == 1:
            return
        if len(set(self.momentum)) != 2 or not set(self.momentum) <= set(range(fields)):
            raise ValueError(
                f"The law of {fields} fields on a plane needs to know which two are the momentum "
                f"(momentum); got {self.momentum}."
            )
        if len(self.positive) != fields or not any(self.positive):
            raise ValueError(
                f"The law of {fields} fields on a plane needs to know for each whether it stays "
                f"positive, and the density does; got {self.positive}."
            )

    @property
    def count(self) -> int:
        """The number of parameters."""
        return sum(len(each.names) for each in self._structures)

    def law(
        self,
        context: Float[Array, "time field x y"],
        parameters: Float[Array, " parameter"],
        grid: Grid,
    ) -> FittedPlaneLaw:
        """The law in cells and frames on the range of this context."""
        basis, structures = self._basis(context), self._structures
        middle, half = observed_range(context)
        ends = np.cumsum([len(each.names) for each in structures])[:-1]
        coefficients = jnp.zeros((2, len(self.fields), len(basis.names)), context.dtype)
        for each, part in zip(structures, jnp.split(parameters, ends), strict=True):
            own = np.asarray(each.fields)
            directions = jnp.asarray(each.directions, context.dtype)
            fluxes = jnp.einsum("u,ufak->afk", part, directions) * jnp.max(half[own])
            coefficients = coefficients.at[:, own].set(fluxes)
        # From Δx to the length of a cell along each axis.
        lengths = jnp.asarray([1.0, grid.spacing[0] / grid.spacing[1]], context.dtype)
        return FittedPlaneLaw(
            self.fields,
            basis,
            coefficients * lengths[:, None, None],
            middle - half,
            middle + half,
            (self.momentum,) if len(self.fields) > 1 else (),
            (self._density,) if len(self.fields) > 1 else (),
            is_fluid=len(self.fields) > 1,
        )

    def weak_form(
        self, context: Float[Array, "time field x y"], grid: Grid
    ) -> Float[Array, " parameter"]:
        """The parameters from the weak form; zero if it has no solution."""
        basis = self._basis(context)
        fluxes, changes = _equations(basis, context, grid)
        lengths = np.array([1.0, grid.spacing[0] / grid.spacing[1]])[:, None]
        half = observed_range(context)[1]
        found = []
        for each in self._structures:
            directions = jnp.asarray(each.directions * lengths, context.dtype)
            columns = jnp.einsum("ufak,ake->feu", directions, fluxes)
            if isinstance(basis, Chebyshev):
                fitted = np.arange(len(each.names)) % self.size < _FITTED
                columns = columns * jnp.asarray(fitted, columns.dtype)[None, None]
            own = np.asarray(each.fields)
            rows = columns.reshape(-1, columns.shape[-1]), changes[own].reshape(-1)
            found.append(least_squares(*rows) / jnp.max(half[own]))
        whole = jnp.concatenate(found)
        return jnp.where(jnp.isfinite(whole), whole, 0.0)

    def reach(
        self, context: Float[Array, "time field x y"]
    ) -> tuple[Float[Array, " field"], Float[Array, " field"]]:
        """The states between which the flux may be used: those observed. A frame is too long a step
        for a flux of rows, in which waves pass several of them, to be stable by itself; what leaves
        the range must not feed it."""
        middle, half = observed_range(context)
        return middle - half, middle + half

    @property
    def _density(self) -> int:
        return self.positive.index(True)

    @property
    def _structures(self) -> list[Structure]:
        if len(self.fields) == 1:
            terms = tuple((k,) for k in range(1, self.size + 1))
            return free_structures(Roles(1), terms, self.fields)
        return _isotropic(self.fields, self.momentum, self._density)

    def _basis(self, context: Float[Array, "time field x y"]) -> Basis:
        middle, half = observed_range(context)
        if len(self.fields) == 1:
            return Chebyshev(middle, half, self.size)
        scale = jnp.abs(middle) + half
        vector = np.asarray(self.momentum)
        scale = scale.at[vector].set(jnp.max(scale[vector]))
        return Dictionary(scale, fluid_exponents(len(scale), self._density), self.fields)


@functools.lru_cache
def _isotropic(fields: tuple[str, ...], momentum: tuple[int, ...], density: int) -> list[Structure]:
    first, second = momentum
    roles = Roles(len(fields), (first, second), density)
    found = []
    for each in isotropic_structures(roles, fluid_exponents(len(fields), density), fields):
        # ∂t ρ + c ∇·m = 0, as the contact between two states of a fluid needs it.
        mine = each.fields == (density,)
        found.append(each.keep(np.array(each.names) == "m") if mine else each)
    return found


def _equations(
    basis: Basis, values: Float[Array, "time field x y"], grid: Grid
) -> tuple[Float[Array, "2 function equation"], Float[Array, "field equation"]]:
    """For each test function ∫∫∫ φ_k ψ χ_x η and ∫∫∫ φ_k ψ χ η_y of every function φ_k of the
    basis, and -∫∫∫ u ψ_t χ η of every field; lengths in cells, times in frames."""
    frames, _, *cells = values.shape
    states = jnp.moveaxis(values, 1, 0)
    times = [time_rows(np.arange(float(frames)), n)[:2] for n in widths(INTERVALS, frames - 1)]
    still, moving = (np.concatenate(part) for part in zip(*times, strict=True))
    functions = jnp.einsum("ktxy,st->ksxy", basis(states), jnp.asarray(still, values.dtype))
    states = jnp.einsum("ktxy,st->ksxy", states, jnp.asarray(moving, values.dtype))
    fluxes, changes = [], []
    for width in widths(CELLS, min(cells)):
        along = [bumps(n, width, grid.is_periodic(axis)) for axis, n in enumerate(cells)]
        # All lengths have the same weight.
        scale = 1.0 / np.sqrt(np.sum(along[0][1] ** 2) * np.sum(along[1][0] ** 2))
        (x0, x1, _), (y0, y1, _) = (
            [jnp.asarray(rows, values.dtype) for rows in axis] for axis in along
        )

        def over_cells(u, x, y, scale=scale):
            return scale * jnp.einsum("ksxy,jy,ix->ksij", u, y, x).reshape(len(u), -1)

        fluxes.append(jnp.stack([over_cells(functions, x1, y0), over_cells(functions, x0, y1)]))
        changes.append(-over_cells(states, x0, y0))
    return jnp.concatenate(fluxes, axis=2), jnp.concatenate(changes, axis=1)
