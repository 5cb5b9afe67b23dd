"""Errors of fields that those of all together do not show."""

import dataclasses

import numpy as np
import pytest

from hfluxno.cli.report import show
from hfluxno.cli.summary import forecast_results
from hfluxno.data.bands import predictions
from hfluxno.forecaster import Forecast, bound_of
from hfluxno.grid import Grid
from hfluxno.trajectory import Trajectory

CELLS, STEPS = 16, 4


def made(status=0, solid=None):
    """Of a depth in millimetres that is known to .1 %, and a discharge that is known to 10 %."""
    grid = Grid.interval(CELLS) if solid is None else Grid.rectangle((4, 4), solid=solid)
    values = np.full((1, STEPS, 2, *grid.shape), 1000.0)
    values[:, :, 1] = 0.3
    deviation = values * np.array([0.001, 0.1]).reshape(2, *[1] * len(grid.shape))
    ahead = Trajectory(values, np.arange(STEPS) * 1.0, grid, ("h", "q"))
    known = np.array([0.0])
    return Forecast(ahead, np.array([status]), ("said",), known, known, known, deviation=deviation)


def test_each_field_has_a_bound_and_an_error_of_its_own():
    forecast = made()
    truth = np.array(forecast.trajectory.values[:, :2])
    truth[:, :, 1] *= 2.0
    truth[0, 1, 1, ::2] = np.nan
    (result,) = forecast_results(forecast, truth)
    assert result["true_error"]["1"] < 0.001 and result["predicted_error_90"]["1"] < 0.002
    depth, flow = result["by_field"]["h"], result["by_field"]["q"]
    assert set(depth["true_error"]) == {"1", "2"} and not any(depth["true_error"].values())
    assert flow["true_error"] == pytest.approx({"1": 0.5, "2": 0.5})
    bounds = dict.fromkeys("124", float(bound_of(np.array([0.1]))[0]))
    assert flow["predicted_error_90"] == pytest.approx(bounds)
    assert depth["part"] == pytest.approx(1.0) and flow["part"] == pytest.approx(3e-4, rel=1e-3)


def test_a_field_that_vanishes_in_a_frame_has_the_size_of_the_others():
    forecast = made()
    values = np.array(forecast.trajectory.values)
    values[:, 2, 1] = 0.0
    ahead = dataclasses.replace(forecast.trajectory, values=values)
    found = dataclasses.replace(forecast, trajectory=ahead).predicted_error_90_by_field
    assert found.shape == (1, STEPS, 2)
    expected = bound_of(0.1 * np.array([1.0, 1.0, np.sqrt(4.0 / 3.0), 1.0]))
    np.testing.assert_allclose(found[0, :, 1], expected)


def test_cells_in_walls_do_not_count():
    solid = np.zeros((4, 4), bool)
    solid[1, 2] = True
    forecast = made(solid=solid)
    values = np.where(solid, np.nan, forecast.trajectory.values)
    ahead = dataclasses.replace(forecast.trajectory, values=values)
    spread = np.where(solid, np.nan, forecast.deviation)
    forecast = dataclasses.replace(forecast, trajectory=ahead, deviation=spread)
    expected = bound_of(np.array([0.001, 0.1]))
    np.testing.assert_allclose(forecast.predicted_error_90_by_field[0, 0], expected)
    (result,) = forecast_results(forecast, np.array(values))
    assert result["by_field"]["q"]["true_error"]["1"] == 0.0


@pytest.mark.parametrize(("status", "bound"), [(0, "9 of 10 below 20.6 %, "), (1, "")])
def test_a_field_that_the_norm_does_not_show_is_printed(capsys, status, bound):
    forecast = made(status)
    truth = np.array(forecast.trajectory.values[:, :1])
    truth[:, :, 1] *= 2.0
    results = forecast_results(forecast, truth)
    text = {"variable": "h, q", "input": "a.nc", "cells": CELLS, "context_frames": 9}
    show(text | {"results": results, "failed_left_out": 0, "files": []}, as_json=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "q: 0.03 % of the norm of all fields, whose errors do not show it" in said
    assert f"step 1 {bound}true error 50 %" in said and "h:" not in said
    results[0]["by_field"]["q"]["part"] = 0.2
    show(text | {"results": results, "failed_left_out": 0, "files": []}, as_json=False)
    assert "of the norm" not in capsys.readouterr().out


def test_a_bound_that_no_number_is_stays_in_the_report():
    forecast = made()
    forecast = dataclasses.replace(forecast, deviation=3.0 * np.abs(forecast.trajectory.values))
    (result,) = forecast_results(forecast, np.zeros((1, 0, 2, CELLS)))
    assert set(result["predicted_error_90"].values()) == {np.inf}
    assert result["by_field"]["q"]["predicted_error_90"] == result["predicted_error_90"]


def test_files_have_the_bounds_of_several_fields():
    forecast = made()
    of_each = predictions(forecast, ("trajectory", "time"))["predicted_error_90_by_field"]
    assert of_each.dims == ("trajectory", "time", "field")
    np.testing.assert_allclose(of_each, forecast.predicted_error_90_by_field)
    values, times = np.ones((1, STEPS, 1, CELLS)), 1.0 * np.arange(STEPS)
    one = Trajectory(values, times, Grid.interval(CELLS), ("u",))
    alone = dataclasses.replace(forecast, trajectory=one, deviation=values)
    assert "predicted_error_90_by_field" not in predictions(alone, ("trajectory", "time"))
    assert "by_field" not in forecast_results(alone, one.values)[0]
