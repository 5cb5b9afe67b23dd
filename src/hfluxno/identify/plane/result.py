"""What the identification of a law on a plane returns."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hfluxno.identify.monomials import written_sum
from hfluxno.identify.plane.error_bars import PlaneTerm
from hfluxno.identify.plane.law import FittedPlaneLaw
from hfluxno.identify.plane.saved import to_save
from hfluxno.identify.recognised import Recognised
from hfluxno.identify.status import OF_GIVEN, FitStatus


@dataclasses.dataclass(frozen=True)
class PlaneIdentification:
    """An identified conservation law on a plane and its report.

    **Attributes:**

    - `law`: the law in the units of the data; it can be solved as any other.
    - `status`: whether a conservation law explains the data.
    - `backtest_error`: the relative l2 error on the context's last frames, with coefficients from
      the frames before; which terms there are was decided on all frames.
    - `persistence_error`: the same error of repeating the last frame before them.
    - `misfit`: what the law leaves of the weak equations, root mean square relative to what moves.
    - `isotropic`: whether the flux along y is that along x turned by a right angle, and all others
      too.
    - `recognised`: the law by its name, or `None` where no known law fits.
    - `terms`: the terms as they were found without a name, with their uncertainty.
    - `refinement`: the number of internal cells along each axis of a cell of the data.
    - `grid_law`: the law in cells and frames.
    - `cell`, `interval`: the lengths of a cell and the time between two frames of the context.
    - `is_given`: whether the law was found in another context. Its terms and its name are from
      there, and `backtest_error` is that of the law as it is.
    - `units`: those of the context, by name, as far as they are known.
    """

    law: FittedPlaneLaw
    status: FitStatus
    backtest_error: float
    persistence_error: float
    misfit: float
    isotropic: bool
    recognised: Recognised | None
    terms: tuple[PlaneTerm, ...]
    refinement: int
    grid_law: FittedPlaneLaw = dataclasses.field(repr=False)
    cell: tuple[float, float]
    interval: float
    is_given: bool = False
    units: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)

    def save(self, path: str | Path, units: Mapping[str, str] | None = None) -> None:
        """Writes the law as a JSON file, which [`load_law`][hfluxno.load_law] reads.

        **Arguments:**

        - `units`: by name, of `x`, `y`, `time` and the fields, as far as they are known; those of
          the context if it is `None`.

        **Raises:**

        - `ValueError`, if no law was found, or a unit is of nothing that the law has.
        - `OSError`, if the file cannot be written.
        """
        to_save(self, self.units if units is None else units).save(path)

    @property
    def momentum(self) -> tuple[str, str] | None:
        """The names of the components of the momentum, declared or inferred, or `None`."""
        for first, second in self.law.vectors:
            return self.law.fields[first], self.law.fields[second]
        return None

    @property
    def name(self) -> str:
        """The name of the law and its coefficient, if it has one."""
        return "no known law" if self.recognised is None else self.recognised.short

    @property
    def formulas(self) -> tuple[str, ...]:
        """The equation of each field in the units of the data."""
        return tuple(
            f"∂t {name} + ∂x({_sum(self.law, 0, i)}) + ∂y({_sum(self.law, 1, i)}) = 0"
            for i, name in enumerate(self.law.fields)
        )

    @property
    def sentence(self) -> str:
        """What the status means, with the figures that decided it."""
        if self.status == FitStatus.NOT_CHECKED:
            return f"{self.status.sentence}; {self.name}"
        left = "" if np.isnan(self.misfit) else f"the law leaves {100 * self.misfit:.2g} % of what "
        figures = (
            f"{left and left + 'moves, '}back-test error {100 * self.backtest_error:.2g} %, of "
            f"repeating a frame {100 * self.persistence_error:.2g} %"
        )
        # How well the name fits was found in other data.
        name = self.name if self.recognised is None or self.is_given else str(self.recognised)
        text = OF_GIVEN.get(self.status) if self.is_given else None
        return f"{text or self.status.sentence} ({figures}); {name}"


def _sum(law: FittedPlaneLaw, axis: int, field: int) -> str:
    row = np.asarray(law.coefficients, float)[axis, field]
    return written_sum(law.basis, row, law.fields)
