"""Days as spreadsheets count them, in a column of numbers, are noted; other numbers are not."""

import numpy as np
import pandas as pd
import pytest

from hfluxno.data.examination import examined
from hfluxno.data.readers import read
from hfluxno.data.spreadsheet_days import spreadsheet_days
from tests.data.test_readers import CELLS, FRAMES, wave

MINUTES = np.arange(FRAMES) * 5.0 / 1440.0


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("decimals", [5, 10])
def test_they_are_noted_and_taken_for_days_if_the_header_says_so(tmp_path, ending, decimals):
    def table(head):
        times = np.repeat(np.round(45000.5 + MINUTES, decimals), CELLS)
        places = np.tile(np.arange(float(CELLS)), FRAMES)
        frame = pd.DataFrame({head: times, "x": places, "u": wave().ravel()})
        path = tmp_path / f"a.{ending}"
        frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
        return read(path)

    (note,) = examined(table("time"))["hints"]
    assert "if they are days of a spreadsheet, from 2023-03-15 12:00 to 2023-03-15 12:25, " in note
    head = "time [days since 1899-12-30]"
    assert note.endswith(f"write dates, or {head} as the header.")
    said = examined(table(head))
    assert said["hints"] == [] and said["time"]["dates"][0] == "2023-03-15 12:00"


def test_other_numbers_are_not():
    for times in (
        MINUTES,  # from zero
        40_000.0 + np.arange(9.0),  # seconds of a day
        40_000.0 + 0.125 * np.arange(9.0),
        45_000.0 + np.linspace(0.0, 0.1, 8) ** 2,
        80_000.0 + MINUTES,
    ):
        assert spreadsheet_days(times, "time") == ""
    assert spreadsheet_days(45_000.0 + np.arange(9.0), "Date")
    assert spreadsheet_days(20_240_101.0 + np.arange(9.0), "Date") == ""
