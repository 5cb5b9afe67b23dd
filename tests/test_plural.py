"""Numbers with their nouns, as percentages, and as ends of ranges."""

from hfluxno.plural import percent, plural, span


def test_a_noun_agrees_with_its_number():
    assert [plural(n, "frame") for n in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
    assert plural(1, "trajectory") == "1 trajectory"
    assert plural(12000, "trajectory") == "12,000 trajectories"
    assert plural(2, "stretch") == "2 stretches"


def test_percentages_have_two_digits_or_are_whole():
    parts = (0.0041, 0.1534, 0.996, 4.8, -0.2, 0.0)
    assert [percent(part) for part in parts] == ["0.41 %", "15 %", "100 %", "480 %", "-20 %", "0 %"]
    assert percent(3.6e59) == "3.6e+61 %"


def test_the_ends_of_a_range_can_be_told_apart_and_a_zero_has_no_sign():
    assert span(0.2, 0.8) == "0.2 to 0.8" and span(-0.38, -0.0) == "-0.38 to 0"
    assert span(1e9 + 0.2, 1e9 + 0.8) == "1000000000.2 to 1000000000.8"
    assert span(1.23456, 7.0) == "1.235 to 7" and span(1.23456, 7.0, 6) == "1.23456 to 7"
    assert span(3.0, 3.0) == "3 to 3"
