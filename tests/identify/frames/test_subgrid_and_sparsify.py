"""Going to a finer grid and back, and dropping what a fit does not need."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import Roe, solve
from hfluxno.grid import Grid
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.candidate_functions import known_range, make_directions, make_mask
from hfluxno.identify.frames.refine import Fit
from hfluxno.identify.frames.sparsify import needed, sets_by_weak_form, weak_form_residual
from hfluxno.laws import ShallowWater
from hfluxno.parametric import subgrid
from hfluxno.parametric.basis import Dictionary, TensorChebyshev, physical_exponents
from hfluxno.parametric.law_family import LawFamily
from tests.compiled import compiled

prolong, restrict = eqx.filter_jit(subgrid.prolong), eqx.filter_jit(subgrid.restrict)


@pytest.mark.parametrize("boundary", ["periodic", "outflow", "reflecting"])
@pytest.mark.parametrize("factor", [1, 2, 4])
def test_restriction_undoes_prolongation(x64, boundary, factor):
    u = jnp.asarray(np.random.default_rng(0).normal(size=(2, 30)))
    fine = prolong(u, Grid.interval(30, boundary=boundary), factor, (1,))
    assert fine.shape == (2, 30 * factor)
    np.testing.assert_allclose(restrict(fine, factor), u, rtol=1e-13)


def test_prolongation_is_second_order_and_makes_no_new_extrema(x64):
    errors = []
    for cells in (40, 80):
        edges = np.linspace(0.0, 1.0, 4 * cells + 1)
        averages = -np.diff(np.cos(2 * np.pi * edges)) / (2 * np.pi) * 4 * cells
        coarse = averages.reshape(1, cells, 4).mean(axis=2)
        fine = np.asarray(compiled(lambda u: prolong(u, Grid.interval(u.shape[1]), 4), coarse))
        errors.append(np.mean(np.abs(fine[0] - averages)))
        assert fine.max() <= coarse.max()
        assert fine.min() >= coarse.min()
    assert np.log2(errors[0] / errors[1]) > 1.9


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_jump_inside_a_cell_is_found_again(x64, factor):
    """Cell averages of plateaus determine where the jumps between them are."""
    fine = np.where(np.arange(30 * factor) < 7 * factor + factor // 2, 0.3, 0.9)
    fine[19 * factor + 1 :] = -0.4
    coarse = restrict(jnp.asarray(fine)[None], factor)
    np.testing.assert_allclose(prolong(coarse, Grid.interval(30), factor)[0], fine, atol=1e-14)


def test_prolongation_has_derivatives_where_neighbours_are_equal(x64):
    u = jnp.asarray(np.repeat([0.2, 0.2, 0.5, 0.7], 3))[None]
    slope = compiled(jax.jacfwd(lambda u: prolong(u, Grid.interval(12), 4)), u)
    assert np.all(np.isfinite(slope))


def test_a_part_of_a_variance_is_even_and_its_mean_stays():
    variance = np.random.default_rng(0).random((3, 2, 8)) ** 8
    found = subgrid.partly_even(variance, 0.2)
    np.testing.assert_allclose(found.mean(axis=-1), variance.mean(axis=-1), rtol=1e-14)
    means = variance.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(found - 0.8 * variance, np.broadcast_to(0.2 * means, (3, 2, 8)))
    least = np.array([[1.0], [0.0]])  # above all means of the first field
    raised = subgrid.partly_even(variance, 0.2, least)
    np.testing.assert_allclose(raised[:, 0], 0.8 * variance[:, 0] + 0.2)
    np.testing.assert_array_equal(raised[:, 1], found[:, 1])


def test_directions_are_the_free_parameters():
    mask = np.zeros(18)
    mask[[2, 7, 17]] = 1.0
    directions = make_directions(mask)
    assert directions.shape == (3, 18)
    np.testing.assert_array_equal(directions.sum(axis=0), mask)
    np.testing.assert_array_equal(directions.sum(axis=1), [1, 1, 1])
    np.testing.assert_array_equal(make_directions(np.zeros(18)), np.zeros((1, 18)))


def test_behind_a_wall_that_is_a_mirror_fluxes_are_even_or_odd_in_the_momentum(x64):
    fields = ("h", "m")
    basis = Dictionary(np.ones(2), physical_exponents((True, False)), fields)
    candidate = Candidate("dictionary", 0)

    def free(negated):
        masks = make_mask(candidate, basis, 2, negated).reshape(2, -1)
        return [{n for n, f in zip(basis.names, mask, strict=True) if f} for mask in masks]

    carried, pressure = {"m", "h·m", "h²·m", "m/h"}, {"h", "h²", "h³", "m²", "m²/h"}
    assert free((1,)) == [carried, pressure]
    assert free(()) == [carried | pressure] * 2
    # A solution of such a law stays one in the mirror: F(Su) = -S F(u) with S = diag(1, -1).
    rng = np.random.default_rng(0)
    mask = make_mask(candidate, basis, 2, (1,)).reshape(2, -1)
    coefficients = mask * rng.normal(size=mask.shape)
    u, turned = rng.uniform(0.5, 1.5, size=(2, 9)), np.array([[1.0], [-1.0]])
    here, there = (np.asarray(basis(jnp.asarray(state))) for state in (u, turned * u))
    np.testing.assert_allclose(coefficients @ there, -turned * (coefficients @ here), rtol=1e-12)
    # Bases without monomials of the fields are left as they are.
    tensor = TensorChebyshev(np.zeros(2), np.ones(2), 3, 2)
    assert np.all(make_mask(Candidate("tensor", 0), tensor, 2, (1,)))


def test_a_mirrored_law_is_known_for_both_signs_of_the_momentum():
    values = np.array([[[1.0, 2.0], [0.0, 0.6]], [[1.5, 1.8], [-0.1, 0.4]]])
    basis = Dictionary(np.ones(2), physical_exponents((True, False)), ("h", "m"))
    np.testing.assert_array_equal(known_range(basis, values), [[1.0, -0.1], [2.0, 0.6]])
    np.testing.assert_array_equal(known_range(basis, values, (1,)), [[1.0, -0.6], [2.0, 0.6]])
    np.testing.assert_array_equal(known_range(basis, -values, (1,)), [[-2.0, -0.6], [-1.0, 0.6]])
    tensor = TensorChebyshev(np.zeros(2), np.ones(2), 3, 2)  # which is not mirrored
    np.testing.assert_array_equal(known_range(tensor, values, (1,)), [[1.0, -0.1], [2.0, 0.6]])


def test_only_what_is_needed_stays():
    """A linear model with two of five columns, one of them small but well determined."""
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(400, 5))
    exact = np.array([1.0, 0.0, 0.0, 0.01, 0.0])
    parameters = np.linalg.lstsq(matrix, matrix @ exact + 1e-4 * rng.normal(size=400))[0]
    misfit = matrix @ (parameters - exact)
    residual = float(np.sqrt(np.mean(misfit**2)))
    fit = Fit(
        parameters,
        residual,
        matrix.T @ matrix,
        matrix.T,
        frames=np.zeros((5, 1, 80)),
        equations=400,
    )
    np.testing.assert_array_equal(needed(fit, np.ones(5, bool)), [1, 0, 0, 1, 0])


def test_two_terms_are_found_among_many_whose_noise_can_cancel():
    """All of columns 2 to 6 together with the first mend three quarters of the noise."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    mended, rest = rng.normal(size=(2, 400)) * [[0.0433], [0.025]]
    noise = mended + rest
    apart = 0.3 * rng.normal(size=(400, 4))
    last = mended - apart.sum(axis=1)
    others = x[:, :1] + np.concatenate([apart, last[:, None]], axis=1)
    columns = np.concatenate([x, others], axis=1)
    augmented = np.concatenate([columns, (columns[:, 0] - 2.0 * columns[:, 1] + noise)[:, None]], 1)
    mask = sets_by_weak_form((augmented.T @ augmented)[None], np.ones((1, 7)))[0]
    np.testing.assert_array_equal(mask, [[1, 1, 0, 0, 0, 0, 0]])


def test_all_terms_of_many_stay_if_few_are_not_enough():
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(300, 7))
    right = columns[:, :6] @ np.array([1.0, -2.0, 3.0, -1.0, 2.0, 1.5])
    augmented = np.concatenate([columns, right[:, None] + 1e-3 * rng.normal(size=(300, 1))], 1)
    mask = sets_by_weak_form((augmented.T @ augmented)[None], np.ones((1, 7)))[0]
    np.testing.assert_array_equal(mask, [[1, 1, 1, 1, 1, 1, 0]])


def test_what_nearly_dependent_columns_leave_is_not_rounded_away():
    """Powers of a variable that hardly varies leave 1e-7 of the sum of squares, as least squares
    with the columns themselves do."""
    rng = np.random.default_rng(1)
    x = 1.0 + 0.2 * rng.uniform(size=400)
    columns = x[:, None] ** np.arange(12)
    right = columns[:, 1] + 3e-4 * rng.normal(size=400)
    exact = np.sum((right - columns @ np.linalg.lstsq(columns, right, rcond=None)[0]) ** 2)
    augmented = np.concatenate([columns, right[:, None]], axis=1)
    found = weak_form_residual(augmented.T @ augmented, np.ones(12))
    assert found == pytest.approx(exact, rel=0.03)


def test_rivals_are_sets_of_terms_that_leave_hardly_more():
    """Three orthogonal columns and one that is nearly the second; the third explains a little."""
    rng = np.random.default_rng(2)
    q = np.linalg.qr(rng.normal(size=(300, 6)))[0].T
    noise, nearly = 0.01 * q[3], q[1] + 0.004 * q[4]
    columns = [q[0], q[1], q[2], nearly]

    def sets(weight):
        right = q[0] - 2.0 * q[1] + weight * q[2] + noise
        augmented = np.stack([*columns, right], axis=1)
        found = sets_by_weak_form((augmented.T @ augmented)[None], np.ones((1, 4)))
        return [tuple(np.flatnonzero(mask[0])) for mask in found]

    assert sets(0.0) == [(0, 1), (0, 3)]
    # With three functions as the fewest, two may leave twice what three may.
    assert sets(0.0110) == [(0, 1, 2), (0, 1), (0, 3), (0, 2, 3), (0, 1, 3)]
    # What leaves more than ten times as much as all functions is no rival.
    assert sets(0.1) == [(0, 1, 2), (0, 2, 3)]


def test_rivals_of_several_fields_are_all_pairs_in_the_order_of_what_they_leave():
    rng = np.random.default_rng(3)
    q = np.linalg.qr(rng.normal(size=(300, 4)))[0].T
    normals = []
    for apart in (0.003, 0.006):
        nearly = q[0] + apart * q[2]
        augmented = np.stack([q[0], nearly, q[0] + 0.01 * q[1]], axis=1)
        normals.append(augmented.T @ augmented)
    found = sets_by_weak_form(np.stack(normals), np.ones((2, 2)))
    named = [tuple(int(np.argmax(row)) for row in mask) for mask in found]
    assert named == [(0, 0), (1, 0), (0, 1), (1, 1)]


@pytest.mark.parametrize("steps", [False, True])
def test_the_weak_form_names_the_terms_of_shallow_water(x64, steps):
    """From frames alone, without a run of the solver: m, and h² and m²/h."""
    grid = Grid.interval(100)
    x = grid.centers()
    h, m = 1.5 + 0.5 * np.sin(2 * np.pi * x), np.cos(4 * np.pi * x)
    if steps:
        h, m = np.repeat([[1.0, 3.0, 2.0, 1.5, 2.5], [0.5, -1.0, 1.0, 0.0, 2.0]], 20, axis=1)
    law = ShallowWater(alpha=0.8, gamma=1.2, beta=9.0)
    times = 0.005 * np.arange(20)
    frames = compiled(lambda u: solve(Roe(law), u, times, grid).values, jnp.stack([h, m]))
    lower, upper = jnp.min(frames, axis=(0, 2)), jnp.max(frames, axis=(0, 2))
    basis = Dictionary(
        jnp.maximum(jnp.abs(lower), jnp.abs(upper)), physical_exponents((True, False)), ("h", "m")
    )
    free = np.ones((2, len(basis.names)))
    directions = jnp.asarray(make_directions(free.reshape(-1)))
    family = LawFamily(basis, directions, lower, upper, 0, ("h", "m"), (1,))
    normals = compiled(family.weak_normal, frames, jnp.ones(20), True)
    masks = sets_by_weak_form(np.asarray(normals), free)[0]
    named = [{n for n, stays in zip(basis.names, mask, strict=True) if stays} for mask in masks]
    assert named == [{"m"}, {"h²", "m²/h"}]
    # Where no test function avoids the frames that are held out, everything stays.
    nothing = compiled(family.weak_normal, frames[:4], jnp.asarray([1.0, 1.0, 1.0, 0.0]), True)
    np.testing.assert_array_equal(sets_by_weak_form(np.asarray(nothing), free)[0], free)
