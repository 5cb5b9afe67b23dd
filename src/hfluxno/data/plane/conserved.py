"""The conserved fields of a file that has a pressure, and perhaps a velocity, instead.

m = ρ v,   E = p/(γ - 1) + ½ ρ |v|²
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hfluxno.data.gas import DENSITIES_OF_GAS, PRESSURES, check_gamma, energy_of
from hfluxno.data.numbers import listed

_DEPTHS = ("h", "height", "depth")
DENSITIES = (*DENSITIES_OF_GAS, *_DEPTHS)
_VELOCITIES = (
    ("velocity_x", "velocity_y"),
    ("vx", "vy"),
    ("v_x", "v_y"),
    ("u_x", "u_y"),
    ("u", "v"),
)
_MOMENTUM = ("momentum_x", "momentum_y")


def chosen(
    stored: Sequence[str], asked: Sequence[str], gamma: float | None, path: Path, back: bool = False
) -> tuple[str, ...]:
    """The names of the fields to read, in order; a vector NAME is NAME_x and NAME_y.

    - `stored`: the fields in the file.
    - `asked`: what was asked for; if empty, the only field or pair, or density, momentum and energy
      if they are present or can be computed.
    - `gamma`: the ratio of specific heats, if given.
    - `back`: whether it also serves to compute pressures from energies later.

    Raises `ValueError` if a name is unknown, the choice is ambiguous, or an energy is needed and
    there is only a pressure.
    """
    if gamma is not None:
        check_gamma(gamma)
    can = {*stored, *computable(stored, gamma)}
    conserved = (_first(DENSITIES_OF_GAS, stored) or "density", "momentum", "energy")
    if not asked:
        gas = _parts(conserved, can)
        without = _parts(conserved, {*stored, *computable(stored, 2.0)})
        if gas is None and without is not None:
            raise _no_energy(path)
        names = gas if gas is not None else tuple(stored)
        if gas is None and len(stored) > 4:
            raise ValueError(
                f"Several fields of {path} could be meant ({listed(list(stored))}); choose those "
                "that are conserved with --variable NAME,NAME (in Python variable=)."
            )
    else:
        names = ()
        for name in asked:
            is_gas = name == "density" and name not in stored
            part = _parts((conserved[0] if is_gas else name,), can)
            if part is None:
                pressure = name == "energy" and _first(PRESSURES, stored)
                if pressure and gamma is None:
                    raise _no_energy(path)
                need = f"; {pressure} becomes energy with a density and a velocity or momentum"
                raise ValueError(
                    f"There is no field {name!r} in {path}; it has {listed(list(stored))}"
                    f"{need if pressure else ''}."
                )
            names += part
    if len(set(names)) < len(names):
        raise ValueError(f"A name appears twice in the variable {','.join(asked)}; name each once.")
    pressures = [name for name in names if name in PRESSURES]
    if pressures and set(names) & set(DENSITIES_OF_GAS):
        mend = (
            "put the energy in its place (as variable density,momentum,energy), with --gamma G (in "
            "Python gamma=G) if the file has none and calls the other one pressure."
        )
        if gamma is not None and _parts(conserved, can):
            mend = (
                f"choose {','.join(conserved)}, which are computed with the given gamma, or no "
                "variable."
            )
        raise ValueError(f"{pressures[0]} is not conserved; {mend}")
    if gamma is not None and not back and all(name in stored for name in names):
        raise ValueError(
            f"The ratio gamma does not apply: {path} has {', '.join(names)}, and no pressure is "
            "converted."
        )
    return names


def computable(stored: Sequence[str], gamma: float | None) -> tuple[str, ...]:
    """The conserved fields that are not in the file, and can be computed from those that are."""
    if not _first(DENSITIES_OF_GAS, stored) or not _moving(stored):
        return ()
    energy = ("energy",) if gamma is not None and _first(PRESSURES, stored) else ()
    return tuple(n for n in (*_MOMENTUM, *energy) if n not in stored)


def sources(names: Sequence[str], stored: Sequence[str]) -> tuple[str, ...]:
    """The fields of the file that these are read or computed from, each once."""
    density, moving, pressure = _of_gas(stored)
    needed: list[str] = []
    for name in names:
        if name in stored:
            needed.append(name)
        elif name == "energy":
            needed += [density, *moving, pressure]
        else:
            needed += [density, moving[_MOMENTUM.index(name)]]
    return tuple(dict.fromkeys(needed))


def computed(name: str, read: Mapping[str, Any], gamma: float | None) -> Any:
    """A field computed from those that were read."""
    if name in read:
        return read[name]
    density, moving, pressure = _of_gas(tuple(read))
    if name != "energy":
        return read[density] * read[moving[_MOMENTUM.index(name)]]
    assert gamma is not None
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a vacuum is refused later
        velocity = [read[component] for component in moving]
        if moving == _MOMENTUM:
            velocity = [momentum / read[density] for momentum in velocity]
        return energy_of(read[density], velocity, read[pressure], gamma)


def converted_pressure(names: Sequence[str], stored: Sequence[str]) -> str:
    """The field of the file that becomes an energy; empty if none does."""
    return _of_gas(stored)[2] if "energy" in {*names} - {*stored} else ""


def _first(names: Sequence[str], stored: Sequence[str]) -> str:
    return next((name for name in names if name in stored), "")


def _moving(stored: Sequence[str]) -> tuple[str, ...]:
    """The pair of a velocity, or else of a momentum, as the file calls it; empty without."""
    return next((pair for pair in (*_VELOCITIES, _MOMENTUM) if {*pair} <= {*stored}), ())


def _of_gas(stored: Sequence[str]) -> tuple[str, tuple[str, ...], str]:
    """What the file calls the density, the velocity or momentum, and the pressure of a gas."""
    return _first(DENSITIES_OF_GAS, stored), _moving(stored), _first(PRESSURES, stored)


def empty_cell(name: str, value: float, place: str) -> str:
    """What is wrong with a density or depth that is negative or next to nothing, and how to mend
    it, as a sentence that begins with the `place`."""
    shown = f"{place} is {value:.4g}"
    what = "depth" if name in _DEPTHS else "density"
    if value < 0.0:
        return (
            f"{shown}, and a {what} is not negative: correct it, or make it NaN where it was not "
            "measured."
        )
    mend = "in a vacuum; cut it out, or fill it with a thin gas"
    if what == "depth":
        mend = "where it is dry; cut such cells out, or leave a thin layer of water in them"
    shown = f"{shown}, next to nothing beside its mean"
    return f"{shown}: a flux that divides by it has no meaning {mend}."


def _parts(names: Sequence[str], known: set[str]) -> tuple[str, ...] | None:
    found: list[str] = []
    for name in names:
        pair = [f"{name}_x", f"{name}_y"]
        if name in known:
            found.append(name)
        elif set(pair) <= known:
            found += pair
        else:
            return None
    return tuple(found)


def _no_energy(path: Path) -> ValueError:
    return ValueError(
        f"{path} has a pressure where an energy is needed; give the ratio of specific heats, "
        "--gamma 1.4 (PDEGym) or --gamma 1.6667 (PDEBench), in Python gamma=1.4, and the energy is "
        "computed from it."
    )
