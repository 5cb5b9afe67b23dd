"""What the identification of a law on a plane returns."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hfluxno.identify.plane.causes import NONE, Causes
from hfluxno.identify.plane.error_bars import PlaneTerm
from hfluxno.identify.plane.saved import to_save
from hfluxno.identify.recognition.monomials import added, written_equation, written_sum
from hfluxno.identify.recognition.recognised import Recognised
from hfluxno.identify.status import OF_GIVEN, FitStatus
from hfluxno.parametric.basis import Chebyshev, Dictionary
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.plural import percent

_SHOWN = 1e-12  # of the largest term of a polynomial: less is rounding


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class PlaneIdentification:
    """An identified conservation law on a plane and its report; NaN is what is not known.

    - `law`: the law in the units of the data; it can be solved like any other.
    - `status`: whether a conservation law explains the data.
    - `backtest_error`: the relative l2 error on the context's last frames, with coefficients from
      the frames before; the terms were selected on all frames.
    - `persistence_error`: the same error of repeating the last frame before them.
    - `misfit`: the residual of the weak equations relative to their right-hand side (rms).
    - `isotropic`: whether the law is the same in all directions.
    - `recognised`: the known law, or `None` if none fits.
    - `terms`: the terms as found without a known law, with their uncertainty.
    - `refinement`: the number of internal cells along each axis of a cell of the data.
    - `mode`: the state from which a forecast starts (see `hfluxno.identify.plane.run`).
    - `neighbours`: laws in cells and frames that the context does not distinguish from the law: the
      one inferred from its first frames; none for a given law.
    - `missing`: the fraction of the context that was not measured.
    - `grid_law`: the law in cells and frames.
    - `cell`, `interval`: the lengths of a cell and the time between two frames of the context.
    - `causes`: what the law lacks according to the weak form: a factor that changes in time, or
      dispersion.
    - `is_given`: whether the law was found in another context, from which its terms and its name
      are; its coefficients are not fitted to this one.
    - `units`: the known units of the context, by name.
    - `velocity`, `carried`: two fields that are velocities and not conserved, and the one that they
      carry, or `None`.
    """

    law: FittedPlaneLaw
    status: FitStatus
    backtest_error: float = float("nan")
    persistence_error: float = float("nan")
    misfit: float = float("nan")
    isotropic: bool = False
    recognised: Recognised | None = None
    terms: tuple[PlaneTerm, ...] = ()
    refinement: int = 1
    mode: str = "restart"
    neighbours: tuple[FittedPlaneLaw, ...] = dataclasses.field(default=(), repr=False)
    missing: float
    grid_law: FittedPlaneLaw = dataclasses.field(repr=False)
    cell: tuple[float, float]
    interval: float
    causes: Causes = NONE
    is_given: bool = False
    units: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    velocity: tuple[str, str] | None = None
    carried: str | None = None

    def save(self, path: str | Path, units: Mapping[str, str] | None = None) -> None:
        """Writes the law as a JSON file, which [`load_law`][hfluxno.load_law] reads.

        - `units`: the known units of `x`, `y`, `time` and the fields, by name; those of the context
          if it is `None`.

        Raises `ValueError` if no law was found, or a unit is of something that the law does not
        have; `OSError` if the file cannot be written.
        """
        to_save(self, self.units if units is None else units).save(path)

    @property
    def momentum(self) -> tuple[str, str] | None:
        """The names of the components of the momentum, given or inferred, or `None`."""
        for first, second in self.law.vectors:
            return self.law.fields[first], self.law.fields[second]
        return None

    @property
    def name(self) -> str:
        """The name of the law and its coefficient, if it has one."""
        if self.law.flow is not None:
            return f"a tracer in a steady flow, at most {self.law.flow.fastest():.3g} fast"
        return "no known law" if self.recognised is None else self.recognised.short

    @property
    def formulas(self) -> tuple[str, ...]:
        """The equation of each field in the units of the data."""
        if self.law.flow is not None:
            (name,) = self.law.fields
            carried = [f"v_{axis}(x, y) {name}" for axis in "xy"]
            if (linear := self.law.flow.linear) is not None:
                rows = (zip(map(float, row), ("", "x", "y"), strict=True) for row in linear)
                carried = [f"({added(list(row))}) {name}" for row in rows]
            right = _right(self.law, 0)
            if self.law.flow.supply is not None:
                right = f"{right} + p(x, y)" if right not in ("", "0") else "p(x, y)"
            return (written_equation(name, tuple(carried), right),)
        return tuple(
            written_equation(
                name, (_sum(self.law, 0, i), _sum(self.law, 1, i)), _right(self.law, i)
            )
            for i, name in enumerate(self.law.fields)
        )

    @property
    def sentence(self) -> str:
        """What the status means, with the figures that decided it."""
        if self.status == FitStatus.NOT_CHECKED:
            return f"{self.status.sentence}; {self.name}"
        if self.status == FitStatus.CONSTANT:
            return self.status.sentence
        figures = (
            f"back-test error {percent(self.backtest_error)}, of repeating a frame "
            f"{percent(self.persistence_error)}"
        )
        if not np.isfinite([self.backtest_error, self.persistence_error]).all():
            figures = "back-test error unknown"
        if not np.isnan(self.misfit):
            figures = f"weak-form residual {percent(self.misfit)}, {figures}"
        if self.causes.matter:
            figures += f"; {self.causes}"
        # How well the known law fits was found in other data.
        name = self.name if self.recognised is None or self.is_given else str(self.recognised)
        text = OF_GIVEN.get(self.status) if self.is_given else None
        more = ""
        if self.velocity is not None:
            u, v = self.velocity
            more = (
                f"; {u} and {v} carry {self.carried} as velocities do, and are not conserved in "
                f"shocks: put the momentum in their place, {self.carried} · {u} and "
                f"{self.carried} · {v}"
            )
        return f"{text or self.status.sentence} ({figures}); {name}{more}"


def _right(law: FittedPlaneLaw, field: int) -> str:
    """The sources and the diffusion of a field, or 0."""
    parts: list[tuple[float, str]] = []
    if law.sources is not None:
        ones = Dictionary(np.ones(len(law.fields)), law.arising, law.fields)
        parts += zip(map(float, np.asarray(law.sources)[field]), ones.names, strict=True)
    if law.diffusivities is not None:
        nu, name = np.asarray(law.diffusivities, float)[:, field], law.fields[field]
        if nu.shape[1] == 1:
            parts += [(float(nu[a, 0]), f"∂{axis * 2} {name}") for a, axis in enumerate("xy")]
            return added(parts)
        said = [added(parts)] if parts else []
        for axis, row in zip("xy", nu, strict=True):
            if np.any(row):
                said.append(f"∂{axis}(({_in_powers(law, row)}) ∂{axis} {name})")
        return " + ".join(said) or "0"
    return added(parts)


def _in_powers(law: FittedPlaneLaw, row: np.ndarray) -> str:
    """A diffusivity that depends on the only field, in powers of it."""
    assert isinstance(law.basis, Chebyshev)
    middle, half = float(law.basis.middle[0]), float(law.basis.half[0])
    domain = [middle - half, middle + half]
    series = np.polynomial.Polynomial(row, domain=domain).convert(domain=[-1.0, 1.0])
    names = Dictionary(np.ones(1), tuple((k,) for k in range(len(series.coef))), law.fields).names
    # What rounding leaves of a power that is not there is not shown.
    largest = max(abs(domain[0]), abs(domain[1]))
    size = np.abs(series.coef) * largest ** np.arange(len(series.coef))
    terms = [
        (float(c), name)
        for c, name, s in zip(series.coef, names, size, strict=True)
        if s > _SHOWN * size.max()
    ]
    return added(terms)


def _sum(law: FittedPlaneLaw, axis: int, field: int) -> str:
    row = np.asarray(law.coefficients, float)[axis, field]
    return written_sum(law.basis, row, law.fields)
