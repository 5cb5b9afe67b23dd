"""Arguments that cannot be meant are refused in a sentence that says how to mend them."""

import dataclasses
import datetime
import json
import re
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno import Grid
from hfluxno.boundary import Given
from hfluxno.contexts import as_trajectory
from hfluxno.forecaster import check_steps
from tests.identify.laws import identification, polynomial
from tests.refused_arguments import CASES, TIMES, VALUES, one


@pytest.fixture(scope="module")
def sentences():
    command = [sys.executable, "-m", "tests.refused_arguments"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_what_cannot_be_meant_is_refused(sentences, number):
    assert re.search(CASES[number][1], sentences[number]), sentences[number]


def test_what_is_meant_is_taken():
    check_steps(np.int64(3))
    days = [datetime.datetime(2024, 5, 1 + day) for day in range(6)]
    seconds = 1714521600.0 + 86400.0 * np.arange(6)
    texts = [day.isoformat() for day in days]
    for times in (np.array(days), np.array(texts), np.array(days, "M8[s]")):
        found = one(times=times)
        np.testing.assert_array_equal(found.times, seconds)
        assert found.unit("time") == "s"
    np.testing.assert_array_equal(one(times=TIMES.astype(object)).times, TIMES)
    assert one(times=TIMES.astype(object)).unit("time") == ""
    np.testing.assert_array_equal(Given(np.array(days, "M8[ns]"), np.ones((1, 6))).times, seconds)


def test_arrays_of_any_kind_are_contexts():
    grid = Grid.interval(8)
    wanted = as_trajectory(VALUES, TIMES, grid)
    for values in (jnp.asarray(VALUES), VALUES.tolist(), tuple(VALUES)):
        found = as_trajectory(values, TIMES, grid)
        np.testing.assert_allclose(found.values, wanted.values, rtol=1e-6)


def test_units_of_a_law_and_of_the_context_are_compared(tmp_path):
    made = identification(polynomial(0.5, 1.5, 0.0, 1.0, fields=("u",)))
    found = dataclasses.replace(made, units={"x": "km"})
    found.save(tmp_path / "law.json")
    for law in (found, tmp_path / "law.json"):
        with pytest.raises(ValueError, match="The law has x in km, but the context in mi"):
            hfluxno.forecast(one(units={"x": "mi"}), 1, law=law)
