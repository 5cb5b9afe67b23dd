"""Times of the day in a table, without their date."""

import re

import numpy as np
import pandas as pd
import pytest

from hfluxno.data.readers import read
from hfluxno.data.time_of_day import check_no_clock
from tests.data.test_readers import CELLS, FRAMES, wave


def table(path, start=0, seconds="", order=None, wide=False, step=5, midnight="00:00", **others):
    """Every `step` minutes from a minute of the day, sorted by time, by place or in any `order`."""
    minutes = [(start + step * i) % 1440 for i in range(FRAMES)]
    clock = [f"{m // 60:02d}:{m % 60:02d}{seconds}" for m in minutes]
    clock = [midnight if each == "00:00" else each for each in clock]
    if wide:
        frame = pd.DataFrame(wave()).assign(time=clock)
    else:
        whole = {"time": np.repeat(clock, CELLS), "x": np.tile(np.arange(CELLS), FRAMES)}
        frame = pd.DataFrame(whole | {"u": wave().ravel()} | others)
    by_place = np.arange(wave().size).reshape(FRAMES, CELLS).T.ravel()
    frame = frame.iloc[{"place": by_place}.get(order, order)] if order is not None else frame
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "how",
    [
        {"start": 600, "order": slice(None, None, -1)},
        {"start": 1430},
        {"start": 1430, "order": "place", "seconds": ":30"},
        {"start": 1435, "wide": True},
        {"start": 780, "step": 1440 // FRAMES},
        {"start": 1430, "midnight": "24:00"},
    ],
)
def test_times_of_the_day_go_on_after_midnight(tmp_path, how):
    source = read(table(tmp_path / "a.csv", **how))
    first = 60.0 * how["start"] + (30.0 if "seconds" in how else 0.0)
    np.testing.assert_allclose(source.times, first + 60.0 * how.get("step", 5) * np.arange(FRAMES))
    assert source.coordinates["time"].attrs["units"] == "s"
    np.testing.assert_allclose(source.values[:, 0], wave())


@pytest.mark.parametrize(
    ("how", "mend"),
    [
        # From the last time to the first, or sorted as text: which of them are of the next day?
        ({"start": 1430, "order": slice(None, None, -1)}, "Write the date before the time"),
        ({"start": 600, "date": "27 February"}, "Write the date before the time"),
        ({"start": 600, "step": 1440}, "If they are of several days, write the date before"),
    ],
)
def test_a_date_is_asked_for_where_the_day_is_not_certain(tmp_path, how, mend):
    with pytest.raises(ValueError, match=mend):
        read(table(tmp_path / "a.csv", **how))


def test_hours_of_half_a_day(tmp_path):
    path = table(tmp_path / "a.csv", start=715)
    text, clock = path.read_text(), ["11:55", "12:00", "12:05", "12:10", "12:15", "12:20"]
    for i, time in enumerate(clock):
        text = text.replace(time, f"{time} {'PM' if i else 'a.m.'}")
    path.write_text(text)
    np.testing.assert_allclose(read(path).times, 60.0 * (715 + 5 * np.arange(FRAMES)))
    for wrong in ("13:05 PM", "12:05", "2024-02-27 12:05 PM"):
        path.write_text(text.replace("12:05 PM", wrong))
        with pytest.raises(ValueError, match=r"Write the (hours from 0 to 23|date before)"):
            read(path)


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({"start": 1430, "midnight": "25:00"}, f"'25:00' in row {2 * CELLS + 1}"),
        ({"start": 0, "seconds": ".5"}, "'00:00.5' in row 1"),
    ],
)
def test_what_is_no_time_of_the_day_is_named_as_a_duration(tmp_path, how, named):
    with pytest.raises(ValueError, match=f"first is {named} .* Write durations as numbers"):
        read(table(tmp_path / "a.csv", **how))


def without_colon(path, mend=str, **how):
    text = table(path, **how).read_text()
    path.write_text(re.sub(r"(\d\d):(\d\d)", lambda found: mend(found[1] + found[2]), text))
    return path


@pytest.mark.parametrize("start", [450, 55, 1430])
def test_times_of_the_day_may_lack_their_colon(tmp_path, start):
    """0730 is no number."""
    source = read(without_colon(tmp_path / "a.csv", start=start, order="place"))
    np.testing.assert_allclose(source.times, 60.0 * start + 300.0 * np.arange(FRAMES))
    source = read(without_colon(tmp_path / "a.csv", start=450, date="2024-05-02"))
    assert source.units["time"] == "seconds since 2024-05-02T07:30:00"
    np.testing.assert_allclose(source.times, 300.0 * np.arange(FRAMES))
    np.testing.assert_allclose(source.values[:, 0], wave())


@pytest.mark.parametrize(
    ("how", "pair"),
    [
        ({"start": 590}, "955 before 1000; write 09:55 and 10:00"),
        ({"start": 1430}, "2355 before 0; write 23:55 and 00:00"),
        ({"start": 600, "date": "2024-05-02"}, "1000 before 1005; write 10:00 and 10:05"),
        ({"start": 600, "step": 30, "date": "2024-05-02"}, "1030 before 1100; write 10:30 and 11"),
    ],
)
def test_times_of_the_day_as_numbers_are_refused(tmp_path, how, pair):
    path = without_colon(tmp_path / "a.csv", lambda text: str(int(text)), **how)
    with pytest.raises(ValueError, match=f"times of the day written as numbers, such as {pair}"):
        read(path)
    path.write_text(path.read_text().replace("time", "time [s]"))
    assert read(path, time="time [s]").units["time"] == "s"


@pytest.mark.parametrize(
    "times",
    [
        np.arange(0, 2400, 100),
        [0, 100, 300, 400, 500, 600],
        np.arange(0, 2400, 50),
        [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000],
        [*range(59), 100, 200],
        np.arange(40) / 4.0,
    ],
)
def test_other_numbers_are_no_times_of_the_day(times):
    check_no_clock(np.asarray(times, float), "time")


def test_a_padded_count_of_frames_is_no_time_of_the_day(tmp_path):
    path = without_colon(tmp_path / "a.csv", start=0)
    np.testing.assert_array_equal(read(path).times, 5.0 * np.arange(FRAMES))
