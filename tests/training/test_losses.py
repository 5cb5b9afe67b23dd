"""Losses: each compares what it says it does, on a network whose answers are known."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.laws import Cubic, ShallowWater, ViscousBurgers
from hfluxno.laws.base import ConservationLaw
from hfluxno.training.batch import Batch, batch_of
from hfluxno.training.losses import LOSSES, LossConfig, make_loss
from tests.training.standin import Advection, advected

_K = 4
_EXACT = Advection(jnp.asarray(0.3))
_WRONG = Advection(jnp.asarray(0.4))


def _keys(frames):
    return jax.random.split(jax.random.key(0), len(frames))


def _loss(network, frames, **options):
    config = LossConfig(**options)
    frames = frames[:, : config.frames(_K)]
    return float(jax.jit(make_loss(config, _K))(network, Batch(frames), _keys(frames)))


def _step(u, number):
    return u - number * (u - np.roll(u, 1, axis=-1))


@pytest.mark.parametrize("name", ["one-step", "pushforward", "many-targets"])
def test_the_exact_network_has_no_error(name):
    frames = advected(0.3, _K + 3, 5)
    assert _loss(_EXACT, frames, name=name, steps=2, after=3) < 1e-12
    assert _loss(_WRONG, frames, name=name, steps=2, after=3) > 1e-4


def test_one_step_is_the_mean_square_of_the_next_frame():
    frames = np.asarray(advected(0.3, _K + 1, 5))
    expected = np.mean((_step(frames[:, _K - 1], 0.4) - frames[:, _K]) ** 2)
    np.testing.assert_allclose(_loss(_WRONG, frames), expected, rtol=1e-5)


def test_denoising_without_noise_is_one_step():
    frames = advected(0.3, _K + 1, 5)
    one = _loss(_WRONG, frames)
    np.testing.assert_allclose(_loss(_WRONG, frames, name="denoising", noise=0.0), one, rtol=1e-6)
    assert _loss(_EXACT, frames, name="denoising", noise=0.1) > 1e-4


def test_pushforward_does_not_differentiate_the_first_prediction():
    frames = advected(0.3, _K + 2, 5)
    config = LossConfig("pushforward")
    loss = make_loss(config, _K)
    gradient = jax.jit(jax.grad(lambda net: loss(net, Batch(frames), _keys(frames))))(_WRONG).number
    pushed = jnp.asarray(_step(np.asarray(frames[:, _K - 1]), 0.4))

    def by_hand(number):
        return jnp.mean((pushed - number * (pushed - jnp.roll(pushed, 1, -1)) - frames[:, -1]) ** 2)

    expected = jax.jit(jax.grad(by_hand))(jnp.asarray(0.4))
    np.testing.assert_allclose(gradient, expected, rtol=1e-4)


def test_many_targets_uses_every_start_once():
    frames = np.asarray(advected(0.3, _K + 3, 5))
    options = {"name": "many-targets", "steps": 2, "after": 3}
    errors = []
    for start in range(_K + 3 - 2):
        u = frames[:, start]
        for j in (1, 2):
            u = _step(u, 0.4)
            errors.append(np.mean((u - frames[:, start + j]) ** 2))
    np.testing.assert_allclose(_loss(_WRONG, frames, **options), np.mean(errors), rtol=1e-4)
    some = _loss(_WRONG, frames, **options, targets=2)
    assert min(errors) <= some <= max(errors)


def test_the_noise_is_that_of_the_original_on_100_cells():
    """Of standard deviation 1e-5 ‖u‖₂, in what the authors' configuration says."""
    frames = advected(0.0, _K + 1, 64, cells=100)
    found = _loss(Advection(jnp.asarray(0.0)), frames, name="denoising")
    expected = np.mean(1e-10 * np.sum(np.asarray(frames[:, _K - 1]) ** 2, axis=-1))
    np.testing.assert_allclose(found, expected, rtol=0.1)


class _Uncertain(Advection):
    """Advances by 0.3 or, in half of the windows that it is trained on, by 0.4."""

    def while_training(self, key):
        wrong = jax.random.bernoulli(key)
        return _Uncertain(jnp.where(wrong, 0.4, 0.3))


def test_what_is_random_in_a_network_is_drawn_for_every_window():
    frames = jnp.asarray(np.tile(advected(0.3, _K + 1, 1), (64, 1, 1, 1)))
    part = _loss(_Uncertain(jnp.asarray(0.3)), frames) / _loss(_WRONG, frames)
    assert 0.25 < part < 0.75
    np.testing.assert_allclose(64 * part, np.round(64 * part), atol=1e-2)


def test_the_relative_measure_does_not_depend_on_units():
    truth = np.asarray(advected(0.3, _K + 1, 5))
    one, other = (
        _loss(_WRONG, jnp.asarray(np.float32(factor) * truth), measure="relative")
        for factor in (1.0, 1000.0)
    )
    np.testing.assert_allclose(one, other, rtol=1e-4)
    misfit = np.linalg.norm(_step(truth[:, _K - 1], 0.4) - truth[:, _K], axis=(1, 2))
    np.testing.assert_allclose(
        one, np.mean(misfit / np.linalg.norm(truth[:, _K], axis=(1, 2))), 1e-4
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "two-step"}, "choose one of one-step, pushforward"),
        ({"targets": -1}, "targets ≥ 0"),
        ({"steps": 0}, "steps ≥ 1"),
        ({"noise": -1.0}, "must not be negative"),
    ],
)
def test_options_are_closed(options, message):
    with pytest.raises(ValueError, match=message):
        LossConfig(**options)


def test_windows_are_as_long_as_the_losses_need():
    lengths = {name: LossConfig(name, steps=3, after=5).frames(_K) - _K for name in LOSSES}
    assert lengths == {
        "one-step": 1,
        "pushforward": 2,
        "denoising": 1,
        "many-targets": 5,
        "speed": 0,
    }
    with pytest.raises(ValueError, match="window of 2 frames has no room for 3 steps"):
        LossConfig("many-targets", steps=3, after=1).frames(1)


def _water(alpha, gamma, beta):
    return ShallowWater(alpha=alpha, gamma=gamma, beta=beta)


@dataclasses.dataclass(frozen=True)
class _Answer:
    """Infers a given law, whatever the context."""

    inferred: object
    grid: object
    interval: float = 0.005

    def law(self, context):
        return _InCells(self.inferred.fields, self.inferred, self.interval, self.grid.spacing[0])


class _InCells(ConservationLaw):
    """A law in cells and frames."""

    fields: tuple[str, ...] = eqx.field(static=True)
    inner: ConservationLaw
    dt: float
    dx: float

    def flux(self, u):
        return self.inner.flux(u) * (self.dt / self.dx)

    def diffusivity(self, u):
        nu = self.inner.diffusivity(u)
        return None if nu is None else nu * (self.dt / self.dx**2)


@pytest.fixture
def answer(monkeypatch):
    from hfluxno.grid import Grid
    from hfluxno.training import speed_loss

    monkeypatch.setattr(speed_loss, "LawNetwork", _Answer)
    # The stand-in is no `ContextNetwork`, so the check of types is passed over.
    error = getattr(speed_loss.speed_error, "__wrapped__", speed_loss.speed_error)
    waves = np.random.default_rng(1).normal(size=(_K, 2, 50))
    context = jnp.asarray((1.5 + 0.3 * waves).astype("f4"))

    def of(inferred, true, fields, relative=True):
        def compiled(inferred, true):
            network = _Answer(inferred, Grid.interval(50))
            return error(network, context[:, :fields], true, relative)

        return float(jax.jit(compiled)(inferred, true))

    return of


def test_the_speed_loss_vanishes_for_the_true_law_alone(answer):
    assert answer(Cubic(a=1.0, b=0.5, c=0.2), Cubic(a=1.0, b=0.5, c=0.2), 1) < 1e-5
    near = answer(Cubic(a=1.0, b=0.5, c=0.21), Cubic(a=1.0, b=0.5, c=0.2), 1)
    far = answer(Cubic(a=1.0, b=0.5, c=0.3), Cubic(a=1.0, b=0.5, c=0.2), 1)
    assert 1e-4 < near < far
    np.testing.assert_allclose(far / near, 10.0, rtol=1e-2)


def test_the_speed_loss_knows_diffusion_and_systems(answer):
    assert answer(ViscousBurgers(a=1.0, nu=0.01), ViscousBurgers(a=1.0, nu=0.01), 1) < 1e-5
    assert answer(ViscousBurgers(a=1.0, nu=0.0), ViscousBurgers(a=1.0, nu=0.01), 1) > 0.05
    assert answer(_water(1.0, 0.8, 9.0), _water(1.0, 0.8, 9.0), 2) < 1e-5
    assert answer(_water(1.0, 0.8, 10.0), _water(1.0, 0.8, 9.0), 2) > 0.05


def test_a_shift_of_all_speeds_is_counted_in_cells_a_frame(answer):
    # δf′ = 0.1 everywhere is 0.1·0.005/0.02 cells a frame, in both means.
    error = answer(Cubic(a=1.0, b=0.5, c=0.3), Cubic(a=1.0, b=0.5, c=0.2), 1, relative=False)
    np.testing.assert_allclose(error, 0.025**2, rtol=1e-3)


def test_the_speed_loss_refuses_another_network():
    frames = advected(0.3, _K, 3)
    batch = batch_of("cubic", np.asarray(frames), np.ones((3, 3)))
    with pytest.raises(ValueError, match="use another loss or the law target"):
        make_loss(LossConfig("speed"), _K)(_EXACT, batch, _keys(batch.frames))
