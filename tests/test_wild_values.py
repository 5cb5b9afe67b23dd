"""Values that stand out are told from noise, from fronts and from narrow waves."""

import numpy as np
import pytest

from hfluxno.wild_values import (
    noise,
    noise_alone,
    noise_of_each,
    standing_alone,
    standing_out,
    wild,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


FRAMES, CELLS = 20, 64
CELL = np.arange(CELLS)


def a_front(rng, level=0.01) -> np.ndarray:
    """A shock on a wave, with noise."""
    place = np.mod(CELL - 1.5 * np.arange(FRAMES)[:, None], CELLS)
    u = np.where(place < 30, 1.0, 0.2) + 0.1 * np.sin(2 * np.pi * place / CELLS)
    return u + level * rng.normal(size=u.shape)


def test_noise_is_that_of_the_field(rng):
    assert noise(a_front(rng, 0.05)[None]) == pytest.approx(0.05, rel=0.1)
    assert np.isnan(noise(np.full((1, 4, 4), np.nan)))


def test_what_third_differences_leave_of_a_sharp_field_is_no_noise(rng):
    """Waves of a few cells each, as of a gas."""
    place = 2 * np.pi * np.mod(CELL - 0.9 * np.arange(40)[:, None], CELLS) / CELLS
    u = np.exp(2.0 * np.sin(place)) + 0.8 * np.cos(5 * place)
    size = u.std()
    assert noise(u) > 0.005 * size and noise_alone(u) < 0.002 * size
    for level in (0.01, 0.03):
        noisy = u + level * size * rng.normal(size=u.shape)
        assert 0.9 * level < noise_alone(noisy) / size < 1.9 * level
    for shape in ((10, 20), (8, 30), (30, 8), (20, 64)):
        white = rng.normal(size=(50, *shape))
        assert all(noise_alone(each) == noise(each) for each in white)
    assert np.isnan(noise_alone(np.full((1, 4, 4), np.nan)))
    assert noise_alone(white[0, :, ::16]) > 0.3  # hardly any differences


def test_noise_and_fronts_do_not_stand_out(rng):
    assert not standing_out(a_front(rng)[None]).any()


def test_faults_are_wild_also_beside_gaps_and_at_the_sides(rng):
    u = a_front(rng)
    faults = [(0, 5), (3, 63), (7, 20), (8, 20), (12, 40), (19, 9)]
    for frame, cell in faults:
        u[frame, cell] += rng.choice([-2.0, 3.0])
    u[7, 21] = np.nan
    # The two in consecutive frames are each other's neighbours, so each hides the other's sign.
    assert {tuple(map(int, at)) for at in np.argwhere(wild(u))} >= set(faults) - {(7, 20), (8, 20)}
    assert wild(u).sum() <= len(faults)


def test_a_crest_with_three_neighbours_does_not_stand_out():
    after = 1.0 + 0.1 * np.arange(FRAMES)[:, None]  # a patch that spreads
    u = np.exp(-(((CELL[::4] - 33.0) / (4.0 * after)) ** 2)) / after
    u[0, 8] += 0.5
    assert u[0, 8] > max(u[0, 7], u[0, 9], u[1, 8]) + u.std()  # beyond all three
    assert not standing_out(u[None]).any()
    u[0, 8] += 1.5
    assert [tuple(map(int, at)) for at in np.argwhere(wild(u))] == [(0, 8)]


def test_sensors_are_each_others_neighbours(rng):
    u = np.full((FRAMES, CELLS), np.nan)
    u[:, ::7] = a_front(rng)[:, ::7]
    u[9, 28] += 4.0
    assert [tuple(map(int, at)) for at in np.argwhere(wild(u))] == [(9, 28)]


@pytest.mark.parametrize("speed", [2.0, -3.3])
def test_a_narrow_wave_stands_out_but_is_not_wild(rng, speed):
    u = a_front(rng)
    at = np.mod(np.round(50.0 + speed * np.arange(FRAMES)).astype(int), CELLS)
    u[np.arange(FRAMES), at] += 3.0
    assert standing_out(u[None])[0].sum() >= 18
    assert not wild(u).any()
    u[4, 11] -= 3.0
    assert [tuple(map(int, at)) for at in np.argwhere(wild(u))] == [(4, 11)]


def narrow_peak(rng, width: float, speed: float, level: float) -> np.ndarray:
    """Means over cells of a peak, so wide at half its height, that moves on a slow wave."""
    x = np.arange(8 * CELLS) / 8 + 1 / 16
    t = np.arange(FRAMES)[:, None]
    away = np.mod(x - rng.uniform(0, CELLS) - speed * t + CELLS / 2, CELLS) - CELLS / 2
    height = rng.uniform(0.8, 2.0) * rng.choice([-1.0, 1.0])
    u = 0.3 * np.sin(2 * np.pi * (x - 0.7 * t) / CELLS) + height * 0.5 ** (2 * away / width) ** 2
    u = u.reshape(FRAMES, CELLS, 8).mean(axis=-1)
    return u + level * u.std() * rng.normal(size=u.shape)


@pytest.mark.parametrize("level", [0.0, 0.05])
@pytest.mark.parametrize("speed", [1.5, 2.0, -2.7])
@pytest.mark.parametrize("width", [1.5, 2.0, 4.0])
def test_a_narrow_peak_that_moves_does_not_stand_alone_and_faults_beside_it_do(
    rng, width, speed, level
):
    standing = 0
    for _ in range(5):
        u = narrow_peak(rng, width, speed, level)
        standing += standing_out(u[None]).sum()
        assert not standing_alone(u[None]).any()
        faults = np.zeros(u.shape, bool)
        faults[[0, 4, 9, 14, 19], rng.choice(CELLS, 5, replace=False)] = True
        u = u + faults * 5.0 * u.std()
        found = standing_alone(u[None])[0]
        assert np.sum(found & faults) >= np.sum(standing_out(u[None])[0] & faults) - 1 >= 2
    assert standing > 20 or width == 4.0


def test_a_fault_beside_a_peak_that_stays_stands_alone(rng):
    u = narrow_peak(rng, 4.0, 0.0, 0.01)
    crest = int(np.argmax(np.abs(u[0] - np.median(u[0]))))
    for beside in (-4, -3, 3, 4):
        for sign in (-1.0, 1.0):
            faulty = u.copy()
            faulty[9, (crest + beside) % CELLS] += sign * 5.0 * u.std()
            at = (9, (crest + beside) % CELLS)
            assert [tuple(map(int, it)) for it in np.argwhere(wild(faulty))] == [at]


def test_many_values_are_no_exceptions(rng):
    u = a_front(rng)
    u[::2, ::8] += 3.0
    assert standing_out(u[None]).sum() > 0.05 * u.size
    assert not wild(u).any()


def test_a_front_that_stands_out_in_four_frames_is_a_wave_and_as_many_anywhere_are_not(rng):
    """Of a jam that grows and dissolves only some frames are so narrow."""
    u = a_front(rng)
    wave = [(9 + k, 10 + k) for k in range(4)]
    for frame, cell in wave:
        u[frame, cell] += 2.0
    assert standing_out(u[None])[0].sum() == 4 and not wild(u).any()
    scattered = a_front(rng)
    for frame, cell in [(9, 10), (10, 25), (11, 40), (12, 5)]:
        scattered[frame, cell] += 2.0
    assert wild(scattered).sum() == 4
    # One place again and again is an instrument.
    place = a_front(rng)
    place[[5, 7, 9, 11], 20] += 2.0
    assert wild(place).sum() == 4


def test_the_noise_of_each_quantity_is_that_of_the_places_where_it_was_measured():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, 3, 40)) * np.array([0.1, 0.3, 1.0])[:, None]
    values[:, 1, ::2] = np.nan  # a sensor in every second cell
    values[:, 2] = np.nan
    found = noise_of_each(values)
    np.testing.assert_allclose(found[:2], [0.1, 0.3], rtol=0.15)
    assert found[2] == 0.0
