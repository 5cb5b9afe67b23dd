"""The walls inside a plane that a variable of the file marks."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool

from hfluxno.data.choice import shape_of
from hfluxno.data.numbers import listed
from hfluxno.data.plane.file import PlaneFile
from hfluxno.data.reading import reading
from hfluxno.plural import plural

# The walls are where nothing was measured.
NAN = "nan"


def marked_walls(file: PlaneFile, name: str, member: int, path: Path) -> Bool[np.ndarray, "x y"]:
    """The cells that are walls, in the order of the file.

    - `name`: a variable over x and y, and perhaps the trajectories, with values of 0 and 1.

    Raises `ValueError` if there is no such variable, or it marks all cells or none.
    """
    if name not in file.still:
        raise ValueError(_absent(file, name, path))
    mask = file.still[name]
    field = next(iter(file.fields.values()))
    sizes, own = dict(field.sizes), dict(mask.sizes)
    if any(own[axis] != sizes.get(axis) for axis in own):
        raise ValueError(
            f"{name} of {path} is {shape_of(own)}, and its fields are {shape_of(sizes)}; give the "
            "walls on the same cells."
        )
    if "trajectory" in own:
        mask = mask.isel(trajectory=member)
    with reading(path):
        values = np.asarray(mask.transpose("x", "y").values)
    known = values.dtype.kind in "biuf"
    if not known or not np.all(np.isin(values, (0, 1))):
        strange = next((v for v in values.ravel() if not known or v not in (0, 1)), "text")
        raise ValueError(
            f"{name} of {path} must be 1 (true) in walls and 0 (false) elsewhere, but has "
            f"{strange}; name {NAN} instead if the cells that are NaN in every frame are walls."
        )
    solid = values.astype(bool)
    where = f" of trajectory {member}" if "trajectory" in own else ""
    if solid.all():
        raise ValueError(
            f"{name} of {path} marks all {plural(solid.size, 'cell')}{where} as walls; it must be "
            "1 in walls and 0 where there are values."
        )
    if not solid.any():
        raise ValueError(f"{name} of {path} marks no cell{where} as a wall; leave the walls out.")
    return solid


def _absent(file: PlaneFile, name: str, path: Path) -> str:
    if name in file.fields:
        return (
            f"{name} of {path} changes over time; walls are a variable over x and y alone, or "
            f"{NAN} for the cells that are NaN in every frame."
        )
    others = f"its variables over x and y are {listed(list(file.still))}"
    found = others if file.still else "it has no variable over x and y alone"
    return (
        f"There are no walls {name!r} in {path}; {found}: name one that is 1 in walls and 0 "
        f"elsewhere, or {NAN} for the cells that are NaN in every frame."
    )
