"""Starts of a joint estimate.

A first law comes from the weak form of the interpolated field, from the speed at which the field as
a whole moves, from a parabola with such speeds, or at a few sensors from
`hfluxno.identify.joint.likely_waves`; the first window decides which is best. Another kind of law
starts from the estimate of the previous one.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hfluxno.grid import Grid
from hfluxno.identify.frames.interpolation import interpolated
from hfluxno.identify.frames.weak_start import common_shift, followed, weak_parameters
from hfluxno.identify.joint.fit import distance
from hfluxno.identify.joint.fluid import waves_of_fluid
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.law_shape import LawShape
from hfluxno.identify.joint.prior import alone_in, typical_speed
from hfluxno.identify.joint.stretch_ends import moved
from hfluxno.identify.joint.stretches import Stretch, likely_stretches
from hfluxno.identify.joint.weak_terms import weak_terms
from hfluxno.parametric.basis import Dictionary, Kinked
from hfluxno.parametric.law_family import LawFamily
from hfluxno.trajectory import Trajectory

_TRACE, _ALONE = 0.02, 5.0  # of a diffusivity, in spreads: hardly any, and nothing else


def law_starts(forward: Forward, context: Trajectory) -> list[Float[np.ndarray, " unknown"]]:
    """Starts: unknowns with different laws."""
    grid, shape = forward.settings.grid, forward.shape
    uniform = _even_field(forward, context)
    count = len(shape.basis.names)
    speed = typical_speed(uniform)
    free = np.asarray(forward.spread) > 0.0
    fitted = free.copy()
    fitted[list(shape.following)] = True
    laws = [_from_weak_form(shape, fitted, uniform, grid)]
    if isinstance(shape.basis, Dictionary):
        law = np.zeros(sum(shape.sizes))
        law[: 2 * count] = waves_of_fluid(shape, speed).reshape(-1)
        laws.append(law)
    if len(shape.fields) == 1:
        shift = _common_speed(uniform, grid.is_periodic())
        for curvature in (0.0, -0.25 * speed, 0.25 * speed):
            law = np.zeros(sum(shape.sizes))
            law[0] = shift
            if count > 1:
                law[1] = curvature
            laws.append(law)
    starts = []
    for law in laws:
        if shape.closed and grid.has_wall():
            law[sum(shape.sizes[:4])] = _balanced_offset(shape, law, uniform, grid)
        z = np.zeros(forward.size)
        spread = np.where(free, forward.spread, np.inf)
        z[: len(law)] = np.clip((law - forward.center) / spread, -3.0, 3.0)
        starts.append(z)
    return starts


def carried_start(
    z: Float[np.ndarray, " unknown"], source: Forward, target: Forward
) -> Float[np.ndarray, " unknown_"]:
    """A start for another kind of law: the same unknowns, and a little diffusion."""
    begin = carried(z, source, target)
    # A diffusivity at or below zero has no derivative and could not grow.
    sizes = target.shape.sizes
    diffusion = begin[sizes[0] : sizes[0] + sizes[1]].reshape(len(target.shape.fields), -1)
    free = target.spread[sizes[0] : sizes[0] + sizes[1]].reshape(diffusion.shape)
    if diffusion.size:
        diffusion[:, 0] = np.where(free[:, 0] > 0.0, np.maximum(diffusion[:, 0], _TRACE), 0.0)
    return begin


def anchored(z: Float[np.ndarray, " unknown"], target: Forward) -> Float[np.ndarray, " unknown"]:
    """The same with the constant of the flux for which nothing does not flow, if zero is the least
    that can be and not far from what was measured: without it a factor of the flux acts on a
    constant of no meaning, as a source by place does, and the fit may end there."""
    shape, place = target.shape, sum(target.shape.sizes[:4])
    if not shape.has_offset or shape.following or len(shape.fields) > 1:
        return z
    if not 0.0 <= shape.lower[0] <= shape.upper[0] - shape.lower[0]:
        return z
    law = shape.law(target.coefficients(z)).without_place()
    half = 0.5 * float(shape.upper[0] - shape.lower[0])
    begin = z.copy()
    begin[place] = -float(law.flux(np.zeros(1))[0]) / half / target.spread[place]
    return begin


def diffusing(
    z: Float[np.ndarray, " unknown"], source: Forward, target: Forward, context: Trajectory
) -> Float[np.ndarray, " unknown_"] | None:
    """A start of diffusion alone, which a flux may have imitated, for a kind of law that has more
    of it than the one it comes from: the diffusivity of the weak form, or if that does not support
    it and the other kind has none, a constant one. `None` for others."""

    def diffusion(forward: Forward) -> slice:
        flux, count, *_ = forward.shape.sizes
        return slice(flux, flux + count)

    place, before = diffusion(target), source.spread[diffusion(source)]
    free = target.spread[place] > 0.0
    if np.sum(free) <= np.sum(before > 0.0):
        return None
    begin = carried(z, source, target)
    begin[: place.start] = 0.0
    alone = alone_in(_even_field(target, context), target.shape, int(np.sum(free)))
    if alone is not None:
        begin[place][free] = alone.coefficients / target.spread[place][free]
    elif not np.any(before):
        begin[place] = np.where(free, _ALONE, 0.0)
    else:
        return None
    return begin


def improved(
    starts: list[Float[np.ndarray, " unknown"]],
    target: Forward,
    context: Trajectory,
    noise: Float[np.ndarray, " quantity"],
    of_cells: bool,
) -> list[Float[np.ndarray, " unknown"]]:
    """The starts with ends of stretches moved; a single one, on the cells that it is from
    (`of_cells`), first with the law of `weak_terms` if that leaves less misfit, also from the
    measurements, which a law that is far off has left."""
    law = weak_terms(target, _even_field(target, context)) if of_cells else None
    if law is not None and len(starts) == 1:
        rests = starts[0][len(law) :], np.zeros(len(starts[0]) - len(law))
        every = [starts[0], *(np.concatenate([law, rest]) for rest in rests)]
        starts = [min(every, key=lambda z: distance(target, context, noise, z))]
    return [moved(z, target, context, noise) for z in starts]


def shown_stretches(
    z: Float[np.ndarray, " unknown"], target: Forward, context: Trajectory
) -> tuple[Stretch, ...]:
    """The stretches, beside those in use, on which the flux has another factor, that the weak form
    asks for, at most as many as the kind of law may have more."""
    shape, grid = target.shape, target.settings.grid
    unused = _unused(np.asarray(target.coefficients(z)), target)
    if not len(unused):
        return ()
    uniform = _even_field(target, context)
    free = np.flatnonzero(target.spread[: len(shape.basis.names)] > 0.0)
    half = 0.5 * float(shape.upper[0] - shape.lower[0])
    flux = np.asarray(shape.basis(jnp.asarray(uniform.swapaxes(0, 1))))[free]
    functions = half * np.concatenate([flux, np.ones_like(flux[:1])])
    k = np.asarray(target.law(z).factor(jnp.asarray(grid.centers()), 1.0))
    return likely_stretches(uniform[:, 0], functions, k, grid.is_periodic(), len(unused))


def stretched(
    z: Float[np.ndarray, " unknown"], target: Forward, found: tuple[Stretch, ...]
) -> Float[np.ndarray, " unknown"] | None:
    """A start with these stretches, and with the flux that goes with them; `None` if the kind of
    law has more that are not in use."""
    shape, law = target.shape, np.array(target.coefficients(z))
    unused = _unused(law, target)
    if len(found) < len(unused):
        return None
    if not found:
        return z
    free = np.flatnonzero(target.spread[: len(shape.basis.names)] > 0.0)
    law[free], law[sum(shape.sizes[:4])] = found[-1].coefficients[:-1], found[-1].coefficients[-1]
    for place, each in zip(unused, found, strict=True):
        law[place : place + 3] = each.begin, each.end, each.log_factor
    spread = np.where(target.spread > 0.0, target.spread, np.inf)
    return np.concatenate([(law - target.center) / spread, z[len(law) :]])


def _unused(law: Float[np.ndarray, " coefficient"], target: Forward) -> np.ndarray:
    """The places of stretches that a law may have and does not."""
    *_, begin, end, _ = np.cumsum(target.shape.sizes)
    free = target.spread[begin:end].reshape(-1, 3)[:, 2] > 0.0
    return begin + 3 * np.flatnonzero(free & ~np.any(law[begin:end].reshape(-1, 3), axis=1))


def carried(
    z: Float[np.ndarray, " unknown"], source: Forward, target: Forward
) -> Float[np.ndarray, " unknown_"]:
    """Unknowns of one kind of law as those of another, with zeros for those it lacks."""
    law = np.zeros(sum(target.shape.sizes))
    old, new = source.coefficients(z), target.spread
    begin, place = 0, 0
    fields = len(target.shape.fields)
    for index, (have, want) in enumerate(zip(source.shape.sizes, target.shape.sizes, strict=True)):
        rows = 1 if index >= len(source.shape.sizes) - 3 else fields
        part = np.zeros((rows, want // rows))
        both = min(have, want) // rows
        part[:, :both] = old[begin : begin + have].reshape(rows, -1)[:, :both]
        law[place : place + want] = part.reshape(-1)
        begin, place = begin + have, place + want
    rest = z[len(source.spread) :]
    scaled = (law - target.center) / np.where(new > 0.0, new, np.inf)
    return np.concatenate(
        [scaled, rest if len(rest) == target.size - len(law) else np.zeros(target.size - len(law))]
    )


def _from_weak_form(
    shape: LawShape, free, uniform, grid: Grid
) -> Float[np.ndarray, " coefficient"]:
    fields, count = len(shape.fields), len(shape.basis.names)
    law = np.zeros(sum(shape.sizes))
    # The weak form would need to know where kinks are.
    basis = shape.basis.smooth if isinstance(shape.basis, Kinked) else shape.basis
    flux = np.arange(fields * count).reshape(fields, count)[:, : len(basis.names)]
    places = np.append(flux, fields * count + np.arange(fields * shape.diffusion))
    mask = free[places].astype(float)
    family = LawFamily(
        basis,
        np.diag(mask),
        shape.lower,
        shape.upper,
        shape.diffusion,
        shape.fields,
        shape.negated,
    )
    with jax.enable_x64(True):
        found = weak_parameters(family, uniform, np.ones(len(uniform)), grid)
    law[places] = np.where(np.isfinite(found), found, 0.0)
    return law


def _balanced_offset(shape: LawShape, law, uniform, grid: Grid) -> float:
    """The constant of the flux, in half ranges: the flow through an interface equals the loss of
    the cells between it and the wall."""
    u = uniform[:, 0]
    through = -np.diff(np.cumsum(u, axis=1), axis=0)[:, :-1]
    if not grid.boundary[0][0].is_closed:
        through = through + np.diff(u.sum(axis=1))[:, None]
    between = 0.25 * (u[1:, 1:] + u[1:, :-1] + u[:-1, 1:] + u[:-1, :-1])
    half = 0.5 * float(shape.upper[0] - shape.lower[0])
    # The median, because both are wrong next to jumps.
    return float(np.median(through - shape.law(law).flux(between[None])[0])) / half


def _even_field(forward: Forward, context: Trajectory):
    """The interpolated field at even times."""
    field = interpolated(np.asarray(context.states.values), forward.settings.grid.is_periodic())
    times = forward.scale.frames(context.times)
    even = np.linspace(times[0], times[-1], len(times))
    if np.allclose(even, times, atol=1e-6):
        return field
    flat = field.reshape(len(times), -1)
    columns = [np.interp(even, times, column) for column in flat.T]
    return np.stack(columns, axis=1).reshape(field.shape)


def _common_speed(field, periodic: bool) -> float:
    """The speed, in cells per frame, at which the first field moves as a whole: the least-squares
    shift of each frame onto the next, beyond the whole number of cells of `common_shift`."""
    whole = common_shift(field, periodic)
    field = followed(field, whole)
    before, after = field[:-1, 0], field[1:, 0]
    middle = 0.5 * (before + after)
    if periodic:
        slope = 0.5 * (np.roll(middle, -1, axis=-1) - np.roll(middle, 1, axis=-1))
    else:
        slope = np.gradient(middle, axis=-1)
    return whole - float(np.sum(slope * (after - before)) / max(np.sum(slope**2), 1e-300))
