"""What is to be inferred and forecast: a context, from a drawing or a file, and what came after."""

import dataclasses
from pathlib import Path

import numpy as np
from jaxtyping import Float

from hfluxno.data.readers import read
from hfluxno.data.source import Source
from hfluxno.explore.curves import DrawnFlux
from hfluxno.explore.drawing import Drawing, solved
from hfluxno.explore.measuring import Measuring, measured
from hfluxno.trajectory import Trajectory


@dataclasses.dataclass(frozen=True)
class FileChoice:
    """A file, and the trajectory and first frame of it that are meant."""

    path: str
    variable: str = ""
    ends: str = "periodic"
    trajectory: int = 0
    start: int = 0


@dataclasses.dataclass(frozen=True)
class Request:
    """All that the controls of the page say.

    **Attributes:**

    - `origin`: a drawing or a file.
    - `frames`, `steps`: of the context and of the forecast.
    - `measuring`: what is seen of the context.
    """

    origin: Drawing | FileChoice
    frames: int = 20
    steps: int = 40
    measuring: Measuring = dataclasses.field(default_factory=Measuring)


@dataclasses.dataclass(frozen=True)
class Problem:
    """A context and what came after.

    **Attributes:**

    - `context`: as it is measured.
    - `after`: the frames after it that are known, at most `steps`.
    - `steps`: how many frames are forecast.
    - `by_sensors`: whether measurements in a few cells have to be connected.
    - `units`: by name, as far as they are known.
    - `hidden`: the flux that was drawn, or `None`.
    - `notes`: what the reader has to say of a file.
    - `available`: how many frames and trajectories there are to choose from.
    """

    context: Trajectory
    after: Float[np.ndarray, "time field cell"]
    steps: int
    by_sensors: bool = False
    units: dict[str, str] = dataclasses.field(default_factory=dict)
    hidden: DrawnFlux | None = None
    notes: tuple[str, ...] = ()
    available: tuple[int, int] = (0, 1)


def prepare(request: Request, source: Source | None = None) -> Problem:
    """The problem of a request; `source` is its file, if it has one.

    **Raises:**

    - `ValueError`, if the request asks for what there is not.
    """
    if request.steps < 1:
        raise ValueError(f"Forecast at least 1 frame; got {request.steps}.")
    hidden: DrawnFlux | None = None
    units: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    if isinstance(request.origin, Drawing):
        whole, hidden = solved(request.origin, request.frames + request.steps)
        first, available = 0, (request.frames + request.steps, 1)
    else:
        assert source is not None
        whole, units, notes = _member(source, request.origin.trajectory), source.units, source.hints
        first, available = request.origin.start, (len(source.times), source.trajectories)
    last = first + request.frames
    if not 0 <= first < last <= whole.frames:
        raise ValueError(
            f"The frames {first + 1} to {last} are more than the {whole.frames} that there are; "
            "choose fewer, or an earlier first frame."
        )
    context = measured(whole.window(first, last), request.measuring)
    after = np.asarray(whole.values, np.float64)[last : last + request.steps]
    few = 0 < request.measuring.sensors < context.grid.shape[0]
    return Problem(context, after, request.steps, few, units, hidden, notes, available)


def opened(choice: FileChoice) -> Source:
    """The file of a choice.

    **Raises:**

    - `ValueError`, `OSError`, as `hfluxno.data.readers.read` says.
    """
    if not choice.path.strip():
        raise ValueError("No file is named; type its path, or draw.")
    return read(Path(choice.path.strip()).expanduser(), choice.variable or None, choice.ends)


def _member(source: Source, trajectory: int) -> Trajectory:
    """One trajectory of a file."""
    if not 0 <= trajectory < source.trajectories:
        raise ValueError(
            f"There is no trajectory {trajectory} in {source.path}; its {source.trajectories} are "
            "counted from 0."
        )
    whole = source.trajectory
    if not whole.is_batched:
        return whole
    return dataclasses.replace(whole, values=np.asarray(whole.values)[trajectory])
