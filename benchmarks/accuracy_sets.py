"""The accuracy table: contexts of known origin, and the errors of the forecasts from them.

Each context is the first 20 frames of a trajectory of a test split, which starts at t = 0; the law
is inferred from these frames alone and solved onward, and frame 19 + k of the truth is compared
with step k of the forecast. Every context has a different law.

The truth comes from three sources: the scheme of the law's data set, which is among those tried by
an identification; a different second-order scheme on 16 times as many cells, averaged to the cells
of the data ("fine"), which no candidate reproduces; and the first with noise on the context, but
not on the truth.
"""

import collections
import dataclasses
import time
import zlib
from collections.abc import Mapping

import jax
import numpy as np
from jaxtyping import Float, Int

from hfluxno.data import Configuration, blocks
from hfluxno.evaluation.errors import errors_of, summary
from hfluxno.evaluation.metrics import Summary
from hfluxno.identify import FitStatus, FittedLawForecaster, identify_all
from hfluxno.plural import plural
from hfluxno.trajectory import Trajectory

CONTEXT_FRAMES = 20
STEPS = (1, 20, 80)


@dataclasses.dataclass(frozen=True)
class Case:
    """One set of the table.

    **Attributes:**

    - `name`: by which it is chosen.
    - `title`: what the table calls it.
    - `law`, `initial`: as in `hfluxno.data.Configuration`.
    - `targets`: the mean relative l2 error that must be reached after each of `STEPS`; `None`
      if none is set.
    - `fine`: whether the truth is computed on a finer grid by another scheme.
    - `noise`: the standard deviation of Gaussian noise on every value of the context, relative to
      the root mean square of the trajectory's values.
    """

    name: str
    title: str
    law: str
    initial: str
    targets: tuple[float | None, ...]
    fine: bool = False
    noise: float = 0.0

    def configuration(self, contexts: int, seed: int) -> Configuration:
        """The trajectories from which the contexts are taken, on the cells of the data."""
        return Configuration(
            self.law,
            split="test",
            laws=contexts,
            initials=1,
            initial=self.initial,
            seed=seed,
            float64=True,
        )


CASES: dict[str, Case] = {
    case.name: case
    for case in (
        Case("cubic", "cubic", "cubic", "grf", (1e-4, 1e-4, 3e-4)),
        Case("sine-steps", "sine with steps", "sine", "steps", (3e-4, 5e-4, 1e-3)),
        Case("shallow-water", "shallow water", "shallow-water", "grf", (1e-3, 2.5e-3, 6e-3)),
        Case(
            "shallow-water-steps",
            "shallow water with steps",
            "shallow-water",
            "steps",
            (1.2e-3, 6.5e-3, 1.6e-2),
        ),
        Case("burgers", "viscous Burgers", "burgers", "grf", (3e-4, 1e-3, None)),
        Case("burgers-steps", "viscous Burgers with steps", "burgers", "steps", (3e-4, 1e-3, None)),
        Case("cubic-fine", "cubic, fine truth", "cubic", "grf", (0.012, 0.017, 0.025), fine=True),
        Case(
            "buckley-leverett-steps-fine",
            "Buckley–Leverett with steps, fine truth",
            "buckley-leverett",
            "steps",
            (0.020, 0.026, 0.040),
            fine=True,
        ),
        Case("lwr-fine", "LWR traffic, fine truth", "lwr", "grf", (0.012, 0.017, 0.025), fine=True),
        Case("cubic-noise-1", "cubic, 1 % noise", "cubic", "grf", (None, 0.006, 0.012), noise=0.01),
        Case("cubic-noise-5", "cubic, 5 % noise", "cubic", "grf", (None, 0.030, 0.060), noise=0.05),
    )
}


@dataclasses.dataclass(frozen=True)
class Result:
    """One row of the table.

    **Attributes:**

    - `case`: the set.
    - `drawn`: the number of trajectories drawn.
    - `constant`: how many of them are constant at the start and therefore left out.
      (One jump on a circle leaves a constant state, which is one in five of the steps.)
    - `unsolved`: how many are left out because the truth could not be computed.
    - `l2`, `linf`: the relative errors after each of `STEPS`.
    - `statuses`: the number of forecasts by the name of their status.
    - `seconds`: the time of identification per context, in the second run: the first compiles.
    """

    case: Case
    drawn: int
    constant: int
    unsolved: int
    l2: tuple[Summary, ...]
    linf: tuple[Summary, ...]
    statuses: Mapping[str, int]
    seconds: float

    @property
    def reached(self) -> tuple[bool | None, ...]:
        """Whether the mean l2 error reaches its target; `None` if there is none."""
        return tuple(
            None if target is None else summary.mean <= target
            for summary, target in zip(self.l2, self.case.targets, strict=True)
        )


def coarse_truth(
    configuration: Configuration,
) -> tuple[Float[np.ndarray, "trajectory time field x"], Int[np.ndarray, " trajectory"]]:
    """All trajectories by the scheme of the data set, and their status: 0 if solved."""
    parts = list(blocks(configuration))
    return (
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.status for part in parts]),
    )


def measure(
    case: Case,
    configuration: Configuration,
    truth: Float[np.ndarray, "trajectory time field x"],
    status: Int[np.ndarray, " trajectory"],
) -> Result:
    """Identifies the law of each context, forecasts and compares.

    **Arguments:**

    - `case`: determines the noise.
    - `configuration`: determines times, field names and the seed of the noise.
    - `truth`: at all times of the configuration.
    - `status`: of each trajectory, 0 if it was solved.

    **Raises:**

    - `ValueError`, if no usable trajectory is left.
    """
    unsolved = status != 0
    constant = ~unsolved & np.all(np.ptp(truth[:, 0], axis=-1) == 0.0, axis=-1)
    usable = np.flatnonzero(~unsolved & ~constant)
    if len(usable) == 0:
        raise ValueError(
            f"None of {plural(len(truth), 'trajectory')} of {case.name} is usable; draw more."
        )
    context = _context(case, configuration, truth[usable], usable)
    identify_all(context)  # compiles
    began = time.perf_counter()
    laws = identify_all(context)
    seconds = (time.perf_counter() - began) / len(usable)
    with jax.enable_x64(True):
        forecast = FittedLawForecaster().advance(context, laws, max(STEPS))
        values = np.asarray(forecast.trajectory.values)
    expected = truth[usable, CONTEXT_FRAMES : CONTEXT_FRAMES + max(STEPS)]
    failed = (forecast.status == FitStatus.FAILED) | ~np.all(np.isfinite(values), axis=(1, 2, 3))
    errors = errors_of(values, expected, failed)
    counts = collections.Counter(FitStatus(int(number)).name for number in forecast.status)
    return Result(
        case=case,
        drawn=len(truth),
        constant=int(np.sum(constant)),
        unsolved=int(np.sum(unsolved)),
        l2=tuple(summary(errors, "l2", step) for step in STEPS),
        linf=tuple(summary(errors, "linf", step) for step in STEPS),
        statuses=dict(counts.most_common()),
        seconds=seconds,
    )


def _context(
    case: Case,
    configuration: Configuration,
    truth: Float[np.ndarray, "trajectory time field x"],
    indices: Int[np.ndarray, " trajectory"],
) -> Trajectory:
    values = truth[:, :CONTEXT_FRAMES].copy()
    if case.noise:
        stream = zlib.crc32(b"evaluation/noise")
        for member, index in enumerate(indices):
            # A generator for each trajectory: its noise does not depend on the others.
            seed = np.random.SeedSequence(configuration.seed, spawn_key=(stream, int(index)))
            size = case.noise * np.sqrt(np.mean(truth[member] ** 2))
            values[member] += size * np.random.default_rng(seed).standard_normal(
                values[member].shape
            )
    return Trajectory.from_numpy(
        values, configuration.times[:CONTEXT_FRAMES], fields=configuration.fields
    )
