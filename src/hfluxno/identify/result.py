"""The result of an identification."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.second_order import KnownChange
from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.recognition.monomials import written
from hfluxno.identify.recognition.reading import Readings, read_flux
from hfluxno.identify.recognition.recognised import Recognised
from hfluxno.identify.residuals.misfit import UNKNOWN, Misfit
from hfluxno.identify.residuals.missing import Cause
from hfluxno.identify.residuals.odd_places import OddPlaces
from hfluxno.identify.saved.law import to_save
from hfluxno.identify.status import OF_GIVEN, FitStatus
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.solver_settings import SolverSettings
from hfluxno.plural import percent, plural
from hfluxno.trajectory import Trajectory

# From this fraction of the context on, a forecast says how much is missing.
_MUCH = 0.05
# A diffusion is that of the law if it is so many times its deviation, which includes the error of
# the scheme. Of 57 solutions without diffusion, by Godunov's scheme and a MUSCL scheme on 300 to
# 1500 cells, averaged to 100 (scratch), one had 4; a diffusion that was there and found had 10 or
# more.
_CLEAR = 6.0
_IN_WORDS = re.compile(r"(constant |quadratic )?diffusion( of degree 2)?")
_UNSURE = "diffusion that may be that of a scheme"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Identification:
    """An identified conservation law and its report; NaN is what is not known.

    **Attributes:**

    - `law`: the law in the units of the data; it can be solved like any other.
    - `candidate`: the basis, diffusion, scheme and internal grid that were chosen; in words for a
      law that was found in another context.
    - `status`: whether a conservation law explains the data.
    - `backtest_error`: the relative l2 error of the chosen candidate on the context's last frames,
      fitted to the frames before.
    - `persistence_error`: the same error of repeating the last frame before them.
    - `backtest_spread`: the part of the back-test error that the covariance of that fit predicts;
      0 if it is not known.
    - `residual`: the root mean square misfit over the whole context after the last fit, relative to
      the standard deviation of each field.
    - `misfit`: measures of that misfit: see `hfluxno.identify.residuals.misfit`.
    - `coefficients`: the flux coefficients, and those of the diffusivity, by name.
    - `covariance`: their covariance in the same order, from the misfit and the normal matrix (the
      usual estimate of nonlinear least squares, for as many independent values as the correlations
      of the misfit leave), what noise of the first frame does, and the error of the scheme.
    - `by_scheme`: parts of their errors that are due to the scheme, (part, coefficient), whose
      squares are in the covariance (see `hfluxno.identify.residuals.scheme_error`).
    - `total_drift`: the change of the total of each field over the context, relative to the mean
      size of the field; flow through the boundary is included.
    - `mode`: the state from which forecasts start (see `hfluxno.identify.frames.track`): `continue`
      the fitted trajectory, `filter` all frames (under noise), or `restart` at the last frame.
    - `tried`: every candidate with its back-test error.
    - `initial`: the state from which the fitted trajectory starts: the first frame, or an estimate
      of it from several frames.
    - `grid_law`, `settings`: the law in cells and frames, and how it was solved.
    - `estimate`: the joint estimate of the law, or `None` if it was fitted from a measured state.
    - `missing`: the fraction of the context that was not measured, from the first frame with
      measurements to the last.
    - `suspect`: the number of measured values that were left out because the law of the others does
      not explain them (see `hfluxno.identify.joint.suspect` and `hfluxno.identify.without_wild`).
    - `odd`: places that the law of the others misses in the same way throughout, as a sensor that
      reads too much (see `hfluxno.identify.residuals.odd_places`).
    - `limited`: the number of measured values that were left out because they are at the limit of
      an instrument (see `hfluxno.sensor_limit`).
    - `filled`: these frames with their gaps filled by the fitted trajectory; `None` without gaps.
    - `cell`, `interval`: the length of a cell and the time between two frames of the context.
    - `recognised`: the known law of several fields, or `None` if none fits.
    - `units`: the known units of the context, by name.
    - `exceeded`: of a given law, which fields of the context reach beyond the states for which it
      is known: their names with the range there; empty if none does.
    - `cause`: the missing term according to the weak form, if no law explains complete frames.
    - `not_conserved`: fields whose totals change though nothing passes the ends and no source is
      named, if no law explains complete frames.
    - `change`: what the law has instead of a measured velocity or flow that is not conserved
      (see `hfluxno.identify.frames.change`); `None` if the fields of the law are those of the
      context.
    """

    law: FittedLaw
    candidate: Candidate | Kind | str
    status: FitStatus
    backtest_error: float = float("nan")
    persistence_error: float = float("nan")
    backtest_spread: float = 0.0
    residual: float = float("nan")
    misfit: Misfit = UNKNOWN
    coefficients: dict[str, float]
    covariance: np.ndarray
    by_scheme: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 0)), repr=False)
    total_drift: np.ndarray
    mode: str = "restart"
    tried: tuple[tuple[str, float], ...] = ()
    initial: np.ndarray = dataclasses.field(repr=False)
    grid_law: FittedLaw = dataclasses.field(repr=False)
    settings: SolverSettings = dataclasses.field(repr=False)
    estimate: Estimate | None = dataclasses.field(default=None, repr=False)
    missing: float = 0.0
    suspect: int = 0
    limited: int = 0
    odd: tuple[OddPlaces, ...] = ()
    filled: Trajectory | None = dataclasses.field(default=None, repr=False)
    cell: float = float("nan")
    interval: float = float("nan")
    recognised: Recognised | None = None
    units: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    exceeded: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    cause: Cause | None = None
    not_conserved: tuple[str, ...] = ()
    change: KnownChange | None = None

    def save(self, path: str | Path, units: Mapping[str, str] | None = None) -> None:
        """Writes the law as a JSON file, which [`load_law`][hfluxno.load_law] reads.

        **Arguments:**

        - `units`: the known units of `x`, `time` and the fields, by name; those of the context if
          it is `None`. They are compared with those of data on which the law is used.

        **Raises:**

        - `ValueError`, if no law was found, or a unit is of something that the law does not have.
        - `OSError`, if the file cannot be written.
        """
        to_save(self, self.units if units is None else units).save(path)

    def measured(self, states: np.ndarray) -> np.ndarray:
        """The measured fields at states of the law, shape (…, field, x)."""
        return states if self.change is None else self.change.measured(states)

    @property
    def measured_fields(self) -> tuple[str, ...]:
        """The names of the measured fields."""
        return self.law.fields if self.change is None else self.change.fields

    def conserved(self, values: np.ndarray) -> np.ndarray:
        """The states of the law at measured fields."""
        return values if self.change is None else self.change.conserved(values)

    @property
    def readings(self) -> Readings | None:
        """The flux of one field as a formula (`identify.recognition.reading`), else `None`."""
        return read_flux(self.law, self.coefficients, self.covariance)

    @property
    def chosen(self) -> str:
        """The chosen candidate in words, without a diffusion that it may have and the law has
        not; if it is not clear of its error, without claiming that it is the law's."""
        candidate = self.candidate
        if isinstance(candidate, str):
            return candidate
        if np.any(np.asarray(self.law.diffusion_coefficients)):
            return str(candidate) if self._diffuses else _IN_WORDS.sub(_UNSURE, str(candidate))
        if isinstance(candidate, Candidate):
            candidate = dataclasses.replace(candidate, diffusion="none")
        elif isinstance(candidate, Kind):
            candidate = dataclasses.replace(candidate, diffusion=0)
        return str(candidate)

    @property
    def _diffuses(self) -> bool:
        """Whether some coefficient of a diffusivity is far beyond its deviation, or that is not
        known."""
        pairs = zip(self.coefficients.items(), np.diag(self.covariance), strict=True)
        found = [(size, variance) for (name, size), variance in pairs if name.startswith("nu_")]
        return not found or any(not size**2 <= _CLEAR**2 * variance for size, variance in found)

    @property
    def described(self) -> str:
        """The known law, if there is one, and the chosen candidate."""
        chosen = self.chosen
        return chosen if self.recognised is None else f"{self.recognised.short}; {chosen}"

    @property
    def formulas(self) -> tuple[str, ...]:
        """The equation of each field in the units of the data, and what a field is that was not
        measured; none for laws in other bases."""
        added = () if self.change is None else (str(self.change),)
        return (*written(self.law), *added)

    @property
    def sentence(self) -> str:
        """What the status means, the figures that decided it, the likely cause, and how much of the
        context is missing, if much is."""
        figures, text = self._figures(), self.status.sentence
        if isinstance(self.candidate, str):
            text = OF_GIVEN.get(self.status, text)
        text = f"{text} ({figures})" if figures else text
        text = text if self.cause is None else f"{text}; {self.cause}"
        if self.not_conserved:
            totals = " and ".join(self.not_conserved)
            text += (
                f"; if nothing passes the ends, a source changes the total of {totals}, or it is "
                "not what is conserved, as a velocity in the place of a momentum, or what is "
                "dissolved without what is adsorbed"
            )
        for name, (least, most) in self.exceeded.items():
            which = self.law.fields.index(name)
            lower, upper = float(self.law.lower[which]), float(self.law.upper[which])
            text += (
                f"; {name} is {least:.4g} to {most:.4g} here, and the law is known for "
                f"{lower:.4g} to {upper:.4g}"
            )
        if self.missing >= _MUCH:
            text = f"{text}; {percent(self.missing)} of the context was not measured"
        if self.suspect:
            values = plural(self.suspect, "measured value")
            text += f"; {values} left out, which the law of the others does not explain"
        text = "; ".join([text, *map(str, self.odd)])
        if self.limited:
            values = plural(self.limited, "measured value")
            text += f"; {values} left out, which are all alike at a limit, as of an instrument"
        return text

    def _figures(self) -> str:
        if self.status == FitStatus.SYSTEMATIC_MISFIT:
            return str(self.misfit)
        if self.status == FitStatus.SOURCE_OR_LEAK:
            drifts = zip(self.law.fields, self.total_drift, strict=True)
            return ", ".join(
                f"{name}: {'+' if drift > 0.0 else ''}{percent(drift)} of its mean size"
                for name, drift in drifts
            )
        if self.status == FitStatus.POOR_FIT:
            if np.isnan(self.backtest_error):  # too few frames to hold some out
                return str(self.misfit)
            return (
                f"back-test error {percent(self.backtest_error)}, of repeating a frame "
                f"{percent(self.persistence_error)}; {self.misfit}"
            )
        return ""
