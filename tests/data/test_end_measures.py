"""Ends of made-up data on rings, between walls and on open lines."""

import numpy as np
import pytest

from hfluxno.data.balance import flow_of_two, through_seam
from hfluxno.data.end_measures import ends, hidden_at_ends
from hfluxno.data.likely_boundary import likely_boundary, momentum_between_walls
from hfluxno.data.measures import changes_steadily, total, travel
from hfluxno.data.source_or_flow import source_or_flow
from hfluxno.rounding import error_size
from tests.data.test_measures import gaps, wave

X, T = (np.arange(80) + 0.5) / 80, np.arange(30)[:, None] / 30


def measured(**fields):
    """The measures of fields (time, x), of their ends and as a whole."""
    found = {}
    for name, u in fields.items():
        sums, seam = total(u[None]), through_seam(u[None], T[:, 0])
        parts = source_or_flow(u[None], T[:, 0])
        found[name] = {
            "total_kept": sums.kept,
            "total_change": sums.change,
            "total_doubtful": sums.doubtful,
            "total_exact": sums.exact,
            "total_uncertainty": sums.uncertainty,
            "total_changes_steadily": changes_steadily(u[None], T[:, 0], sums),
            "total_known": sums.known,
            "relative_noise": error_size(u[None]) / np.nanstd(u),
            "hidden_at_ends": hidden_at_ends(u[None], error_size(u[None]), travel(u[None]).largest),
            "explained_by_ends": np.nan,
            "through_seam": seam.unsteady,
            "walls_explain": seam.walls,
            "flow_explains": parts.flow,
            "source_explains": parts.source,
            "source_on_a_ring": parts.ring,
            "source_between_walls": parts.walls,
            "source_on_no_ring": parts.no_ring,
        }
    return {name: ends(u[None]) for name, u in fields.items()}, found


def likely(**fields):
    """The boundary that fields (time, x) suggest, and why."""
    return likely_boundary(*measured(**fields))


def test_ends_of_a_ring_match_and_those_of_a_slope_do_not():
    ring = ends(wave())
    assert ring.match and ring.bend < 0.1 and ring.near < 0.1 and not ring.still
    assert ends(gaps(wave(), 0.3)).match
    assert not ends(wave()[..., :60]).match
    sparse = np.full_like(wave(), np.nan)
    sparse[..., 3::8] = wave()[..., 3::8]
    assert ends(sparse).match
    # A road whose ends have nothing to do with each other, and sensors so noisy that they might.
    rng, x = np.random.default_rng(4), np.linspace(0.0, 1.0, 12)
    low, high = 5.0 * rng.normal(size=(2, 1, 60, 1))
    road = 40.0 + low * (1.0 - x) + high * x + 1.5 * rng.normal(size=(1, 60, 12))
    assert not ends(road).match
    pulse = np.exp(-(((np.arange(80) - 30 - 0.5 * np.arange(30)[:, None]) / 5) ** 2))[None]
    assert ends(pulse).still and ends(pulse).match
    step = (np.arange(80) > 30 + 0.5 * np.arange(30)[:, None]).astype(float)[None]
    assert ends(step).still and not ends(step).match


def test_the_ends_of_a_ring_match_though_a_shock_passes_them():
    place = np.mod(np.arange(80) - 0.3 * np.arange(30)[:, None] - 5.0, 80)
    sawtooth = np.where(np.abs(place - 79.0) < 0.5, 0.5, place / 80.0)[None]
    assert ends(np.roll(sawtooth, -5, axis=-1)).match
    standing = np.tile(np.arange(80) / 80.0, (30, 1))[None]
    assert not ends(standing).match
    # A shock inside is no reason for one across the ends.
    inside = np.where(X < 0.3 + 0.4 * T, 1.0, 0.0) + 0.5 * X * np.cos(3.0 * T)
    assert not ends(inside[None]).match


def burgers(speed, places=80):
    """Means over cells of a solution of Burgers' equation on a ring, with one shock, which starts
    at the seam."""
    edges = np.arange(places + 1) / places - speed * T + 1e-9
    return speed + np.diff(0.5 * (edges % 1.0 - 0.5) ** 2, axis=1) * places / (0.5 + T)


@pytest.mark.parametrize("speed", [0.0, 0.02, -0.02])
def test_a_jump_across_the_ends_of_a_ring_does_not_make_it_an_open_line(speed):
    """Its total is kept, and what walls would do to it is not what it does."""
    u = burgers(speed)
    assert not ends(u[None]).match and through_seam(u[None], T[:, 0]).unsteady > 0.05
    boundary, why = likely(u=u)
    assert boundary == "periodic" and why == (
        "the ends do not match, but the total is conserved and walls do not explain how the field "
        "moves: a ring on which a jump stands or passes where x ends"
    )
    noisy = u + 0.003 * np.random.default_rng(0).normal(size=u.shape)
    assert likely(u=noisy) == (boundary, why)
    rounded = np.round(20.0 * (u + 0.5)) / 20.0  # of which no total is exact
    assert likely(u=rounded) == (boundary, why)
    assert likely(u=u * (1.0 - 0.5 * T) + T)[0] == "open"


@pytest.mark.parametrize("seed", range(3))
def test_counts_that_are_alike_at_the_ends_by_chance_make_no_ring(seed):
    """Vehicles in short cells: most values are equal, also of places far from each other, while a
    queue grows inside of an open road."""
    queue = 90.0 * T * np.exp(-(((X - 0.6) / (0.03 + 0.08 * T)) ** 2))
    noise = 3.0 * np.random.default_rng(seed).normal(size=(30, 80))
    road = 10.0 * np.round((20.0 + noise + queue) / 10.0)
    found = ends(road[None])
    assert found.match and found.near > 0.1 and found.bend == np.inf
    assert error_size(road[None]) == pytest.approx(10.0 / np.sqrt(12.0))
    boundary, why = likely(u=road)
    assert boundary == "open" and why == (
        "the ends do not change beyond their noise, but the total is not conserved, and the noise "
        "may hide what passes them: there may be inflow, which is estimated, or a source"
    )
    # What rounding can tell still makes a ring, and a source inside no inflow.
    ring = np.round(20.0 * wave()[0] * (1.0 + 0.3 * T)) / 4.0
    assert likely(u=ring)[0] == "periodic"
    pulse = np.exp(-(((X - 0.5) / 0.06) ** 2)) * (1.0 + T) + 1e-4 * noise
    boundary, why = likely(u=pulse)
    assert boundary == "periodic" and "any boundary will do" in why


@pytest.mark.parametrize("seed", range(3))
def test_counts_that_change_everywhere_do_so_at_the_ends(seed):
    """Few vehicles in short cells of a ring, where rounding is a third of the deviation."""
    rng = np.random.default_rng(seed)
    road = np.round(2.2 + 0.8 * np.sin(2 * np.pi * (X - 2.0 * T)) + 0.4 * rng.normal(size=(30, 80)))
    assert 3.0 * error_size(road[None]) > road.std() and not ends(road[None]).still
    assert "nothing reaches the ends" not in likely(u=road)[1]
    # Where little happens but noise, also of uneven size, the ends are at rest.
    pulse = 5.0 * np.exp(-(((X - 0.4 - 0.2 * T) / 0.05) ** 2))
    uneven = rng.normal(size=(30, 80)) * np.where(np.abs(X - 0.5) > 0.45, 0.2, 0.1)
    assert ends((pulse + uneven)[None]).still


@pytest.mark.parametrize("leaves", [False, True])
def test_a_narrow_pulse_passes_the_seam_of_a_ring_or_enters(leaves):
    """The ends are at rest most of the time, so that medians do not tell."""
    place = X - 2.1 * T
    place = (place if leaves else place % 1.0) - (0.2 if leaves else 0.5)
    pulse = np.exp(-((place / 0.03) ** 2)) * (1.0 - 0.3 * T)
    assert likely(u=pulse)[0] == ("open" if leaves else "periodic")


def test_between_walls_nothing_passes_a_seam():
    """What spreads, and what settles: a fan between clear water and a deposit."""
    heat = 2.0 + np.cos(np.pi * X) * np.exp(-T) + 0.3 * np.cos(2.0 * np.pi * X) * np.exp(-4.0 * T)
    front = np.clip((X - 0.5 * T) / (0.2 + T), 0.0, None)
    for u in (heat, heat[:, ::-1], front, np.ones((30, 80))):
        assert through_seam(u[None], T[:, 0]).unsteady == 0.0
    assert likely(u=heat)[0] == "reflecting"


def test_a_momentum_vanishes_in_walls():
    height = 1.0 + 0.3 * np.cos(np.pi * X) * np.cos(4.0 * T)
    momentum = 0.3 * np.sin(np.pi * X) * np.sin(4.0 * T) + 0.1 * np.sin(2 * np.pi * X) * T
    assert ends(momentum[None]).vanish and not ends(height[None]).vanish
    assert not ends(wave()).vanish and not ends(wave() - 3.0).vanish
    # What has reached both ends in the last frame only, and leaves.
    t, waves = np.arange(30.0)[:, None], 0.0
    for side, x in ((1, X), (-1, 1.0 - X)):
        waves = waves + side * np.exp(-(((x - 0.03 * t - 0.13) / 0.05) ** 2))
    assert not ends(waves[None]).vanish and ends(waves[None, :28]).vanish
    assert likely(h=height, m=momentum) == (
        "reflecting", "m vanishes at both ends and the total of h is conserved, as between walls",
    )  # fmt: skip
    boundary, why = likely(h=height * (1.0 + T), m=momentum)
    assert boundary == "open" and "not conserved" in why
    noisy = height[:, ::10] + 0.05 * np.random.default_rng(0).normal(size=(30, 8))
    boundary, why = likely(h=noisy, m=momentum[:, ::10] * np.ones((30, 1)))
    assert boundary == "reflecting" and "the total of h is perhaps conserved" in why


def test_the_momentum_is_the_one_field_that_vanishes_in_walls():
    height = 1.0 + 0.3 * np.cos(np.pi * X) * np.cos(4.0 * T)
    momentum = 0.3 * np.sin(np.pi * X) * np.sin(4.0 * T)
    energy = 2.0 + 0.1 * np.cos(np.pi * X) * np.sin(3.0 * T)
    assert momentum_between_walls(*measured(h=height, m=momentum)) == "m"
    assert momentum_between_walls(*measured(m=momentum, h=height, e=energy)) == "m"
    amount = 0.3 * np.sin(np.pi * X) + 0.1 * np.sin(3.0 * np.pi * X) * (T - 0.5)
    amount /= np.mean(amount, axis=1, keepdims=True)  # of which nothing gets lost
    for fields in (
        {"m": momentum},
        {"h": height * (1.0 + T), "m": momentum},
        {"h": height, "e": energy},
        {"h": height, "c": amount},
        {"h": height, "m": momentum, "n": 2.0 * momentum},
    ):
        assert momentum_between_walls(*measured(**fields)) is None


def test_what_rests_at_the_ends_is_a_momentum_if_pressures_there_change_its_total():
    """A dam break from 1 to .1 that has not reached the ends; a tracer keeps its total."""
    noise = 1e-3 * np.random.default_rng(0).normal(size=(2, 30, 80))
    width = 0.1 + 0.3 * T
    height = 0.55 - 0.45 * np.clip((X - 0.5) / width, -1.0, 1.0) + noise[0]
    bump = np.maximum(1.0 - ((X - 0.5) / width) ** 2, 0.0)
    momentum, tracer = 0.3 * bump + noise[1], 0.1 * bump / width + noise[1]
    assert ends(momentum[None]).rests and not ends(height[None]).rests
    assert not ends(np.zeros((1, 30, 80))).rests
    later = "the choice decides the forecast as soon as a wave arrives"
    assert likely(h=height, m=momentum) == ("reflecting", (
        "m vanishes at both ends and the total of h is conserved, as between walls; but nothing "
        f"has reached the ends yet, and {later} (through open ends: outflow)"
    ))  # fmt: skip
    on_a_bed = momentum * np.cos(2.0 * T)  # which presses, too
    for fields in ({"h": height, "c": tracer}, {"h": height, "q": on_a_bed}, {"h": height}):
        assert likely(**fields) == ("outflow", (
            "nothing reaches the ends, which differ from each other: "
            f"{later} (between walls: reflecting)"
        ))  # fmt: skip
    boundary, why = likely(c=tracer)
    assert boundary == "periodic" and why == (
        "nothing reaches the ends, which are alike: any boundary will do, unless the flux depends "
        f"on place (then outflow), but {later}"
    )


@pytest.mark.parametrize("places", [7, 9, 10, 12])
def test_few_sensors_that_match_by_chance_make_no_ring(places):
    """An open line of which a wave and a third are seen: its ends may be alike, as any places."""
    x = np.linspace(0.0, 4.0 / 3.0, places)
    u = 5.0 + np.sin(2 * np.pi * (x - 2.0 * T)) + 0.7 * np.sin(5.0 * (x - 2.0 * T) + 1.0)
    boundary, why = likely(u=u)
    assert boundary == "open", why


def test_a_sum_that_is_known_too_badly_shows_no_walls():
    """The water table between two rivers: its mean moves by less than sensors can tell, but so
    would half of it."""
    x = np.linspace(0.0, 1.0, 10)
    rng = np.random.default_rng(1)
    tide = np.sin(9.0 * T) * (0.3 * (1.0 - x) - 0.25 * x)
    head = 5.0 + 2.0 * x + tide + 0.05 * rng.normal(size=(30, 10))
    boundary, why = likely(head=head)
    assert boundary == "open" and "too little is measured to know" in why


def test_ends_of_a_ring_of_few_places_show_no_walls():
    """Ten places on a ring: across its ends values differ 2.7 times as much as beside them, but
    less than those of places far from each other."""
    x = (np.arange(10) + 0.5) / 10
    u = 5.0 + np.sin(2 * np.pi * (x - 3.0 * T) + 3.58) + np.sin(2 * np.pi * (2.0 * x - T) + 0.26)
    noisy = u + 1e-3 * np.random.default_rng(0).normal(size=u.shape)
    boundary, why = likely(u=noisy)
    assert not ends(noisy[None]).match and boundary == "open"
    assert "a ring cannot be told from walls" in why
    assert likely(u=u) == (
        "periodic", "the ends do not match, but the total is constant to rounding while the field "
        "moves, so nothing passes them: a ring (between walls: reflecting)",
    )  # fmt: skip


@pytest.mark.parametrize("seam", [0, 1, 22, 23])
def test_nothing_passes_the_ends_of_what_keeps_its_total_to_rounding(seam):
    """Few cells of a ring with steep waves and a shock, from any place on; and what settles between
    walls, clear water above and a deposit below."""
    edges = np.arange(25) / 24
    waves = burgers(0.1, 24) + 0.3 * np.diff(np.sin(4 * np.pi * (edges + T)), axis=1)
    u = np.roll(waves, seam, axis=1)
    assert total(u[None]).exact and likely(u=u)[0] == "periodic"
    noisy = u + 1e-5 * np.random.default_rng(0).normal(size=u.shape)
    assert not total(noisy[None]).exact and not total(gaps(u[None], 0.1)).exact
    edges, clear = np.arange(31) / 30, 0.5 * T
    deposit = 1.0 - 0.25 * clear
    below = 0.2 * np.clip(edges, clear, deposit) + np.maximum(edges, deposit)
    settling = 30.0 * np.diff(below, axis=1)
    for jar in (settling, settling[:, ::-1]):
        assert total(jar[None]).exact and likely(u=jar)[0] == "reflecting"


def test_ends_of_short_waves_on_a_ring_match_no_better_than_by_chance():
    edges = np.arange(25) / 24
    waves = np.cos(10 * np.pi * (edges - 0.7 * T)) + 2.0 * np.cos(2 * np.pi * (edges + 0.5 * T))
    boundary, why = likely(u=9.0 + np.diff(waves, axis=1))
    assert boundary == "periodic" and why == (
        "the ends match no better than by chance, but the total is constant to rounding while the "
        "field moves, so nothing passes them: a ring (between walls: reflecting)"
    )


def test_a_total_that_is_constant_by_symmetry_shows_no_closed_line():
    """The same leaves at both ends, with the opposite sign."""
    away = np.abs(X - 0.5)
    waves = np.sign(X - 0.5) * np.exp(-(((away - 0.1 - 0.6 * T) / 0.1) ** 2))
    found = total(2.0 + waves[None])
    assert abs(found.change) < 1e-12 and not found.exact


def test_a_total_that_changes_by_little_more_than_its_uncertainty_shows_no_leak():
    """Its uncertainty is .013, 4 standard deviations of a difference."""
    noise = 0.1 * np.random.default_rng(0).normal(size=(30, 80))
    for ring, lost, said in (
        (True, 0.02, "is perhaps conserved"),
        (True, 0.05, "is not conserved: a source or a leak"),
        (False, 0.02, "perhaps not conserved: there may be inflow"),
        (False, 0.05, "is not conserved: there may be inflow"),
    ):
        wave = np.sin(2 * np.pi * (X - T)) if ring else np.cos(np.pi * X) * (1.0 - 1.5 * T)
        assert said in likely(u=4.0 * (1.0 - lost * T) + wave + noise)[1]


def test_drifting_zeros_are_not_said_to_be_inflow():
    """They change the total linearly, as what passes open ends hardly ever does."""
    noise = 0.003 * np.random.default_rng(0).normal(size=(30, 80))
    smooth, opened = np.sin(2 * np.pi * (X - T)), 2.0 + np.cos(np.pi * (X - 0.5 * T))
    for u, drifts in ((burgers(0.0), True), (smooth, True), (opened, False)):
        why = likely(u=u + 0.1 * T * drifts + noise)[1]
        assert ("or sensors whose zero or gain drifts" in why) == drifts
        assert ("there is inflow" in why) != drifts


def test_a_reaction_of_several_fields_may_be_why_their_totals_change():
    """Of one field the states at the ends would not explain it."""
    opened = 2.0 + np.cos(np.pi * (X - 0.5 * T))
    words = (
        "the ends do not match and the total is not conserved: there is inflow, which is estimated"
    )
    assert likely(u=opened) == ("open", words)
    ends, found = measured(u=opened)
    for sound, said in (
        (True, f"{words} (the states at the ends explain 97 % of the change, and noise and the "
         "steps between frames may leave the rest)"),
        (False, f"{words.removesuffix(', which is estimated')}, but the states at the ends explain "
         "97 % of the change, and the rest is more than noise and the steps between frames leave: "
         "a source or a leak, or a flow that they do not determine"),
    ):  # fmt: skip
        found["u"] |= {"explained_by_ends": 0.97, "balanced_by_ends": sound}
        assert likely_boundary(ends, found) == ("open", said)
    reacts = f"{words}, unless a source or a reaction is why"
    assert likely(u=opened, v=opened**2) == ("open", reacts)


def test_the_total_of_a_flow_need_not_be_kept():
    """Cars that get faster on a ring."""
    speed, place = 0.5 * T, X - 0.25 * T**2
    density = 2.0 + np.sin(2 * np.pi * place) + 0.3 * np.sin(4 * np.pi * place + 1.0)
    flow = density * speed
    fields = {"density": density, "flow": flow}
    both = [each[None] for each in fields.values()]
    assert flow_of_two(both, T[:, 0]) == 1 and flow_of_two(both[::-1], T[:, 0]) == 0
    assert flow_of_two([both[0], both[0] ** 2], T[:, 0]) is None
    assert flow_of_two([both[0], -both[1]], T[:, 0]) is None
    assert "a source or a leak" in likely(**fields)[1]
    assert likely_boundary(*measured(**fields), flow="flow") == (
        "periodic", "the ends match and the total of density is conserved; that of flow, its flow "
        "or momentum, need not be",
    )  # fmt: skip
    assert likely_boundary(*measured(**fields), "flow", "which moves it")[1].endswith(
        "that of flow, which moves it, need not be"
    )
    # Of which the part that is seen does not end as it begins.
    seen = {name: u[:, :50] for name, u in fields.items()}
    assert likely_boundary(*measured(**seen), flow="flow")[0] == "open"


def test_where_noise_hides_the_ends():
    noise = np.random.default_rng(2).normal(size=(30, 80))
    boundary, why = likely(u=noise)
    assert boundary == "open" and why.startswith("it cannot be told: noise")
    boundary, why = likely(u=noise + 4.0 * T)
    assert boundary == "open" and "the total is not conserved" in why
    places = (np.arange(240) + 0.5) / 240
    noise = np.random.default_rng(2).normal(size=(30, 240))
    boundary, why = likely(u=2.0 * np.sin(2 * np.pi * (places - 2.0 * T)) + noise)
    assert boundary == "periodic" and why.startswith("a guess: noise")
