"""Law files of the commands: written with the units of the input, and compared with them."""

from pathlib import Path
from typing import TYPE_CHECKING

from hfluxno.data.source import Source

if TYPE_CHECKING:
    from hfluxno.data.plane import PlaneSource
    from hfluxno.identify import Identification, PlaneIdentification, SavedLaw, SavedPlaneLaw

SUFFIXES = (".json",)


def save(
    path: Path,
    found: "Identification | PlaneIdentification",
    source: "Source | PlaneSource",
) -> str:
    """Saves a law; returns what went wrong as a sentence, empty if nothing did."""
    from hfluxno.data.replacing import replacing

    try:
        with replacing(path) as (temporary,):
            found.save(temporary, source.units)
    except ValueError as error:
        return f"{path} was not written: {error}"
    return ""


def check_units(law: "SavedLaw | SavedPlaneLaw", source: "Source | PlaneSource") -> None:
    """Checks that data have the units of the law.

    **Raises:**

    - `ValueError`, if a unit is known for both and differs.
    """
    from hfluxno.identify import saved_law

    if source.fields == law.law.fields:  # other fields are refused elsewhere
        saved_law.check_units(law, source.units, str(source.path))
