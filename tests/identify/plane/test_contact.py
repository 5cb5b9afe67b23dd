"""The contact wave of a recognised law is that of the law as it is written down."""

import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv.riemann import hllc
from hfluxno.identify.plane.known import _known_laws
from hfluxno.laws import Euler
from hfluxno.parametric.basis import Dictionary, fluid_exponents
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.plane.terms import Roles

GAMMA = 1.3


def fitted(lengths):
    """Euler's law as it is found, with lengths counted in these units along each axis."""
    roles = Roles(4, (1, 2), 0)
    scale, fields = np.array([2.0, 1.5, 1.5, 4.0]), ("rho", "m_x", "m_y", "E")
    basis = Dictionary(scale, fluid_exponents(roles.fields, roles.carrier), fields)
    (known,) = _known_laws(basis, roles, 1.0)
    by_axis = (known.offset + GAMMA * known.slope).swapaxes(0, 1) / lengths[:, None, None]
    return FittedPlaneLaw(
        fields, basis, by_axis, np.zeros(4), np.ones(4), ((1, 2),), (0,), is_fluid=True
    )


@pytest.mark.parametrize("axis", [0, 1])
def test_contact_in_any_units(x64, axis):
    random, law = np.random.default_rng(0), Euler(2, GAMMA)

    def states():
        density, pressure = jnp.asarray(random.uniform(0.5, 2.0, (2, 40)))
        return law.conserved(density, jnp.asarray(random.uniform(-1.5, 1.5, (2, 40))), pressure)

    left, right = states(), states()
    exact = hllc(law.along(axis), left, right)
    for lengths in (np.ones(2), np.array([0.5, 0.2])):
        flux = hllc(fitted(lengths).along(axis), left, right) * lengths[axis]
        np.testing.assert_allclose(flux, exact, rtol=1e-12, atol=1e-13)
    # A contact and a shear that do not move across the face are kept as they are.
    still = left.at[1 + axis].set(0.0)
    other = still.at[0].multiply(3.0).at[2 - axis].multiply(3.0 * 1.4)
    pressure = law.pressure(still)
    other = other.at[-1].set(law.conserved(other[0], other[1:3] / other[:1], pressure)[-1])
    flux = hllc(fitted(np.ones(2)).along(axis), still, other)
    pushed = np.zeros((4, 40))
    pushed[1 + axis] = pressure
    np.testing.assert_allclose(flux, pushed, atol=1e-12)


def test_a_law_without_a_name_has_none():
    law = FittedPlaneLaw(
        *(getattr(fitted(np.ones(2)), name) for name in ("fields", "basis", "coefficients")),
        np.zeros(4),
        np.ones(4),
    )
    assert not law.has_contact
    with pytest.raises(ValueError, match="has no contact wave"):
        law.contact(jnp.ones((4, 1)), jnp.ones((4, 1)), jnp.zeros(1), jnp.zeros(1))
