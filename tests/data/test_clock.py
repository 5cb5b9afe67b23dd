"""Times as dates, and steps between them, for people."""

import pytest

from hfluxno.data.clock import date, step


@pytest.mark.parametrize(
    ("length", "units", "words"),
    [
        (86_400.0, "seconds since 2024-01-01", "1 d"),
        (0.125, "days since 2024-01-01", "3 h"),
        (0.1, "hours since 2024-01-01", "6 min"),
        (90.0, "minutes since 2024-01-01", "90 min"),
        (2_629_800.0, "s since 2024-01-01", "30.44 d"),
        (5000.3, "s since 2024-01-01", "1.389 h"),
        (40.0, "ms since 2024-01-01", "0.04 s"),
        (3600.0, "s", ""),
        (1.0, "years since 2024-01-01", ""),
    ],
)
def test_a_step_is_in_a_unit_that_a_person_reads(length, units, words):
    assert step(length, units) == words


def test_a_date_is_as_exact_as_it_must_be():
    since = "seconds since 2024-05-02T07:00:00"
    assert date(60.0, since) == "2024-05-02 07:01"
    assert date(61.0, since) == "2024-05-02 07:01:01"
    assert date(61.25, since + "+02:00") == "2024-05-02 05:01:01.250 UTC"
    assert date(1.0, "days since 2023-12-31") == "2024-01-01 00:00"
    assert date(61.0, "s") == date(61.0, "") == date(1.0, "months since 2024-01-01") == ""
    assert date(1e18, since) == ""
