"""The names of fields and the units of axes and fields, as users give them."""

from collections.abc import Iterable, Mapping, Sequence

from hfluxno.plural import plural

MOST_FIELDS = 4  # of a law on a line that is inferred


def field_names(fields: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """One name per field; by default `u`, or `u0`, `u1`, …. Raises `ValueError` if they are no
    different names for as many fields."""
    if fields is None:
        return ("u",) if count == 1 else tuple(f"u{i}" for i in range(count))
    if isinstance(fields, str | set) or not isinstance(fields, Iterable):
        raise ValueError("The names of the fields are a list, one name per field.")
    names = tuple(map(str, fields))
    if len(names) != count:
        raise ValueError(
            f"Got {plural(len(names), 'name')} for {plural(count, 'field')}: "
            "give one name per field."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"The field names {', '.join(names)} are not different from each other.")
    for name in names:
        if not name or not name.isprintable():
            raise ValueError(
                f"A field cannot be called {name!r}; give it a name in one line, of letters that "
                "can be shown."
            )
    return names


def known_units(units: Mapping[str, str] | None, names: Sequence[str]) -> dict[str, str]:
    """The known units by name. Raises `ValueError` if one is no text, or of something that has
    none of these names."""
    if units is None:
        return {}
    if not isinstance(units, Mapping):
        raise ValueError(
            "The units are a mapping from names to units, as in {'x': 'km', 'time': 'h'}."
        )
    for name, unit in units.items():
        if name not in names:
            raise ValueError(f"There is no {name!r} to have a unit; there are {', '.join(names)}.")
        if not isinstance(unit, str) or not unit.isprintable():
            raise ValueError(f"The unit of {name} is a text; got {unit!r}.")
    return dict(units)
