"""The figures of the benchmark, from its raw results; with several seeds they show the first."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from hfluxno.evaluation.paper.contenders import CONTENDERS
from hfluxno.evaluation.paper.problems import FIGURES, PROBLEMS, STEPS
from hfluxno.evaluation.paper.tables import methods_of, title_of
from hfluxno.plots.style import TRUTH, light_grid, new_figure, styled
from hfluxno.plural import plural

Plain = dict[str, Any]

_PALETTE = (
    "#c4462d", "#1f5f8b", "#e0a03a", "#4a8f5b", "#8a5aa8", "#3fa7b5",
    "#b85c8e", "#7a6a4f", "#5c6670", "#d77f5f", "#2d6a4f", "#9aa3ad", "#b0b84a",
    "#1b2a49", "#f08fb0",
    "#6fcf97", "#3b1f5b",
)  # fmt: skip
_YARDSTICKS = {"persistence": ":", "known-law": "--"}
_LEAST = 1e-7  # smaller errors are drawn here: the limit of single precision


def long_rollouts(results: Plain) -> Figure | None:
    """Figure 2: the mean relative l2 error at each time of the long roll-outs."""
    sets = _present(results, FIGURES[2])
    if not sets:
        return None
    with styled():
        figure = new_figure(4.2 * len(sets), 3.9)
        panels = figure.subplots(1, len(sets), squeeze=False, sharey=True)[0]
        for axes, problem in zip(panels, sets, strict=True):
            light_grid(axes)
            for method, records in methods_of(results, problem):
                curve = records[0]["long"]
                means = np.array([entry["mean"] for entry in curve["l2"]])
                axes.plot(curve["times"], np.maximum(means, _LEAST), **_line(method, records))
            axes.set(yscale="log", xlabel="time", title=PROBLEMS[problem].title)
        panels[0].set_ylabel("mean relative l2 error")
        _legend(figure, panels)
    return figure


def examples(results: Plain) -> Figure | None:
    """Figure 3: one forecast of each set at a few times, beside the truth."""
    sets = _present(results, FIGURES[3])
    if not sets:
        return None
    with styled():
        columns = max(len(_example(results, problem)["frames"]) for problem in sets)
        figure = new_figure(3.3 * columns, 2.7 * len(sets) + 0.5)
        grid = figure.subplots(len(sets), columns, squeeze=False)
        for row, problem in zip(grid, sets, strict=True):
            first = _example(results, problem)
            truth = np.asarray(first["truth"])
            x = (np.arange(truth.shape[-1]) + 0.5) / truth.shape[-1]
            for j, frame in enumerate(first["frames"]):
                axes = row[j]
                light_grid(axes)
                axes.plot(x, truth[j, 0], color=TRUTH, linewidth=3.0, alpha=0.35, label="truth")
                for method, records in methods_of(results, problem):
                    example = records[0]["example"]
                    if method == "persistence" or example.get("truth") != first["truth"]:
                        continue  # another trajectory, or other frames of it
                    states = np.asarray(example["forecast"])
                    axes.plot(x, states[j, 0], **(_line(method, records) | {"linewidth": 1.1}))
                room = 0.15 * max(np.ptp(truth[:, 0]), 1e-9)
                axes.set_ylim(truth[:, 0].min() - room, truth[:, 0].max() + room)
                number = frame + 1
                axes.set_title(f"{PROBLEMS[problem].title}, {plural(number, 'frame')} on")
            for axes in row[len(first["frames"]) :]:
                axes.set_visible(False)
        _legend(figure, grid.ravel())
    return figure


def cost_and_error(results: Plain) -> Figure | None:
    """The error of a forecast against its cost, for every method and the classical solver."""
    methods = dict(methods_of(results, "cubic"))
    if not methods:
        return None
    key = f"l2, {STEPS} steps"
    with styled():
        figure = new_figure(7.0, 4.6)
        axes = figure.subplots()
        light_grid(axes)
        solver = results["costs"].get("classical", [])
        if solver:
            times = [entry["milliseconds"] for entry in solver]
            errors = [max(entry["error"], _LEAST) for entry in solver]
            axes.plot(times, errors, color=TRUTH, marker="s", markersize=4, linewidth=1.0,
                      label="classical solver, true law")  # fmt: skip
            for entry, time, error in zip(solver, times, errors, strict=True):
                axes.annotate(f"{entry['cells']}", (time, error), xytext=(4, 4),
                              textcoords="offset points", fontsize=7, color=TRUTH)  # fmt: skip
        for method, records in methods.items():
            if method == "known-law" or not records[0]["windows_per_second"]:
                continue
            milliseconds = 1e3 / records[0]["windows_per_second"]
            error = max(records[0]["errors"][key]["mean"], _LEAST)
            axes.plot(milliseconds, error, "o", color=_line(method, records)["color"], markersize=7)
            axes.annotate(title_of(method, records), (milliseconds, error), xytext=(7, -3),
                          textcoords="offset points", fontsize=8)  # fmt: skip
        axes.set(
            xscale="log",
            yscale="log",
            xlabel=f"time of a forecast of {STEPS} steps, milliseconds a window",
            ylabel="mean relative l2 error",
            title="Cubic law: error and cost (numbers: cells of the solver)",
        )
        axes.margins(x=0.18)
        if solver:
            axes.legend(loc="lower left")
        _part(figure, axes.texts)
    return figure


def _part(figure: Figure, labels: Sequence[Text]) -> None:
    """Moves labels down so that they do not overlap."""
    figure.draw_without_rendering()
    placed: list[Bbox] = []
    for label in sorted(labels, key=lambda label: -label.get_window_extent().y0):
        box = label.get_window_extent()
        while covered := [other for other in placed if other.overlaps(box)]:
            box = box.translated(0.0, min(other.y0 for other in covered) - box.y1 - 1.0)
        down = (box.y0 - label.get_window_extent().y0) * 72.0 / figure.dpi
        label.set_position((label.get_position()[0], label.get_position()[1] + down))
        placed.append(box)


def _present(results: Plain, sets: Sequence[str]) -> list[str]:
    return [problem for problem in sets if methods_of(results, problem)]


def _example(results: Plain, problem: str) -> Plain:
    return methods_of(results, problem)[0][1][0]["example"]


def _line(method: str, records: list) -> dict[str, Any]:
    names = list(CONTENDERS)
    free = len(_PALETTE) - len(names)  # for methods that are added
    place = names.index(method) if method in names else len(names) + sum(map(ord, method)) % free
    return {
        "color": _PALETTE[place],
        "linestyle": _YARDSTICKS.get(method, "-"),
        "label": title_of(method, records),
    }


def _legend(figure: Figure, panels) -> None:
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=6)
