"""Sides of a plane that are assumed to be periodic and that nothing has reached in the context, so
that they may be free.

(`hfluxno.identify.untested_ends` for a line)
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfluxno.boundary import Outflow
from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.untested_ends import arrival_at_seam, is_still


class UntestedSides(NamedTuple):
    """The axes along which nothing may go round, and the first frame of the forecast, counted from
    1, in which a wave has arrived there."""

    axes: tuple[int, ...]
    frame: int

    @property
    def sentence(self) -> str:
        along = " and ".join("xy"[axis] for axis in self.axes)
        return (
            f"from frame {self.frame} on waves reach the sides along {along}, which may be free or "
            "periodic, which the context does not show; say --boundary periodic if they are"
        )


def untested_sides(
    seen: Frames, frames: Float[np.ndarray, "step field x y"], growing: bool = False
) -> UntestedSides | None:
    """The axes that are assumed to be periodic at whose sides nothing changes in the context, or
    only as everywhere because of sources (`growing`), and that waves reach in the `frames` of the
    forecast; `None` if there are none."""
    if not seen.ends_assumed:
        return None
    noise = seen.noise * np.std(seen.filled, axis=(0, 2, 3))
    arrivals = {}
    for axis in (0, 1):
        if seen.around[axis]:
            inside, ahead = (_at_sides(u, axis) for u in (seen.filled, frames))
            frame = arrival_at_seam(inside, ahead, noise, seen.filled, growing=growing)
            if frame is not None:
                arrivals[axis] = frame
    return UntestedSides(tuple(arrivals), min(arrivals.values())) if arrivals else None


def still_axes(seen: Frames) -> tuple[int, ...]:
    """The periodic axes at whose sides nothing changes in the context, so that nothing tells
    whether they are."""
    noise = seen.noise * np.std(seen.filled, axis=(0, 2, 3))
    return tuple(
        axis
        for axis in (0, 1)
        if seen.around[axis] and is_still(_at_sides(seen.filled, axis), noise, seen.filled)
    )


def _at_sides(values: Float[np.ndarray, "time field x y"], axis: int) -> np.ndarray:
    return np.moveaxis(values, 2 + axis, -1)[..., [0, -1]]


def with_free_sides(seen: Frames, axes: tuple[int, ...]) -> Frames:
    """The same frames with free sides along these axes."""
    sides = tuple(
        (Outflow(), Outflow()) if axis in axes else pair
        for axis, pair in enumerate(seen.grid.boundary)
    )
    return dataclasses.replace(seen, grid=dataclasses.replace(seen.grid, boundary=sides))
