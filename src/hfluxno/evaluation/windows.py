"""The published evaluation: forecasts from all windows of a set, and to the end of trajectories.

A window is a context of K frames and the frames after it. Its errors are those of the first frame
and of all frames of the forecast together,

    ‖forecast - truth‖ / ‖truth‖

with the norm l2 or l∞ over frames, fields and cells (HFluxNO, eq. 19, and the authors' notebooks).
The long roll-out starts from the first K frames of each trajectory and goes to its last time; its
error is measured at each time.

Windows are cut and forecast in chunks of a fixed size, so memory does not grow with the set.
"""

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Int

from hfluxno.data import open_dataset
from hfluxno.evaluation.errors import NORMS, errors_of, summary
from hfluxno.evaluation.metrics import Summary
from hfluxno.models.forecaster import NetworkForecaster, NetworkStatus
from hfluxno.plural import plural
from hfluxno.trajectory import Trajectory

_CHUNK, _CHUNK_OF_PLANES = 256, 16


@dataclasses.dataclass(frozen=True)
class Errors:
    """The errors of many forecasts.

    - `one_step`, `all_steps`: by norm, of the first frame and of all `steps` frames of a window.
    - `over_time`: by norm, of the long roll-out at each of `times`.
    - `steps`, `context`: the numbers of frames of a window's forecast and context.
    - `windows`, `trajectories`: how many were used.
    - `left_out`: trajectories of the file that were not solved.
    - `statuses`: the number of windows by the forecaster's sentence.
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
    """Windows `first` ≤ i < `first` + `count` of a set, or, if `whole`, as many trajectories to
    their end; `filled` is the size to which the chunk is filled up."""

    whole: bool
    first: int
    count: int
    filled: int


@dataclasses.dataclass(frozen=True)
class Windows:
    """The windows of a set, numbered trajectory by trajectory, and their measurement.

    - `context`, `steps`, `frames`: the numbers of frames of a context, of a window's forecast, and
      of a trajectory.
    - `used`: the numbers of the trajectories that are used.
    - `starts`: the frames at which windows begin.
    - `times`: those of long roll-outs.
    - `left_out`: how many trajectories were not solved.
    - `most`: the size of a chunk.
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
        """The windows of a data set of `hfluxno generate` for a network.

        - `steps`: the number of frames that a window's forecast has.
        - `every`: use windows that start at every N-th frame; 1 for all.
        - `trajectories`: use this many of the first solved ones; `None` for all.

        Raises `OSError` if the file cannot be read; `ValueError` if the network needs more than a
        context, or the file has no such window.
        """
        for name, value in (("steps", steps), ("every", every), ("trajectories", trajectories)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}.")
        if forecaster.config.pairs is not None:
            raise ValueError(
                f"{forecaster.name} needs examples of the law of every window, which a file does "
                "not have; compare it with `hfluxno benchmark paper --add NAME=WEIGHTS`."
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
    ) -> xr.Dataset:
        """The errors of a chunk of these data (`hfluxno.evaluation.errors`): of the first and the
        last step, or of each one of whole trajectories, and the `sentence` on each forecast."""
        starts = self.starts[:1] if chunk.whole else self.starts
        frames = self.frames if chunk.whole else self.context + self.steps
        numbers = np.minimum(chunk.first + np.arange(chunk.filled), chunk.first + chunk.count - 1)
        trajectory, start = np.divmod(numbers, len(starts))
        read, place = np.unique(trajectory, return_inverse=True)
        values = data["values"][self.used[read]].values
        windows = zip(place, starts[start], strict=True)
        frames_of = np.stack([values[i, first : first + frames] for i, first in windows])
        seen = Trajectory.from_numpy(
            frames_of[:, : self.context],
            data["time"].values[: self.context],
            data["x"].values,
            list(map(str, data["field"].values)),
            y=data["y"].values if "y" in data.sizes else None,
        )
        forecast = forecaster.forecast(seen, frames_of.shape[1] - self.context)
        own = slice(chunk.count)
        errors = errors_of(
            np.asarray(forecast.trajectory.values)[own],
            frames_of[own, self.context :],
            forecast.status[own] == NetworkStatus.DIVERGED,
            sentence=np.asarray(forecast.sentences[own], dtype=str),
        )
        return errors if chunk.whole else errors.sel(step=sorted({1, self.steps}))

    def evaluated(
        self,
        forecaster: NetworkForecaster,
        path: Path,
        advance: Callable[[int, int], None] = lambda done, total: None,
    ) -> Errors:
        """The errors of the set, measured in this process.

        - `advance`: called with the number of forecasts done and of all.

        Raises `ValueError` if the data do not fit the network.
        """
        total = sum(chunk.count for chunk in self.chunks)
        parts, done = [], 0
        with open_dataset(path) as data:
            for chunk in self.chunks:
                parts.append(self.measured(forecaster, data, chunk))
                done += chunk.count
                advance(done, total)
        return self.errors(parts)

    def errors(self, parts: Sequence[xr.Dataset]) -> Errors:
        """The errors of the set from those of all `chunks`, in order."""
        count = sum(not chunk.whole for chunk in self.chunks)
        windows, whole = (xr.concat(p, "window") for p in (parts[:count], parts[count:]))
        statuses = collections.Counter(windows["sentence"].values.tolist())
        return Errors(
            one_step={norm: summary(windows, norm, 1) for norm in NORMS},
            all_steps={norm: summary(windows, f"{norm}_joint", self.steps) for norm in NORMS},
            over_time={
                norm: tuple(summary(whole, norm, step) for step in whole["step"].values.tolist())
                for norm in NORMS
            },
            times=self.times,
            steps=self.steps,
            context=self.context,
            windows=self.total,
            trajectories=len(self.used),
            left_out=self.left_out,
            statuses=dict(statuses.most_common()),
        )
