"""What to infer and forecast: a context, from a drawing or a file, and the frames after it."""

import dataclasses
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from hfluxno.data.plane import PlaneSource, is_plane, read_plane
from hfluxno.data.readers import check_member, read
from hfluxno.data.source import LEAST_FRAMES, Source
from hfluxno.data.uneven import domain_of
from hfluxno.explore.curves import DrawnFlux
from hfluxno.explore.drawing import MOST_FRAMES, MOST_STEPS, Drawing, solved
from hfluxno.explore.measuring import Measuring, measured
from hfluxno.trajectory import Trajectory

_USUAL = 20  # frames of a context
Number = TypeVar("Number", int, float)


@dataclasses.dataclass(frozen=True)
class FileChoice:
    """A file, with the chosen trajectory and first frame.

    - `ends`, `ends_of_y`: on a plane, if both have their defaults, the sides that the file names;
      y may have those of x.
    - `cells`, `domain`, `gamma`, `walls`: the texts after these options of the commands.
    """

    path: str = ""
    variable: str = ""
    ends: str = "periodic"
    trajectory: int = 0
    start: int = 0
    ends_of_y: str = ""
    cells: str = ""
    domain: str = ""
    gamma: str = ""
    walls: str = ""


@dataclasses.dataclass(frozen=True)
class Request:
    """All settings of the page.

    - `origin`: a drawing or a file.
    - `frames`: of the context; by default 20, or of a short file two thirds, so that frames are
      left to compare with.
    - `steps`: frames of the forecast.
    - `measuring`: how the context is measured.
    """

    origin: Drawing | FileChoice
    frames: int | None = None
    steps: int = 40
    measuring: Measuring = dataclasses.field(default_factory=Measuring)

    def frames_of(self, available: int) -> int:
        """The frames of the context."""
        if self.frames is not None:
            return self.frames
        return min(_USUAL, max(2 * available // 3, LEAST_FRAMES))


@dataclasses.dataclass(frozen=True)
class Problem:
    """A context and the frames after it.

    - `context`: as measured.
    - `after`: the known frames after it, at most `steps`; on a plane (time, field, x, y).
    - `steps`: how many frames are forecast.
    - `by_sensors`: whether measurements in a few cells must be connected.
    - `units`: by name, as far as they are known.
    - `hidden`: the flux that was drawn, or `None`.
    - `notes`: the notes of the reader on a file.
    - `available`: how many frames and trajectories there are to choose from.
    """

    context: Trajectory
    after: Float[np.ndarray, "time field *space"]
    steps: int
    by_sensors: bool = False
    units: dict[str, str] = dataclasses.field(default_factory=dict)
    hidden: DrawnFlux | None = None
    notes: tuple[str, ...] = ()
    available: tuple[int, int] = (0, 1)

    @property
    def on_a_plane(self) -> bool:
        return len(self.context.grid.shape) == 2


def prepare(request: Request, source: Source | PlaneSource | None = None) -> Problem:
    """The problem of a request; `source` is its file, if it has one. Raises `ValueError` if the
    request asks for something that does not exist."""
    if request.steps < 1:
        raise ValueError(f"Forecast at least 1 frame; got {request.steps}.")
    hidden: DrawnFlux | None = None
    units: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    if isinstance(source, PlaneSource):
        return _on_a_plane(request, source)
    if isinstance(request.origin, Drawing):
        frames = _USUAL if request.frames is None else request.frames
        for count, most, what in (
            (frames, MOST_FRAMES, "context"),
            (request.steps, MOST_STEPS, "forecast"),
        ):
            if count > most:
                raise ValueError(
                    f"The {what} of a drawn road has up to {most} frames; got {count}."
                )
        whole, hidden = solved(request.origin, frames + request.steps)
        first, available = 0, (frames + request.steps, 1)
    else:
        assert source is not None
        member, units, notes = request.origin.trajectory, source.units, source.hints
        check_member(member, source.trajectories, source.path)
        whole = source.trajectory.single(member)
        first, available = request.origin.start, (len(source.times), source.trajectories)
        frames = request.frames_of(whole.frames)
    last = first + frames
    _check_frames(first, last, whole.frames)
    context = measured(whole.window(first, last), request.measuring)
    after = np.asarray(whole.values, np.float64)[last : last + request.steps]
    few = 0 < request.measuring.sensors < context.grid.shape[0]
    return Problem(context, after, request.steps, few, units, hidden, notes, available)


def _check_frames(first: int, last: int, frames: int) -> None:
    if not 0 <= first < last <= frames:
        raise ValueError(
            f"The frames {first + 1} to {last} are more than the {frames} available; "
            "choose fewer, or an earlier first frame."
        )


def _on_a_plane(request: Request, source: PlaneSource) -> Problem:
    """Reads only the frames that are shown."""
    origin = request.origin
    assert isinstance(origin, FileChoice)
    check_member(origin.trajectory, source.count, source.path)
    frames = request.frames_of(source.frames)
    first, last = origin.start, origin.start + frames
    _check_frames(first, last, source.frames)
    context = source.context(origin.trajectory, frames, first)
    if request.measuring != Measuring():  # else in the precision of the file
        context = measured(context, request.measuring)
    end = min(last + request.steps, source.frames)
    after = np.asarray(source.values(origin.trajectory, last, end), np.float64)
    after[..., ~np.asarray(context.grid.free)] = np.nan  # as in a context
    available = (source.frames, source.count)
    return Problem(context, after, request.steps, units=source.units, available=available)


def opened(choice: FileChoice) -> Source | PlaneSource:
    """The file of a choice. Raises what `hfluxno.data.readers.read` does."""
    if not choice.path.strip():
        raise ValueError("No file is named; type its path, or draw.")
    path, variable = Path(choice.path.strip()).expanduser(), choice.variable or None
    cells, domain, walls = choice.cells.strip(), choice.domain.strip(), choice.walls.strip()
    gamma = _number(float, choice.gamma, "--gamma needs a number")
    if is_plane(path, {}):
        if cells or domain:
            raise ValueError(
                f"{path} contains two-dimensional frames, whose x and y must be uniform; leave "
                "--cells and --domain empty."
            )
        sides = f"{choice.ends}/{choice.ends_of_y or choice.ends}"
        given = choice.ends != "periodic" or choice.ends_of_y
        return read_plane(
            path, variable, sides if given else None, gamma=gamma, walls=walls or None
        )
    if walls or choice.ends_of_y:
        raise ValueError(
            f"{path} has no two-dimensional frames; leave --walls empty, and the ends of y as "
            "those of x."
        )
    ends = domain_of(domain) if domain else None
    number = _number(int, cells, "--cells needs a whole number")
    boundary = None if choice.ends == "periodic" else choice.ends
    return read(path, variable, boundary, cells=number, domain=ends, gamma=gamma)


def _number(kind: type[Number], text: str, need: str) -> Number | None:
    """What is in a field; `None` if it is empty. Raises `ValueError` if it is no number."""
    if not text.strip():
        return None
    try:
        return kind(text)
    except ValueError as error:
        raise ValueError(f"{need}; got {text.strip()!r}.") from error
