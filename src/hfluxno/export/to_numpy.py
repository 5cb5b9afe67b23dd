"""A law as a Python file that needs only NumPy."""

from hfluxno.export.plain import PlainLaw, along_axes
from hfluxno.export.template import filled, provenance, text_of
from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved.law import SavedLaw


def numpy_file(saved: SavedLaw | SavedPlaneLaw) -> str:
    comments = [f"# {line}" for line in provenance(saved)]
    body = filled(text_of("numpy_law.py"), "numbers", _numbers(along_axes(saved)))
    return "\n".join(comments) + "\n" + body


def _numbers(laws: tuple[PlainLaw, ...]) -> list[str]:
    law = laws[0]
    empty = ((),) * len(law.fields)
    place = law.place
    values = {
        "FIELDS": law.fields,
        "UNITS": law.units.by_name(law.fields),
        "LOWER": law.lower,
        "UPPER": law.upper,
        "CONTINUED": law.continued,
        "SHIFT": law.shift,
        "SCALE": law.scale,
        "EXPONENTS": law.exponents,
        "FLUX": tuple(each.flux for each in laws),
        "KINKS": tuple(each.kinks for each in laws),
        "WIDTH": law.width,
        "DIFFUSIVITY": tuple(each.diffusivity or empty for each in laws),
        "SOURCE": law.source or empty,
        "BEYOND": law.beyond,
        "FLOW": law.flow,
        "FASTEST": law.fastest,
        "ARISING": law.arising,
        "PLACE": (place.lower, place.upper) if place else (0.0, 1.0),
        "PERIODIC": place.periodic if place else True,
        "SOURCE_BY_PLACE": place.source if place else empty,
        "CARRIER": place.carrier if place else None,
        "FACTOR": place.factor if place else (),
        "STRETCHES": place.stretches if place else (),
        "OFFSET": place.offset if place else (0.0,) * len(law.fields),
    }
    return [f"{name} = {value!r}" for name, value in values.items()]
