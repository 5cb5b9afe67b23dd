"""Identification end to end: the law, the forecast, and what is said about both."""

import dataclasses
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from benchmarks.independent.schemes import godunov, spectral
from hfluxno.fv import Roe, Rusanov, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus, FittedLawForecaster
from hfluxno.identify.accepted import uninformative
from hfluxno.identify.forecaster import is_bounded
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.status import exceeds
from hfluxno.laws import LWR, Cubic, ShallowWater, ViscousBurgers
from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.fitted_law import Terms
from hfluxno.trajectory import Trajectory
from tests.compiled import compiled

CELLS, FRAMES, STEPS = 64, 12, 12
INTERVAL = 0.01


def _initial(seed, cells=CELLS):
    rng = np.random.default_rng(seed)
    x = (np.arange(cells) + 0.5) / cells
    waves = [
        rng.normal() * np.exp(-0.5 * k) * np.sin(2 * np.pi * (k * x + rng.uniform()))
        for k in (1, 2, 3)
    ]
    return np.sum(waves, axis=0)


def _run(flux, initial, frames=FRAMES + STEPS, control=None, boundary="periodic"):
    with jax.enable_x64(True):
        grid = Grid.interval(initial.shape[-1], boundary=boundary)
        times = np.arange(frames) * INTERVAL
        solution = compiled(solve, flux, jnp.asarray(initial), times, grid, control)
        assert int(solution.status) == 0
        return np.asarray(solution.values)


def _context(values, fields=("u",), boundary="periodic"):
    return Trajectory.from_numpy(
        values[..., :FRAMES, :, :], np.arange(FRAMES) * INTERVAL, fields=fields, boundary=boundary
    )


def _error(forecast, values):
    truth = values[FRAMES : FRAMES + STEPS]
    difference = np.asarray(forecast.trajectory.values) - truth
    return np.sqrt(np.sum(difference**2) / np.sum(truth**2))


@pytest.fixture(scope="module")
def cubic():
    with jax.enable_x64(True):
        law = Cubic(a=0.5, b=-0.7, c=0.4)
        return _run(Roe(law, "mc", False), _initial(3)[None])


@pytest.fixture(scope="module")
def of_cubic(cubic):
    """What is found in the first frames, by a search through all stages."""
    return hfluxno.identify(_context(cubic))


def test_double_precision_is_used_where_the_data_have_it(cubic, short_search):
    # In single precision a tenth of the amplitude would be lost.
    values = 1e5 + 0.05 * cubic
    context = _context(values)
    found = hfluxno.identify(context)
    assert found.status == FitStatus.OK
    forecast = FittedLawForecaster().advance(context, (found,), STEPS)
    ahead = np.asarray(forecast.trajectory.values)
    assert ahead.dtype == np.float64
    truth = 0.05 * cubic[FRAMES:]
    assert np.linalg.norm(ahead - 1e5 - truth) < 1e-7 * np.linalg.norm(truth)
    often = FittedLawForecaster(every=INTERVAL / 2).advance(context, (found,), 6).trajectory
    np.testing.assert_allclose(
        often.times, (FRAMES - 1 + 0.5 * np.arange(1, 7)) * INTERVAL, rtol=1e-12
    )
    change = np.linalg.norm(ahead[2] - np.asarray(context.values)[-1])
    assert np.linalg.norm(np.asarray(often.values)[1::2][2] - ahead[2]) < 0.01 * change


@pytest.fixture
def short_search(monkeypatch):
    """The first stage and the last one, which is for noise: what is left out compiles for long and
    has no part in what the test is about. Another test goes through all stages."""
    select = importlib.import_module("hfluxno.identify.frames.select")
    first, *_, last = select.stages(1)
    monkeypatch.setattr(select, "stages", lambda fields: (first, last))
    # Of the further terms one, on the cells of the data.
    attempts = importlib.import_module("hfluxno.identify.joint.attempts")
    monkeypatch.setattr(attempts, "_FINER", ())
    jointly = importlib.import_module("hfluxno.identify.jointly")
    monkeypatch.setattr(jointly, "FURTHER_KINDS", (Kind(4), Kind(4, source_modes=4)))


def test_cubic_law_and_forecast(cubic, x64):
    context = dataclasses.replace(_context(cubic), units=(("time", "s"), ("u", "kg/m"), ("x", "m")))
    found = hfluxno.identify(context)
    assert found.status == FitStatus.OK
    assert found.backtest_error < 1e-6
    assert found.units == {"time": "s", "u": "kg/m", "x": "m"}
    u = jnp.linspace(float(found.law.lower[0]), float(found.law.upper[0]), 21)[None]
    exact = Cubic(a=0.5, b=-0.7, c=0.4).jacobian(u)
    np.testing.assert_allclose(found.law.jacobian(u), exact, atol=1e-4)
    forecast = FittedLawForecaster().advance(context, (found,), STEPS)
    assert _error(forecast, cubic) < 1e-5
    assert forecast.conservation_drift < 1e-13
    assert not forecast.left_observed_range


def test_units_do_not_matter(cubic, of_cubic):
    """In other units of length, time and state the law is the same law: f → f·(U L/T)."""
    length, time, state = 250.0, 3.0, 7.0
    scaled = Trajectory.from_numpy(
        state * cubic[:FRAMES],
        1e6 + time * INTERVAL * np.arange(FRAMES),
        length * (np.arange(CELLS) + 0.5) / CELLS + 40.0,
    )
    here, there = of_cubic, hfluxno.identify(scaled)
    assert there.candidate == here.candidate
    for name, value in here.coefficients.items():
        expected = value * state * length / time
        assert there.coefficients[name] == pytest.approx(expected, abs=1e-3 * state * length / time)


def test_the_result_has_the_precision_of_the_context(cubic):
    forecast = hfluxno.forecast(_context(cubic.astype(np.float32)), STEPS)
    assert forecast.trajectory.values.dtype == np.float32
    assert _error(forecast, cubic) < 1e-5
    np.testing.assert_allclose(
        forecast.trajectory.times, INTERVAL * (FRAMES + np.arange(STEPS)), rtol=1e-6
    )


def test_batch_equals_singles_and_a_constant_trajectory_is_said(cubic):
    other = _run(Roe(LWR(v=0.8), "mc", False), 0.5 + 0.2 * _initial(5)[None])
    flat = np.full_like(other, 0.3)
    batch = _context(np.stack([cubic, flat, other]))
    forecast = hfluxno.forecast(batch, STEPS)
    np.testing.assert_array_equal(forecast.status, [0, FitStatus.CONSTANT, 0])
    assert "constant" in forecast.sentences[1]
    np.testing.assert_allclose(forecast.trajectory.values[1], 0.3, rtol=1e-6)
    for member, values in ((0, cubic), (2, other)):
        alone = hfluxno.forecast(_context(values), STEPS)
        np.testing.assert_allclose(
            forecast.trajectory.values[member], alone.trajectory.values, atol=2e-5
        )


def test_bands_of_a_batch_where_something_enters_one_of_them(cubic, of_cubic, monkeypatch, x64):
    """The law of one was estimated jointly, that of the other fitted to the frames."""
    jointly = dataclasses.replace(of_cubic)
    forecaster = importlib.import_module("hfluxno.identify.forecaster")
    plain = forecaster._continue

    def continued(context, values, item, *others):
        made = plain(context, values, item, *others)
        return made._replace(normal=0.6 * made.spread) if item is jointly else made

    monkeypatch.setattr(forecaster, "_continue", continued)
    context = _context(np.stack([cubic, cubic]))
    found = FittedLawForecaster().advance(context, (of_cubic, jointly), 3)
    alone = FittedLawForecaster().advance(_context(cubic), (of_cubic,), 3)
    np.testing.assert_array_equal(found.half_width[0], alone.half_width)
    # What enters has the width of a normal distribution, which is larger.
    assert np.all(found.half_width[1] > alone.half_width)


def test_viscosity_is_told_from_numerical_diffusion(x64):
    """Data of the first-order Rusanov scheme, whose own diffusion is as large as the viscosity."""
    law = ViscousBurgers(a=0.8, nu=0.006)
    values = _run(Rusanov(law), _initial(7)[None], control=StepControl(0.4, 0.4, False))
    context = _context(values)
    found = hfluxno.identify(context)
    assert found.candidate.scheme == "rusanov"
    assert found.coefficients["nu_u[T0]"] == pytest.approx(0.006, rel=1e-4)
    assert _error(FittedLawForecaster().advance(context, (found,), STEPS), values) < 1e-4


def _rusanov(u, right, a):
    return 0.5 * a * (u**2 + right**2) - a * np.maximum(abs(u), abs(right)) * (right - u)


def _engquist_osher(u, right, a):
    return a * (np.maximum(u, 0.0) ** 2 + np.minimum(right, 0.0) ** 2)


@pytest.mark.validation
@pytest.mark.parametrize(("flux_of", "name"), [(_rusanov, "rusanov"), (_engquist_osher, "upwind")])
def test_a_solver_with_steps_of_its_own_is_recognised(x64, tmp_path, flux_of, name):
    """The diffusion of a scheme of first order depends on the length of its steps, here equal ones
    that no CFL rule takes. A law that was saved keeps them."""
    cells, steps, a, nu = 96, 7, 0.5, 0.006
    u, frames = 0.1 + 0.4 * _initial(7, cells), []
    dt = 0.012 / steps
    for _ in range(FRAMES + STEPS):
        frames.append(u)
        for _ in range(steps):
            right = np.roll(u, -1)
            flux = flux_of(u, right, a) - nu * cells * (right - u)
            u = u - dt * cells * (flux - np.roll(flux, 1))
    values = np.stack(frames)[:, None]
    context = Trajectory.from_numpy(values[:FRAMES], 0.012 * np.arange(FRAMES))
    found = hfluxno.identify(context)
    assert found.candidate.steps == steps
    assert f"{name} with 7 steps a frame" in str(found.candidate)
    assert found.coefficients["nu_u[T0]"] == pytest.approx(nu, rel=1e-7)
    found.save(tmp_path / "law.json")
    saved = hfluxno.load_law(tmp_path / "law.json")
    for ahead in (
        FittedLawForecaster().advance(context, (found,), STEPS),
        hfluxno.forecast(context, STEPS, law=saved),
    ):
        np.testing.assert_allclose(ahead.trajectory.values, values[FRAMES:], atol=1e-8)
        assert ahead.status == FitStatus.OK  # from the first frame itself


@pytest.mark.validation
def test_shallow_water_is_found_term_by_term(x64):
    law = ShallowWater(alpha=0.9, gamma=1.2, beta=9.0)
    initial = np.stack([1.5 + 1.2 * _initial(11), 0.4 * _initial(13)])
    values = _run(Roe(law, "mc", False), initial)
    context = _context(values, ("h", "m"))
    found = hfluxno.identify(context)
    assert found.status == FitStatus.OK
    assert set(found.coefficients) == {"f_h[m]", "f_m[h²]", "f_m[m²/h]"}
    assert found.coefficients["f_h[m]"] == pytest.approx(0.9, rel=1e-3)
    assert found.coefficients["f_m[h²]"] == pytest.approx(4.5, rel=1e-3)
    assert found.coefficients["f_m[m²/h]"] == pytest.approx(1.2, rel=1e-3)
    assert found.formulas == ("∂t h + ∂x(0.9 m) = 0", "∂t m + ∂x(4.5 h² + 1.2 m²/h) = 0")
    assert found.recognised is None  # only with 1 in place of 0.9 and 1.2 it has a name
    forecast = FittedLawForecaster().advance(context, (found,), STEPS)
    assert _error(forecast, values) < 1e-3
    assert forecast.conservation_drift < 1e-13


def test_outflow_boundary(x64):
    x = (np.arange(CELLS) + 0.5) / CELLS
    initial = (0.5 + 0.4 * np.exp(-(((x - 0.5) / 0.1) ** 2)))[None]
    values = _run(Roe(Cubic(b=0.5), "mc", False), initial, boundary="outflow")
    context = _context(values, boundary="outflow")
    found = hfluxno.identify(context)
    assert found.status == FitStatus.OK
    assert _error(FittedLawForecaster().advance(context, (found,), STEPS), values) < 1e-4


@pytest.mark.validation
def test_covariance_covers_the_error_under_noise(cubic, x64, short_search):
    """With independent noise the coefficients are within a few standard errors of the truth."""
    noise = 0.01 * np.sqrt(np.mean(cubic**2)) * np.random.default_rng(0).normal(size=cubic.shape)
    clean, noisy = hfluxno.identify(_context(cubic)), hfluxno.identify(_context(cubic + noise))
    assert noisy.status == FitStatus.OK
    u = jnp.linspace(-0.4, 0.4, 9)[None]
    np.testing.assert_allclose(noisy.law.jacobian(u), clean.law.jacobian(u), atol=0.1)
    assert noisy.covariance.shape == (len(noisy.coefficients),) * 2
    assert np.all(np.linalg.eigvalsh(noisy.covariance) > 0.0)
    forecast = FittedLawForecaster().advance(_context(cubic + noise), (noisy,), STEPS)
    assert _error(forecast, cubic) < 0.02


@pytest.mark.validation
def test_a_leak_is_reported(cubic, short_search):
    decay = np.exp(-0.5 * INTERVAL * np.arange(len(cubic)))[:, None, None]
    found = hfluxno.identify(_context((cubic + 1.0) * decay))
    assert found.status == FitStatus.SOURCE_OR_LEAK
    # The total is that of a state with mean near one: it falls by the decay.
    assert found.total_drift[0] == pytest.approx(-0.5 * INTERVAL * (FRAMES - 1), rel=0.1)


@pytest.mark.validation
def test_what_no_conservation_law_explains_is_reported():
    """Values without any dynamics: independent noise in every frame, with equal totals."""
    values = np.random.default_rng(2).normal(size=(FRAMES, 1, CELLS))
    values -= values.mean(axis=-1, keepdims=True)
    found = hfluxno.identify(_context(values))
    assert found.status == FitStatus.POOR_FIT
    assert "do not trust" in found.status.sentence
    # Everything has been tried.
    names = " ".join(name for name, _ in found.tried)
    assert all(word in names for word in ("rusanov", "roe-entropy-fix", "grid ×2", "denoised"))


@pytest.mark.validation
def test_a_standing_source_is_found(x64, short_search, monkeypatch):
    """∂t u + ∂x(u²/2) = s(x) with ∫ s = 0: the total stays, yet no flux of u explains it. The data
    add the source after each frame."""
    x = (np.arange(CELLS) + 0.5) / CELLS
    source = 20.0 * np.cos(2 * np.pi * x)
    values = [_initial(3)]
    for _ in range(FRAMES - 1):
        moved = _run(Roe(Cubic(b=0.5), "mc", False), values[-1][None], frames=2)[-1, 0]
        values.append(moved + INTERVAL * source)
    attempts = importlib.import_module("hfluxno.identify.joint.attempts")
    monkeypatch.setattr(attempts, "_FINER", (2, 4))
    found = hfluxno.identify(_context(np.stack(values)[:, None]))
    assert found.status == FitStatus.OK and str(found.candidate).endswith("depends on place")
    inferred = found.law.source(jnp.zeros((1, CELLS)), jnp.asarray(x[None]), jnp.asarray(0.0))
    # Which meets the law half a frame later than one that acts all the time.
    assert np.corrcoef(inferred[0], source)[0, 1] > 0.95
    assert np.std(inferred[0]) == pytest.approx(np.std(source), rel=0.15)


def test_dispersion_is_told_from_a_law_by_its_misfit(short_search):
    """∂t u + c ∂x u + d ∂xxx u = 0 and traffic, neither by a scheme of ours: a back-test of a few
    frames finds both well predicted."""
    waves = _initial(3, 512)[None, None]
    dispersed, little = (
        spectral(
            lambda k, d=d: d * 1j * k**3 - 0.4j * k,
            None,
            waves,
            FRAMES + STEPS,
            CELLS,
            steps_a_frame=1,
        )
        for d in (5e-4, 5e-5)
    )
    traffic = godunov(
        lambda u: u * (1 - u),
        lambda u: np.abs(1 - 2 * u),
        0.5,
        0.5 + 0.15 * _initial(5, 1536)[None, None],
        FRAMES + STEPS,
        CELLS,
    )
    values = np.concatenate([dispersed, traffic, little])
    other, law, weak = hfluxno.identify(_context(values))
    assert other.backtest_error < 0.5 * other.persistence_error
    assert other.status == FitStatus.SYSTEMATIC_MISFIT
    assert other.misfit.disperses and other.cause.name == "dispersion"
    assert other.misfit.in_time > 0.8 and other.misfit.shared > 0.5 * other.misfit.size
    assert "dispersion" in other.sentence and "correlation in time" in other.sentence
    # Whose misfit alone would pass.
    assert weak.status == FitStatus.SYSTEMATIC_MISFIT and weak.misfit.shared < 0.04
    assert "dispersion explains" in weak.sentence
    assert law.status == FitStatus.OK and law.sentence == "a conservation law explains the data"
    forecast = FittedLawForecaster().advance(_context(values[:2]), (other, law), STEPS)
    np.testing.assert_array_equal(forecast.status, [FitStatus.SYSTEMATIC_MISFIT, FitStatus.OK])
    assert forecast.sentences[0] == other.sentence
    assert forecast.sentences[1].startswith(
        f"{law.sentence}; in nine of ten cases its error is below 5 %"
    )
    ahead, truth = np.asarray(forecast.trajectory.values), values[:2, FRAMES:]
    errors = np.linalg.norm(ahead - truth, axis=(2, 3)) / np.linalg.norm(truth, axis=(2, 3))
    assert errors[0, -1] > 0.04 and errors[1, -1] < 0.005


@pytest.mark.validation
def test_a_porous_medium_is_a_law():
    """∂t u = ∂x(u ∂x u) from a point: u = t^(-1/3) max(0, C - x²/(6 t^(2/3))) (Barenblatt), whose
    front moves at a finite speed, because no diffusion is left at zero."""
    x = np.linspace(-4.0, 4.0, 64 * 50 + 1)
    x, times = 0.5 * (x[1:] + x[:-1]), 1.0 + 0.1 * np.arange(FRAMES + STEPS)[:, None]
    u = times ** (-1 / 3) * np.maximum(0.0, 1.0 - x**2 / (6.0 * times ** (2 / 3)))
    values = u.reshape(len(u), 1, 64, 50).mean(axis=-1)
    context = Trajectory.from_numpy(
        values[:FRAMES], times[:FRAMES, 0], x.reshape(64, 50).mean(axis=1)
    )
    forecast = hfluxno.forecast(context, STEPS)
    law = forecast.identifications[0].law
    assert int(forecast.status) == FitStatus.OK
    states = np.linspace(0.1, 0.8, 8)
    np.testing.assert_allclose(law.diffusivity(states), states, atol=0.02)
    assert _error(forecast, values) < 2e-3


def test_noise_is_no_poor_fit():
    """Noise is in the errors of a law once and in those of repeating a frame twice, so every law
    would look poor where little moves."""
    assert exceeds(0.06, 0.1, 0.0) and not exceeds(0.04, 0.1, 0.0)
    motion, noise = 0.06, 0.05
    change = np.hypot(motion, np.sqrt(2) * noise)
    assert noise > 0.5 * change
    assert not exceeds(np.hypot(0.4 * motion, noise), change, noise)
    assert exceeds(np.hypot(0.6 * motion, noise), change, noise)
    # Where nothing but noise moves, nothing is explained.
    assert exceeds(1.01 * noise, 1.3 * noise, noise)


def test_a_law_that_cannot_be_solved_gives_a_status(cubic, of_cubic):
    """A forecast is finite whatever the law: here one with an absurd speed and wrong settings."""
    context = _context(cubic)
    broken = dataclasses.replace(
        of_cubic,
        grid_law=jax.tree.map(lambda leaf: np.asarray(leaf) * np.nan, of_cubic.grid_law),
    )
    forecast = FittedLawForecaster().advance(context, (broken,), 3)
    assert int(forecast.status) == FitStatus.FAILED
    assert np.all(np.isfinite(forecast.trajectory.values))
    np.testing.assert_allclose(
        forecast.trajectory.values, np.broadcast_to(context.values[-1], (3, 1, CELLS))
    )


def test_a_forecast_that_explodes_repeats_the_last_frame(cubic, of_cubic):
    """A source that adds three half ranges a frame."""
    context = _context(cubic)
    modes = PlaceModes(0.0, float(CELLS), 1, True)
    growth = Terms(np.array([[0.0, 3.0]]), np.zeros((1, 1)), np.zeros(0), np.zeros(1), modes)
    exploding = dataclasses.replace(
        of_cubic,
        grid_law=dataclasses.replace(of_cubic.grid_law, terms=growth),
        settings=dataclasses.replace(of_cubic.settings, scheme="muscl"),
        mode="restart",
    )
    forecast = FittedLawForecaster().advance(context, (exploding,), 20)
    assert int(forecast.status) == FitStatus.FAILED
    assert "left the observed range by more than ten times its width" in forecast.sentences[0]
    last = np.broadcast_to(context.values[-1], (20, 1, CELLS))
    np.testing.assert_allclose(forecast.trajectory.values, last)


def test_a_run_without_bounds_is_no_start(cubic, of_cubic, monkeypatch):
    """A correction by a frame would be lost in its rounding, and the forecast begin anywhere."""
    context = _context(cubic)

    def track(law, settings, values, gains):
        return np.full((len(values) - 1, *values.shape[1:]), 1e143), 0.0 * values[-1], -1.0

    monkeypatch.setattr(importlib.import_module("hfluxno.identify.forecaster"), "track", track)
    forecast = FittedLawForecaster().advance(context, (of_cubic,), 2)
    assert forecast.status == FitStatus.FAILED
    last = np.repeat(context.values[-1:], 2, axis=0)
    np.testing.assert_allclose(forecast.trajectory.values, last, rtol=1e-6)


def test_what_counts_as_bounded(of_cubic):
    law = dataclasses.replace(of_cubic.grid_law, lower=np.array([0.2]), upper=np.array([0.5]))
    seen = np.array([[[0.0, 1.0]], [[0.2, np.nan]]])
    assert is_bounded(np.array([[[-9.9, 10.9]]]), seen, law)
    for outside in (-10.1, 11.1, np.nan):
        assert not is_bounded(np.array([[[0.0, outside]]]), seen, law)
    # A state at rest may move as far as the law was found to.
    assert is_bounded(np.array([[[0.3, 3.0]]]), np.full((1, 1, 2), 0.3), law)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [((3, 1, 64), "at least 4 frames"), ((12, 1, 7), "at least 8 cells")],
)
def test_too_little_data_is_refused(shape, sentence):
    values = np.random.default_rng(0).normal(size=shape)
    with pytest.raises(ValueError, match=sentence):
        hfluxno.identify(Trajectory.from_numpy(values))


def test_constant_data_and_bad_steps_and_methods_are_refused(cubic):
    with pytest.raises(ValueError, match="nothing to infer"):
        hfluxno.identify(Trajectory.from_numpy(np.ones((12, 1, 64))))
    still = np.random.default_rng(0).normal(size=(12, 2, 64))
    still[:, 1] = 2.0
    with pytest.raises(
        ValueError, match=r"'v' is constant.*; leave it out \(on the command line --variable=h\)"
    ):
        hfluxno.identify(Trajectory.from_numpy(still, fields=["h", "v"]))
    with pytest.raises(ValueError, match="steps must be at least 1; got 0"):
        hfluxno.forecast(_context(cubic), 0)
    with pytest.raises(ValueError, match="Unknown method 'magic'; choose one of fit"):
        hfluxno.forecast(_context(cubic), 5, method="magic")


@pytest.mark.parametrize("boundary", ["periodic", "wall", "open"])
def test_a_constant_field_with_a_wild_value_is_constant(boundary):
    """A narrow wave on an empty ring is not."""
    values = np.ones((16, 1, 32))
    values[7, 0, 12] = 50.0
    values[3, 0, 25] = np.nan
    wild = Trajectory.from_numpy(values, boundary=boundary)
    with pytest.raises(ValueError, match="'u' is constant, besides values that stand"):
        hfluxno.identify(wild)
    wave = np.zeros((16, 1, 64))
    wave[np.arange(16), 0, 5 + np.arange(16)] = 1.0
    assert not uninformative(Trajectory.from_numpy(wave)).any()


@pytest.mark.validation
@pytest.mark.parametrize("seed", range(2))
def test_noise_alone_follows_no_law(seed):
    """A fit leaves it, and so does the back-test, which then says nothing."""
    values = np.random.default_rng(seed).normal(size=(8, 1, 32))
    found = hfluxno.identify(Trajectory.from_numpy(values))
    assert found.status == FitStatus.POOR_FIT and found.residual > 0.85
