"""Augmentation: a transformed trajectory solves the transformed law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import Roe, Rusanov, solve
from hfluxno.grid import Grid
from hfluxno.laws import Cubic, ShallowWater, ViscousBurgers
from hfluxno.laws.base import pointwise_jacobian
from hfluxno.training.augment import AugmentConfig, augment
from hfluxno.training.batch import Batch
from hfluxno.training.reflected_law import ReflectedLaw
from tests.compiled import compiled
from tests.slow import slow

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
        Rusanov,
    ),
}


def _solved(law, scheme, initial):
    times = 0.004 * np.arange(_FRAMES)
    return solve(scheme(law), initial, times, _GRID, substeps=8).values


def _windows(case):
    make, scheme = _CASES[case]
    coefficients = np.linspace(0.6, 1.4, _WINDOWS)
    law = compiled(jax.vmap(make), coefficients)
    x = _GRID.centers()[None]
    phases = np.arange(float(_WINDOWS))[:, None]
    wave = np.sin(2.0 * np.pi * x + phases) + 0.3 * np.cos(6.0 * np.pi * x)
    initial = wave[:, None]
    if case == "water":
        initial = np.stack([2.0 + 0.3 * wave, 0.5 * wave[:, ::-1]], axis=1)
    solved = jax.vmap(lambda law, u: _solved(law, scheme, u))
    return Batch(compiled(solved, law, initial), law), scheme


# Of one field and of two; the others differ in the flux alone.
@pytest.mark.parametrize(
    "case", [case if case in ("burgers", "water") else slow(case) for case in _CASES]
)
def test_a_transformed_trajectory_solves_the_reflected_law(x64, case):
    batch, scheme = _windows(case)
    config = AugmentConfig(shift=True, reflection=True)
    transformed = compiled(augment, config, batch, jax.random.key(2))
    assert isinstance(transformed.law, ReflectedLaw)
    assert set(np.asarray(transformed.law.direction)) == {-1.0, 1.0}
    assert not np.allclose(transformed.frames, batch.frames)
    solved = jax.vmap(lambda law, u: _solved(law, scheme, u))
    again = compiled(solved, transformed.law, np.asarray(transformed.frames)[:, 0])
    np.testing.assert_allclose(again, transformed.frames, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("case", list(_CASES))
def test_speed_is_that_of_the_reflected_flux(x64, case):
    batch, _ = _windows(case)
    law = ReflectedLaw(
        batch.law.fields,
        jax.tree.map(lambda leaf: np.asarray(leaf)[0], batch.law),
        jnp.asarray(-1.0),
    )
    u = np.asarray(batch.frames)[0, 0]
    found = compiled(law.jacobian, u)
    np.testing.assert_allclose(found, compiled(pointwise_jacobian, law.flux, u), atol=1e-11)


def test_shift_moves_whole_cells_and_nothing_else():
    frames = jnp.asarray(np.arange(3.0 * 2 * 1 * 8, dtype="f4").reshape(3, 2, 1, 8))
    law = compiled(jax.vmap(lambda c: Cubic(a=c)), np.ones(3, "f4"))
    batch, key = Batch(frames, law), jax.random.key(0)
    moved = compiled(augment, AugmentConfig(shift=True), batch, key).frames
    for before, after in zip(np.asarray(frames), np.asarray(moved), strict=True):
        assert any(np.array_equal(np.roll(before, k, -1), after) for k in range(8))


def test_laws_that_are_not_known_are_refused():
    with pytest.raises(ValueError, match="needs the laws of a batch"):
        augment(AugmentConfig(shift=True), Batch(jnp.ones((2, 3, 2, 8))), jax.random.key(0))
