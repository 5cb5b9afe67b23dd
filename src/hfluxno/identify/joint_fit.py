"""What joint estimates of a context find: one kind of law, and the best."""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfluxno.identify.estimate import Estimate
from hfluxno.identify.prior import Kind


class Option(NamedTuple):
    """An estimate and the kind of its law."""

    estimate: Estimate
    kind: Kind

    @property
    def evidence(self) -> float:
        return self.estimate.evidence

    @property
    def refinement(self) -> int:
        return self.estimate.forward.settings.refinement

    def __str__(self) -> str:
        return f"{self.kind}" + ("" if self.refinement == 1 else f", grid ×{self.refinement}")


@dataclasses.dataclass(frozen=True)
class JointFit:
    """The best joint estimate of a context.

    - `estimate`: over all frames.
    - `kind`: the kind of its law; in words if the law was given.
    - `tried`: the kinds with their evidence.
    - `held_out`: the first frame of the last quarter.
    - `predicted`: what would be measured of the run of an estimate that did not use that quarter,
      or `None`.
    """

    estimate: Estimate
    kind: Kind | str
    tried: tuple[tuple[str, float], ...]
    held_out: int
    predicted: Float[np.ndarray, "time quantity cells"] | None
