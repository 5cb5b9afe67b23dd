"""A law that was found in another file, for the fields of this one."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hfluxno.units import bare

if TYPE_CHECKING:
    from hfluxno.cli.forecast import ForecastConfig
    from hfluxno.cli.input import InputConfig
    from hfluxno.data.plane.source import PlaneSource
    from hfluxno.data.source import Source
    from hfluxno.forecaster import Forecaster
    from hfluxno.identify.plane.saved import SavedPlaneLaw
    from hfluxno.identify.saved.law import SavedLaw

Config = TypeVar("Config", bound="InputConfig")


def with_fields(config: Config, axes: int) -> Config:
    """The options with the fields of a given law, or those that were measured for it, as those to
    read; as they are if there is no law, the user chooses fields, or the file, which has so many
    axes of space, has others."""
    law = config.given_law if config.variable is None else None
    if law is None or law.law.axes != axes:  # other axes are refused elsewhere
        return config
    # Commands that only read a file do not wait for these.
    from hfluxno.data.opening import opened
    from hfluxno.data.plane.layouts import opened_plane

    if axes == 1:
        with opened(config.input, None, config.axes) as (variables, _):
            stored = {name for name, each in variables.items() if each.ndim > 1}
    else:
        with opened_plane(config.input, config.axes) as plane:
            stored = set(plane.fields)
    for fields in _fields_of(law):
        if set(fields) <= stored and not any("," in name for name in fields[1:]):
            return dataclasses.replace(config, variable=",".join(fields))
    return config


def check_fields(law: "SavedLaw | SavedPlaneLaw", source: "Source | PlaneSource") -> None:
    """Says which units of the law are taken for those of the file, if this does not say its own.
    Raises `ValueError` if the fields of the file have other names than those of the law, or a unit
    is known for both and differs, or the file lacks fields of the law. Other numbers of fields and
    axes are refused elsewhere."""
    from hfluxno.identify.saved.law import check_units

    fields = law.law.fields
    if (law.law.axes == 2) != hasattr(source, "y"):
        return
    if source.fields == fields:
        check_units(law, source.units, str(source.path))
        _say_units(law, source)
    elif source.fields == ("u",) and len(fields) == 1 and fields != ("values",):
        # In Python u is what an array without a name has; in a file it is a name.
        raise ValueError(
            f"The law has the field {fields[0]!r}, and {source.path} has 'u'; choose another "
            "variable with --variable NAME, or rename this one if it is the same quantity."
        )
    elif len(source.fields) == len(fields) and not _are_of(law, source.fields):
        raise ValueError(_other_names(fields, source.fields, source.path))
    for of_law in _fields_of(law):
        lacking = [name for name in of_law if name not in source.fields]
        if lacking and len(source.fields) + len(lacking) == len(of_law):
            raise ValueError(_unknown(law, lacking, source.path))


def fitted_to(
    source: "Source | PlaneSource", config: "ForecastConfig", method: "Forecaster"
) -> "Forecaster":
    """The method with the settings of the file. Raises `ValueError` if the field of the file has
    another name than that of a given law, or a unit is known for both and differs."""
    from hfluxno.identify import GivenLawForecaster

    if not isinstance(method, GivenLawForecaster):
        return method
    check_fields(method.law, source)
    every = config.every
    if config.context == 1 and every is None and len(source.times) > 1:
        every = float(source.times[1] - source.times[0])
    return dataclasses.replace(method, every=every)


def _say_units(law: "SavedLaw | SavedPlaneLaw", source: "Source | PlaneSource") -> None:
    """Says of which axes and fields the law has a unit, and the file none, or the other way."""
    from hfluxno.cli.streams import say

    of_law = law.units.by_name(law.law.fields)
    of_file = {name: bare(source.units.get(name, "")) for name in of_law}
    missing = {name: unit for name, unit in of_law.items() if unit and not of_file[name]}
    unsaid = {name: unit for name, unit in of_file.items() if unit and not bare(of_law[name])}
    file = str(source.path)
    for known, silent, whose in ((missing, file, "the law"), (unsaid, "The law", file)):
        if known:
            taken = ", ".join(f"{name} in {unit}" for name, unit in known.items())
            say(
                f"{silent} does not say all units, so its numbers are taken to be in those of "
                f"{whose}: {taken}; if they are not, convert them."
            )


def _are_of(law: "SavedLaw | SavedPlaneLaw", fields: tuple[str, ...]) -> bool:
    """Whether fields with these names may be those of the law, in some order; of an array without
    a name any may be."""
    unnamed = {("u",), ("values",)}
    return any({*fields} == {*own} or unnamed & {fields, own} for own in _fields_of(law))


def _other_names(of_law: Sequence[str], of_file: Sequence[str], path: Path) -> str:
    """How to rename the fields of a file that are those of a law."""
    said = (
        f"The law has {', '.join(map(repr, of_law))}, and {path} has "
        f"{', '.join(map(repr, of_file))}; choose others with --fields, or, if these are the same "
        "quantities, rename those of the file"
    )
    if path.suffix != ".nc":
        return f"{said}, of a table in its header."
    names = dict(zip(of_file, of_law, strict=True))
    renamed = f"xarray.open_dataset({path.name!r}).rename({names}).to_netcdf('renamed.nc')"
    return f"{said}, in Python by {renamed}."


def check_known(config: "InputConfig", unknown: str) -> None:
    """Raises `ValueError` if a field of which nothing was measured is one of several of a given
    law."""
    law = config.given_law
    if law is not None and any(len(fields) > 1 and unknown in fields for fields in _fields_of(law)):
        raise ValueError(_unknown(law, [unknown], config.input)) from None


def _unknown(law: "SavedLaw | SavedPlaneLaw", lacking: Sequence[str], path: Path) -> str:
    """What to do where nothing is measured of some fields of a law."""
    fields = law.law.fields
    names = " and ".join(lacking)
    said = f"The law has the fields {', '.join(fields)}, and nothing of {names} is read from {path}"
    if law.law.axes > 1 or len(fields) > 2:
        return f"{said}: such a law needs measurements of each field wherever there are others."
    return (
        f"{said}: a law of two fields needs at least one value of each in the context, as a "
        "variable that is NaN where nothing was measured."
    )


def _fields_of(law: "SavedLaw | SavedPlaneLaw") -> list[tuple[str, ...]]:
    """The fields of the law, and those that were measured for it if they are others."""
    change = getattr(law, "change", None)
    return [law.law.fields, *([] if change is None else [change.fields])]
