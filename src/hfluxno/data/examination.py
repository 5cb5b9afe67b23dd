"""What a file contains and what its values show, as plain numbers and words."""

import numpy as np

from hfluxno.boundary import WALLS
from hfluxno.data.balance import Balance, balance_with_ends, flow_of_two, through_seam
from hfluxno.data.clock import date, dated, step
from hfluxno.data.counts import cumulative_hint, looks_cumulative, scatter_hint, where_it_is
from hfluxno.data.end_measures import EndMeasures, ends, hidden_at_ends
from hfluxno.data.identifiable import identifiable, no_system
from hfluxno.data.likely_boundary import (
    ITS_FLOW,
    ends_show,
    likely_boundary,
    momentum_between_walls,
)
from hfluxno.data.marks import marks_in, without_marks
from hfluxno.data.measures import (
    changes_steadily,
    is_constant,
    is_still,
    never_negative,
    total,
    travel,
    zero_part,
)
from hfluxno.data.source import LEAST_FRAMES, LEAST_PLACES, Source, are_even, unit_in
from hfluxno.data.source_or_flow import source_or_flow
from hfluxno.data.spreadsheet_days import spreadsheet_days
from hfluxno.data.symmetry import symmetry
from hfluxno.data.unlikely_values import oddities
from hfluxno.data.which_is_conserved import measure_of
from hfluxno.plural import percent, plural
from hfluxno.rounding import error_size
from hfluxno.unit_sizes import printed
from hfluxno.wild_values import noise_alone

_MOST_TRAJECTORIES = 32  # of a batch: a sample of the whole
_MOST_MISSING = 0.98  # that a law is fitted to


def examined(source: Source, is_told: bool = False) -> dict:
    """Axes, gaps, and the measures of each field; `boundary` is the plausible one unless the user
    has told which it is (`is_told`), with the reason, and `faults` what prevents a fit."""
    values = source.values if source.values.ndim == 4 else source.values[None]
    whole = (~np.isnan(values)).any(axis=(1, 3)).all(axis=-1)
    numbers = np.flatnonzero(whole)[:_MOST_TRAJECTORIES] if whole.any() else np.arange(len(values))
    used = values[numbers]
    bare = [without_marks(used[:, :, i]) for i in range(used.shape[2])]
    balances = balance_with_ends([u for u, _ in bare], source.times)
    units = source.units
    both = {name: ends(u) for name, (u, _) in zip(source.fields, bare, strict=True)}
    fields = {
        name: _field(u, marks, balance, source, both[name], numbers, printed(units.get(name, "")))
        for name, (u, marks), balance in zip(source.fields, bare, balances, strict=True)
    }
    flow = flow_of_two([u for u, _ in bare], source.times) if len(bare) == 2 else None
    of_other = None if flow is None else source.fields[flow]
    boundary, reason = likely_boundary(both, fields, of_other, _called(source, of_other))
    if is_told or set(source.boundary) != {"periodic"}:  # which is the default
        sides = source.boundary if len(set(source.boundary)) > 1 else source.boundary[:1]
        file = "" if source.ends is None else f", from {source.ends.path}"
        boundary, reason = ",".join(sides), f"as you say{file}"
        is_told = True
    walls = set(boundary.split(",")) <= WALLS
    moving = {name: both[name] for name, each in fields.items() if not each["constant"]}
    momentum = momentum_between_walls(moving, {n: fields[n] for n in moving}) if walls else None
    if boundary == "periodic" or (walls and len(fields) == 1):  # nothing passes its ends
        fields = {name: each | {"explained_by_ends": np.nan} for name, each in fields.items()}
    faults = _faults(source, values, fields, boundary)
    return {
        "input": str(source.path),
        "variable": source.variable,
        "trajectories": source.trajectories,
        "trajectories_measured": len(used),
        "trajectories_empty": int((~whole).sum()),
        "failed_left_out": source.failed,
        "frames": source.frames,
        "time": _axis(source, source.time_axis) | _dates(source),
        "x": _axis(source, "x") | {"falls": source.falls, "even_sensors": _are_even(source)},
        "missing": _missing(source, values),
        "marks": sorted({m for i in range(used.shape[2]) for m in marks_in(used[:, :, i])}),
        "fields": fields,
        "boundary": boundary,
        "boundary_reason": reason,
        "boundary_known": is_told or ends_show(both, fields),
        "momentum": momentum,
        "identifiable": "nothing" if faults else identifiable(source, fields, boundary),
        "faults": faults,
        "hints": _hints(source, fields) + _of_counts(source, [u for u, _ in bare]),
    }


def _called(source: Source, flow: str | None) -> str:
    """In words, what a field is to the other, which changes by its differences in place alone."""
    attributes = dict(zip(source.fields, source.field_attributes, strict=True))
    if flow is None or not measure_of(flow, attributes[flow]):
        return ITS_FLOW
    return "whose differences in place move it"


def _axis(source: Source, name: str) -> dict:
    """Names, units, ends and spacing of an axis; how many of its entries are in the file."""
    along_x = name == "x"
    numbers = source.x if along_x else source.times
    places = source.columns if along_x else source.rows
    own = source.coordinates.get(name)
    count = len(numbers) if places is None else len(set(places))
    return {
        "name": source.names.get(name, name),
        "in_file": own is not None,
        "units": "" if own is None else printed(unit_in(own.attrs)),
        "first": float(numbers[0]),
        "last": float(numbers[-1]),
        "spacing": float((numbers[-1] - numbers[0]) / (len(numbers) - 1)),
        "entries": len(numbers),
        "entries_in_file": count,
        "uniform": (places is None or len(places) == count == len(numbers))
        and (along_x or are_even(source.times)),
    }


def _dates(source: Source) -> dict:
    """The first and the last date and the step between frames in words; nothing of other times."""
    units, first, last = dated(source), float(source.times[0]), float(source.times[-1])
    dates = [date(first, units), date(last, units)]
    words = step((last - first) / (len(source.times) - 1), units)
    return {"dates": dates, "step": words} if all(dates) else {}


def _are_even(source: Source) -> bool:
    """Whether there are as many cells, and some, between each place in the file and the next."""
    steps = np.unique(np.diff(np.unique(source.columns))) if source.columns else np.ones(0)
    return len(steps) == 1 and bool(steps[0] > 1)


def _missing(source: Source, values: np.ndarray) -> dict:
    """The missing fraction: of all values, and of the worst frame and cell in the file; of a batch
    also of the worst trajectory with any value, and the frames that such ones lack as a whole."""
    gone = np.isnan(values)
    rows = list(range(values.shape[1])) if source.rows is None else list(source.rows)
    cells = sorted(set(range(values.shape[-1]) if source.columns is None else source.columns))
    own = gone[:, rows][..., cells]
    by_frame, by_cell = own.mean(axis=(0, 2, 3)), own.mean(axis=(0, 1, 2))
    frame, cell = int(np.argmax(by_frame)), int(np.argmax(by_cell))

    def at(frame: int) -> dict:
        time = float(source.times[rows[frame]])
        return {"time": time} | ({"date": words} if (words := date(time, dated(source))) else {})

    found = {
        "all": float(gone.mean()),
        "in_file": float(by_frame.mean()),
        "worst_frame": at(frame) | {"part": float(by_frame[frame])},
        "worst_sensor": {"x": float(source.places[cells[cell]]), "part": float(by_cell[cell])},
    }
    by_member = own.mean(axis=(1, 2, 3))
    measured = by_member < 1.0
    if len(values) == 1 or not measured.any():
        return found
    member = int(np.argmax(np.where(measured, by_member, -1.0)))
    lacking = np.argwhere(own.all(axis=(2, 3)) & measured[:, None])
    return found | {
        "worst_trajectory": {"trajectory": member, "part": float(by_member[member])},
        "frames_lacking": len(lacking),
        "first_lacking": [{"trajectory": int(m)} | at(int(k)) for m, k in lacking[:1]],
    }


def _field(
    u: np.ndarray,
    marks: tuple[str, ...],
    balance: Balance,
    source: Source,
    both: EndMeasures,
    numbers: np.ndarray,
    units: str,
) -> dict:
    """The measures of one field, (trajectory, time, x), of the trajectories of these numbers."""
    cell = float(source.x[1] - source.x[0])
    mirrored = symmetry(u, both.match)
    there = where_it_is(u)
    deviation, sigma = float(np.nanstd(u)), error_size(there, noise_alone)
    each = [error_size(one[None], noise_alone) for one in there] if len(u) > 1 else [sigma]
    noisiest = int(np.argmax(np.nan_to_num(each)))
    sums = [total(each[None]) for each in u if not np.isnan(each).all()]
    worst = max(sums, key=lambda each: (not each.exact, abs(each.change) - each.uncertainty))
    moves, seam, parts = travel(u), through_seam(u, source.times), source_or_flow(u, source.times)
    return {
        "units": units,
        "smallest": float(np.nanmin(u)),
        "largest": float(np.nanmax(u)),
        "largest_before": _largest_before(u),
        "below_zero": float(np.mean(u[~np.isnan(u)] < 0.0)),
        "never_negative": never_negative(u),
        "zero_part": zero_part(u),
        "standard_deviation": deviation,
        "constant": is_constant(u),
        "missing": float(np.isnan(u).mean()),
        "noise": sigma,
        "relative_noise": sigma / deviation if deviation > 0.0 else np.nan,
        "most_noise": each[noisiest],
        "noisiest_trajectory": int(numbers[noisiest]),
        "cells_per_frame": moves.shift,
        "most_cells_per_frame": moves.largest,
        "travels_clearly": moves.clear,
        "distance_per_frame": moves.shift * cell,
        "correlation_of_frames": moves.correlation,
        "total_change": worst.change,
        "total_uncertainty": worst.uncertainty,
        "total_known": worst.known,
        "total_kept": worst.kept,
        "total_doubtful": worst.doubtful,
        "total_exact": worst.exact,
        "total_over_gaps": bool(np.isnan(u).any()),
        "total_changes_steadily": changes_steadily(u, source.times, worst),
        "hidden_at_ends": hidden_at_ends(u, sigma, moves.largest),
        "explained_by_ends": balance.explained,
        "balanced_by_ends": balance.is_sound(worst.uncertainty),
        "through_seam": seam.unsteady,
        "walls_explain": seam.walls,
        "flow_explains": parts.flow,
        "source_explains": parts.source,
        "source_on_a_ring": parts.ring,
        "source_between_walls": parts.walls,
        "source_on_no_ring": parts.no_ring,
        "changes": _change(there),
        "symmetry": mirrored.kind,
        "mirror": float(source.x[0]) + (mirrored.mirror - 0.5) * cell,
        "oddities": [*marks, *oddities(u, source.places, source.times, dated(source), numbers)],
    }


def _largest_before(u: np.ndarray) -> float:
    """The largest value of the first half of the frames, -∞ if none is known."""
    known = u[:, : (u.shape[1] + 1) // 2]
    return float(np.max(known, initial=-np.inf, where=~np.isnan(known)))


def _change(u: np.ndarray) -> float:
    """The median over the places of the standard deviation in time."""
    enough = (~np.isnan(u)).sum(axis=1) > 1
    if not enough.any():
        return float("nan")
    columns = np.moveaxis(u, 1, -1)[enough]
    return float(np.median(np.nanstd(columns, axis=-1)))


def _faults(source: Source, values: np.ndarray, fields: dict, boundary: str) -> list[str]:
    if all(each["constant"] for each in fields.values()):
        return ["All values are constant: there is nothing to infer a law from."]
    if is_still(source.measured) or is_still(values):
        return ["All frames are the same: there is nothing to infer a law from."]
    seen = ~np.isnan(values)
    empty = np.flatnonzero(~seen.any(axis=(1, 3)).all(axis=-1))
    if len(values) > 1 and empty.size:
        return [
            f"Of {plural(len(values), 'trajectory')} {empty.size} (the first is {empty[0]}, "
            "counted from 0) have a field without any measurement, and such a batch is not taken: "
            "leave these out, as hfluxno forecast --scheduler local does, or choose one of the "
            "others with --trajectory."
        ]
    least = (seen.any(axis=(0, 1)).sum(axis=-1).min(), seen.any(axis=(0, 3)).sum(axis=0).min())
    if least[0] < LEAST_PLACES or least[1] < LEAST_FRAMES:
        return [
            f"{plural(least[0], 'cell')} and {plural(least[1], 'frame')} of a field have "
            f"measurements, and a law needs {LEAST_PLACES} and {LEAST_FRAMES}: measure at more "
            "places or times."
        ]
    measured = np.flatnonzero(~np.isnan(values).all(axis=(0, 2, 3)))
    missing = float(np.isnan(values[:, measured[0] : measured[-1] + 1]).mean())
    if missing > _MOST_MISSING:
        return [
            f"{percent(missing)} of the values between the first and the last measured frame are "
            f"missing, and a law needs {percent(1.0 - _MOST_MISSING)} of them: choose fewer "
            "--cells, or leave out times at which little was measured."
        ]
    together = no_system(source, fields, boundary)
    return [together] if together else []


def _of_counts(source: Source, measured: list[np.ndarray]) -> list[str]:
    """What has to be known of fields that are counts."""
    found = []
    for name, u in zip(source.fields, measured, strict=True):
        units = source.units.get(name, "")
        if looks_cumulative(u, name, units):
            found.append(cumulative_hint(name))
        elif words := scatter_hint(u, name, units):
            found.append(words)
    return found


def _hints(source: Source, fields: dict) -> list[str]:
    found = list(source.hints)
    if not source.units.get("time"):
        note = spreadsheet_days(source.times, source.names.get("time", "time"))
        found += [note] if note else []
    constant = [name for name, each in fields.items() if each["constant"]]
    if constant and len(constant) < len(fields):
        found.append(f"Constant, and better left out: {', '.join(constant)}.")
    if source.frames == LEAST_FRAMES:
        found.append("There is no frame after the shortest context to compare a forecast with.")
    return found
