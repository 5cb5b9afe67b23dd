"""A law on a plane with what is needed to use it on other data: scheme, units, uncertainty."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import numpy as np
from jaxtyping import Float

from hfluxno.grid import Grid
from hfluxno.identify.plane.error_bars import PlaneTerm
from hfluxno.identify.recognition.recognised import Recognised
from hfluxno.identify.saved.law import Units
from hfluxno.identify.status import FitStatus
from hfluxno.parametric.plane.law import FittedPlaneLaw

if TYPE_CHECKING:
    from hfluxno.identify.plane.result import PlaneIdentification


@dataclasses.dataclass(frozen=True)
class PlaneUnits(Units):
    """The units of a law on a plane: those of a line, and that of `y`."""

    y: str


@dataclasses.dataclass(frozen=True)
class PlaneFit:
    """The fit that a law on a plane comes from.

    - `status`, `sentence`: whether the law explained its context.
    - `law`: its name and coefficient, in words.
    - `backtest_error`, `persistence_error`, `misfit`: as of a `PlaneIdentification`.
    - `cell`: the lengths of a cell along both axes.
    - `interval`: the time between two frames.
    """

    status: str
    sentence: str
    law: str
    backtest_error: float
    persistence_error: float
    misfit: float
    cell: tuple[float, float]
    interval: float


@dataclasses.dataclass(frozen=True, eq=False)
class SavedPlaneLaw:
    """A law that was found in one context on a plane and can be used on another one.

    **Attributes:**

    - `law`: in the units of the data, with parameters in float64.
    - `units`: their names.
    - `isotropic`, `recognised`, `terms`, `refinement`: as of a `PlaneIdentification`.
    - `fit`: how well it explained the data in which it was found.
    """

    law: FittedPlaneLaw
    units: PlaneUnits
    isotropic: bool
    recognised: Recognised | None
    terms: tuple[PlaneTerm, ...]
    refinement: int
    fit: PlaneFit

    def save(self, path: str | Path) -> None:
        """Writes it as JSON; [`load_law`][hfluxno.load_law] reads the same law to the last bit.

        **Raises:**

        - `OSError`, if it cannot be written.
        """
        from hfluxno.identify.saved.file import write

        write(self, path)


def to_save(found: "PlaneIdentification", units: Mapping[str, str] | None = None) -> SavedPlaneLaw:
    """The part of an identification that is saved.

    - `units`: the known units of `x`, `y`, `time` and the fields, by name.

    Raises `ValueError` if no law was found, or a unit is of something that the law does not have.
    """
    if found.status in (FitStatus.FAILED, FitStatus.CONSTANT):
        raise ValueError(f"There is no law to save: {found.status.sentence}.")
    law = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), found.law)
    named = PlaneUnits.named(units, law.fields)
    assert isinstance(named, PlaneUnits)
    fit = PlaneFit(
        found.status.name,
        found.sentence,
        found.name,
        float(found.backtest_error),
        float(found.persistence_error),
        float(found.misfit),
        found.cell,
        found.interval,
    )
    return SavedPlaneLaw(
        law,
        named,
        found.isotropic,
        found.recognised,
        found.terms,
        found.refinement,
        fit,
    )


def in_cells(law: FittedPlaneLaw, grid: Grid, interval: float) -> FittedPlaneLaw:
    """The law with lengths in cells of this grid and times in intervals."""
    cells = 1.0 / np.asarray(grid.spacing, float)
    return rescaled(law, cells, 1.0 / interval, -cells * np.asarray(grid.lower))


def rescaled(
    law: FittedPlaneLaw,
    lengths: Float[np.ndarray, " axis"],
    interval: float,
    origin: Float[np.ndarray, " axis"],
) -> FittedPlaneLaw:
    """The law in other units, of which the present ones are `lengths` along the axes and an
    `interval` in time; in the other ones the place zero is the `origin`."""
    sources, nu, constant, flow = law.sources, law.diffusivities, law.constant, law.flow
    if flow is not None:
        flow = dataclasses.replace(
            flow,
            coefficients=np.asarray(flow.coefficients) * (lengths / interval)[:, None],
            lower=origin + lengths * np.asarray(flow.lower),
            upper=origin + lengths * np.asarray(flow.upper),
            supply=None if flow.supply is None else np.asarray(flow.supply) / interval,
        )
    return dataclasses.replace(
        law,
        coefficients=np.asarray(law.coefficients) * (lengths / interval)[:, None, None],
        sources=None if sources is None else np.asarray(sources) / interval,
        diffusivities=None if nu is None else (lengths**2 / interval)[:, None, None] * nu,
        constant=None if constant is None else np.asarray(constant) * (lengths / interval)[:, None],
        flow=flow,
    )
