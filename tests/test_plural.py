"""Numbers with their nouns."""

from hfluxno.plural import percent, plural


def test_a_noun_agrees_with_its_number():
    assert [plural(n, "frame") for n in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
    assert plural(1, "trajectory") == "1 trajectory"
    assert plural(12000, "trajectory") == "12,000 trajectories"
    assert plural(2, "stretch") == "2 stretches"


def test_percentages_have_two_digits_or_are_whole():
    parts = (0.0041, 0.1534, 0.996, 4.8, -0.2, 0.0)
    assert [percent(part) for part in parts] == ["0.41 %", "15 %", "100 %", "480 %", "-20 %", "0 %"]
    assert percent(3.6e59) == "3.6e+61 %"
