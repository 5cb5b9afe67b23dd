"""The flux of a fluid: a density h that flows with its momentum m.

    ∂t h + ∂x (c m) = 0,   ∂t m + ∂x (a m²/h + p(h)) = b h - d m - e m|m|/h²

with a polynomial p, as in shallow water and gases of one temperature; perhaps with a slope and two
kinds of drag. Between a few sensors these few coefficients are found where those of any two fields
are not.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.interpolation import interpolated
from hfluxno.identify.frames.momentum import unexplained
from hfluxno.identify.joint.law_shape import LawShape
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.source_terms import Functions, values_of

# Gravity and drag nearly cancel in a river, so each may change the momentum by several half ranges
# in a frame.
_OF_A_RIVER = 10.0
MARGIN = 0.05  # by which the range of a law exceeds the measured one


def density_of(
    negated: tuple[int, ...], values: Float[np.ndarray, "time field cells"], periodic: bool
) -> int | None:
    """Which of two fields may be the density of a fluid: the one that is not the momentum, or if
    both may be, the one that the other carries with less left unexplained; `None` if it is not
    positive. NaN where nothing was measured."""
    low, high = np.nanmin(values, axis=(0, 2)), np.nanmax(values, axis=(0, 2))
    positive = np.flatnonzero(low > MARGIN * (high - low))
    if len(low) != 2 or not len(positive):
        return None
    if not negated and len(positive) == 2:
        field = interpolated(values, periodic)[None]
        return min((0, 1), key=lambda density: unexplained(field, density, 1 - density))
    density = 1 - negated[0] if negated else int(positive[0])
    return density if density in positive else None


def terms_of_fluid(density: int, degree: int) -> tuple[tuple[int, ...], ...]:
    """The exponents of the fields in m, m²/h and h, h², …"""
    h = np.eye(2, dtype=int)[density]
    m = 1 - h
    terms = [m, 2 * m - h, *(k * h for k in range(1, degree + 1))]
    return tuple(tuple(map(int, each)) for each in terms)


def drag_and_gravity(density: int | None) -> Functions:
    """h, m and m|m|/h²."""
    if density is None:
        return ()
    unit = np.eye(4, dtype=int)
    h, m, size = unit[density], unit[1 - density], unit[3 - density]
    return tuple(tuple(map(int, each)) for each in (h, m, m + size - 2 * h))


def spreads_of_drag(shape: LawShape) -> Float[np.ndarray, "field function"]:
    """Those of the sources: only m has some."""
    assert isinstance(shape.basis, Dictionary)
    momentum = int(np.argmax(shape.basis.exponents[0]))
    middle = jnp.asarray(0.5 * (shape.lower + shape.upper))[:, None]
    most = jnp.maximum(jnp.abs(shape.lower), jnp.abs(shape.upper))
    largest = values_of(shape.functions, middle.at[momentum, 0].set(most[momentum]))
    spreads = np.zeros((2, len(shape.functions)))
    spreads[momentum] = _OF_A_RIVER / np.asarray(largest)[:, 0]
    return spreads


def spreads_of_fluid(shape: LawShape, speed: float) -> Float[np.ndarray, "field function"]:
    """Those of a fluid: m alone moves h, and what else there is m. Each term may change the flux
    over the observed range by as much as a wave of this speed."""
    assert isinstance(shape.basis, Dictionary)
    corners = np.stack([shape.lower, shape.upper], axis=1)
    every = np.stack([grid.ravel() for grid in np.meshgrid(*corners)])
    half = 0.5 * np.ptp(np.asarray(shape.basis(jnp.asarray(every))), axis=1)
    spread = speed / np.maximum(half, 1e-12)
    momentum = int(np.argmax(shape.basis.exponents[0]))
    spreads = np.zeros((2, len(spread)))
    spreads[1 - momentum, 0] = spread[0]
    spreads[momentum, 1:] = spread[1:]
    return spreads


def waves_of_fluid(shape: LawShape, speed: float) -> Float[np.ndarray, "field function"]:
    """The coefficients of waves of this speed both ways through a fluid at rest, of which h and m
    have their ranges: F_h = (speed m_r/h_r) m, F_m = (speed h_r/m_r) h."""
    assert isinstance(shape.basis, Dictionary)
    exponents = np.array(shape.basis.exponents)
    momentum = int(np.argmax(exponents[0]))
    density = 1 - momentum
    scale, half = np.asarray(shape.basis.scale), 0.5 * (shape.upper - shape.lower)
    law = np.zeros((2, len(exponents)))
    # In half ranges of the field.
    law[density, 0] = speed * scale[momentum] / half[momentum]
    law[momentum, 2] = speed * scale[density] / half[density]
    return law
