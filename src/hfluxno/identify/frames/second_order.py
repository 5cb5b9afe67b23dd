"""What is conserved in place of a measured flow, or velocity: y = q + ρ p(ρ), q = ρ v (Aw, Rascle
and Zhang).

See `hfluxno.laws.aw_rascle_zhang` for the law, and `hfluxno.identify.frames.second_order_fit` for
how p is found.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.change import AT_ANY_PLACE, Change, MomentumOfVelocity, larger_beside

# The field that takes the place of the flow.
NAME = "y"
# From this exponent on, p(0) = 0.
_SHORT = 0.5


@dataclasses.dataclass(frozen=True)
class SecondOrder(Change):
    """The conserved y instead of a measured flow or velocity.

    - `density`, `flow`: the names of ρ and q, or v.
    - `place`: that of q or v among the two fields.
    - `strength`, `exponent`, `scale`: c, γ and ρ₀ of p(ρ) = c ((ρ/ρ₀)^γ - 1)/γ, in units of q/ρ,
      1 and of ρ; c ln(ρ/ρ₀) if γ is zero.
    - `of_velocity`: whether v was measured, and not q.
    """

    density: str
    flow: str
    place: int
    strength: float
    exponent: float
    scale: float
    of_velocity: bool = False

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
        values = values if self._momentum is None else self._momentum.conserved(values)
        return self._plus(values, 1.0)

    def measured(
        self, states: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        found = self._plus(states, -1.0)
        return found if self._momentum is None else self._momentum.measured(found)

    def divided(
        self, values: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        """½ (ρ p)'' times the variance of ρ within a cell, and the size of the covariance of ρ and
        v: the two may have opposite signs, but velocities that are flows over densities have none
        of the latter."""
        density, found = values[..., 1 - self.place, :], np.zeros_like(values)
        if self._momentum is not None:
            found = np.abs(self._momentum.divided(values))
        variance = AT_ANY_PLACE * larger_beside(np.diff(density, axis=-1)) ** 2
        relative = density / self.scale
        slope = self.strength * relative ** (self.exponent - 1.0) / self.scale
        found[..., self.place, :] += 0.5 * (1.0 + self.exponent) * slope * variance
        return found

    def unit(self, known: Mapping[str, str]) -> str:
        if self._momentum is not None:
            return self._momentum.unit(known)
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
        flow = f"{density}·{self.flow}" if self.of_velocity else self.flow
        return f"{NAME} = {flow} + {added}".replace("+ -", "- ")

    @property
    def _momentum(self) -> MomentumOfVelocity | None:
        """The flow instead of a velocity."""
        if not self.of_velocity:
            return None
        return MomentumOfVelocity(self.density, self.flow, self.place)

    @property
    def _offset(self) -> float:
        return 1.0 if self.exponent < _SHORT else 0.0

    def _plus(self, values: np.ndarray, sign: float) -> np.ndarray:
        density, found = values[..., 1 - self.place, :], np.array(values)
        found[..., self.place, :] += sign * density * self.pressure(density)
        return found


KnownChange = MomentumOfVelocity | SecondOrder
