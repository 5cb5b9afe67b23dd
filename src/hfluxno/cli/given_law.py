"""A law that was found in another file, for the fields of this one."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfluxno.data.plane.source import PlaneSource
    from hfluxno.data.source import Source
    from hfluxno.identify.plane.saved import SavedPlaneLaw
    from hfluxno.identify.saved.law import SavedLaw


def check_fields(law: "SavedLaw | SavedPlaneLaw", source: "Source | PlaneSource") -> None:
    """Raises `ValueError` if the field of the file has another name than that of the law, or a unit
    is known for both and differs. Other fields are refused elsewhere."""
    from hfluxno.identify.saved.law import check_units

    fields = law.law.fields
    if source.fields == fields:
        check_units(law, source.units, str(source.path))
    elif source.fields == ("u",) and len(fields) == 1 and fields != ("values",):
        # In Python u is what an array without a name has; in a file it is a name.
        raise ValueError(
            f"The law has the field {fields[0]!r}, and {source.path} has 'u'; choose another "
            "variable with --variable NAME, or rename this one if it is the same quantity."
        )
