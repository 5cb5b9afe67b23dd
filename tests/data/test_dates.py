"""Dates in a table as people write them."""

import re

import numpy as np
import pandas as pd
import pytest

from hfluxno.data.readers import read
from tests.data.test_readers import CELLS, FRAMES, wave

STEP = 15 * 60  # seconds
FORMS = {
    "%d.%m.%Y %H:%M": "",
    "%d.%m.%Y, %H:%M:%S": "",
    "%d/%m/%Y %H:%M:%S": "",
    "%m/%d/%Y %I:%M %p": "",
    "%m/%d/%Y %I:%M:%S p.m.": "",
    "%d-%m-%Y %H:%M:%S.0": "",
    "%Y/%m/%d %I:%M %p": "",
    "%Y-%m-%dT%H:%M:%S": "",
    "%Y-%m-%dT%H:%M:%SZ": "Z",
}


def moments(start="2024-12-31T23:00", step=STEP):
    return pd.date_range(start, periods=FRAMES, freq=f"{step}s")


def table(path, times, sep=";", head="time"):
    """Columns of each time, separated if the head is."""
    rows = [f"{t}{sep}{j}{sep}{wave()[i, j]}" for i, t in enumerate(times) for j in range(CELLS)]
    path.write_text("\n".join([f"{head}{sep}x{sep}u", *rows]))
    return path


@pytest.mark.parametrize("form", FORMS)
def test_dates_are_read_as_they_are_written(tmp_path, form):
    start = "2024-12-31T12:15" if "p.m." in form else "2024-12-31T23:00"
    source = read(table(tmp_path / "a.csv", moments(start).strftime(form)))
    np.testing.assert_array_equal(source.times, STEP * np.arange(FRAMES))
    assert source.units["time"] == f"seconds since {start}:00{FORMS[form]}"
    np.testing.assert_allclose(source.values[:, 0], wave())


def test_what_tells_the_order_of_day_and_month(tmp_path):
    path, days = tmp_path / "a.csv", moments("2024-03-04", 86_400)
    for form in ("%d.%m.%Y", "%d.%m.%Y %H:%M"):  # nobody writes the month before a full stop
        source = read(table(path, days.strftime(form)))
        np.testing.assert_array_equal(source.times, 86_400.0 * np.arange(FRAMES))
        assert source.units["time"].endswith("since 2024-03-04T00:00:00")
    later = moments("2024-03-10", 86_400)  # to the 15th
    for form in ("%d/%m/%Y", "%m/%d/%Y"):
        source = read(table(path, later.strftime(form)))
        assert source.units["time"].endswith("since 2024-03-10T00:00:00")
        with pytest.raises(
            ValueError, match=r"'0[34]/0[34]/2024' in row 1 .* the day or the month"
        ):
            read(table(path, days.strftime(form)))
    same = moments("2024-03-03T10:00").strftime("%d/%m/%Y %H:%M")
    assert read(table(path, same)).units["time"].endswith("since 2024-03-03T10:00:00")
    mixed = [*later[:5].strftime("%d/%m/%Y"), "03/16/2024"]
    for wrong in (mixed, ["31.02.2024", *days[1:].strftime("%d.%m.%Y")]):
        with pytest.raises(ValueError, match="neither numbers nor dates"):
            read(table(path, wrong))


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("{0.month}/{0.day}/{0:%y} {0.hour}:{0:%M}", "2016-06-10"),
        ("{0.day}/{0.month}/{0:%y} {0.hour}:{0:%M}", "2016-06-10"),
        ("{0:%d-%m-%y %H:%M:%S}", "1999-12-28"),
        ("{0:%d.%m.%y}", "2016-06-01"),
    ],
)
def test_years_of_two_digits_stand_last(tmp_path, form, start):
    """As Excel and loggers write them, also without leading zeros."""
    written = [form.format(time) for time in moments(start, 86_400)]
    source = read(table(tmp_path / "a.csv", written))
    np.testing.assert_array_equal(source.times, 86_400.0 * np.arange(FRAMES))
    assert source.units["time"] == f"seconds since {start}T00:00:00"


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("%m/%d/%y", "2016-06-01"),
        ("%y/%m/%d", "2016-06-10"),
        ("%y-%m-%d", "2016-06-10"),
        ("%y.%m.%d", "2016-06-10"),
    ],
)
def test_years_of_two_digits_that_may_stand_first_are_refused(tmp_path, form, start):
    path = table(tmp_path / "a.csv", moments(start, 86_400).strftime(form))
    with pytest.raises(ValueError, match=r"in row 1 .* year, the month or the day first.* 2024-02"):
        read(path)


def test_two_digits_and_neither_day_nor_month_above_12(tmp_path):
    days = moments("2001-03-04", 86_400)
    with pytest.raises(ValueError, match=r"'04/03/01' in row 1 .* the day or the month first"):
        read(table(tmp_path / "a.csv", days.strftime("%d/%m/%y")))


def test_midnight_may_be_left_out(tmp_path):
    texts = [t.removesuffix(" 00:00") for t in moments().strftime("%d.%m.%Y %H:%M")]
    assert "01.01.2025" in texts
    source = read(table(tmp_path / "a.csv", texts))
    np.testing.assert_array_equal(source.times, STEP * np.arange(FRAMES))


@pytest.mark.parametrize(
    ("head", "form"),
    [
        ("date;time", "%d/%m/%Y;%H:%M"),
        ("Datum;Uhrzeit", "%d.%m.%Y;%H:%M:%S"),
        ("Date\tTime", "%m/%d/%Y\t%I:%M %p"),
        ("Datum;Zeit", "%Y-%m-%d;%H:%M"),
        ("date time", "%Y-%m-%d %H:%M"),
        ("day,time", "%d/%m/%Y,%H:%M"),
        ("date;hour", "%d/%m/%Y;%H:%M"),
    ],
)
def test_a_date_and_a_time_in_two_columns(tmp_path, head, form):
    sep = re.sub(r"\w", "", head)
    path = table(tmp_path / "a.csv", moments().strftime(form), sep, head)
    for source in (read(path), read(path, time=head.split(sep)[1])):
        np.testing.assert_array_equal(source.times, STEP * np.arange(FRAMES))
        assert source.units["time"] == "seconds since 2024-12-31T23:00:00"
        np.testing.assert_allclose(source.values[:, 0], wave())


def test_two_columns_before_one_for_each_place(tmp_path):
    frame = pd.DataFrame(wave()).assign(Datum=moments().strftime("%d.%m.%Y"))
    frame.assign(Uhrzeit=moments().strftime("%H:%M")).to_csv(tmp_path / "a.csv", index=False)
    source = read(tmp_path / "a.csv")
    np.testing.assert_array_equal(source.times, STEP * np.arange(FRAMES))
    np.testing.assert_array_equal(source.values[:, 0], wave())
    frame.assign(hour=moments("2024-12-30").strftime("%H"), Datum="31.12.2024").to_csv(
        tmp_path / "b.csv", index=False
    )
    with pytest.raises(ValueError, match=r"31\.12\.2024; write Datum, hour in one column of times"):
        read(tmp_path / "b.csv")


def test_two_columns_whose_order_of_day_and_month_is_unknown(tmp_path):
    form = "%d/%m/%Y;%H:%M"
    path = table(tmp_path / "a.csv", moments("2024-03-04").strftime(form), head="date;time")
    with pytest.raises(ValueError, match=r"'04/03/2024' in row 1 .* the day or the month first"):
        read(path)
