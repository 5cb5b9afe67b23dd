"""Numbers with their nouns."""

from hfluxno.plural import plural


def test_a_noun_agrees_with_its_number():
    assert [plural(n, "frame") for n in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
    assert plural(1, "trajectory") == "1 trajectory"
    assert plural(12000, "trajectory") == "12,000 trajectories"
