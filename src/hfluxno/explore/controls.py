"""The left side of the page: the drawing or the file, and how it is measured.

Every point can be dragged or set by number fields, so that no pointer is needed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import panel as pn

from hfluxno.explore.curves import DrawnFlux, Points, state_curve
from hfluxno.explore.drawing import ENDS, FLUXES, MOST_FRAMES, MOST_STEPS, SIDES, STATES, Drawing
from hfluxno.explore.inference import networks
from hfluxno.explore.measuring import Measuring
from hfluxno.explore.pictures import HEIGHT, Drawn
from hfluxno.explore.problem import FileChoice, Problem, Request

_WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (1, 4)}
_BOX: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
_NO_NETWORK, _AS_X = "no network", "as of x"
_NO_FILE = FileChoice()


class PointEditor:
    """A picture with points, and the fields that hold the number of a point and its place."""

    def __init__(
        self,
        name: str,
        axes: tuple[str, str],
        y_range: tuple[float, float],
        points: Points,
        curve: Callable[[Points, np.ndarray], np.ndarray],
        changed: Callable[[], None],
    ):
        self._curve, self._changed, self._quiet = curve, changed, False
        self.points: Points = points
        self.picture = Drawn(name, *axes, y_range)
        step = {"step": 0.02, "format": "0.[000]"}
        self.number = pn.widgets.IntInput(name="Point", value=1, start=1, end=len(points), **_WIDE)
        self.x = pn.widgets.FloatInput(name=axes[0], start=0.0, end=1.0, **step, **_WIDE)
        self.y = pn.widgets.FloatInput(
            name=axes[1], start=y_range[0], end=y_range[1], **step, **_WIDE
        )
        self.number.param.watch(lambda _: self._fill(), "value")
        for field in (self.x, self.y):
            field.param.watch(lambda _: self._typed(), "value")
        self.picture.points.on_change("data", lambda attr, old, new: self._dragged())
        self.view = pn.Column(
            pn.pane.Bokeh(self.picture.plot, height=HEIGHT, **_WIDE),
            pn.Row(self.number, self.x, self.y, **_BOX),
            **_BOX,
        )
        self.set(points)

    def set(self, points: Points) -> None:
        """Moves the points there."""
        self.points = tuple((float(x), float(y)) for x, y in points)
        self.number.end = len(self.points)
        self.stale = True
        self._fill()

    def draw(self) -> None:
        """Draws the points where they are now; under the lock of the document."""
        self.stale, self._quiet = False, True
        self.picture.show(self.points, lambda x: self._curve(self.points, x))
        self._quiet = False

    def _fill(self) -> None:
        self._quiet = True
        index = min(max(self.number.value or 1, 1), len(self.points)) - 1
        self.x.value, self.y.value = (round(number, 4) for number in self.points[index])
        self._quiet = False

    def _typed(self) -> None:
        if self._quiet or self.x.value is None or self.y.value is None:
            return
        index = min(max(self.number.value or 1, 1), len(self.points)) - 1
        points = list(self.points)
        points[index] = (self.x.value, self.y.value)
        self.set(points)
        self._changed()

    def _dragged(self) -> None:
        if self._quiet:
            return
        data = self.picture.points.data
        places = [(float(x), float(y)) for x, y in zip(data["x"], data["y"], strict=True)]
        if len(places) != len(self.points):  # undo the key that deletes points
            self.set(self.points)
            return
        low, high = self.picture.plot.y_range.start, self.picture.plot.y_range.end
        moved = [i for i, place in enumerate(places) if place != self.points[i]]
        inside = tuple((min(max(x, 0.0), 1.0), min(max(y, low), high)) for x, y in places)
        if moved:
            self._quiet = True
            self.number.value = moved[0] + 1
            self._quiet = False
        self.set(inside)
        self._changed()


class Controls:
    """All controls; `changed` is called when one of them is used."""

    def __init__(self, changed: Callable[[], None], choice: FileChoice = _NO_FILE):
        select, text = pn.widgets.Select, pn.widgets.TextInput
        whole, real = pn.widgets.IntInput, pn.widgets.FloatInput
        self._changed, self._quiet = changed, False
        self._frames_chosen = False  # otherwise they are fitted to the file
        self.origin = select(
            name="Data",
            options=["drawn", "from a file"],
            value="from a file" if choice.path else "drawn",
            **_WIDE,
        )
        self.ends = select(name="Ends of x", options=list(ENDS), **_WIDE)
        self.state = PointEditor(
            "First state: drag the points",
            ("x", "u"),
            (0.0, 1.0),
            STATES["a hill"],
            lambda points, x: state_curve(points, x, self.ends.value == "periodic"),
            self._used,
        )
        self.flux = PointEditor(
            "Hidden flux: drag the points",
            ("u", "f"),
            (-0.25, 1.25),
            FLUXES["traffic"],
            lambda points, u: DrawnFlux.through(points).at(u),
            self._used,
        )
        self.states = select(name="First state", options=list(STATES), **_WIDE)
        self.fluxes = select(name="Hidden flux", options=list(FLUXES), **_WIDE)
        self.path = text(name="File", value=choice.path, placeholder="traffic.nc", **_WIDE)
        self.variable = text(
            name="Variable", value=choice.variable, placeholder="the only one", **_WIDE
        )
        # What a file may need beside, as the options of the commands.
        self.cells = text(name="Cells", placeholder="of x", **_WIDE)
        self.domain = text(name="Domain", placeholder="LOWER,UPPER", **_WIDE)
        self.gamma = text(name="Gamma", value=choice.gamma, placeholder="1.4", **_WIDE)
        self.walls = text(name="Walls", placeholder="nan", **_WIDE)
        self.ends_of_y = select(name="Ends of y", options=[_AS_X, *SIDES], **_WIDE)
        self.trajectory = whole(name="Trajectory", value=0, start=0, end=0, **_WIDE)
        self.start = pn.widgets.IntSlider(
            name="First frame of the context", value=0, start=0, end=1, **_WIDE
        )
        self.frames, self.steps = (
            whole(value=20, start=4, **_WIDE),
            whole(value=40, start=1, **_WIDE),
        )
        self.noise = real(name="Noise %", value=0.0, start=0.0, end=100.0, step=1.0, **_WIDE)
        self.missing = real(name="Missing %", value=0.0, start=0.0, end=99.0, step=5.0, **_WIDE)
        self.sensors = whole(name="Sensors (0: all)", value=0, start=0, **_WIDE)
        self.compare = select(
            name="Compare with persistence and", options=[_NO_NETWORK, *networks()], **_WIDE
        )
        self.run = pn.widgets.Button(name="Run", button_type="primary", **_WIDE)
        self.stop = pn.widgets.Button(name="Stop", disabled=True, **_WIDE)
        self.states.param.watch(lambda event: self._choose(self.state, STATES[event.new]), "value")
        self.fluxes.param.watch(lambda event: self._choose(self.flux, FLUXES[event.new]), "value")
        for each in (
            self.origin,
            self.ends,
            self.path,
            self.variable,
            self.trajectory,
            self.cells,
            self.domain,
            self.gamma,
            self.walls,
            self.ends_of_y,
            self.start,
            self.frames,
            self.steps,
            self.noise,
            self.missing,
            self.sensors,
        ):
            name = "value_throttled" if each is self.start else "value"
            if each is self.frames:
                each.param.watch(lambda _: self._choose_frames(), name)
            each.param.watch(lambda _: self._used(), name)
        self._drawn = pn.Column(
            pn.Row(self.states, self.fluxes, **_BOX), self.state.view, self.flux.view, **_BOX
        )
        self._file = pn.Column(
            self.path,
            pn.Row(self.variable, self.trajectory, **_BOX),
            pn.Row(self.cells, self.domain, **_BOX),
            pn.Row(self.gamma, self.walls, self.ends_of_y, **_BOX),
            self.start,
            **_BOX,
        )
        self.view = pn.Column(
            pn.Row(self.origin, self.ends, **_BOX),
            self._drawn,
            self._file,
            pn.Row(self.frames, self.steps, **_BOX),
            pn.Row(self.noise, self.missing, self.sensors, **_BOX),
            self.compare,
            pn.Row(self.run, self.stop, **_BOX),
            width=330,
            margin=(4, 4),
        )
        self._show_origin()

    @property
    def network(self) -> str:
        """The network to compare with; empty if there is none."""
        return "" if self.compare.value == _NO_NETWORK else self.compare.value

    def request(self) -> Request:
        """The settings of the controls."""
        origin: Drawing | FileChoice
        if self.origin.value == "drawn":
            origin = Drawing(tuple(self.state.points), tuple(self.flux.points), self.ends.value)
        else:
            origin = FileChoice(
                self.path.value,
                self.variable.value,
                self.ends.value,
                self.trajectory.value or 0,
                self.start.value or 0,
                "" if self.ends_of_y.value == _AS_X else self.ends_of_y.value,
                self.cells.value,
                self.domain.value,
                self.gamma.value,
                self.walls.value,
            )
        measuring = Measuring(
            (self.noise.value or 0.0) / 100.0,
            (self.missing.value or 0.0) / 100.0,
            self.sensors.value or 0,
        )
        frames = self.frames.value or 0 if self._frames_chosen else None
        return Request(origin, frames, self.steps.value or 0, measuring)

    def draw(self) -> None:
        """Draws what has changed; under the lock of the document."""
        for editor in (self.state, self.flux):
            if editor.stale:
                editor.draw()

    def fit_to(self, problem: Problem) -> None:
        """Sets the limits of the fields to those of the file, and the frames to those used."""
        frames, trajectories = problem.available
        self._quiet = True
        self.trajectory.end = trajectories - 1
        self.start.end = max(frames - problem.context.frames, 1)
        if not self._frames_chosen:
            self.frames.value = problem.context.frames
        self._quiet = False

    def _choose(self, editor: PointEditor, points: Points) -> None:
        editor.set(points)
        self._used()

    def _choose_frames(self) -> None:
        self._frames_chosen |= not self._quiet

    def _used(self) -> None:
        if self._quiet:
            return
        self._show_origin()
        self.state.stale = True  # a closed and an open road continue differently
        self._changed()

    def _show_origin(self) -> None:
        drawn = self.origin.value == "drawn"
        for field, name, most in (
            (self.frames, "Context frames", MOST_FRAMES),
            (self.steps, "Forecast frames", MOST_STEPS),
        ):
            field.name = f"{name} ≤ {most}" if drawn else name
        self._drawn.visible, self._file.visible = drawn, not drawn
