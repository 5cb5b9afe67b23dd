"""The change from measured fields to those that a law conserves.

A velocity u that carries a density h, ∂t h + ∂x (h u) = 0, obeys a conservation law as long as the
fields are smooth, but not across shocks. The momentum m = h u does.
"""

import abc
import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from hfluxno.trajectory import Trajectory
from hfluxno.units import of_flux

# What a jump at any place of a cell makes, on average, of the product of its parts: θ (1 - θ).
AT_ANY_PLACE = 1.0 / 6.0


class Change(abc.ABC):
    """The change from measured to conserved fields, two of them.

    - `density`: the name of the field that is both.
    - `place`: that of the other among the two fields.
    """

    density: str
    place: int

    @property
    @abc.abstractmethod
    def replaced(self) -> str:
        """The measured field that is not conserved."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The conserved one in its place."""

    @abc.abstractmethod
    def conserved(
        self, values: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        """The conserved fields at measured values."""

    @abc.abstractmethod
    def measured(
        self, states: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        """The measured fields at states of the law."""

    @abc.abstractmethod
    def divided(
        self, values: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        """How far the means of the conserved fields over cells may be from those computed of means
        of the measured ones, zero for the density: by a jump to one of the neighbours, at any place
        of a cell."""

    def deviation(
        self,
        states: Float[np.ndarray, "*batch field cells"],
        of_states: Float[np.ndarray, "*batch field cells"],
    ) -> Float[np.ndarray, "*batch field cells"]:
        """Standard deviations of the measured fields by those of the states, which count as
        independent."""
        own = np.eye(2, dtype=bool)[:, :, None]
        measured = self.measured(states)
        changes = (self.measured(states + np.where(i, of_states, 0.0)) - measured for i in own)
        return np.sqrt(sum(change**2 for change in changes))

    @abc.abstractmethod
    def unit(self, known: Mapping[str, str]) -> str:
        """That of the conserved field, of the known ones of the measured fields; empty if one is
        not known."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The measured fields."""
        return self._pair(self.replaced)

    @property
    def conserved_fields(self) -> tuple[str, ...]:
        """Those of the law."""
        return self._pair(self.name)

    def context(self, measured: Trajectory) -> Trajectory:
        """The context of the conserved fields."""
        values = self.conserved(np.asarray(measured.values, np.float64))
        units = tuple(self.units(dict(measured.units)).items())
        return dataclasses.replace(
            measured, values=values, fields=self.conserved_fields, units=units
        )

    def units(self, known: Mapping[str, str]) -> dict[str, str]:
        """Those of the conserved fields, and of the axes."""
        found = {name: unit for name, unit in known.items() if name != self.replaced}
        return found | ({self.name: unit} if (unit := self.unit(known)) else {})

    def _pair(self, other: str) -> tuple[str, ...]:
        return (self.density, other) if self.place == 1 else (other, self.density)


@dataclasses.dataclass(frozen=True)
class MomentumOfVelocity(Change):
    """The momentum m = h u instead of a velocity.

    - `density`, `velocity`: the names of h and u.
    - `place`: that of u among the two fields.
    """

    density: str
    velocity: str
    place: int

    @property
    def replaced(self) -> str:
        return self.velocity

    @property
    def name(self) -> str:
        return next(each for each in ("m", "q", "M") if each not in self.fields)

    def conserved(
        self, values: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        found = np.array(values)
        found[..., self.place, :] *= values[..., 1 - self.place, :]
        return found

    def measured(
        self, states: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        """The measured fields at states of the law; nothing moves where there is no density."""
        density, found = states[..., 1 - self.place, :], np.array(states)
        there = np.isnan(density) | (density > 0.0)
        momentum = np.where(there, found[..., self.place, :], 0.0)
        found[..., self.place, :] = momentum / np.where(there, density, 1.0)
        return found

    def divided(
        self, values: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        """The covariance of h and u within a cell. (Velocities that are momenta over densities have
        none.)"""
        found = np.zeros_like(values)
        steps = np.prod(np.diff(values, axis=-1), axis=-2)
        found[..., self.place, :] = AT_ANY_PLACE * larger_beside(steps)
        return found

    def unit(self, known: Mapping[str, str]) -> str:
        of_density, of_velocity = (known.get(each, "") for each in (self.density, self.velocity))
        return of_flux(of_density, of_velocity) if of_density and of_velocity else ""

    def __str__(self) -> str:
        return f"{self.name} = {self.density}·{self.velocity}"


def larger_beside(steps: Float[np.ndarray, "*batch faces"]) -> Float[np.ndarray, "*batch cells"]:
    """For each cell that of the values at its two faces that is larger in size; the first and the
    last cell have one face."""
    none = np.zeros_like(steps[..., :1])
    left, right = np.concatenate([none, steps], -1), np.concatenate([steps, none], -1)
    return np.where(np.abs(left) > np.abs(right), left, right)
