"""A law with what is needed to use it on other data: scheme, units, uncertainty."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import Float

from hfluxno import names
from hfluxno.fv import StepControl
from hfluxno.grid import Grid
from hfluxno.identify.frames.second_order import KnownChange
from hfluxno.identify.status import FitStatus
from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.solver_settings import SolverSettings
from hfluxno.strict_json import finite
from hfluxno.trajectory import Trajectory
from hfluxno.unit_sizes import is_same

if TYPE_CHECKING:
    from hfluxno.identify.plane.saved import SavedPlaneLaw
    from hfluxno.identify.result import Identification


@dataclasses.dataclass(frozen=True)
class Units:
    """The units of a law as words; empty if they are unknown.

    - `x`, `time`: of the axes.
    - `fields`: one for each field.
    """

    x: str
    time: str
    fields: tuple[str, ...]

    @classmethod
    def named(cls, units: Mapping[str, str] | None, fields: tuple[str, ...]) -> "Units":
        """The units from a mapping of axes and fields. Raises `ValueError` if it names anything
        else."""
        axes = [field.name for field in dataclasses.fields(cls) if field.name != "fields"]
        units = names.known_units(units, (*axes, *fields))
        of_axes = {axis: units.get(axis, "") for axis in axes}
        of_axes["time"] = of_axes["time"].partition(" since ")[0]
        return cls(**of_axes, fields=tuple(units.get(name, "") for name in fields))

    def by_name(self, fields: tuple[str, ...]) -> dict[str, str]:
        """The units of the axes and of these fields, by name."""
        axes = {k: v for k, v in vars(self).items() if k != "fields"}
        return axes | dict(zip(fields, self.fields, strict=True))


@dataclasses.dataclass(frozen=True)
class Scheme:
    """How the law was solved when it was found.

    - `name`: one of `hfluxno.parametric.solver_settings.SCHEMES`.
    - `refinement`: internal cells per cell of the data.
    - `cfl_desired`, `cfl_maximum`, `cfl_lagged`: the CFL rule.
    - `fresh_start`: whether its first step tries a whole interval, as at the start of a run.
    - `longest_step`: in the time of the data; `None` if only the CFL rule limits it.
    """

    name: str
    refinement: int
    cfl_desired: float
    cfl_maximum: float
    cfl_lagged: bool
    fresh_start: bool
    longest_step: float | None = None

    @classmethod
    def upgraded(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Earlier files have no longest step."""
        return {"longest_step": None, **data}


@dataclasses.dataclass(frozen=True)
class FitSummary:
    """The fit that a law comes from; what is unknown is `None`.

    - `status`, `sentence`: whether the law explained its context.
    - `law`: its terms, in words.
    - `backtest_error`, `persistence_error`, `residual`, `missing`: as of an `Identification`.
    - `cells`: of the context.
    - `cell`, `interval`: the length of a cell and the time between two frames.
    """

    status: str
    sentence: str
    law: str
    backtest_error: float | None
    persistence_error: float | None
    residual: float | None
    missing: float
    cells: int
    cell: float | None
    interval: float | None


@dataclasses.dataclass(frozen=True, eq=False)
class SavedLaw:
    """A law that was found in one context and can be used on another one.

    **Attributes:**

    - `law`: in the units of the data, with parameters in float64.
    - `units`: their names.
    - `coefficients`, `covariance`: as of an `Identification`.
    - `scheme`: how it was solved.
    - `fit`: how well it explained the data in which it was found.
    - `change`: what the law has instead of a measured field that is not conserved, or `None`.
    """

    law: FittedLaw
    units: Units
    coefficients: dict[str, float]
    covariance: Float[np.ndarray, "coefficient coefficient"]
    scheme: Scheme
    fit: FitSummary
    change: KnownChange | None = None

    def save(self, path: str | Path) -> None:
        """Writes it as JSON; [`load_law`][hfluxno.load_law] reads the same law to the last bit.

        **Raises:**

        - `OSError`, if it cannot be written.
        """
        from hfluxno.identify.saved.file import write

        write(self, path)


def to_save(found: "Identification", units: Mapping[str, str] | None = None) -> SavedLaw:
    """The part of an identification that is saved.

    - `units`: the known units of `x`, `time` and the fields, by name.

    Raises `ValueError` if no law was found, or a unit is of something that the law does not have.
    """
    if found.status in (FitStatus.FAILED, FitStatus.CONSTANT):
        raise ValueError(f"There is no law to save: {found.status.sentence}.")
    control, settings = found.settings.control, found.settings
    law = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), found.law)
    if units is not None and found.change is not None:
        units = found.change.units(units)
    return SavedLaw(
        law,
        Units.named(units, law.fields),
        dict(found.coefficients),
        np.asarray(found.covariance, np.float64),
        Scheme(
            settings.scheme,
            settings.refinement,
            float(control.desired),
            float(control.maximum),
            bool(control.lagged),
            bool(settings.fresh_start),
            finite(float(control.longest) * found.interval),
        ),
        FitSummary(
            found.status.name,
            found.sentence,
            found.described,
            finite(found.backtest_error),
            finite(found.persistence_error),
            finite(found.residual),
            float(found.missing),
            settings.grid.shape[0],
            finite(found.cell),
            finite(found.interval),
        ),
        found.change,
    )


def in_cells(law: FittedLaw, grid: Grid, interval: float) -> FittedLaw:
    """The law with lengths in cells of this grid and times in intervals, and with numbered fields
    (so that compiled programs serve fields of any names)."""
    dx, terms = grid.spacing[0], law.terms
    if terms is not None:
        low, high = (
            (float(end) - grid.lower[0]) / dx for end in (terms.modes.lower, terms.modes.upper)
        )
        stretches = np.asarray(terms.stretches) - np.array([1.0, 1.0, 0.0]) * grid.lower[0]
        terms = dataclasses.replace(
            terms,
            by_state=terms.by_state * interval,
            source_by_place=terms.source_by_place * interval,
            flux_offset=terms.flux_offset * (interval / dx),
            modes=PlaceModes(low, high, terms.modes.count, terms.modes.periodic),
            stretches=stretches / np.array([dx, dx, 1.0]),
        )
    fields = tuple(f"u{i}" for i in range(len(law.fields)))
    basis = law.basis
    if isinstance(basis, Dictionary):
        basis = dataclasses.replace(basis, fields=fields)
    return dataclasses.replace(
        law,
        fields=fields,
        basis=basis,
        flux_coefficients=np.asarray(law.flux_coefficients) * (interval / dx),
        diffusion_coefficients=np.asarray(law.diffusion_coefficients) * (interval / dx**2),
        terms=terms,
    )


def settings_of(scheme: Scheme, grid: Grid, interval: float) -> SolverSettings:
    """The settings of the solver on the cells of this grid, with times in intervals."""
    unit = grid.of_unit_cells()
    longest = math.inf if scheme.longest_step is None else scheme.longest_step / interval
    control = StepControl(scheme.cfl_desired, scheme.cfl_maximum, scheme.cfl_lagged, longest)
    return SolverSettings(control, scheme.fresh_start, unit, scheme.name, scheme.refinement)


def interval_of(
    saved: "SavedLaw | SavedPlaneLaw", context: Trajectory, interval: float | None
) -> float:
    """The time that counts as one frame. Raises `ValueError` if it is unknown."""
    times = np.asarray(context.times, float)
    if len(times) > 1:
        return float((times[-1] - times[0]) / (len(times) - 1))
    interval = saved.fit.interval if interval is None else interval
    if interval is None:
        raise ValueError(
            "A context of one frame has no interval of time, and the law has none; say how much "
            "time is between two frames (every, on the command line --every)."
        )
    return interval


def known_units(context: Trajectory) -> dict[str, str]:
    """The units of the axes and the fields of a context, as far as they are known."""
    known = {"time", *context.space, *context.states.fields}
    return {name: unit for name, unit in context.units if name in known}


def check_units(saved: "SavedLaw | SavedPlaneLaw", units: Mapping[str, str], what: str) -> None:
    """Rejects data in other units than those of the law. Raises `ValueError` if a unit is known for
    both and differs."""
    of_law = saved.units.by_name(saved.law.fields)
    if isinstance(saved, SavedLaw) and saved.change is not None:
        units = saved.change.units(units)
    known = {name: units[name] for name in of_law if name in units}
    of_data = type(saved.units).named(known, saved.law.fields).by_name(saved.law.fields)
    for name, unit in of_law.items():
        other = of_data[name]
        if unit and other and not is_same(unit, other):
            raise ValueError(
                f"The law has {name} in {unit}, but {what} in {other}; convert the data, and "
                "change their units with them."
            )
