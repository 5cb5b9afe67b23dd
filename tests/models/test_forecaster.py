"""Networks as forecasters: what they return, and what they refuse."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.models.baselines.icon.model import ICONConfig
from hfluxno.models.forecaster import NetworkForecaster, NetworkStatus
from hfluxno.models.law_target import LawNetwork, LawOperator
from hfluxno.models.rollout import rollout
from hfluxno.trajectory import Trajectory
from tests.compiled import compiled
from tests.models import small
from tests.slow import slow

LINE = small.LINE


def trajectory(config=LINE, frames=None, batch=False, boundary="periodic"):
    frames = config.context if frames is None else frames
    values = np.asarray(small.context(config, frames=frames))
    if batch:
        values = np.stack([values, 0.5 * values])
    times = 3.0 + config.interval * np.arange(frames)
    x = config.spacing[0] * (np.arange(config.cells[0]) + 0.5)
    return Trajectory.from_numpy(values, times, x, config.fields, boundary)


@pytest.fixture(scope="module")
def forecaster():
    return NetworkForecaster(small.network(LINE), LINE, "hfluxno-test")


def test_a_forecast_is_the_roll_out(forecaster):
    context = trajectory()
    forecast = forecaster.forecast(context, 3)
    expected = compiled(rollout, forecaster.network, context.values, 3, "sliding")
    np.testing.assert_allclose(forecast.trajectory.values, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(forecast.trajectory.times, 3.0 + 0.02 * np.arange(5, 8))
    assert forecast.status.shape == () and int(forecast.status) == NetworkStatus.OK
    assert forecast.sentences == (NetworkStatus.OK.sentence,)
    assert float(forecast.conservation_drift) < 1e-5
    assert np.isnan(forecast.backtest_error)
    assert forecast.identifications == ()


@pytest.mark.validation
def test_batches_and_longer_contexts(forecaster):
    context = trajectory(frames=7, batch=True)
    forecast = forecaster.forecast(context, 2)
    assert forecast.trajectory.values.shape == (2, 2, 1, 16)
    for member in range(2):
        single = Trajectory(context.values[member], context.times, context.grid, context.fields)
        alone = forecaster.forecast(single, 2)
        np.testing.assert_allclose(
            forecast.trajectory.values[member], alone.trajectory.values, rtol=1e-4, atol=1e-5
        )
        # The back-test: the last frame (a quarter of a context) from the five before it.
        guess = compiled(rollout, forecaster.network, single.values[1:6], 1)
        truth = np.asarray(single.values[6:])
        error = np.linalg.norm(guess - truth) / np.linalg.norm(truth)
        np.testing.assert_allclose(forecast.backtest_error[member], error, rtol=1e-4)
    # A random network does not predict waves.
    assert np.all(forecast.status == NetworkStatus.POOR)
    assert "do not trust the forecast" in forecast.sentences[0]


@pytest.mark.parametrize("interval", [1e30, slow(1e4)], ids=["not finite", "finite"])
def test_a_forecast_that_blows_up_says_so(interval):
    config = small.CONFIGURATIONS["flux no"]  # which compiles in a fraction of the time
    network, context = small.network(config), trajectory(config)
    wild = dataclasses.replace(network, interval=interval)
    forecast = NetworkForecaster(wild, config).forecast(context, 3)
    largest = np.abs(np.asarray(context.values)).max()
    assert np.all(np.abs(np.asarray(forecast.trajectory.values)) <= 2.0 * largest)
    assert int(forecast.status) == NetworkStatus.DIVERGED
    assert "became non-finite or left the observed range" in forecast.sentences[0]


class _SolvableByRusanov(LawNetwork):
    def read(self, context):
        law = self.law(context)
        if self.scheme != "rusanov":
            law = eqx.tree_at(lambda t: t.flux_coefficients, law, replace_fn=lambda c: jnp.nan * c)
        return LawOperator(law, self.settings())


@pytest.mark.validation
def test_a_law_that_its_scheme_cannot_solve_is_solved_by_another(monkeypatch):
    monkeypatch.setattr("hfluxno.models.law_target._FALLBACKS", ("rusanov",))
    config = dataclasses.replace(small.CONFIGURATIONS["law"], context_mode="frozen")
    law, context = small.network(config), trajectory(config, batch=True)
    parts = {part.name: getattr(law, part.name) for part in dataclasses.fields(law)}
    forecast = NetworkForecaster(_SolvableByRusanov(**parts), config).forecast(context, 2)
    assert np.all(forecast.status == NetworkStatus.OK)
    solvable = dataclasses.replace(law, scheme="rusanov")
    expected = compiled(lambda u: solvable.read(u)(u[-1]), context.values[1])
    np.testing.assert_allclose(forecast.trajectory.values[1, 0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (trajectory(small.PAIR), r"forecasts 1 field \(u\); the context has 2 \(h, m\)"),
        (
            trajectory(dataclasses.replace(LINE, cells=(20,))),
            "works on 16 cells or a multiple; the context has 20",
        ),
        (trajectory(frames=4), "reads 5 frames; the context has 4"),
        (
            trajectory(dataclasses.replace(LINE, interval=0.03)),
            "works at Δt = 0.02; that of the context is 0.03",
        ),
        (
            trajectory(dataclasses.replace(LINE, spacing=(0.2,))),
            "works at Δx = 0.1; that of the context is 0.2",
        ),
        (
            trajectory(boundary="outflow"),
            "only on periodic domains; the boundary of the context is outflow, outflow",
        ),
    ],
)
def test_contexts_that_do_not_fit(forecaster, context, message):
    with pytest.raises(ValueError, match=message):
        forecaster.forecast(context, 2)


def test_fields_in_another_order_do_not_fit():
    turned = trajectory(dataclasses.replace(small.PAIR, fields=("m", "h")))
    forecaster = NetworkForecaster(small.network(small.PAIR), small.PAIR)
    with pytest.raises(ValueError, match=r"are m, h. Put them in that order, on the .* --variable"):
        forecaster.check(turned)


def test_numbers_that_do_not_fit(forecaster):
    with pytest.raises(ValueError, match="steps must be at least 1; got 0"):
        forecaster.forecast(trajectory(), 0)
    grid = Grid.interval(16, 0.0, 1.6)
    uneven = Trajectory(jnp.ones((5, 1, 16)), 0.02 * np.arange(5) ** 2, grid, ("u",))
    with pytest.raises(ValueError, match=r"times of the context are uneven \(0.02 to 0.14 apart\)"):
        forecaster.forecast(uneven, 1)
    bad = Trajectory(jnp.full((5, 1, 16), jnp.nan), 0.02 * np.arange(5), grid, ("u",))
    with pytest.raises(ValueError, match=r"takes no gaps.*use the method fit"):
        forecaster.forecast(bad, 1)


def test_variants_that_count_in_cells_and_frames_accept_other_spacings():
    told = small.CONFIGURATIONS["weak form"]
    other = dataclasses.replace(told, interval=0.03)
    NetworkForecaster(small.network(told), told).check(trajectory(other))
    law = small.CONFIGURATIONS["law"]
    model = NetworkForecaster(small.network(law), law)
    model.check(trajectory(dataclasses.replace(law, interval=0.03), boundary="outflow"))


@pytest.mark.validation
def test_refined_laws_forecast_better_than_rough_ones():
    """A law that is a little wrong becomes that of the data: waves of speed one cell a frame."""
    config = dataclasses.replace(small.CONFIGURATIONS["law"], context=5)
    target = dataclasses.replace(config.target, terms=0, size=2)
    config = dataclasses.replace(config, target=target)
    shift = np.arange(7)[:, None]
    x = np.arange(16)[None]
    values = np.sin(2 * np.pi * (x - shift) / 16)[:, None].astype(np.float32)
    context = Trajectory.from_numpy(
        values[:5], 0.02 * np.arange(5), 0.1 * (np.arange(16) + 0.5), ("u",)
    )
    errors = []
    for steps in (0, 3):
        network = small.network(config)
        network = eqx.tree_at(
            lambda n: (n.head.layers[-1].weight, n.head.layers[-1].bias),
            network,
            (jnp.zeros((2, 8)), jnp.asarray([-0.2, 0.1])),
        )
        forecast = NetworkForecaster(network, config).refined(steps).forecast(context, 2)
        errors.append(np.abs(np.asarray(forecast.trajectory.values) - values[5:]).max())
    assert errors[1] < 0.1 and errors[1] < 0.2 * errors[0]


def test_what_infers_no_law_cannot_be_refined(forecaster):
    with pytest.raises(ValueError, match="hfluxno-test infers no law that could be refined"):
        forecaster.refined(2)
    law = NetworkForecaster(small.network(small.CONFIGURATIONS["law"]), small.CONFIGURATIONS["law"])
    with pytest.raises(ValueError, match="refined by 0 to 3 steps; got 4"):
        law.refined(4)


# Of the flux itself test_plane_space.py tests it.
@pytest.mark.validation
def test_a_network_that_is_told_the_law_does_not_know_units():
    """Other Δt and Δx with the same frames: the same forecast."""
    config = small.CONFIGURATIONS["weak form"]
    network = NetworkForecaster(small.network(config), config)
    here = trajectory(config)
    there = trajectory(dataclasses.replace(config, interval=3.0, spacing=(0.7,)))
    first, second = (network.forecast(context, 3).trajectory.values for context in (here, there))
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-4)


ICON = ICONConfig(
    cells=(16,), spacing=(0.1,), interval=0.02, examples=3, width=8, layers=1, heads=2, points=8
)


@pytest.mark.validation
def test_a_network_that_is_shown_examples_forecasts_with_those_of_each_context():
    # Norms and averages make small numbers alike: with large ones every token matters.
    network = jax.tree.map(
        lambda leaf: 5.0 * leaf if eqx.is_inexact_array(leaf) else leaf, small.network(ICON)
    )
    shown = NetworkForecaster(network, ICON, "icon-test")
    context = trajectory(ICON, frames=3, batch=True)
    # So large that no answer leaves the range.
    context = dataclasses.replace(context, values=100.0 * context.values)
    pairs = np.random.default_rng(0).normal(size=(2, 3, 2, 1, 16))
    forecast = shown.forecast(context, 4, examples=pairs)
    for member in range(2):
        single = Trajectory(context.values[member], context.times, context.grid, context.fields)

        def expected(network, pairs, frames):
            return rollout(network.shown(pairs), frames, 4)

        u = compiled(expected, shown.network, jnp.asarray(pairs[member], "f4"), single.values[-1:])
        alone = shown.forecast(single, 4, examples=pairs[member]).trajectory.values
        np.testing.assert_allclose(alone, u, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(forecast.trajectory.values[member], alone, rtol=1e-4, atol=1e-5)
    assert np.all(forecast.backtest_error > 0.0)  # of the last frame, from the one before
    exchanged = shown.forecast(context, 4, examples=pairs[::-1])
    assert not np.allclose(exchanged.trajectory.values, forecast.trajectory.values, rtol=1e-3)


def test_examples_that_are_missing_or_do_not_fit_are_refused(forecaster):
    shown = NetworkForecaster(small.network(ICON), ICON, "icon-test")
    context, pairs = trajectory(ICON, frames=3), np.zeros((3, 2, 1, 16))
    for examples, message in (
        (
            None,
            "icon-test needs examples, 3 pairs of states of other trajectories of the same law, "
            "which a context does not contain; give them in Python",
        ),
        (pairs[:2], r"of the shape \(3, 2, 1, 16\), pairs of states 1 frame apart; got the shape"),
        (np.nan * pairs, "must be finite numbers"),
    ):
        with pytest.raises(ValueError, match=message) as refused:
            shown.forecast(context, 2, examples=examples)
        assert "\n" not in str(refused.value)
    batch = trajectory(ICON, frames=3, batch=True)
    with pytest.raises(ValueError, match=r"of the shape \(2, 3, 2, 1, 16\)"):
        shown.forecast(batch, 2, examples=pairs)
    with pytest.raises(ValueError, match="hfluxno-test reads only a context; leave the examples"):
        forecaster.forecast(trajectory(), 2, examples=pairs)
