"""The commands that follow `hfluxno check`: those that will not be refused for too few values."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hfluxno.boundary import WALLS
from hfluxno.cli.acting import sentences
from hfluxno.cli.input import MeasuredConfig
from hfluxno.data.measures import is_still
from hfluxno.data.source import LEAST_CELLS, LEAST_FRAMES, Source
from hfluxno.data.which_is_conserved import unconserved
from hfluxno.names import field_names
from hfluxno.plural import percent, plural
from hfluxno.shell_words import joined
from hfluxno.trajectory import Trajectory

_NOISY = 0.01  # in standard deviations
# What a part of a volume is at most, by its units.
_WHOLE = {"": 1.0, "1": 1.0, "%": 100.0, "percent": 100.0}
# Of the measurements are empty; and of the whole are in one of them, where at least this part of
# what lacked at half time has come since, or this little lacks. What settles and becomes no denser
# than .6, .8 or .85 may be forecast worse with a bound of 1 (.065 for .017, .036 for .008, .054 for
# .030): of that at most .13 had come, where a bound of 1 helps .19 or more.
_EMPTY, _NEARLY, _FILLED, _LACKS = 0.05, 0.7, 0.16, 0.03
_MOST_FRAMES = 400  # of which a law is found within minutes
_MANY_FRAMES = 1000  # a joint estimate of so many takes many minutes


def recommended(config: MeasuredConfig, source: Source, found: dict) -> dict:
    """`next`, the command that forecasts the last quarter of the frames from those before or from
    as many as are needed, and `reconstruct`, the one that estimates the field behind measurements;
    empty if nothing can be inferred, or no output can contain it. Of many frames both take the
    first ones. The `hints` say so, and if too little was measured."""
    chosen = _with_boundary(source, found["boundary"])
    config, bounded = _with_bounds(config, source, found)
    if nameless := unstorable([part.name for part in source.parts], source.fields):
        return {"next": "", "reconstruct": "", "hints": [*found["hints"], nameless]}
    reconstruct, fault = _reconstruct(config, chosen, found)
    forecast, short = _forecast(config, chosen, found)
    many = _too_many(found["frames"]) if forecast or reconstruct else ""
    hints = [*found["hints"], *filter(None, [fault or short, many, bounded])]
    if not found["faults"]:
        # What a field does tells more than what it is called.
        measured = unconserved(source.field_attributes, found["fields"]) | _acting(chosen)
        hints += measured.values()
    can = {} if forecast or reconstruct or not (fault or short) else {"identifiable": "nothing"}
    return {"next": forecast, "reconstruct": reconstruct, "hints": hints} | can


def unstorable(variables: Sequence[str], fields: Sequence[str]) -> str:
    """Why the commands refuse these names; empty if they do not."""
    from hfluxno.data.writers import check_storable

    try:
        check_storable(variables)
        field_names(fields, len(fields))
    except ValueError as error:
        return str(error)
    return ""


def _acting(source: Source) -> dict[str, str]:
    """What fields act as that are not conserved; nothing if the commands will refuse the file."""
    from hfluxno.identify.acting import acting

    if len(source.fields) == 1:
        return {}
    try:
        return sentences(acting(source.context()))
    except ValueError:
        return {}


def _with_boundary(source: Source, boundary: Any) -> Source:
    """The file as the commands will read it; a boundary of two names is what the user said."""
    if set(source.boundary) != {"periodic"} or "," in boundary:
        return source
    return dataclasses.replace(source, boundary=(boundary, boundary))


def _with_bounds(config: MeasuredConfig, source: Source, found: dict) -> tuple[MeasuredConfig, str]:
    """The options with the bounds of one field that seems to have any, and a sentence on them; as
    they are and empty without. Given ends may be negative by noise, which bounds exclude."""
    (name, field), *others = found["fields"].items()
    if others or config.bounds is not None or source.ends:
        return config, ""
    whole = _WHOLE.get(source.units.get(name, "").lower())
    if whole and _is_part(field, whole) and set(found["boundary"].split(",")) <= WALLS:
        return dataclasses.replace(config, bounds=f"0,{whole:g}"), (
            f"{name} is zero in {percent(field['zero_part'])} of the measurements but for noise, "
            f"and nowhere above {whole:g}: the commands say that it is a part of a closed volume, "
            f"which cannot exceed {whole:g}; if it can, leave out --bounds, or write --bounds=0, "
            "instead."
        )
    if not field["never_negative"]:
        return config, ""
    more = "; of a share of a whole, --bounds=0,1 says more" if field["largest"] <= 1.0 else ""
    return dataclasses.replace(config, bounds="0,"), (
        f"{name} is zero in {percent(2.0 * field['below_zero'])} of the measurements but for "
        f"noise, and nowhere less: the commands say that it is never negative{more}."
    )


def _is_part(field: dict, whole: float) -> bool:
    """Whether a field is somewhere empty, somewhere nearly the whole and becomes so still, and
    nowhere more but for noise."""
    lacks, before = whole - field["largest"], whole - field["largest_before"]
    fills = lacks <= max((1.0 - _FILLED) * before, _LACKS * whole)
    nearly = -3.0 * np.nan_to_num(field["noise"]) <= lacks <= (1.0 - _NEARLY) * whole
    return bool(field["zero_part"] >= _EMPTY and nearly and fills)


def _forecast(config: MeasuredConfig, source: Source, found: dict) -> tuple[str, str]:
    """The command, or why there is none."""
    few = found["x"]["entries_in_file"] < LEAST_CELLS
    if found["faults"] or (few and not _is_joint(config, found)):
        return "", ""
    whole = found["frames"]
    frames = min(whole, _MOST_FRAMES)
    least = max(LEAST_FRAMES, frames - max(1, frames // 4))
    refusal = ""
    for context in range(least, whole + 1):
        refusal = _too_few(source, found, context)
        if not refusal:
            steps = max(1, min(whole - context, frames - least))
            words = _words("forecast", config, found)
            return joined([*words, "--context", str(context), "--steps", str(steps)]), ""
    return "", refusal


def _reconstruct(config: MeasuredConfig, source: Source, found: dict) -> tuple[str, str]:
    """The command, or why there is none; nothing of both if the values are the field itself."""
    noisy = any(each["relative_noise"] > _NOISY for each in found["fields"].values())
    ends = {"open", "given"} & set(found["boundary"].split(","))
    gaps = found["missing"]["all"] > 0.0 or not found["time"]["uniform"]
    # Of whole frames of two fields `forecast` copes with the noise, in a tenth of the time.
    noisy = (noisy and len(found["fields"]) == 1) or _is_known(config)
    if found["faults"] or len(found["fields"]) > 2 or not (noisy or ends or gaps):
        return "", ""
    if source.trajectories > 1:  # it takes one of them
        source, config = source.members(slice(1)), dataclasses.replace(config, trajectory=0)
    frames = min(found["frames"], _MOST_FRAMES)
    if refusal := _too_few(source, found, frames, jointly=True):
        frames = found["frames"]
        refusal = _too_few(source, found, frames, jointly=True)
    if refusal:
        return "", refusal
    part = [] if frames == found["frames"] else ["--context", str(frames)]
    return joined([*_words("reconstruct", config, found), *part]), ""


def _too_many(frames: int) -> str:
    """What the commands leave out of many frames; empty if nothing."""
    if frames <= _MOST_FRAMES:
        return ""
    each = -(-frames // _MOST_FRAMES)
    return (
        f"The commands take the first few hundred of {frames:,} frames, as a fit of all takes "
        f"long; to cover the whole time, write a file with one frame in {each}, or with means of "
        f"{each} frames."
    )


def takes_long(frames: int) -> list[str]:
    """What to do about a joint estimate of very many frames, while it runs; nothing about fewer."""
    if frames <= _MANY_FRAMES:
        return []
    each = -(-frames // _MOST_FRAMES)
    return [
        f"A fit of {frames:,} frames takes many minutes; Ctrl-C ends it. Take the first "
        f"ones with --context {_MOST_FRAMES}, or a file with one frame in {each}, or with means of "
        f"{each} frames."
    ]


def _too_few(source: Source, found: dict, frames: int, jointly: bool = False) -> str:
    """Why a joint estimate from the first frames would be refused; empty if it would not."""
    from hfluxno.identify.enough import too_few_values

    if any(each["constant"] for each in found["fields"].values()):
        return ""  # the commands leave fields out
    try:
        context: Trajectory = source.beginning(frames)
    except ValueError:  # of which the commands tell
        return ""
    if is_still(np.asarray(context.values)):
        return f"Nothing changes in the first {plural(frames, 'frame')}."
    return too_few_values(context, jointly)


def _is_joint(config: MeasuredConfig, found: dict) -> bool:
    """Whether a forecast estimates law, first state and ends together."""
    ends = {"open", "given"} & set(found["boundary"].split(","))
    time = found["time"]
    uneven = not time["uniform"] and time["entries"] == time["entries_in_file"]
    return bool(ends) or _is_known(config) or uneven


def _is_known(config: MeasuredConfig) -> bool:
    """Whether it is said how the values were measured."""
    return config.noise != "auto" or config.flow is not None or bool(config.average)


def words_of(command: str, file: Path, options: dict[str, Any]) -> list[str]:
    """A command on a file, with the options that are given."""
    path = str(file)
    words = ["hfluxno", command, f"./{path}" if path.startswith("-") else path]
    return words + [f"--{name}={value}" for name, value in options.items() if value is not None]


def _words(command: str, config: MeasuredConfig, found: dict) -> list[str]:
    """A command on the same input with the options that it needs."""
    moving = [name for name, each in found["fields"].items() if not each["constant"]]
    chosen = config.variable if len(moving) == len(found["fields"]) else ",".join(moving)
    options: dict[str, Any] = {
        "variable": chosen,
        "time": config.time,
        "x": config.x,
        "trajectory": config.trajectory,
        "cells": config.cells,
        "gamma": config.gamma,
    }
    options |= {"domain": config.domain, "ends": config.ends}
    options["missing"] = with_marks(config, found)
    options |= {"flow": config.flow, "average": config.average, "bounds": config.bounds}
    options["noise"] = None if config.noise == "auto" else config.noise
    # A ring that is a guess is not named: the forecast says so where a wave reaches its ends.
    default = "open" if command == "reconstruct" else "periodic"
    if found["boundary"] != default or (command == "forecast" and found["boundary_known"]):
        options["boundary"] = found["boundary"]
    options["momentum"] = found["momentum"]
    return words_of(command, config.input, options)


def with_marks(config: MeasuredConfig, found: dict) -> str | None:
    """The option --missing with the marks that were found; `None` if there are none."""
    marks = [*([config.missing] if config.missing else []), *(f"{m:g}" for m in found["marks"])]
    return ",".join(marks) or None
