"""A known law: its name and its coefficients."""

import dataclasses
from typing import Any

from hfluxno.plural import percent

# On a plane it is solved as the polynomial nearest to it, which holds in the observed range alone.
BUCKLEY_LEVERETT = "Buckley–Leverett"

# The weak-form residual of a known law may be this multiple of that of the free law.
AS_GOOD = 1.6


@dataclasses.dataclass(frozen=True)
class Coefficient:
    """A coefficient of a known law and its standard deviation."""

    symbol: str
    value: float
    deviation: float

    def __str__(self) -> str:
        return f"{self.symbol} = {self.value:.5g} ± {self.deviation:.1g}"


@dataclasses.dataclass(frozen=True)
class Recognised:
    """A known law.

    - `name`: of the law.
    - `symbol`: of its coefficient; empty if the law has a function instead.
    - `value`, `deviation`: of the coefficient and its standard deviation.
    - `misfit`, `without`: its misfit, and that of the law that was fitted freely: on a plane to the
      weak equations, root mean square relative to their right-hand side; on a line to the context,
      in standard deviations of the fields.
    - `more`: further coefficients.
    - `unit`: of the coefficient; empty if it has none, or nothing is known of the units.
    """

    name: str
    symbol: str
    value: float
    deviation: float
    misfit: float
    without: float
    more: tuple[Coefficient, ...] = ()
    unit: str = ""

    @classmethod
    def upgraded(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Earlier files have one coefficient, without a unit."""
        return {"more": [], "unit": "", **data}

    @property
    def short(self) -> str:
        """The name and the coefficients."""
        if not self.symbol:
            return self.name
        first = Coefficient(self.symbol, self.value, self.deviation)
        return ", ".join([self.name, f"{first} {self.unit}".rstrip(), *map(str, self.more)])

    def __str__(self) -> str:
        return (
            f"{self.short} (misfit {percent(self.misfit)}, of the free law {percent(self.without)})"
        )
