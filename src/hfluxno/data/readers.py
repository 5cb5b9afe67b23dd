"""Reading a trajectory, or a batch of them, from a user's file.

Formats: NetCDF, HDF5, Zarr, NPZ, CSV and Parquet. One variable is read. Its dimensions are among
`trajectory`, `time` (or `t`), `field` and `x`, in any order; others must have one entry. `time` and
`x` may have any origin and units; `x` may decrease.

NaN and masked values are gaps. If all entries of `time` or `x` are multiples of one interval,
missing entries become gaps too; other positions are assigned to the cells of a grid. So the result
is uniform in both.

Times remain the numbers in the file, in its units ("days since …" counts days). Only dates of NPZ
and tables that are no numbers, or count from 1970, become seconds since the first. A missing `time`
counts the frames, a missing `x` is the cell centres of [0, 1], or of the domain that is given.

A file of `hfluxno generate` keeps trajectories whose solution failed: their `status` is not 0 and
they contain NaN. They are left out and counted, because they are not measurements with gaps.

Arrays of an NPZ file, or of an HDF5 file without dimension scales, have no dimension names: their
shape is (time, x), (time, field, x) or (trajectory, time, field, x), with `time` (or `t`), `x`,
`fields` and `trajectory` beside them. If `time` or `x` is missing, other one-dimensional arrays
could be it and are rejected.

A table has the columns `time` and `x` or other usual names for them (see `data.table`), optionally
`trajectory`, and one for each variable; a missing line is a gap.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from hfluxno.boundary import BoundaryName
from hfluxno.coordinates import check_spacing, decreases
from hfluxno.data.axes import squeezed
from hfluxno.data.boundary_pair import boundary_pair
from hfluxno.data.choice import (
    asked_names,
    canonical_order,
    choose,
    combined,
    fits,
    fitting_ones,
    selected,
    unread,
)
from hfluxno.data.contained import too_large
from hfluxno.data.ends import read_ends
from hfluxno.data.failed import failed_ones, without_failed
from hfluxno.data.flow import check_density, with_flow
from hfluxno.data.gas import is_primitive, unconserved, with_conserved
from hfluxno.data.marks import absent, as_gaps
from hfluxno.data.numbers import (
    check_finite,
    check_measured,
    check_no_dates,
    check_once,
    check_values,
    coordinate,
    field_names,
    overflowed,
    real_numbers,
)
from hfluxno.data.opening import opened
from hfluxno.data.own_times import check_one_clock
from hfluxno.data.reading import reading
from hfluxno.data.repeated_end import without_repeated_end
from hfluxno.data.same_everywhere import check_fields
from hfluxno.data.source import LEAST_CELLS, LEAST_FRAMES, LEAST_PLACES, Part, Source, unit_in
from hfluxno.data.time_means import time_mean
from hfluxno.data.time_of_day import check_no_clock
from hfluxno.data.uneven import counted_cells, frames_of, measured_part, on_cells
from hfluxno.data.valid_range import loaded, without_invalid
from hfluxno.data.which_is_conserved import not_conserved
from hfluxno.known import Noise, of_each_value


def read(
    path: str | Path,
    variable: str | None = None,
    boundary: str | None = None,
    *,
    time: str | None = None,
    x: str | None = None,
    cells: int | None = None,
    domain: tuple[float, float] | None = None,
    ends: str | Path | None = None,
    others: tuple[str, ...] = (),
    flow: str | None = None,
    average: float | None = None,
    bounds: tuple[float, float] | None = None,
    trajectory: int | None = None,
    gamma: float | None = None,
    missing: tuple[float, ...] = (),
) -> Source:
    """Reads the one variable that is a trajectory, or `variable` if there are several.

    A system is one variable with the dimension `field`, or several variables of the same shape.

    **Arguments:**

    - `path`: a NetCDF, HDF5, NPZ, CSV or Parquet file, or a Zarr folder.
    - `variable`: its name, if there are several candidates; names separated by commas ("h,hu")
      choose and order the fields of a system.
    - `boundary`: one name for both ends of the domain, or two with a comma
      ("reflecting,outflow"); if it is `None`, they are assumed to be periodic.
    - `time`, `x`: what the file calls them, a dimension or a variable along it.
    - `cells`, `domain`: the uniform grid for the values, if not given by x: how many cells, and the
      ends.
    - `ends`: the file with the states at ends that are `given`; by default `path`.
    - `others`: variables that are not read unless asked for.
    - `flow`: the variable with the flow of the one field, measured at the same times and places.
    - `average`: the length of time over which the values are means, with their times in the middle;
      0 if they are not means, `None` for what the file says (see `hfluxno.data.time_means`).
    - `bounds`: what the one field is never beyond (see `Trajectory.with_bounds`).
    - `trajectory`: the only one of a batch to read, counted from 0 without those that failed.
    - `gamma`: the ratio of specific heats, with which the momentum and the energy of a gas are
      computed if the file has density, velocity and pressure.
    - `missing`: numbers that stand for missing values.

    **Raises:**

    - `OSError`, if the file does not exist or cannot be read.
    - `ValueError`, if it is not as described above; the message names the fault and the remedy.
    """
    path = Path(path)
    sides = boundary_pair(boundary)
    if ends is not None and "given" not in sides:
        raise ValueError(
            f"The states in {ends} belong to a boundary that is given; choose --boundary given, or "
            "given,outflow if only the lower end is."
        )
    axes = {known: name for known, name in (("time", time), ("x", x)) if name is not None}
    doubled = flow is not None and asked_names(variable) == (flow,)
    if variable is not None and flow is not None:  # which may be in the list, too
        variable = ",".join(name for name in asked_names(variable) if name != flow) or None
    wanted = variable if variable is None or flow is None else f"{variable},{flow}"
    with opened(path, wanted, axes, member=trajectory) as (whole, names):
        one = slice(None) if trajectory is None else slice(trajectory, trajectory + 1)
        alone = any([v.attrs.pop("chosen", False) for v in whole.values()])
        early = alone or (trajectory is not None and "status" not in whole)
        if early and not alone:
            count = max(v.sizes.get("trajectory", 1) for v in whole.values())
            check_member(one.start, count, path)
            whole = {n: v.isel(trajectory=one, missing_dims="ignore") for n, v in whole.items()}
        if gamma is not None:
            whole, conserved = with_conserved(whole, gamma, path)
            variable = variable or conserved
        elif variable is None and is_primitive(whole):
            raise unconserved(path)
        asked, others = asked_names(variable), (*others, *asked_names(flow))
        meant = {name: v for name, v in whole.items() if name in asked or name not in others}
        if flow is None and not any(fits(v.dims) for v in meant.values()):
            meant = whole  # the noise is said to be the values, and is refused as such
        if variable is None and flow in whole:
            check_density(meant, str(flow), path)
        if doubled:
            raise ValueError(
                f"{flow} is chosen as the field and as its flow; choose the density, of which it "
                "passes per time, with --variable NAME, or leave out --flow."
            )
        file = None if ends is None else Path(ends)
        how = ReadOptions(path, variable, sides, names, cells, domain, file, None, average, bounds)
        how = dataclasses.replace(how, missing=missing, assumed=boundary is None)
        how = dataclasses.replace(how, member=trajectory if early else None)
        found = source_of(meant, how, {n: whole[n] for n in asked_names(flow) if n in whole})
        if flow is not None:
            along = dataclasses.replace(
                how, variable=flow, boundary=("open", "open"), cells=len(found.x), ends=None
            )
            found = with_flow(found, source_of(whole, along))
    found = without_repeated_end(found)
    if trajectory is None or early:
        return found
    check_member(trajectory, found.trajectories, path)
    return found.members(one)


def check_member(number: int, count: int, path: Path) -> None:
    """Raises `ValueError` if a file with so many trajectories does not have this one."""
    if not 0 <= number < count:
        raise ValueError(
            f"There is no trajectory {number} in {path}; it has {count}, counted from 0."
        )


@dataclasses.dataclass(frozen=True)
class ReadOptions:
    """How the variables of a file become a `Source`.

    - `path`: the file, which messages name.
    - `variable`, `cells`, `domain`, `average`: as in `read`.
    - `boundary`: those of both ends of x; `assumed`: whether nobody has named them.
    - `names`: what the file calls the axes, as `renamed` is given it.
    - `ends`: the file with the states at given ends, if it is another.
    - `noise`: the standard deviation of that of all values or of each field, if it is known.
    - `bounds`: as in `Trajectory.with_bounds`.
    - `missing`: numbers that stand for missing values.
    - `member`: which trajectory of the file is read, if only one is; messages name it.
    """

    path: Path
    variable: str | None
    boundary: tuple[BoundaryName, BoundaryName]
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    cells: int | None = None
    domain: tuple[float, float] | None = None
    ends: Path | None = None
    noise: Noise | None = None
    average: float | None = None
    bounds: tuple[float, float] | None = None
    missing: tuple[float, ...] = ()
    member: int | None = None
    assumed: bool = False


def source_of(
    whole: Mapping[str, xr.Variable],
    how: ReadOptions,
    beside: Mapping[str, xr.Variable] | None = None,
) -> Source:
    """What these variables hold; `beside` may have the `missing` numbers, too. Raises `ValueError`
    or `OSError` as `read` does."""
    path = how.path
    variables = squeezed(whole)
    names, fields = choose(variables, how.variable, path)
    for each in names:
        canonical_order(variables[each].dims, each, path)
    dims = {d for each in names for d in whole[each].dims}
    size = sum(variables[each].nbytes for each in {*names, *dims} if each in variables)
    remedy = "cut the file into parts"
    # Which trajectories failed is only known from the values of all.
    if variables[names[0]].sizes.get("trajectory", 1) > 1 and "status" not in variables:
        remedy = "take one trajectory with --trajectory N, or several with --scheduler local"
    refused = too_large(path, size, ", ".join(names), remedy)
    if refused:
        raise ValueError(refused)
    with reading(path):
        valid = {each: without_invalid(loaded(variables[each], each), each) for each in names}
        marked = {each: as_gaps(kept, each, how.missing) for each, (kept, _) in valid.items()}
        stored = {each: kept for each, (kept, _) in marked.items()}
        found = stored[names[0]]
        coordinates = {str(d): loaded(variables[d], str(d)) for d in dims if d in variables}
    left_out = [v.attrs.pop("left_out", "") for v in coordinates.values()]
    together = [v.attrs.pop("together", "") for v in coordinates.values()]
    left_out += together
    left_out += [v.attrs.pop("turned", "") for v in stored.values()]
    gaps = [note for _, note in valid.values() if note]
    gaps += [note for _, notes in marked.values() for note in notes]
    left_out += [*gaps, unread(variables, how.variable, names)]
    if len(names) == 1:
        left_out.append(not_conserved(names[0], variables, fitting_ones(variables)))
    unmarked = {each: kept for each, (kept, _) in valid.items()} | dict(beside or {})
    name = ", ".join(names)
    if len(names) > 1:
        found = combined(stored, path)
        coordinates["field"] = xr.Variable("field", np.array(names, dtype=object))
    if fields:
        found = selected(found, coordinates, name, fields)
    order = canonical_order(found.dims, name, path)
    with reading(path):
        failed = failed_ones(variables, found)
    if failed.any() and failed.all():
        which = "every trajectory" if how.member is None else f"trajectory {how.member}"
        raise ValueError(
            f"The solution of {which} of {path} failed, as its status says; there is nothing to "
            "read."
        )
    falls = decreases(coordinates.get("x"))
    if falls:
        found = found.isel(x=slice(None, None, -1))
        coordinates["x"] = coordinates["x"].isel(x=slice(None, None, -1))
    found, coordinates = without_failed(found, coordinates, failed, path)
    values = real_numbers(np.asarray(found.values), f"values of {name}")
    check_finite(values, found.dims, coordinates, name)
    check_values(values, f"values of {name}")
    values = values.transpose([found.dims.index(d) for d in order])
    if "field" not in order:
        values = np.expand_dims(values, -2)
    if 0 in values.shape:
        raise ValueError(f"The variable {name} of {path} is empty: its shape is {found.shape}.")
    fields_read = field_names(coordinates.get("field"), values.shape[-2], name)
    if len(fitting_ones(variables)) > 1:  # among which there is a choice
        check_fields(values, fields_read, path)
    frames, places = values.shape[-3], values.shape[-1]
    if frames < LEAST_FRAMES or places < LEAST_PLACES:
        given = ", and a file for a given law (--law) needs as many frames, too"
        raise ValueError(
            f"The variable {name} of {path} has {frames} × {places} values, frames × places; a law "
            f"can be inferred from {LEAST_FRAMES} × {LEAST_CELLS} or more, by hfluxno reconstruct "
            f"from {LEAST_FRAMES} × {LEAST_PLACES}{given if frames < LEAST_FRAMES else ''}."
        )
    known = ~np.isnan(values)
    check_measured(known, fields_read, path, gaps, how.member)
    clock = "t" if "t" in order else "time"
    lengths = [coordinates[axis].shape for axis in (clock, "x") if axis in coordinates]
    if lengths == [(places,), (frames,)] and frames != places:
        raise ValueError(
            f"The axes of {name} in {path} are x, time: there are {places} times and {frames} "
            "places; store the transposed values."
        )
    times = coordinate(coordinates.get(clock), np.arange(frames, dtype=float), clock)
    check_once(times, clock)
    check_no_dates(times, clock)
    if not (clock in coordinates and unit_in(coordinates[clock].attrs)):
        check_no_clock(times, how.names.get("time", clock))
    along_time = frames_of(times, frames, clock)
    positions = coordinate(coordinates.get("x"), counted_cells(places, how.domain), "x")
    check_once(positions, "x")
    measured = measured_part(known) * frames / len(along_time.coordinate)
    along_x = on_cells(positions, places, how.cells, how.domain, measured, how.boundary)
    for axis, label in ((along_time, clock), (along_x, "x")):
        check_spacing(axis.coordinate, label)
    values = along_time.scatter(along_x.scatter(values, -1), -3)
    source = Source(
        path=path,
        parts=tuple(
            Part(each, tuple(map(str, whole[each].dims)), dict(part.attrs))
            for each, part in stored.items()
        ),
        values=np.ascontiguousarray(values),
        times=along_time.coordinate,
        x=along_x.coordinate,
        fields=fields_read,
        boundary=how.boundary,
        assumed=how.assumed,
        coordinates=coordinates,
        names=how.names,
        falls=falls,
        failed=int(failed.sum()),
        rows=tuple(map(int, along_time.places)),
        columns=tuple(map(int, along_x.places)),
        notes=(*filter(None, left_out), *along_time.notes, *along_x.notes, *overflowed(stored)),
        observation=along_x.observation,
    )
    mean, notes = time_mean(how.average, variables, source)
    steps, notes = source.observation + mean, source.notes + notes
    source = dataclasses.replace(source, observation=steps, notes=notes, bounds=how.bounds)
    if "given" in how.boundary:
        check_one_clock(together, path)
        at_ends, of_ends = read_ends(how.ends or path, source, how.missing)
        source, unmarked = dataclasses.replace(source, ends=at_ends), unmarked | of_ends
    notes = (*source.notes, *absent(unmarked, how.missing))
    source = dataclasses.replace(source, notes=notes)
    if how.noise is None:
        return source
    return dataclasses.replace(source, deviation=of_each_value(how.noise, source.values))
