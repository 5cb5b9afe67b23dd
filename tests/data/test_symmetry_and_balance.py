"""What mirrors and totals tell before any law is fitted."""

import numpy as np
import pytest

from hfluxno.data.balance import balance_with_ends
from hfluxno.data.symmetry import symmetry
from tests.identify.exact import burgers

X, TIMES = (np.arange(60) + 0.5) / 60, np.linspace(0.0, 0.4, 21)
T = TIMES[:, None]


def heat(middle):
    """A solution of the heat equation that is its own mirror image."""
    width = 0.01 + 0.05 * T
    return 1.0 + np.exp(-((X - middle) ** 2) / (4 * width)) / np.sqrt(width)


@pytest.mark.parametrize("middle", [0.5, 0.4])
@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_spreading_is_symmetric_and_a_wave_is_not(middle, noise):
    rng = np.random.default_rng(0)
    u = heat(middle) + noise * rng.normal(size=(21, 60))
    found = symmetry(u[None], periodic=False)
    assert found.kind == "even" and found.mirror == pytest.approx(60 * middle, abs=0.5)
    u[:, ::7] = np.nan
    assert symmetry(u[None], periodic=False).kind == "even"
    assert symmetry(burgers(TIMES, 60, 0.1, 0.6)[None, :, 0], False).kind == "none"
    assert symmetry(rng.normal(size=(1, 21, 60)), False).kind == "none"
    assert symmetry(np.ones((1, 21, 60)), True).kind == "none"


def test_a_wave_on_a_ring_has_a_mirror_only_if_it_stands():
    run, stand = np.sin(2 * np.pi * (X - T)), np.sin(2 * np.pi * X) * (1.0 - 0.5 * T)
    assert symmetry(run[None], periodic=True).kind == "none"
    assert symmetry(stand[None], periodic=True).kind == "even"  # about its crests
    odd = stand + 0.4 * np.sin(4 * np.pi * X) * T
    found = symmetry(odd[None], periodic=True)
    assert found.kind == "odd" and found.mirror in (0.5 * 60, 0.0, 60.0)


def test_the_ends_account_for_what_a_law_changes_and_not_for_a_source():
    law = burgers(TIMES, 60, 0.1, 0.6)[None, :, 0]
    (found,) = balance_with_ends([law], TIMES)
    assert found.explained > 0.999 and found.is_sound(0.0)
    noisy = law + 0.01 * np.random.default_rng(0).normal(size=law.shape)
    assert balance_with_ends([noisy], TIMES)[0].is_sound(0.0)
    grown = law * np.exp(np.sin(15.0 * T))
    (found,) = balance_with_ends([grown], TIMES)
    assert found.explained < 0.9 and not found.is_sound(0.01)
    assert found.is_sound(1.0)  # where the totals are not known, nothing is said against them
    assert np.isnan(balance_with_ends([law[:, :5]], TIMES[:5])[0].explained)
    # A batch and gaps, and a constant field beside.
    many = np.concatenate([law, burgers(TIMES, 60, 0.3, 0.8)[None, :, 0]])
    many[:, 4, 3:9], many[:, 7] = np.nan, np.nan
    both = balance_with_ends([many, np.ones_like(many)], TIMES)
    assert both[0].explained > 0.99 and np.isnan(both[1].explained)
    mirrored = np.concatenate([law, law[:, :, ::-1]])  # no law has both
    assert not balance_with_ends([mirrored], TIMES)[0].is_sound(0.0)


def entering_heat():
    """A solution of the heat equation whose heat comes from outside."""
    return np.exp(-((X + 0.2) ** 2) / (0.4 * (2.5 * T + 0.1))) / np.sqrt(2.5 * T + 0.1)


@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_the_slopes_at_the_ends_account_for_what_is_conducted(noise):
    heat = entering_heat() + noise * np.random.default_rng(0).normal(size=(21, 60))
    (found,) = balance_with_ends([heat[None]], TIMES)
    assert found.explained > 0.999 and found.is_sound(0.0)
    heated = heat * (1.0 + 0.3 * np.sin(22.0 * T))
    assert not balance_with_ends([heated[None]], TIMES)[0].is_sound(0.0)


def test_no_source_is_seen_in_what_steps_between_frames_and_noise_may_leave():
    """Waves that cross the line within a few frames: their integrals are known badly."""

    def fast(times, noise):
        waves = np.sin(3.0 * (X - 40.0 * times)) + 0.7 * np.sin(7.3 * (X - 40.0 * times) + 1.0)
        return 3.0 + waves + noise * np.random.default_rng(0).normal(size=waves.shape)

    (found,) = balance_with_ends([fast(T, 0.0)[None]], TIMES)
    assert found.unseen > 0.02 and found.is_sound(0.0)
    dense = np.linspace(0.0, 0.4, 201)
    (known,) = balance_with_ends([fast(dense[:, None], 0.0)[None]], dense)
    assert known.unseen < 0.1 * found.unseen
    (noisy,) = balance_with_ends([fast(dense[:, None], 0.1)[None]], dense)
    assert noisy.unseen > 3.0 * known.unseen and noisy.is_sound(0.0)
