"""Files of laws for the commands: written with the units of the input, and compared with them."""

from pathlib import Path
from typing import TYPE_CHECKING

from hfluxno.data.source import Source

if TYPE_CHECKING:
    from hfluxno.identify import Identification, SavedLaw

SUFFIXES = (".json",)


def save(path: Path, found: "Identification", source: Source) -> str:
    """Saves a law; what went wrong as a sentence, empty if nothing did."""
    from hfluxno.data.replacing import replacing
    from hfluxno.identify.saved_law import to_save

    try:
        law = to_save(found, source.units)
    except ValueError as error:
        return f"{path} is not written: {error}"
    with replacing(path) as (temporary,):
        law.save(temporary)
    return ""


def check_units(law: "SavedLaw", source: Source) -> None:
    """Refuses data in other units than those of the law.

    **Raises:**

    - `ValueError`, if a unit is known of both and is not the same.
    """
    from hfluxno.identify import saved_law

    if source.fields == law.law.fields:  # others are refused for that
        saved_law.check_units(law, source.units, str(source.path))
