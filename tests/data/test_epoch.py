"""Whole numbers that count from 1970 are dates; others stay numbers."""

import numpy as np
import pytest

from hfluxno.data.clock import dates_since_1970
from hfluxno.data.readers import read
from tests.data.test_readers import CELLS, FRAMES, wave

START = 1_714_636_800  # 2024-05-02T08:00:00Z
COUNTS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def table(path, times, head="timestamp"):
    rows = [f"{t},{j},{wave()[i, j]}" for i, t in enumerate(times) for j in range(CELLS)]
    path.write_text("\n".join([f"{head},x,u", *rows]))
    return path


@pytest.mark.parametrize("unit", COUNTS)
@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_a_count_from_1970_is_a_date(tmp_path, unit, suffix):
    path, times = tmp_path / f"a.{suffix}", COUNTS[unit] * (START + 20 * np.arange(FRAMES))
    if suffix == "csv":
        table(path, times)
    else:
        np.savez(path, values=wave(), time=times)
    source = read(path)
    np.testing.assert_array_equal(source.times, 20.0 * np.arange(FRAMES))
    assert source.units["time"] == "seconds since 2024-05-02T08:00:00Z"


def test_other_numbers_stay_numbers(tmp_path):
    times = 1000 * (START + 20 * np.arange(FRAMES))
    source = read(table(tmp_path / "a.csv", times, "time [ms]"))
    np.testing.assert_array_equal(source.times, times)
    assert source.units["time"] == "ms"
    for others in (times + 0.5, times - times[0], times % 86_400_000, times * 20, times[:0]):
        assert dates_since_1970(others) is None
    assert dates_since_1970(np.array([10**9, 4 * 10**9])) is None
