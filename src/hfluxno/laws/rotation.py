"""A density that rotates around a point."""

import numpy as np

from hfluxno.grid import Grid
from hfluxno.laws.base import ConservationLaw, coefficient
from hfluxno.laws.by_axis import ByAxis
from hfluxno.laws.cubic import Cubic
from hfluxno.laws.place import LawByPlace


def rotation(grid: Grid, rate: float = 1.0, center: tuple[float, float] = (0.0, 0.0)) -> ByAxis:
    """∂t u - ∂x(ω (y - y₀) u) + ∂y(ω (x - x₀) u) = 0 on a grid of two axes.

    Every profile turns around (x₀, y₀) by the angle ω t and keeps its shape. The velocity depends
    on place, so it needs a scheme that evaluates the law only at the interfaces (`Rusanov`,
    `MUSCL`).

    - `rate`: ω, in radians per unit time.
    - `center`: (x₀, y₀).
    """
    linear = Cubic(a=coefficient(0.0), b=coefficient(0.0), c=coefficient(1.0))
    parts: list[ConservationLaw] = []
    for axis, sign in ((0, -1.0), (1, 1.0)):
        across = 1 - axis
        velocity = sign * rate * (grid.centers(across) - center[across])
        # Constant along the axis, so one number serves all interfaces of a row.
        factor = velocity[:, None]
        parts.append(LawByPlace(("u",), linear, factor, np.zeros(1)))
    return ByAxis(tuple(parts))
