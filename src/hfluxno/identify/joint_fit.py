"""What a joint estimate of a context found."""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.identify.estimate import Estimate
from hfluxno.identify.prior import Kind


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
