"""`hfluxno check`: what a file contains and what its values show, before anything is fitted."""

import dataclasses
import math
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from hfluxno.cli.input import MeasuredConfig
from hfluxno.cli.recommended import recommended
from hfluxno.plural import percent, span

if TYPE_CHECKING:
    from rich.table import Table

_ROUNDING = 1e-9
# A trajectory has more noise than a batch if it has so many times as much, and so many deviations.
_UNLIKE, _LITTLE = 2.0, 1e-3
_MOST_COLUMNS = 6  # of a table that a terminal has room for


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckConfig(MeasuredConfig):
    """Say what a file contains and what its values show, in seconds; nothing is fitted.

    INPUT and its options are as for `hfluxno forecast`. The report lists the axes, missing values,
    the noise, how far profiles travel per frame, whether totals are conserved or change by the flow
    through the ends, whether the field is its own mirror image, which boundary that suggests, what
    can be inferred, values that look wrong, and the commands to run next.

    Example: hfluxno check detectors.csv --domain 0,10
    """

    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the report as one JSON object, and nothing else."""


def main(config: CheckConfig) -> int:
    """Reads, measures and reports. Raises `ValueError` if an option or the input is at fault;
    `OSError` if the file cannot be read."""
    from hfluxno.cli import plane, report
    from hfluxno.cli.second_look import second_look
    from hfluxno.data.examination import examined

    if plane.is_meant(config):
        from hfluxno.cli import plane_check

        return plane_check.main(config)
    source = config.read()
    if source.bounds is not None or source.ends is not None:
        # The commands refuse bounds that the values of a trajectory cannot have, and ends that do
        # not cover its times.
        source.beginning()
    found = examined(source, config.boundary is not None)
    source, found = second_look(config, source, found)
    if (known := source.deviation) is not None:
        for i, name in enumerate(source.fields):
            least, most = np.nanmin(known[..., i, :]), np.nanmax(known[..., i, :])
            found["fields"][name]["known_noise"] = [float(least), float(most)]
    found |= recommended(config, source, found)
    if config.json:
        report.print_json(found)
    else:
        _show(found)
    return 0


def _show(found: dict) -> None:
    from rich.console import Console

    from hfluxno.cli.report import head, line
    from hfluxno.data.numbers import listed

    console = Console(highlight=False)
    fields = found["fields"]
    console.print(head(found))
    for label, text in _lines(found):
        line(console, label, text)
    if len(fields) > _MOST_COLUMNS:
        text = f"{listed(list(fields))}; --json prints what is known of each"
        line(console, "fields", text)
    else:
        console.print(_table(fields, found["x"]["units"]))
    line(console, "boundary", f"{found['boundary']}: {found['boundary_reason']}")
    line(console, "can infer", found["identifiable"])
    odd = [f"{name}: {text}" for name, each in fields.items() for text in each["oddities"]]
    for text in (*odd, *found["faults"], *found["hints"]):
        line(console, "note", text, "yellow")
    for command in (found["reconstruct"], found["next"]):
        if command:
            line(console, "next", command)


def _table(fields: dict, units: str) -> "Table":
    """A column for each field."""
    from rich.markup import escape
    from rich.table import Table

    from hfluxno.cli.report import LABEL

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    for _ in fields:
        table.add_column(overflow="fold")
    if len(fields) > 1:
        table.add_row("", *(f"[bold]{escape(name)}[/bold]" for name in fields))
    for label, shown in _ROWS.items():
        if label == "missing" and len(fields) == 1:
            continue  # it was reported above
        if label == "known noise" and not any("known_noise" in each for each in fields.values()):
            continue
        entries = (shown(each, units) for each in fields.values())
        table.add_row(f"{label:<{LABEL - 1}}", *entries)
    return table


def _lines(found: dict) -> list[tuple[str, str]]:
    """The report on the whole file, by label."""
    missing = found["missing"]
    lines = [("trajectories", str(found["trajectories"]))]
    if found["trajectories"] > found["trajectories_measured"]:
        empty, of = found["trajectories_empty"], "them"
        count = str(found["trajectories"])
        if empty:
            count, of = f"{count}, {empty} of them without a value of some field", "the others"
        text = f"{count}, the first {found['trajectories_measured']} of {of} measured"
        lines[0] = ("trajectories", text)
    if found["failed_left_out"]:
        lines.append(("", f"{found['failed_left_out']} have failed and are left out"))
    lines.append(("time", _axis(found["time"], "frames")))
    falls = ", falling in the file" if found["x"]["falls"] else ""
    lines.append(("x", _axis(found["x"], "cells") + falls))
    text = "nothing"
    if missing["all"] > 0.0:
        frame, sensor = missing["worst_frame"], missing["worst_sensor"]
        text = (
            f"{_percent(missing['all'])} of the values; of what is in the file up to "
            f"{_percent(frame['part'])} of a frame (time {_when(frame)}) and "
            f"{_percent(sensor['part'])} at a place (x {sensor['x']:.6g})"
        )
        if worst := missing.get("worst_trajectory"):
            text += f", {_percent(worst['part'])} of trajectory {worst['trajectory']}"
            for lacks in missing["first_lacking"]:
                more = missing["frames_lacking"] - 1
                text += f"; trajectory {lacks['trajectory']} lacks the frame at {_when(lacks)}"
                text += f", and {more:,} more" * bool(more)
    lines.append(("missing", text))
    return lines


def _when(frame: dict) -> str:
    return frame.get("date") or f"{frame['time'] + 0.0:.6g}"


def _axis(axis: dict, entries: str) -> str:
    units = f" {axis['units']}" if axis["units"] else ""
    name = axis["name"] if axis["in_file"] else "counted: the file has none"
    ends, step = f"{span(axis['first'], axis['last'], 6)}{units}", f"{axis['spacing']:.4g}"
    if "dates" in axis:
        ends, step = " to ".join(axis["dates"]), axis["step"]
    text = f"{axis['entries']} {entries}, {ends} in steps of {step} ({name})"
    if axis.get("even_sensors"):
        return f"{axis['entries_in_file']} even places, taken for sensors at points on {text}"
    if axis["uniform"]:
        return text + ", uniform"
    if axis["entries"] == axis["entries_in_file"]:
        return text + ", uneven"
    return text + f", of which {axis['entries_in_file']} are in the file"


def _known_noise(field: dict, units: str) -> str:
    low, high = field.get("known_noise", (math.nan, math.nan))
    if math.isnan(low):
        return ""
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _noise(field: dict, units: str) -> str:
    if math.isnan(field["noise"]):
        return "unknown: too few neighbouring values are measured"
    text = "none"
    if field["relative_noise"] > _ROUNDING:  # not NaN, as of a constant
        share = _percent(field["relative_noise"])
        text = f"about {field['noise']:.2g}, {share} of the standard deviation"
    most = field["most_noise"]
    if not most > max(_UNLIKE * field["noise"], _LITTLE * field["standard_deviation"]):
        return text
    return f"{text}; in trajectory {field['noisiest_trajectory']} about {most:.2g}"


def _travel(field: dict, units: str) -> str:
    if field["constant"]:
        return "constant"
    if math.isnan(field["cells_per_frame"]):
        return "unknown: no consecutive frames are measured"
    if not field["travels_clearly"]:
        return "not clearly: profiles grow, stand or turn round, so that no shift is much better"
    still = abs(field["cells_per_frame"]) < 0.005
    distance = f"{0.0 if still else field['distance_per_frame']:+.3g}{' ' * bool(units)}{units}"
    text = (
        f"{0.0 if still else field['cells_per_frame']:+.2f} cells a frame ({distance}), up to "
        f"{field['most_cells_per_frame']:.2f} cells"
    )
    alike = field["correlation_of_frames"]
    return text if alike > 0.9 else f"{text}, but frames are little alike (correlation {alike:.2f})"


def _total(field: dict, units: str) -> str:
    from hfluxno.data.likely_boundary import is_sure

    if math.isnan(field["total_change"]):
        return "unknown"
    verdict = "conserved" if field["total_kept"] else "not conserved"
    if field["total_doubtful"] or (field["total_kept"] and not is_sure(field)):
        verdict = "perhaps conserved"
    gaps = " (gaps interpolated)" if field["total_over_gaps"] else ""
    text = (
        f"{verdict}: changes by {_percent(field['total_change'])} of its mean size, "
        f"± {_percent(field['total_uncertainty'])}{gaps}"
    )
    if verdict != "not conserved" or math.isnan(field["explained_by_ends"]):
        return text
    share = _percent(field["explained_by_ends"])
    return (
        f"{text}; what passes or presses at the ends can explain {share} of that, but so may a "
        "source or a reaction"
    )


def _symmetric(field: dict, units: str) -> str:
    if field["constant"]:
        return "yes, about any place"
    if field["symmetry"] == "none":
        return "no"
    about = f"about {field['mirror']:.6g}{' ' * bool(units)}{units}"
    return f"{'yes' if field['symmetry'] == 'even' else 'yes, with the opposite sign'}, {about}"


def _percent(value: float) -> str:
    return "0 %" if abs(value) < _ROUNDING else percent(value)


_ROWS = {
    "values": lambda field, _: span(field["smallest"], field["largest"]),
    "missing": lambda field, _: _percent(field["missing"]),
    "noise": _noise,
    "known noise": _known_noise,
    "travels": _travel,
    "total": _total,
    "symmetric": _symmetric,
}
