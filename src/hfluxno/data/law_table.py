"""An inferred law as tables over the observed range of states."""

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hfluxno.law_curves import law_curves
from hfluxno.law_uncertainty import flux_deviation

# Points along each field, so that a table of one to three fields has hundreds to thousands.
_POINTS = {1: 101, 2: 33, 3: 13}
_POINTS_OF_MORE = 5


@dataclasses.dataclass(frozen=True)
class LawTable:
    """f, f′ and ν at all combinations of equidistant states of each field.

    - `fields`: their names.
    - `states`: for each field its states, from the least to the largest observed value.
    - `flux`: f_i at index (i, *states). A flux is known up to a constant; here it vanishes at the
      observed state nearest to zero.
    - `derivative`: ∂f_i/∂u_j at index (i, j, *states).
    - `diffusivity`: ν_i at index (i, *states), zero if the law has none.
    - `flux_deviation`: the standard deviation of the flux of one field by what the data tell of its
      coefficients, nan if it is not known; `None` for several fields.
    """

    fields: tuple[str, ...]
    states: tuple[np.ndarray, ...]
    flux: np.ndarray
    derivative: np.ndarray
    diffusivity: np.ndarray
    flux_deviation: np.ndarray | None


def tabulate(found: Any) -> LawTable:
    """The table of the law of an identification, over its observed range."""
    law = found.law
    lower, upper = np.asarray(law.lower, float), np.asarray(law.upper, float)
    points = _POINTS.get(len(lower), _POINTS_OF_MORE)
    states = tuple(np.linspace(*ends, points) for ends in zip(lower, upper, strict=True))
    mesh = np.stack(np.meshgrid(*states, indexing="ij"))
    nearest_zero = np.clip(0.0, lower, upper).reshape((-1,) + (1,) * len(lower))
    deviation = None
    if len(lower) == 1:
        known = flux_deviation(found, mesh, nearest_zero)[0]
        deviation = np.full(points, np.nan) if known is None else known
    return LawTable(tuple(law.fields), states, *law_curves(law, mesh, nearest_zero), deviation)


def write_csv(path: Path, tables: Sequence[LawTable], first: int = 0) -> None:
    """One line per trajectory and state: the state, then f, f′ and ν, and for one field the
    standard deviation of f, nan if it is not known. The trajectories are numbered from `first`;
    unless that is 0, they are appended to a file with the earlier ones."""
    fields = tables[0].fields
    single = len(fields) == 1
    header = ["trajectory", *fields]
    header += ["flux"] if single else [f"flux_{i}" for i in fields]
    header += ["flux_derivative"] if single else [f"dflux_{i}/d{j}" for i in fields for j in fields]
    header += ["diffusivity"] if single else [f"diffusivity_{i}" for i in fields]
    header += ["flux_deviation"] * single
    with path.open("a" if first else "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not first:
            writer.writerow(header)
        for trajectory, table in enumerate(tables, first):
            states = np.stack(np.meshgrid(*table.states, indexing="ij"))
            columns = [states, table.flux, table.derivative, table.diffusivity]
            columns += [] if table.flux_deviation is None else [table.flux_deviation]
            rows = np.concatenate([c.reshape(-1, states[0].size) for c in columns]).T
            for row in rows:
                writer.writerow([trajectory, *(f"{number:.10g}" for number in row)])
