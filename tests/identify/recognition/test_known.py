"""Laws of two fields by their names, from fits that are known."""

import dataclasses

import numpy as np
import pytest

from hfluxno.identify.recognition.known import recognise
from hfluxno.identify.recognition.monomials import in_monomials, written, written_equation
from hfluxno.parametric.basis import Chebyshev, Dictionary, fluid_exponents, physical_exponents
from hfluxno.parametric.fitted_law import FittedLaw

EQUATIONS, FRAMES, RESIDUAL = 4000, 20, 1e-3
BASIS = Dictionary(np.ones(2), physical_exponents((True, True)), ("a", "b"))
TRANSPORT = {(0, "b"): 1.0, (1, "b²/a"): 1.0}


def found(terms, noise=0.0, normal=None, basis=BASIS, units=None, **options):
    """What a fit with these coefficients, (field, function) each, is recognised as."""
    count = len(basis.names)
    numbers = np.zeros(2 * count)
    for (field, name), value in terms.items():
        numbers[field * count + basis.names.index(name)] = value
    free = numbers != 0.0
    normal = EQUATIONS * np.diag(free.astype(float)) if normal is None else normal
    of_data = (EQUATIONS, FRAMES, RESIDUAL, noise, units)
    return recognise(basis, numbers, normal, free, *of_data, **options)


@pytest.mark.parametrize(
    ("terms", "short"),
    [
        (TRANSPORT | {(1, "a²"): 4.905}, "shallow water, g = 9.81 ±"),
        (TRANSPORT | {(1, "a"): 0.5}, "isothermal Euler, c² = 0.5 ±"),
        (
            TRANSPORT | {(0, "a²"): -0.8, (1, "a·b"): -0.8},
            "Aw–Rascle–Zhang, β = 0.8 ±",
        ),
        (TRANSPORT | {(0, "a³"): -0.6, (1, "a²·b"): -0.6}, "Aw–Rascle–Zhang"),
        ({(0, "b"): 2.0, (1, "a"): 8.0}, "linear waves, c = 4 ±"),
        ({(0, "b"): -1.0, (1, "a"): -3.0, (1, "a²"): 1.0}, "p-system"),
        (TRANSPORT | {(1, "a"): 0.3, (1, "a³"): 0.1}, "barotropic gas"),
        # The discharge counts lengths in metres, and x in kilometres.
        (
            {(0, "b"): 1e-3, (1, "b²/a"): 1e-3, (1, "a²"): 4.905e-3},
            "shallow water, g = 9.81 ±",
        ),
        # The same with the fields in the other order.
        ({(1, "a"): 1.0, (0, "a²/b"): 1.0, (0, "b²"): 4.905}, "shallow water, g = 9.81 ±"),
    ],
)
def test_laws_are_told_by_their_terms(terms, short):
    assert found(terms).short.startswith(short)


@pytest.mark.parametrize("fields", ["ab", "ba"])
def test_a_discharge_in_litres_leaves_gravity_what_it_is(fields):
    """In either order of the fields; without units, in those of the fields."""
    p, q = fields
    terms = {(p, q): 1e-3, (q, f"{q}²/{p}"): 1e-3, (q, f"{p}²"): 4905.0}
    terms = {("ab".index(field), name): value for (field, name), value in terms.items()}
    units = {"x": "m", "time": "s", p: "m", q: "L/s/m"}
    known = found(terms, units=units)
    assert known.short.startswith("shallow water, g = 9.81 ±") and known.unit == "m/s²"
    assert known.short.endswith(" m/s²") and known.deviation < 0.1
    assert found(terms).short.startswith("shallow water, g = 9.81e+06 ±")
    assert found(terms).short.endswith(f" in the fields' unit {q}²/{p}³")


@pytest.mark.parametrize(
    "terms",
    [
        TRANSPORT | {(1, "a²"): -4.9},  # no waves
        TRANSPORT | {(1, "a²"): 4.9, (0, "b"): 0.9},  # other units, or another law
        TRANSPORT | {(0, "a³"): -0.6, (1, "a²·b"): -0.5},  # of two pressures
        TRANSPORT | {(1, "a²"): 4.9, (0, "a·b"): 0.2},  # a term more
        {(0, "b"): 1.0, (1, "a²"): 4.9},  # a term less
        {(0, "b"): 2.0, (1, "a"): -8.0},  # elliptic
    ],
)
def test_what_is_no_known_law_has_no_name(terms):
    assert found(terms) is None


def test_noise_and_errors_of_schemes_do_not_hide_a_name_and_more_does():
    off = TRANSPORT | {(0, "b"): 1.0 + 6e-4, (1, "a²"): 4.9}
    known = found(off)
    assert known.name == "shallow water" and known.without == RESIDUAL
    assert known.misfit == pytest.approx(np.hypot(RESIDUAL, 6e-4))
    far = TRANSPORT | {(0, "b"): 1.0 + 1e-3, (1, "a²"): 4.9}
    assert found(far) is None
    # Noise is independent from value to value, and tells coefficients apart that errors do not.
    assert found(off, noise=RESIDUAL) is None
    near = TRANSPORT | {(0, "b"): 1.0 + 5e-5, (1, "a²"): 4.9}
    assert found(near, noise=RESIDUAL).name == "shallow water"


def test_waves_of_coarse_cells_that_are_all_too_slow_are_known_ones():
    slow = {place: 0.985 * value for place, value in (TRANSPORT | {(1, "a²"): 4.9}).items()}
    assert found(slow) is None
    known = found(slow, common_free=True)
    assert known.value == pytest.approx(9.8)
    # g = θ/c with θ of g/2, each known to 1/√EQUATIONS, c from two coefficients and θ from one.
    least = RESIDUAL / np.sqrt(EQUATIONS) / 0.985
    expected = np.sqrt(9.0 / 2.0) * least * np.hypot(2.0, 9.8 / np.sqrt(2.0))
    assert known.deviation == pytest.approx(expected)
    slower = {place: 0.95 * value for place, value in slow.items()}
    assert found(slower, common_free=True) is None


def test_a_gas_may_have_a_factor_of_all_speeds_too():
    basis = Dictionary(np.ones(3), fluid_exponents(3, 0), ("rho", "m", "E"))
    euler = [(0, "m", 1.0), (1, "E", 0.4), (1, "m²/rho", 0.8), (2, "m·E/rho", 1.4)]
    numbers = np.zeros((3, len(basis.names)))
    for field, name, value in (*euler, (2, "m³/rho²", -0.2)):
        numbers[field, basis.names.index(name)] = 0.985 * value
    numbers = numbers.ravel()
    free = numbers != 0.0
    fitted = basis, numbers, EQUATIONS * np.diag(free.astype(float)), free, EQUATIONS, FRAMES
    assert recognise(*fitted, RESIDUAL, 0.0) is None
    known = recognise(*fitted, RESIDUAL, 0.0, common_free=True)
    assert known.name == "Euler" and known.value == pytest.approx(1.4)


def test_of_two_names_that_the_noise_cannot_tell_apart_there_is_none():
    """A pressure that grows with the square of h, or with h, where h hardly varies."""
    terms, count = TRANSPORT | {(1, "a"): 0.02, (1, "a²"): 4.88}, len(BASIS.names)
    places = [count + BASIS.names.index(name) for name in ("a", "a²")]
    names = {}
    for across in (1e-3, 1.0):
        normal = EQUATIONS * np.diag(np.ones(2 * count))
        slope, curve = np.array([1.0, 2.0]), np.array([1.0, -0.5])
        rows = np.outer(slope, slope) + across**2 * 1e-6 * np.outer(curve, curve)
        normal[np.ix_(places, places)] = EQUATIONS * rows
        names[across] = found(terms, noise=RESIDUAL, normal=normal)
    assert names[1e-3] is None
    assert names[1.0].name == "shallow water"


def test_where_a_name_fixes_no_coefficient_the_terms_decide():
    """Whatever rounding leaves, and with noise that is larger than the misfit."""
    waves = {(0, "b"): 0.3, (1, "a"): 0.7}
    normal = np.random.default_rng(0).normal(size=(2 * len(BASIS.names),) * 2)
    assert found(waves, noise=2 * RESIDUAL, normal=normal @ normal.T).name == "linear waves"


def test_the_units_of_the_fields_do_not_change_the_speed_of_waves():
    """A pressure in pascals, a velocity in metres per second."""
    pressure, velocity = 1e9, 1e-3
    normal = np.zeros(2 * len(BASIS.names))
    normal[BASIS.names.index("b")] = pressure**-2
    normal[len(BASIS.names) + BASIS.names.index("a")] = velocity**-2
    waves = {(0, "b"): pressure, (1, "a"): velocity}
    assert found(waves, normal=EQUATIONS * np.diag(normal)).short.startswith(
        "linear waves, c = 1000 ±"
    )


def test_the_deviation_is_that_of_least_squares_and_grows_with_what_a_name_costs():
    terms = TRANSPORT | {(1, "a²"): 4.9}
    exact, off = found(terms), found(terms | {(0, "b"): 1.0 + 6e-4})
    # g = 2 c has twice the deviation of c; of two coefficients that are as they should be and one
    # that is three standard deviations off, the mean square is 3.
    least = 2.0 * RESIDUAL / np.sqrt(EQUATIONS)
    assert exact.deviation == pytest.approx(np.sqrt(3.0) * least)
    cost = EQUATIONS * 6e-4**2 / RESIDUAL**2
    assert off.deviation == pytest.approx(np.sqrt((9.0 + cost) / 3.0) * least)


def test_coefficients_that_are_bound_to_each_other_are_weighed_together():
    """Along the direction that the data say nothing about, anything is allowed."""
    terms = TRANSPORT | {(0, "b"): 1.2, (1, "a²"): 5.9}
    count = len(BASIS.names)
    free = [BASIS.names.index("b"), *(count + BASIS.names.index(n) for n in ("b²/a", "a²"))]
    rows = np.array([[5.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    normal = np.zeros((2 * count, 2 * count))
    normal[np.ix_(free, free)] = EQUATIONS * rows.T @ rows
    known = found(terms, normal=normal)
    assert known.name == "shallow water" and known.value == pytest.approx(2 * (5.9 - 5 * 0.2))


def test_other_bases_and_numbers_of_fields_have_no_names():
    basis = Chebyshev(np.zeros(1), np.ones(1), 2)
    nothing = np.zeros((2, 2))
    assert recognise(basis, np.ones(2), nothing, np.ones(2, bool), 9, 1, 1.0, 0.0) is None


def test_monomials_of_the_fields_are_the_same_law():
    basis = Dictionary(np.array([2.5, 0.3]), physical_exponents((True, False)), ("h", "m"))
    coefficients = np.random.default_rng(0).normal(size=(2, len(basis.names)))
    bounds = np.array([1.0, -0.3]), np.array([2.5, 0.2])
    law = FittedLaw(("h", "m"), basis, coefficients, np.zeros((2, 0)), *bounds)
    u = np.random.default_rng(1).uniform(*(b[:, None] for b in bounds), size=(2, 30))
    same = in_monomials(law)
    np.testing.assert_allclose(same.flux(u), law.flux(u), rtol=1e-12)
    np.testing.assert_allclose(same.jacobian(u), law.jacobian(u), rtol=1e-12)
    h, m = u
    row = same.flux_coefficients[1]
    named = dict(zip(same.basis.names, row, strict=True))
    assert named["m²/h"] * 0.3**2 / 2.5 == pytest.approx(coefficients[1][basis.names.index("m²/h")])
    terms = [named["h"] * h, named["m"] * m, named["m²/h"] * m**2 / h]
    chosen = np.isin(same.basis.names, ("h", "m", "m²/h"))
    part = FittedLaw(same.fields, same.basis, row * chosen * np.ones((2, 1)), *_rest(same))
    np.testing.assert_allclose(part.flux(u)[1], sum(terms), rtol=1e-12)


def _rest(law):
    return law.diffusion_coefficients, law.lower, law.upper


def test_equations_have_the_diffusion_too():
    basis = Dictionary(np.array([2.0, 1.0]), physical_exponents((True, False)), ("h", "m"))
    flux = np.zeros((2, len(basis.names)))
    flux[0, basis.names.index("m")] = 1.0
    flux[1, basis.names.index("h²")] = -8.0
    bounds = np.ones(2), np.full(2, 2.0)
    law = FittedLaw(("h", "m"), basis, flux, np.array([[0.25], [0.0]]), *bounds)
    assert written(law) == ("∂t h + ∂x(1 m) = 0.25 ∂xx h", "∂t m + ∂x(-2 h²) = 0")
    still = dataclasses.replace(law, diffusion_coefficients=-law.diffusion_coefficients)
    assert written(still)[0] == "∂t h + ∂x(1 m) = 0"  # the solver takes it for zero


def test_no_flux_that_is_zero_is_written():
    assert written_equation("u", ("0", "2 u²"), "") == "∂t u + ∂y(2 u²) = 0"
    assert written_equation("u", ("0",), "0.1 u") == "∂t u = 0.1 u"
