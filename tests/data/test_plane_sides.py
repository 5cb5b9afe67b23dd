"""Sides and totals of made-up frames on a plane whose ends are known."""

import numpy as np
import pytest

from hfluxno.data.plane.sides import sides
from hfluxno.data.plane.totals import Totals, interpolated, totals
from tests.data.test_plane_measures import X, Y, moving

FREE = np.ones(X.shape, bool)


def suggested(values, free=FREE, noise=0.01, names="hmn"):
    """The sides, x and y, and why."""
    count = values.shape[1]
    sigma = np.full(count, noise)
    return sides(values, names[:count], sigma, totals(values, free, sigma))


def basin(frames=8):
    """Waves between four walls: depth, and both momenta."""
    t = 0.3 * np.arange(frames)[:, None, None]
    one, two = np.cos(np.pi * X) * np.cos(3.0 * t), np.cos(np.pi * Y) * np.cos(4.0 * t + 1.0)
    m, n = np.sin(np.pi * X) * np.sin(3.0 * t), np.sin(np.pi * Y) * np.sin(4.0 * t + 1.0)
    return np.stack([3.0 + one + two, m * np.ones_like(Y), n * np.ones_like(X)], axis=1)


def test_ends_that_match_are_periodic_and_others_walls_or_outflows():
    ring, cut = moving(1.0, 1.0)[:, None], moving(1.0, 1.0, length=1.4)[:, None]
    assert suggested(ring)[:2] == (("periodic",) * 2, ("periodic",) * 2)
    found = suggested(np.concatenate([cut, ring * (1 + np.arange(6))[:, None, None, None]], axis=1))
    assert found == (
        ("outflow",) * 2,
        ("periodic",) * 2,
        "the ends of x do not match, the ends of y match, no total is kept",
    )


@pytest.mark.parametrize("missing", [0.0, 0.06])
def test_walls_are_where_a_momentum_vanishes_and_the_depth_is_kept(missing):
    waves = basin()
    waves[np.random.default_rng(0).uniform(size=waves.shape) < missing] = np.nan
    assert suggested(waves, noise=1e-3) == (
        ("wall",) * 2,
        ("wall",) * 2,
        "the ends of x do not match, where m vanishes, the ends of y do not match, where n "
        "vanishes, the total of h is kept",
    )


def test_open_sides_beside_walls():
    """Totals change through open sides, and that of one momentum is kept between others by symmetry
    alone."""
    channel = basin()[:, :, 5:33]  # walls along y only
    found = suggested(channel, np.ones(channel.shape[2:], bool), 1e-3)
    assert found[:2] == (("outflow",) * 2, ("wall",) * 2)
    assert found[2].endswith("where n vanishes, no total is kept")
    phase = 2.5 * X - 0.4 * np.arange(8)[:, None, None]
    p = 5.0 + np.cos(phase) * (1.0 + 0.5 * np.cos(2 * np.pi * Y))
    n = 0.5 * np.sin(phase) * np.sin(2 * np.pi * Y)
    found = suggested(np.stack([p, np.cos(phase), n], axis=1), noise=1e-3)
    assert found[:2] == (("outflow",) * 2, ("periodic",) * 2)
    assert "the total of n is kept" in found[2]


def test_a_dam_inside_is_no_reason_to_match():
    """Momenta of a basin change, so a step across its ends is not that of a ring."""
    waves = basin()
    waves[:, 0] += 8.0 * (np.hypot(X - 0.5, Y - 0.5) < 0.2)
    assert suggested(waves)[:2] == (("wall",) * 2, ("wall",) * 2)


def test_a_shock_across_the_ends_is_no_end():
    step = np.where((X[None] + 0.02 * np.arange(6)[:, None, None]) % 1.0 < 0.5, 1.0, 0.0)[:, None]
    assert suggested(step, noise=0.0)[0] == ("periodic", "periodic")


def test_a_kept_momentum_is_that_of_a_ring_and_a_changed_one_that_of_walls():
    """Fields in steps along y: those across the ends are larger than any inside, as they may be at
    the start of a Riemann problem on a ring; walls would take up momentum."""
    t = np.arange(6)[:, None, None]
    waves = np.sin(2 * np.pi * (X - 0.05 * t)) + np.sin(2 * np.pi * (Y - 0.05 * t))

    def made(*steps):
        up = sum(
            np.where((k + 1) / (len(steps) + 1) < Y, size, 0.0) for k, size in enumerate(steps)
        )
        return np.stack([3.0 + waves + up, 4.0 - waves - up, waves, 2.0 + waves - up], axis=1)

    def found(values, momentum):
        sigma, names = np.full(values.shape[1], 1e-3), "hemn"[: values.shape[1]]
        return sides(values, names, sigma, totals(values, FREE, sigma), momentum)

    values = made(0.9, 0.6)
    gone = values.copy()
    gone[4, :, 5, 6] = np.nan
    for of in (values, gone):
        assert found(of, ("m", "n")) == (
            ("periodic",) * 2,
            ("periodic",) * 2,
            "the ends of x match, the ends of y do not match, but walls would change the total of "
            "n, the total of h and e and m and n is kept",
        )
    assert found(values, None)[1] == ("wall", "wall")
    far = made(0.5, 0.5, 0.5)  # the step across the ends is not as any inside
    assert found(far, ("m", "n"))[1] == ("periodic", "periodic")
    assert found(far + 1e-4 * t[:, None], ("m", "n"))[1] == ("wall", "wall")  # not kept to rounding
    values[:, 3] += 0.3 * t
    assert found(values, None)[1:] == (
        ("periodic", "periodic"),
        "the ends of x match, the ends of y do not match, but outflow would change the total of h, "
        "the total of h and e and m is kept",
    )
    values = values + 1e-4 * t[:, None] * np.ones((1, 4, 1, 1))
    assert found(values, ("m", "n"))[1] == ("wall", "wall")
    assert found(values, None)[1] == ("outflow", "outflow")


def test_ends_that_nothing_reaches():
    t = np.arange(6)[:, None, None]
    pulse = np.exp(-((X - 0.4 - 0.02 * t) ** 2 + (Y - 0.5) ** 2) / 0.005)[:, None]
    *found, why = suggested(pulse, noise=1e-6)
    assert found == [("periodic",) * 2] * 2 and why.count("any boundary will do") == 2
    *found, why = suggested(pulse + X, noise=1e-6)
    assert found[0] == ("outflow",) * 2 and why == (
        "nothing reaches the ends of x, which differ, nothing reaches the ends of y, which are "
        "alike: any boundary will do; the choice decides the forecast as soon as a wave arrives"
    )


def test_ends_in_walls_do_not_continue():
    """A basin with walls all around, NaN there, and a line of cells that was never measured."""
    waves, free = moving(1.0, 1.0)[:, None].copy(), FREE.copy()
    waves[..., [0, -1], :] = waves[..., [0, -1]] = np.nan
    free[[0, -1]] = free[:, [0, -1]] = False
    assert "periodic" not in {side for pair in suggested(waves, free)[:2] for side in pair}
    ring = moving(1.0, 1.0)[:, None].copy()
    ring[..., 20, :] = np.nan
    assert suggested(ring)[:2] == (("periodic",) * 2, ("periodic",) * 2)


def test_totals_with_gaps_and_what_is_known_of_them():
    waves = basin()
    leak = waves * np.exp(-0.01 * np.arange(8))[:, None, None, None]
    whole = totals(waves, FREE, np.full(3, 1e-3))
    assert isinstance(whole, Totals)
    np.testing.assert_array_equal(whole.kept, [True, False, False])
    assert whole.known.all() and whole.relative(whole.changes, 0) < 1e-12
    few = np.random.default_rng(1).uniform(size=waves.shape) < 0.06
    for u, kept in ((waves, True), (leak, False)):
        found = totals(np.where(few, np.nan, u), FREE, np.full(3, 1e-3))
        assert found is not None and found.kept[0] == kept and found.known[0]
    many = np.random.default_rng(1).uniform(size=waves.shape) < 0.3
    gone = np.where(many, np.nan, waves)
    assert totals(gone, FREE, np.full(3, 1e-3)) is None
    assert "too much is missing to know" in suggested(gone)[2]


def test_gaps_of_a_plane_in_time_and_space_are_filled_exactly():
    t = np.arange(5.0)[:, None, None, None]
    u = 2.0 * t + 3.0 * X - 4.0 * Y + np.zeros((5, 2, 1, 1))
    gone = u.copy()
    gone[2, 0, 5, 5] = gone[2, 0, 6, 5] = gone[3, 1] = np.nan
    np.testing.assert_allclose(interpolated(gone), u)
    gone[0, 0, 0, 0] = np.nan  # in a corner of the first frame, so from one side only
    assert abs(interpolated(gone)[0, 0, 0, 0] - u[0, 0, 0, 0]) < 2.0
