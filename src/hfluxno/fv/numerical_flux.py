"""The interface of a numerical flux: fluxes at cell interfaces from the states around them.

Classical schemes and learned flux operators share it, so the conservative step and the solver serve
both.
"""

import abc
import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from hfluxno.laws.base import ConservationLaw

Number = Float[Array, ""]
# Averages over cells, those with ghost cells at both ends of the last axis, and the fluxes between.
Cells = Float[Array, "field *space"]
Padded = Float[Array, "field *padded"]
Interfaces = Float[Array, "field *interfaces"]


class NumericalFlux(eqx.Module):
    """F_{i+1/2} at the N + 1 interfaces of N cells, from N + 2 `ghost` cells along the last axis.

    **Attributes:**

    - `ghost`: the number of ghost cells read on each side.
    - `integrator`: the Runge-Kutta scheme it is made for (see [`step`][hfluxno.fv.step]).
    - `negated_fields`: the fields that a wall reflects with the opposite sign.
    - `axes`: the number of space axes; only `along(a)`, the flux along one of them, is called.
    """

    @property
    @abc.abstractmethod
    def ghost(self) -> int: ...

    @property
    @abc.abstractmethod
    def integrator(self) -> str: ...

    @property
    @abc.abstractmethod
    def negated_fields(self) -> tuple[int, ...]: ...

    @property
    def axes(self) -> int:
        return 1

    def along(self, axis: int) -> "NumericalFlux":
        """The numerical flux along one axis."""
        return self

    @property
    def rowwise(self) -> bool:
        """Whether rows along the last axis are independent, so they may hold any states."""
        return True

    def source(self, u: Cells, x: Float[Array, "axis *cells"], t: Number) -> Cells | None:
        """The source of each cell, or `None`."""
        return None

    def confined(self, before: Cells, after: Cells) -> Cells:
        """What a source leaves of the states `before` it, within bounds if there are any."""
        return after

    def diffusive(self, cells: Cells, dx: float) -> Interfaces | float:
        """The part of the flux that is due to a gradient between these cells."""
        return 0.0

    def diffusion_rate(self, padded: Padded, dx: float) -> Number:
        """The largest 2ν/Δx²."""
        return jnp.zeros((), padded.dtype)

    @abc.abstractmethod
    def __call__(self, padded: Padded, dt: Number, dx: float) -> Interfaces:
        """The fluxes over one step of length `dt`."""

    def fallbacks(self, padded: Padded) -> Int[Array, ""]:
        """The number of cells in which a scheme of lower order must take over."""
        return jnp.asarray(0)

    @abc.abstractmethod
    def speed(self, padded: Padded, dx: float) -> Number:
        """The speed that limits a step: the CFL number is dt·speed/dx."""


class LawFlux(NumericalFlux):
    """A numerical flux that belongs to a law.

    - `law`: the conservation law.
    """

    law: eqx.AbstractVar[ConservationLaw]

    @property
    def axes(self) -> int:
        return self.law.axes

    def along(self, axis: int) -> "LawFlux":
        return self if self.axes == 1 else dataclasses.replace(self, law=self.law.along(axis))

    @property
    def negated_fields(self) -> tuple[int, ...]:
        return self.law.negated_fields

    @property
    def rowwise(self) -> bool:
        return self.law.rowwise

    def source(self, u: Cells, x: Float[Array, "axis *cells"], t: Number) -> Cells | None:
        return self.law.source(u, x, t)

    def confined(self, before: Cells, after: Cells) -> Cells:
        return self.law.confined(before, after)

    def diffusive(self, cells: Cells, dx: float) -> Interfaces | float:
        return diffusive_flux(self.law, cells, dx)

    def diffusion_rate(self, padded: Padded, dx: float) -> Number:
        nu = self.law.diffusivity(padded)
        return jnp.zeros((), padded.dtype) if nu is None else largest(2.0 * nu) / dx**2


def interior(values: Shaped[Array, "... cells"], width: int) -> Shaped[Array, "... inner"]:
    """The array without `width` entries at both ends of the last axis."""
    return values[..., width : values.shape[-1] - width]


def diffusive_flux(
    law: ConservationLaw, cells: Float[Array, "field *cells"], dx: float
) -> Interfaces | float:
    """-ν(u) ∂x u at the interfaces between cells, centred, with the mean of both diffusivities."""
    nu = law.diffusivity(cells)
    if nu is None:
        return 0.0
    return -0.5 * (nu[..., :-1] + nu[..., 1:]) * (cells[..., 1:] - cells[..., :-1]) / dx


def limiting_speed(law: ConservationLaw, advective: Number, padded: Padded, dx: float) -> Number:
    """The larger of the advective speed and 2ν/Δx, whose CFL number is 2νΔt/Δx²."""
    nu = law.diffusivity(padded)
    return advective if nu is None else jnp.maximum(advective, largest(2.0 * nu) / dx)


@jax.custom_jvp
def largest(values: Float[Array, "*points"]) -> Number:
    """The maximum, with the derivative of the first value that attains it.

    JAX's own derivative looks for values equal to the maximum. A compiler may recompute them with
    different rounding for the comparison; then none is equal, and it divides by zero.
    """
    return jnp.max(values)


@largest.defjvp
def _largest_jvp(primals, tangents):
    (values,), (tangent,) = primals, tangents
    return jnp.max(values), tangent.reshape(-1)[jnp.argmax(values)]
