"""A law as a Python file that needs NumPy alone."""

from hfluxno.export.plain import PlainLaw, plain
from hfluxno.export.template import filled, provenance, text_of
from hfluxno.identify.saved_law import SavedLaw


def numpy_file(saved: SavedLaw) -> str:
    comments = [f"# {line}" for line in provenance(saved)]
    body = filled(text_of("numpy_law.py"), "numbers", _numbers(plain(saved)))
    return "\n".join(comments) + "\n" + body


def _numbers(law: PlainLaw) -> list[str]:
    empty = ((),) * len(law.fields)
    place = law.place
    values = {
        "FIELDS": law.fields,
        "UNITS": law.units.by_name(law.fields),
        "LOWER": law.lower,
        "UPPER": law.upper,
        "SHIFT": law.shift,
        "SCALE": law.scale,
        "EXPONENTS": law.exponents,
        "FLUX": law.flux,
        "KINKS": law.kinks,
        "WIDTH": law.width,
        "DIFFUSIVITY": law.diffusivity or empty,
        "SOURCE": law.source or empty,
        "PLACE": (place.lower, place.upper) if place else (0.0, 1.0),
        "PERIODIC": place.periodic if place else True,
        "SOURCE_BY_PLACE": place.source if place else empty,
        "FACTOR": place.factor if place else (),
        "OFFSET": place.offset if place else (0.0,) * len(law.fields),
    }
    return [f"{name} = {value!r}" for name, value in values.items()]
