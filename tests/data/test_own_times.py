"""Trajectories of a table that were measured one after another."""

import numpy as np
import pandas as pd
import pytest

from hfluxno.data.noise import read_noise
from hfluxno.data.readers import read

CELLS = 12
MINUTES = np.arange(15.0)


def wave(times, phase):
    x = (np.arange(CELLS) + 0.5) / CELLS
    return 1.0 + 0.3 * np.sin(2.0 * np.pi * (x - 0.02 * times[:, None] + phase))


def days(begins, times=None, dates=False):
    """Lines of trajectories that begin at these minutes, and their values."""
    times = [MINUTES] * len(begins) if times is None else times
    parts, values = [], []
    for number, (begin, own) in enumerate(zip(begins, times, strict=True)):
        u = wave(own, 0.1 * number)
        entries = own + begin
        if dates:
            entries = np.datetime64("2024-02-27T07:00") + entries.astype("m8[m]")
        keys = {
            "time": np.repeat(entries, CELLS),
            "x": np.tile((np.arange(CELLS) + 0.5) / CELLS, len(own)),
            "trajectory": f"day {number}",
        }
        parts.append(pd.DataFrame(keys | {"u": u.ravel(), "sigma": 0.01 * (number + 1)}))
        values.append(u)
    return pd.concat(parts, ignore_index=True), values


def saved(path, frame):
    frame.sample(frac=1.0, random_state=0).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("dates", [False, True])
@pytest.mark.parametrize("begins", [(0.0, 1440.0), (1440.3, 0.0, 2880.1), (0.0, 0.5)])
def test_days_are_aligned_at_their_first_frames(tmp_path, begins, dates):
    if dates:
        begins = tuple(map(round, begins)) if begins[1] != 0.5 else (60.0, 0.0)
    frame, values = days(begins, dates=dates)
    source = read(saved(tmp_path / "a.csv", frame), "u")
    np.testing.assert_array_equal(source.values[:, :, 0], values)
    first = 0.0 if dates else begins[0]
    np.testing.assert_allclose(source.times - source.times[0], MINUTES * (60.0 if dates else 1.0))
    assert source.times[0] == pytest.approx(first)
    (note,) = [each for each in source.notes if "begin at different times" in each]
    assert "each is counted from its first frame" in note and "gaps" not in note


def test_one_of_them_has_its_own_times(tmp_path):
    frame, values = days((0.0, 1440.0))
    path = saved(tmp_path / "a.csv", frame)
    source = read(path, "u", trajectory=1)
    alone = read(saved(tmp_path / "b.csv", frame[frame.trajectory == "day 1"]), "u")
    for found in (source, alone):
        assert found.trajectories == 1 and not found.notes
        np.testing.assert_array_equal(found.times, 1440.0 + MINUTES)
        np.testing.assert_array_equal(np.squeeze(found.values), values[1])
    noise = read_noise("sigma", source, 1)
    assert noise.shape == source.measured.shape and np.all(noise == 0.02)
    with pytest.raises(ValueError, match=r"There is no trajectory 2 in .*; it has 2, counted"):
        read(path, "u", trajectory=2)


def test_given_ends_are_those_of_one(tmp_path):
    frame, _ = days((0.0, 1440.0))
    path, ends = saved(tmp_path / "a.csv", frame), tmp_path / "ends.csv"
    times = np.concatenate([MINUTES, 1440.0 + MINUTES])
    pd.DataFrame({"time": times, "lower": times}).to_csv(ends, index=False)
    with pytest.raises(ValueError, match="choose it with --trajectory N"):
        read(path, "u", "given,open", ends=ends)
    source = read(path, "u", "given,open", ends=ends, trajectory=1)
    found = source.ends.sides[0]
    assert np.interp(source.times[3], found.times, found.values[0]) == 1443.0


def test_times_of_one_clock_stay(tmp_path):
    """Lines that are missing at the first or the last times are gaps, and so are times at which
    only some of many loggers wrote."""
    late, values = days((0.0, 3.0))
    source = read(saved(tmp_path / "a.csv", late), "u")
    np.testing.assert_array_equal(source.times, np.arange(18.0))
    np.testing.assert_array_equal(source.values[1, 3:, 0], values[1])
    assert np.isnan(source.values[1, :3]).all() and not source.notes
    random = np.random.default_rng(0)
    own = [np.sort(random.choice(40, 15, replace=False)) * 1.0 for _ in range(4)]
    some, _ = days((0.0,) * 4, own)
    source = read(saved(tmp_path / "b.csv", some), "u")
    assert not any("begin" in note for note in source.notes)
    for number, times in enumerate(own):
        measured = source.times[~np.isnan(source.values[number, :, 0, 0])]
        np.testing.assert_array_equal(measured, times)


def test_other_steps_are_said_to_leave_gaps(tmp_path):
    random = np.random.default_rng(0)
    own = [np.insert(np.cumsum(random.uniform(0.5, 1.5, 14)), 0, 0.0) for _ in range(3)]
    frame, _ = days((0.0, 1440.0, 2880.0), own)
    source = read(saved(tmp_path / "a.csv", frame), "u")
    assert source.times[-1] < 25.0
    assert any("of their frames are gaps, as their steps differ" in n for n in source.notes)
