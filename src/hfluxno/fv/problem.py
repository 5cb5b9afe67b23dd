"""What is solved, and the numbers in it that change."""

import equinox as eqx
import jax

from hfluxno.fv.numerical_flux import NumericalFlux
from hfluxno.grid import Grid


class Problem(eqx.Module):
    """A scheme on a grid.

    - `numerical_flux`: the scheme; its numbers are arrays of the precision of the states.
    - `grid`: the cells and their boundaries.
    """

    numerical_flux: NumericalFlux
    grid: Grid


def split(problem: Problem, changes: Problem) -> tuple[Problem, Problem]:
    """The numbers of a problem that have changes, with `None` elsewhere, and all others."""
    changing = jax.tree.map(lambda c: c is not None, changes, is_leaf=lambda c: c is None)
    return eqx.partition(problem, changing)
