"""The step: what an update is, and what happens where there can be none."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jaxtyping import Array, Complex

from hfluxno.models.network import ContextNetwork
from hfluxno.training.augment import AugmentConfig
from hfluxno.training.batch import Batch
from hfluxno.training.losses import LossConfig, make_loss
from hfluxno.training.optimizer import OptimizerConfig, make_optimizer
from hfluxno.training.sharding import Placement
from hfluxno.training.state import first_state, named_key, split_network
from hfluxno.training.step import make_step
from tests.training.standin import Advection, Upwind, advected

_PLAIN = AugmentConfig()


def _step(network, optimizer, decay=0.0):
    loss = make_loss(LossConfig(), 4)
    static = split_network(network)[1]
    step = make_step(loss, optimizer, static, _PLAIN, decay, Placement.on())
    return step, first_state(network, optimizer, 0)


def _mixing(update):
    """Optax mixes integers and reals."""

    def compiled(*arguments):
        with jax.numpy_dtype_promotion("standard"):
            return update(*arguments)

    return jax.jit(compiled)


def test_training_finds_the_speed():
    step, state = _step(Advection(jnp.asarray(0.1)), optax.adam(0.05))
    batch = Batch(advected(0.3, 5, 8))
    for _ in range(60):
        state, metrics = step(state, batch)
    np.testing.assert_allclose(state.parameters.number, 0.3, atol=5e-3)
    assert int(state.step) == 60 and float(metrics["loss"]) < 1e-3


def test_chunks_have_the_gradient_of_the_batch(monkeypatch):
    network, optimizer = Advection(jnp.asarray(0.1)), optax.sgd(1.0)
    loss, static = make_loss(LossConfig(), 4), split_network(network)[1]
    speeds = (0.3, -0.2, 0.5)
    batch = Batch(jnp.concatenate([advected(speed, 5, 2) for speed in speeds]))
    found = []
    for chunk in (6, 2, 3):
        monkeypatch.setattr("hfluxno.training.sharding._WINDOWS_OF_A_CORE", chunk)
        step = make_step(loss, optimizer, static, _PLAIN, 0.0, Placement.on())
        # The step gives the memory of its state away.
        fresh = jax.tree.map(lambda leaf: leaf.copy(), network)
        state, metrics = step(first_state(fresh, optimizer, 0), batch)
        found.append((float(state.parameters.number), float(metrics["loss"])))
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=1e-5)
    assert found[0][0] != 0.1


def test_a_cpu_takes_few_windows_at_once():
    cpu = Placement.on("cpu")
    assert [cpu.windows_at_once(batch) for batch in (1, 8, 64, 6, 130)] == [1, 4, 4, 3, 2]


def test_an_update_that_is_not_finite_is_left_out_and_counted():
    step, state = _step(Advection(jnp.asarray(0.1)), optax.adam(0.05), decay=0.9)
    good = Batch(advected(0.3, 5, 8))
    bad = Batch(good.frames.at[0, -1, 0, 0].set(jnp.nan))
    state, _ = step(state, good)
    before = jax.tree.map(np.asarray, state)
    for count in (1, 2):
        state, metrics = step(state, bad)
        assert not np.isfinite(metrics["loss"])
        assert int(state.skipped) == int(state.skipped_in_row) == count
    assert np.array_equal(state.parameters.number, before.parameters.number)
    assert all(
        np.array_equal(a, b)
        for a, b in zip(
            jax.tree.leaves(state.optimizer), jax.tree.leaves(before.optimizer), strict=True
        )
    )
    state, _ = step(state, good)
    assert int(state.skipped) == 2 and int(state.skipped_in_row) == 0
    assert not np.array_equal(state.parameters.number, before.parameters.number)


def test_the_mean_of_the_weights_follows_them():
    step, state = _step(Advection(jnp.asarray(0.1)), optax.sgd(0.05), decay=0.99)
    batch, mean = Batch(advected(0.3, 5, 8)), 0.1
    for n in range(5):
        state, _ = step(state, batch)
        decay = min(0.99, (1 + n) / (10 + n))
        mean = decay * mean + (1 - decay) * float(state.parameters.number)
    np.testing.assert_allclose(state.average.number, mean, rtol=1e-5)
    step, state = _step(Advection(jnp.asarray(0.1)), optax.sgd(0.05))
    state, _ = step(state, batch)
    assert np.array_equal(state.average.number, state.parameters.number)


class _Complex(ContextNetwork):
    """An advection whose number is |z - i|²: the gradient by z must lead to its zero."""

    z: Complex[Array, ""]

    def read(self, context):
        distance = self.z - jax.lax.complex(jnp.zeros(()), jnp.ones(()))
        return Upwind(distance.real**2 + distance.imag**2)


def test_complex_parameters_go_downhill():
    start = jax.lax.complex(jnp.asarray(0.5), jnp.asarray(0.4))
    step, state = _step(_Complex(start), optax.sgd(0.1))
    batch = Batch(advected(0.0, 5, 8))
    for _ in range(200):
        state, _ = step(state, batch)
    assert abs(complex(state.parameters.z) - 1j) < 0.1


def test_the_learning_rate_rises_and_falls_with_the_updates():
    config = OptimizerConfig(peak=1e-2, warmup=10, end=1e-4, weight_decay=0.0)
    rule = make_optimizer(config, 40)
    parameters, moved = {"x": jnp.ones(())}, []
    state = rule.init(parameters)
    update = _mixing(rule.update)
    for _ in range(40):
        updates, state = update({"x": jnp.ones(())}, state, parameters)
        moved.append(-float(updates["x"]))  # Adam moves by the learning rate here
    np.testing.assert_allclose(moved[5], 5e-3, rtol=1e-3)
    np.testing.assert_allclose(moved[10], 1e-2, rtol=1e-3)
    np.testing.assert_allclose(moved[25], 0.5 * (1e-2 + 1e-4), rtol=1e-2)
    assert np.argmax(moved) == 10 and 1e-4 <= moved[-1] < 2e-4


def test_the_gradient_is_clipped_to_a_norm():
    # With no momentum the first step of Adam does not see the size of the gradient, the next does.
    rule = make_optimizer(OptimizerConfig(peak=1.0, warmup=0, weight_decay=0.0, clip=1.0), 10)
    x = {"a": jnp.asarray([3.0]), "b": jnp.asarray([4.0])}
    state = rule.init(x)
    _, state = _mixing(rule.update)(x, state, x)
    first_moment = optax.tree.get(state, "mu")
    np.testing.assert_allclose([*first_moment["a"], *first_moment["b"]], [0.06, 0.08], rtol=1e-5)


def test_small_derivatives_move_as_far_as_large_ones_unless_eps_is_larger():
    def first_step(derivative, eps):
        config = OptimizerConfig(peak=1.0, warmup=0, weight_decay=0.0, eps=eps)
        rule, x = make_optimizer(config, 10), {"x": jnp.ones(())}
        updates, _ = _mixing(rule.update)({"x": jnp.asarray(derivative)}, rule.init(x), x)
        return -float(updates["x"])

    np.testing.assert_allclose(first_step(1e-9, 1e-8), 1.0 / 11.0, rtol=1e-4)
    np.testing.assert_allclose(first_step(1e-9, 1e-15), 1.0, rtol=1e-4)
    assert OptimizerConfig().eps == 1e-8  # as the original's


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"peak": 0.0}, "peak > 0"),
        ({"eps": 0.0}, "eps of AdamW must be positive"),
        ({"warmup": -1}, "warm-up must not be negative"),
        ({"clip": 0.0}, "clipped to a positive norm"),
    ],
)
def test_bad_settings_of_the_optimiser_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        OptimizerConfig(**options)


def test_keys_differ_by_name():
    a, b = (jax.random.key_data(named_key(0, name)) for name in ("model", "training"))
    assert not np.array_equal(a, b)


def test_only_arrays_of_the_network_are_trained():
    network = Advection(jnp.asarray(0.1), reads=True)
    parameters, static = split_network(network)
    assert len(jax.tree.leaves(parameters)) == 1
    assert eqx.combine(parameters, static).reads


def test_a_weak_type_among_first_weights_does_not_compile_the_step_twice():
    weak = jnp.full((), 0.1)  # from a Python number
    assert weak.weak_type
    step, state = _step(Advection(weak), optax.sgd(0.05))
    assert not state.parameters.number.weak_type
    placement = Placement.on()
    state = placement.everywhere(state)
    for _ in range(2):
        state, _ = step(state, placement.batch(Batch(advected(0.0, 5, 8))))
    assert step._cache_size() == 1
