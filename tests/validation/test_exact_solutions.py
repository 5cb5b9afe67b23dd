"""The exact solutions are checked against hand calculations and against their equations."""

import numpy as np
import pytest

from tests.validation import (
    ColeHopf,
    EulerRiemann,
    HeatWave,
    RoundDamBreak,
    ScalarRiemann,
    ShallowWaterRiemann,
    SimpleWave,
)

EDGES = np.linspace(-1.0, 1.0, 41)


def average(primitive):
    """Averages over the cells of EDGES of the function with this primitive."""
    return np.diff(primitive(EDGES)) / np.diff(EDGES)


def test_burgers_shock():
    exact = ScalarRiemann(lambda u: 0.5 * u**2, 1.0, 0.0)
    # u = 1 left of x = t/2.
    expected = average(lambda x: np.minimum(x, 0.2))
    np.testing.assert_allclose(exact.averages(EDGES, 0.4)[0], expected, atol=1e-12)


def test_burgers_transonic_rarefaction():
    exact = ScalarRiemann(lambda u: 0.5 * u**2, -1.0, 1.0)
    time = 0.5
    # u = x/t between x = -t and t.
    inside = lambda x: 0.5 * np.clip(x, -time, time) ** 2 / time + np.abs(x)  # noqa: E731
    expected = average(lambda x: inside(x) - np.abs(np.clip(x, -time, time)))
    np.testing.assert_allclose(exact.averages(EDGES, time)[0], expected, atol=1e-9)


def test_buckley_leverett_shock_is_the_tangent():
    mobility, time = 0.5, 0.6
    flux = lambda s: s**2 / (s**2 + mobility * (1.0 - s) ** 2)  # noqa: E731
    exact = ScalarRiemann(flux, 1.0, 0.0)
    # Welge's tangent f′(s*) = f(s*)/s* gives s* = √(M/(1 + M)).
    front = np.sqrt(mobility / (1.0 + mobility))
    shock = flux(front) / front
    fine = np.linspace(0.0, 1.0, 5001)
    values = exact.averages(fine, time)[0]
    center = 0.5 * (fine[1:] + fine[:-1])
    # Left of the shock the saturation is above s*, right of it there is none.
    assert np.min(values[center < shock * time - 1e-3]) > front - 1e-2
    np.testing.assert_allclose(values[center > shock * time + 1e-3], 0.0, atol=1e-9)
    # In the rarefaction f′(s) = x/t.
    s = np.linspace(0.7, 0.95, 6)
    slope = 2.0 * mobility * s * (1.0 - s) / (s**2 + mobility * (1.0 - s) ** 2) ** 2
    np.testing.assert_allclose(np.interp(slope * time, center, values), s, atol=1e-3)


def test_cubic_compound_wave():
    # f = u³ from 1 to -1: the chord from 1 touches the cubic at -½ with the slope f′(-½) = ¾. So a
    # shock from 1 to -½ is followed by a rarefaction 3u² = x/t, which ends at x/t = 3.
    exact = ScalarRiemann(lambda u: u**3, 1.0, -1.0)
    fine = np.linspace(-1.0, 4.0, 5001)
    values = exact.averages(fine, 1.0)[0]
    center = 0.5 * (fine[1:] + fine[:-1])
    fan = (center > 0.752) & (center < 2.998)
    np.testing.assert_allclose(values[fan], -np.sqrt(center[fan] / 3.0), atol=1e-4)
    np.testing.assert_allclose(values[center < 0.749], 1.0, atol=1e-9)
    np.testing.assert_allclose(values[center > 3.001], -1.0, atol=1e-9)


@pytest.mark.parametrize(
    ("left", "right"),
    [((2.0, 0.0), (1.0, 0.0)), ((1.0, 0.5), (1.5, -0.8)), ((1.0, -0.5), (1.5, 0.6))],
)
def test_shallow_water_is_a_weak_solution(left, right):
    exact = ShallowWaterRiemann(left, right, gravity=9.81)
    h, v = exact.middle()
    # What entered through the ends is what the field has gained, for both fields.
    time, edges = 0.1, np.linspace(-1.0, 1.0, 2001)
    values = exact.averages(edges, time)
    flux = lambda u: np.array([u[1], u[1] ** 2 / u[0] + 0.5 * 9.81 * u[0] ** 2])  # noqa: E731
    gained = values.sum(axis=1) * (edges[1] - edges[0]) - np.add(left, right)
    np.testing.assert_allclose(gained, time * (flux(left) - flux(right)), atol=1e-12)
    # The averages are those of the states, so ξU - F(U) is continuous over every wave.
    center = 0.5 * (edges[1:] + edges[:-1])
    states = exact.states(center / time)
    assert np.mean(np.abs(values - states)) < 2e-3
    assert h > 0.0
    # Riemann invariants hold over rarefactions, Lax's condition over shocks.
    for sign, (h_k, m_k) in ((-1.0, left), (1.0, right)):
        v_k = m_k / h_k
        if h <= h_k:
            outer = v_k - sign * 2.0 * np.sqrt(9.81 * h_k)
            assert v - sign * 2.0 * np.sqrt(9.81 * h) == pytest.approx(outer, abs=1e-10)
        else:
            speed = (h * v - m_k) / (h - h_k)
            behind, ahead = (sign * v + np.sqrt(9.81 * h), sign * v_k + np.sqrt(9.81 * h_k))
            assert ahead < sign * speed < behind


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((1.0, 0.0, 1.0), (0.125, 0.0, 0.1)),  # a rarefaction and a shock
        ((1.0, 0.6, 0.8), (0.7, -0.9, 1.3)),  # two shocks
        ((1.0, -0.4, 1.1), (0.8, 0.5, 0.9)),  # two rarefactions
        ((0.3, 0.2, 0.2), (1.0, 0.1, 1.4)),  # a shock and a rarefaction
    ],
)
def test_a_gas_is_a_weak_solution(left, right):
    gamma = 1.3
    exact = EulerRiemann(left, right, gamma)
    p, v = exact.middle()
    time, edges = 0.15, np.linspace(-1.0, 1.0, 2001)
    values = exact.averages(edges, time)

    def flux_and_state(rho, v, p):
        energy = p / (gamma - 1.0) + 0.5 * rho * v * v
        u = np.array([rho, rho * v, energy])
        return np.array([rho * v, rho * v * v + p, (energy + p) * v]), u

    (f_left, u_left), (f_right, u_right) = flux_and_state(*left), flux_and_state(*right)
    gained = values.sum(axis=1) * (edges[1] - edges[0]) - u_left - u_right
    np.testing.assert_allclose(gained, time * (f_left - f_right), atol=1e-12)
    # The averages are those of the states, so ξU - F(U) is continuous over every wave.
    center = 0.5 * (edges[1:] + edges[:-1])
    assert np.mean(np.abs(values - exact.states(center / time))) < 2e-3
    # Velocity and pressure are the same on both sides of the contact.
    rho, m, energy = exact.states(v + np.array([-1e-9, 1e-9]))
    np.testing.assert_allclose(m / rho, v, rtol=1e-8)
    np.testing.assert_allclose((gamma - 1.0) * (energy - 0.5 * m * m / rho), p, rtol=1e-8)
    # Entropy rises over shocks and is kept by rarefactions.
    for density, (rho_k, _, p_k) in zip(rho, (left, right), strict=True):
        gained = np.log(p / p_k) - gamma * np.log(density / rho_k)
        assert gained > 1e-4 if p > p_k else gained == pytest.approx(0.0, abs=1e-9)


def test_smooth_solutions_solve_their_equations():
    """∂t ∫u dx over a cell is the flux through its edges, by central differences."""
    edges = np.linspace(0.0, 1.0, 4001)
    dx, dt, t = edges[1] - edges[0], 1e-4, 0.1
    cubic = (0.3, 0.5, 0.2)
    flux = lambda u: cubic[0] * u**3 + cubic[1] * u**2 + cubic[2] * u  # noqa: E731
    wave = SimpleWave(
        flux,
        lambda u: 3.0 * cubic[0] * u**2 + 2.0 * cubic[1] * u + cubic[2],
        lambda u: 6.0 * cubic[0] * u + 2.0 * cubic[1],
        mean=0.4,
        amplitude=0.3,
    )
    heat, hopf = HeatWave(nu=0.02, speed=0.7), ColeHopf(a=0.8, nu=0.03)
    for exact, f, nu in (
        (wave, flux, 0.0),
        (heat, lambda u: 0.7 * u, 0.02),
        (hopf, lambda u: 0.8 * u**2, 0.03),
    ):
        u = exact.averages(edges, t)[0]
        change = (exact.averages(edges, t + dt)[0] - exact.averages(edges, t - dt)[0]) / (2.0 * dt)
        advection = (np.roll(f(u), -1) - np.roll(f(u), 1)) / (2.0 * dx)
        diffusion = nu * (np.roll(u, -1) - 2.0 * u + np.roll(u, 1)) / dx**2
        np.testing.assert_allclose(
            change, diffusion - advection, atol=1e-3 * np.max(np.abs(change))
        )
    np.testing.assert_allclose(
        wave.averages(edges, 0.0)[0], wave.initial(0.5 * (edges[1:] + edges[:-1])), atol=1e-6
    )


def test_simple_wave_refuses_times_after_the_shock():
    wave = SimpleWave(lambda u: 0.5 * u**2, lambda u: u, np.ones_like, mean=1.0, amplitude=1.0)
    assert wave.shock_time() == pytest.approx(1.0 / (2.0 * np.pi))
    with pytest.raises(ValueError, match="a shock has formed"):
        wave.averages(EDGES, 0.2)


def test_a_round_dam_breaks_like_a_straight_one_at_first():
    """And keeps the volume; water at rest stays so."""
    dam, time = RoundDamBreak(2.0, 1.0, 0.5, rings=4000), 0.01
    r, (height, momentum) = dam.profile(time)
    straight = ShallowWaterRiemann((2.0, 0.0), (1.0, 0.0), gravity=1.0, jump=0.5)
    near = np.abs(r - 0.5) < 0.04
    expected = straight.averages(np.linspace(0.0, 1.0, len(r) + 1), time)
    for found, exact in zip((height, momentum), expected, strict=True):
        assert np.mean(np.abs(found - exact)[near]) < 0.005
    r, (later, _) = RoundDamBreak(2.0, 1.0, 0.5, rings=200).profile(0.25)
    assert np.sum(r * later) == pytest.approx(np.sum(r * np.where(r < 0.5, 2.0, 1.0)), rel=1e-13)
    _, rest = RoundDamBreak(1.3, 1.3, 0.5, rings=100).profile(0.3)
    np.testing.assert_allclose(rest, [np.full(100, 1.3), np.zeros(100)], atol=1e-13)
