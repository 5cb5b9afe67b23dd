"""The true law from any frame of a set gives the frames after it."""

import numpy as np
import pytest

from hfluxno.data import Configuration, blocks
from hfluxno.evaluation.known_law import resampled, solve_known_law

CELLS, INTERVAL = 20, 0.005


@pytest.fixture(scope="module")
def sets():
    """By law, the one block of a small set."""
    found = {}

    def of(law):
        if law not in found:
            configuration = Configuration(law, "test", laws=3, initials=2, cells=CELLS)
            found[law] = next(blocks(configuration))
            assert not np.any(found[law].status)
        return found[law]

    return of


# The steps of Burgers' equation follow from the state alone; Clawpack's rule also knows the step
# before, and the same frames with other steps are a little different.
@pytest.mark.parametrize(("law", "tolerance"), [("burgers", 1e-6), ("cubic", 3e-3)])
@pytest.mark.parametrize("start", [1, 40])
def test_a_set_goes_on_from_any_frame(sets, law, tolerance, start):
    block, steps = sets(law), 20
    # As many frames as the set has: its compiled program is used again.
    frames, solved = solve_known_law(
        law, block.coefficients, block.values[:, start], 100, interval=INTERVAL
    )
    assert np.all(solved) and frames.shape == (6, 100, 1, CELLS)
    truth = block.values[:, start + 1 : start + 1 + steps]
    assert np.all(distance(frames[:, :steps], truth) < tolerance)
    assert np.all(distance(block.values[:, start, None], truth) > 10 * tolerance)


def distance(states, truth):
    """‖states - truth‖/‖truth‖ of each window, all frames together."""
    return norm(states - truth) / norm(truth)


def norm(values):
    return np.sqrt(np.sum(np.square(values, dtype=float), axis=(1, 2, 3)))


@pytest.mark.parametrize("cells", [10, 40])
def test_other_grids_conserve_the_total_and_come_close(sets, cells):
    block, steps = sets("burgers"), 20
    states = block.values[:, 30]
    frames, solved = solve_known_law(
        "burgers", block.coefficients, states, steps, interval=INTERVAL, cells=cells
    )
    assert np.all(solved) and frames.shape == (6, steps, 1, CELLS)
    totals = frames.mean(axis=-1, dtype=float)
    np.testing.assert_allclose(
        totals, np.broadcast_to(states.mean(axis=-1)[:, None], totals.shape), atol=2e-6
    )
    error = distance(frames, block.values[:, 31 : 31 + steps])
    assert np.all(error < 0.5) and np.all(error > 1e-3)  # close, but not the solver of the set


def test_what_cannot_be_solved_repeats_its_state(sets):
    block = sets("cubic")
    coefficients = block.coefficients.copy()
    coefficients[1], coefficients[4] = np.nan, 1e30
    frames, solved = solve_known_law(
        "cubic", coefficients, block.values[:, 0], 100, interval=INTERVAL
    )
    np.testing.assert_array_equal(solved, [True, False, True, True, False, True])
    for member in (1, 4):
        np.testing.assert_array_equal(
            frames[member], np.broadcast_to(block.values[member, 0], frames[member].shape)
        )
    # The others are not touched by it.
    np.testing.assert_array_equal(frames[solved], block.values[solved, 1:])


def test_other_numbers_of_cells_keep_constants_and_means():
    constant = np.full((2, 3, 12), 0.1, np.float32)
    for cells in (1, 4, 12, 36):
        np.testing.assert_array_equal(
            resampled(constant, cells), np.full((2, 3, cells), 0.1, np.float32)
        )
    values = np.random.default_rng(0).normal(size=(2, 3, 12))
    np.testing.assert_array_equal(resampled(values, 12), values)
    np.testing.assert_array_equal(resampled(resampled(values, 24), 12), values)
    np.testing.assert_allclose(resampled(values, 4)[..., 1], values[..., 3:6].mean(axis=-1))
    np.testing.assert_array_equal(resampled(values, 24)[..., 2:4], values[..., [1, 1]])


def test_cells_that_do_not_fit_are_refused(sets):
    states = np.zeros((1, 1, CELLS))
    with pytest.raises(
        ValueError, match="30 cells are neither a multiple nor a divisor of 20 cells"
    ):
        solve_known_law("cubic", np.ones((1, 3)), states, 2, interval=INTERVAL, cells=30)
