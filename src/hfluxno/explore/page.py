"""The page: controls on the left, pictures and words on the right, filled from the state."""

import html
import io
from collections.abc import Callable
from typing import Any

import panel as pn
from bokeh.models import CustomJS

from hfluxno.explore import downloads, words
from hfluxno.explore.controls import Controls
from hfluxno.explore.explorer import Explorer, sentence
from hfluxno.explore.inference import Outcome
from hfluxno.explore.problem import FileChoice, Problem
from hfluxno.explore.scenes import LineScene, Panels, PlaneScene

_FILL: dict[str, Any] = {"sizing_mode": "stretch_both", "margin": 4}
_CELL: dict[str, Any] = {"sizing_mode": "stretch_both", "margin": (2, 4)}
_STYLE = """
:host { font-family: system-ui, sans-serif; font-size: 12px; color: #1d2733; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; position: sticky; top: 0; background: white; }
th, td { padding: 2px 6px; border-bottom: 1px solid #e6e9ec; vertical-align: top; }
th + th, td + td { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.why { text-align: left; white-space: normal; }
tr.best td { font-weight: 600; color: #a5321c; }
p { margin: 0; } p.none, p.law { color: #5c6670; } p.law { padding-left: 13px; }
p.news { padding: 5px 10px; border-left: 3px solid #8a949e; background: #f4f6f8; font-size: 14px; }
p.good { border-color: #2c8a57; background: #eaf6ef; }
p.doubt { border-color: #c98a1b; background: #fdf5e3; }
p.fault { border-color: #c4462d; background: #fbe9e5; }
"""
_EVERY = 100  # milliseconds
# Sliders and figures have a title, but no name for screen readers; the arrow keys do what the two
# buttons of a number field do.
_NAMES = """
const call = (node, title) => { if (title) node.setAttribute("aria-label", title); };
const name = (root) => {
  for (const node of root.querySelectorAll("*")) {
    if (node.shadowRoot) name(node.shadowRoot);
    if (node.classList.contains("noUi-handle")) {
      const title = node.getRootNode().querySelector(".bk-slider-title");
      call(node, title?.textContent.split(":")[0]);
    } else if (node.classList.contains("bk-spin-btn")) {
      node.tabIndex = -1;
    } else if (node.classList.contains("bk-events")) {
      const canvas = node.getRootNode().host;
      const view = Bokeh.index.query_one((v) => v.canvas_view?.el === canvas);
      node.setAttribute("role", "figure");
      call(node, view?.model.title.text);
    }
  }
};
setInterval(() => name(document), 1000);
"""


class Page:
    """One visitor's page."""

    def __init__(self, choice: FileChoice):
        self._document = pn.state.curdoc
        self.explorer = Explorer(self._soon)
        self._shown: dict[str, object] = {}
        self._stale = self._turned = False
        self.controls = Controls(self._asked, choice)
        self.controls.run.on_click(lambda _: self._run())
        self.controls.stop.on_click(lambda _: self.explorer.stop())
        self.panels = Panels()
        self._scene: LineScene | PlaneScene | None = None
        self.time = pn.widgets.IntSlider(
            name="Frame", value=0, start=0, end=1, margin=(0, 12), sizing_mode="stretch_width"
        )
        self.time.param.watch(lambda _: self._turn(), "value")
        self.news, self.about = _words("Status"), _words("Law")
        self.candidates, self.errors = _words("Candidates"), _words("Errors")
        self._files = [
            self._download(f"Download {what}", name, make)
            for what, name, make in (
                ("data", downloads.DATA, lambda: downloads.data(self._problem())),
                ("law", downloads.LAW, lambda: downloads.law(self._outcome())),
                (
                    "Python lines",
                    downloads.LINES,
                    lambda: downloads.lines(self._problem()).encode(),
                ),
            )
        ]
        self.view = self._layout()
        if self._document is not None:
            self._document.title = "hfluxno explore"
            self._document.js_on_event("document_ready", CustomJS(code=_NAMES))
            self._document.add_periodic_callback(self._look, _EVERY)
            self._document.on_session_destroyed(lambda _: self.explorer.close())
        self._asked()
        self._run()
        self._redraw()

    def _layout(self) -> pn.Row:
        def figure(picture):
            return pn.pane.Bokeh(picture.plot, **_CELL)

        panels = self.panels
        self._law, self._across = figure(panels.law), figure(panels.across)
        self._across.visible = False
        scroll = {"overflow": "auto"}
        return pn.Row(
            self.controls.view,
            pn.Column(
                self.news,
                self.about,
                pn.Row(
                    figure(panels.context),
                    self._law,
                    self._across,
                    pn.Column(self.candidates, styles=scroll, **_CELL),
                    **_CELL,
                ),
                pn.Row(
                    figure(panels.forecast),
                    figure(panels.truth),
                    pn.Column(figure(panels.profile), self.time, **_CELL),
                    **_CELL,
                ),
                pn.Row(
                    pn.Column(self.errors, height=84, sizing_mode="stretch_width", styles=scroll),
                    pn.Column(*self._files, width=190),
                    sizing_mode="stretch_width",
                ),
                **_FILL,
            ),
            sizing_mode="stretch_both",
            styles={"height": "100vh", "min-height": "760px", "min-width": "1240px"},
        )

    def _download(self, label: str, name: str, make: Callable[[], bytes]):
        def ready():
            try:
                return io.BytesIO(make())
            except Exception as error:
                self.explorer.fault = sentence(error)
                self._soon()
                return None

        return pn.widgets.FileDownload(
            callback=ready,
            filename=name,
            label=label,
            button_type="light",
            height=26,
            margin=(1, 4),
            sizing_mode="stretch_width",
        )

    def _problem(self) -> Problem:
        if self.explorer.problem is None:
            raise ValueError("There are no data yet; correct what the page reports first.")
        return self.explorer.problem

    def _outcome(self) -> Outcome:
        if self.explorer.outcome is None:
            raise ValueError("There is no law yet; press Run first.")
        return self.explorer.outcome

    def _asked(self) -> None:
        self.explorer.ask(self.controls.request())
        self._soon()

    def _run(self) -> None:
        self.explorer.ask(self.controls.request())
        self.explorer.run(self.controls.network)

    def _soon(self) -> None:
        """From any thread: the page is redrawn at its next check. Panel calls this without the lock
        of Bokeh's document, which must only be changed under it."""
        self._stale = True

    def _turn(self) -> None:
        self._turned = self._stale = True

    def _look(self) -> None:
        """Called by Bokeh regularly, under the lock."""
        if self._stale:
            self._redraw()

    def _redraw(self) -> None:
        """Draws what has changed since it was last drawn."""
        self._stale = False
        explorer = self.explorer
        now = {name: getattr(explorer, name) for name in ("problem", "outcome")}
        new = {name for name, value in now.items() if value is not self._shown.get(name, self)}
        self._shown = now
        kind, news = words.status(explorer)
        self.news.object = f"<p class='news {kind}' role='status'>{html.escape(news)}</p>"
        self.about.object = f"<p class='law'>{words.law(explorer)}&nbsp;</p>"
        self.candidates.object, self.errors.object = (
            words.candidates(explorer),
            words.errors(explorer),
        )
        self.controls.run.disabled = explorer.running
        self.controls.run.name = "Running …" if explorer.running else "Run"
        self.controls.stop.disabled = not explorer.running
        try:
            self.controls.draw()
            if new:
                self._draw(explorer.problem, explorer.outcome)
            elif self._turned:
                self._move()
        except Exception as error:
            explorer.fault = sentence(error)
            text = html.escape(words.for_page(explorer.fault))
            self.news.object = f"<p class='news fault' role='status'>{text}</p>"

    def _draw(self, problem: Problem | None, outcome: Outcome | None) -> None:
        self._scene = None
        if problem is None:
            self.panels.clear()
            return
        self.controls.fit_to(problem)
        show = PlaneScene if problem.on_a_plane else LineScene
        self._scene = show(self.panels, problem, outcome)
        self._across.visible = problem.on_a_plane
        self._law.visible = not problem.on_a_plane
        self.time.end = len(self._scene.times) - 1
        if outcome is not None and self.time.value < problem.context.frames:
            self.time.value = self._scene.last
        self._move()

    def _move(self) -> None:
        """Shows the frame of the slider."""
        self._turned = False
        if self._scene is not None:
            self._scene.move(min(self.time.value, len(self._scene.times) - 1))


def _words(name: str) -> pn.pane.HTML:
    return pn.pane.HTML(
        "", name=name, stylesheets=[_STYLE], sizing_mode="stretch_width", margin=(2, 4)
    )
