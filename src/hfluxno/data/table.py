"""Reading a table: one line for each time and place, one column for each variable."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from hfluxno.data.numbers import listed


def is_table(path: Path) -> bool:
    """A table has no first bytes of its own, so here the name decides."""
    return path.suffix.lower() == ".csv"


def table_variables(frame: pd.DataFrame, names: dict[str, str], path: Path) -> dict:
    """The columns as variables of (trajectory, time, x), the lines in any order; NaN where there is
    no line.

    **Raises:**

    - `ValueError`, where a column is missing, or there are two lines for one place.
    """
    columns = list(map(str, frame.columns))
    frame = frame.set_axis(columns, axis=1)
    time = names.get("time") or ("t" if "t" in columns and "time" not in columns else "time")
    keys = [time, names.get("x") or "x"]
    missing = [key for key in keys if key not in columns]
    if missing:
        raise ValueError(
            f"{path} has no column {missing[0]}; it has {listed(columns)}. Name its columns of "
            "time and place with --time NAME and --x NAME."
        )
    if "trajectory" in columns:
        keys = ["trajectory", *keys]
    if frame[keys].isna().to_numpy().any():
        raise ValueError(f"{path} has a line without {' or '.join(keys)}; fill or remove it.")
    if frame[time].dtype.kind not in "iuf":
        try:
            frame = frame.assign(**{time: pd.to_datetime(frame[time])})
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"The times of {path} are neither numbers nor dates; the first is "
                f"{frame[time].iloc[0]!r}."
            ) from error
    twice = frame.duplicated(keys)
    if twice.any():
        raise ValueError(f"{path} has two lines for {_line(frame[keys][twice].iloc[0])}.")
    indexed = frame.set_index(keys)
    dataset = indexed.to_xarray()
    return {str(name): _plain(v) for name, v in dataset.variables.items() if v.dtype.kind in "iufM"}


def _line(keys) -> str:
    return ", ".join(f"{name} {value}" for name, value in keys.items())


def _plain(variable) -> xr.Variable:
    return xr.Variable(variable.dims, np.asarray(variable.values))
