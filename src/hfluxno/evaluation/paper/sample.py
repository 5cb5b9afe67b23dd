"""Windows of a test set, generated or from a file, in bounded memory.

A window is a context and the frames after it. Its place is the number of its first forecast frame,
so that methods that read more or fewer frames forecast the same ones. The published protocol uses
all places of all solved trajectories; a sample takes a number of them, spread over trajectories and
places.
"""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from hfluxno.data import Configuration, blocks, open_dataset
from hfluxno.data.schema import configuration_of
from hfluxno.evaluation.paper.problems import CONTEXT, STEPS, Problem
from hfluxno.models.configuration import Pairs
from hfluxno.plural import plural
from hfluxno.training.examples import fixed
from hfluxno.trajectory import Trajectory

BATCH = 256
_PART = 1024  # trajectories of a file in memory at a time
_LATEST_EXAMPLE = 0.4  # as in the training sets; forecasts go beyond


@dataclasses.dataclass(frozen=True)
class WindowBatch:
    """Windows that are forecast together.

    - `frames`: contexts and what follows them, shape (window, time, field, x).
    - `coefficients`: of the laws.
    - `laws`: which law each window has.
    - `examples`: pairs of states of other trajectories of the law, for methods that need them.
    """

    frames: Float[np.ndarray, "window time field x"]
    coefficients: Float[np.ndarray, "window parameter"]
    laws: Int[np.ndarray, " window"]
    examples: Float[np.ndarray, "window pair 2 field x"] | None = None

    def first(self, count: int) -> "WindowBatch":
        """The first `count` windows, or all of them if there are fewer."""
        examples = None if self.examples is None else self.examples[:count]
        return WindowBatch(
            self.frames[:count], self.coefficients[:count], self.laws[:count], examples
        )


@dataclasses.dataclass(frozen=True)
class WindowSet:
    """The trajectories of a problem.

    - `problem`: the problem.
    - `configuration`: of the trajectories that are generated.
    - `windows`: how many windows are used, spread evenly; `None` for all.
    - `path`: a file of `hfluxno generate` to read them from instead, or `None`.
    """

    problem: Problem
    configuration: Configuration
    windows: int | None
    path: Path | None = None

    @property
    def times(self) -> Float[np.ndarray, " time"]:
        return self.configuration.times

    @property
    def trajectories(self) -> int:
        return self.configuration.trajectories

    def chosen(self) -> Iterator[tuple[int, int]]:
        """(trajectory, place) of every window, trajectories in order."""
        places = len(self.times) - CONTEXT - STEPS + 1
        count = self.trajectories * places if self.windows is None else self.windows
        count = min(count, self.trajectories * places)
        # Neighbours of a sample are far apart: a stride near the golden ratio, without a common
        # divisor.
        stride = round(0.618 * places) if count < self.trajectories * places else 1
        while math.gcd(stride, places) > 1:
            stride += 1
        for number in range(count):
            yield number * self.trajectories // count, CONTEXT + number * stride % places

    def batches(
        self, context: int, steps: int, pairs: Pairs | None = None
    ) -> Iterator[WindowBatch]:
        """The windows with `context` frames before their place and `steps` after it; a place with
        too few frames before it is moved.

        - `pairs`: the examples of the windows, always the same for a law.
        """
        return self._with_examples(self._batches(self.chosen(), context, steps), pairs)

    def long_batches(self, context: int, pairs: Pairs | None = None) -> Iterator[WindowBatch]:
        """From the first frames to the end: the first solved trajectory of each law, or all of them
        if all windows are used."""
        places = ((trajectory, CONTEXT) for trajectory in range(self.trajectories))
        steps = len(self.times) - max(context, CONTEXT)
        batches = self._batches(places, context, steps, once=self.windows is not None)
        return self._with_examples(batches, pairs)

    def context(self, batch: WindowBatch, frames: int) -> Trajectory:
        """The contexts of a batch. Laws do not depend on time, so all begin at 0."""
        return Trajectory.from_numpy(
            batch.frames[:, :frames],
            self.times[:frames],
            self.configuration.grid.centers(),
            list(self.configuration.fields),
        )

    def _with_examples(
        self, batches: Iterator[WindowBatch], pairs: Pairs | None
    ) -> Iterator[WindowBatch]:
        if pairs is None:
            yield from batches
            return
        known: dict[int, np.ndarray] = {}
        for batch in batches:
            laws, first = np.unique(batch.laws, return_index=True)
            if np.any(new := ~np.isin(laws, list(known))):
                coefficients = batch.coefficients[first[new]]
                found = fixed(self.configuration, laws[new], coefficients, pairs, _LATEST_EXAMPLE)
                known |= zip(laws[new].tolist(), found, strict=True)
            examples = np.stack([known[law] for law in batch.laws.tolist()])
            yield dataclasses.replace(batch, examples=examples)

    def _batches(self, wanted, context, steps, once=False):
        held: list[tuple] = []
        done = -1  # the last law, if each is used once
        for trajectory, place, values, coefficients, status in self._with_values(wanted):
            first = max(place, context) - context
            if status != 0 or first + context + steps > len(values):
                continue
            law = trajectory // self.configuration.initials
            if once and law == done:
                continue
            done = law
            held.append((values[first : first + context + steps], coefficients, law))
            if len(held) == BATCH:
                yield _stacked(held)
                held = []
        if held:
            yield _stacked(held)

    def _with_values(self, wanted):
        """Each wanted pair with the values, coefficients and status of its trajectory."""
        parts = self._parts()
        start, stop, arrays = 0, 0, [np.empty(0)]
        for trajectory, place in wanted:
            while trajectory >= stop:
                start, stop, *arrays = next(parts)
            yield trajectory, place, *(array[trajectory - start] for array in arrays)

    def _parts(self):
        if self.path is None:
            for block in blocks(self.configuration):
                yield block.start, block.stop, block.values, block.coefficients, block.status
            return
        with open_dataset(self.path) as data:
            for start in range(0, self.trajectories, _PART):
                rows = slice(start, min(start + _PART, self.trajectories))
                arrays = [data[n].values[rows] for n in ("coefficients", "status")]
                yield start, rows.stop, data["values"][rows].values, *arrays


def generated(
    problem: Problem, windows: int | None, laws: int, initials: int, seed: int
) -> WindowSet:
    """A set of new trajectories; for a sample only as many initial conditions as needed."""
    if windows is not None:
        initials = min(initials, -(-windows // laws))
    return WindowSet(problem, problem.configuration(laws, initials, seed), windows)


def given(problem: Problem, windows: int | None, path: Path) -> WindowSet:
    """A set from a file of `hfluxno generate`. Raises `OSError` if it cannot be read; `ValueError`
    if it is not a set of the problem's law and initial conditions."""
    with open_dataset(path) as data:
        about = data.attrs
        found, asked = (about["law"], about["initial"]), (problem.law, problem.initial)
        if about["split"] != "test":
            raise ValueError(
                f"{path} is a {about['split']} split; methods are compared on test sets."
            )
        if found != asked:
            raise ValueError(
                f"{path} is a set of {found[0]} with the initial conditions {found[1]}, but "
                f"{problem.name} is {asked[0]} with {asked[1]}."
            )
        configuration = configuration_of(about)
    if configuration.thinning != problem.thinning:
        raise ValueError(
            f"{path} was made with thinning = {configuration.thinning}, but {problem.name} has "
            f"{problem.thinning}; generate it with --thinning {problem.thinning}."
        )
    if configuration.frames < CONTEXT + STEPS:
        raise ValueError(
            f"{path} has {plural(configuration.frames, 'frame')}; a window needs {CONTEXT + STEPS}."
        )
    return WindowSet(problem, configuration, windows, path)


def _stacked(held) -> WindowBatch:
    return WindowBatch(*(np.stack(part) for part in zip(*held, strict=True)))
