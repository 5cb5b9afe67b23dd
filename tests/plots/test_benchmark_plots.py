"""The figures of the benchmark show the numbers of the raw results."""

import copy

import numpy as np
import pytest
from matplotlib.axes import Axes

from hfluxno.evaluation.paper.contenders import CONTENDERS
from hfluxno.plots import save
from hfluxno.plots.benchmark import cost_and_error, examples, long_rollouts
from tests.evaluation.paper.test_tables import CUBIC_METHODS, HFLUXNO, RESULTS

EMPTY = {"conditions": {}, "records": {}, "costs": {}}


def panels(figure):
    """Draws, so that whatever cannot be drawn is seen."""
    figure.canvas.draw()
    return {axes.get_title(loc="left"): axes for axes in figure.findobj(Axes) if axes.get_visible()}


def curves(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def legend(figure):
    (found,) = figure.legends
    return [text.get_text() for text in found.get_texts()]


def test_long_rollouts_have_one_line_a_method_in_the_published_order():
    figure = long_rollouts(RESULTS)
    found = panels(figure)
    assert list(found) == ["cubic"]  # the other sets are not there
    axes = found["cubic"]
    assert (axes.get_yscale(), axes.get_xlabel()) == ("log", "time")
    assert axes.get_ylabel() == "mean relative l2 error"
    lines = curves(axes)
    assert list(lines) == legend(figure) == CUBIC_METHODS
    for method, name in (("dpot", "DPOT"), ("persistence", "persistence")):
        curve = RESULTS["records"]["cubic"][method][0]["long"]
        np.testing.assert_allclose(lines[name].get_xdata(), curve["times"])
        means = [entry["mean"] for entry in curve["l2"]]
        np.testing.assert_allclose(lines[name].get_ydata(), means)
    # What single precision cannot tell is drawn at its limit; what failed is no point at all.
    assert set(lines["true law"].get_ydata()[:3]) == {1e-7}
    assert np.all(np.isinf(lines["my_2 & 50%"].get_ydata()))


def test_methods_are_told_apart_and_keep_their_look():
    lines = curves(panels(long_rollouts(RESULTS))["cubic"])
    assert len({line.get_color() for line in lines.values()}) == len(lines)
    assert {name: lines[name].get_linestyle() for name in ("persistence", "true law", "DPOT")} == {
        "persistence": ":",
        "true law": "--",
        "DPOT": "-",
    }
    few = copy.deepcopy(RESULTS)
    few["records"]["cubic"] = {"dpot": few["records"]["cubic"]["dpot"]}
    alone = curves(panels(long_rollouts(few))["cubic"])
    assert alone["DPOT"].get_color() == lines["DPOT"].get_color()


@pytest.mark.validation
def test_every_method_of_the_benchmark_has_its_own_colour():
    full = copy.deepcopy(RESULTS)
    record = full["records"]["cubic"]["dpot"]
    full["records"] = {"cubic": dict.fromkeys(reversed(CONTENDERS), record)}
    base = copy.deepcopy(record)
    base[0]["network"]["parameters"] = 2_678_020
    full["records"]["cubic"]["hfluxno-base"] = base
    figure = long_rollouts(full)
    lines = curves(panels(figure)["cubic"])
    sizes = {"hfluxno-base": ", 2.68 M", "hfluxno-small": ", 0.42 M"}
    expected = [one.title + sizes.get(name, "") for name, one in CONTENDERS.items()]
    assert legend(figure) == expected
    looks = {(line.get_color(), line.get_linestyle()) for line in lines.values()}
    assert len(looks) == len(CONTENDERS)


def test_examples_are_the_forecasts_beside_the_truth():
    figure = examples(RESULTS)
    found = panels(figure)
    assert list(found) == [
        f"{title}, {frames} on"
        for title in ("cubic", "sine flux, steps")
        for frames in ("1 frame", "20 frames")
    ]
    for number, title in enumerate(("cubic, 1 frame on", "cubic, 20 frames on")):
        axes, records = found[title], RESULTS["records"]["cubic"]
        lines = curves(axes)
        # Persistence is the first frame, and no forecast worth a line.
        assert list(lines) == ["truth", *CUBIC_METHODS[1:]]
        truth = records["dpot"][0]["example"]["truth"][number][0]
        np.testing.assert_allclose(lines["truth"].get_ydata(), truth)
        np.testing.assert_allclose(lines[HFLUXNO].get_ydata(), 0.9 * np.asarray(truth))
        np.testing.assert_allclose(lines["DPOT"].get_xdata(), [0.125, 0.375, 0.625, 0.875])
        low, high = axes.get_ylim()
        assert low < min(truth) and max(truth) < high
    assert list(curves(found["sine flux, steps, 20 frames on"])) == ["truth", HFLUXNO]
    assert legend(figure) == ["truth", *CUBIC_METHODS[1:]]


@pytest.mark.validation
def test_a_forecast_of_another_trajectory_is_not_drawn_beside_this_truth():
    other = copy.deepcopy(RESULTS)
    other["records"]["cubic"]["dpot"][0]["example"]["truth"][0][0][0] += 0.5
    assert "DPOT" not in curves(panels(examples(other))["cubic, 1 frame on"])


@pytest.mark.validation
def test_sets_may_have_examples_of_other_lengths():
    short = copy.deepcopy(RESULTS)
    for records in short["records"]["sine-steps"].values():
        example = records[0]["example"]
        short_one = {"frames": [0]} | {k: example[k][:1] for k in ("truth", "forecast")}
        records[0]["example"] = short_one
    assert list(panels(examples(short))) == [
        "cubic, 1 frame on",
        "cubic, 20 frames on",
        "sine flux, steps, 1 frame on",
    ]


def test_costs_are_points_beside_the_line_of_the_solver():
    finite = copy.deepcopy(RESULTS)
    del finite["records"]["cubic"]["my_2 & 50%"]
    (axes,) = panels(cost_and_error(finite)).values()
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlabel() == "time of a forecast of 20 steps, milliseconds a window"
    solver, *points = axes.get_lines()
    np.testing.assert_allclose(solver.get_xydata(), [[1.0, 0.1], [4.0, 1e-7]])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [solver.get_label()]
    names = [text.get_text() for text in axes.texts]
    # The true law is the solver's line.
    assert names == ["50", "100", *(name for name in CUBIC_METHODS[:-1] if name != "true law")]
    # 200 windows a second are 5 ms each; the error is that of 20 steps, of the first seed.
    found = dict(zip(names[2:], (point.get_xydata().tolist() for point in points), strict=True))
    assert found["DPOT"] == [[5.0, 0.136]] and found[HFLUXNO] == [[5.0, 0.05]]


@pytest.mark.validation
def test_no_label_of_the_costs_covers_another():
    figure = cost_and_error(RESULTS)  # which has several methods at one place
    (axes,) = panels(figure).values()
    boxes = [text.get_window_extent() for text in axes.texts]
    boxes = [box for box in boxes if np.all(np.isfinite(box.get_points()))]
    assert len(boxes) > 5
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:k])


@pytest.mark.validation
def test_a_method_that_failed_does_not_spoil_the_picture_of_costs():
    (axes,) = panels(cost_and_error(RESULTS)).values()
    assert np.all(np.isfinite([*axes.get_xlim(), *axes.get_ylim()]))


def test_without_the_solver_there_are_points_alone():
    (axes,) = panels(cost_and_error(RESULTS | {"costs": {}})).values()
    assert axes.get_legend() is None and len(axes.get_lines()) == len(CUBIC_METHODS) - 1


@pytest.mark.parametrize("draw", [long_rollouts, examples, cost_and_error])
def test_where_there_is_nothing_there_is_no_figure(draw):
    assert draw(EMPTY) is None
    assert draw(EMPTY | {"records": {"shallow-water-steps": {"fit": []}, "cubic": {}}}) is None


@pytest.mark.validation
@pytest.mark.parametrize("draw", [long_rollouts, examples, cost_and_error])
def test_figures_are_saved(tmp_path, draw):
    save(draw(RESULTS), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000
