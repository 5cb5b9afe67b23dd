"""What is conserved in place of a measured flow: y = q + ρ p(ρ) (Aw, Rascle and Zhang).

See `hfluxno.laws.aw_rascle_zhang` for the law, and `hfluxno.identify.second_order_fit` for how p is
found.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from hfluxno.identify.monomials import added
from hfluxno.trajectory import Trajectory

# The field that takes the place of the flow.
NAME = "y"
# The number of powers of p.
POWERS = 3


@dataclasses.dataclass(frozen=True)
class SecondOrder:
    """The change from measured to conserved fields.

    - `density`, `flow`: the names of ρ and q.
    - `place`: that of q among the two fields.
    - `pressure`: the p_k of p(ρ) = Σ_k p_k (ρ/scale)^k from k = 1 on, in units of q/ρ.
    - `scale`: a density.
    """

    density: str
    flow: str
    place: int
    pressure: tuple[float, ...]
    scale: float

    @property
    def fields(self) -> tuple[str, ...]:
        """The measured fields."""
        pair = (self.density, self.flow)
        return pair if self.place == 1 else pair[::-1]

    def conserved(
        self, values: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        """The values with y in place of q."""
        return self._plus(values, 1.0)

    def measured(
        self, states: Float[np.ndarray, "*batch field cells"]
    ) -> Float[np.ndarray, "*batch field cells"]:
        """The states with q in place of y."""
        return self._plus(states, -1.0)

    def context(self, measured: Trajectory) -> Trajectory:
        """The context of the conserved fields."""
        fields = tuple(NAME if name == self.flow else name for name in measured.fields)
        values = self.conserved(np.asarray(measured.values, np.float64))
        units = tuple(self.units(dict(measured.units)).items())
        return dataclasses.replace(measured, values=values, fields=fields, units=units)

    def units(self, known: Mapping[str, str]) -> dict[str, str]:
        """Those of the conserved fields: y is a flow, too."""
        return {NAME if name == self.flow else name: unit for name, unit in known.items()}

    def __str__(self) -> str:
        numbers = [c / self.scale**k for k, c in enumerate(self.pressure, 1)]
        parts = [(c, self.density + power) for c, power in zip(numbers, "²³⁴", strict=True)]
        return f"{NAME} = {self.flow} + {added(parts)}".replace("+ -", "- ")

    def _plus(self, values: np.ndarray, sign: float) -> np.ndarray:
        density, found = values[..., 1 - self.place, :], np.array(values)
        pressure = np.polynomial.Polynomial([0.0, *self.pressure])(density / self.scale)
        found[..., self.place, :] += sign * density * pressure
        return found
