"""A known law: its name and its coefficient."""

import dataclasses

from hfluxno.plural import percent


@dataclasses.dataclass(frozen=True)
class Recognised:
    """A known law.

    - `name`: of the law.
    - `symbol`: of its coefficient; empty if the law has a function instead.
    - `value`, `deviation`: of the coefficient and its standard deviation.
    - `misfit`, `without`: its misfit, and that of the law that was fitted freely: on a plane to the
      weak equations, root mean square relative to their right-hand side; on a line to the context,
      in standard deviations of the fields.
    """

    name: str
    symbol: str
    value: float
    deviation: float
    misfit: float
    without: float

    @property
    def short(self) -> str:
        """The name and the coefficient."""
        if not self.symbol:
            return self.name
        return f"{self.name}, {self.symbol} = {self.value:.5g} ± {self.deviation:.1g}"

    def __str__(self) -> str:
        return (
            f"{self.short} (misfit {percent(self.misfit)}, of the free law {percent(self.without)})"
        )
