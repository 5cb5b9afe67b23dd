"""Random numbers from NumPy: JAX would compile a program for every shape that it draws."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import truncnorm


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), float)


def module(build, *arguments, seed=0, **named):
    """The module build(*arguments, **named, key=key) in which every parameter is a random number,
    so that no zero hides a part of it."""
    skeleton = eqx.filter_eval_shape(
        lambda key: build(*arguments, **named, key=key), jax.random.key(0)
    )
    random = np.random.default_rng(seed)

    def filled(leaf):
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf
        numbers = random.normal(0.0, 0.4, leaf.shape)
        if jnp.issubdtype(leaf.dtype, jnp.complexfloating):
            numbers = numbers + 1j * random.normal(0.0, 0.4, leaf.shape)
        return jnp.asarray(numbers.astype(leaf.dtype))

    return jax.tree.map(filled, skeleton)


def fresh(build, *arguments, seed=0, **named):
    """build(*arguments, **named, key=key) with random numbers from NumPy."""
    random = np.random.default_rng(seed)

    def uniform(key, shape=(), dtype=float, minval=0.0, maxval=1.0):
        return jnp.asarray(random.uniform(minval, maxval, shape), dtype)

    def standard(key, shape=(), dtype=float):
        numbers = random.normal(size=shape)
        if jnp.issubdtype(dtype, jnp.complexfloating):
            numbers = (numbers + 1j * random.normal(size=shape)) / np.sqrt(2.0)
        return jnp.asarray(numbers, dtype)

    def truncated(key, lower, upper, shape=(), dtype=float):
        numbers = truncnorm.rvs(lower, upper, size=shape, random_state=random)
        return jnp.asarray(numbers, dtype)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax.random, "uniform", uniform)
        patch.setattr(jax.random, "normal", standard)
        patch.setattr(jax.random, "truncated_normal", truncated)
        return build(*arguments, **named, key=jax.random.key(0))
