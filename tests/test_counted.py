"""Numbers with their nouns."""

from hfluxno.counted import counted


def test_a_noun_agrees_with_its_number():
    assert [counted(n, "frame") for n in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
    assert counted(1, "trajectory") == "1 trajectory"
    assert counted(12000, "trajectory") == "12,000 trajectories"
