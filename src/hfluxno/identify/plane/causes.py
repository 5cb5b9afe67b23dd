"""What a law on a plane lacks, according to the weak form."""

from typing import NamedTuple

from hfluxno.identify.plane.dispersion import NO_DISPERSION, Dispersion, dispersion
from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.residual import UNCHANGED, ScaleInTime, scale_in_time
from hfluxno.parametric.plane.law import FittedPlaneLaw


class Causes(NamedTuple):
    """A factor that changes in time, and dispersion; by default neither."""

    scale_in_time: ScaleInTime = UNCHANGED
    dispersion: Dispersion = NO_DISPERSION

    @property
    def matter(self) -> bool:
        """Whether the law lacks one of them."""
        return self.scale_in_time.matters or self.dispersion.matters

    def __str__(self) -> str:
        return "; ".join(str(each) for each in self if each.matters)


NONE = Causes()


def causes_of(law: FittedPlaneLaw, seen: Frames) -> Causes:
    return Causes(scale_in_time(law, seen), dispersion(law, seen))
