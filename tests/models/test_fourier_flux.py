"""The Fourier flux operator is equation 15, written out in physical space."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.grid import pad
from tests.compiled import compiled
from tests.models import small
from tests.slow import slow


def gelu(x):
    return 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)))


def kernel(layer, shape):
    """k(x), shape (outputs, inputs, *space), of a field with real values: its wave numbers come in
    opposite pairs, of which the transform keeps those with k ≥ 0 along the last axis."""
    modes = [*(2 * m + 1 for m in layer.modes[:-1]), layer.modes[-1] + 1]
    weight = np.asarray(layer.weight).reshape(*modes, *layer.weight.shape[1:])
    places = np.stack(np.meshgrid(*[np.arange(n) / n for n in shape], indexing="ij"))
    found = np.zeros((*weight.shape[-2:], *shape))
    for index in np.ndindex(*modes):
        # 0, 1, …, m, -m, …, -1 along all axes but the last.
        wave = [i if i <= m else i - 2 * m - 1 for i, m in zip(index, layer.modes, strict=True)]
        turns = np.exp(2j * np.pi * np.tensordot(wave, places, 1))
        pair = 1.0 if wave[-1] == 0 else 2.0
        found += np.real(pair * weight[index][(..., *[None] * len(shape))] * turns)
    return found


def integral(k, z):
    """∫ k(x - x′) z(x′) dx′ over the unit domain."""
    found, shape = np.zeros_like(z), z.shape[1:]
    for x in np.ndindex(*shape):
        for other in np.ndindex(*shape):
            difference = tuple(np.subtract(x, other) % shape)
            found[(..., *x)] += k[(..., *difference)] @ z[(..., *other)] / np.prod(shape)
    return found


@pytest.mark.parametrize("name", ["fourier", slow("fourier plane")])
def test_the_form_of_the_text_is_equation_15(name, x64):
    config = dataclasses.replace(small.CONFIGURATIONS[name], coordinates=False)
    u = small.context(config)[-1]
    fluxes = small.read(small.network(config), small.context(config)).fluxes
    for axis, flux in enumerate(fluxes):
        left, right = flux.left, flux.right
        rows = np.moveaxis(np.asarray(u), 1 + axis, -1)
        # Before cell i lies the interface that has cell i - 1 on its left.
        stencil = [np.roll(rows, left - j, -1) for j in range(left + right)]
        v = np.stack(stencil, 1).reshape(-1, *rows.shape[1:])
        (lift,), (project,) = flux.lift.layers, flux.project.layers
        assert lift.bias is None and project.bias is None
        z = np.tensordot(lift.weight, v, 1)
        for layer in flux.layers:
            z = z + gelu(integral(kernel(layer, z.shape[1:]), z))
        expected = np.tensordot(project.weight, z, 1)
        padded = jnp.moveaxis(pad(u, config.grid, flux.ghost, axis=axis), 1 + axis, -1)
        found = np.asarray(compiled(flux, padded, jnp.asarray(0.02), 0.1))
        np.testing.assert_allclose(found[..., :-1], expected, rtol=1e-9, atol=1e-11)
        np.testing.assert_array_equal(found[..., -1], found[..., 0])


@pytest.mark.validation
def test_the_form_of_the_text_commutes_with_shifts_and_that_of_the_code_does_not(x64):
    for name, commutes in (("fourier", True), ("fourier code", False)):
        config = dataclasses.replace(small.CONFIGURATIONS[name], coordinates=False)
        operator = small.read(small.network(config), small.context(config))
        u = small.context(config)[-1]
        advance = eqx.filter_jit(lambda operator, u: operator(u))
        shifted = advance(operator, jnp.roll(u, 3, -1))
        close = np.allclose(shifted, jnp.roll(advance(operator, u), 3, -1), atol=1e-9)
        assert close == commutes


def test_modes_are_those_of_the_axes(x64):
    """Although the axis of a flux comes last."""
    config = dataclasses.replace(small.CONFIGURATIONS["fourier plane"], coordinates=False)
    fluxes = small.read(small.network(config), small.context(config)).fluxes
    assert config.target.modes == (3, 2)
    assert [flux.layers[0].modes for flux in fluxes] == [(2, 3), (3, 2)]
    target = dataclasses.replace(config.target, modes=(3,))
    with pytest.raises(ValueError, match="a number of modes for each of 2 axes; got \\(3,\\)"):
        dataclasses.replace(config, target=target).build(jax.random.key(0))
