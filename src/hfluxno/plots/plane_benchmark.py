"""The picture of the two-dimensional benchmark: errors by step, and one field ten steps ahead."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hfluxno.evaluation.plane.measure import JOINT, SET
from hfluxno.plots.style import TRUTH, colours_of, light_grid, new_figure, styled

_COLOURS = ("#5c6670", "#1f5f8b", "#c4462d", "#e0a03a", "#4a8f5b", "#8a5aa8", "#3fa7b5", "#b85c8e")


def errors_and_maps(results: Mapping[str, Any]) -> Figure:
    """Mean errors of every method by step, and the density of the first window."""
    records = [found[0] for found in results["records"][SET].values() if found]
    maps = [("truth", records[0]["truth"])]
    maps += [(r["title"], r["example"]) for r in records if r["title"] != "persistence"]
    with styled():
        figure = new_figure(5.0 + 2.3 * len(maps), 3.4)
        widths = (5.0, 2.3 * len(maps))
        left, right = figure.subfigures(1, 2, width_ratios=widths, squeeze=False)[0]
        axes = left.subplots()
        light_grid(axes)
        for place, record in enumerate(records):
            curve = np.mean(np.asarray(record["errors"]), axis=0)
            steps = np.arange(1, len(curve) + 1)
            colour = _COLOURS[place % len(_COLOURS)]
            axes.plot(steps, curve, "o-", ms=3, color=colour, label=record["title"])
        axes.axvline(JOINT, color=TRUTH, linewidth=0.6, linestyle=":")
        axes.set(xlabel="step", ylabel="mean relative l2 error", yscale="log")
        left.legend(loc="outside lower center", ncols=3)
        colours = colours_of(np.asarray(records[0]["truth"]))
        panels = right.subplots(1, len(maps), squeeze=False)[0]
        for panel, (title, values) in zip(panels, maps, strict=True):
            panel.imshow(np.asarray(values).T, origin="lower", extent=(0, 1, 0, 1), **colours)
            panel.set(title=f"density, {title}", xticks=[], yticks=[])
    return figure
