"""What the identification of a law on a plane returns."""

import dataclasses

import numpy as np

from hfluxno.identify.monomials import written_sum
from hfluxno.identify.plane.error_bars import PlaneTerm
from hfluxno.identify.plane.law import FittedPlaneLaw
from hfluxno.identify.recognised import Recognised
from hfluxno.identify.status import FitStatus


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
    - `momentum`: the names of the components of the momentum, declared or inferred, or `None`.
    - `isotropic`: whether the flux along y is that along x turned by a right angle, and all others
      too.
    - `recognised`: the law by its name, or `None` where no known law fits.
    - `terms`: the terms as they were found without a name, with their uncertainty.
    - `refinement`: the number of internal cells along each axis of a cell of the data.
    - `grid_law`: the law in cells and frames.
    """

    law: FittedPlaneLaw
    status: FitStatus
    backtest_error: float
    persistence_error: float
    misfit: float
    momentum: tuple[str, str] | None
    isotropic: bool
    recognised: Recognised | None
    terms: tuple[PlaneTerm, ...]
    refinement: int
    grid_law: FittedPlaneLaw = dataclasses.field(repr=False)

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
        figures = (
            f"the law leaves {100 * self.misfit:.2g} % of what moves, back-test error "
            f"{100 * self.backtest_error:.2g} %, of repeating a frame "
            f"{100 * self.persistence_error:.2g} %"
        )
        name = "no known law" if self.recognised is None else str(self.recognised)
        return f"{self.status.sentence} ({figures}); {name}"


def _sum(law: FittedPlaneLaw, axis: int, field: int) -> str:
    row = np.asarray(law.coefficients, float)[axis, field]
    return written_sum(law.basis, row, law.fields)
