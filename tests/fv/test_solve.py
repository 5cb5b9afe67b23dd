"""Step control, statuses, continued runs, precision, batches and errors of `solve`."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import (
    MUSCL,
    NumericalFlux,
    Roe,
    Rusanov,
    Status,
    StepControl,
    conservative_step,
    solve,
)
from hfluxno.grid import Grid
from hfluxno.laws import ConservationLaw, Cubic, ShallowWater, ViscousBurgers
from tests.compiled import compiled
from tests.slow import slow

compiled_solve = eqx.filter_jit(solve)
GRID = Grid.interval(50)


def sine_wave(cells=50, mean=0.3):
    x = (np.arange(cells) + 0.5) / cells
    return jnp.asarray((mean + np.sin(2.0 * np.pi * x))[None], jnp.result_type(float))


class Recorded(NumericalFlux):
    """A scheme that writes down the CFL number of each step that it takes."""

    ghost = 2
    integrator = "euler"
    scheme: Roe
    numbers: list = eqx.field(static=True)

    @property
    def negated_fields(self):
        return self.scheme.negated_fields

    def __call__(self, padded, dt, dx):
        jax.debug.callback(
            lambda dt, speed: self.numbers.append((float(dt), float(dt * speed / dx))),
            dt,
            self.scheme.speed(padded, dx),
        )
        return self.scheme(padded, dt, dx)

    def speed(self, padded, dx):
        return self.scheme.speed(padded, dx)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("desired", "maximum"), [(0.5, 0.9), slow(0.9, 1.0), (0.3, 0.3)])
@pytest.mark.parametrize("lagged", [True, False])
def test_every_step_obeys_the_cfl_rule(desired, maximum, lagged):
    numbers = []
    times = np.array([0.0, 0.11, 0.1234, 0.3])
    solution = solve(
        Recorded(Roe(Cubic(a=1.0, b=0.5, c=-0.2)), numbers),
        sine_wave(),
        times,
        GRID,
        StepControl(desired, maximum, lagged),
    )
    jax.effects_barrier()
    lengths, cfl = np.array(sorted(numbers)).T
    assert len(lengths) == int(solution.steps)
    # Callbacks arrive in single precision.
    assert np.max(cfl) <= maximum * (1.0 + 1e-6)
    # Landing on a saved time shortens one step of each interval, the others aim at `desired`.
    assert np.sort(cfl)[len(cfl) // 2] == pytest.approx(desired, rel=0.1)
    assert np.sum(lengths) == pytest.approx(times[-1], rel=1e-7)
    # The first step tries the whole interval, with a CFL number of 15.
    assert (int(solution.rejected) > 0) == lagged
    if not lagged:
        assert np.max(cfl) <= desired * (1.0 + 1e-6)


@pytest.mark.usefixtures("x64")
def test_rule_by_hand():
    """Constant speed 1: Δx = 0.02, so Δt = 0.01 at the CFL number ½, after one rejected try."""
    numbers = []
    times = np.array([0.0, 0.035, 0.04])
    solution = solve(Recorded(Roe(Cubic(a=0.0, c=1.0)), numbers), sine_wave(), times, GRID)
    jax.effects_barrier()
    lengths = [dt for dt, _ in numbers]
    np.testing.assert_allclose(sorted(lengths), [0.005, 0.005, 0.01, 0.01, 0.01], rtol=1e-6)
    assert (int(solution.steps), int(solution.rejected)) == (5, 1)
    assert float(solution.rate) == pytest.approx(50.0)


@pytest.mark.usefixtures("x64")
def test_saved_times_are_hit_exactly():
    """Advection by whole cells with the CFL number 1 is exact, on every saved time."""
    times = np.arange(11) * 0.02 * 3
    control = StepControl(1.0, 1.0)
    initial = sine_wave()
    solution = compiled_solve(Roe(Cubic(a=0.0, c=1.0)), initial, times, GRID, control)
    for frame, values in enumerate(np.asarray(solution.values)):
        np.testing.assert_allclose(values, np.roll(initial, 3 * frame, axis=1), atol=1e-12)
    # No step of rounding size is needed to land.
    assert int(solution.steps) == 30


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("scheme", [Roe, slow(MUSCL)])
def test_a_run_can_be_taken_up_at_any_frame(scheme):
    flux, times = scheme(Cubic(a=0.9, b=0.5, c=-0.2)), np.linspace(0.0, 0.3, 13)
    whole = compiled_solve(flux, sine_wave(), times, GRID)
    values, rate, counts, forgets = sine_wave()[None], jnp.zeros(()), np.zeros(2, int), 0.0
    for frame in range(0, 12, 3):
        window = times[frame : frame + 4]
        part = compiled_solve(flux, values[-1], window, GRID, rate=rate)
        np.testing.assert_allclose(
            part.values, np.asarray(whole.values)[frame : frame + 4], rtol=0.0, atol=1e-12
        )
        counts += [int(part.steps), int(part.rejected)]
        afresh = compiled_solve(flux, values[-1], window, GRID, rate=jnp.zeros(()))
        forgets = max(forgets, float(jnp.max(jnp.abs(afresh.values - part.values))))
        values, rate = part.values, part.rate
    assert list(counts) == [int(whole.steps), int(whole.rejected)]
    # Without the rate the first step has another length.
    assert forgets > 1e-9


@pytest.mark.usefixtures("x64")
def test_substeps_are_equal_steps():
    flux = Roe(Cubic(a=0.9, b=0.5))
    solution = compiled_solve(flux, sine_wave(), np.array([0.0, 0.02]), GRID, substeps=4)
    u = sine_wave()
    for _ in range(4):
        u = compiled(conservative_step, flux, u, jnp.asarray(0.005), GRID)
    np.testing.assert_allclose(solution.values[1], u, atol=1e-14)
    assert int(solution.steps) == 4


@pytest.mark.usefixtures("x64")
def test_no_step_is_longer_than_the_longest():
    """Equal steps if the CFL numbers allow them; the last one before a saved time is the rest."""
    flux, times = Roe(Cubic(a=0.9, b=0.5)), np.array([0.0, 0.01])
    equal = compiled_solve(flux, sine_wave(), times, GRID, substeps=4)
    longest = StepControl(1.0, 1.0, False, 0.0025)
    found = compiled_solve(flux, sine_wave(), times, GRID, longest)
    np.testing.assert_allclose(found.values, equal.values, atol=1e-14)
    assert int(found.steps) == 4
    longest = StepControl(1.0, 1.0, False, 0.003)
    assert int(compiled_solve(flux, sine_wave(), times, GRID, longest).steps) == 4
    still = compiled_solve(flux, jnp.full((1, 50), 0.3), times, GRID, longest)
    assert int(still.steps) == 4 and np.all(still.values == 0.3)
    # The CFL rule still holds.
    control = StepControl(0.05, 0.05, False, 0.0025)
    free = StepControl(0.05, 0.05, False)
    np.testing.assert_array_equal(
        *(compiled_solve(flux, sine_wave(), times, GRID, each).values for each in (control, free))
    )


class Logarithm(ConservationLaw):
    """f = log(u - 0.2): not defined where u falls below 0.2."""

    fields: tuple[str, ...] = eqx.field(static=True, default=("u",))

    def flux(self, u):
        return jnp.log(u - 0.2)


@pytest.mark.usefixtures("x64")
def test_unstable_run_is_reported_and_stays_finite():
    # CFL numbers of 20: the cubic blows up within a few steps.
    solution = compiled_solve(
        Roe(Cubic(a=1.0)),
        sine_wave(),
        np.linspace(0.0, 10.0, 11),
        GRID,
        StepControl(20.0, 20.0),
        substeps=10,
    )
    assert int(solution.status) == Status.NON_FINITE
    assert bool(jnp.all(jnp.isfinite(solution.values)))
    np.testing.assert_array_equal(*np.asarray(solution.values)[-2:])
    assert 0 < int(solution.steps) < 100
    assert "non-finite" in Status(int(solution.status)).sentence


@pytest.mark.usefixtures("x64")
def test_undefined_flux_is_reported_and_stays_finite():
    for substeps in (None, 3):
        initial = 0.5 + 0.4 * np.asarray(sine_wave(mean=0.0))
        times = np.linspace(0.0, 0.1, 4)
        solution = compiled_solve(Roe(Logarithm()), initial, times, GRID, substeps=substeps)
        assert int(solution.status) == Status.NON_FINITE
        np.testing.assert_array_equal(solution.values, np.stack([initial] * 4))
        assert int(solution.steps) == 0


@pytest.mark.usefixtures("x64")
def test_step_limit_is_reported():
    times = np.array([0.0, 0.01, 0.5, 0.6])
    flux = Roe(Cubic(a=0.0, c=1.0))
    solution = compiled_solve(flux, sine_wave(), times, GRID, max_steps=10)
    assert int(solution.status) == Status.TOO_MANY_STEPS
    assert int(solution.steps) == 11
    values = np.asarray(solution.values)
    np.testing.assert_array_equal(values[2], values[3])
    # The first interval has been solved, and the second as far as ten steps of 0.01 go.
    full = compiled_solve(flux, sine_wave(), np.array([0.0, 0.01, 0.11, 0.6]), GRID)
    np.testing.assert_allclose(values[1:3], np.asarray(full.values)[1:3], atol=1e-12)
    assert "step limit" in Status(2).sentence
    # Exactly enough steps are enough.
    enough = compiled_solve(flux, sine_wave(), np.array([0.0, 0.1]), GRID, max_steps=10)
    assert int(enough.status) == Status.OK
    assert Status.OK.sentence == "solved"


@pytest.mark.parametrize("scheme", [slow(Roe), slow(Rusanov), MUSCL])
def test_single_precision(scheme):
    flux = scheme(Cubic(a=0.9, b=0.5, c=-0.2))
    times = np.linspace(0.0, 0.2, 5)
    single = compiled_solve(flux, sine_wave(), times, GRID)
    assert single.values.dtype == jnp.float32
    assert int(single.status) == Status.OK
    with jax.enable_x64(True):
        double = compiled_solve(flux, sine_wave().astype(jnp.float64), times, GRID)
        assert double.values.dtype == jnp.float64
        np.testing.assert_allclose(single.values, double.values, atol=2e-5)


@pytest.mark.validation
def test_system_and_diffusion_in_single_precision():
    x = GRID.centers()
    u = jnp.asarray(np.stack([1.0 + 0.3 * np.sin(2.0 * np.pi * x), 0.0 * x]), jnp.float32)
    water = compiled_solve(Roe(ShallowWater()), u, np.linspace(0.0, 0.1, 3), GRID)
    viscous = compiled_solve(MUSCL(ViscousBurgers()), u[:1], np.linspace(0.0, 0.1, 3), GRID)
    for solution in (water, viscous):
        assert solution.values.dtype == jnp.float32
        assert int(solution.status) == Status.OK
        totals = np.asarray(solution.values, float).sum(axis=-1)
        np.testing.assert_allclose(totals, totals[:1].repeat(3, axis=0), atol=1e-4)


def test_far_origin_of_time_in_single_precision():
    """Seconds since 1970 with frames of 5 ms: single precision would round the steps to zero."""
    flux, origin = Roe(Cubic(a=0.9, b=0.5, c=-0.2)), 1e9
    near = compiled_solve(flux, sine_wave(), np.linspace(0.0, 0.1, 21), GRID)
    # The times are numbers outside of the program: inside they would be single.
    far = solve(flux, sine_wave(), np.linspace(origin, origin + 0.1, 21), GRID)
    assert int(far.status) == Status.OK
    np.testing.assert_allclose(far.values, near.values, atol=1e-4)


@pytest.mark.usefixtures("x64")
def test_batched_equals_unbatched():
    random = np.random.default_rng(0)
    coefficients = jnp.asarray(random.uniform(-1.0, 1.0, (6, 3)))
    initials = jnp.asarray(random.uniform(-1.0, 1.0, (6, 1, 50)))
    times = np.linspace(0.0, 0.2, 5)

    @jax.jit
    def run(coefficient, initial):
        a, b, c = coefficient
        return solve(Roe(Cubic(a=a, b=b, c=c)), initial, times, GRID)

    batch = jax.jit(jax.vmap(run))(coefficients, initials)
    for i in range(6):
        one = run(coefficients[i], initials[i])
        np.testing.assert_allclose(batch.values[i], one.values, rtol=0.0, atol=1e-12)
        for name in ("status", "steps", "rejected"):
            assert int(getattr(batch, name)[i]) == int(getattr(one, name))
        assert float(batch.rate[i]) == pytest.approx(float(one.rate), rel=1e-12)


@pytest.mark.usefixtures("x64")
def test_one_failing_run_leaves_the_batch_alone():
    wave = np.asarray(sine_wave(mean=0.0))
    shifted = np.stack([2.3 + wave, 0.5 + 0.4 * wave])  # log is defined on the first only
    times = np.linspace(0.0, 0.05, 3)
    batch = jax.jit(jax.vmap(lambda u: solve(Rusanov(Logarithm()), u, times, GRID)))(shifted)
    assert [int(status) for status in batch.status] == [Status.OK, Status.NON_FINITE]
    alone = compiled_solve(Rusanov(Logarithm()), shifted[0], times, GRID)
    np.testing.assert_allclose(np.asarray(batch.values)[0], alone.values, rtol=0.0, atol=1e-12)


# --- errors -------------------------------------------------------------------------------------


def test_errors_name_the_fault_and_the_mend():
    flux, times = Roe(Cubic()), np.array([0.0, 0.1])
    u = sine_wave()
    with pytest.raises(ValueError, match=r"must have the shape \(field, \*\(50,\)\); got \(50,\)"):
        solve(flux, u[0], times, GRID)
    with pytest.raises(ValueError, match=r"got \(2, 1, 50\).* Use jax\.vmap for a batch"):
        solve(flux, jnp.stack([u, u]), times, GRID)
    with pytest.raises(ValueError, match=r"got \(1, 49\)"):
        solve(flux, u[:, 1:], times, GRID)
    with pytest.raises(ValueError, match="at least one time"):
        solve(flux, u, np.zeros(0), GRID)
    for wrong in (times[::-1], np.array([0.0, np.nan, 0.1]), jnp.array([0.0, jnp.inf])):
        with pytest.raises(ValueError, match="finite and do not decrease; sort them"):
            solve(flux, u, wrong, GRID)
    two = jnp.concatenate([u, u])
    with pytest.raises(ValueError, match=r"has 1 field \(u\), and the initial state 2; give"):
        solve(flux, two, times, GRID)
    with pytest.raises(ValueError, match="substeps must be at least 1; got 0"):
        solve(flux, u, times, GRID, substeps=0)
    with pytest.raises(ValueError, match="1 axes needs as many numerical fluxes; got 2"):
        solve((flux, flux), u, times, GRID)


@pytest.mark.parametrize("scheme", [Roe, MUSCL])
def test_unknown_limiter(scheme):
    with pytest.raises(ValueError, match="Unknown limiter 'koren'; choose one of mc, minmod"):
        scheme(Cubic(), "koren")


@pytest.mark.parametrize(("desired", "maximum"), [(0.0, 0.9), (-0.5, 0.9), (0.9, 0.5)])
def test_bad_cfl_rule(desired, maximum):
    with pytest.raises(ValueError, match=r"0 < desired <= maximum; got desired="):
        StepControl(desired, maximum)


def test_a_longest_step_of_no_length():
    with pytest.raises(ValueError, match=r"The longest step must be positive; got longest=0.0"):
        StepControl(longest=0.0)


def test_a_single_time_returns_the_initial_state():
    solution = solve(Roe(Cubic()), sine_wave(), np.array([3.0]), GRID)
    np.testing.assert_array_equal(solution.values, sine_wave()[None])
