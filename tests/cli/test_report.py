"""What a command shows of the laws of several trajectories."""

import dataclasses

import pytest

from hfluxno.cli import report
from hfluxno.cli.summary import law_result
from hfluxno.identify import FitStatus
from hfluxno.identify.plane.causes import Causes
from hfluxno.identify.plane.residual import ScaleInTime
from tests.identify import laws as lines
from tests.identify.plane import laws as planes


def shown(capsys, results):
    summary = {
        "input": "gas.hdf5",
        "variable": "rho, m_x, m_y",
        "context_frames": 10,
        "cells": [32, 24],
        "failed_left_out": 0,
        "files": [],
        "results": results,
    }
    report.show(summary, as_json=False)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def result(c, **more):
    found = {
        "status": 0,
        "status_sentence": "a conservation law explains the data",
        "backtest_error": 0.01,
        "law": f"isothermal Euler, c² = {c} ± 0.001",
        "latex": "f &= …",
        "equations": [f"∂t rho + ∂x({c} m_x) = 0", f"∂t m_x + ∂x({c} rho) = 0"],
    }
    return found | more


def test_the_equations_of_two_trajectories_are_printed(capsys):
    lines = shown(capsys, [result(2), result(3)])
    place = lines.index("trajectory 0 ∂t rho + ∂x(2 m_x) = 0")
    assert lines[place + 1 :] == [
        "∂t m_x + ∂x(2 rho) = 0",
        "trajectory 1 ∂t rho + ∂x(3 m_x) = 0",
        "∂t m_x + ∂x(3 rho) = 0",
    ]


@pytest.mark.parametrize("count", [4, 30])
def test_of_many_the_first_are_printed_and_where_the_others_are(capsys, count):
    still = result(1, status=4, latex=None)  # nothing moves: no law
    lines = shown(capsys, [still, *map(result, range(2, 2 + count))])
    assert [line.split()[1] for line in lines if " ∂t rho" in line] == ["1", "2", "3"]
    assert lines[-1] == "others --trajectory N shows the law of one, --json those of all"


def test_a_flux_of_one_field_is_printed_if_it_has_a_name(capsys):
    reading = {"formula": "0.5 u²", "accepted": True}
    named, other = (
        result(1, equations=[], reading=reading | {"accepted": each}) for each in (True, False)
    )
    lines = shown(capsys, [other, named])
    assert lines[-1] == "trajectory 1 f = 0.5 u²"
    assert not any(line.startswith(("trajectory 0", "others")) for line in lines)


def test_a_method_without_laws_has_none_to_print(capsys):
    without = {key: value for key, value in result(1).items() if key not in ("law", "latex")}
    assert not any("∂t" in line for line in shown(capsys, [without, without]))


@pytest.mark.parametrize("count", [1, 2, 20])
def test_results_without_a_law_have_no_empty_row_for_it(capsys, count):
    bare = {name: value for name, value in result(1).items() if name != "law"} | {"latex": None}
    lines = shown(capsys, [bare] * count)
    assert not any(line == "law" or line == str(count) for line in lines)
    assert f"{count} a conservation law" in " ".join(lines).replace("status 0: ", "") or count == 1


@pytest.mark.parametrize(("least", "is_shown"), [(0.004, True), (0.0004, False), (0.02, False)])
def test_the_least_error_that_noise_leaves_is_shown_where_noise_limits(capsys, least, is_shown):
    errors = {"predicted_error": {1: 0.01}, "cramer_rao_bound": {1: least}}
    shown_error = next(x for x in shown(capsys, [result(1, **errors)]) if "predicted" in x)
    assert ("no unbiased estimate below" in shown_error) is is_shown


def test_json_has_what_the_sentence_says():
    found = dataclasses.replace(
        lines.identification(lines.one_field(), status=FitStatus.POOR_FIT),
        not_conserved=("density",),
        exceeded={"density": (0.0, 2.0)},
    )
    said = law_result(found)
    assert "density" in said["status_sentence"]
    assert said["not_conserved"] == ["density"] and said["exceeded"] == {"density": [0.0, 2.0]}
    still = planes.identification(planes.one_field(), missing=0.25)
    assert law_result(still)["cause"] is None and law_result(still)["missing"] == 0.25
    lacking = Causes(ScaleInTime(0.5, 0.97))
    assert lacking.matter and str(lacking)
    changing = dataclasses.replace(still, causes=lacking)
    assert law_result(changing)["cause"] == {"name": str(lacking)}
