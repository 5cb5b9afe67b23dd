"""A flux that is multiplied by another number on a stretch of the domain.

The truth is Godunov's scheme in NumPy with what one cell sends and the next one receives.
"""

import dataclasses
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno import Trajectory, forecast
from hfluxno.fv import StepControl
from hfluxno.grid import Grid
from hfluxno.identify.joint import stretches
from hfluxno.identify.joint.found import Option
from hfluxno.identify.joint.further_kinds import FurtherKinds
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.starts import shown_stretches, stretched
from hfluxno.laws.place import PlaceModes, share_inside
from hfluxno.parametric.basis import Chebyshev
from hfluxno.parametric.fitted_law import FittedLaw, Terms
from hfluxno.parametric.solver_settings import SolverSettings
from tests.compiled import compiled
from tests.errors import relative
from tests.identify.laws import one_field
from tests.slow import slow

CELLS, FRAMES = 64, 16


def road(begin: float, end: float, log_factor: float, frames=FRAMES) -> np.ndarray:
    """Greenshields' traffic on a ring of length 1 with a lane drop: (frame, cells)."""
    return road_with(((begin, end, log_factor),), frames)


def road_with(drops, frames=FRAMES) -> np.ndarray:
    """The same with lane drops of any number: their ends, and the logarithms of their factors."""
    fine, dt = 16 * CELLS, 0.025
    x = (np.arange(fine) + 0.5) / fine
    k, u = np.ones(fine), 0.45 + 0.3 * np.sin(2 * np.pi * x) * np.cos(x)
    for begin, end, log_factor in drops:
        inside = (begin < x) & (x < end) | (begin < x + 1) & (x + 1 < end)
        k = k * np.exp(log_factor * inside)
    steps = int(np.ceil(dt * fine / 0.9))
    shown = [u]
    for _ in range(frames - 1):
        for _ in range(steps):
            low, high = np.minimum(u, 0.5), np.maximum(u, 0.5)
            sent, taken = k * low * (1 - low), k * high * (1 - high)
            through = np.minimum(sent, np.roll(taken, -1))
            u = u - dt / steps * fine * (through - np.roll(through, 1))
        shown.append(u)
    return np.stack(shown).reshape(frames, CELLS, -1).mean(axis=-1)


def started(forward, seen):
    """No law with the stretches that the weak form shows."""
    none = np.zeros(forward.size)
    return stretched(none, forward, shown_stretches(none, forward, seen))


def context(values: np.ndarray) -> Trajectory:
    return Trajectory.from_numpy(values, 0.025 * np.arange(len(values)))


@pytest.mark.parametrize("periodic", [True, False])
def test_no_other_stretch_explains_more(periodic):
    """By least squares with every pair of ends and every factor."""
    values = road_with(((0.3, 0.53, -0.5), (0.7, 0.8, 0.4)))
    values = values.reshape(FRAMES, CELLS // 4, 4).mean(axis=-1)
    functions = np.stack([values, values**2, np.ones_like(values)])
    cells = values.shape[1]
    found = stretches.likely_stretch(values, functions, np.ones(cells), periodic)
    columns, rhs = stretches._system(values, functions, np.arange(cells + 1), periodic)
    x, left = np.arange(cells), {}
    for begin in range(cells):
        for end in range(begin + 1, cells + (begin > 0)):
            inside = (begin <= x) & (x < end)
            for log_factor in stretches._LOG_FACTORS:
                of_flux = np.where(inside, np.exp(log_factor), 1.0) @ columns
                missed = rhs - of_flux @ np.linalg.lstsq(of_flux, rhs)[0]
                left[begin, end, log_factor] = missed @ missed
    least = min(left, key=lambda key: left[key])
    assert (found.begin, found.end) == least[:2]
    plain = rhs - columns.sum(axis=1) @ np.linalg.lstsq(columns.sum(axis=1), rhs)[0]
    assert found.left < 0.7
    assert found.left * (plain @ plain) <= left[least] * (1.0 + 1e-6)
    assert found.left * (plain @ plain) > 0.9 * left[least]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("begin", "end"), [(0.3, 0.53), (0.81, 1.07)])
def test_the_weak_form_shows_where_the_flux_is_another(begin, end):
    """To a cell, with its factor and the flux beside it. On a ring the rest of it may be taken for
    the stretch, with the inverse factor."""
    seen = context(road(begin, end, -0.5))
    forward = make_forward(Kind(4, stretches=1), seen, (), known_first=True)
    z = started(forward, seen)
    assert z is not None
    law = forward.law(z)
    first, last, log_factor = np.asarray(law.terms.stretches)[0]
    if log_factor > 0.0:
        first, last, log_factor = last, first + CELLS, -log_factor
    away = np.array([first, last]) / CELLS - [begin, end]
    assert np.all(np.abs((away + 0.5) % 1.0 - 0.5) < 1.5 / CELLS)
    assert log_factor == pytest.approx(-0.5, abs=0.15)
    # All stretches in use are left alone.
    assert stretched(z, forward, shown_stretches(z, forward, seen)) is z


# One alone is best across both, and then the gap has the inverse factor.
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    "ends",
    [
        (0.125, 0.25, 0.5625, 0.6875),
        slow((0.25, 0.375, 0.5, 0.625)),
        slow((0.0625, 0.3125, 0.625, 0.75)),
    ],
)
def test_the_weak_form_shows_two_stretches_where_one_does_not_suffice(ends):
    seen = context(road_with(((*ends[:2], -0.4), (*ends[2:], -0.6))))
    forward = make_forward(Kind(4, stretches=2), seen, (), known_first=True)
    found = shown_stretches(np.zeros(forward.size), forward, seen)
    places = sorted((each.begin / CELLS, each.end / CELLS) for each in found)
    np.testing.assert_allclose(np.ravel(places), ends, atol=1.5 / CELLS)


@pytest.mark.validation
@pytest.mark.usefixtures("x64")
def test_a_gap_between_stretches_that_end_with_the_domain_has_a_factor():
    one = stretches.Stretch(3.0, 8.0, -0.5, np.zeros(2), 0.1, 1.0)
    beyond = stretches._beyond_gap(one, dataclasses.replace(one, begin=5.0), 8)
    assert (beyond.begin, beyond.end) == (8.0, 8.0) and beyond.log_factor == pytest.approx(-1.0)


def test_a_kind_has_as_many_stretches_as_are_shown_and_may_be_tried_with_one():
    seen = context(road_with(((0.125, 0.25, -0.4), (0.5625, 0.6875, -0.6))))

    def made(kind, refinement):
        return make_forward(kind, seen, (), known_first=True, refinement=refinement)

    forward = made(Kind(4), 1)
    estimate = SimpleNamespace(z=np.zeros(forward.size), forward=forward)
    first = Option(estimate, Kind(4))  # type: ignore[arg-type]
    further = FurtherKinds(seen, (Kind(4), Kind(4, stretches=1)), made)
    (both,) = further.smooth(first)
    assert both == Kind(4, stretches=2)
    for kind in (both, Kind(4, stretches=1)):
        target = made(kind, 1)
        for z in further.starts(first, kind, target):
            used = np.asarray(target.law(z).terms.stretches)
            assert np.sum(used[:, 0] < used[:, 1]) == kind.stretches


@pytest.mark.usefixtures("x64")
def test_a_law_without_stretches_gets_none():
    seen = context(road(0.3, 0.3, 0.0))
    forward = make_forward(Kind(4, stretches=1), seen, (), known_first=True)
    assert started(forward, seen) is None


@pytest.mark.usefixtures("x64")
def test_jumps_of_the_factor_are_averaged_over_a_cell():
    """On a ring also beyond its end. Where an end divides a cell the mean varies with it."""
    law = one_field(terms=True)
    of_stretches = dataclasses.replace(
        law.terms, flux_by_place=np.zeros(0), stretches=np.array([[0.82, 1.11, -0.7]])
    )
    law = dataclasses.replace(law, terms=of_stretches)
    edges = jnp.arange(11) / 10
    expected = np.ones(11)
    expected[[0, 9, 10]] = np.exp(-0.7)
    expected[8] = 0.7 + 0.3 * np.exp(-0.7)
    expected[1] = 0.4 + 0.6 * np.exp(-0.7)
    places = jnp.array([0.1, 0.12, 0.5, 0.81, 0.83])
    means, sharp = compiled(lambda law: (law.factor(edges, 0.1), law.factor(places)), law)
    np.testing.assert_allclose(means, expected, rtol=1e-12)
    np.testing.assert_allclose(np.log(sharp), [-0.7, 0.0, 0.0, 0.0, -0.7], atol=1e-12)

    def share(end):
        return share_inside(jnp.array([0.1, 0.2]), jnp.array(0.82), end, 0.1, 1.0)

    slope = compiled(lambda end: jax.jvp(share, (end,), (jnp.ones(()),))[1], jnp.array(1.11))
    np.testing.assert_allclose(slope, [10.0, 0.0], atol=1e-9)


@pytest.mark.validation
def test_a_bottleneck_is_forecast():
    """As well as its solver can; whatever the status, the bound is kept."""
    truth = road(0.3, 0.53, -0.4, frames=40)
    ahead = forecast(context(truth[:20]), 20)
    terms = ahead.identifications[0].law.terms
    assert terms is not None
    found = np.asarray(terms.stretches)[0]
    np.testing.assert_allclose(found, [0.3, 0.53, -0.4], atol=0.02)
    error = relative(ahead.trajectory.values[-1, 0], truth[-1])
    assert error < 0.01 and error < ahead.predicted_error_90[-1]


@pytest.mark.usefixtures("x64")
def test_a_flux_that_turns_beyond_the_observed_range_passes_a_stretch():
    """f = u (1 - u) was observed below its maximum, and is used further. What light traffic sends
    onto a stretch passes it."""
    basis = Chebyshev(np.array([0.25]), np.array([0.15]), 2)
    middle, half = 0.25, 0.15  # u = middle + half v, v² = (T_2 + 1)/2
    slopes = np.array([[half * (1.0 - 2.0 * middle), -0.5 * half**2]])
    none = np.zeros(0)
    terms = Terms(
        np.zeros((1, 0)),
        np.zeros((1, 0)),
        none,
        np.array([middle * (1.0 - middle) - 0.5 * half**2]),
        PlaceModes(0.0, 12.0, 1, False),
        np.array([[4.0, 8.0, np.log(0.8)]]),
    )
    law = FittedLaw(
        ("u",),
        basis,
        slopes,
        np.zeros((1, 0)),
        np.array([0.1]),
        np.array([0.4]),
        terms=terms,
        reach=np.asarray(1.0),
    )
    control = StepControl(0.5, 0.5, False)
    settings = SolverSettings(control, False, Grid.interval(12, 0.0, 12.0, "outflow"), "muscl", 1)

    def through(law, u):
        return settings.numerical_flux(law)(u, jnp.array(0.1), 1.0)

    passing = compiled(through, law, np.full((1, 16), 0.2))
    np.testing.assert_allclose(passing[0, 0], 0.2 * 0.8, rtol=1e-12)
    # At its begin the stretch takes all that is sent, less than its capacity, 0.8 f(0.5).
    np.testing.assert_allclose(passing[0, 4], 0.2 * 0.8, rtol=1e-12)
    np.testing.assert_allclose(passing[0, 5:8], 0.8 * 0.2 * 0.8, rtol=1e-12)
