"""Programs of a joint search that are compiled while others run.

Compiling takes most of a first search, and a core that waits could do it. What comes next is known
to a large part: the further kinds of law, and finer grids.
"""

from collections.abc import Callable

from hfluxno.identify.forward import Forward
from hfluxno.identify.forward_runs import prepare
from hfluxno.identify.prior import Kind
from hfluxno.trajectory import Trajectory


class Prepared:
    """Compiles or loads programs in the background.

    - `make`: the forward model of a kind of law on a grid of some refinement.
    - `finer`: the refinements that are tried after the cells of the data.
    """

    def __init__(
        self, make: Callable[[Kind, int], Forward], context: Trajectory, finer: tuple[int, ...]
    ):
        self.make, self.context, self.finer = make, context, finer

    def kind(self, kind: Kind, refinement: int) -> None:
        """What runs of a kind of law on a grid need."""
        target = self.make(kind, refinement)
        prepare(target, target.intervals(target.when(self.context.times)))

    def for_search(self, kinds: tuple[Kind, ...], ranked: bool) -> None:
        """What is needed after the first kind, and, if the others are `ranked` before they are
        tried, the runs with all their terms."""
        for kind in kinds[1:2]:
            for factor in (1, *self.finer[:1]):
                self.kind(kind, factor)
        if ranked:
            every = (kind.with_all_places() for kind in kinds)
            self.kind(max(every, key=lambda kind: kind.source_modes), 1)
        for factor in self.finer[:1]:
            self.kind(kinds[0], factor)
