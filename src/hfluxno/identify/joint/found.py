"""What joint estimates of a context find: one kind of law, and the best."""

import dataclasses
from typing import NamedTuple

from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.windows import Prediction
from hfluxno.trajectory import Trajectory

# The most steps between two frames, and the most values of which derivatives are taken in all steps
# of a run: such a run takes about ten seconds.
_MOST_STEPS, _MOST_WORK = 600, 1e8


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


def takes_long(option: Option, context: Trajectory, factor: int) -> bool:
    """Whether an estimate of the same kind on cells shorter by this factor would take long."""
    forward = option.estimate.forward
    settings = dataclasses.replace(forward.settings, refinement=factor)
    # Diffusion needs four times the steps on cells of half the length.
    power = 2 if option.kind.diffusion else 1
    of_one_cell = option.estimate.steps / option.refinement**power

    def steps(refinement: int) -> float:
        return of_one_cell * refinement**power

    derived = settings.of_derivatives().refinement
    work = len(forward.free) * context.states.values.size * derived * steps(derived)
    return steps(factor) > _MOST_STEPS or work > _MOST_WORK


@dataclasses.dataclass(frozen=True)
class JointFit:
    """The best joint estimate of a context.

    - `estimate`: over all frames.
    - `kind`: the kind of its law; in words if the law was given.
    - `tried`: the kinds with their evidence.
    - `held_out`: the first frame of the last quarter.
    - `predicted`: the same measurements according to an estimate that did not use that quarter, or
      `None`.
    """

    estimate: Estimate
    kind: Kind | str
    tried: tuple[tuple[str, float], ...]
    held_out: int
    predicted: Prediction | None
