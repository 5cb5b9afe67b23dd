"""The conserved fields of a gas, from its density, velocity and pressure.

m = ρ v,   E = p/(γ - 1) + ½ ρ |v|²
"""

from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

# How files call them; the first that is there is taken.
DENSITIES_OF_GAS, PRESSURES = ("density", "rho"), ("pressure", "p")
_VELOCITY, _OTHERS = "velocity", {"vx", "v", "u"}


def is_primitive(variables: Mapping[str, xr.Variable]) -> bool:
    """Whether density, velocity and pressure are there, and no energy."""
    return bool(_primitive(variables))


def _primitive(variables: Mapping[str, xr.Variable]) -> tuple[str, ...]:
    """The names of density, velocity and pressure; empty without one of them, or with energy."""
    along = {name for name, v in variables.items() if v.ndim > 1}
    density, pressure = (
        next((name for name in known if name in along), "")
        for known in (DENSITIES_OF_GAS, PRESSURES)
    )
    velocities = [_VELOCITY] if _VELOCITY in along else sorted(_OTHERS & along)
    if "energy" in variables or not (density and pressure) or len(velocities) != 1:
        return ()  # with u and v, energy is that of both
    return density, velocities[0], pressure


def unconserved(path: Path) -> ValueError:
    """The sentence on a gas of which nobody has chosen a variable or given γ."""
    return ValueError(
        f"The velocity and the pressure of {path} are not conserved; give the ratio of specific "
        "heats (--gamma 1.4), and the momentum and the energy are computed, or choose a variable "
        "with --variable NAME."
    )


def check_gamma(gamma: float) -> None:
    """Raises `ValueError` if this is no ratio of specific heats."""
    if isinstance(gamma, bool) or not isinstance(gamma, Real):
        raise ValueError(f"The ratio of specific heats gamma is a number; got {gamma!r}.")
    if not 1.0 < gamma < np.inf:
        raise ValueError(f"The ratio of specific heats gamma is above 1; got {gamma:g}.")


def energy_of(density: Any, velocity: Sequence[Any], pressure: Any, gamma: float) -> Any:
    """The energy, of the components of the velocity."""
    square = sum(component**2 for component in velocity)
    return pressure / (gamma - 1.0) + 0.5 * density * square


def pressure_of(density: Any, momentum: Sequence[Any], energy: Any, gamma: float) -> Any:
    """The pressure, of the components of the momentum."""
    square = sum(component**2 for component in momentum)
    return (gamma - 1.0) * (energy - 0.5 * square / density)


def check_pressure(
    pressure: np.ndarray, axes: Sequence[object], path: Path, start: int = 0
) -> None:
    """Raises `ValueError` if a pressure along these axes is negative; its first entry is number
    `start` of the file along the first of them."""
    if not np.any(pressure < 0.0):
        return
    first, *rest = lowest = np.unravel_index(np.nanargmin(pressure), pressure.shape)
    indices = (start + first, *rest)
    place = ", ".join(f"{axis} {index}" for axis, index in zip(axes, indices, strict=True))
    raise ValueError(
        f"The pressure of {path} is {pressure[lowest]:.4g} at {place}, counted from 0, and that of "
        "a gas is not negative: correct it, or make it NaN where it was not measured."
    )


def with_conserved(
    variables: Mapping[str, xr.Variable], gamma: float, path: Path
) -> tuple[dict[str, xr.Variable], str]:
    """The variables on a line with momentum and energy instead of velocity and pressure; and the
    names of those that are conserved.

    - `gamma`: the ratio of specific heats.

    Raises `ValueError` if one of the three is missing, their shapes differ, a pressure is negative,
    or γ ≤ 1.
    """
    check_gamma(gamma)
    names = _primitive(variables)
    if not names:
        raise ValueError(
            f"--gamma does not apply: {path} has no density, velocity and pressure on a line of "
            "which an energy would be computed; leave it out."
        )
    density, velocity, pressure = (variables[name] for name in names)
    sizes = [dict(variables[name].sizes) for name in names]
    if any(each != sizes[0] for each in sizes):
        raise ValueError(
            f"The density, the velocity and the pressure of {path} differ in shape; store all of "
            "them at the same times and places."
        )
    check_pressure(np.asarray(pressure.values), pressure.dims, path)
    energy = energy_of(density, (velocity,), pressure, gamma)
    found = {name: v for name, v in variables.items() if name not in names[1:]}
    more = {"momentum": density * velocity, "energy": energy.transpose(*density.dims)}
    return found | more, ",".join((names[0], *more))
