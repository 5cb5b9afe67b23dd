"""What is missing from a law is named: exact solutions of equations that are no such laws."""

import dataclasses

import numpy as np
import pytest
import scipy.linalg

from hfluxno.identify.by_cause import cause_of as cause_of_law
from hfluxno.identify.residuals.cause import (
    _of_each,
    likely_cause,
    may_disperse,
    shares_in_weak_form,
)
from hfluxno.identify.status import FitStatus
from hfluxno.trajectory import Trajectory
from tests.identify import runge_kutta
from tests.identify.laws import identification, one_field

CELLS, FRAMES, INTERVAL, C = 64, 20, 0.02, 0.7
K = 2j * np.pi * np.fft.rfftfreq(CELLS, 1.0 / CELLS)
X = (np.arange(CELLS) + 0.5) / CELLS
TIMES = INTERVAL * np.arange(FRAMES)[:, None]
FREQUENCIES = np.where(np.arange(CELLS) == CELLS // 2, 0.0, np.fft.fftfreq(CELLS, 1.0 / CELLS))


def waves(seed=0):
    rng = np.random.default_rng(seed)
    return sum(rng.normal() / k * np.sin(2 * np.pi * (k * X + rng.uniform())) for k in (1, 2, 3, 4))


def linear(symbol, source=0.0):
    """∂t u = L u + p(x), with the symbol of L by wave number, exactly."""
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = np.where(symbol == 0.0, TIMES, np.expm1(symbol * TIMES) / symbol)
    spectra = np.exp(symbol * TIMES) * np.fft.rfft(waves())
    return np.fft.irfft(spectra + grown * np.fft.rfft(source + 0.0 * X), CELLS)


def by_place():
    """∂t u + ∂x(k(x) u) = 0, by the fourth-order Runge-Kutta method and Fourier modes."""
    u, factor, frames, steps = waves(), 0.5 + 0.2 * np.sin(2 * np.pi * X), [], 20
    dt = INTERVAL / steps

    def rate(u):
        return np.fft.irfft(-K * np.fft.rfft(factor * u), CELLS)

    for _ in range(FRAMES):
        frames.append(u)
        for _ in range(steps):
            a = rate(u)
            b = rate(u + 0.5 * dt * a)
            c = rate(u + 0.5 * dt * b)
            u = u + dt * (a + 2 * b + 2 * c + rate(u + dt * c)) / 6
    return np.stack(frames)


def late():
    """T ∂tt u + ∂t u + c ∂x u = 0 from ∂t u = 0: Maxwell and Cattaneo's reaction, mode by mode."""
    delay = 0.2
    root = np.sqrt(1.0 - 4.0 * delay * C * K)
    one, other = (-1.0 + root) / (2 * delay), (-1.0 - root) / (2 * delay)
    share = -other / (one - other)
    spectra = share * np.exp(one * TIMES) + (1.0 - share) * np.exp(other * TIMES)
    return np.fft.irfft(spectra * np.fft.rfft(waves()), CELLS)


def seen_through_a_window():
    """A wave that leaves at one end, and another that comes in at the other one."""
    return np.exp(-(((X - C * TIMES - 0.6) / 0.15) ** 2)) + np.sin(5.0 * (X - C * TIMES))


def conducted():
    """∂t u = ∂x(k(x) ∂x u) in Fourier modes, exactly in time."""
    derivative = np.fft.ifft(
        2j * np.pi * FREQUENCIES[:, None] * np.fft.fft(np.eye(CELLS), axis=0), axis=0
    )
    rate = derivative.real @ np.diag(0.02 * (1.0 + 0.6 * np.sin(2 * np.pi * X))) @ derivative.real
    return np.stack([scipy.linalg.expm(2.0 * t * rate) @ waves() for t in TIMES[:, 0]])


KINDS = {
    "dispersion": linear(-C * K - 2e-4 * K**3),
    "a fourth derivative": linear(-C * K - 5e-3 * K**2 - 1e-5 * K**4),
    "a source that depends on the state": 1.0 + linear(-C * K + 2.0),
    "a source that depends on place": linear(-C * K, 3.0 * np.cos(2 * np.pi * X)),
    "a source that depends on time": linear(-C * K) + TIMES**2,
    "a flux that depends on time": np.fft.irfft(
        np.exp(-C * K * (TIMES + 2 * TIMES**2)) * np.fft.rfft(waves()), CELLS
    ),
    "a flux that depends on place": by_place(),
    "a diffusivity that depends on place": conducted(),
    "a delayed reaction": late(),
    "ends that are not periodic": seen_through_a_window(),
}


def cause_of(values, periodic=True):
    return likely_cause(values[:, None], ("u",), periodic)


@pytest.mark.parametrize("name", list(KINDS))
def test_it_is_named(name):
    cause = cause_of(KINDS[name])
    assert cause.name == name, cause
    assert cause.shares[name] > 0.95 and str(cause).startswith(f"most likely {name}: ")


def not_local(order):
    """∂t u + ∂x u²/2 = -.15 (-∂xx)^(order/2) u, by Fourier modes, as means over
    cells."""
    fine, steps, dt = 4 * CELLS, 20, 0.004
    k = np.fft.rfftfreq(fine, 1.0 / fine)
    decay = np.exp(-0.15 * k**order * dt / 2)[:, None]
    x = 2 * np.pi * (np.arange(fine) + 0.5) / fine
    spectrum = np.fft.rfft(1.0 + 0.5 * np.sin(x) + 0.3 * np.cos(2 * x + 1.0))[:, None]
    frames = []

    def rate(spectrum):
        square = np.fft.irfft(spectrum[:, 0]) ** 2
        return (-0.5j * k * (k < fine / 3) * np.fft.rfft(square))[:, None]

    for _ in range(FRAMES):
        frames.append(np.fft.irfft(spectrum[:, 0]).reshape(CELLS, -1).mean(axis=1))
        for _ in range(steps):
            spectrum = decay * runge_kutta.step(rate, decay * spectrum, dt)
    return np.stack(frames)


@pytest.mark.parametrize("order", [0.8, 1.2])
def test_diffusion_that_is_not_local_is_no_source(order):
    """It keeps the total, what draws a field to its mean would have to do so by chance."""
    u = not_local(order)
    for noise in (0.0, 0.001):
        each = u + noise * np.std(u) * np.random.default_rng(0).normal(size=u.shape)
        (cause,) = _of_each(each[:, None], ["u"], True)
        assert cause.keeps_total and cause.name == "", cause
        assert " a flux that these terms do not hold, such as one that depends on" in str(cause)
        assert "or a source that draws u to its mean, which would explain " in str(cause)


def test_a_source_that_changes_the_total_or_draws_to_zero_is_one():
    decays = linear(-C * K - 2.0)
    for u in (decays, decays + np.exp(-2.0 * TIMES)):
        cause = cause_of(u)
        assert cause.name == "a source that depends on the state" and not cause.keeps_total
    cause = cause_of(1.0 + decays)
    assert cause.keeps_total and cause.term == "a source that depends on the state"
    assert str(cause).startswith("most likely a flux that these terms do not")


def test_no_cause_is_sought_where_flux_and_diffusion_explain_the_frames():
    assert cause_of(linear(-C * K + 5e-3 * K**2)) is None
    assert cause_of(seen_through_a_window(), periodic=False) is None
    assert cause_of(KINDS["dispersion"][:9]) is None  # too few frames
    assert cause_of(np.ones((FRAMES, CELLS))) is None


def reaction():
    """∂t u = ∂xx u/1000 + 3 (u - u³) by Strang's splitting, whose parts are exact."""
    u, frames, steps = 0.5 * waves(), [], 20
    dt = 5 * INTERVAL / steps
    spread, grown = np.exp(0.5e-3 * dt * K**2), np.exp(-6.0 * dt)
    for _ in range(FRAMES):
        frames.append(u)
        for _ in range(steps):
            u = np.fft.irfft(spread * np.fft.rfft(u), CELLS)
            u = u / np.sqrt(u**2 + (1.0 - u**2) * grown)
            u = np.fft.irfft(spread * np.fft.rfft(u), CELLS)
    return np.stack(frames)


def test_a_cubic_source_is_named():
    cause = cause_of(reaction())
    assert cause.name == "a source that depends on the state", cause
    assert cause.shares[cause.name] > 0.99


def test_a_little_dispersion_is_named_and_the_error_of_the_quadrature_is_not():
    cause = cause_of(linear(-C * K - 2e-5 * K**3))
    assert cause.left < 0.04 and cause.name == "dispersion", cause
    fast = np.fft.irfft(np.exp(-C * K * 3 * TIMES) * np.fft.rfft(waves()), CELLS)
    assert cause_of(fast) is None


def test_shares_are_those_of_the_field_that_disperses_or_whose_flux_changes():
    moved, dispersed = linear(-C * K), linear(-C * K - 2e-5 * K**3)
    timed = KINDS["a flux that depends on time"]
    assert shares_in_weak_form(dispersed[:, None], True)[0] > 0.98
    assert shares_in_weak_form(np.stack([3.0 + moved, dispersed], axis=1), True)[0] > 0.98
    assert shares_in_weak_form(np.stack([3.0 + moved, timed], axis=1), True)[1] > 0.98
    for each in (moved, KINDS["a source that depends on the state"], KINDS["dispersion"]):
        assert shares_in_weak_form(each[:, None], True)[1] < 0.2
    assert shares_in_weak_form(moved[:, None], True)[0] < 0.5
    assert shares_in_weak_form(dispersed[:9, None], True) == (0.0, 0.0)  # too few frames


def water(turns, speed=0.0, size=0.2):
    """The depth of shallow water, h_t + m_x = 0, m_t + (m²/h + h²/2)_x = 0, whose momentum nobody
    measured: Fourier modes and the fourth-order Runge-Kutta method."""
    h, frames, steps = 1.0 + size * waves(3), [], 10
    state = np.stack([h, h * (speed + 0.1 * waves(4))])

    def change(state):
        h, m = state
        spectra = -K * np.fft.rfft(np.stack([m, m**2 / h + 0.5 * h**2]))
        return np.fft.irfft(spectra * (np.abs(K) < 2 / 3 * np.pi * CELLS), CELLS)

    for _ in range(FRAMES):
        frames.append(state[0])
        for _ in range(steps):
            state = runge_kutta.step(change, state, turns * INTERVAL / steps)
    return np.stack(frames)


def test_waves_in_both_directions_need_an_unobserved_field():
    """No source that depends on place, which may explain nearly as much."""
    rng = np.random.default_rng(5)
    sound = np.fft.irfft(np.cosh(C * K * TIMES) * np.fft.rfft(waves()), CELLS)
    for depth in (water(0.4), water(0.7), sound):
        for noise in (0.0, 0.01):
            values = depth + noise * np.std(depth) * rng.normal(size=depth.shape)
            cause = likely_cause(values[:, None], ["h"], True)
            assert cause is not None and cause.name == "an unobserved field"
            assert cause.both_ways > 0.7
            assert str(cause).startswith("most likely an unobserved field beside h, such as a mom")
    for values in KINDS.values():
        (cause,) = _of_each(values[:, None], ["u"], True)
        assert cause.both_ways == 0.0


def steepening(dispersion, cells=128, fine=512):
    """Means over cells of ∂t u + ∂x (u²/2 + δ ∂xx u) = 0 until shortly before a first shock, by
    Fourier modes and the fourth-order Runge-Kutta method."""
    k = 2j * np.pi * np.fft.rfftfreq(fine, 1.0 / fine)
    kept, interval, steps = np.abs(k) < 2 / 3 * np.pi * fine, 0.0175, 60
    x = (np.arange(fine) + 0.5) / fine
    v = np.fft.rfft(0.5 + 0.4 * np.sin(2 * np.pi * x) + 0.1 * np.sin(4 * np.pi * x + 1.0))

    def change(v):
        squares = np.fft.rfft(np.fft.irfft(v, fine) ** 2)
        return kept * (-0.5 * k * squares - dispersion * k**3 * v)

    frames = []
    for _ in range(FRAMES):
        frames.append(np.fft.irfft(v, fine))
        for _ in range(steps):
            v = runge_kutta.step(change, v, interval / steps)
    return np.stack(frames).reshape(FRAMES, 1, cells, -1).mean(axis=-1)


def test_weak_dispersion_is_seen_where_waves_steepen():
    """A flux of the means of cells is not the mean of a flux; that must not hide dispersion."""
    assert shares_in_weak_form(steepening(1e-6), True)[0] > 0.9
    assert shares_in_weak_form(steepening(0.0), True)[0] < 0.2


def test_of_little_that_is_left_no_dependence_on_time_is_asserted():
    """It may be the error of the quadrature."""
    slightly = np.fft.irfft(
        np.exp(-C * K * (TIMES + 0.02 * TIMES**2)) * np.fft.rfft(waves()), CELLS
    )
    (cause,) = _of_each(slightly[:, None], ["u"], True)
    assert cause.left < 0.02 and cause.shares["a flux that depends on time"] > 0.5
    assert shares_in_weak_form(slightly[:, None], True)[1] == 0.0


def test_what_dispersion_may_be_is_no_evidence_of_many_coefficients():
    """One wave that moves by another speed than a second one, and noise: modes of place explain
    that too. Noise on what depends on place does not look like dispersion."""
    two = np.fft.rfft(waves()) * (np.arange(CELLS // 2 + 1) <= 2)
    dispersed = np.fft.irfft(np.exp((-C * K - 2e-3 * K**3) * TIMES) * two, CELLS)
    noise = 0.01 * np.random.default_rng(3).normal(size=(FRAMES, CELLS))
    for values, answer in (
        (dispersed, True),
        (KINDS["a source that depends on place"], False),
        (KINDS["a flux that depends on place"], False),
        (KINDS["a source that depends on the state"], False),
    ):
        for each in (values, values + np.std(values) * noise):
            assert may_disperse(each[:, None], True) == answer
    assert not may_disperse(dispersed[:9, None], True)  # too few frames to know
    (cause,) = _of_each(dispersed[:, None], ["u"], True)
    for least, answer in ((0.9 * cause.left, True), (1.1 * cause.left, False)):
        assert may_disperse(dispersed[:, None], True, least) == answer


def test_dispersion_is_asserted_only_beside_every_other_cause():
    """Of few cells the columns of a source cannot be told from anything: what diffuses and decays
    looks like dispersion then."""
    x, t = (np.arange(32) + 0.5) / 32, np.arange(20.0)[:, None]
    decay = [np.exp(-(0.008 * (np.pi * k) ** 2 + 0.012) * t) for k in range(5)]
    size = (-9.0, 1.5, -1.0, 0.8, 0.5)
    u = 12.5 + sum(
        a * d * np.cos(np.pi * k * x) for k, (a, d) in enumerate(zip(size, decay, strict=True))
    )
    assert not may_disperse(u[:, None], False)
    (cause,) = _of_each(u[:, None], ["u"], False)
    assert not cause.compared
    assert dataclasses.replace(cause, compared=True).may_be_dispersion


def test_noise_has_no_cause():
    noise = np.random.default_rng(1).normal(size=(FRAMES, CELLS))
    cause = cause_of(noise)
    assert cause.name == "" and str(cause).startswith("no single cause explains ")
    assert cause_of(linear(-C * K) + 0.2 * noise).name == ""


def test_units_do_not_matter_and_the_equation_is_found():
    """Of a density that is only moved, and another field that disperses."""
    values = np.stack([3.0 + linear(-C * K), 1e3 * KINDS["dispersion"] - 50.0], axis=1)
    cause = likely_cause(values, ("rho", "u"), True)
    assert (cause.field, cause.name) == ("u", "dispersion")


def test_it_is_sought_in_whole_frames_at_even_times_that_no_law_explains():
    values, poor = KINDS["dispersion"][:, None], {"status": FitStatus.POOR_FIT}
    context = Trajectory.from_numpy(values, TIMES[:, 0], X, boundary="periodic")
    found = identification(one_field(), **poor)
    assert cause_of_law(found, values, context).name == "dispersion"
    assert cause_of_law(identification(one_field()), values, context) is None
    uneven = dataclasses.replace(context, times=TIMES[:, 0] ** 2)
    assert cause_of_law(found, values, uneven) is None
    gap = np.where(np.arange(FRAMES)[:, None, None] == 3, np.nan, values)
    assert cause_of_law(found, gap, context) is None


@pytest.mark.parametrize(
    "name", ["a source that depends on the state", "a flux that depends on place"]
)
def test_a_term_that_the_law_has_is_no_cause(name):
    values, poor = KINDS[name][:, None], {"status": FitStatus.POOR_FIT}
    context = Trajectory.from_numpy(values, TIMES[:, 0], X, boundary="periodic")
    assert cause_of_law(identification(one_field(), **poor), values, context).name == name
    assert cause_of_law(identification(one_field(terms=True), **poor), values, context) is None


def test_it_is_a_part_of_the_sentence():
    cause = cause_of(KINDS["dispersion"])
    found = identification(one_field(), status=FitStatus.POOR_FIT)
    assert "most likely" not in found.sentence
    said = dataclasses.replace(found, cause=cause).sentence
    assert said.endswith(str(cause)) and said.startswith(found.status.sentence)


def test_drifting_sensors_are_named_beside_a_source_that_they_look_like():
    """A law by which waves move, seen by sensors whose zeros or gains drift."""
    moving = 2.0 + np.sin(2 * np.pi * (X - C * TIMES))
    past = TIMES / TIMES[-1]
    for seen in (moving + past, moving * (1.0 + 0.3 * past)):
        cause = likely_cause(seen[:, None], ("u",), periodic=True)
        assert cause is not None and cause.name.startswith("a source that depends on")
        assert "sensors whose zero or gain drifts may look alike" in str(cause)
