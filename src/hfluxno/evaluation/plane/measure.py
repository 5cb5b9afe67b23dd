"""One method on all windows of a sample: errors by step, as plain data ready for JSON."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hfluxno.evaluation.errors import errors_of
from hfluxno.evaluation.metrics import cells_in_a_row, vrmse
from hfluxno.evaluation.paper.contenders import CONTENDERS, fingerprint
from hfluxno.evaluation.paper.results import Plain, Results
from hfluxno.evaluation.paper.rows import network_record
from hfluxno.evaluation.plane.sample import CONTEXT, LAW, STEPS, PlaneSample, context_of
from hfluxno.forecaster import Forecaster
from hfluxno.methods import NETWORKS, forecaster
from hfluxno.models.forecaster import NetworkForecaster
from hfluxno.models.weights import available
from hfluxno.training.release import any_weights

SET = "euler2d"
JOINT = 10  # the frames over which the published error is taken together
VRMSE = slice(5, 12)  # The Well's steps 6 to 12
_TITLES = NETWORKS | {name: contender.title for name, contender in CONTENDERS.items()}


@dataclasses.dataclass(frozen=True)
class PlaneMethod:
    """A method, ready to forecast.

    - `name`, `title`: for choosing it, and for tables.
    - `forecaster`: the method itself.
    - `source`: the origin of its weights, "" if it has none.
    """

    name: str
    title: str
    forecaster: Forecaster
    source: str = ""

    @property
    def fingerprint(self) -> int:
        made = self.forecaster
        return fingerprint(made.network) if isinstance(made, NetworkForecaster) else 0


def plane_methods(
    names: Sequence[str], added: Mapping[str, Sequence[str]]
) -> dict[str, PlaneMethod]:
    """The methods of these names (all if there are none): persistence, the fitted law, available
    networks for the set, and those added by the user.

    Raises `ValueError` if a name or weights are unknown; `OSError` if weights cannot be read.
    """
    ending = f"-{LAW}"
    weights = {one.removesuffix(ending): one for one in available() if one.endswith(ending)}
    for name, sources in added.items():
        if len(sources) != 1:
            raise ValueError(f"Give one source of weights for {name}; got {len(sources)}.")
        weights[name] = sources[0]
    known = ("persistence", "fit", *weights)
    for name in names:
        if name not in known:
            raise ValueError(f"Unknown method {name!r}; choose from {', '.join(known)}.")
    found = {}
    for name in dict.fromkeys((*names, *added)) if names else known:
        made = any_weights(weights[name]) if name in weights else forecaster(name)
        title = _TITLES.get(name, name)
        found[name] = PlaneMethod(name, title, made, weights.get(name, ""))
    return found


def run(
    results: Results,
    sample: PlaneSample,
    methods: Mapping[str, PlaneMethod],
    *,
    started: Callable[[str, str], Callable[[int], None]] = lambda problem, method: lambda n: None,
    report: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Measures what the results lack; every record is on disk before the next method begins.

    - `started`: called with the set and the method that begin; returns a callback for the number of
      windows done.
    - `report`: called with one sentence for each method that cannot forecast the windows.

    Raises `OSError` or `ValueError` if the windows cannot be read or made.
    """
    windows = None
    for method in methods.values():
        own = (method.source, method.fingerprint)
        if own in results.keep(SET, method.name, {own}):
            continue
        if windows is None:
            started(SET, "windows")
            windows = sample.windows()
        try:
            record = measured(method, windows, started(SET, method.name))
        except ValueError as error:
            report(f"{method.title} was left out: {error}")
            continue
        results.add(SET, method.name, record)


def measured(
    method: PlaneMethod, windows: np.ndarray, advance: Callable[[int], None] = lambda n: None
) -> Plain:
    """The record of a method. Raises `ValueError` if it cannot forecast these windows."""
    frames, seconds, drift, status = [], [], [], []
    for window in windows:
        began = time.perf_counter()
        forecast = method.forecaster.forecast(context_of(window), STEPS)
        seconds.append(time.perf_counter() - began)
        frames.append(np.asarray(forecast.trajectory.values))
        drift.append(float(forecast.conservation_drift))
        status.append(int(forecast.status))
        advance(1)
    ahead, truth = np.stack(frames), windows[:, CONTEXT:]
    errors = errors_of(ahead, truth, np.asarray(status) != 0)
    of_fields = vrmse(cells_in_a_row(ahead, 2), cells_in_a_row(truth, 2))
    made = method.forecaster
    return {
        "source": method.source,
        "fingerprint": method.fingerprint,
        "title": method.title,
        "network": network_record(made) if isinstance(made, NetworkForecaster) else None,
        "errors": errors["l2"].values.tolist(),
        "together": errors["l2_joint"].sel(step=JOINT).values.tolist(),
        "vrmse": of_fields[:, VRMSE].mean(axis=(1, 2)).tolist(),
        "drift": max(drift),
        "status": status,
        "seconds": float(np.median(seconds)),
        "example": np.round(frames[0][JOINT - 1, 0], 4).tolist(),
        "truth": np.round(windows[0, CONTEXT + JOINT - 1, 0], 4).tolist(),
    }
