"""The prior of a joint estimate: centres and spreads of its unknowns.

The first state is centred on an interpolation of the measurements, with the scatter of the field;
the ends likewise. Neither is negative if no negative value of the field was measured. For initial
laws see `hfluxno.identify.joint.starts`.
"""

import numpy as np
from jaxtyping import Float

from hfluxno.boundary import Boundary, Given, Open
from hfluxno.fv import StepControl
from hfluxno.grid import Grid
from hfluxno.identify.frames.interpolation import interpolated
from hfluxno.identify.joint.dense import is_dense
from hfluxno.identify.joint.diffusion_alone import DiffusionAlone, diffusion_alone
from hfluxno.identify.joint.fit import sizes
from hfluxno.identify.joint.fluid import (
    MARGIN,
    density_of,
    drag_and_gravity,
    spreads_of_drag,
    spreads_of_fluid,
    terms_of_fluid,
)
from hfluxno.identify.joint.forward import Ends, Forward, Scale
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.law_shape import LawShape
from hfluxno.identify.joint.random_field import apart, differs, modes, nearest
from hfluxno.laws.place import PlaceModes
from hfluxno.observation import times_of
from hfluxno.parametric.basis import (
    KINK_WIDTH,
    Basis,
    Chebyshev,
    Dictionary,
    Kinked,
    TensorChebyshev,
)
from hfluxno.parametric.solver_settings import SolverSettings
from hfluxno.trajectory import Trajectory

_SCATTER = 0.7  # of the first state and the ends, in standard deviations, at least
_OF_A_BLANK = 2.0  # what lies between sensors, in the median
_LEAST_SHOWN = 0.2  # of what the first state scatters, if its measured places are alike
_LENGTH = 0.15  # of their correlation, relative to the domain or the time
_LEAST_LENGTH = 2.0  # frames
_MOST_FIRST, _MOST_ENDS, _OF_A_PLACE = 128, 48, 4  # modes; of a measured place
_MOST_END_TIMES = 48
_CFL = 0.45
_PLACE_OF_KINK = 0.5  # half ranges from the middle
_SPEEDS = 3.0  # the spread of coefficients, in typical speeds


def make_forward(
    kind: Kind,
    context: Trajectory,
    negated: tuple[int, ...],
    *,
    known_first: bool,
    refinement: int = 1,
) -> Forward:
    """The forward model of a kind of law, in cells and frames, centred on the interpolated field
    and a flux of zero.

    - `known_first`: whether the first frame is the first state.
    """
    scale, values = Scale.of(context), np.asarray(context.states.values)
    grid = in_cells_and_frames(context.grid, scale)
    field, size = interpolated(values, grid.is_periodic()), sizes(context.states)
    low, high = np.nanmin(values, axis=(0, 2)), np.nanmax(values, axis=(0, 2))
    fields = tuple(f"u{i}" for i in range(len(size)))  # programs serve fields of any names
    tells_flux = len(fields) < len(context.fields)
    least, most = _bounds(context, low)
    margin = MARGIN * (high - low)
    lower, upper = np.maximum(low - margin, least), np.minimum(high + margin, most)
    still = _still(context, lower)
    if context.bounds is not None and still:
        lower, upper = np.minimum(lower, still[0]), np.maximum(upper, still[-1])
    cells = grid.shape[0]
    program = kind.program
    density = density_of(negated, values, grid.is_periodic()) if kind.fluid else None
    shape = LawShape(
        _basis(program, lower, upper, refinement, density),
        lower,
        upper,
        PlaceModes(0.0, float(cells), max(program.source_modes, 1), grid.is_periodic()),
        fields,
        negated,
        program.diffusion,
        program.by_state,
        program.source_modes,
        program.flux_modes,
        len(fields) == 1 and (grid.has_wall() or tells_flux),
        program.stretches,
        functions=drag_and_gravity(density) if program.fluid and program.by_state else (),
        still=np.array(still),
        least=np.asarray(-np.inf if context.bounds is None else context.bounds[0]),
        most=np.asarray(np.inf if context.bounds is None else context.bounds[1]),
    )
    control = StepControl(_CFL, _CFL, False)
    settings = SolverSettings(control, False, grid, "muscl", refinement)
    known = np.isfinite(values).any(axis=0)
    places = int(np.max(known.sum(axis=-1)))
    count = 0 if known_first else min(cells, _MOST_FIRST, _OF_A_PLACE * places)
    period = float(cells) if grid.is_periodic() else None
    along = modes(np.arange(cells) + 0.5, _LENGTH * cells, count, period)
    # States are as uncertain as two that are as far apart as the nearest measured place.
    far = np.array([apart(seen, _LENGTH * cells, period) for seen in known])
    shown = np.ones((len(size), cells))
    if not is_dense(context):
        # Nor do they differ much more between sensors than from one to the next, but they may in a
        # blank that is far wider than what lies between most of them.
        for u, seen, each, deviation in zip(field[0], known, shown, size, strict=True):
            at = np.flatnonzero(seen)
            flat = differs(u[seen], at, _LENGTH * cells, period) / deviation
            between = np.median(np.diff(at)) if len(at) > 1 else cells
            near = nearest(seen, period) <= _OF_A_BLANK * between
            each[near] = np.clip(flat, _LEAST_SHOWN, 1.0)
    first = for_each_field(along, size[:, None] * shown * np.maximum(_SCATTER, far))
    total = sum(shape.sizes)
    return Forward(
        shape,
        settings,
        np.zeros(total),
        _spreads(shape, kind, typical_speed(field), typical_diffusivity(field, shape)),
        field[0],
        first,
        least,
        most,
        _ends(field, context, scale, size),
        scale,
        context.observation,
    )


def _bounds(
    context: Trajectory, low: Float[np.ndarray, " field"]
) -> tuple[Float[np.ndarray, " field"], Float[np.ndarray, " field"]]:
    """The bounds of the states: those that are given, or zero if nothing negative was measured."""
    if context.bounds is not None:
        return np.full(1, context.bounds[0]), np.full(1, context.bounds[1])
    # Densities, depths and concentrations, for which negative states would have spurious waves.
    return np.where(low >= 0.0, 0.0, -np.inf), np.full(len(low), np.inf)


def _still(context: Trajectory, lower: Float[np.ndarray, " field"]) -> tuple[float, ...]:
    """The states of one field that do not flow: the bounds, if an end is closed, since what leaves
    it would leave less than the least, or what comes fill more than the most. Zero is such a bound
    if densities go down to it."""
    if len(lower) > 1 or not context.grid.has_wall():
        return ()
    bounds = (0.0, np.inf) if lower[0] == 0.0 else ()
    bounds = bounds if context.bounds is None else context.bounds
    return tuple(float(bound) for bound in bounds if np.isfinite(bound))


def in_cells_and_frames(grid: Grid, scale: Scale) -> Grid:
    """The grid with cells of length 1 and the times of its ends in frames."""

    def converted(end: Boundary) -> Boundary:
        return Given(scale.frames(end.times), end.values) if isinstance(end, Given) else end

    (low, high), cells = grid.boundary[0], grid.shape
    return Grid((0.0,), (float(cells[0]),), cells, ((converted(low), converted(high)),))


def _basis(kind: Kind, lower, upper, refinement: int, density: int | None) -> Basis:
    middle, half = 0.5 * (lower + upper), 0.5 * (upper - lower)
    if len(lower) == 1:
        smooth = Chebyshev(middle, half, kind.size)
        # A rounded kink makes a fan of what is a constant state; on shorter cells it needs less.
        width = np.asarray(KINK_WIDTH / refinement)
        return Kinked(smooth, np.zeros(kind.kinks), width) if kind.kinks else smooth
    if kind.fluid and density is not None:
        scale = np.maximum(np.abs(lower), np.abs(upper))
        return Dictionary(scale, terms_of_fluid(density, kind.size), ("u0", "u1"))
    return TensorChebyshev(middle, half, 3, len(lower))


def _spreads(
    shape: LawShape, kind: Kind, speed: float, diffusivity: float
) -> Float[np.ndarray, " coefficient"]:
    """The spreads: flux coefficients of degree k may change the speed, which grows like k², by some
    typical speeds; diffusion alone may be what changes the field; sources may change a field by its
    half range in a few frames. Terms that the kind lacks have no spread."""
    fields, count = len(shape.fields), len(shape.basis.names)
    degrees = np.arange(1, count + 1)
    if isinstance(shape.basis, TensorChebyshev):
        degrees = np.array([1 + name.count("·") for name in shape.basis.names])
    waves = np.concatenate([[1.0], shape.modes.wavenumbers])
    flux = _SPEEDS * speed / degrees**1.5
    if isinstance(shape.basis, Chebyshev | Kinked):
        flux = np.where(degrees <= kind.size, flux, 0.0)
        flux[count - shape.kinks :] = _SPEEDS * speed
    flux = np.tile(flux, fields)
    if isinstance(shape.basis, Dictionary):
        flux = spreads_of_fluid(shape, _SPEEDS * speed).reshape(-1)
    each = max(0.3 * speed, diffusivity)
    diffusion = np.where(np.arange(shape.diffusion) < kind.diffusion, each, 0.0)
    diffusion = np.tile(diffusion, fields)
    # Modes of place have no mean, which the constant of the other source has.
    terms = max(kind.by_state, int(kind.source_modes > 0))
    by_state = np.tile(np.where(np.arange(shape.by_state) < terms, 0.3, 0.0), fields)
    if shape.functions:
        by_state = spreads_of_drag(shape).reshape(-1)
    source = 0.3 / waves[1 : shape.source_modes + 1]
    source = np.tile(np.where(np.arange(len(source)) < kind.source_modes, source, 0.0), fields)
    # What follows from other coefficients is no unknown.
    flux[list(shape.following[1:])] = 0.0
    tells = shape.closed or kind.flux_modes > 0 or kind.stretches > 0
    tells = kind.size > 0 and not shape.following and tells
    offset = np.full(fields * shape.has_offset, _SPEEDS * speed * tells)
    factor = 0.5 / waves[1 : shape.flux_modes + 1]
    factor = np.where(np.arange(len(factor)) < kind.flux_modes, factor, 0.0)
    kinks = np.full(shape.kinks, _PLACE_OF_KINK)
    stretches = np.zeros((shape.stretches, 3))
    stretches[: kind.stretches] = [shape.modes.upper, shape.modes.upper, 0.5]
    parts = [flux, diffusion, by_state, source, offset, factor, stretches.ravel(), kinks]
    return np.concatenate(parts)


def _ends(field, context: Trajectory, scale: Scale, size) -> Ends | None:
    sides = tuple(i for i, end in enumerate(context.grid.boundary[0]) if isinstance(end, Open))
    if not sides:
        return None
    frames = scale.frames(context.times)
    # A mean over time depends on the ends before and after its time.
    needed = scale.frames(times_of(context.observation, np.asarray(context.times, float)))
    times = np.unique(np.concatenate([frames, needed[[0, -1]]]))
    if len(times) > _MOST_END_TIMES:
        times = np.linspace(times[0], times[-1], _MOST_END_TIMES)
    edges = field[:, :, [0, -1]]
    mean = np.array(
        [
            [np.interp(times, frames, edges[:, i, side]) for i in range(field.shape[1])]
            for side in sides
        ]
    )
    count = min(len(times), _MOST_ENDS)
    length = max(_LENGTH * (times[-1] - times[0]), _LEAST_LENGTH)
    along = modes(times, length, count)
    per_field = for_each_field(along, _SCATTER * size)  # (mode, field, time)
    every = np.zeros((len(sides) * len(per_field), len(sides), *per_field.shape[1:]))
    for i in range(len(sides)):
        every[i * len(per_field) : (i + 1) * len(per_field), i] = per_field
    return Ends(times, mean, every, length, np.tile(_SCATTER * size, (len(sides), 1)), sides)


def for_each_field(along, size) -> Float[np.ndarray, "mode field place"]:
    """Modes of one function as modes of each field separately, of its size (at each place)."""
    fields = len(size)
    result = np.zeros((fields * len(along), fields, along.shape[1]))
    for i in range(fields):
        result[i * len(along) : (i + 1) * len(along), i] = size[i] * along
    return result


def typical_speed(field) -> float:
    """The speed in cells per frame: the change in time over that in space, at least a tenth."""
    change = np.sqrt(np.mean(np.diff(field, axis=0) ** 2))
    slope = np.sqrt(np.mean(np.gradient(field, axis=-1) ** 2))
    return float(max(change / max(slope, 1e-300), 0.1))


def typical_diffusivity(field: Float[np.ndarray, "time field cells"], shape: LawShape) -> float:
    """The diffusivity, in cells² per frame, with which diffusion alone would change the field as it
    does: the change in time over the second difference in space, and of one field that diffusion
    explains in the weak form, at least the diffusivity found there."""
    change = np.sqrt(np.mean(np.diff(field, axis=0) ** 2))
    bend = np.sqrt(np.mean(np.diff(field, n=2, axis=-1) ** 2))
    size = float(change / max(bend, 1e-300))
    alone = alone_in(field, shape, 3)
    return size if alone is None else max(size, alone.size)


def alone_in(
    field: Float[np.ndarray, "time field cells"], shape: LawShape, terms: int
) -> DiffusionAlone | None:
    """`diffusion_alone` of one field at even times in the range of a law; `None` of several."""
    if len(shape.fields) > 1:
        return None
    lower, upper = float(shape.lower[0]), float(shape.upper[0])
    return diffusion_alone(field[:, 0], shape.modes.periodic, lower, upper, terms)
