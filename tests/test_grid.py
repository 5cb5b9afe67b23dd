"""Grids, their ghost cells and what they refuse."""

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError

from hfluxno.boundary import BOUNDARIES, Given, Inflow, named
from hfluxno.grid import Grid, pad


def test_cells_and_centers():
    grid = Grid.interval(4, -1.0, 3.0)
    assert grid.spacing == (1.0,)
    np.testing.assert_allclose(grid.centers(), [-0.5, 0.5, 1.5, 2.5])
    fine = grid.refine(3)
    assert (fine.shape, fine.lower, fine.upper) == ((12,), (-1.0,), (3.0,))
    # The average of three fine centres is the coarse one.
    np.testing.assert_allclose(fine.centers().reshape(4, 3).mean(axis=1), grid.centers())
    plane = Grid((0.0, 0.0), (1.0, 2.0), (2, 8), (("periodic",) * 2, ("outflow",) * 2))
    assert plane.spacing == (0.5, 0.25)
    np.testing.assert_allclose(plane.centers(1)[:2], [0.125, 0.375])


def test_refining_keeps_the_boundary():
    inflow = jnp.asarray([[1.0, 2.0]])
    fine = Grid.interval(4, boundary=("inflow", "outflow"), inflow=inflow).refine(2)
    assert fine.ends() == ("inflow", "outflow")
    np.testing.assert_array_equal(fine.boundary[0][0].state, inflow[:, 0])


STATE = jnp.asarray([[1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]])


@pytest.mark.parametrize(
    ("boundary", "first", "second"),
    [
        ("periodic", [3, 4, 1, 2, 3, 4, 1, 2], [30, 40, 10, 20, 30, 40, 10, 20]),
        ("open", [1, 1, 1, 2, 3, 4, 4, 4], [10, 10, 10, 20, 30, 40, 40, 40]),
        ("outflow", [1, 1, 1, 2, 3, 4, 4, 4], [10, 10, 10, 20, 30, 40, 40, 40]),
        ("reflecting", [2, 1, 1, 2, 3, 4, 4, 3], [-20, -10, 10, 20, 30, 40, -40, -30]),
        ("wall", [2, 1, 1, 2, 3, 4, 4, 3], [-20, -10, 10, 20, 30, 40, -40, -30]),
        ("inflow", [5, 5, 1, 2, 3, 4, 6, 6], [7, 7, 10, 20, 30, 40, 8, 8]),
        (("outflow", "inflow"), [1, 1, 1, 2, 3, 4, 6, 6], [10, 10, 10, 20, 30, 40, 8, 8]),
        (("reflecting", "outflow"), [2, 1, 1, 2, 3, 4, 4, 4], [-20, -10, 10, 20, 30, 40, 40, 40]),
    ],
)
def test_ghost_cells(boundary, first, second):
    grid = Grid.interval(4, boundary=boundary, inflow=jnp.asarray([[5.0, 6.0], [7.0, 8.0]]))
    padded = pad(STATE, grid, 2, negated_fields=(1,))
    np.testing.assert_array_equal(padded, np.array([first, second], float))
    np.testing.assert_array_equal(pad(STATE, grid, 1, negated_fields=(1,)), padded[:, 1:-1])


def test_each_boundary_name_has_a_case_above():
    assert set(BOUNDARIES) == {
        "periodic",
        "outflow",
        "open",
        "wall",
        "reflecting",
        "inflow",
        "given",
    }


def test_a_given_boundary_is_linear_in_time_and_constant_beyond():
    given = Given(np.array([0.0, 2.0]), np.array([[1.0, 5.0], [0.0, -2.0]]))
    grid = Grid.interval(4, boundary=(given, "outflow"))
    for time, outside in ((-1.0, [1, 0]), (0.5, [2, -0.5]), (3.0, [5, -2])):
        padded = pad(STATE, grid, 2, time=time)
        np.testing.assert_array_equal(padded[:, :2], np.repeat(np.array(outside)[:, None], 2, 1))
        np.testing.assert_array_equal(padded[:, 2:6], STATE)
    with pytest.raises((ValueError, TypeCheckError)):
        Given(np.arange(3.0), np.ones((1, 2)))


@pytest.mark.parametrize("boundary", ["periodic", "outflow", "reflecting"])
@pytest.mark.parametrize("axis", [0, 1])
def test_ghost_cells_of_a_plane(boundary, axis):
    """Along one axis each line of a plane is padded like a line of its own."""
    plane = np.random.default_rng(0).normal(size=(2, 4, 4))
    grid = Grid((0.0, 0.0), (1.0, 1.0), (4, 4), ((boundary,) * 2,) * 2)
    padded = np.moveaxis(pad(jnp.asarray(plane), grid, 2, (1,), axis), axis + 1, -1)
    lines = np.moveaxis(plane, axis + 1, -1)
    for i in range(4):
        line = pad(jnp.asarray(lines[:, i]), Grid.interval(4, boundary=boundary), 2, (1,))
        np.testing.assert_array_equal(padded[:, i], line)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Grid.interval(8, 1.0, 1.0), r"lower < upper; got \[1.0, 1.0\]"),
        (lambda: Grid.interval(8, 2.0, 1.0), r"lower < upper; got \[2.0, 1.0\]"),
        (lambda: Grid.interval(8, 0.0, float("inf")), "finite ends"),
        (lambda: Grid.interval(8, float("nan"), 1.0), "finite ends"),
        (lambda: Grid.interval(0), "at least one cell per axis; got 0"),
        (lambda: Grid.interval(8, boundary=("periodic", "outflow")), "both of them periodic"),
        (lambda: Grid.interval(8, boundary=("outflow", "periodic")), "both of them periodic"),
        (lambda: Grid.interval(8, boundary="inflow"), r"inflow=array of shape \(field, 2\)"),
        (
            lambda: Grid.rectangle((8, 8), boundary=(("inflow", "outflow"), "periodic")),
            r"pass Inflow\(state\) of hfluxno.boundary for its name",
        ),
        (lambda: Grid((0.0,), (1.0, 2.0), (8,), (("outflow",) * 2,)), "one entry per axis; got 1"),
        (lambda: Grid((0.0,), (1.0,), (8,), ()), "got 1, 1, 1 and 0"),
    ],
)
def test_bad_grids(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_unknown_boundary():
    with pytest.raises(ValueError, match=r"Unknown boundary .ajar.; choose one of periodic"):
        named.__wrapped__("ajar")  # without the check of annotations that these tests have


def test_a_rectangle_has_a_boundary_for_each_side():
    around = Grid.rectangle((4, 6), (0.0, -1.0), (1.0, 2.0), "wall")
    assert (around.spacing, around.ends(0), around.ends(1)) == (
        (0.25, 0.5),
        ("reflecting",) * 2,
        ("reflecting",) * 2,
    )
    channel = Grid.rectangle((4, 6), boundary=("periodic", ("wall", "outflow")))
    assert (channel.is_periodic(0), channel.ends(1)) == (True, ("reflecting", "outflow"))
    assert channel.refine(2).shape == (8, 12)


def test_ghost_cells_of_a_side_are_those_of_its_rows():
    rows = np.random.default_rng(0).normal(size=(2, 3, 4))
    given = Given(np.array([0.0, 1.0]), np.array([[1.0, 3.0], [0.0, 1.0]]))
    for ends in (("wall", "outflow"), "periodic", (given, Inflow(np.array([5.0, 7.0])))):
        plane = Grid.rectangle((3, 4), boundary=("outflow", ends))
        line = Grid.interval(4, boundary=ends)
        padded = pad(jnp.asarray(rows), plane, 2, (1,), axis=1, time=0.5)
        for row in range(3):
            alone = pad(jnp.asarray(rows[:, row]), line, 2, (1,), time=0.5)
            np.testing.assert_array_equal(padded[:, row], alone)
        turned = Grid.rectangle((4, 3), boundary=(ends, "outflow"))
        other = pad(jnp.asarray(rows.swapaxes(1, 2)), turned, 2, (1,), axis=0, time=0.5)
        np.testing.assert_array_equal(other, padded.swapaxes(1, 2))


def test_an_inflow_may_vary_along_a_side():
    profile = np.arange(6.0).reshape(2, 3)
    grid = Grid.rectangle((4, 3), boundary=((Inflow(profile), "outflow"), "periodic"))
    padded = pad(jnp.zeros((2, 4, 3)), grid, 2, axis=0)
    np.testing.assert_array_equal(padded[:, :2], np.stack([profile] * 2, axis=1))
    np.testing.assert_array_equal(padded[:, 2:], 0.0)
