"""A joint estimate: the most probable unknowns, their uncertainty, and the runs that follow."""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Bool, Float

from hfluxno.boundary import Given
from hfluxno.fv.solve import MOST_STEPS
from hfluxno.identify.joint.beyond import UncertainLaw
from hfluxno.identify.joint.ensemble import plausible, spread_of_runs
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.forward_runs import (
    from_the_first,
    measure,
    on_other_cells,
    run,
    states_alone,
    states_at,
    states_of,
)
from hfluxno.identify.joint.given_ends import OF_DIFFERENCE, on_every_second_time
from hfluxno.identify.residuals.delays import SpeedChange
from hfluxno.parametric.subgrid import near_jumps, partly_even

# A direction is unobserved if measurements reduce its variance by less than this fraction.
_UNSEEN = 1e-9
# The part of the variance that is even. On seventeen contexts of other solvers (and other laws than
# `make trust` has) a tenth to a fifth gives bands that hold .88 to .91.
_ELSEWHERE = 0.15
_NO_WIDTH = 0.05  # of a stretch, in cells


@dataclasses.dataclass(frozen=True)
class Estimate:
    """The most probable unknowns, their uncertainty and their misfit.

    - `forward`: the forward model.
    - `z`: the unknowns.
    - `covariance`: that of z, from the normal matrix and the prior (Laplace's approximation), and
      from the `bias`.
    - `noise`: σ of each measured quantity; its root mean square if it varies.
    - `times`: those of all frames, in frames.
    - `evidence`: the logarithm of the probability of the measurements, in the same approximation,
      by which estimates are compared.
    - `steps`: the largest number of steps that the run took between two frames.
    - `of_scheme`: the fraction of the difference to a run on another grid that counts as the error
      of the scheme: the misfit divided by this difference, at most 1; 0 before
      `hfluxno.identify.joint.shared_errors`.
    - `of_ends`: the fraction of what given ends leave open in the context that counts: the misfit
      where it changes the states, relative to these changes, at most 1; 0 before, too.
    - `share`: the fraction of the normal matrix that counts, because the misfits of neighbours are
      correlated.
    - `bias`: an error of z because of those of the scheme (see
      `hfluxno.identify.residuals.scheme_bias`).
    - `by_scheme`: parts of what z makes up for of the error of the scheme (see
      `hfluxno.identify.residuals.scheme_error`). They are not in the `covariance`: a run with the
      same scheme has the error that is made up for.
    - `left_out`: how much worse the others predict a sensor than they claim (see
      `hfluxno.identify.residuals.left_out`); 0 if that is not known.
    - `speed`: what a speed that changes in time would explain (see
      `hfluxno.identify.joint.changing_speed`); `None` if that is not known.
    - `uncertain`: that of a law that was given, or of the terms that this one does without.
    - `seen`: which values of the first frames it was fitted to; `None` for all.
    """

    forward: Forward
    z: Float[np.ndarray, " unknown"]
    covariance: Float[np.ndarray, "unknown unknown"]
    noise: Float[np.ndarray, " quantity"]
    times: Float[np.ndarray, " time"]
    evidence: float
    steps: int = 0
    of_scheme: float = 0.0
    of_ends: float = 0.0
    share: float = 1.0
    bias: Float[np.ndarray, " unknown"] | None = None
    by_scheme: Float[np.ndarray, "part unknown"] | None = None
    left_out: float = 0.0
    speed: SpeedChange | None = None
    uncertain: UncertainLaw | None = None
    seen: Bool[np.ndarray, "frame quantity cells"] | None = None

    @functools.cached_property
    def _frames(self):
        states, _, deviation, _ = self._run(self.times, self.forward)
        return states, deviation

    @functools.cached_property
    def states(self) -> Float[np.ndarray, "time field cells"]:
        """The run at the times of all frames."""
        if self.forward.ends is None:
            return self._frames[0]
        return states_at(self.forward, self.z, self.times)

    @property
    def spread(self) -> Float[np.ndarray, "time field cells"]:
        """The standard deviation of each of these states, from the unknowns, the scheme and what
        given ends leave open.

        A part of the variance is even: its mean over the frame, or that over all frames of the
        context if it is larger.
        """
        return self._frames[1]

    @functools.cached_property
    def ends(
        self,
    ) -> tuple[Float[np.ndarray, "field time"] | None, Float[np.ndarray, "field time"] | None]:
        """The estimated states at the lower and the upper end at the times of all frames; `None`
        for an end that is not open."""
        return self._ends_at(self.times)

    def within(
        self, times: Float[np.ndarray, " time"]
    ) -> tuple[
        Float[np.ndarray, "time field cells"],
        Float[np.ndarray, "time field cells"],
        tuple[Float[np.ndarray, "field time"] | None, Float[np.ndarray, "field time"] | None],
    ]:
        """`states`, `spread` and `ends` at other times of the context, in frames."""
        states, _, deviation, _ = self._run(times, self.forward)
        return states, deviation, self._ends_at(times)

    def _ends_at(self, times):
        open_sides = () if self.forward.ends is None else self.forward.ends.sides
        found = [
            np.array([np.interp(times, np.asarray(end.times), row) for row in end.values])
            if side in open_sides and isinstance(end, Given)
            else None
            for side, end in enumerate(self.forward.grid(self.z).boundary[0])
        ]
        return found[0], found[1]

    def continued(
        self, times: Float[np.ndarray, " time"], forward: Forward | None = None
    ) -> "Continued":
        """The states at other times, in frames.

        `forward` may have further unknowns, of which only the prior is known; the lower bounds
        ignore them.
        """
        forward = self.forward if forward is None else forward
        states, rows, deviation, by_unknowns = self._run(times, forward)
        known, z = len(self.z), np.pad(self.z, (0, forward.size - len(self.z)))
        deviation = np.hypot(deviation, _by_guess(forward, z, times, states))
        further = spread_of(rows[:, known:], np.eye(forward.size - known)) ** 2
        both = further + spread_of(rows[:, :known], self.covariance) ** 2
        part = np.divide(further, both, out=np.zeros_like(both), where=both > 0.0)
        least = spread_of(rows[:, :known], self.least_covariance)
        normal = deviation * np.sqrt(part) if by_unknowns is None else by_unknowns
        return Continued(states, deviation, least, normal)

    def _run(self, times, forward: Forward):
        """The states, their derivatives, their standard deviations, and the part of these by which
        the unknowns scatter; `None` with open ends."""
        known = len(self.z)
        z = np.pad(self.z, (0, forward.size - known))
        forward, covariance = self._as_uncertain(forward)
        states, rows = states_of(forward, z, times)
        # Where an unknown moves a shock, the derivative is larger than any change.
        most = np.subtract(forward.shape.upper, forward.shape.lower)[:, None]
        if forward.ends is None:
            deviation = spread_of(rows[:, :known], covariance)
        else:
            deviation = spread_of_runs(forward, z, self._draws, times)
        deviation = np.minimum(deviation, most)
        by_unknowns = None
        if forward.ends is None:
            changed = np.einsum("tufc,pu->ptfc", rows[:, :known], self._changes)
            by_unknowns = deviation**2 - np.minimum(np.sum(changed**2, axis=0), deviation**2)
            by_unknowns = np.sqrt(partly_even(by_unknowns, _ELSEWHERE))
        if self.of_scheme:
            differs = nearby(forward, difference(forward, z, times, states))
            deviation = np.hypot(deviation, self.of_scheme * differs)
        last = float(self.times[-1])
        if self.of_ends:
            seen = by_given_ends(forward, z, times, states, until=last)
            deviation = np.hypot(deviation, self.of_ends * seen)
        if times[-1] > last:
            later = by_given_ends(forward, z, times, states, after=last)
            deviation = np.hypot(deviation, later)
        past = deviation[times <= last] ** 2
        least = np.mean(past, axis=(0, 2))[:, None] if len(past) else 0.0
        deviation = np.sqrt(partly_even(deviation**2, _ELSEWHERE, least))
        return states, rows, deviation, by_unknowns

    def observed(
        self, times: Float[Array | np.ndarray, " time"], forward: Forward | None = None
    ) -> Float[np.ndarray, "time quantity cells"]:
        """What would be measured at these times of the data; `forward` as in `continued`."""
        forward = self.forward if forward is None else forward
        z = np.pad(self.z, (0, forward.size - len(self.z)))
        return values_of(forward, z, times, MOST_STEPS)[0]

    @functools.cached_property
    def _draws(self) -> Float[np.ndarray, "draw unknown"]:
        """Changes of the unknowns by what they scatter (see `hfluxno.identify.joint.ensemble`)."""
        forward, covariance = self._as_uncertain(self.forward)
        fitted = self.times if self.seen is None else self.times[: len(self.seen)]
        times = forward.scale.origin + forward.scale.interval * fitted
        return plausible(forward, self.z, covariance, times, self.noise, self.seen)

    def _as_uncertain(
        self, forward: Forward
    ) -> tuple[Forward, Float[np.ndarray, "unknown unknown"]]:
        """A forward model in which all that is uncertain is unknown, and the covariance of that."""
        if self.uncertain is None:
            return forward, self.covariance
        forward = dataclasses.replace(forward, spread=self.uncertain.spread)
        return forward, self.uncertain.covariance

    @property
    def _changes(self) -> Float[np.ndarray, "part unknown"]:
        """The parts of the covariance that are differences from other estimates."""
        bias = np.zeros(len(self.z)) if self.bias is None else self.bias
        return bias[None] if self.uncertain is None else self.uncertain.changes

    @property
    def least_covariance(self) -> Float[np.ndarray, "unknown unknown"]:
        """The Cramér–Rao bound on the covariance of unbiased estimates of z: the inverse of the
        normal matrix N without the prior.

        In terms of the eigenvalues λ of the covariance (s N + 1)⁻¹, with s the `share`, it has the
        eigenvalues s λ/(1 - λ). For a direction that the measurements do not constrain, λ = 1, it
        is very large but finite, so that it only matters to what depends on that direction.
        """
        free, covariance = self.forward.free, self.covariance
        if self.bias is not None:
            covariance = covariance - np.outer(self.bias, self.bias)
        values, vectors = np.linalg.eigh(covariance[np.ix_(free, free)])
        least = self.share * np.clip(values, 0.0, 1.0) / np.maximum(1.0 - values, _UNSEEN)
        found = np.zeros(self.covariance.shape)
        found[np.ix_(free, free)] = (vectors * least) @ vectors.T
        return found


def values_of(forward, z, times, limit):
    """What would be measured at these times of the data, its derivatives by z, and the steps."""
    states, rows, steps = run(forward, z, forward.intervals(forward.when(times)), limit)
    values, rows = measure(forward, z, states, rows)
    return values[: len(times)], rows[: len(times)], steps


def difference(forward, z, times, states):
    """The difference between a run on another grid and the states, which estimates the error of the
    scheme; not finite if the run cannot be solved."""
    part, whole = from_the_first(times)
    return on_other_cells(forward, z, forward.intervals(whole), MOST_STEPS)[part] - states


def nearby(forward, away):
    """The size of such a difference there and nearby; zero where it is not finite."""
    return np.sqrt(_squared_nearby(forward, away))


def by_given_ends(forward, z, times, states, after=-np.inf, until=np.inf):
    """The standard deviation of the states because of what given ends leave open after and until
    these times (see `hfluxno.identify.joint.given_ends`); zero if no end is given."""
    squares = [
        _squared_nearby(other, states_at(other, z, times) - states)
        for other in on_every_second_time(forward, after, until)
    ]
    return OF_DIFFERENCE * np.sqrt(np.mean(squares, axis=0)) if squares else np.zeros(states.shape)


def _squared_nearby(forward, away):
    away = np.nan_to_num(away, nan=0.0, posinf=0.0, neginf=0.0)
    return near_jumps(away**2, forward.settings.grid.is_periodic())


def _by_guess(forward, z, times, states):
    """The deviation because of what is unknown beyond the observed range: the other guess is a flux
    that continues linearly, or if this one does, one that does not."""
    goes_on = float(forward.shape.reach) > 0.0
    law = dataclasses.replace(forward.law(z), reach=np.zeros(()))
    if not np.any(law.is_left_by(states)):
        return 0.0
    part, whole = from_the_first(times)
    shape = dataclasses.replace(forward.shape, reach=0.0 if goes_on else law.further().reach)
    other = dataclasses.replace(forward, shape=shape)
    found = states_alone(other, z, forward.intervals(whole), MOST_STEPS)[part]
    return law.unknown_beyond(states, found if np.all(np.isfinite(found)) else None)


def spread_of(rows, covariance):
    """The standard deviations of states with these derivatives."""
    variance = np.einsum("tufc,uv,tvfc->tfc", rows, covariance, rows, optimize=True)
    return np.sqrt(np.maximum(variance, 0.0))


class Continued(NamedTuple):
    """States, their standard deviations, lower bounds of those of unbiased estimates from these
    measurements, and the part of the deviations of which errors are normal: by which the unknowns
    scatter, or with open ends the further ones, as the derivatives have it."""

    states: Float[np.ndarray, "time field cells"]
    deviation: Float[np.ndarray, "time field cells"]
    least: Float[np.ndarray, "time field cells"]
    normal: Float[np.ndarray, "time field cells"]


def one_suffices(found: Estimate) -> bool:
    """Whether of two stretches one has no width, or they are those of one, with ends less than a
    cell apart: their factors, of which only the product matters, are unknown."""
    terms = found.forward.law(found.z).terms
    if terms is None or len(terms.stretches) < 2:
        return False
    first, second, *_ = np.asarray(terms.stretches)
    if min(first[1] - first[0], second[1] - second[0]) < _NO_WIDTH:
        return True
    return bool(np.all(np.abs(first[:2] - second[:2]) < 1.0))
