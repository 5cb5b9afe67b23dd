"""Examples in batches: of the law of their window, never of its trajectory, in both directions."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.data import Configuration, block_size, blocks, solver
from hfluxno.data.generate import Block
from hfluxno.models.baselines.icon.model import ICONConfig
from hfluxno.models.configuration import Pairs
from hfluxno.training import batches_from_solver
from hfluxno.training.augment import AugmentConfig
from hfluxno.training.batch import Batch
from hfluxno.training.batches_from_solver import BatchesFromSolver
from hfluxno.training.configuration import DataConfig, TrainConfig, ValidationConfig
from hfluxno.training.examples import drawn, fixed
from hfluxno.training.losses import LossConfig, make_loss
from hfluxno.training.optimizer import OptimizerConfig
from hfluxno.training.sharding import Placement
from hfluxno.training.trainer import beginning, make_batch_source
from hfluxno.training.validation import Validation, validation_windows
from tests.models.baselines.test_icon import sensitive
from tests.training.standin import take
from tests.training.test_batches import let_fail

_SET = Configuration("cubic", cells=16, frames=9, final_time=0.04)
_PAIRS = Pairs(count=3, ahead=2)
_OF_A_LAW = 4
_CONFIG = TrainConfig(
    name="icon",
    model=ICONConfig(
        cells=(16,), spacing=(1 / 16,), examples=3, width=4, layers=1, heads=1, widening=1, points=8
    ),
    data=DataConfig("cubic", limit=0.05),
    optimizer=OptimizerConfig(warmup=1),
    validation=ValidationConfig(windows=4, steps=3, every=2),
    steps=4,
    batch=4,
)


@pytest.fixture(autouse=True)
def two_laws_to_a_block(small_blocks, monkeypatch):
    monkeypatch.setattr(batches_from_solver, "_OF_A_LAW", _OF_A_LAW)


def _source(**changes):
    return BatchesFromSolver(_SET, window=4, batch=6, windows=2, pairs=_PAIRS, **changes)


def _equal(a, b):
    return np.array_equal(a.frames, b.frames) and np.array_equal(a.examples, b.examples)


def _places(values, state):
    """(trajectory, frame) of a state; every one is there once."""
    (place,) = np.argwhere((values == state).all(axis=(2, 3)))
    return tuple(place.tolist())


def test_batches_with_examples_are_functions_of_their_number():
    whole = take(_source(), 0, 5)  # two to a block
    for start in (1, 2, 3):
        assert all(map(_equal, take(_source(), start, 2), whole[start:]))
    assert not _equal(whole[0], whole[1]) and not _equal(whole[0], whole[2])


def test_examples_are_of_the_law_of_their_window_and_of_other_trajectories_of_it():
    count = block_size(_SET)
    laws = count // _OF_A_LAW
    first = next(blocks(dataclasses.replace(_SET, laws=laws, initials=_OF_A_LAW)))
    used, times = set(), set()
    for batch in take(_source(), 0, 2):
        assert batch.frames.shape == (6, 4, 1, 16) and batch.examples.shape == (6, 3, 2, 1, 16)
        assert batch.frames.dtype == batch.examples.dtype == np.float32 and batch.law is None
        directions = []
        for frames, pairs in zip(batch.frames, batch.examples, strict=True):
            window = [_places(first.values, state) for state in frames]
            trajectory, begin = window[0]
            step = window[1][1] - begin
            assert window == [(trajectory, begin + step * j) for j in range(4)] and abs(step) == 1
            directions.append(step)
            others = []
            for condition, quantity in pairs:
                (other, t), (same, later) = (
                    _places(first.values, state) for state in (condition, quantity)
                )
                assert same == other and later - t == step * _PAIRS.ahead
                assert first.law[other] == first.law[trajectory] and other != trajectory
                others.append(other)
                times.add(min(t, later))
            assert len(set(others)) == 3  # there are three, and each is used once
            used.add((trajectory, tuple(others)))
        assert sorted(directions) == [-1] * 3 + [1] * 3  # half of them backwards
    assert len(used) == 12 and times == set(range(7))


def test_a_law_with_few_solved_trajectories_repeats_them_and_one_alone_is_left_out(monkeypatch):
    let_fail(monkeypatch, [0, 1, 5, 6, 7])
    for batch in take(_source(), 0, 3):
        assert np.all(np.isfinite(batch.frames)) and np.all(np.isfinite(batch.examples))


def test_drawn_examples_take_the_steps_of_a_pair_from_every_time():
    frames = np.arange(5.0)
    block = Block(
        start=0,
        law=np.asarray([7, 7, 8]),
        initial=np.asarray([0, 1, 0]),
        coefficients=np.zeros((3, 3)),
        values=np.broadcast_to(
            (100.0 * np.arange(3)[:, None] + frames)[..., None, None], (3, 5, 1, 8)
        ),
        status=np.zeros(3, int),
    )
    found = drawn(np.random.default_rng(0), block, np.asarray([0, 1]), Pairs(50, 3))
    assert set(found[0, :, 0].ravel()) == {100.0, 101.0} and set(found[1, :, 0].ravel()) == {
        0.0,
        1.0,
    }
    np.testing.assert_array_equal(found[:, :, 1] - found[:, :, 0], 3.0)


def test_fixed_examples_continue_the_initial_conditions_of_their_law():
    test = dataclasses.replace(_SET, split="test", laws=5, initials=2)
    laws = np.asarray([3, 1])
    coefficients = np.stack([test.coefficients(int(law)) for law in laws])
    found = fixed(test, laws, coefficients, _PAIRS, limit=0.02)
    assert found.shape == (2, 3, 2, 1, 16)
    run = solver(test)
    for i, law in enumerate(laws):
        states = np.stack([test.initial_state(int(law), 2 + k) for k in range(4)]).astype("f4")
        values = np.asarray(run(np.repeat(coefficients[i : i + 1].astype("f4"), 4, 0), states)[0])
        for k, (condition, quantity) in enumerate(found[i]):
            trajectory, frame = _places(values, condition)
            assert trajectory == k and frame <= 4  # t ≤ 0.02
            assert _places(values, quantity) == (k, frame + 2)
    # Of a law they are the same, whichever others are asked for.
    np.testing.assert_array_equal(fixed(test, laws[1:], coefficients[1:], _PAIRS, 0.02), found[1:])
    other = fixed(dataclasses.replace(test, seed=1), laws, coefficients, _PAIRS, 0.02)
    assert not np.array_equal(other, found)


def test_failed_examples_are_replaced_by_others_of_the_law(monkeypatch):
    test = dataclasses.replace(_SET, split="test", laws=2, initials=1)
    coefficients = np.stack([test.coefficients(law) for law in range(2)])
    run = solver(test)
    example = np.asarray(test.initial_state(0, test.initials), test.dtype)  # the first of law 0

    def failing(configuration):
        def some(coefficients, initial):
            values, status = map(np.array, run(coefficients, initial))
            bad = (initial == example).all(axis=(1, 2))
            values[bad], status[bad] = np.nan, 1
            return values, status

        return some

    whole = fixed(test, np.arange(2), coefficients, _PAIRS, 0.02)
    monkeypatch.setattr("hfluxno.training.examples.solver", failing)
    found = fixed(test, np.arange(2), coefficients, _PAIRS, 0.02)
    np.testing.assert_array_equal(found[0], whole[0][[1, 2, 1]])
    np.testing.assert_array_equal(found[1], whole[1])


@pytest.mark.validation
def test_the_validation_has_examples_that_no_window_holds():
    windows = validation_windows(_CONFIG)
    assert windows.frames.shape == (4, 4, 1, 16) and windows.examples.shape == (4, 3, 2, 1, 16)
    again = validation_windows(_CONFIG)
    assert _equal(windows, again)
    assert not np.isin(windows.examples, windows.frames).all(axis=(3, 4)).any()


@pytest.mark.validation
def test_the_loss_is_the_error_of_the_question_alone():
    network = sensitive(_CONFIG.model)
    batch = next(iter(take(make_batch_source(_CONFIG), 0, 1)))
    keys = jax.random.split(jax.random.key(0), 4)
    loss = jax.jit(make_loss(LossConfig("one-step"), 1))

    def answer(pairs, frames):
        return network.shown(pairs).operator(frames[0])

    found = jax.jit(jax.vmap(answer))(jnp.asarray(batch.examples), jnp.asarray(batch.frames))
    expected = np.mean((np.asarray(found) - batch.frames[:, 1]) ** 2)
    np.testing.assert_allclose(loss(network, batch, keys), expected, rtol=1e-5)
    # Other examples, another answer; a batch without any cannot be answered.
    other = Batch(batch.frames, examples=batch.examples[::-1].copy())
    assert abs(float(loss(network, other, keys)) / expected - 1.0) > 1e-5
    with pytest.raises(ValueError, match="show it pairs"):
        loss(network, Batch(batch.frames), keys)


@pytest.mark.validation
def test_a_step_and_a_validation_of_a_run_use_the_examples():
    placement = Placement.on()
    step, state, static = beginning(_CONFIG, placement)
    for batch in take(make_batch_source(_CONFIG), 0, 2):
        state, metrics = step(state, placement.batch(batch))
    assert np.isfinite(metrics["loss"]) and metrics["gradient_norm"] > 0.0
    assert int(state.skipped) == 0
    errors = Validation(_CONFIG, static, placement).errors(state.parameters)
    assert 0.0 < errors["error_one_step"] <= 1.0


def test_what_examples_cannot_be_combined_with():
    def config(**changes):
        return dataclasses.replace(_CONFIG, **changes)

    with pytest.raises(ValueError, match="leave the augmentation out"):
        config(augment=AugmentConfig(shift=True))
    with pytest.raises(ValueError, match="leave the files out"):
        config(data=DataConfig("cubic", train="set.zarr"))
