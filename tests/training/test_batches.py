"""Batches: functions of their number, of solved trajectories, within the time limit."""

import dataclasses
import pickle

import numpy as np
import pytest

from hfluxno.cli.generate import GenerateConfig
from hfluxno.cli.generate import main as generate_set
from hfluxno.data import Configuration, block_size, blocks, generate, open_dataset
from hfluxno.training.batch_source import window_starts
from hfluxno.training.batches_from_files import BatchesFromFiles, check_file
from hfluxno.training.batches_from_solver import BatchesFromSolver
from hfluxno.training.presets import preset
from hfluxno.training.windows import WindowFile
from tests.slow import slow
from tests.training.standin import take

_SET = Configuration("cubic", cells=16, frames=9, final_time=0.04)


pytestmark = pytest.mark.usefixtures("small_blocks")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """30 trajectories, of which number 5 counts as failed, in chunks of 4."""
    path = tmp_path_factory.mktemp("set") / "set.zarr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "_LARGEST_CHUNK", {"cpu": 4})
        patch.setattr(generate, "_CHUNKS_PER_BLOCK", 2)
        assert generate_set(GenerateConfig("cubic", path, laws=10, initials=3, cells=16)) == 0
    import zarr

    zarr.open_group(path, mode="r+")["status"][5] = 1
    return path


def _equal(a, b):
    return np.array_equal(a.frames, b.frames) and np.array_equal(a.law.a, b.law.a)


def test_generated_batches_are_functions_of_their_number():
    source = BatchesFromSolver(_SET, window=5, batch=6, windows=2)
    whole = take(source, 0, 5)  # two to a block
    for start in (1, 2, 3):
        assert all(map(_equal, take(source, start, 2), whole[start:]))
    assert not _equal(whole[0], whole[2])
    other = BatchesFromSolver(dataclasses.replace(_SET, seed=1), window=5, batch=6)
    assert not _equal(take(other, 0, 1)[0], whole[0])


def test_generated_windows_are_those_of_the_data_set():
    source = BatchesFromSolver(_SET, window=5, batch=6, windows=2)
    first = next(blocks(dataclasses.replace(_SET, laws=block_size(_SET), initials=1)))
    for batch in take(source, 0, 2):
        for frames, a in zip(batch.frames, batch.law.a, strict=True):
            (trajectory,) = np.flatnonzero(first.coefficients[:, 0] == a)
            states = first.values[trajectory]
            assert any(np.array_equal(states[s : s + 5], frames) for s in range(5))


def let_fail(monkeypatch, which):
    """These trajectories of every block that is solved."""
    whole = generate.blocks

    def failing(*arguments, **options):
        for block in whole(*arguments, **options):
            block.status[which] = 1
            block.values[which] = np.nan
            yield block

    monkeypatch.setattr("hfluxno.training.batches_from_solver.blocks", failing)


def test_failed_trajectories_are_replaced(monkeypatch):
    let_fail(monkeypatch, slice(None, None, 2))
    source = BatchesFromSolver(_SET, window=5, batch=8, windows=2)
    assert all(np.all(np.isfinite(batch.frames)) for batch in take(source, 0, 2))


def test_a_generated_source_refuses_what_cannot_be():
    with pytest.raises(ValueError, match=r"longer than the 9 frames with t ≤ 0\.04"):
        BatchesFromSolver(_SET, window=10, batch=6)
    with pytest.raises(ValueError, match="larger than a block of 8 trajectories"):
        BatchesFromSolver(_SET, window=5, batch=17, windows=2)


def test_a_pass_visits_every_solved_trajectory_once_and_in_time_every_window(file):
    windows = WindowFile(file, window=6, limit=0.04, seed=0)
    with open_dataset(file) as data:
        values, coefficients = data["values"].values, data["coefficients"].values
    seen = set()
    for passed in range(4):  # nine frames with t ≤ 0.04, so four starts
        visited = []
        for place in range(29):
            window = windows[29 * passed + place]
            (trajectory,) = np.flatnonzero(
                (coefficients == window["coefficients"]).all(axis=1)
                & ([np.isin(window["frames"], v).all() for v in values])
            )
            starts = [
                s
                for s in range(4)
                if np.array_equal(values[trajectory, s : s + 6], window["frames"])
            ]
            assert len(starts) == 1
            visited.append(trajectory)
            seen.add((trajectory, starts[0]))
        assert sorted(visited) == [i for i in range(30) if i != 5]
    assert len(seen) == 29 * 4


def test_a_file_is_read_in_chunks_that_neighbours_share(file):
    windows = WindowFile(file, window=6, limit=0.04, seed=0)
    for number in range(29):
        windows[number]
        assert windows._file._chunk.shape[0] <= 4  # trajectories of a chunk; no more is held
    assert (
        pickle.loads(pickle.dumps(windows))._file.solved.tolist() == windows._file.solved.tolist()
    )


@pytest.mark.parametrize("workers", [0, slow(2)])
def test_batches_of_a_file_are_functions_of_their_number(file, workers):
    source = BatchesFromFiles("cubic", file, window=6, batch=7, limit=0.04, seed=0, workers=workers)
    alone = WindowFile(file, 6, 0.04, 0)
    for i, batch in enumerate(take(source, 3, 3), start=3):
        expected = [alone[number]["frames"] for number in range(7 * i, 7 * i + 7)]
        assert np.array_equal(batch.frames, expected)


def test_a_file_that_does_not_fit_is_refused(file, tmp_path):
    tiny = preset("tiny").model
    with pytest.raises(ValueError, match="cells is 16 where 20 is needed"):
        check_file(file, "cubic", tiny)
    with pytest.raises(ValueError, match="law is cubic where burgers is needed"):
        check_file(file, "burgers", dataclasses.replace(tiny, cells=(16,)))
    with pytest.raises(ValueError, match="fields is u where h, m is needed"):
        check_file(file, "cubic", dataclasses.replace(tiny, fields=("h", "m")))
    with pytest.raises(ValueError, match=r"between frames is 0\.005 where 0\.01 is needed"):
        check_file(file, "cubic", dataclasses.replace(tiny, cells=(16,), interval=0.01))
    with pytest.raises(FileNotFoundError, match="There is no data set"):
        BatchesFromFiles("cubic", tmp_path / "none.nc", 6, 7, 0.04, 0)
    with pytest.raises(ValueError, match="longer than the 9 frames"):
        BatchesFromFiles("cubic", file, 10, 7, 0.04, 0)
    with pytest.raises(ValueError, match="workers must not be negative"):
        BatchesFromFiles("cubic", file, 6, 7, 0.04, 0, workers=-1)


def test_a_window_may_end_at_the_limit_itself():
    times = np.linspace(0.0, 0.5, 101)
    assert window_starts(times, 0.4, 81) == 1
    with pytest.raises(ValueError, match="81 frames"):
        window_starts(times, 0.4, 82)
