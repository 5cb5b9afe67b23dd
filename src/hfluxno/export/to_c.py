"""A law as a C header, and a program that tests it."""

import jax
import jax.numpy as jnp
import numpy as np

from hfluxno.export.plain import PlainLaw, along_axes
from hfluxno.export.template import filled, in_c, provenance, text_of
from hfluxno.fv import eigen
from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved.law import SavedLaw

_STATES = 40
_CLOSED_FORMS = 3  # fields
_BEYOND = 0.2  # of the observed range
_BREAKS = (None, " ", "\n    ", "\n   ")  # before entries of an array with this many axes


def header(saved: SavedLaw | SavedPlaneLaw) -> str:
    """The header. Raises `ValueError` if the law has more speeds than have a closed form."""
    if isinstance(saved, SavedLaw) and len(saved.law.fields) > _CLOSED_FORMS:
        raise ValueError(
            f"In C speeds are in closed form, which those of {len(saved.law.fields)} fields do not "
            "have; export the law to numpy or pyclaw."
        )
    lines = [f" * {in_c(line)}" for line in provenance(saved)]
    spread = saved.law.spread if isinstance(saved, SavedPlaneLaw) else 0.0
    body = filled(text_of("law.h"), "numbers", _numbers(along_axes(saved), spread))
    return "\n".join(["/*", *lines, " */", ""]) + body


def test_program(saved: SavedLaw | SavedPlaneLaw, header_name: str) -> str:
    """A program that compares the header with our law, at states in the observed range and
    beyond."""
    body = filled(text_of("law_test.c"), "numbers", _expected(saved))
    return body.replace('"law.h"', f'"{header_name}"').replace("law_test.c", "THIS_FILE.c")


def _numbers(laws: tuple[PlainLaw, ...], spread: float) -> list[str]:
    law = laws[0]
    place, fields = law.place, len(law.fields)
    by_place = place.source if place else ()
    factor, stretches = (place.factor, place.stretches) if place else ((), ())
    defined = {
        "AXES": len(laws),
        "FIELDS": fields,
        "TERMS": len(law.exponents),
        "KINKS": len(law.kinks),
        "DIFFUSIVITY_TERMS": _columns(law.diffusivity),
        "SOURCE_TERMS": 0 if law.arising else _columns(law.source),
        "ARISING_TERMS": len(law.arising),
        "SOURCE_MODES": _columns(by_place),
        "CARRIER": -1 if place is None or place.carrier is None else place.carrier,
        "FACTOR_MODES": len(factor),
        "STRETCHES": len(stretches),
        "PERIODIC": int(place.periodic if place else True),
        "CONTINUED": int(law.continued),
        "SPREAD": float(spread),
        "IS_DRY": int(bool(law.flow)),
    }
    zeros = (0.0,) * fields
    return [f"#define LAW_{name} {number}" for name, number in defined.items()] + [
        f"/* the fields: {in_c(', '.join(law.fields))} */",
        _array("LAW_LOWER", law.lower),
        _array("LAW_UPPER", law.upper),
        _array("LAW_SHIFT", law.shift),
        _array("LAW_SCALE", law.scale),
        _array("LAW_EXPONENTS", law.exponents, "int"),
        _array("LAW_FLUX", [each.flux for each in laws]),
        _array("LAW_KINK", [each.kinks or ((0.0, 0.0),) for each in laws]),
        f"static const double LAW_WIDTH = {law.width!r};",
        _array("LAW_DIFFUSIVITY", [_filled(each.diffusivity, fields) for each in laws]),
        _array("LAW_SOURCE", _filled(law.source, fields)),
        _array("LAW_BEYOND", law.beyond),
        _array("LAW_FLOW", law.flow or (0, 0), "int"),
        f"static const double LAW_FASTEST = {law.fastest!r};",
        _array("LAW_ARISING", law.arising or ((0,) * (2 * fields),), "int"),
        _array("LAW_SOURCE_BY_PLACE", _filled(by_place, fields)),
        _array("LAW_FACTOR", factor or (0.0,)),
        _array("LAW_STRETCH", stretches or ((0.0, 0.0, 0.0),)),
        _array("LAW_OFFSET", place.offset if place else zeros),
        _array("LAW_PLACE", (place.lower, place.upper) if place else (0.0, 1.0)),
    ]


def _expected(saved: SavedLaw | SavedPlaneLaw) -> list[str]:
    if isinstance(saved, SavedPlaneLaw):
        return _expected_on_a_plane(saved)
    law, u, rng = saved.law, *_states(saved)
    terms = law.terms
    ends = (0.0, 1.0) if terms is None else (float(terms.modes.lower), float(terms.modes.upper))
    x = rng.uniform(*ends, _STATES)
    with jax.enable_x64(True):
        states, places = jnp.asarray(u.T), jnp.asarray(x)
        nu, factor = law.diffusivity(states), law.factor(places)
        source = law.source(states, places[None], jnp.zeros(()))
        lines = _of_axes([law.flux(states)], [eigen.speeds(law.jacobian(states))])
        nu, source = (jnp.zeros_like(states) if each is None else each for each in (nu, source))
        lines.append(_array("NU", [np.asarray(nu).T]))
        lines.append(_array("Q", np.asarray(source).T))
        rows = {"X": places, "K": jnp.ones_like(places) if factor is None else factor}
        lines += [_array(name, np.asarray(values)) for name, values in rows.items()]
    return [*_defined(u), *lines]


def _expected_on_a_plane(saved: SavedPlaneLaw) -> list[str]:
    law, u, _ = saved.law, *_states(saved)
    with jax.enable_x64(True):
        states = jnp.asarray(u.T)
        fluxes = [law.flux(states, axis) for axis in range(law.axes)]
        ranges = [jnp.stack(law.speed_range(states, axis)) for axis in range(law.axes)]
        none = jnp.zeros_like(states)
        nus = [law.diffusivity(states, axis) for axis in range(law.axes)]
        source = law.source(states, jnp.zeros((2, states.shape[1])), jnp.zeros(()))
        return [
            *_defined(u),
            *_of_axes(fluxes, ranges),
            _array("NU", [np.asarray(none if nu is None else nu).T for nu in nus]),
            _array("Q", np.asarray(none if source is None else source).T),
        ]


def _states(saved: SavedLaw | SavedPlaneLaw) -> tuple[np.ndarray, np.random.Generator]:
    """States (state, field) in the observed range and beyond, and the generator of more."""
    low, high = np.asarray(saved.law.lower), np.asarray(saved.law.upper)
    # A field that the law divides by stays positive.
    below = np.minimum(_BEYOND * (high - low), np.where(low > 0.0, 0.5 * low, np.inf))
    rng = np.random.default_rng(0)
    return rng.uniform(low - below, high + _BEYOND * (high - low), (_STATES, len(low))), rng


def _defined(u: np.ndarray) -> list[str]:
    return [f"#define STATES {_STATES}", _array("U", u)]


def _of_axes(fluxes, speeds) -> list[str]:
    return [
        _array(name, [np.asarray(values).T for values in tables])
        for name, tables in (("F", fluxes), ("S", speeds))
    ]


def _columns(table) -> int:
    return len(table[0]) if table else 0


def _filled(table, fields: int):
    """C has no empty arrays."""
    return table if _columns(table) else ((0.0,),) * fields


def _array(name: str, entries, kind: str = "double") -> str:
    """A row of numbers, a table, or one table for each axis."""
    shape = np.shape(entries)
    sizes = "".join(f"[{size}]" for size in shape)
    begin = _BREAKS[len(shape)] if len(shape) > 1 else ""
    return f"static const {kind} {name}{sizes} = {{{begin}{_listed(entries)}}};"


def _listed(entries) -> str:
    axes = np.ndim(entries)
    if axes == 1:
        texts = [repr(n if isinstance(n, int) else float(n)) for n in entries]
    else:
        texts = [f"{{{_listed(each)}}}" for each in entries]
    return f",{_BREAKS[axes]}".join(texts)
