"""The published evaluation: forecasts from all windows of a set, and to the end of trajectories.

A window is a context of K frames and the frames after it. Its errors are those of the first frame
and of all frames of the forecast together,

    ‖forecast - truth‖ / ‖truth‖

with the norm l2 or l∞ over frames, fields and cells (HFluxNO, eq. 19, and the authors' notebooks).
The long roll-out starts from the first K frames of each trajectory and goes to its last time; its
error is taken at each time.

Windows are cut and forecast in chunks of a fixed size, so memory does not grow with the set.
"""

import collections
import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int

from hfluxno.data import open_dataset
from hfluxno.evaluation.metrics import NORMS, Summary, joined, summarize
from hfluxno.models.forecaster import NetworkForecaster, NetworkStatus
from hfluxno.plural import plural
from hfluxno.trajectory import Trajectory

_CHUNK, _CHUNK_OF_PLANES = 256, 16


@dataclasses.dataclass(frozen=True)
class Errors:
    """The errors of many forecasts.

    **Attributes:**

    - `one_step`, `all_steps`: by norm, of the first frame and of all `steps` frames of a window.
    - `over_time`: by norm, of the long roll-out at each of `times`.
    - `steps`, `context`: the numbers of frames of a window's forecast and context.
    - `windows`, `trajectories`: how many were used.
    - `left_out`: trajectories of the file that were not solved.
    - `statuses`: the number of windows by what the forecaster says of its forecast.
    """

    one_step: Mapping[str, Summary]
    all_steps: Mapping[str, Summary]
    over_time: Mapping[str, tuple[Summary, ...]]
    times: tuple[float, ...]
    steps: int
    context: int
    windows: int
    trajectories: int
    left_out: int
    statuses: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class WindowChunk:
    """Windows `first` ≤ i < `first` + `count` of a set, or as many trajectories to their end where
    they are `whole`; they are forecast together with others that fill the chunk up."""

    whole: bool
    first: int
    count: int
    filled: int


@dataclasses.dataclass(frozen=True)
class Measured:
    """The errors of a chunk: by norm, of the `first` frame and of `all` frames of each window, or
    at each time of whole trajectories; which `failed`, and what the forecaster says of each."""

    errors: Mapping[str, Float[np.ndarray, "window *time"]]
    failed: Bool[np.ndarray, " window"]
    sentences: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Windows:
    """The windows of a set, numbered trajectory by trajectory, and what is measured of them.

    **Attributes:**

    - `context`, `steps`, `frames`: of a context, of a window's forecast, and of a trajectory.
    - `used`: the numbers of the trajectories that are used.
    - `starts`: the frames at which windows begin.
    - `times`: those of long roll-outs.
    - `left_out`: how many trajectories were not solved.
    - `most`: how many windows a chunk has.
    """

    context: int
    steps: int
    frames: int
    used: Int[np.ndarray, " trajectory"]
    starts: Int[np.ndarray, " start"]
    times: tuple[float, ...]
    left_out: int
    most: int = _CHUNK

    @classmethod
    def of(
        cls,
        forecaster: NetworkForecaster,
        path: Path,
        steps: int = 20,
        every: int = 1,
        trajectories: int | None = None,
    ) -> "Windows":
        """The windows of a file for a network; the arguments are those of `evaluate`.

        **Raises:**

        - `OSError`, `ValueError`, as there.
        """
        for name, value in (("steps", steps), ("every", every), ("trajectories", trajectories)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}.")
        if forecaster.config.pairs is not None:
            raise ValueError(
                f"{forecaster.name} needs examples of the law of every window, which a file has "
                "not beside them; compare it by `hfluxno benchmark paper --add NAME=WEIGHTS`."
            )
        with open_dataset(path) as data:
            solved = np.flatnonzero(data["status"].values == 0)
            context, frames = forecaster.config.context, data.sizes["time"]
            found = cls(
                context=context,
                steps=steps,
                frames=frames,
                used=solved[:trajectories],
                starts=np.arange(0, frames - context - steps + 1, every),
                times=tuple(map(float, data["time"].values[context:])),
                left_out=data.sizes["trajectory"] - len(solved),
                most=_CHUNK_OF_PLANES if "y" in data.sizes else _CHUNK,
            )
        if found.total == 0:
            raise ValueError(
                f"{path} has no window of {context + steps} frames: it has "
                f"{plural(len(solved), 'solved trajectory')} of {plural(frames, 'frame')}; use "
                "fewer steps or another set."
            )
        return found

    @property
    def total(self) -> int:
        """The number of windows."""
        return len(self.used) * len(self.starts)

    @property
    def chunks(self) -> list[WindowChunk]:
        """All chunks. Each is filled up to the same size, so that one program is compiled."""
        return [
            WindowChunk(whole, first, min(self.most, total - first), min(self.most, total))
            for whole, total in ((False, self.total), (True, len(self.used)))
            for first in range(0, total, self.most)
        ]

    def measured(
        self, forecaster: NetworkForecaster, data: xr.Dataset, chunk: WindowChunk
    ) -> Measured:
        """The errors of a chunk of these data."""
        starts = self.starts[:1] if chunk.whole else self.starts
        frames = self.frames if chunk.whole else self.context + self.steps
        numbers = np.minimum(chunk.first + np.arange(chunk.filled), chunk.first + chunk.count - 1)
        trajectory, start = np.divmod(numbers, len(starts))
        read, place = np.unique(trajectory, return_inverse=True)
        values = data["values"][self.used[read]].values
        windows = zip(place, starts[start], strict=True)
        frames_of = np.stack([values[i, first : first + frames] for i, first in windows])
        forecast, truth, failed, sentences = _forecast(
            forecaster, data, frames_of, chunk.count, self.context
        )
        errors: dict[str, np.ndarray] = {}
        for norm, error in NORMS.items():
            if chunk.whole:
                errors[norm] = error(forecast, truth).astype(np.float32)
            else:
                errors[f"{norm} first"] = error(forecast[:, :1], truth[:, :1])[:, 0]
                errors[f"{norm} all"] = error(joined(forecast), joined(truth))[:, 0]
        return Measured(errors, failed, tuple(sentences))

    def evaluated(
        self, forecaster: NetworkForecaster, path: Path, advance: Callable[[int, int], None]
    ) -> Errors:
        """The errors of the set, measured here."""
        total = sum(chunk.count for chunk in self.chunks)
        parts, done = [], 0
        with open_dataset(path) as data:
            for chunk in self.chunks:
                parts.append(self.measured(forecaster, data, chunk))
                done += chunk.count
                advance(done, total)
        return self.errors(parts)

    def errors(self, parts: Sequence[Measured]) -> Errors:
        """The errors of the set from those of all `chunks`, in their order."""
        count = sum(not chunk.whole for chunk in self.chunks)
        windows, whole = _Joined(parts[:count]), _Joined(parts[count:])
        return Errors(
            one_step={norm: windows.summary(f"{norm} first") for norm in NORMS},
            all_steps={norm: windows.summary(f"{norm} all") for norm in NORMS},
            over_time={norm: whole.over_time(norm) for norm in NORMS},
            times=self.times,
            steps=self.steps,
            context=self.context,
            windows=self.total,
            trajectories=len(self.used),
            left_out=self.left_out,
            statuses=windows.statuses,
        )


def evaluate(
    forecaster: NetworkForecaster,
    path: Path,
    *,
    steps: int = 20,
    every: int = 1,
    trajectories: int | None = None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Errors:
    """The errors of a network on a data set of `hfluxno generate`.

    **Arguments:**

    - `steps`: the number of frames that a window's forecast has.
    - `every`: use windows that start at every so many frames; 1 for all.
    - `trajectories`: use this many of the first solved ones; `None` for all.
    - `advance`: is called with how many of all forecasts are done.

    **Raises:**

    - `OSError`, if the file cannot be read.
    - `ValueError`, if the data do not fit the network, or hold no such window.
    """
    return Windows.of(forecaster, path, steps, every, trajectories).evaluated(
        forecaster, path, advance
    )


class _Joined:
    """The errors of chunks, one after the other."""

    def __init__(self, parts: Sequence[Measured]):
        self._parts = parts
        self._failed = np.concatenate([part.failed for part in parts])

    @property
    def statuses(self) -> dict[str, int]:
        said = itertools.chain.from_iterable(part.sentences for part in self._parts)
        return dict(collections.Counter(said).most_common())

    def summary(self, name: str) -> Summary:
        return summarize(self._errors(name), self._failed)

    def over_time(self, name: str) -> tuple[Summary, ...]:
        columns = self._errors(name).T.astype(float)
        return tuple(summarize(column, self._failed) for column in columns)

    def _errors(self, name: str) -> np.ndarray:
        return np.concatenate([part.errors[name] for part in self._parts])


def _forecast(forecaster, data, chunk, count, context):
    """Forecast and truth of a chunk, (window, time, field, cell), which of its windows failed, and
    the sentence of each."""
    seen = Trajectory.from_numpy(
        chunk[:, :context],
        data["time"].values[:context],
        data["x"].values,
        list(map(str, data["field"].values)),
        y=data["y"].values if "y" in data.sizes else None,
    )
    result = forecaster.forecast(seen, chunk.shape[1] - context)
    forecast, truth = (
        frames[:count].reshape(count, *frames.shape[1:3], -1)
        for frames in (np.asarray(result.trajectory.values), chunk[:, context:])
    )
    failed = result.status[:count] == NetworkStatus.DIVERGED
    return forecast, truth, failed, result.sentences[:count]
