"""Pictures of an inferred law over the observed range of states.

One field: f, f′ and ν as curves. Two fields: maps of both fluxes and both wave speeds, with the
observed states as dots: the law is known only there. More fields: each flux along the range of each
field, with the others at the middle of theirs.
"""

import dataclasses
import textwrap
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure, SubFigure

from hfluxno.law_curves import law_curves
from hfluxno.law_uncertainty import flux_deviation
from hfluxno.plots.labels import Labels, with_units
from hfluxno.plots.style import (
    BAND,
    CONTEXT,
    LAW,
    colour_bar,
    colours_of,
    light_grid,
    new_figure,
    styled,
)
from hfluxno.plural import percent
from hfluxno.trajectory import Trajectory

_CURVE_POINTS, _MAP_POINTS = 201, 61
_LINE = 120  # characters of a warning
_LETTERS_PER_INCH = 12  # of a heading


def law_figure(
    identification: Any,
    context: Trajectory | None = None,
    labels: Labels | None = None,
) -> Figure:
    """The inferred law of one context.

    **Arguments:**

    - `identification`: a result of `hfluxno.identify`.
    - `context`: what it was inferred from, of a batch `context.single(index)`; if given, the
      observed states are shown.
    - `labels`: the names and units of the axes.
    """
    labels = Labels(identification.law.fields) if labels is None else labels
    columns = panel_count(identification)
    with styled():
        width = 3.6 * max(columns, 2)
        figure = new_figure(width, 3.4)
        lines = [
            textwrap.fill(line, int(_LETTERS_PER_INCH * width))
            for line in heading(identification).splitlines()
        ]
        figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10)
        draw_law(figure, identification, context, labels)
    return figure


def heading(identification: Any) -> str:
    """The law and how well it predicts, in one line; and the meaning of the status if it is not
    OK."""
    error = float(identification.backtest_error)
    text = f"Inferred law: {identification.described}"
    if np.isfinite(error):
        text += f"; back-test error {percent(error)}"
    if int(identification.status) != 0:
        text += "\n" + textwrap.fill(f"Warning: {identification.sentence}", _LINE)
    return text


def panel_count(identification: Any) -> int:
    fields = len(identification.law.fields)
    if fields == 1:
        law = identification.law
        return 2 * _has_flux(law) + _has_diffusion(law) + _has_source(law)
    return 4 if fields == 2 else fields


def draw_law(
    figure: Figure | SubFigure,
    identification: Any,
    context: Trajectory | None,
    labels: Labels,
    index: int = 0,
) -> None:
    """Draws the law as one row of panels."""
    law = identification.law
    if identification.change is not None:
        units = tuple(identification.units.get(name, "") for name in law.fields)
        labels = dataclasses.replace(labels, fields=law.fields, field_units=units)
    states = None
    if context is not None:
        values = identification.conserved(np.asarray(context.single(index).values, float))
        states = np.moveaxis(values, 1, 0).reshape(len(law.fields), -1)
        states = states[:, np.isfinite(states).all(axis=0)]
    with jax.enable_x64(True):
        if len(law.fields) == 1:
            _scalar(figure, identification, states, labels)
        elif len(law.fields) == 2:
            _maps(figure, law, states, labels)
        else:
            _sections(figure, law, labels)


def _scalar(figure, identification, states, labels: Labels) -> None:
    law = identification.law
    lower, upper = (ends[0] for ends in _observed_range(law))
    u = np.linspace(lower, upper, _CURVE_POINTS)
    points, origin = u[None], np.array([[np.clip(0.0, lower, upper)]])
    flux, speed, diffusivity = law_curves(law, points, origin)
    deviation = flux_deviation(identification, points, origin)
    curves = []
    if _has_flux(law):
        curves = [
            ("Flux f", with_units("f", labels.flux_units(0)), flux[0], deviation[0]),
            ("Wave speed f′", with_units("f′", labels.speed_units), speed[0, 0], deviation[1]),
        ]
    if _has_diffusion(law):
        curves.append(
            ("Diffusivity ν", with_units("ν", labels.diffusivity_units), diffusivity[0], None)
        )
    if _has_source(law):
        source = law.source(jnp.asarray(points), jnp.zeros_like(points), 0.0)
        label = with_units("s", labels.source_units(0))
        curves.append(("Source s", label, np.asarray(source)[0], None))
    for axes, (title, label, curve, sigma) in zip(
        figure.subplots(1, len(curves), squeeze=False)[0], curves, strict=True
    ):
        light_grid(axes)
        if sigma is not None:
            axes.fill_between(u, curve - 2 * sigma, curve + 2 * sigma, color=BAND, linewidth=0)
        axes.plot(u, curve, color=LAW)
        if sigma is not None and np.max(sigma) > 0.005 * np.ptp(curve):
            title += " ± 2σ"
        axes.set(title=title, xlabel=labels.field_axis(0), ylabel=label, xlim=(lower, upper))
        if title.startswith("Diffusivity"):
            axes.set_ylim(0.0, max(1.25 * curve.max(), 1e-300))
        elif curve.min() < 0.0 < curve.max():
            axes.axhline(0.0, color=CONTEXT, linewidth=0.7, zorder=1)
        if states is not None:
            _where_observed(axes, states[0])


def _where_observed(axes, states: np.ndarray) -> None:
    """A faint histogram at the bottom: it is high where many states were observed."""
    counts, edges = np.histogram(states, bins=60)
    foot = axes.inset_axes((0.0, 0.0, 1.0, 0.14), zorder=0.5, sharex=axes)
    # The square root, because a few common states would hide all others.
    foot.stairs(np.sqrt(counts), edges, fill=True, color=CONTEXT, alpha=0.35)
    foot.set_ylim(0, np.sqrt(max(counts.max(), 1)))
    foot.axis("off")


def _maps(figure, law, states, labels: Labels) -> None:
    lower, upper = _observed_range(law)
    first, second = (np.linspace(lower[i], upper[i], _MAP_POINTS) for i in range(2))
    mesh = np.stack(np.meshgrid(first, second, indexing="ij"))
    flux, jacobian, _ = law_curves(law, mesh, np.clip(0.0, lower, upper)[:, None, None])
    matrix = np.moveaxis(jacobian, (0, 1), (-2, -1))
    speeds = np.sort(np.linalg.eigvals(matrix).real, axis=-1)
    maps = [(f"Flux of {labels.fields[i]}", flux[i], labels.flux_units(i)) for i in range(2)]
    maps += [
        (f"{name} wave speed", speeds[..., i], labels.speed_units)
        for i, name in enumerate(("Slower", "Faster"))
    ]
    for axes, (title, values, units) in zip(
        figure.subplots(1, len(maps), squeeze=False)[0], maps, strict=True
    ):
        colours = colours_of(values)
        image = axes.contourf(first, second, values.T, levels=18, **colours)
        if np.ptp(values) > 0:
            axes.contour(
                first, second, values.T, levels=9, colors="white", linewidths=0.4, alpha=0.6
            )
        if states is not None:
            shown = states[:, :: max(1, states.shape[1] // 1500)]
            axes.plot(*shown, ".", color="black", markersize=1.1, alpha=0.5, rasterized=True)
        axes.set(
            title=title,
            xlabel=labels.field_axis(0),
            ylabel=labels.field_axis(1),
            xlim=(lower[0], upper[0]),
            ylim=(lower[1], upper[1]),
        )
        bar = colour_bar(figure, axes, image)
        bar.set_label(with_units("", units).strip(" ()"))
        bar.locator = bar.ax.yaxis.get_major_locator()


def _sections(figure, law, labels: Labels) -> None:
    lower, upper = _observed_range(law)
    fields = len(lower)
    for i, axes in enumerate(figure.subplots(1, fields, squeeze=False)[0]):
        light_grid(axes)
        for j in range(fields):
            u = np.tile((0.5 * (lower + upper))[:, None], (1, _CURVE_POINTS))
            u[j] = np.linspace(lower[j], upper[j], _CURVE_POINTS)
            along = np.linspace(0.0, 1.0, _CURVE_POINTS)
            axes.plot(along, np.asarray(law.flux(jnp.asarray(u)))[i], label=labels.fields[j])
        axes.set(
            title=f"Flux of {labels.fields[i]}",
            xlabel="within the observed range of",
            ylabel=with_units(f"f of {labels.fields[i]}", labels.flux_units(i)),
        )
        axes.legend()


def _observed_range(law) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the axes: the observed range, widened if a field is constant."""
    lower, upper = np.asarray(law.lower, float), np.asarray(law.upper, float)
    room = np.where(upper > lower, 0.0, 1e-3 * np.maximum(np.abs(lower), 1.0))
    return lower - room, upper + room


def _has_flux(law) -> bool:
    """Whether a law of one field has a flux, or nothing else to show."""
    found = np.asarray(getattr(law, "flux_coefficients", 1.0))
    return bool(np.any(found)) or not (_has_diffusion(law) or _has_source(law))


def _has_source(law) -> bool:
    """Whether the source of one field depends on it alone."""
    terms = getattr(law, "terms", None)
    if terms is None or np.any(terms.source_by_place):
        return False
    return bool(np.any(terms.by_state))


def _has_diffusion(law) -> bool:
    middle = np.mean(_observed_range(law), axis=0)
    with jax.enable_x64(True):
        return jax.eval_shape(law.diffusivity, middle[:, None]) is not None
