"""Which of several variables is conserved: the density k among a flow q = k v and a speed v."""

import itertools
import json
import re
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from hfluxno.shell_words import option
from hfluxno.units import of_quotient

# Words in names, and letters that are whole names.
_DENSITIES = {"density", "concentration", "conc", "rho", "dichte", "konzentration"}
_FLOWS = {"flow", "flowrate", "volume", "discharge", "fluss", "abfluss", "verkehrsstärke"}
_SPEEDS = {"speed", "velocity", "geschwindigkeit"}
_COUNTS = {"count", "counts", "anzahl"}
# What passes in a time, as the unit of a count tells; the number in a cell is conserved.
_PER_TIME = re.compile(r".*/ *\d* *(s|sec|min|minutes?|h|hr|hours?|d|days?)")
_LETTERS = {"k": "density", "q": "flow", "v": "speed"}
# That rise with a density, and fields of a gas, of which several are conserved.
_STAND_INS, _OF_A_GAS = {"occupancy", "occ", "belegung"}, {"pressure", "energy"}
# What measures a conserved quantity without being one: words in names and in CF standard names,
# and units, in lower case.
_MEASURES = {
    "pressure": (
        {"pressure", "druck"},
        {"pa", "hpa", "kpa", "mpa", "bar", "mbar", "dbar", "psi", "atm", "mmhg"},
        "a pressure is not what is conserved, but the volume or the density that it belongs to (of "
        "a gas in motion the energy), in proportion to which it changes only a little: put that in "
        "its place if it changes much",
    ),
    "temperature": (
        {"temperature", "temp", "temperatur"},
        {"k", "kelvin", "degc", "deg_c", "celsius", "degree_celsius", "degrees_celsius", "°c"},
        "a temperature is not what is conserved, but the energy, to which it is in proportion if "
        "density and heat capacity are constant: if they are not, put the product of all three in "
        "its place",
    ),
    "speed": (
        _SPEEDS | {"velocities", "speeds"},
        {"m/s", "m s-1", "m s^-1", "km/h", "kmh", "kph", "mph", "ft/s", "knots", "cm/s"},
        "a speed is not what is conserved, but a density, and a momentum, density · speed: put one "
        "or both in its place",
    ),
}
_FRAMES, _ALIKE, _MOST, _VARIES = 64, 0.02, 0.9, 0.02


def kind_of(name: str) -> str:
    """`density`, `flow` or `speed`, if a name says so, else nothing."""
    words = words_of(name)
    for kind, known in (("density", _DENSITIES), ("flow", _FLOWS), ("speed", _SPEEDS)):
        if words & known:
            return kind
    return _LETTERS.get(name.lower(), "")


def advice(variables: Mapping[str, xr.Variable], names: Sequence[str]) -> str:
    """Which of these variables to choose and how, as a part of a sentence after a semicolon that
    says that several could be meant; empty if nothing shows which is conserved."""
    if any(words_of(name) & _OF_A_GAS for name in names):
        return ""
    kinds = _kinds(variables, names)
    of_kind = {
        kind: [n for n in names if kinds[n] == kind] for kind in ("density", "flow", "speed")
    }
    triple = _product(variables, names, of_kind)
    density, flow, speed = (next(iter(of_kind[kind]), None) for kind in of_kind)
    because = ""
    if triple is not None:
        flow, one, other = triple
        because = f", as {flow} is the product of {one} and {other}"
        if density not in (one, other):
            density = other if one == speed else one if other == speed else None
        if density is None:
            return (
                f"{flow} is the product of {one} and {other}: the one of the two that is a "
                "density, an amount per length, is what is conserved, the other its speed; choose "
                "the density with --variable NAME"
            )
    if density is not None and (flow or speed) and len(of_kind["density"]) < 2:
        ways = [option("variable", density)]
        if flow:
            ways.append(
                f"{option('variable', density)} {option('flow', flow)} if {flow} is its flow, in "
                f"units of {density} times x over time or with the units of all of them in the file"
            )
        if second := flow or speed:
            ways.append(
                f"{option('variable', f'{density},{second}')} if {second} is no function of "
                f"{density} and frames are complete"
            )
        return (
            f"{density} is what is conserved{because}: choose {', or '.join(ways)} (in Python "
            f"variable={json.dumps(density, ensure_ascii=False)})"
        )
    others = [n for n in names if n not in (flow, speed) and not words_of(n) & _STAND_INS]
    if flow and speed and not others:
        formula, units = _quotient(variables, flow, speed)
        return (
            f"what is conserved is neither {flow} nor {speed} but the density, which is {formula}: "
            f"add it as a column density ({units}), and choose it with --variable density"
        )
    if speed and len(others) == 1 and words_of(others[0]) & _COUNTS:
        return (
            f"if {others[0]} is what passes in a time, as at a detector, what is conserved is "
            f"neither it nor {speed} but the density, which is {others[0]} / (this time · {speed}):"
            f" add it as a column density (60 · {others[0]} / {speed} in veh/km, of counts a minute"
            " and km/h), and choose it with --variable density; if it is the number in a cell, "
            f"choose {option('variable', others[0])}"
        )
    return ""


def _quotient(variables: Mapping[str, xr.Variable], flow: str, speed: str) -> tuple[str, str]:
    """The density as a formula of a flow and a speed, and words on its units."""
    formula = f"{flow} / {speed}"
    units = [str(variables[name].attrs.get("units", "")).strip() for name in (flow, speed)]
    if not any(units):
        return formula, "of veh/h and km/h in veh/km"
    found = of_quotient(*units)
    if found is None:
        return formula, "of both in the same unit of time"
    factor, unit = found
    times = "" if abs(factor - 1.0) < 1e-9 else f"{factor:.6g} · "
    return times + formula, f"of {units[0]} and {units[1]} in {unit}"


def not_conserved(name: str, variables: Mapping[str, xr.Variable], fitting: Sequence[str]) -> str:
    """A note if what was read is called a speed or a flow and a density is beside it, or follows
    from the two; else nothing."""
    kinds = _kinds(variables, (name, *fitting))
    kind = kinds.pop(name)
    density = next((other for other, each in kinds.items() if each == "density"), None)
    if kind not in ("speed", "flow"):
        return ""
    if density is not None:
        return f"{name} is hardly what is conserved, but {density}: {option('variable', density)}."
    beside = next((n for n, each in kinds.items() if {kind, each} == {"speed", "flow"}), None)
    if beside is None:
        return ""
    flow, speed = (name, beside) if kind == "flow" else (beside, name)
    return (
        f"{name} is hardly what is conserved, but the density, "
        f"{_quotient(variables, flow, speed)[0]}: add it as a column, and choose it with "
        "--variable."
    )


def measure_of(name: str, attributes: Mapping[str, object]) -> str:
    """`pressure`, `temperature` or `speed`, if a name, a CF standard name or units say so and none
    of them another quantity, else nothing."""
    words = words_of(name) | words_of(str(attributes.get("standard_name", "")))
    if words & (_DENSITIES | _FLOWS | _COUNTS | _OF_A_GAS - {"pressure"}):
        return ""
    units = str(attributes.get("units", "")).strip().lower()
    for kind, (called, known, _) in _MEASURES.items():
        if words & called or units in known:
            return kind
    return ""


def unconserved(
    attributes: Sequence[Mapping[str, object]], found: Mapping[str, dict]
) -> dict[str, str]:
    """For each field (with its attributes) that measures what is conserved without being it, and
    whose total (in `found`) is not kept, a sentence on what to put in its place."""
    kinds = {name: measure_of(name, own) for name, own in zip(found, attributes, strict=True)}
    return {
        name: f"{name}: {_MEASURES[kind][2]}."
        for name, kind in kinds.items()
        if kind and not (found[name]["constant"] or found[name]["total_kept"])
    }


def _kinds(variables: Mapping[str, xr.Variable], names: Sequence[str]) -> dict[str, str]:
    """The kind of each, by its name, and of counts beside a speed by their unit."""
    kinds = {name: kind_of(name) for name in names}
    if "speed" in kinds.values() and not {"density", "flow"} & set(kinds.values()):
        units = {name: str(variables[name].attrs.get("units", "")) for name in names}
        counts = [n for n in names if not kinds[n] and _PER_TIME.fullmatch(units[n].strip())]
        kinds |= dict.fromkeys(counts, "flow")
    return kinds


def words_of(name: str) -> set[str]:
    """The words in a name, in lower case, without digits."""
    return set(re.findall(r"[^\W\d_]+", name.lower()))


def _product(
    variables: Mapping[str, xr.Variable], names: Sequence[str], of_kind: Mapping[str, Sequence[str]]
) -> tuple[str, str, str] | None:
    """A variable that is the product of two others but for its unit, and these; those that are
    called a flow first."""
    few = [name for name in names if variables[name].dtype.kind in "iuf"][:5]
    flows = sorted(few, key=lambda name: name not in of_kind["flow"])
    sizes = {name: dict(variables[name].sizes) for name in few}
    values = {name: _first_frames(variables[name]) for name in few}
    for flow in flows:
        if flow in (*of_kind["density"], *of_kind["speed"]):
            continue
        for one, other in itertools.combinations([n for n in few if n != flow], 2):
            if sizes[flow] != sizes[one] or sizes[flow] != sizes[other]:
                continue
            if _is_product(values[flow], values[one], values[other]):
                return flow, one, other
    return None


def _first_frames(variable: xr.Variable) -> np.ndarray:
    clock = next((d for d in ("time", "t") if d in variable.dims), None)
    part = variable if clock is None else variable.isel({clock: slice(_FRAMES)})
    return np.asarray(part.transpose(*sorted(map(str, part.dims))).values, dtype=float)


def _is_product(whole: np.ndarray, one: np.ndarray, other: np.ndarray) -> bool:
    """Whether values are in one ratio to products of factors, both of which vary."""
    if whole.shape != one.shape or whole.shape != other.shape:
        return False
    known = np.isfinite(whole + one + other) & (whole * one * other > 0.0)
    if np.sum(known) < _FRAMES:
        return False
    factors = np.log(one[known]), np.log(other[known])
    if min(map(np.std, factors)) < _VARIES:
        return False
    ratios = np.log(whole[known]) - factors[0] - factors[1]
    return bool(np.mean(np.abs(ratios - np.median(ratios)) < _ALIKE) >= _MOST)
