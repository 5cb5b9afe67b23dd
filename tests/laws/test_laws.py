"""Every law is consistent with its own flux: Jacobian, Roe matrix, published ranges."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import eigen
from hfluxno.laws import (
    LAWS,
    LWR,
    BuckleyLeverett,
    ConservationLaw,
    Cubic,
    ShallowWater,
    Sine,
    ViscousBurgers,
)
from tests.compiled import compiled

pytestmark = pytest.mark.usefixtures("x64")

with jax.enable_x64(True):
    EXAMPLES = {
        "cubic": Cubic(a=0.7, b=-0.4, c=0.3),
        "sine": Sine(a=0.8, b=2.5),
        "burgers": ViscousBurgers(a=0.8, nu=0.01),
        "shallow-water": ShallowWater(alpha=0.8, beta=9.0, gamma=1.3),
        "lwr": LWR(v=1.2, rho_max=1.5),
        "buckley-leverett": BuckleyLeverett(q=1.1, M=0.4),
    }


class Sextic(ConservationLaw):
    """Two coupled fields with a flux of degree six, and nothing overridden."""

    fields: tuple[str, ...] = eqx.field(static=True, default=("u", "v"))

    def flux(self, u):
        first, second = u
        return jnp.stack([first**6 - 2.0 * first**2 * second**4, first * second**3 + second])


def states(law, seed=0, count=50):
    random = np.random.default_rng(seed)
    u = random.uniform(0.1, 0.9, size=(len(law.fields), count))
    if isinstance(law, ShallowWater):
        u = np.stack([u[0] + 0.2, random.uniform(-2.0, 2.0, count)])
    return jnp.asarray(u)


def test_all_laws_have_an_example_here():
    assert set(EXAMPLES) == set(LAWS)


@pytest.mark.parametrize("law", [*EXAMPLES.values(), Sextic()], ids=[*EXAMPLES, "sextic"])
def test_jacobian_is_the_derivative_of_the_flux(law):
    u = states(law)
    exact = compiled(jax.vmap(jax.jacfwd(law.flux), in_axes=1, out_axes=2), u)
    np.testing.assert_allclose(compiled(law.jacobian, u), exact, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "law",
    [law for name, law in EXAMPLES.items() if name != "buckley-leverett"] + [Sextic()],
    ids=[name for name in EXAMPLES if name != "buckley-leverett"] + ["sextic"],
)
def test_roe_property(law):
    """A(l, r)(r - l) = f(r) - f(l), and A(u, u) = f′(u)."""
    left, right = states(law, 1), states(law, 2)
    matrix = compiled(law.roe_matrix, left, right)
    product = np.einsum("ijp,jp->ip", matrix, np.asarray(right) - np.asarray(left))
    jump = np.asarray(compiled(law.flux, right)) - np.asarray(compiled(law.flux, left))
    np.testing.assert_allclose(product, jump, rtol=0.0, atol=1e-12)
    at_rest = compiled(law.roe_matrix, left, left)
    np.testing.assert_allclose(at_rest, compiled(law.jacobian, left), atol=1e-12)
    np.testing.assert_allclose(matrix, compiled(law.roe_matrix, right, left), atol=1e-12)


@pytest.mark.parametrize("law", [EXAMPLES["buckley-leverett"], EXAMPLES["shallow-water"]])
def test_averaged_jacobian_has_the_roe_property_to_seventh_order(law):
    """The default Roe matrix of a flux that is not a polynomial: three Gauss points."""
    center = states(law, 3)
    direction = states(law, 4) - center
    errors = []
    for size in (0.4, 0.2):
        left, right = center - 0.5 * size * direction, center + 0.5 * size * direction
        matrix = compiled(ConservationLaw.roe_matrix, law, left, right)
        product = np.einsum("ijp,jp->ip", matrix, np.asarray(right - left))
        jump = np.asarray(compiled(law.flux, right)) - np.asarray(compiled(law.flux, left))
        errors.append(np.max(np.abs(product - jump)))
    assert errors[0] < 0.05
    assert np.log2(errors[0] / errors[1]) > 6.0


def test_secants_have_no_cancellation():
    """Jumps of the size of rounding still have the right Roe speed."""
    for name in ("cubic", "sine", "burgers", "lwr"):
        law = EXAMPLES[name]
        u = states(law)
        matrix = compiled(law.roe_matrix, u, u * (1.0 + 1e-15))
        np.testing.assert_allclose(matrix, compiled(law.jacobian, u), rtol=1e-13, atol=1e-13)


def test_shallow_water_speeds():
    """γv ± √(γ(γ - α)v² + αβh)."""
    law = EXAMPLES["shallow-water"]
    h, m = u = states(law)
    v = m / h
    root = jnp.sqrt(law.gamma * (law.gamma - law.alpha) * v**2 + law.alpha * law.beta * h)
    expected = jnp.stack([law.gamma * v - root, law.gamma * v + root])
    found = compiled(lambda u: eigen.speeds(law.jacobian(u)), u)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert law.negated_fields == (1,)


def test_waves_are_eigenvectors_and_sum_to_the_jump():
    """For one, two and three fields."""
    random = np.random.default_rng(0)
    points = 20
    for fields in (1, 2, 3):
        vectors = random.normal(size=(points, fields, fields))
        values = np.sort(random.normal(size=(points, fields)), axis=1)
        matrix = vectors @ (values[:, :, None] * np.linalg.inv(vectors))
        matrix = np.moveaxis(matrix, 0, -1)
        jump = random.normal(size=(fields, points))

        def waves(matrix, jump):
            found, split = eigen.waves(matrix)
            return found, split(jump), eigen.speeds(matrix)

        found, parts, speeds = map(np.asarray, compiled(waves, matrix, jump))
        np.testing.assert_allclose(found, values.T, atol=1e-9)
        np.testing.assert_allclose(speeds, values.T, atol=1e-9)
        np.testing.assert_allclose(parts.sum(axis=0), jump, atol=1e-9)
        turned = np.einsum("ijp,wjp->wip", matrix, parts)
        np.testing.assert_allclose(turned, found[:, None] * parts, atol=1e-7)


def test_waves_do_not_depend_on_the_units_of_the_fields():
    """Those of a gas in pascals are those of the same gas in bars."""
    random = np.random.default_rng(1)
    vectors, values = random.normal(size=(3, 3)), np.array([-280.0, 60.0, 400.0])
    matrix = vectors @ np.diag(values) @ np.linalg.inv(vectors)
    units = np.array([1.0, 1e2, 1e5])
    matrix = jnp.asarray((units[:, None] * matrix / units)[..., None])
    np.testing.assert_allclose(compiled(eigen.speeds, matrix)[:, 0], values, rtol=1e-9)


def test_fluxes_by_hand():
    u = jnp.asarray([[0.5]])
    assert float(Cubic(a=2.0, b=3.0, c=5.0).flux(u)[0, 0]) == 0.25 + 0.75 + 2.5
    assert float(Sine(a=2.0, b=3.0).flux(u)[0, 0]) == pytest.approx(2.0 * np.sin(1.5), rel=1e-15)
    assert float(ViscousBurgers(a=3.0, nu=0.1).flux(u)[0, 0]) == 0.75
    assert float(LWR(v=3.0, rho_max=2.0).flux(u)[0, 0]) == 3.0 * 0.5 * 0.75
    assert float(BuckleyLeverett(q=3.0, M=0.5).flux(u)[0, 0]) == pytest.approx(2.0, rel=1e-15)
    water = ShallowWater(alpha=2.0, beta=3.0, gamma=5.0).flux(jnp.asarray([[2.0], [4.0]]))
    np.testing.assert_array_equal(water[:, 0], [8.0, 5.0 * 8.0 + 6.0])
    np.testing.assert_array_equal(ViscousBurgers(nu=0.1).diffusivity(u), [[0.1]])
    assert Cubic().diffusivity(u) is None


def test_published_ranges():
    assert Cubic.ranges == {"a": (-1.0, 1.0), "b": (-1.0, 1.0), "c": (-1.0, 1.0)}
    assert Sine.ranges == {"a": (-1.0, 1.0), "b": (-1.0, 1.0)}
    assert ViscousBurgers.ranges == {"a": (0.5, 1.5), "nu": (0.005, 0.015)}
    assert ShallowWater.ranges == {
        "alpha": (0.5, 1.5),
        "gamma": (0.5, 1.5),
        "beta": (8.0, 12.0),
    }
    for name, law in LAWS.items():
        assert law.name == name
        law(**{key: high for key, (_, high) in law.ranges.items()})


def test_a_dry_bed_has_finite_fluxes_and_derivatives():
    law = ShallowWater()
    u = jnp.asarray([[0.0, 1e-12, 1.0], [0.0, 0.0, 0.0]])

    def everything(u):
        tangent = jax.jvp(law.flux, (u,), (jnp.ones_like(u),))[1]
        return law.flux(u), law.jacobian(u), law.roe_matrix(u[:, :-1], u[:, 1:]), tangent

    assert all(np.all(np.isfinite(value)) for value in compiled(everything, u))


def test_a_coefficient_in_the_place_of_the_fields_is_told():
    class Still(ConservationLaw):
        fields: tuple[str, ...] = eqx.field(static=True)
        rate: float = 1.0

        def flux(self, u):
            return self.rate * u

    assert Still(("u",), 2.0).fields == ("u",)
    with pytest.raises(ValueError, match="Give coefficients by their names"):
        Still(2.0)
