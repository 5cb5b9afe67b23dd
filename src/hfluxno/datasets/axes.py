"""Whether a dataset has what is asked for, on axes that are understood."""

from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from hfluxno.data.axes import renamed, squeezed
from hfluxno.data.choice import DIMENSIONS, fits
from hfluxno.data.numbers import listed


def check_present(
    whole: xr.Dataset, variable: str | None, names: dict[str, str], path: Path
) -> None:
    """Raises `ValueError` if there is no such variable, or it is a vector, as on a plane, and
    nothing has the axes of one; `names` are what the dataset, called `path`, calls the axes."""
    absent = set((variable or "").split(",")) - {"", *map(str, whole.data_vars)}
    if not absent:
        return
    if all(f"{name}_x" in whole for name in absent):
        check_line(renamed({str(n): v for n, v in whole.variables.items()}, names, path))
    raise ValueError(
        f"There is no variable {sorted(absent)[0]!r}; the dataset has "
        f"{', '.join(map(str, whole.data_vars))}."
    )


def check_line(variables: Mapping[str, xr.Variable]) -> None:
    """Raises `ValueError` if no variable is a trajectory on a line."""
    bare = squeezed(variables)
    if any(fits(v.dims) for v in bare.values()):
        return
    others = {str(d) for v in bare.values() if v.ndim > 1 for d in v.dims}
    strange = sorted(others - {*DIMENSIONS, "t"})
    raise ValueError(
        "These functions take trajectories over time and x, or time, x and y, and no variable of "
        f"the dataset is one ({listed(strange)} beside): rename the dimensions of time and place "
        "with ds.rename."
    )
