"""Forecasts on a plane as others store them: HDF5 of PDEBench, NetCDF of PDEGym.

Both have the density, the velocity and the pressure of a gas,

    v = m / ρ,   p = (γ - 1) (E - ½ |m|² / ρ),

and PDEGym also sets of one field. Everything else of a forecast (statuses, the law, bands of the
conserved fields, coordinates) keeps its name beside them, where programs for these layouts do not
look.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import xarray as xr

from hfluxno.data.gas import pressure_of
from hfluxno.data.numbers import listed
from hfluxno.data.plane.source import PlaneSource

_SUFFIXES = {"pdebench": (".hdf5", ".h5"), "pdegym": (".nc",)}
_CALLED = {"pdebench": "PDEBench", "pdegym": "PDEGym"}
_GAS = ("density", "momentum_x", "momentum_y", "energy")
_DIMS = ("trajectory", "time", "x", "y")


def suffixes_of(name: str) -> tuple[str, ...]:
    """How the names of files of a layout may end, the usual one first. Raises `ValueError` if there
    is no layout of this name that is written."""
    if name not in _SUFFIXES:
        raise ValueError(f"--layout is {' or '.join(_SUFFIXES)}; got {name!r}.")
    return _SUFFIXES[name]


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a forecast of `source` is stored.

    - `name`: "pdebench" or "pdegym".

    Raises `ValueError` if the fields are not those of a gas (or a single one,
    in PDEGym's layout), or the source has no γ.
    """

    name: str
    source: PlaneSource

    def __post_init__(self):
        fields, path = self.source.fields, self.source.path
        if self.name == "pdegym" and len(fields) == 1:
            return
        if set(fields) != set(_GAS):
            single = "is of a single field or a gas" if self.name == "pdegym" else "is of a gas"
            raise ValueError(
                f"The layout of {_CALLED[self.name]} {single}, whose velocity and pressure are "
                f"computed from fields called {listed(list(_GAS))}; of {path} there are "
                f"{listed(list(fields))}: choose them with --fields, rename them in the file, or "
                "leave out --layout."
            )
        if self.source.gamma is None:
            raise ValueError(
                f"The layout of {_CALLED[self.name]} has a pressure, which the ratio of specific "
                "heats determines; give it, as --gamma 1.4."
            )

    def of(self, dataset: xr.Dataset) -> xr.Dataset:
        """A forecast over (trajectory,) time, x and y as this layout has it."""
        if "trajectory" not in dataset.dims:
            dataset = dataset.expand_dims("trajectory")
        fields = {name: dataset[name].transpose(*_DIMS).variable for name in self.source.fields}
        others = dataset.drop_vars(list(fields))
        if len(fields) == 1:
            (field,) = fields.values()
            return others.assign(solution=field)
        gas = _primitive([fields[name] for name in _GAS], float(self.source.gamma or 0.0))
        if self.name == "pdegym":
            channels = xr.Variable.concat(gas, dim="channel", combine_attrs="drop")
            return others.assign(data=channels.transpose("trajectory", "time", "channel", "x", "y"))
        times = dataset["time"].values
        if len(times) > 1:  # then PDEBench has one time more than frames
            times = np.append(times, 2.0 * times[-1] - times[-2])
        return others.assign(
            dict(zip(("density", "Vx", "Vy", "pressure"), gas, strict=True))
            | {"t-coordinate": ("t-coordinate", times)}
            | {f"{axis}-coordinate": (axis, dataset[axis].values) for axis in ("x", "y")}
        )


def _primitive(gas: Sequence[xr.Variable], gamma: float) -> list[xr.Variable]:
    """(ρ, v_x, v_y, p) of (ρ, m_x, m_y, E), in the same precision."""
    density, *momentum, energy = (each.astype(float) for each in gas)
    velocity = [m / density for m in momentum]
    pressure = pressure_of(density, momentum, energy, gamma)
    return [gas[0], *(each.astype(gas[0].dtype) for each in (*velocity, pressure))]
