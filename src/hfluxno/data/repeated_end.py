"""Circles whose end is stored twice, as first and as last place: 0° and 360°."""

import dataclasses

import numpy as np

from hfluxno.data.source import Source

_SAME = 4.0  # roundings of the largest value
_MOVES = 1e3  # roundings, by which the cells beside the ends differ from them
_MIRRORED = 0.01  # of that, by which the cells beside the ends of a symmetric field differ at most


def without_repeated_end(source: Source) -> Source:
    """The same without the last cell of a circle if it has the values of the first one in every
    frame, with a note. On a plateau neighbours are the same for other reasons, and the ends of a
    field that is its own mirror image are."""
    u = source.values
    if source.boundary != ("periodic", "periodic") or source.observation or not _repeats(u):
        return source
    if source.columns is not None and len(source.columns) < len(source.x):
        return source
    note = (
        f"The last cell of {source.path} is left out: it repeats the first one in every frame, as "
        "if the end of a circle were stored twice. With --boundary outflow it is kept."
    )
    coordinates = {
        name: v.isel(x=slice(None, -1), missing_dims="ignore")
        for name, v in source.coordinates.items()
    }
    deviation, flow, columns = source.deviation, source.flow, source.columns
    return dataclasses.replace(
        source,
        values=np.ascontiguousarray(u[..., :-1]),
        x=source.x[:-1],
        coordinates=coordinates,
        columns=None if columns is None else columns[:-1],
        deviation=None if deviation is None else deviation[..., :-1],
        flow=None if flow is None else (flow[0], np.ascontiguousarray(flow[1][..., :-1])),
        notes=(*source.notes, note),
    )


def _repeats(u: np.ndarray) -> bool:
    size = np.max(np.abs(u), initial=0.0, where=~np.isnan(u))
    rounding = np.finfo(u.dtype).eps * size
    first, last, beside = u[..., 0], u[..., -1], u[..., 1:-1][..., [0, -1]]
    differ = np.abs(beside - first[..., None]) > _MOVES * _SAME * rounding
    moves = np.all(differ, axis=-1).mean() > 0.5
    across, along = beside[..., 0] - beside[..., 1], beside[..., 0] - first
    is_mirrored = np.mean(np.abs(across)) <= _MIRRORED * np.mean(np.abs(along))
    return bool(moves and not is_mirrored and np.all(np.abs(first - last) <= _SAME * rounding))
