"""The published evaluation: forecasts from all windows of a set, and to the end of trajectories.

A window is a context of K frames and the frames after it. Its errors are those of the first frame
and of all frames of the forecast together,

    ‖forecast - truth‖ / ‖truth‖

with the norm l2 or l∞ over frames, fields and cells (HFluxNO, eq. 19, and the authors' notebooks).
The long roll-out starts from the first K frames of each trajectory and goes to its last time; its
error is taken at each time.

Windows are cut and forecast in lots of a fixed size, so memory does not grow with the set.
"""

import collections
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from hfluxno.data import open_dataset
from hfluxno.evaluation.metrics import NORMS, Summary, joined, summarize
from hfluxno.models.forecaster import NetworkForecaster, NetworkStatus
from hfluxno.trajectory import Trajectory

_LOT = 256


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
    - `every`: use windows that start every this many frames; 1 for all.
    - `trajectories`: use this many of the first solved ones; `None` for all.
    - `advance`: is called with how many of all forecasts are done.

    **Raises:**

    - `OSError`, if the file cannot be read.
    - `ValueError`, if the data do not fit the network, or hold no such window.
    """
    for name, value in (("steps", steps), ("every", every), ("trajectories", trajectories)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1; got {value}.")
    if forecaster.config.pairs is not None:
        raise ValueError(
            f"{forecaster.name} needs examples of the law of every window, which a file has not "
            "beside them; compare it by `hfluxno benchmark paper --add NAME=WEIGHTS`."
        )
    with open_dataset(path) as data:
        solved = np.flatnonzero(data["status"].values == 0)
        used = solved[:trajectories]
        context, frames = forecaster.config.context, data.sizes["time"]
        starts = np.arange(0, frames - context - steps + 1, every)
        if len(used) == 0 or len(starts) == 0:
            raise ValueError(
                f"{path} has no window of {context + steps} frames: it has {len(solved)} solved "
                f"trajectories of {frames} frames; use fewer steps or another set."
            )
        measured = _Measured()
        total = len(used) * (len(starts) + 1)
        for lot, window in _lots(data, used, starts, context + steps):
            measured.window(*_forecast(forecaster, data, lot, window, context))
            advance(measured.done, total)
        for lot, window in _lots(data, used, starts[:1], frames):
            measured.long(*_forecast(forecaster, data, lot, window, context))
            advance(measured.done, total)
        times = data["time"].values[context:]
    return Errors(
        one_step=measured.summaries("one step"),
        all_steps=measured.summaries("all steps"),
        over_time=measured.over_time(),
        times=tuple(map(float, times)),
        steps=steps,
        context=context,
        windows=len(used) * len(starts),
        trajectories=len(used),
        left_out=data.sizes["trajectory"] - len(solved),
        statuses=dict(measured.statuses.most_common()),
    )


class _Measured:
    """The errors so far: some numbers for each window, no states."""

    def __init__(self):
        self.statuses: collections.Counter[str] = collections.Counter()
        self.done = 0
        self._windows: dict[tuple[str, str], list[np.ndarray]] = collections.defaultdict(list)
        self._long: dict[str, list[np.ndarray]] = collections.defaultdict(list)
        self._failed: list[np.ndarray] = []
        self._long_failed: list[np.ndarray] = []

    def window(self, forecast, truth, failed: Bool[np.ndarray, " window"], sentences) -> None:
        for norm, error in NORMS.items():
            first = error(forecast[:, :1], truth[:, :1])[:, 0]
            # All frames of a forecast as one.
            whole = error(joined(forecast), joined(truth))[:, 0]
            self._windows[norm, "one step"].append(first)
            self._windows[norm, "all steps"].append(whole)
        self._failed.append(failed)
        self.statuses.update(sentences)
        self.done += len(failed)

    def long(self, forecast, truth, failed: Bool[np.ndarray, " window"], sentences) -> None:
        for norm, error in NORMS.items():
            self._long[norm].append(error(forecast, truth).astype(np.float32))
        self._long_failed.append(failed)
        self.done += len(failed)

    def summaries(self, what: str) -> dict[str, Summary]:
        failed = np.concatenate(self._failed)
        return {
            norm: summarize(np.concatenate(self._windows[norm, what]), failed) for norm in NORMS
        }

    def over_time(self) -> dict[str, tuple[Summary, ...]]:
        failed = np.concatenate(self._long_failed)
        return {
            norm: tuple(
                summarize(column, failed) for column in np.concatenate(parts).T.astype(float)
            )
            for norm, parts in self._long.items()
        }


def _lots(
    data: xr.Dataset, used: np.ndarray, starts: np.ndarray, frames: int
) -> Iterator[tuple[Float[np.ndarray, "window time field x"], int]]:
    """Windows of `frames` frames in lots of a fixed size, and how many of a lot count: the last
    lot is filled up, so that one program is compiled."""
    together = max(1, _LOT // len(starts))
    held: list[np.ndarray] = []
    for first in range(0, len(used), together):
        part = data["values"][used[first : first + together]].values
        held += [values[s : s + frames] for values in part for s in starts]
        while len(held) >= _LOT:
            yield np.stack(held[:_LOT]), _LOT
            held = held[_LOT:]
    if held:
        count = len(held)
        whole = min(_LOT, len(used) * len(starts))
        yield np.stack(held + held[-1:] * (whole - count)), count


def _forecast(forecaster, data, lot, count, context):
    """Forecast and truth of a lot, which of its windows failed, and the sentence of each."""
    seen = Trajectory.from_numpy(
        lot[:, :context],
        data["time"].values[:context],
        data["x"].values,
        list(map(str, data["field"].values)),
    )
    result = forecaster.forecast(seen, lot.shape[1] - context)
    forecast = np.asarray(result.trajectory.values)[:count]
    failed = result.status[:count] == NetworkStatus.DIVERGED
    return forecast, lot[:count, context:], failed, result.sentences[:count]
