"""Uneven axes as uniform ones with gaps, where that is possible.

Times that are all multiples of an interval are frames of it; others stay as they are. Sensors may
be anywhere: each is assigned to the nearest cell of a uniform grid, which moves it by at most half
a cell.
"""

import dataclasses

import numpy as np

from hfluxno.boundary import WALLS
from hfluxno.coordinates import MOST_MISSING, as_frames, increases, multiples, scatter, with_gaps
from hfluxno.data.source import LEAST_CELLS, LEAST_PLACES
from hfluxno.observation import Points
from hfluxno.plural import percent, plural

_MOST_CELLS = 400  # of a default grid
# Of fewer sensors than LEAST_CELLS, and of cells that are asked for: so sparse a context is
# estimated jointly, with runs that connect what was measured.
_MOST_MISSING_OF_FEW = 0.95
_CELLS_BETWEEN_FEW = 8
# Fewer places than this are sensors if both ends are open or given, with so many cells from one to
# the next, up to about this number of cells: with a cell for each, fronts cannot be located.
FEWEST_AS_CELLS, _CELLS_BETWEEN, _CELLS_OF_SENSORS = 24, (4, 8), 96
_FOR_SENSORS = {"open", "given"}
# Sensors at fewer of the multiples of a distance have it by chance, as of places in round numbers.
_MOST_OF_THEM = 0.5
_AT_CENTRE = 1e-3  # of a cell
_ROUNDING = 1e-9  # of a cell


@dataclasses.dataclass(frozen=True)
class Axis:
    """A coordinate, the index in it of each entry of the file, and notes; `observation` is the mean
    distance of the file's entries from each entry of the coordinate, unless they coincide."""

    coordinate: np.ndarray
    places: np.ndarray
    notes: tuple[str, ...] = ()
    observation: tuple[Points, ...] = ()

    def scatter(self, values: np.ndarray, axis: int) -> np.ndarray:
        """The values at their places, NaN elsewhere; the mean of values that share a place."""
        count = len(self.coordinate)
        if len(np.unique(self.places)) == len(self.places):
            return scatter(values, self.places, count, axis)
        moved = np.moveaxis(values, axis, 0)
        shape = (count, *moved.shape[1:])
        sums, numbers = np.zeros(shape, values.dtype), np.zeros(shape, values.dtype)
        np.add.at(sums, self.places, np.nan_to_num(moved))
        np.add.at(numbers, self.places, ~np.isnan(moved))
        with np.errstate(invalid="ignore"):
            return np.moveaxis(sums / numbers, 0, axis)


def frames_of(times: np.ndarray, count: int, name: str) -> Axis:
    """The times completed to equal intervals, if they are multiples of an interval and at least a
    fifth of the frames is measured; else unchanged.

    Raises `ValueError` unless they increase.
    """
    try:
        return Axis(*with_gaps(times, count, name))
    except ValueError:
        if not increases(times, count):
            raise
    whole, places = as_frames(times, count, name)
    if len(whole) == count:
        steps = np.diff(times)
        note = (
            f"The entries of {name} are uneven, in steps of {np.min(steps):.4g} to "
            f"{np.max(steps):.4g}, mostly {np.median(steps):.4g}: law and first state are "
            "estimated jointly, and a forecast continues in mean steps."
        )
        return Axis(times, places, (note,))
    return Axis(
        whole,
        places,
        (
            f"The entries of {name} are multiples of {whole[1] - whole[0]:.6g}: {count} of "
            f"{len(whole)} frames are measured, the others are gaps.",
        ),
    )


def measured_part(known: np.ndarray) -> float:
    """The fraction of the values (…, time, field, x) that was measured; of several fields, among
    the times and places at which each was measured at all, that of the field which has most."""
    fields = np.moveaxis(known, -2, 0)
    if len(fields) == 1:
        return float(known.mean())
    found = []
    for each in fields.reshape(len(fields), -1, *fields.shape[-2:]):
        own = each[:, each.any(axis=(0, 2))][..., each.any(axis=(0, 1))]
        found.append(float(own.mean()))
    return max(found)


def counted_cells(count: int, domain: tuple[float, float] | None) -> np.ndarray:
    """The centres of so many cells from end to end of a domain, by default [0, 1], where a file has
    no places. Raises `ValueError` if its ends are no finite ones, the lower first."""
    low, high = (0.0, 1.0) if domain is None else domain
    _check_ends(low, high)
    return low + (high - low) * (np.arange(count) + 0.5) / count


def on_cells(
    x: np.ndarray,
    count: int,
    cells: int | None = None,
    domain: tuple[float, float] | None = None,
    measured: float = 1.0,
    ends: tuple[str, str] | None = None,
) -> Axis:
    """Positions of sensors on a uniform grid of `cells` cells on `domain`.

    Fewer than 24 places are sensors with four to eight cells from one to the next on average, if
    both `ends` are open or given. If neither cells nor domain are, any other uniform coordinate is
    its own grid. Positions that are multiples of one distance have it as their cell width, but not
    fewer than 24 between such ends that leave out more than half of the multiples.
    Otherwise there are as many cells, up to 400, as leave three quarters of the values missing, if
    the fraction `measured` of the sensors' values is present: narrow cells move sensors less, and
    that matters more than gaps between sensors. More positions than 400 are of sensors that move.
    With four to seven sensors there are on average eight cells or more from one to the next. The
    domain ends half a cell beyond the outermost sensors.

    Raises `ValueError` if x does not increase, a sensor lies outside the domain, or too few cells
    have one.
    """
    own, few = _own_grid(x, count), len(x) < LEAST_CELLS
    if domain is not None:
        _check_domain(x, domain)
    between = ends is not None and {*ends} <= _FOR_SENSORS
    between = between and cells is None and LEAST_CELLS <= len(x) < FEWEST_AS_CELLS
    if between and own is not None and len(x) < _MOST_OF_THEM * len(own.coordinate):
        own = None
    between = between and (own is None or len(x) == len(own.coordinate))
    if between:
        cells = _fewer(x, _between_sensors(x, own, domain), domain, _MOST_MISSING_OF_FEW)
    if own is not None and not few and domain is None and cells in (None, len(own.coordinate)):
        walls = ends is not None and bool({*ends} & WALLS)
        unsaid = walls and cells is None and len(x) == len(own.coordinate) < FEWEST_AS_CELLS
        return dataclasses.replace(own, notes=(_as_cells(len(x)),)) if unsaid else own
    most_missing = _MOST_MISSING_OF_FEW if few or cells is not None else MOST_MISSING
    if cells is not None and cells < LEAST_CELLS:
        raise ValueError(
            f"--cells must be at least {LEAST_CELLS}, of which {LEAST_PLACES} with sensors may be "
            f"enough; got {cells}."
        )
    if cells is None and few:
        cells = _fewer(x, _between_few(x, own, domain), domain, most_missing)
    if cells is None and own is not None:
        width = own.coordinate[1] - own.coordinate[0]
        length = x[-1] - x[0] + width if domain is None else domain[1] - domain[0]
        most = max(_MOST_CELLS, len(own.coordinate))
        cells = _fewer(x, round(max(LEAST_CELLS, min(length / width, most))), domain)
    if cells is None:
        most = _MOST_CELLS
        if len(x) > most:  # of sensors that move, which are in a quarter of the cells in a frame
            most = int(np.clip(len(x) * measured / 0.25, LEAST_CELLS, most))
        cells = _fewer(x, most, domain, float(np.clip(1.0 - 0.25 / measured, 0.3, 0.75)))
    most = round(len(x) / (1.0 - most_missing))
    if cells > most:  # refused before a huge grid is made
        raise _without_sensors(x, cells, 1.0 - len(x) / cells, most, domain, most_missing)
    axis = _nearest(x, cells, domain)
    if own is not None and _same(own.coordinate, axis.coordinate):
        return own
    if _missing(axis) > most_missing + 1e-9:
        raise _without_sensors(x, cells, _missing(axis), cells, domain, most_missing)
    with_sensor = len(np.unique(axis.places))
    if with_sensor < LEAST_PLACES:
        raise ValueError(
            f"There are sensors in {with_sensor} of {cells} cells, but a law needs {LEAST_PLACES}; "
            "choose more cells (--cells), or add sensors."
        )
    means = between and own is not None and _are_cells(x, own, domain)
    note = _note(x, axis, len(x) if means else None)
    if domain is None and ends is not None and "given" in ends:
        note += (
            " The given ends are imposed there, half a cell beyond the outermost places: if they "
            "were measured elsewhere, --domain says where."
        )
    return dataclasses.replace(axis, notes=(note,), observation=_observation(x, axis))


def _without_sensors(
    x: np.ndarray,
    cells: int,
    missing: float,
    most: int,
    domain: tuple[float, float] | None,
    most_missing: float,
) -> ValueError:
    enough = _fewer(x, most, domain, most_missing)
    return ValueError(
        f"{percent(missing)} of {cells} cells would have no sensor, more than the "
        f"{percent(most_missing)} that may be missing; choose {enough} cells or fewer (--cells)."
    )


def _between_few(x: np.ndarray, own: Axis | None, domain: tuple[float, float] | None) -> int:
    """The number of cells for few sensors, which are at cell centres if possible."""
    steps = len(x) - 1 if own is None else len(own.coordinate) - 1
    steps *= -(-_CELLS_BETWEEN_FEW * (len(x) - 1) // steps)
    if domain is None:
        return steps + 1
    return max(LEAST_CELLS, round((domain[1] - domain[0]) / (x[-1] - x[0]) * steps))


def _between_sensors(x: np.ndarray, own: Axis | None, domain: tuple[float, float] | None) -> int:
    """The number of cells for a few sensors, which are at centres of cells if their distances are
    equal; else a multiple of eight, so that contexts share programs."""
    each = int(np.clip(_CELLS_OF_SENSORS // len(x), *_CELLS_BETWEEN))
    steps = each * (len(x) - 1)
    if domain is None:
        return steps + 1 if own is not None else 8 * round(steps / 8)
    return 8 * round(steps * (domain[1] - domain[0]) / (x[-1] - x[0]) / 8)


def _own_grid(x: np.ndarray, count: int) -> Axis | None:
    """The grid that the positions themselves make, exactly."""
    try:
        return Axis(*with_gaps(x, count, "x"))
    except ValueError:
        if not increases(x, count):
            raise
    places = multiples(x)
    if places is None or places[-1] >= _MOST_CELLS:
        return None
    return Axis(np.linspace(x[0], x[-1], places[-1] + 1), places)


def _nearest(x: np.ndarray, cells: int, domain: tuple[float, float] | None) -> Axis:
    half = (x[-1] - x[0]) / (cells - 1) / 2
    low, high = domain if domain is not None else (x[0] - half, x[-1] + half)
    width = (high - low) / cells
    places = np.floor((x - low) / width + 1e-6).astype(int)
    places = np.clip(places, 0, cells - 1)  # a sensor at the upper end
    centers = low + width * (np.arange(cells) + 0.5)
    # A place at zero would be shown as 1e-17.
    return Axis(np.where(np.abs(centers) < _ROUNDING * width, 0.0, centers), places)


def _observation(x: np.ndarray, axis: Axis) -> tuple[Points, ...]:
    centers = axis.coordinate
    moved = (x - centers[axis.places]) / (centers[1] - centers[0])
    if np.max(np.abs(moved)) < _AT_CENTRE:
        return ()
    counts = np.bincount(axis.places, minlength=len(centers))
    sums = np.bincount(axis.places, moved, len(centers))
    return (Points(np.clip(sums / np.maximum(counts, 1), -0.5, 0.5)),)


def _fewer(
    x: np.ndarray,
    cells: int,
    domain: tuple[float, float] | None,
    most_missing: float = MOST_MISSING,
) -> int:
    """About the largest number of cells, up to `cells`, with no more than this fraction empty."""
    number = cells
    while number >= LEAST_CELLS:
        if _missing(_nearest(x, number, domain)) <= most_missing + 1e-9:
            return number
        number = min(number - 1, int(0.99 * number))
    raise ValueError(
        f"The sensors at {x[0]:g} to {x[-1]:g} are so sparse in places that on any grid more than "
        f"{percent(most_missing)} of the cells would be missing; choose a smaller domain "
        "(--domain), or leave out isolated sensors."
    )


def _missing(axis: Axis) -> float:
    return 1.0 - len(np.unique(axis.places)) / len(axis.coordinate)


def _are_cells(x: np.ndarray, own: Axis, domain: tuple[float, float] | None) -> bool:
    """Whether even places are the centres of cells that fill the domain."""
    if domain is None:
        return True
    return _same(own.coordinate, _nearest(x, len(own.coordinate), domain).coordinate)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    close = 1e-6 * abs(one[1] - one[0])
    return one.shape == other.shape and bool(np.max(np.abs(one - other)) <= close)


def _as_cells(count: int) -> str:
    """What a few even places beside a wall are taken for."""
    return (
        f"The {count} even positions x are taken for cells from end to end, and each "
        f"value for the mean of one: --cells {count} confirms this; for sensors at points give the "
        "ends (--domain LOWER,UPPER) and --cells N, four to eight times as many."
    )


def _note(x: np.ndarray, axis: Axis, as_cells: int | None) -> str:
    """Where the sensors are, and perhaps as how many cells they could be taken."""
    centers = axis.coordinate
    width = centers[1] - centers[0]
    # Rounded, because an end at zero would be shown as 1e-17.
    low, high = np.round([centers[0] / width - 0.5, centers[-1] / width + 0.5], 9) * width + 0.0
    moved = np.max(np.abs(x - centers[axis.places])) / width
    _, sharing = np.unique(axis.places, return_counts=True)
    merged = int(np.sum(sharing > 1))
    mean = f", with the mean of several sensors in {plural(merged, 'cell')}" if merged else ""
    far = f", which moves them by up to {moved:.2f} of a cell" if moved >= 0.005 else ""
    either = ";"
    if as_cells is not None:
        either = (
            ", being taken for sensors at points, since the ends are open or given; if each value "
            f"is the mean of a cell, choose --cells {as_cells};"
        )
    return (
        f"The {len(x)} positions x are placed on {len(centers)} cells of {width:.4g} from "
        f"{low:.6g} to {high:.6g}{far}{mean}{either} "
        "--cells N and --domain LOWER,UPPER choose otherwise."
    )


def _check_domain(x: np.ndarray, domain: tuple[float, float]) -> None:
    low, high = domain
    _check_ends(low, high)
    slack = 1e-6 * (high - low)
    outside = x[(x < low - slack) | (x > high + slack)]
    if outside.size:
        raise ValueError(
            f"The domain {low:g} to {high:g} leaves out {outside.size} of {len(x)} sensors, "
            f"the first at {outside[0]:.10g}; choose a larger --domain, or leave them out."
        )


def _check_ends(low: float, high: float) -> None:
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"--domain needs finite ends, the lower first; got {low:g},{high:g}.")


def domain_of(text: str) -> tuple[float, float]:
    """The ends in "LOWER,UPPER". Raises `ValueError` if they are not two numbers."""
    try:
        low, high = map(float, text.split(","))
    except ValueError as error:
        raise ValueError(f"--domain needs two numbers, LOWER,UPPER; got {text}.") from error
    return low, high
