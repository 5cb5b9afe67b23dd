"""Joint estimates of what detectors report: means over time, and flows beside densities.

The truth is traffic after Greenshields, f = u (1 - u), by Godunov's scheme in cells that are far
smaller than those of the estimate.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno import Grid, Trajectory, reconstruct
from hfluxno.identify import FitStatus
from hfluxno.identify.joint.forward_runs import measure, run
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.observation import Flow, Points, TimeMean
from tests.compiled import compiled
from tests.errors import relative
from tests.identify.laws import identification, polynomial
from tests.slow import slow

CELLS, FINER, PARTS = 20, 20, 40
LOWER, UPPER = 0.1, 0.7
TIMES = 0.04 * np.arange(10)
SENSORS = np.arange(1, CELLS, 2)
BESIDE = (-1.0) ** np.arange(len(SENSORS)) / 4.0  # the centres of their cells
FINE = ((SENSORS + 0.5 + BESIDE) * FINER).astype(int)
LAST = 3  # frames that a forecast has to find


@pytest.fixture(scope="module")
def traffic():
    """Densities in fine cells of the road and flows through their lower ends, (time, cells), in
    parts of an interval from half of one before the first time, on a ring that is longer."""
    width = (UPPER - LOWER) / (CELLS * FINER)
    count, first = round(1.0 / width), round(LOWER / width)
    u = 0.35 + 0.25 * np.sin(2.0 * np.pi * (np.arange(count) + 0.5) / count)
    interval = (TIMES[1] - TIMES[0]) / PARTS
    steps = int(np.ceil(2.0 * interval / width))
    road = slice(first, first + CELLS * FINER)
    density, flow = [], []
    for _ in range(PARTS * (len(TIMES) + LAST)):
        density.append(u[road])
        passed = np.zeros(count)
        for _ in range(steps):
            sent = np.minimum(u, 0.5) * (1.0 - np.minimum(u, 0.5))
            taken = np.maximum(u, 0.5) * (1.0 - np.maximum(u, 0.5))
            through = np.minimum(np.roll(sent, 1), taken)
            u = u - interval / steps / width * (np.roll(through, -1) - through)
            passed += through / steps
        flow.append(passed[road])
    return np.stack(density), np.stack(flow)


def means(part, frames=10):
    """Over the intervals around the first times."""
    return part.reshape(-1, PARTS, part.shape[-1]).mean(axis=1)[:frames]


def averages(traffic):
    """Over cells, at the times."""
    density = traffic[0][PARTS // 2 :: PARTS]
    return density.reshape(len(density), 1, CELLS, FINER).mean(axis=-1)


def detectors(traffic, flow=False, noise=0.002):
    """What is reported a quarter of a cell beside the centre of every second one."""
    rng = np.random.default_rng(0)
    seen = np.full((len(TIMES), 1 + flow, CELLS), np.nan)
    for k in range(1 + flow):
        every = means(traffic[k])[:, FINE]
        seen[:, k, SENSORS] = every + noise * rng.normal(size=every.shape)
    offsets = np.zeros(CELLS)
    offsets[SENSORS] = BESIDE
    steps = (*((Flow(),) if flow else ()), Points(offsets), TimeMean(TIMES[1] - TIMES[0]))
    grid = Grid.interval(CELLS, LOWER, UPPER, "open")
    return Trajectory(seen, TIMES, grid, ("u", "q")[: 1 + flow], None, steps)


@pytest.mark.validation
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("refinement", [1, 2])
def test_derivatives_of_measured_values_are_those_of_finite_differences(refinement):
    """By flux and its constant, diffusivity, factor of place and first state."""
    rng = np.random.default_rng(0)
    values = 1.0 + 0.3 * np.sin(np.arange(10) / 2.0) + 0.01 * rng.normal(size=(5, 2, 10))
    steps = (Flow(), Points(rng.uniform(-0.5, 0.5, 10)), TimeMean(0.25, 0.1))
    grid = Grid.interval(10, 2.0, 7.0, "wall")
    context = Trajectory(values, 3.0 + 0.5 * np.arange(5), grid, ("u", "q"), None, steps)
    kind = Kind(2, 1, 0, 0, 2)
    forward = make_forward(kind, context, (), known_first=False, refinement=refinement)
    z = 0.1 * rng.normal(size=forward.size)
    z[0] = 0.5
    intervals = forward.intervals(forward.when(context.times))

    def seen(z):
        states, derivatives, _ = run(forward, z, intervals, 1000)
        return [part[:5] for part in measure(forward, z, states, derivatives)]

    seen_at, derivatives = seen(z)
    assert seen_at.shape == (5, 2, 10)
    law = np.flatnonzero(forward.spread > 0.0)
    assert forward.shape.has_offset and len(law) == 6
    for k in (*law, len(forward.spread) + 3):
        step = 1e-5 * np.eye(forward.size)[k]
        difference = (seen(z + step)[0] - seen(z - step)[0]) / 2e-5
        np.testing.assert_allclose(derivatives[:, k], difference, rtol=2e-3, atol=2e-5)
        assert np.abs(difference[:, 1]).max() > 1e-4


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("boundary", [slow("wall"), "periodic"])
def test_linear_observations_of_states_and_of_derivatives_are_those_that_jax_finds(boundary):
    rng = np.random.default_rng(0)
    steps = (Points(rng.uniform(-0.5, 0.5, 10)), TimeMean(0.25, 0.1))
    grid = Grid.interval(10, 2.0, 7.0, boundary)
    values = 1.0 + 0.3 * rng.normal(size=(5, 1, 10))
    context = Trajectory(values, 3.0 + 0.5 * np.arange(5), grid, ("u",), None, steps)
    forward = make_forward(Kind(2), context, (), known_first=False, refinement=2)
    assert forward.observes_linearly
    states, z = rng.normal(size=(26, 1, 20)), np.zeros(forward.size)
    changes = rng.normal(size=(26, len(z), 1, 20))
    found, derivatives = measure(forward, z, states, changes)
    assert found.shape == (5, 1, 10)

    def by_jax(change):
        def observed(states):
            return forward.observed(jnp.asarray(z), states)

        return jax.jvp(observed, (jnp.asarray(states),), (change,))

    for k in range(3):
        made, change = compiled(by_jax, changes[:, k])
        np.testing.assert_allclose(found, made, atol=1e-12)
        np.testing.assert_allclose(derivatives[:, k], change, atol=1e-12)
    law_too = dataclasses.replace(forward, observation=(Flow(), *steps))
    assert not law_too.observes_linearly
    at_once, rows, _ = run(forward, z, np.zeros(4), 10)
    assert len(at_once) == len(rows) == 1  # the first state alone


@pytest.mark.validation
def test_means_over_time_are_no_states(brief, traffic):
    """Taken for what they are, the errors of the field are smaller."""
    context = detectors(traffic)
    found = reconstruct(context)
    assert found.identification.status == FitStatus.OK
    points = dataclasses.replace(context, observation=context.observation[:1])
    between = slice(SENSORS[0], SENSORS[-1] + 1)
    truth = averages(traffic)[: len(TIMES), :, between]
    errors = [
        relative(each.trajectory.values[..., between], truth)
        for each in (found, reconstruct(points))
    ]
    assert errors[0] < 0.01 and errors[0] < 0.95 * errors[1]


@pytest.mark.validation
def test_flows_and_densities_tell_the_flux_with_its_constant(brief, traffic):
    """At detectors that report means; and a forecast is compared with what they would report."""
    context = detectors(traffic, flow=True)
    found = reconstruct(context)
    report, law = found.identification, found.identification.law
    assert report.status == FitStatus.OK and law.fields == found.trajectory.fields == ("u",)
    assert found.noise == pytest.approx([0.002, 0.002], rel=0.4)
    between = slice(SENSORS[0], SENSORS[-1] + 1)
    truth = averages(traffic)[: len(TIMES), :, between]
    assert relative(found.trajectory.values[..., between], truth) < 0.01
    u = np.linspace(*np.nanquantile(context.values[:, 0], [0.02, 0.98]), 9)
    flux = np.asarray(law.flux(u)).ravel() + float(law.terms.flux_offset[0])
    np.testing.assert_allclose(flux, u * (1.0 - u), atol=0.002)
    ahead = found.forecast(LAST)
    assert ahead.trajectory.fields == ("u",) and ahead.observed.shape == (LAST, 2, CELLS)
    later = [means(part, None)[-LAST:, FINE] for part in traffic]
    for k, one in enumerate(later):
        assert relative(ahead.observed[:, k, SENSORS], one) < 0.05


@pytest.mark.validation
def test_a_given_law_takes_sensors_where_they_stand(traffic):
    """The law is known, and the field between sensors is what it makes of them."""
    context = detectors(traffic)
    seen = np.full(context.values.shape, np.nan)
    seen[:, 0, SENSORS] = traffic[0][PARTS // 2 :: PARTS][: len(TIMES), FINE]
    steps = context.observation[:1]
    points = dataclasses.replace(context, values=seen, observation=steps)
    law = identification(polynomial(0.1, 0.6, 0.0, 1.0, -1.0, fields=("u",)), interval=0.05)
    found, moved = (
        hfluxno.forecast(each, 2, law=law)
        for each in (points, dataclasses.replace(points, observation=()))
    )
    assert int(found.status) == FitStatus.OK
    between = slice(SENSORS[0], SENSORS[-1] + 1)
    errors = [
        relative(
            each.identifications[0].estimate.states[..., between],
            averages(traffic)[: len(TIMES), :, between],
        )
        for each in (found, moved)
    ]
    assert errors[0] < 0.5 * errors[1] and errors[0] < 0.01
    assert found.identifications[0].backtest_error < moved.identifications[0].backtest_error
