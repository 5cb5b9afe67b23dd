"""What the pictures of the page show of a problem on a line or on a plane, and of its forecast."""

import numpy as np

from hfluxno.explore.inference import Outcome, hidden_flux, inferred_flux
from hfluxno.explore.pictures import Law, Map, Profile
from hfluxno.explore.problem import Problem
from hfluxno.plots.labels import with_units


class Panels:
    """The pictures of a page; `law` is of a line, `across` of a plane."""

    def __init__(self) -> None:
        self.context, self.truth = Map("Context, as seen"), Map("What happened")
        self.forecast, self.law = Map("Forecast"), Law()
        self.profile, self.across = Profile(), Profile()

    def clear(self) -> None:
        for picture in (self.context, self.truth, self.forecast):
            picture.clear()
        self.law.show(None, None)


class _Scene:
    """The first field of the frames that are known, and their times.

    - `times`: of the context and the forecast.
    """

    def __init__(self, panels: Panels, problem: Problem, outcome: Outcome | None):
        self.panels, self.problem, self.outcome = panels, problem, outcome
        seen = np.asarray(problem.context.times, float)
        interval = (seen[-1] - seen[0]) / max(len(seen) - 1, 1)
        self.ahead = seen[-1] + interval * np.arange(1, problem.steps + 1)
        self.times = np.concatenate([seen, self.ahead])
        self.context = np.asarray(problem.context.values)[:, 0]
        self.after = np.full((problem.steps, *self.context.shape[1:]), np.nan)
        self.after[: len(problem.after)] = problem.after[:, 0]
        known = [each for each in (self.context, problem.after[:, 0]) if each.size]
        self.colours = (
            float(min(np.nanmin(each) for each in known)),
            float(max(np.nanmax(each) for each in known)),
        )
        self.field = self.label(problem.context.fields[0])
        # The frame that is shown after a run.
        self.last = len(self.times) - 1
        self.forecast: np.ndarray | None = None
        if outcome is not None:
            self.forecast = np.asarray(outcome.forecast.trajectory.values)[:, 0]

    def label(self, name: str) -> str:
        return with_units(name, self.problem.units.get(name, ""))

    def place(self, frame: int) -> tuple[int, str]:
        """How many frames after the context a frame is, and where it is, in words."""
        ahead = frame - self.problem.context.frames
        where = "context" if ahead < 0 else f"forecast {ahead + 1}"
        return ahead, f"at time {self.times[frame]:.4g} ({where})"


class LineScene(_Scene):
    """Maps over x and time, the flux, and the profile of a frame."""

    def __init__(self, panels: Panels, problem: Problem, outcome: Outcome | None):
        super().__init__(panels, problem, outcome)
        grid, seen = problem.context.grid, np.asarray(problem.context.times, float)
        ends, labels = (grid.lower[0], grid.upper[0]), (self.label("x"), self.label("time"))
        panels.context.show(self.context, seen, ends, self.colours, labels)
        panels.truth.show(self.after, self.ahead, ends, self.colours, labels)
        curve = None if outcome is None else inferred_flux(outcome)
        panels.law.show(curve, hidden_flux(problem), (self.field, "f, up to a constant"))
        if self.forecast is None:
            panels.forecast.clear()
        else:
            panels.forecast.show(self.forecast, self.ahead, ends, self.colours, labels)
        panels.profile.frame(ends, self.colours, (labels[0], self.field))
        self._frames = np.concatenate([self.context, self.after])

    def move(self, frame: int) -> None:
        ahead, where = self.place(frame)
        forecast, reach = None, None
        if self.forecast is not None and self.outcome is not None and ahead >= 0:
            forecast = self.forecast[ahead]
            if self.outcome.forecast.half_width is not None:
                reach = np.asarray(self.outcome.forecast.half_width)[ahead, 0]
        x, known = self.problem.context.grid.centers(), self._frames[frame]
        self.panels.profile.show(f"Profile {where}", x, known, forecast, reach)


class PlaneScene(_Scene):
    """Maps of one frame over x and y, and slices through the middle along both axes."""

    def __init__(self, panels: Panels, problem: Problem, outcome: Outcome | None):
        super().__init__(panels, problem, outcome)
        grid = problem.context.grid
        self._labels = self.label("x"), self.label("y")
        # Maps of a line show all frames, and those of a plane this one.
        self.last = len(self.context) + max(1, len(problem.after)) - 1
        for axis, picture in enumerate((panels.profile, panels.across)):
            ends = grid.lower[axis], grid.upper[axis]
            picture.frame(ends, self.colours, (self._labels[axis], self.field))

    def move(self, frame: int) -> None:
        ahead, where = self.place(frame)
        grid, panels = self.problem.context.grid, self.panels
        seen = self.context[min(frame, len(self.context) - 1)]
        known = seen if ahead < 0 else self.after[ahead]
        forecast = None if self.forecast is None or ahead < 0 else self.forecast[ahead]
        shown = {
            panels.context: (f"Context, {self.field}", seen),
            panels.truth: (f"What happened {where}", known),
            panels.forecast: (f"Forecast {where}", forecast),
        }
        for picture, (title, values) in shown.items():
            if values is None or np.isnan(values).all():
                picture.clear(f"{title}: not known")
            else:
                picture.show_frame(title, values, grid, self.colours, self._labels)
        middle = [cells // 2 for cells in grid.shape]
        for axis, profile in enumerate((panels.profile, panels.across)):
            true, found = (
                None if values is None else np.take(values, middle[1 - axis], axis=1 - axis)
                for values in (known, forecast)
            )
            title = f"Slice along {'xy'[axis]} {where}"
            profile.show(title, grid.centers(axis), true, found, None)
