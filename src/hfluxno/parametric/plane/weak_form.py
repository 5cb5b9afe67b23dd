"""The weak form of a conservation law on a plane, linear in the coefficients of its fluxes.

Multiplied by ψ(t) χ(x) η(y) of compact support and integrated by parts,

    ∫∫∫ u ψ_t χ η + F(u) ψ χ_x η + G(u) ψ χ η_y dx dy dt = 0,

so no derivative falls on the data. With F = Σ C_0k φ_k and G = Σ C_1k φ_k this is one linear
equation per test function (Messenger and Bortz, Multiscale Model. Simul. 19, 2021, 1474-1497).
Sources and diffusion add s(u) ψ χ η + N_0(u) ψ χ_xx η + N_1(u) ψ χ η_yy with N' = ν, which is
linear too, as is dispersion with third derivatives of χ η.

Frames are few, and waves cross several cells from one to the next. A trapezoidal rule over them has
errors of percents, different ones with ψ_t and with ψ, which bias every coefficient. So the
integrals over x and y, smooth functions of time, are interpolated by cubic splines through the
frames, whose products with ψ and ψ_t are integrated exactly.

At sides that are not periodic these test functions vanish, so they hardly see the last two cells.
What a law has there alone, as a supply by place, needs others that the sides cut. Integrated by
parts they would leave terms at the side; instead F is differentiated, as a spline.

Test functions with more than a few missing values in their support, or any wall, are omitted. Times
are in intervals and lengths in cells.
"""

import dataclasses
import operator
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import CubicSpline
from scipy.ndimage import binary_opening

from hfluxno.parametric.weak_form import bump, rows

# Lengths of the supports in steps between frames and in cells.
INTERVALS = (4, 6, 9)
CELLS = (13, 25)
# The fraction of the support of a test function that may be missing; if more is missing everywhere,
# the quarter with the least is used. Values inside a wide gap are guesses and have this weight.
_MISSING, _WIDE = 0.1, 10.0
# The bump in time, (1 - ξ²)^p.
_POWER = 3
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(8)


@dataclasses.dataclass(frozen=True)
class WeakSystem:
    """The normal equations of all fields, for any structure of the law.

    The unknowns of a field are the coefficients of its fluxes along x and then along y; if there
    are sources, then their coefficients, then its diffusivities along x and y and the coefficients
    of its derivatives xxx, xxy, xyy and yyy.

    - `normal`: AᵀA of the equations A c = b with the columns of all fields, which only differ in
      those of its own derivatives at the end: each of all fields, then the next.
    - `right`: Aᵀb, one row per field.
    - `square`: bᵀb of each field.
    - `noise`: the expectation of bᵀb for noise of size 1.
    - `derivatives`: of how many of its own derivatives each field has columns.
    """

    normal: Float[np.ndarray, "unknown unknown_"]
    right: Float[np.ndarray, "field unknown"]
    square: Float[np.ndarray, " field"]
    noise: float = 0.0
    derivatives: int = 0

    def of_field(self, i: int) -> tuple[np.ndarray, np.ndarray, float]:
        """AᵀA, Aᵀb and bᵀb of one field."""
        normal, right, square = self.normal, self.right[i], float(self.square[i])
        if self.derivatives:
            fields, count = len(self.right), len(normal)
            shared = count - self.derivatives * fields
            columns = np.append(np.arange(shared), np.arange(shared + i, count, fields))
            normal, right = normal[np.ix_(columns, columns)], right[columns]
        return normal, right, square

    def squared_residual(self, i: int, x: Float[np.ndarray, " coefficient"]) -> float:
        """‖A x - b‖² of one field."""
        normal, right, square = self.of_field(i)
        return square - 2.0 * x @ right + x @ normal @ x


def weak_systems(
    values: Float[np.ndarray, "time field x y"],
    functions: Sequence[Callable[[np.ndarray], np.ndarray]],
    periodic: tuple[bool, bool],
    at: Float[np.ndarray, " time"] | None = None,
    gaps: Bool[np.ndarray, "time x y"] | None = None,
    sources: Sequence[Callable[[np.ndarray], np.ndarray]] | None = None,
    diffusing: Sequence[Callable[[np.ndarray], np.ndarray]] = (),
    free: Bool[np.ndarray, "x y"] | None = None,
    dispersing: bool = False,
    up_to_sides: bool = False,
) -> list[WeakSystem]:
    """A system for every length of the test functions in time and in space, for which walls inside
    leave room.

    - `functions`: the dictionary; each maps states (field, time, x, y) to (time, x, y), and is
      evaluated in turn to save memory.
    - `at`: the times of the frames in intervals, by default 0, 1, ….
    - `gaps`: where `values` are filled.
    - `sources`: the functions of sources.
    - `diffusing`: the functions whose second derivatives diffusion adds: each field, or several
      functions of the only one.
    - `free`: the cells that are no walls, by default all.
    - `dispersing`: whether there are columns of dispersion.
    - `up_to_sides`: whether there are also test functions that sides cut.
    """
    frames, _, *cells = values.shape
    states = np.moveaxis(values, 1, 0)
    at = np.arange(float(frames)) if at is None else at
    in_time = [time_rows(at, width) for width in widths(INTERVALS, frames - 1)]
    found = []
    for width in widths(CELLS, min(cells)):
        along = [
            bumps(n, width, around, 4, up_to_sides)
            for n, around in zip(cells, periodic, strict=True)
        ]
        (x0, x1, x2, x3), (y0, y1, y2, y3) = along
        clear = _clear(free, x0 > 0.0, y0 > 0.0)
        if clear is not None and not clear.any():
            continue
        # All lengths have the same weight.
        scale = 1.0 / np.sqrt(np.sum(x1**2) * np.sum(y0**2))
        over_y = [np.tensordot(function(states), (y0, y1), ((2,), (2,))) for function in functions]
        along_x = np.stack([scale * over_x(x1, each[:, :, 0]) for each in over_y])
        along_y = np.stack([scale * over_x(x0, each[:, :, 1]) for each in over_y])
        moments = [*along_x, *along_y]
        for each in sources or ():
            moments.append(scale * over_x(x0, np.tensordot(each(states), y0, ((2,), (1,)))))
        derivatives = [(x2, y0, diffusing), (x0, y2, diffusing)]
        if dispersing:
            pairs = ((x3, y0), (x2, y1), (x1, y2), (x0, y3))
            own = [operator.itemgetter(i) for i in range(len(states))]
            derivatives += [(*pair, own) for pair in pairs]
        for rows_x, rows_y, differentiated in derivatives:
            for each in differentiated:
                over = np.tensordot(each(states), rows_y, ((2,), (1,)))
                moments.append(scale * over_x(rows_x, over))
        across = scale**2 * np.sum(x0**2) * np.sum(y0**2)
        conserved = [scale * over_x(x0, np.tensordot(u, y0, ((2,), (1,)))) for u in states]
        for still, moving, during in in_time:
            columns = np.tensordot(np.stack(moments), still, ((3,), (1,))).reshape(len(moments), -1)
            rhs = -np.tensordot(np.stack(conserved), moving, ((3,), (1,))).reshape(len(states), -1)
            noise = across * float(np.sum(moving**2))
            kept = np.ones((len(x0), len(y0), len(still)), bool)
            if clear is not None:
                kept &= clear[:, :, None]
            if gaps is not None:
                kept &= _measured(gaps, x0 > 0.0, y0 > 0.0, during, kept)
            if not kept.all():
                columns, rhs = columns[:, kept.ravel()], rhs[:, kept.ravel()]
                noise *= float(np.mean(kept))
            square = np.sum(rhs**2, axis=1)
            system = WeakSystem(columns @ columns.T, rhs @ columns.T, square, noise)
            count = 2 * bool(diffusing) + 4 * dispersing
            found.append(dataclasses.replace(system, derivatives=count))
    return found


def total(systems: Sequence[WeakSystem]) -> WeakSystem:
    """All equations together."""
    return WeakSystem(
        np.sum([each.normal for each in systems], axis=0),
        np.sum([each.right for each in systems], axis=0),
        np.sum([each.square for each in systems], axis=0),
        sum(each.noise for each in systems),
        systems[0].derivatives,
    )


def time_rows(
    at: Float[np.ndarray, " time"], width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """∫ ψ u dt and ∫ ψ_t u dt as weights of the frames, one row for each position of a bump that is
    `width` steps long, and which frames it spans; u is the cubic spline through the frames."""
    frames, steps = len(at), np.diff(at)
    spline = CubicSpline(at, np.eye(frames), bc_type="not-a-knot")
    polynomial = np.polynomial.Polynomial([1.0, 0.0, -1.0]) ** _POWER
    slope = polynomial.deriv()
    still, moving, during = [], [], np.zeros((frames - width, frames), bool)
    for start in range(frames - width):
        own, length = steps[start : start + width, None], at[start + width] - at[start]
        times = (at[start : start + width, None] + 0.5 * own * (_NODES + 1.0)).ravel()
        weights = (0.5 * own * _NODE_WEIGHTS).ravel()
        xi = 2.0 * (times - at[start]) / length - 1.0
        cardinal, size = spline(times), np.sqrt(length)
        still.append((weights * polynomial(xi)) @ cardinal / size)
        moving.append((weights * slope(xi) * 2.0 / length) @ cardinal / size)
        during[start, start : start + width + 1] = True
    return np.stack(still), np.stack(moving), during


def has_room(free: Bool[np.ndarray, "x y"], periodic: tuple[bool, bool]) -> bool:
    """Whether walls inside leave room for any test function."""
    width = min(CELLS[0], *free.shape)
    x, y = (bumps(n, width, each)[0] for n, each in zip(free.shape, periodic, strict=True))
    clear = _clear(free, x > 0.0, y > 0.0)
    return clear is None or bool(clear.any())


def _clear(free, along_x, along_y) -> Bool[np.ndarray, "place_x place_y"] | None:
    """Which test functions touch no wall; `None` if there is none."""
    if free is None or free.all():
        return None
    return along_x.astype(float) @ ~free @ along_y.T == 0.0


def _measured(
    gaps, along_x, along_y, during, clear
) -> Bool[np.ndarray, "place_x place_y place_time"]:
    """Which test functions see enough, from the supports of their factors: at least a quarter of
    the `clear` ones."""
    counted = gaps + _WIDE * binary_opening(gaps)
    weights = [each / each.sum(axis=1, keepdims=True) for each in (during, along_x, along_y)]
    share = np.einsum("txy,kt,ix,jy->ijk", counted, *weights, optimize=True)
    return share <= max(_MISSING, float(np.quantile(share[clear], 0.25)))


def bumps(
    length: int, width: int, periodic: bool, orders: int = 3, cut: bool = False
) -> np.ndarray:
    """A bump of `width` cells and its derivatives, at positions a quarter of its width apart, and
    bumps that the ends cut if `cut`; shape (order, position, cell)."""
    stride = max(1, width // 4)
    found = np.stack([rows(length, width, k, periodic, stride) for k in range(orders)])
    if cut and not periodic:
        at_end, signs = _cut_bumps(length, width, orders), (-1.0) ** np.arange(orders)
        found = np.concatenate([at_end, found, signs[:, None, None] * at_end[:, :, ::-1]], axis=1)
    return found


def _cut_bumps(length: int, width: int, orders: int) -> np.ndarray:
    """Bumps whose middle is inside and whose start is before the first cell, and the rows of
    (-1)^k Σ χ_i u_i^(k), which are their derivatives k where they are not cut."""
    outside = np.arange(width // 2, 0, -max(1, width // 4))
    chi = np.zeros((len(outside), length))
    for row, gone in zip(chi, outside, strict=True):
        row[: width - gone] = bump(width, 0)[gone:]
    cells = np.arange(float(length))
    spline = CubicSpline(cells, np.eye(length))
    return np.stack([chi, *((-1) ** k * chi @ spline(cells, k) for k in range(1, orders))])


def over_x(along_x, integrated):
    """(time, x, position y) to (position x, position y, time)."""
    return np.moveaxis(np.tensordot(along_x, integrated, ((1,), (1,))), 1, 2)


def widths(wanted: tuple[int, ...], most: int) -> list[int]:
    return sorted({min(width, most) for width in wanted})
