"""Bases, and the fitted law as a conservation law."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import Roe, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.laws.place import LawByPlace
from hfluxno.parametric.basis import (
    Chebyshev,
    Dictionary,
    Kinked,
    TensorChebyshev,
    exponents_up_to,
    physical_exponents,
)
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.solver_settings import SolverSettings
from tests.compiled import compiled
from tests.identify.laws import one_field
from tests.slow import slow

SW = ("h", "m")


def _dictionary():
    return Dictionary(jnp.array([2.0, 3.0]), physical_exponents((True, False)), SW)


def _bases():
    return [
        Chebyshev(jnp.array([0.3]), jnp.array([1.5]), 9),
        TensorChebyshev(jnp.array([1.0, 0.0]), jnp.array([0.8, 2.0]), 3, 2),
        _dictionary(),
        Kinked(Chebyshev(jnp.array([1.0]), jnp.array([0.8]), 4), jnp.array([-0.2, 0.5])),
    ]


@pytest.mark.parametrize("index", range(4))
def test_expansion_and_gradient_agree_with_the_functions(x64, index):
    basis = _bases()[index]
    fields = 2 if index in (1, 2) else 1
    rng = np.random.default_rng(index)
    c = jnp.asarray(rng.normal(size=(fields, len(basis.names))))
    u = jnp.asarray(rng.uniform(0.3, 1.7, size=(fields, 7)))

    @jax.jit
    def both(c, u):
        exact = jax.vmap(jax.jacfwd(lambda q: c @ basis(q[:, None])[:, 0]), 1, 2)(u)
        return (basis.expand(c, u), basis.gradient(c, u)), (c @ basis(u), exact)

    (values, slopes), (functions, derivatives) = both(c, u)
    np.testing.assert_allclose(values, functions, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(slopes, derivatives, rtol=1e-10, atol=1e-10)


def test_chebyshev_functions_are_chebyshev_polynomials(x64):
    basis = Chebyshev(jnp.array([1.0]), jnp.array([2.0]), 6)
    u = jnp.linspace(-1.0, 3.0, 11)[None]
    angle = np.arccos((np.asarray(u[0]) - 1.0) / 2.0)
    for k, values in enumerate(np.asarray(compiled(basis, u)), start=1):
        np.testing.assert_allclose(values, np.cos(k * angle), atol=1e-12)


def test_a_kink_is_an_absolute_value_away_from_its_place(x64):
    smooth = Chebyshev(jnp.array([2.0]), jnp.array([0.5]), 1)
    basis = Kinked(smooth, jnp.array([0.2]), width=0.01)
    assert basis.names == ("T1", "|v - kink 1|")
    c, u = jnp.array([[0.7, -1.5]]), jnp.linspace(1.5, 2.5, 41)[None]
    v = (np.asarray(u[0]) - 2.0) / 0.5
    value, slope = compiled(lambda c, u: (basis.expand(c, u), basis.gradient(c, u)), c, u)
    bound = 1.5 * 0.01**2 / (2.0 * np.maximum(np.abs(v - 0.2), 0.005))
    rest = value[0] - 0.7 * v + 1.5 * np.abs(v - 0.2)
    assert np.all(rest <= 0.0) and np.all(-rest <= bound + 1e-12)
    away = np.abs(v - 0.2) > 0.1
    exact = (0.7 - 1.5 * np.sign(v - 0.2)) / 0.5
    np.testing.assert_allclose(slope[0, 0][away], exact[away], atol=0.02)


def test_the_place_of_a_kink_is_an_unknown_with_a_derivative_everywhere(x64):
    """Of flux and speed, at the kink itself too: there those of the sharp kink jump."""
    smooth = Chebyshev(jnp.array([0.0]), jnp.array([1.0]), 2)
    c, u = jnp.array([[0.3, 0.1, -0.8]]), jnp.array([[-0.6, 0.0, 0.25, 0.26, 0.9]])

    def law_at(place):
        ends = jnp.array([-1.0]), jnp.array([1.0])
        law = FittedLaw(("u",), Kinked(smooth, place[None]), c, jnp.zeros((1, 0)), *ends)
        return jnp.stack([law.flux(u)[0], law.jacobian(u)[0, 0]])

    place, step = jnp.array(0.25), 1e-6
    found = compiled(jax.jacfwd(law_at), place)
    near = [np.asarray(compiled(law_at, place + s)) for s in (step, -step)]
    np.testing.assert_allclose(found, (near[0] - near[1]) / (2.0 * step), rtol=1e-5, atol=1e-6)
    sides = [0.8 * np.sign(v - 0.25) for v in (-0.6, 0.25, 0.9)]
    np.testing.assert_allclose(found[0, [0, 2, 4]], sides, atol=1e-3)
    assert found[1, 2] > 10.0  # the jump of the speed moves with it


def test_dictionary_of_shallow_water_is_the_physical_one():
    assert set(_dictionary().names) == {
        "h", "m", "h²", "h·m", "m²", "h³", "h²·m", "m/h", "m²/h",
    }  # fmt: skip
    assert len(exponents_up_to(2, 3)) == 9


def _quadratic_law(diffusion=()):
    # f(u) = u²/2 on [-1, 2]: with u = 1/2 + 3/2 v, u²/2 = 1/8 + 3/4 v + 9/8 v².
    basis = Chebyshev(jnp.array([0.5]), jnp.array([1.5]), 2)
    return FittedLaw(
        ("u",),
        basis,
        jnp.array([[0.75, 9 / 16]]),
        jnp.asarray(diffusion, float).reshape(1, -1),
        jnp.array([-1.0]),
        jnp.array([2.0]),
    )


def test_beyond_the_observed_range_the_flux_is_linear(x64):
    law = _quadratic_law()
    u = jnp.array([[-3.0, -1.0, 0.0, 2.0, 5.0]])
    zero = compiled(law.flux, jnp.zeros((1, 1)))
    expected = jnp.array([0.5 + 2.0, 0.5, 0.0, 2.0, 2.0 + 2.0 * 3.0])
    np.testing.assert_allclose((compiled(law.flux, u) - zero)[0], expected, atol=1e-12)
    np.testing.assert_allclose(
        compiled(law.jacobian, u)[0, 0], [-1.0, -1.0, 0.0, 2.0, 2.0], atol=1e-12
    )


def test_a_law_of_a_few_terms_holds_beyond_what_was_observed(x64):
    """By half of the range, but no nearer to zero than a quarter; linear after that."""
    basis = _dictionary()
    c = np.zeros((2, len(basis.names)))
    c[0, basis.names.index("m")] = 3.0
    c[1, basis.names.index("m²/h")], c[1, basis.names.index("h²")] = 4.5, 10.0
    lower, upper = np.array([0.2, -1.0]), np.array([1.0, 1.0])
    law = FittedLaw(SW, basis, c, np.zeros((2, 0)), lower, upper, reach=0.5)
    inside = np.array([[0.06, 0.5, 1.39], [-1.9, 0.3, 1.9]])
    h, m = inside
    np.testing.assert_allclose(law.flux(inside), [m, m**2 / h + 2.5 * h**2], rtol=1e-12)
    near, far = law.flux(np.array([[1.4, 1.5, 1.6], [0.5, 0.5, 0.5]])), (0.5, 2.5)
    np.testing.assert_allclose(near[:, 2] - near[:, 1], near[:, 1] - near[:, 0], atol=1e-12)
    assert abs(near[1, 2] - far[0] ** 2 / 1.6 - far[1] * 1.6**2) > 0.05
    low, high = law.range_of_flux()
    np.testing.assert_allclose([low, high], [[0.05, -2.0], [1.4, 2.0]])


def test_what_a_law_does_not_know_beyond_the_range_is_a_deviation(x64):
    law = one_field()  # on [0.1, 1.3]
    states = np.array([[[0.2, 1.305]], [[0.2, 1.4]], [[0.3, 0.5]]])
    np.testing.assert_array_equal(law.is_left_by(states), [False, True, True])
    found = law.unknown_beyond(states, states + 0.25)
    np.testing.assert_allclose(found, [[[0.0, 0.0]], [[0.25, 0.25]], [[0.25, 0.25]]])
    np.testing.assert_allclose(law.unknown_beyond(states, None)[1:], 1.2)
    np.testing.assert_allclose(law.unknown_beyond(states, states - 1e5)[1:], 1.2)
    # The other guess is the polynomial itself: on Burgers' law it is right, the linear one is not.
    burgers = dataclasses.replace(
        law, flux_coefficients=np.array([[0.7 * 0.6, 0.6**2 / 4, 0.0, 0.0, 0.0, 0.0]])
    )
    u = np.array([[0.5, 1.3, 2.0]])
    np.testing.assert_allclose(burgers.further().jacobian(u)[0, 0], u[0], rtol=1e-12)
    np.testing.assert_allclose(burgers.jacobian(u)[0, 0], [0.5, 1.3, 1.3], rtol=1e-12)


def test_diffusivity_is_never_negative_and_constant_beyond_the_range(x64):
    assert _quadratic_law().diffusivity(jnp.zeros((1, 3))) is None
    law = _quadratic_law([0.1, 0.3])
    nu = compiled(law.diffusivity, jnp.array([[-4.0, -1.0, 0.5, 2.0, 9.0]]))[0]
    np.testing.assert_allclose(nu, [0.0, 0.0, 0.1, 0.4, 0.4], atol=1e-12)


def test_fitted_law_is_solved_like_any_other_in_either_precision():
    grid = Grid.interval(50)
    x = grid.centers()
    with jax.enable_x64(True):
        law = _quadratic_law()
        initial = jnp.asarray(0.5 + np.sin(2 * np.pi * x))[None]
        times = np.array([0.0, 0.1, 0.2])
        double = compiled(solve, Roe(law), initial, times, grid)
        assert double.values.dtype == jnp.float64
        double_values = np.asarray(double.values)
        np.testing.assert_allclose(double_values.sum(axis=-1), 25.0, rtol=1e-14)
    initial = jnp.asarray(np.asarray(initial, np.float32))
    single = solve(Roe(law), initial, times, grid)
    assert single.values.dtype == jnp.float32
    np.testing.assert_allclose(single.values, double_values, atol=2e-5)


def test_numbers_lists_and_arrays_keep_their_precision():
    """Whatever the working precision of JAX, which is single here."""
    with jax.enable_x64(True):
        law = _quadratic_law([0.1, 0.3])
    u = np.array([-3.0, -0.3, 1.0 + 1e-12, 4.0])
    constant = 0.75 * (-1 / 3) + 9 / 16 * (2 / 9 - 1)  # of the basis, at u = 0
    inside = np.clip(u, -1.0, 2.0)
    expected = 0.5 * inside**2 + inside * (u - inside) + constant
    double = law.flux(u)
    assert isinstance(double, np.ndarray) and double.dtype == np.float64
    np.testing.assert_allclose(double, expected, rtol=1e-14)
    assert law.flux(u.astype(np.float32)).dtype == np.float32
    np.testing.assert_array_equal(law.flux(u[None]), double[None])
    np.testing.assert_array_equal(law.flux(list(u)), double)
    assert law.flux(float(u[2])) == double[2] and law.flux(float(u[2])).shape == ()
    assert law.flux(1).dtype == np.float64  # of an integer too
    np.testing.assert_allclose(law.jacobian(u), inside, rtol=1e-14)
    assert law.jacobian(u[None]).shape == (1, 1, 4)
    np.testing.assert_allclose(law.diffusivity([-1.0, 2.0]), [0.0, 0.4], atol=1e-15)
    assert isinstance(law.flux(jnp.asarray(u, jnp.float32)[None]), jax.Array)


@pytest.mark.parametrize("by_state", [True, False])
@pytest.mark.parametrize("refinement", [slow(1), 3])
def test_what_depends_on_place_is_evaluated_once_and_is_the_law(x64, by_state, refinement):
    """Source and flux of the scheme are those of the law at its cells and interfaces."""
    law = one_field(terms=True)
    if not by_state:
        terms = dataclasses.replace(law.terms, by_state=np.zeros((1, 0)))
        law = dataclasses.replace(law, terms=terms)
    grid = Grid.interval(8, 0.0, 1.0)
    settings = SolverSettings(StepControl(), False, grid, "muscl", refinement)
    flux, fine = settings.numerical_flux(law), grid.refine(refinement)
    assert isinstance(flux.law, LawByPlace) and flux.law.law.terms.source_by_place.size == 0
    cells = fine.shape[0]
    u = np.random.default_rng(0).uniform(0.0, 1.4, (1, cells))
    at = np.random.default_rng(1).uniform(0.0, 1.4, (1, cells + 1))
    x, edges = fine.centers()[None], np.linspace(0.0, 1.0, cells + 1)

    @jax.jit
    def both(u, at, x, edges):
        now = jnp.zeros(())
        of_law = law.source(u, x, now), law.factor(edges, 1.0 / cells)[None] * (law.flux(at) + 0.07)
        return (flux.source(u, x, now), flux.law.flux(at)), of_law

    found, expected = both(u, at, x, edges)
    assert np.ptp(np.asarray(expected[0])) > 0.1
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    alone = SolverSettings(StepControl(), False, grid, "muscl", 1).numerical_flux(one_field()).law
    assert isinstance(alone, FittedLaw)  # nothing depends on place


def test_states_of_a_system_need_the_axis_of_its_fields():
    with jax.enable_x64(True):
        basis, ends = _dictionary(), jnp.array([[0.1, -3.0], [2.0, 3.0]])
        coefficients = jnp.eye(2, len(basis.names))
        law = FittedLaw(SW, basis, coefficients, jnp.zeros((2, 0)), *ends)
    np.testing.assert_allclose(law.flux([1.0, 0.6]), [0.5, 0.2])  # h/2 and m/3
    assert law.flux(np.ones((2, 4, 5))).shape == (2, 4, 5)
    assert law.jacobian([1.0, 0.6]).shape == (2, 2) and law.diffusivity([1.0, 0.6]) is None
    with pytest.raises(ValueError, match=r"shape \(3,\); the first axis must hold the 2 fields h"):
        law.flux([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="states must be real numbers"):
        law.flux(np.array([1j, 2.0]))


def test_a_field_that_no_function_has_has_no_derivative():
    basis = Dictionary(np.array([2.0, 3.0]), ((1, 0),), SW)
    found = basis.gradient(np.array([[4.0], [0.0]]), jnp.ones((2, 5)))
    np.testing.assert_allclose(found, np.broadcast_to([[[2.0], [0.0]], [[0.0]] * 2], (2, 2, 5)))
