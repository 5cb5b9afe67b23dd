"""What is conserved in place of a measured flow: y = q + ρ p(ρ) (Aw, Rascle and Zhang).

See `hfluxno.laws.aw_rascle_zhang` for the law, and `hfluxno.identify.frames.second_order_fit` for
how p is found.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.change import (
    AT_ANY_PLACE,
    Change,
    MomentumOfVelocity,
    larger_beside,
)

# The field that takes the place of the flow.
NAME = "y"
# From this exponent on, p(0) = 0.
_SHORT = 0.5


@dataclasses.dataclass(frozen=True)
class SecondOrder(Change):
    """The conserved y in the place of a measured flow.

    - `density`, `flow`: the names of ρ and q.
    - `place`: that of q among the two fields.
    - `strength`, `exponent`, `scale`: c, γ and ρ₀ of p(ρ) = c ((ρ/ρ₀)^γ - 1)/γ, in units of q/ρ,
      1 and of ρ; c ln(ρ/ρ₀) if γ is zero.
    """

    density: str
    flow: str
    place: int
    strength: float
    exponent: float
    scale: float

    @property
    def replaced(self) -> str:
        return self.flow

    @property
    def name(self) -> str:
        return NAME

    def pressure(self, density: Float[np.ndarray, "*points"]) -> Float[np.ndarray, "*points"]:
        """p(ρ); c (ρ/ρ₀)^γ/γ, which is shorter, from γ = ½ on."""
        relative = density / self.scale
        if self.exponent == 0.0:
            return self.strength * np.log(relative)
        return self.strength * (relative**self.exponent - self._offset) / self.exponent

    def conserved(
        self, values: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        return self._plus(values, 1.0)

    def measured(
        self, states: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        return self._plus(states, -1.0)

    def divided(
        self, values: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        """½ (ρ p)'' times the variance of ρ within a cell."""
        density, found = values[..., 1 - self.place, :], np.zeros_like(values)
        variance = AT_ANY_PLACE * larger_beside(np.diff(density, axis=-1)) ** 2
        relative = density / self.scale
        slope = self.strength * relative ** (self.exponent - 1.0) / self.scale
        found[..., self.place, :] = 0.5 * (1.0 + self.exponent) * slope * variance
        return found

    def unit(self, known: Mapping[str, str]) -> str:
        return known.get(self.flow, "")  # y is a flow, too

    def __str__(self) -> str:
        density, c, power = self.density, self.strength, f"^{self.exponent + 1.0:.4g}"
        if self.exponent == 0.0:
            added = f"{c:.4g} {density} ln({density}/{self.scale:.4g})"
        elif self._offset:
            relative = f"({density}/{self.scale:.4g})^{self.exponent:.4g}"
            added = f"{c / self.exponent:.4g} {density} ({relative} - 1)"
        else:
            power = {"^2": "²", "^3": "³"}.get(power, power)
            added = f"{c / self.exponent / self.scale**self.exponent:.4g} {density}{power}"
        return f"{NAME} = {self.flow} + {added}".replace("+ -", "- ")

    @property
    def _offset(self) -> float:
        return 1.0 if self.exponent < _SHORT else 0.0

    def _plus(self, values: np.ndarray, sign: float) -> np.ndarray:
        density, found = values[..., 1 - self.place, :], np.array(values)
        found[..., self.place, :] += sign * density * self.pressure(density)
        return found


KnownChange = MomentumOfVelocity | SecondOrder
