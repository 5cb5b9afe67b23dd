"""What measurements can show of a law, judged by the measurements alone."""

import math

from hfluxno.data.source import LEAST_CELLS, Source, are_even
from hfluxno.names import MOST_FIELDS
from hfluxno.plural import span

_ABOVE_NOISE = 1.1  # alone it changes a place as much in time
_SEVERAL = {3: "Three", 4: "Four"}
_ALIKE = 0.5  # correlation of frames


def no_system(source: Source, fields: dict, boundary: str) -> str:
    """Why no law of these fields together can be inferred; empty if nothing is against it."""
    moving = [name for name, each in fields.items() if not each["constant"]]
    if len(moving) > MOST_FIELDS:
        plane = "; if they are cells of a plane, add their coordinate y to the file"
        return (
            f"There is no law of {len(moving)} fields together: choose one, or up to "
            f"{MOST_FIELDS} that form a system, with --variable"
            f"{plane if len(moving) >= LEAST_CELLS else ''}."
        )
    if len(moving) > 2 and not (
        _is_complete(source, fields) and _needs_no_states(source, boundary)
    ):
        return (
            f"{_SEVERAL[len(moving)]} fields need whole frames between ends that need no states: "
            "fill the gaps, or choose one or two fields with --variable."
        )
    return ""


def identifiable(source: Source, fields: dict, boundary: str) -> str:
    """A sentence on what can be inferred, from the measures of the fields, one of which moves."""
    moving = {name: each for name, each in fields.items() if not each["constant"]}
    quiet = [n for n, e in moving.items() if e["changes"] < _ABOVE_NOISE * e["noise"]]
    if len(quiet) == len(moving):
        return (
            f"little: the change in time of {' and '.join(quiet)} is hardly more than the noise; "
            "average to fewer cells or frames"
        )
    unlike = [e["correlation_of_frames"] for e in moving.values()]
    if all(alike < _ALIKE for alike in unlike if not math.isnan(alike)) and not all(
        map(math.isnan, unlike)
    ):
        return "little: frames are too far apart to follow anything; measure more often"
    ranges = [f"{n} from {span(e['smallest'], e['largest'])}" for n, e in moving.items()]
    single = len(moving) == 1
    if single and next(iter(moving.values()))["symmetry"] == "even":
        return (
            f"a diffusivity or a source of {ranges[0]}, but no flux of it alone, as that would "
            "break the symmetry; if waves run both ways, a second field that moves them is needed"
        )
    parts = [f"the {'flux' if single else 'fluxes'} of {' and '.join(ranges)}"]
    if single:
        parts.append("a diffusivity")
    complete = _is_complete(source, fields)
    if single and complete and _needs_no_states(source, boundary):
        parts.append("a source or a dependence on place if these do not explain the data")
    if not complete:
        parts.append("the field in the gaps")
    if "open" in boundary.split(","):
        parts.append("the inflow at the ends")
    return ", ".join(parts)


def _is_complete(source: Source, fields: dict) -> bool:
    return are_even(source.times) and all(each["missing"] == 0.0 for each in fields.values())


def _needs_no_states(source: Source, boundary: str) -> bool:
    """Whether the ends need no states from outside."""
    return "open" not in boundary.split(",") and source.ends is None
