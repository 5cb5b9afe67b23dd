"""Data sets: every sample is its own, every frame conserves, every failure is counted."""

import dataclasses

import numpy as np
import pytest

from hfluxno.data import Configuration, block_size, blocks, generate
from hfluxno.data.recipes import INITIALS, RECIPES
from hfluxno.fv import Status
from tests.errors import relative
from tests.slow import slow

SHORT = {"cells": 40, "frames": 6, "final_time": 0.1}
# A plane takes long to compile; that its totals are kept is tested in the folder fv.
KINDS = [(law, initial) for law, made in RECIPES.items() for initial in made.initials]


pytestmark = pytest.mark.usefixtures("small_blocks")


def solved(configuration, **options):
    """All blocks as one dictionary of arrays."""
    parts = list(blocks(configuration, **options))
    names = ("law", "initial", "coefficients", "values", "status")
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}


@pytest.mark.parametrize(
    ("law", "initial"), [slow(*kind) if kind[0] == "euler-2d" else kind for kind in KINDS]
)
def test_every_frame_conserves_every_field(law, initial):
    configuration = Configuration(
        law, laws=2, initials=4, initial=initial, split="test", float64=True, **SHORT
    )
    if len(configuration.grid.shape) == 2:
        configuration = dataclasses.replace(configuration, cells=8)
    found = solved(configuration)
    # Waves of the authors' shallow water are slow, and one run in six leaves the hyperbolic region.
    hyperbolic = found["status"] == Status.OK
    assert np.all(hyperbolic) or (law == "shallow-water-authors" and np.sum(hyperbolic) >= 6)
    values = found["values"][hyperbolic]
    assert values.dtype == np.float64 and values.shape[1] == 6 and len(values) >= 6
    values = values.reshape(*values.shape[:3], -1)
    totals = values.mean(axis=-1)
    np.testing.assert_allclose(totals, np.broadcast_to(totals[:, :1], totals.shape), atol=1e-12)
    # Every frame is solved, the last one too: nothing is left at zero or repeated.
    moving = np.ptp(values[:, 0, -1], axis=-1) > 0.0
    assert np.all(np.any(values[moving, -1] != 0.0, axis=-1))
    assert np.all(np.any(values[moving, -1] != values[moving, -2], axis=(1, 2)))


def test_the_authors_shallow_water_differs_in_the_weight_of_the_fluid():
    text, authors = (generate.recipe(f"shallow-water{end}") for end in ("", "-authors"))
    assert authors.ranges == text.ranges | {"beta": (0.8, 1.2)}
    assert authors.initials == text.initials and authors.law is text.law


@pytest.mark.validation
def test_gases_on_a_plane_are_averages_of_a_finer_solution():
    plane = Configuration("euler-2d", laws=3, initials=1, initial="steps", **SHORT | {"cells": 8})
    fine = dataclasses.replace(plane, cells=16)
    gamma, finer = plane.coefficients(1)[0], generate.recipe("euler-2d").finer
    state = plane.initial_state(1, 0)
    assert plane.fields == ("density", "momentum_x", "momentum_y", "energy")
    assert state.shape == (4, 16, 16) and finer == 2
    density, *momentum, energy = state
    pressure = (gamma - 1.0) * (energy - 0.5 * (momentum[0] ** 2 + momentum[1] ** 2) / density)
    assert pressure.min() >= 0.3 and pressure.max() <= 1.8
    assert 4 <= len(np.unique(density)) <= 9  # two or three columns and rows
    found = solved(plane)
    assert found["values"].shape == (3, 6, 4, 8, 8)
    blocks_of_cells = state.reshape(4, 8, 2, 8, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(found["values"][1, 0], blocks_of_cells, rtol=1e-6)
    # The finer set resolves the same problem: its averages are near, and not the same.
    closer = solved(fine)["values"].reshape(3, 6, 4, 8, 2, 8, 2).mean(axis=(4, 6))
    apart = relative(found["values"], closer)
    assert 0.0 < apart < 0.1
    with pytest.raises(ValueError, match="no initial conditions grf of euler-2d; choose steps"):
        dataclasses.replace(plane, initial="grf")


@pytest.mark.validation
def test_thinned_frames_are_those_of_a_solver_that_lands_on_more():
    every = Configuration("cubic", laws=2, initials=2, split="test", float64=True, **SHORT)
    thinned = dataclasses.replace(every, thinning=10)
    fine = dataclasses.replace(every, frames=10 * (every.frames - 1) + 1)
    found = solved(thinned)["values"]
    np.testing.assert_array_equal(found, solved(fine)["values"][:, ::10])
    # Shorter steps of the solver change the solution, by less than the error of the scheme.
    difference = relative(solved(every)["values"], found)
    assert 0.0 < difference < 0.05


@pytest.mark.parametrize("law", RECIPES)
def test_coefficients_are_in_the_published_ranges(law):
    configuration = Configuration(law, initial=next(iter(generate.recipe(law).initials)))
    drawn = np.stack([configuration.coefficients(i) for i in range(300)])
    assert drawn.shape == (300, len(configuration.parameters))
    low, high = np.asarray(list(generate.recipe(law).ranges.values())).T
    assert np.all((low <= drawn) & (drawn <= high))
    error = (high - low) / np.sqrt(12 * 300)
    assert np.all(np.abs(drawn.mean(axis=0) - (low + high) / 2) <= 4.5 * error)


@pytest.mark.validation
def test_fractions_stay_fractions():
    for law in ("lwr", "buckley-leverett"):
        for initial in INITIALS:
            found = solved(Configuration(law, laws=2, initials=4, initial=initial, **SHORT))
            assert found["values"].min() > -1e-6 and found["values"].max() < 1.0 + 1e-6


def test_samples_depend_on_their_own_index_only():
    large = Configuration("cubic", laws=4, initials=6, **SHORT)
    small = Configuration("cubic", laws=3, initials=4, **SHORT)
    many, few = solved(large), solved(small)
    np.testing.assert_array_equal(few["law"], np.repeat(np.arange(3), 4))
    np.testing.assert_array_equal(few["initial"], np.tile(np.arange(4), 3))
    among = [law * 6 + index for law in range(3) for index in range(4)]
    np.testing.assert_array_equal(few["coefficients"], many["coefficients"][among])
    np.testing.assert_array_equal(few["values"][:, 0], many["values"][among, 0])
    np.testing.assert_array_equal(few["values"], many["values"][among])


@pytest.mark.validation
def test_nothing_in_memory_or_threads_changes_a_number():
    assert block_size(Configuration("cubic", **SHORT)) == 8
    configuration = Configuration("shallow-water", laws=3, initials=7, **SHORT)
    reference = solved(configuration, in_flight=1, threads=1)
    other = solved(configuration, in_flight=3, threads=4)
    for name, expected in reference.items():
        np.testing.assert_array_equal(other[name], expected, err_msg=name)
    resumed = list(blocks(configuration, start=8))
    np.testing.assert_array_equal(
        np.concatenate([block.values for block in resumed]), reference["values"][8:]
    )
    with pytest.raises(ValueError, match="multiple of 8"):
        next(blocks(configuration, start=3))


def test_splits_seeds_laws_and_kinds_have_their_own_numbers():
    states = [
        Configuration("cubic").initial_state(0, 0),
        Configuration("cubic").initial_state(0, 1),
        Configuration("cubic").initial_state(1, 0),
        Configuration("cubic", seed=1).initial_state(0, 0),
        Configuration("cubic", split="test").initial_state(0, 0),
        Configuration("sine").initial_state(0, 0),
    ]
    correlation = np.abs(np.corrcoef([state[0] for state in states])) - np.eye(len(states))
    assert correlation.max() < 0.999
    np.testing.assert_array_equal(
        Configuration("cubic", initial="steps").coefficients(5),
        Configuration("cubic").coefficients(5),
    )
    assert not np.allclose(
        Configuration("cubic", seed=1).coefficients(5), Configuration("cubic").coefficients(5)
    )


def test_shallow_water_steps_are_steps_in_height_only():
    height, momentum = Configuration("shallow-water", initial="steps").initial_state(0, 3)
    assert len(np.unique(height)) <= 5 and height.min() >= 0.5 and height.max() <= 4.5
    assert len(np.unique(momentum)) == 100


def test_too_many_steps_are_a_status_and_nan(monkeypatch):
    monkeypatch.setattr(generate, "_most_steps", lambda cells: 1)
    configuration = Configuration("cubic", laws=2, initials=4, cells=40, frames=3)
    found = solved(configuration)
    failed = found["status"] == Status.TOO_MANY_STEPS
    assert failed.any()
    assert np.all(np.isfinite(found["values"][:, 0]))
    assert np.all(np.isnan(found["values"][failed, -1]))
    assert np.all(np.isfinite(found["values"][~failed]))


def test_a_state_that_overflows_is_a_status_and_nan(monkeypatch):
    usual = Configuration.initial_state

    def sometimes_huge(self, law_index, initial_index):
        state = usual(self, law_index, initial_index)
        return state * 1e30 if initial_index == 1 else state

    monkeypatch.setattr(Configuration, "initial_state", sometimes_huge)
    found = solved(Configuration("cubic", laws=2, initials=4, **SHORT))
    failed = found["initial"] == 1
    np.testing.assert_array_equal(found["status"] == Status.NON_FINITE, failed)
    assert np.all(np.isfinite(found["values"][failed, 0]))
    assert np.all(np.isnan(found["values"][failed, 1:]))
    assert np.all(np.isfinite(found["values"][~failed]))


def test_frames_before_a_failure_are_kept():
    frozen = np.asarray([0.0, 1.0, 2.0, 3.0, 3.0, 3.0])[:, None, None]
    assert generate._reached(frozen) == 3  # frame 3 may be a state between two frames
    assert generate._reached(np.zeros((4, 1, 2))) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"law": "burger"}, "Unknown law 'burger'; choose one of cubic, sine"),
        ({"split": "training"}, "choose one of train, validation, test"),
        ({"initial": "waves"}, "choose one of grf, steps"),
        ({"laws": 0}, "laws must be at least 1; got 0"),
        ({"initials": -1}, "initials must be at least 1"),
        ({"cells": 0}, "cells must be at least 8"),
        ({"seed": -1}, "must not be negative"),
        ({"frames": 1}, "frames must be at least 2"),
        ({"final_time": float("nan")}, "must be between 1e-18 and 1e.18; got nan"),
        ({"final_time": 1e300}, "must be between 1e-18 and 1e.18; got 1e.300"),
    ],
)
def test_impossible_configurations_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Configuration(**{"law": "cubic", **arguments})
