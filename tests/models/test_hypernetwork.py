"""The hypernetwork: what it writes at the start, complex parameters, and its options."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.models.hypernetwork import Head, Hypernetwork
from hfluxno.models.local_flux import LocalFlux
from hfluxno.models.parts import HypernetworkConfig, LocalConfig
from hfluxno.nn.spectral import SpectralMixing
from tests import drawn
from tests.compiled import compiled
from tests.models import small
from tests.slow import slow


def flux(key=0):
    sizes = LocalConfig(left=2, right=1, lift=3, width=5, depth=1)
    return drawn.module(LocalFlux, 1, 1, 0, sizes, coordinates=False, seed=key)


def make(targets):
    return drawn.fresh(Hypernetwork, 6, targets, HypernetworkConfig(4, 7, 1, 2))


@pytest.mark.parametrize("target", [flux(), slow(drawn.module(SpectralMixing, 4, 2, (2,)))])
def test_bias_hyperinit_writes_the_fresh_target_for_every_context(target):
    hypernetwork = make((target,))
    for seed in (0, 1):
        written = compiled(lambda h, c: h(c), hypernetwork, drawn.normal(6, seed=seed))[0]
        assert eqx.tree_equal(written, target)


def test_heads_share_the_trunk_and_write_what_belongs_to_them():
    first, second = compiled(make((flux(1), flux(2))), np.ones(6, "f4"))
    assert eqx.tree_equal(first, flux(1)) and eqx.tree_equal(second, flux(2))


def test_parameters_are_the_block_diagonal_map_of_the_code(x64):
    """Real and imaginary parts of each array, row by row, from their own block of the input."""
    target = drawn.module(SpectralMixing, 2, 1, (1,))
    head = drawn.fresh(Head, 4, target, 2)
    weight = drawn.normal(*head.linear.weight.shape, seed=3)
    none = jnp.asarray(np.zeros_like(head.linear.bias))
    head = eqx.tree_at(lambda h: (h.linear.weight, h.linear.bias), head, (weight, none))
    code = drawn.normal(4, seed=2)
    blocks = np.split(np.asarray(code), 2)
    weight = np.asarray(weight)
    numbers = np.concatenate([w @ c for w, c in zip(weight, blocks, strict=True)])
    assert numbers.size == head.template.size == 2 * (4 + 4 + 2 + 2)
    written = compiled(head, code)
    expected = (numbers[:4] + 1j * numbers[4:8]).reshape(1, 2, 2)
    np.testing.assert_allclose(written.first, expected, rtol=1e-12)
    expected = (numbers[20:22] + 1j * numbers[22:24]).reshape(1, 2)
    np.testing.assert_allclose(written.second_bias, expected, rtol=1e-12)


@pytest.mark.parametrize(("name", "array"), [("fourier", "weight"), slow("fourier code", "second")])
def test_gradients_reach_complex_parameters_with_the_right_sign(name, array, x64):
    """Against finite differences: the head's numbers are real, so no conjugate can go astray."""
    config = small.CONFIGURATIONS[name]
    network, context = small.network(config), small.context(config)
    where = lambda n: n.hypernetwork.heads[0].linear.bias  # noqa: E731

    def loss(bias):
        changed = eqx.tree_at(where, network, bias)
        return jnp.sum(changed.read(context)(context[-1]) ** 2)

    bias = where(network)
    template = network.hypernetwork.heads[0].template
    gradient = eqx.filter_jit(jax.grad(loss))(bias).reshape(-1)[: template.size]
    # The place of an imaginary part in the vector.
    layer = template.module(jnp.arange(float(template.size))).layers[0]
    place = int(getattr(layer, array).imag[1, 1, 0])
    step = jnp.zeros(bias.size).at[place].set(1e-6).reshape(bias.shape)
    loss = eqx.filter_jit(loss)
    slope = (loss(bias + step) - loss(bias - step)) / 2e-6
    np.testing.assert_allclose(gradient[place], slope, rtol=1e-5)
    assert abs(slope) > 1e-6


def test_published_size():
    """2.68 M parameters, of which 0.279 M in the encoder (HFluxNO, Table 5)."""
    network = small.skeleton(small.HFluxNOConfig())
    assert small.size(network) == 2_678_020
    assert small.size(network.encoder) == 279_424
    assert small.size(small.skeleton(small.HFluxNOConfig(fields=("h", "m")))) == 2_771_460
