"""Flow through open ends and sources inside, told apart by the parts of a total."""

import numpy as np
import pytest

from hfluxno.data.likely_boundary import likely_boundary
from hfluxno.data.source_or_flow import source_or_flow
from tests.data.test_end_measures import T, X, likely, measured
from tests.data.test_measures import gaps

NOISE = np.random.default_rng(3).normal(size=(30, 80))


def godunov(flux, speed, enters, start, leaves=None):
    """Means over 80 cells of a solution with increasing or decreasing flux between open ends, at
    the times T; on 320 cells."""
    u, found, t = start((np.arange(320) + 0.5) / 320), [], 0.0
    for end in T[:, 0]:
        while t < end:
            step = min(0.4 / (320 * speed), end - t)
            last = u[-1] if leaves is None else leaves(t)
            padded = np.concatenate([[enters(t)], u, [last]])
            between = np.linspace(padded[:-1], padded[1:], 9)
            rises = padded[:-1] <= padded[1:]
            passes = np.where(rises, flux(between).min(axis=0), flux(between).max(axis=0))
            u, t = u - 320 * step * np.diff(passes), t + step
        found.append(u.reshape(80, 4).mean(axis=1))
    return np.array(found)


def road():
    """Traffic between varying demand and a varying queue."""
    return godunov(
        lambda u: u * (1.0 - u), 1.0,
        lambda t: 0.3 + 0.1 * np.sin(9.0 * t) + 0.05 * np.sin(4.0 * t + 1.0),
        lambda x: 0.5 + 0.1 * np.sin(6.0 * x), lambda t: 0.7 + 0.2 * np.sin(5.0 * t),
    )  # fmt: skip


def flood():
    return godunov(
        lambda u: u ** (5 / 3), 2.5, lambda t: 1.0 + 0.8 * np.exp(-(((t - 0.3) / 0.15) ** 2)),
        lambda x: 1.0 + 0.05 * np.sin(5.0 * x),
    )  # fmt: skip


def cooling():
    """A rod in air, whose ends are insulated."""
    u = np.cos(np.pi * X) * np.exp(-T) + 0.4 * np.cos(2.0 * np.pi * X) * np.exp(-4.0 * T)
    return (3.0 + u) * np.exp(-0.8 * T)


def decaying(speed=0.7):
    """What is carried along and decays, between open ends."""
    back = X - speed * T
    return (2.0 + np.sin(7.0 * back) + 0.3 * np.cos(17.0 * back)) * np.exp(-0.9 * T)


def growing():
    """A population on a ring that is carried along."""
    start = 0.2 + 0.1 * np.sin(2 * np.pi * (X - 0.4 * T)) + 0.05 * np.cos(6 * np.pi * (X - 0.4 * T))
    return start / (start + (1.0 - start) * np.exp(-2.0 * T))


@pytest.mark.parametrize("level", [0.0, 0.02])
@pytest.mark.parametrize("lines", [road, flood])
def test_flow_through_open_ends_is_inflow(lines, level):
    u = lines()
    u = u + level * u.std() * NOISE
    found = source_or_flow(u[None], T[:, 0])
    assert found.flow and not found.source
    boundary, why = likely(u=u)
    assert boundary == "open" and "there is inflow, which is estimated" in why
    holes = source_or_flow(gaps(u[None], 0.2), T[:, 0])
    assert holes.flow and not holes.source


@pytest.mark.parametrize("level", [0.0, 0.003])
def test_what_cools_between_closed_ends_has_no_inflow(level):
    u = cooling()
    u = u + level * u.std() * NOISE
    found = source_or_flow(u[None], T[:, 0])
    assert found.source and found.walls and not found.flow
    assert likely(u=u) == ("reflecting", (
        "the ends do not match and the total is not conserved, but a source, a decay or a reaction "
        "inside explains that, and flow does not: nothing need pass the ends (through open ends: "
        "outflow; if something enters: open)"
    ))  # fmt: skip


def test_what_grows_on_a_ring_has_no_inflow():
    u = growing()
    found = source_or_flow(u[None], T[:, 0])
    assert found.source and found.ring and not found.walls and not found.flow
    assert likely(u=u)[0] == "periodic"
    # From the ends alone it might be chance that they match.
    ends, values = measured(u=u)
    ends["u"] = ends["u"]._replace(bend=1.0, near=0.5)
    assert likely_boundary(ends, values) == ("periodic", (
        "the ends match no better than by chance and the total is not conserved, but a source, a "
        "decay or a reaction inside, or sensors whose zero or gain drifts, explains that, and flow "
        "does not: a ring with a source (between walls: reflecting; if something enters: open)"
    ))  # fmt: skip


def test_a_source_beside_inflow_leaves_the_ends_open():
    u = decaying()
    found = source_or_flow(u[None], T[:, 0])
    assert found.source and not (found.ring or found.walls)
    boundary, why = likely(u=u)
    assert boundary == "open" and "flow does not alone; what enters is estimated, if any" in why


def test_too_little_is_measured_to_tell():
    assert source_or_flow(road()[None, :, ::12], T[:, 0]) == (False,) * 5
    assert source_or_flow(road()[None, :3], T[:3, 0]) == (False,) * 5
    assert source_or_flow(np.ones((1, 30, 80)), T[:, 0]) == (False,) * 5
    few = likely(u=cooling()[:, 5::10])
    assert few[0] == "open" and "may be inflow, which is estimated, or a source" in few[1]


def test_ends_that_differ_more_than_neighbours_are_no_seam_of_a_ring():
    """A glacier that keeps its volume, as what falls on it melts elsewhere."""
    u = 1.0 + 0.35 * np.cos(np.pi * X) + 0.1 * (np.cos(2 * np.pi * X) - np.cos(3 * np.pi * X)) * T
    assert likely(u=u)[0] == "reflecting"
    assert not measured(u=u)[0]["u"].inside
