"""Which windows of a test set are used, and that they are those of its trajectories."""

import dataclasses
import itertools

import numpy as np
import pytest

from hfluxno.data import Block, Configuration, Writer, blocks, solver
from hfluxno.evaluation.paper import sample
from hfluxno.evaluation.paper.problems import PROBLEMS
from hfluxno.evaluation.paper.sample import BATCH, generated, given
from hfluxno.models.configuration import Pairs

CUBIC = PROBLEMS["cubic"]
PLACES = range(20, 82)  # 20 of 101 frames before a window's place and 20 from it on
SIZE = 3  # trajectories of a block


def numbered(configuration, unsolved=()):
    """Blocks whose states are 1000 times the trajectory plus the frame, and whose coefficients are
    the number of the law."""
    for start in range(0, configuration.trajectories, SIZE):
        index = np.arange(start, min(start + SIZE, configuration.trajectories), dtype=np.int32)
        frames = 1000 * index[:, None] + np.arange(configuration.frames)
        space = (len(configuration.fields), configuration.cells)
        law = index // configuration.initials
        yield Block(
            start=start,
            law=law,
            initial=index % configuration.initials,
            coefficients=np.repeat(law[:, None], len(configuration.parameters), 1).astype("f4"),
            values=np.broadcast_to(frames[..., None, None], (*frames.shape, *space)).astype("f4"),
            status=np.isin(index, unsolved).astype(np.int8),
        )


@pytest.fixture
def drawn(monkeypatch):
    """The blocks that were asked for; nothing is solved."""
    found = []

    def fake(configuration):
        for block in numbered(configuration):
            found.append(block.start)
            yield block

    monkeypatch.setattr(sample, "blocks", fake)
    return found


def tiny(windows, laws, initials, problem=CUBIC):
    """A set of 20 cells."""
    test = generated(problem, windows, laws, initials, seed=0)
    return dataclasses.replace(
        test, configuration=dataclasses.replace(test.configuration, cells=20)
    )


def read(batches, context):
    """(trajectory, first forecast frame) of numbered windows that are whole and have their law."""
    found = []
    for batch in batches:
        number = batch.frames[:, :, 0, 0].astype(int)
        np.testing.assert_array_equal(np.diff(number), 1)
        np.testing.assert_array_equal(batch.coefficients[:, 0], batch.laws)
        found += [(n // 1000, n % 1000) for n in number[:, context].tolist()]
    return found


def test_all_windows_are_every_place_of_every_trajectory_once():
    test = generated(CUBIC, None, laws=3, initials=2, seed=0)
    assert list(test.chosen()) == list(itertools.product(range(6), PLACES))
    # A sample that asks for more gets the same.
    assert list(generated(CUBIC, 1000, 3, 2, 0).chosen()) == list(test.chosen())


@pytest.mark.parametrize(
    ("windows", "laws", "initials", "trajectories"),
    [
        (400, 100, 100, 400),
        (7, 100, 100, 100),
        (150, 3, 100, 150),
        (250, 3, 2, 6),
        (371, 3, 2, 6),
        (4, 2, 100, 4),
        (1, 1, 1, 1),
    ],
)
def test_a_sample_is_spread_over_trajectories_and_places(windows, laws, initials, trajectories):
    test = generated(CUBIC, windows, laws, initials, seed=0)
    assert test.trajectories == trajectories
    found = list(test.chosen())
    assert len(found) == len(set(found)) == windows
    used, places = np.transpose(found)
    assert np.all(np.diff(used) >= 0) and set(places) <= set(PLACES)
    # Every trajectory, and every place, is taken as often as any other, or once more.
    assert np.ptp(np.bincount(used, minlength=trajectories)) <= 1
    assert np.ptp(np.bincount(places - PLACES[0], minlength=len(PLACES))) <= 1
    # Where some are skipped, no long stretch is.
    assert np.diff([-1, *used, trajectories]).max() <= max(1, trajectories // windows + 1)


def test_windows_are_cut_where_they_were_chosen(drawn):
    for test in (tiny(None, 2, 2), tiny(30, 7, 100), tiny(7, 100, 100)):
        assert read(test.batches(20, 20), 20) == list(test.chosen())
        assert read(test.batches(20, 5), 20) == list(test.chosen())


@pytest.mark.parametrize("context", [1, 2, 20, 30, 81])
def test_any_context_forecasts_the_same_frames(drawn, context):
    test = tiny(90, 5, 4)
    expected = [(trajectory, max(place, context)) for trajectory, place in test.chosen()]
    assert read(test.batches(context, 20), context) == expected
    assert context > 20 or expected == list(test.chosen())


def test_a_context_that_leaves_no_forecast_has_no_windows(drawn):
    assert list(tiny(90, 5, 4).batches(82, 20)) == []


@pytest.mark.parametrize("context", [2, 20, 30])
def test_long_rollouts_go_to_the_end(drawn, context):
    few, all_windows = tiny(9, 3, 100), tiny(None, 3, 3)
    first = max(context, 20)
    for test, used in ((few, [0, 3, 6]), (all_windows, range(9))):
        batches = list(test.long_batches(context))
        assert read(batches, context) == [(trajectory, first) for trajectory in used]
        for batch in batches:
            np.testing.assert_array_equal(batch.frames[:, -1, 0, 0] % 1000, 100)


def test_trajectories_that_were_not_solved_are_left_out(monkeypatch):
    unsolved = (0, 4, 5, 8)
    monkeypatch.setattr(sample, "blocks", lambda c: numbered(c, unsolved))
    test = tiny(60, 3, 3)
    expected = [pair for pair in test.chosen() if pair[0] not in unsolved]
    assert 0 < len(expected) < 60 and read(test.batches(20, 20), 20) == expected
    # The first solved trajectory of each law.
    assert read(test.long_batches(20), 20) == [(1, 20), (3, 20), (6, 20)]


def test_lots_are_bounded_and_made_when_they_are_asked_for(drawn):
    batches = tiny(None, 4, 3).batches(20, 20)
    assert drawn == []
    first = next(batches)
    assert len(first.laws) == BATCH and drawn == [0, 3]  # 62 windows of each trajectory
    sizes = [len(first.laws), *(len(batch.laws) for batch in batches)]
    assert sizes == [BATCH, BATCH, 12 * 62 - 2 * BATCH]


def test_a_context_has_the_grid_the_fields_and_the_interval_of_the_set(drawn):
    test = tiny(4, 2, 2, PROBLEMS["shallow-water"])
    context = test.context(next(test.batches(2, 20)), 2)
    assert context.fields == ("h", "m") and context.grid.shape == (20,)
    np.testing.assert_allclose(context.times, [0.0, 0.005])


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """A small set and its file."""
    configuration = Configuration("cubic", "test", laws=3, initials=2, cells=20, seed=5)
    path = tmp_path_factory.mktemp("set") / "set.nc"
    writer = Writer(configuration, path)
    for block in blocks(configuration):
        writer.write(block)
    writer.finish()
    return configuration, path


@pytest.mark.parametrize("windows", [None, 13])
def test_a_file_has_the_windows_of_the_set_that_it_was_made_of(solved, monkeypatch, windows):
    configuration, path = solved
    monkeypatch.setattr(sample, "_PART", 4)
    test = given(CUBIC, windows, path)
    assert test.configuration == configuration
    fresh = dataclasses.replace(test, path=None)
    for name, arguments in (("batches", (20, 20)), ("long_batches", (20,))):
        pairs = zip(getattr(test, name)(*arguments), getattr(fresh, name)(*arguments), strict=True)
        for read_batch, made in pairs:
            for field in dataclasses.fields(made):
                np.testing.assert_array_equal(
                    getattr(read_batch, field.name), getattr(made, field.name)
                )


def written(configuration, path):
    writer = Writer(configuration, path)
    for block in numbered(configuration):
        writer.write(block)
    writer.finish()
    return path


@pytest.mark.parametrize(
    ("problem", "frames", "message"),
    [
        ("sine", 101, "is a set of cubic with the initial conditions grf, but sine is sine with"),
        ("cubic-steps", 101, "grf, but cubic-steps is cubic with steps"),
        ("cubic", 39, "has 39 frames; a window needs 40"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, problem, frames, message):
    configuration = Configuration("cubic", "test", laws=1, initials=1, cells=8, frames=frames)
    path = written(configuration, tmp_path / "set.zarr")
    with pytest.raises(ValueError, match=message):
        given(PROBLEMS[problem], None, path)


def test_a_file_whose_solver_landed_on_other_frames_is_refused(tmp_path):
    configuration = dataclasses.replace(CUBIC.configuration(1, 1, 0), cells=8)
    path = written(configuration, tmp_path / "set.nc")
    with pytest.raises(ValueError, match="thinning = 1, but cubic-authors has 10; generate"):
        given(PROBLEMS["cubic-authors"], None, path)


def test_a_file_may_have_other_numbers_of_frames_and_cells(tmp_path):
    configuration = Configuration("cubic", "test", laws=2, initials=1, cells=8, frames=41)
    test = given(CUBIC, None, written(configuration, tmp_path / "set.nc"))
    assert read(test.batches(20, 20), 20) == [(0, 20), (0, 21), (1, 20), (1, 21)]
    with pytest.raises(OSError, match="There is no data set"):
        given(CUBIC, None, tmp_path / "none.nc")


def test_the_windows_of_a_law_have_the_same_examples_of_other_trajectories(monkeypatch):
    monkeypatch.setattr(sample, "BATCH", 7)
    test, pairs = tiny(20, 3, 4), Pairs(3, 1)
    block = next(iter(blocks(test.configuration)))
    found: dict[int, np.ndarray] = {}
    for batch in (*test.batches(20, 20, pairs), *test.long_batches(20, pairs)):
        assert batch.examples.shape == (len(batch.laws), 3, 2, 1, 20)
        for law, examples in zip(batch.laws.tolist(), batch.examples, strict=True):
            np.testing.assert_array_equal(found.setdefault(law, examples), examples)
            # No state of the set is among them.
            assert not np.isin(examples, block.values).all(axis=(2, 3)).any()
        few = batch.first(2)
        np.testing.assert_array_equal(few.examples, batch.examples[:2])
    assert len(found) == 3 and not np.array_equal(found[0], found[1])
    assert next(test.batches(20, 20)).examples is None


def test_examples_obey_the_law_of_their_windows():
    """The solver of the law takes each first state to the second."""
    test = tiny(6, 3, 2)
    (batch,) = test.batches(20, 20, Pairs(2, 20))
    configuration = dataclasses.replace(test.configuration, frames=2, final_time=0.1)
    flat = batch.examples.reshape(-1, 2, 1, 20)
    values, status = solver(configuration)(np.repeat(batch.coefficients, 2, axis=0), flat[:, 0])
    assert not np.any(status)
    # The solver takes other steps where it does not stop at every frame.
    error = np.linalg.norm(np.asarray(values)[:, 1] - flat[:, 1], axis=(1, 2))
    moved = np.linalg.norm(flat[:, 1] - flat[:, 0], axis=(1, 2))
    assert np.all(error < 0.1 * moved + 1e-6)
