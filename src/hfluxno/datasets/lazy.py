"""Datasets of many trajectories, processed on demand: xarray in, lazy xarray out.

Dask cuts the trajectories into chunks, and computes each on one core of whatever runs its tasks.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from hfluxno import coordinates
from hfluxno.batching import on_one_core
from hfluxno.data.axes import cf_names, renamed, squeezed
from hfluxno.data.boundary_pair import boundary_pair
from hfluxno.data.clock import in_seconds
from hfluxno.data.gas import check_gamma
from hfluxno.data.plane.labelled import on_plane
from hfluxno.data.plane.reader import LEAST_FRAMES, PlaneReadOptions
from hfluxno.data.readers import ReadOptions
from hfluxno.datasets.axes import check_line, check_present
from hfluxno.datasets.chunk import (
    Chunk,
    Layout,
    Variables,
    first_usable,
    needed,
    prepared,
    some,
    trajectories,
    usable,
)
from hfluxno.datasets.plane_work import ContinuePlane, IdentifyPlane, PlaneWork
from hfluxno.datasets.work import Continue, Identify, Reconstruct, Work, sendable
from hfluxno.extras import require
from hfluxno.forecaster import check_steps
from hfluxno.identify.frames.momentum import as_pair, one_name
from hfluxno.identify.saved.forecaster import FoundLaw, as_law
from hfluxno.known import Noise
from hfluxno.methods import check_measured, forecaster

# For a dataset without chunks.
CHUNK = 64


def identify_dataset(
    ds: xr.Dataset | xr.DataArray,
    *,
    context: int | None = None,
    variable: str | None = None,
    boundary: str | None = None,
    momentum: str | tuple[str, str] | None = None,
    noise: Noise | None = None,
    gamma: float | None = None,
    walls: str | None = None,
) -> xr.Dataset:
    """The laws of many trajectories, identified on demand.

    **Arguments:**

    - `ds`: one variable with the dimensions trajectory, time (or t) and x, and optionally y and
      field, in any order, as in a file (see `hfluxno.data.readers`); NaN is a gap. It is processed
      in its chunks along trajectory; if it has none, in chunks of 64, on a plane of 1.
    - `context`: the number of frames from which the law is inferred, by default all.
    - `variable`: its name if there are several; "h,hu" takes two as a system. On a plane a vector
      stands for its components, as in "density,momentum,energy".
    - `boundary`: the boundaries at the ends of x, one name or two with a comma; on a plane those of
      x and of y, as in "wall/periodic"; if it is `None`, they are assumed to be periodic.
    - `momentum`: the field of a system whose sign a wall reverses, which one chunk cannot infer for
      all; on a plane a pair of fields, which each trajectory may infer.
    - `noise`: on a line, the standard deviation of the noise, one for all fields or one per field.
    - `gamma`: on a plane, the ratio of specific heats, with which momentum and energy are computed
      from velocity and pressure.
    - `walls`: on a plane, the variable that is 1 in walls inside and 0 elsewhere, or "nan" for the
      cells that are NaN in every frame of a context.

    **Returns:**

    A dataset with a row for each trajectory: `status` (by its `flag_meanings`), `status_sentence`,
    `law`, `formula`, `backtest_error`, `residual`, `missing`, `total_drift`, and the tables `flux`,
    `flux_derivative` and `diffusivity` at `state_NAME`; on a plane `status`, `status_sentence`,
    `law`, its `coefficient` and `coefficient_deviation`, `equation` (of each field),
    `backtest_error`, `persistence_error`, `misfit` and `missing`. A trajectory that cannot be used
    has the status 3 (failed), the reason as its sentence, and NaN.

    **Raises:**

    - `ValueError`, if there are no trajectories, none of the first chunk (on a plane, of the first
      64) can be used, an option is at fault, or Dask is missing.
    """
    return _lazy(
        ds,
        _Options(context, variable, boundary, noise, gamma, walls),
        lambda: Identify(context, one_name(momentum)),
        lambda: IdentifyPlane(context, as_pair(momentum)),
    )


def forecast_dataset(
    ds: xr.Dataset | xr.DataArray,
    steps: int,
    *,
    context: int | None = None,
    variable: str | None = None,
    boundary: str | None = None,
    method: str = "fit",
    weights: str | None = None,
    momentum: str | tuple[str, str] | None = None,
    every: float | None = None,
    noise: Noise | None = None,
    law: FoundLaw | None = None,
    gamma: float | None = None,
    walls: str | None = None,
) -> xr.Dataset:
    """The `steps` frames after the context of each of many trajectories, solved on demand.

    **Arguments:** those of [`identify_dataset`][hfluxno.identify_dataset], and `method`, `weights`,
    `every` and `law` of [`forecast`][hfluxno.forecast].

    **Returns:**

    The variable with its dimensions and units at the times of the forecast, and for each trajectory
    what `hfluxno forecast` writes. With a fitted or given law there are bands (`NAME_lower90`,
    `NAME_upper90`), NaN where none are known.

    **Raises:**

    - `ValueError`, as `identify_dataset` and `forecast` do.
    - `OSError`, if the law file cannot be read.
    """
    check_steps(steps)
    if noise is not None:
        check_measured(method)
    made = forecaster(method, weights, momentum=momentum, every=every, law=law)
    by = sendable(made, method, weights)
    least_frames = LEAST_FRAMES if law is None else 1
    return _lazy(
        ds,
        _Options(context, variable, boundary, noise, gamma, walls, least_frames),
        lambda: Continue(context, int(steps), by),
        lambda: ContinuePlane(context, int(steps), by),
    )


def reconstruct_dataset(
    ds: xr.Dataset | xr.DataArray,
    *,
    context: int | None = None,
    variable: str | None = None,
    boundary: str = "open",
    momentum: str | None = None,
    noise: Noise | None = None,
    law: FoundLaw | None = None,
) -> xr.Dataset:
    """The fields behind the measurements of many trajectories on a line, estimated on demand
    (see [`reconstruct`][hfluxno.reconstruct]).

    **Arguments:** those of [`identify_dataset`][hfluxno.identify_dataset] on a line, and `law` of
    [`reconstruct`][hfluxno.reconstruct].

    **Returns:**

    The variable at the times of the measurements with its bands `NAME_lower90` and `NAME_upper90`,
    and for each trajectory `status`, `status_sentence`, `law`, `noise` and the tables of the law.

    **Raises:**

    - `ValueError`, as `identify_dataset` does.
    """
    given = None if law is None else as_law(law)
    options = _Options(context, variable, boundary, noise)
    return _lazy(ds, options, lambda: Reconstruct(context, momentum, law=given), None)


@dataclasses.dataclass(frozen=True)
class _Options:
    """How a dataset is read: what all functions take, and the frames that a plane needs."""

    context: int | None
    variable: str | None
    boundary: str | None
    noise: Noise | None
    gamma: float | None = None
    walls: str | None = None
    least_frames: int = LEAST_FRAMES


def _lazy(
    ds: xr.Dataset | xr.DataArray,
    options: _Options,
    on_line: Callable[[], Work],
    plane_work: Callable[[], PlaneWork] | None,
) -> xr.Dataset:
    require("A dataset in chunks", "cluster", "dask.array")
    if not isinstance(ds, xr.Dataset | xr.DataArray):
        raise ValueError(
            f"A Dataset or a DataArray of xarray is needed, not {type(ds).__name__}; others are "
            "for forecast, identify and reconstruct."
        )
    for name, such in (("variable", "h,hu"), ("boundary", "open,wall")):
        if not isinstance(given := getattr(options, name), str | None):
            raise ValueError(f"A {name} is one text, as in {such!r}; got {given!r}.")
    if options.context is not None:
        coordinates.whole(options.context, "context")
    whole = ds if isinstance(ds, xr.Dataset) else ds.to_dataset(name=ds.name or "u")
    path = Path(whole.encoding.get("source", "the dataset"))
    names = cf_names(_named(whole), {})
    if on_plane(squeezed(renamed(_named(whole), names, path))):
        if plane_work is None:
            raise ValueError(
                "Only fields along one space axis are reconstructed; use identify_dataset or "
                "forecast_dataset for frames on a plane."
            )
        if options.noise is not None:
            raise ValueError("On a plane the noise is estimated; leave out noise.")
        if options.gamma is not None:
            check_gamma(options.gamma)
        work = plane_work()
        of_plane = options.gamma, options.walls, options.least_frames
        plane = PlaneReadOptions(path, options.variable, options.boundary, names, *of_plane)
        return _on_plane(whole, plane, work)
    if options.gamma is not None or options.walls is not None:
        raise ValueError("gamma and walls are for frames on a plane; leave them out.")
    variable, sides = options.variable, boundary_pair(options.boundary)
    if "given" in sides:
        raise ValueError(
            "A dataset cannot hold the given states at the ends; use the command with --ends FILE."
        )
    check_present(whole, variable, names, path)
    what = "standard deviations of the noise"
    known = None
    if options.noise is not None:
        known = tuple(map(float, coordinates.real(np.ravel(options.noise), what)))
    trajectories(_named(whole))
    whole = whole.drop_vars(set(whole.variables) - set(needed(_named(whole), variable)))
    axes = cf_names(_named(whole), {})
    reading = ReadOptions(
        path, variable, sides, axes, noise=known, assumed=options.boundary is None
    )
    return _on_line(_cut(whole, CHUNK), reading, on_line())


def _cut(whole: xr.Dataset, usual: int) -> xr.Dataset:
    """In its chunks along trajectory alone, or in those of the `usual` size if it has none."""
    size = whole.chunksizes.get("trajectory") or (min(usual, trajectories(_named(whole))),)
    return whole.chunk({d: size[0] if d == "trajectory" else -1 for d in whole.dims})


def _on_line(whole: xr.Dataset, reading: ReadOptions, work: Work) -> xr.Dataset:
    size = whole.chunksizes["trajectory"][0]
    first = _loaded(whole, slice(0, size), reading)
    check_line(first)
    # All chunks have the grid of the first.
    reading = dataclasses.replace(reading, cells=len(usable(reading, first).x))
    return _mapped(whole, prepared(reading, work, first))


def _on_plane(whole: xr.Dataset, reading: PlaneReadOptions, work: PlaneWork) -> xr.Dataset:
    """Trajectories are large: they are loaded one by one until one can be used."""
    if not trajectories(_named(whole)):
        raise ValueError("There are no trajectories.")
    unread = reading.unread(_numbers(some(_named(whole), slice(0, 1)), reading))
    whole = _cut(whole.drop_vars(unread), 1)
    chunk = first_usable(
        min(whole.sizes["trajectory"], CHUNK),
        lambda row: prepared(reading, work, _loaded(whole, slice(row, row + 1), reading)),
    )
    return _mapped(whole, chunk)


def _loaded(
    whole: xr.Dataset, rows: slice, reading: ReadOptions | PlaneReadOptions
) -> dict[str, xr.Variable]:
    return _numbers({n: v.load() for n, v in some(_named(whole), rows).items()}, reading)


def _mapped(whole: xr.Dataset, chunk: Chunk) -> xr.Dataset:
    """The results of all chunks, on demand."""
    template = _template(chunk.layout, whole.chunksizes["trajectory"])
    if "trajectory" in whole.coords and "trajectory" in chunk.layout.columns:
        template = template.assign_coords(trajectory=whole["trajectory"])
    numbered = whole.assign_coords({_NUMBER: ("trajectory", np.arange(whole.sizes["trajectory"]))})
    return xr.map_blocks(_block, numbered, kwargs={"chunk": chunk}, template=template)


def _block(block: xr.Dataset, chunk: Chunk) -> xr.Dataset:
    begin, block = int(block[_NUMBER][0]), block.drop_vars(_NUMBER)
    with on_one_core():
        found = chunk(_numbers(_named(block), chunk.reading), begin)
    texts = [n for n, v in found.variables.items() if v.dtype.kind == "O" and n not in found.coords]
    return found.assign({n: found[n].astype(_TEXT) for n in texts})


def _named(dataset: xr.Dataset) -> dict[str, xr.Variable]:
    return {str(name): v for name, v in dataset.variables.items()}


# The number of each trajectory, which a block does not know.
_NUMBER = "number of the trajectory"

# Types whose size Dask and Zarr know.
_TEXT = np.dtypes.StringDType()


def _numbers(
    variables: Variables, reading: ReadOptions | PlaneReadOptions
) -> dict[str, xr.Variable]:
    """The variables in the form of a file: dates are numbers, and the axes have our names."""
    found = {}
    for name, v in variables.items():
        if v.dtype.kind in "mM" and name != "trajectory":
            numbers, attributes = in_seconds(v.values)
            v = xr.Variable(v.dims, numbers, v.attrs | attributes)
        found[name] = v.to_base_variable()
    return renamed(found, reading.names, reading.path)


def _template(layout: Layout, chunks: tuple[int, ...]) -> xr.Dataset:
    import dask.array

    def empty(column):
        shape = [layout.sizes.get(d, sum(chunks)) for d in column.dims]
        cut = [chunks if d == "trajectory" else layout.sizes[d] for d in column.dims]
        dtype = _TEXT if column.dtype.kind == "O" else column.dtype
        return dask.array.empty(shape, dtype=dtype, chunks=cut)

    own = {n: c for n, c in layout.columns.items() if not c.is_coordinate}
    made = {n: xr.Variable(c.dims, empty(c), c.attributes) for n, c in own.items()}
    return xr.Dataset(made, layout.fixed, layout.attributes)
