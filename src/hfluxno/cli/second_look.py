"""What `hfluxno check` says of a file once it knows how the commands that it proposes read it."""

import dataclasses

from hfluxno.cli.input import MeasuredConfig
from hfluxno.cli.recommended import with_marks
from hfluxno.data.examination import examined
from hfluxno.data.source import Source
from hfluxno.data.uneven import FEWEST_AS_CELLS

# The ends do not change what the values are, only the cells that they are on.
_ON_CELLS = (
    *("missing", "cells_per_frame", "most_cells_per_frame", "distance_per_frame"),
    *("correlation_of_frames", "travels_clearly"),
)


def second_look(config: MeasuredConfig, source: Source, found: dict) -> tuple[Source, dict]:
    """The file as the proposed commands read it, with marks for missing values as gaps, and a few
    places as sensors if the ends are open; and the report on that. Both as they are if these
    commands read the same."""
    opens = config.boundary is None and "open" in found["boundary"].split(",")
    few = opens and source.columns is not None and len(source.columns) < FEWEST_AS_CELLS
    if not (found["marks"] or few):
        return source, found
    missing = with_marks(config, found)
    config = dataclasses.replace(config, missing=missing, boundary=found["boundary"])
    try:
        as_read = config.read()
    except ValueError as error:  # as the commands will say
        return source, found | {"faults": [str(error)], "identifiable": "nothing"}
    if not found["marks"] and len(as_read.x) == len(source.x):
        return source, found
    again = examined(as_read, is_told=True)
    fields = {
        name: each | {key: again["fields"][name][key] for key in _ON_CELLS}
        for name, each in found["fields"].items()
    }
    kept = {key: found[key] for key in ("marks", "boundary_reason", "boundary_known")}
    # The oddities say more of the marks than the reader.
    counted = tuple(f" of {m:g} {verb} missing." for m in found["marks"] for verb in ("is", "are"))
    hints = [hint for hint in again["hints"] if not hint.endswith(counted)]
    return as_read, again | kept | {"fields": fields, "hints": hints}
