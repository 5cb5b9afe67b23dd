"""A law by its name and its coefficient, as people know it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Recognised:
    """A law with a name.

    **Attributes:**

    - `name`: of the law.
    - `symbol`: of its coefficient; empty where the law has a function in its place.
    - `value`, `deviation`: of the coefficient and its standard deviation.
    - `misfit`, `without`: what it leaves, and what the law leaves that was found without it: on a
      plane of the weak equations, root mean square relative to their right-hand side, and on a line
      of the context, in standard deviations of the fields.
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
            f"{self.short} (it leaves {100 * self.misfit:.2g} %, the law without a name "
            f"{100 * self.without:.2g} %)"
        )
