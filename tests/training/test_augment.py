"""Augmentation: a transformed trajectory solves the transformed law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import Roe, Rusanov, solve
from hfluxno.grid import Grid
from hfluxno.laws import Cubic, ShallowWater, ViscousBurgers
from hfluxno.training.augment import AugmentConfig, augment
from hfluxno.training.batch import Batch
from hfluxno.training.transformed_law import TransformedLaw
from tests.compiled import compiled

_CELLS, _FRAMES, _WINDOWS = 24, 5, 6
_GRID = Grid.interval(_CELLS)
_CASES = {
    "cubic": (
        lambda c: Cubic(a=c, b=0.4 - c, c=0.2 * c),
        lambda law: Roe(law, "mc", entropy_fix=False),
    ),
    "fixed": (
        lambda c: Cubic(a=c, b=0.4 - c, c=-0.2 * c),
        lambda law: Roe(law, "mc", entropy_fix=True),
    ),
    "burgers": (lambda c: ViscousBurgers(a=c, nu=0.01 * c), Rusanov),
    "water": (
        lambda c: ShallowWater(alpha=c, gamma=1.2 - 0.3 * c, beta=8.0 + c),
        lambda law: Roe(law, "mc", entropy_fix=False),
    ),
}


def _solved(law, scheme, initial, frames, substeps):
    """At fixed steps, so that frames that are left out leave no trace."""
    times = 0.004 * np.arange(frames)
    return solve(scheme(law), initial, times, _GRID, substeps=substeps).values


def _windows(case, frames):
    make, scheme = _CASES[case]
    coefficients = jnp.linspace(0.6, 1.4, _WINDOWS, dtype=jnp.float64)
    law = jax.vmap(make)(coefficients)
    x = jnp.asarray(_GRID.centers())
    phases = jnp.arange(_WINDOWS, dtype=jnp.float64)[:, None]
    wave = jnp.sin(2.0 * jnp.pi * x[None] + phases) + 0.3 * jnp.cos(6.0 * jnp.pi * x[None])
    initial = wave[:, None]
    if case == "water":
        initial = jnp.stack([2.0 + 0.3 * wave, 0.5 * wave[:, ::-1]], axis=1)
    solved = jax.vmap(lambda law, u: _solved(law, scheme, u, frames, 8))
    return Batch(compiled(solved, law, initial), law), scheme


@pytest.mark.parametrize("case", list(_CASES))
def test_a_transformed_trajectory_solves_the_transformed_law(x64, case):
    sign = case != "water"
    config = AugmentConfig(shift=True, reflection=True, sign=sign, scale=2.0, pace=2)
    batch, scheme = _windows(case, config.frames(_FRAMES))
    transformed = compiled(augment, config, batch, jax.random.key(2))
    assert isinstance(transformed.law, TransformedLaw)
    assert {float(d) for d in transformed.law.direction} == {-1.0, 1.0}
    assert {float(p) for p in transformed.law.pace} == {1.0, 2.0}
    for pace in (1, 2):
        chosen = np.flatnonzero(transformed.law.pace == pace)
        law, first = jax.tree.map(
            lambda leaf, i=chosen: leaf[i], (transformed.law, transformed.frames[:, 0])
        )
        solved = jax.vmap(lambda law, u, n=8 * pace: _solved(law, scheme, u, _FRAMES, n))
        again = compiled(solved, law, first)
        np.testing.assert_allclose(again, transformed.frames[chosen], rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("case", list(_CASES))
def test_speed_and_roe_matrix_are_those_of_the_transformed_flux(x64, case):
    batch, _ = _windows(case, 2)
    fields = batch.frames.shape[2]
    law = jax.tree.map(lambda leaf: leaf[0], batch.law)
    factors = jnp.asarray([1.7, -1.7][:fields])
    law = TransformedLaw(law.fields, law, factors, jnp.asarray(-1.0), jnp.asarray(2.0))
    u, v = factors[:, None] * batch.frames[0, 0], factors[:, None] * batch.frames[0, 1]

    @jax.jit
    def told(u, v):
        jump = jnp.sum(law.roe_matrix(u, v) * (v - u)[None], axis=1)
        return law.jacobian(u), jump

    @jax.jit
    def differentiated(u, v):
        columns = [
            jax.jvp(law.flux, (u,), (jnp.zeros_like(u).at[j].set(1.0),))[1] for j in range(fields)
        ]
        return jnp.stack(columns, axis=1), law.flux(v) - law.flux(u)

    for found, expected in zip(told(u, v), differentiated(u, v), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-11)


def test_shift_moves_whole_cells_and_nothing_else():
    frames = jnp.arange(3.0 * 2 * 1 * 8).reshape(3, 2, 1, 8)
    law = jax.vmap(lambda c: Cubic(a=c))(jnp.ones(3))
    moved = augment(AugmentConfig(shift=True), Batch(frames, law), jax.random.key(0)).frames
    for before, after in zip(np.asarray(frames), np.asarray(moved), strict=True):
        assert any(np.array_equal(np.roll(before, k, -1), after) for k in range(8))


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="scale of the augmentation is at least 1"):
        AugmentConfig(scale=0.5)
    with pytest.raises(ValueError, match="pace of the augmentation is at least 1"):
        AugmentConfig(pace=0)
    frames = jnp.ones((2, 3, 2, 8))
    law = jax.vmap(lambda c: ShallowWater(alpha=c))(jnp.ones(2))
    with pytest.raises(ValueError, match="sign is a symmetry of one field only"):
        augment(AugmentConfig(sign=True), Batch(frames, law), jax.random.key(0))
    with pytest.raises(ValueError, match="needs the laws of a batch"):
        augment(AugmentConfig(shift=True), Batch(frames), jax.random.key(0))
