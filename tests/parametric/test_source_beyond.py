"""The continuation of a source beyond the observed range of the field."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.basis import Chebyshev
from hfluxno.parametric.fitted_law import FittedLaw, Terms
from hfluxno.parametric.source_beyond import source_beyond
from tests.compiled import compiled

pytestmark = pytest.mark.usefixtures("x64")
LOWER, UPPER = 2.0, 6.0


def law(source, lower=LOWER, upper=UPPER, **bounds):
    """A law that moves nothing, with a cubic source through four values of the given one."""
    middle, half = np.array([0.5 * (lower + upper)]), np.array([0.5 * (upper - lower)])
    v = np.cos(np.pi * (np.arange(4) + 0.5) / 4)
    coefficients = np.polynomial.chebyshev.chebfit(v, source(middle + half * v), 3)[None]
    none = np.zeros((1, 0))
    terms = Terms(coefficients, none, np.zeros(0), np.zeros(1), PlaceModes(0.0, 1.0, 1, True))
    basis, flux = Chebyshev(middle, half, 1), np.zeros((1, 1))
    ends = np.array([lower]), np.array([upper])
    return FittedLaw(("u",), basis, flux, none, *ends, terms=terms, **bounds)


def source_of(found, u):
    u = np.atleast_1d(np.asarray(u, float))
    return np.asarray(found.source(jnp.asarray(u[None]), jnp.zeros((1, len(u))), 0.0))[0]


@pytest.mark.parametrize(
    "source",
    [
        lambda u: -0.3 * u,  # decay
        lambda u: (1.1 - u) / 0.6,  # relaxation to a state that was not observed
    ],
)
def test_what_is_linear_stays_so_beyond_the_range(source):
    u = np.array([0.2, 1.0, 7.0, 9.0])
    np.testing.assert_allclose(source_of(law(source), u), source(u))


def test_what_decays_does_so_to_nothing():
    """Monod's law, of which the range shows the beginning of saturation: linearly, substrate would
    be lost where there is none."""
    monod = lambda u: -6.0 * u / (12.0 + u)  # noqa: E731
    found = law(monod, 13.0, 81.0)
    (slope, bend), (_, straight) = np.asarray(found.source_beyond())
    assert monod(13.0) - 13.0 * slope < -1.0 and bend > 0.0 and straight == 0.0
    u = np.array([0.0, 4.0, 8.0])
    np.testing.assert_allclose(source_of(found, 0.0), 0.0, atol=1e-12)
    np.testing.assert_allclose(source_of(found, u), monod(u), atol=0.25)
    # With the value and the slope of the range.
    near = source_of(found, [13.0 - 1e-6, 13.0, 13.0 + 1e-6])
    assert np.ptp(np.diff(near)) < 1e-9
    # What decays to another state is known to be bounded by nothing else.
    free = law(lambda u: monod(u + 33.0), -20.0, 48.0)
    assert np.all(np.asarray(free.source_beyond())[:, 1] == 0.0)


def test_bounds_that_are_given_stop_what_arises_in_the_fullest_state():
    found = law(lambda u: 0.1 * u, least=1.0, most=8.0)
    np.testing.assert_allclose(source_of(found, 8.0), 0.0, atol=1e-12)
    assert np.all(source_of(found, [6.5, 7.0, 7.9]) > 0.0)
    # At the least state it arises, and may.
    np.testing.assert_allclose(source_of(found, 1.5), 0.15)


def test_it_has_derivatives_by_coefficients():
    coefficients, ends = jnp.array([-1.0, 0.2, 0.05]), (LOWER, UPPER)
    f = lambda c: source_beyond(c, *ends, ends, (-jnp.inf, jnp.inf))  # noqa: E731
    found, h = compiled(jax.jacobian(f), coefficients), 1e-6
    for k in range(3):
        steps = (np.asarray(coefficients) + sign * h * np.eye(3)[k] for sign in (1.0, -1.0))
        up, down = (np.asarray(compiled(f, step)) for step in steps)
        change = (up - down) / (2 * h)
        np.testing.assert_allclose(found[..., k], change, atol=1e-8)
    assert np.abs(np.asarray(found)[0, 1]).max() > 0.0
