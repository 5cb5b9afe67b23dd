"""Laws with several axes: what follows from the flux along each of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.laws import (
    KPP,
    ByAxis,
    ConservationLaw,
    Cubic,
    Euler,
    IsothermalEuler,
    ShallowWater,
    ShallowWater2D,
    SpaceLaw,
    ViscousBurgers,
    rotation,
)
from hfluxno.laws.place import LawByPlace
from tests.compiled import compiled

pytestmark = pytest.mark.usefixtures("x64")

with jax.enable_x64(True):
    SYSTEMS = {
        "euler-1d": Euler(gamma=1.3),
        "euler-2d": Euler(axes=2),
        "euler-3d": Euler(axes=3, gamma=5 / 3),
        "shallow-water-2d": ShallowWater2D(g=2.0),
        "isothermal-euler": IsothermalEuler(c=0.8),
    }
EACH_AXIS = [(name, axis) for name, law in SYSTEMS.items() for axis in range(law.axes)]


def states(law, seed, count=30):
    random = np.random.default_rng(seed)
    velocity = random.normal(size=(law.axes, count))
    height, pressure = random.uniform(0.2, 2.0, (2, count))
    if isinstance(law, Euler):
        return law.conserved(*map(jnp.asarray, (height, velocity, pressure)))
    return jnp.asarray(np.concatenate([height[None], height * velocity]))


def waves(law, left, right, vector, axis=0):
    """The speeds, and the vector split into waves."""
    speeds, split = law.waves(left, right, axis) if law.axes > 1 else law.waves(left, right)
    return speeds, split(vector)


@pytest.mark.parametrize(("name", "axis"), EACH_AXIS)
def test_waves_are_those_of_the_jacobian(name, axis):
    law = SYSTEMS[name].along(axis)
    u = states(SYSTEMS[name], 0)
    matrices = np.moveaxis(np.asarray(compiled(law.jacobian, u)), -1, 0)
    eigenvalues = np.sort(np.linalg.eigvals(matrices).real, axis=-1).T
    vector = np.random.default_rng(1).normal(size=u.shape)
    speeds, parts = map(np.asarray, compiled(waves, law, u, u, vector))
    np.testing.assert_allclose(speeds, eigenvalues, atol=1e-7)
    slowest, fastest = compiled(law.speed_range, u)
    np.testing.assert_allclose([slowest, fastest], eigenvalues[[0, -1]], atol=1e-7)
    np.testing.assert_allclose(parts.sum(axis=0), vector, atol=1e-12)
    turned = np.einsum("pij,wjp->wip", matrices, parts)
    np.testing.assert_allclose(turned, speeds[:, None] * parts, atol=1e-11)


@pytest.mark.parametrize(("name", "axis"), EACH_AXIS)
def test_waves_of_a_jump_carry_the_jump_of_the_flux(name, axis):
    """Σ λ_p W_p = f(r) - f(l), Roe's property."""
    law = SYSTEMS[name].along(axis)
    left, right = states(SYSTEMS[name], 1), states(SYSTEMS[name], 2)
    jump = np.asarray(right) - np.asarray(left)
    speeds, parts = map(np.asarray, compiled(waves, law, left, right, jump))
    before, behind = (np.asarray(compiled(law.flux, u)) for u in (left, right))
    np.testing.assert_allclose((speeds[:, None] * parts).sum(axis=0), behind - before, atol=1e-12)


@pytest.mark.parametrize("name", [name for name, law in SYSTEMS.items() if law.axes > 1])
def test_no_axis_is_special(name):
    """Exchanging two axes exchanges the components of every vector and nothing else."""
    law = SYSTEMS[name]
    order = np.arange(len(law.fields))
    for vector in law.vectors:
        order[[vector[0], vector[1]]] = order[[vector[1], vector[0]]]
    left, right = (np.asarray(states(law, seed)) for seed in (3, 4))

    @jax.jit
    def of_axis(left, right, axis):
        along = [lambda u, v, a=a: (law.flux(u, a), *waves(law, u, v, v - u, a)) for a in (0, 1)]
        return jax.lax.switch(axis, along, left, right)

    flux, speeds, parts = map(np.asarray, of_axis(left, right, 0))
    turned = map(np.asarray, of_axis(left[order], right[order], 1))
    turned_flux, turned_speeds, turned_parts = turned
    np.testing.assert_allclose(turned_flux, flux[order], rtol=1e-14)
    np.testing.assert_allclose(turned_speeds, speeds, rtol=1e-13)
    np.testing.assert_allclose(turned_parts, parts[:, order], atol=1e-13)


@pytest.mark.parametrize("axis", [0, 1])
def test_both_sides_of_a_contact_have_one_velocity_and_one_flux(axis):
    """S*(u*_r - u*_l) = F*_r - F*_l with F*_K = f(u_K) + S_K (u*_K - u_K)."""
    law = SYSTEMS["euler-2d"]
    left, right = states(law, 5), states(law, 6)

    def everything(left, right):
        (low, high), (lower, higher) = (law.speed_range(u, axis) for u in (left, right))
        slowest, fastest = jnp.minimum(low, lower), jnp.maximum(high, higher)
        middle = law.contact(left, right, slowest, fastest, axis)
        return slowest, fastest, *middle, law.flux(left, axis), law.flux(right, axis)

    found = map(np.asarray, compiled(everything, left, right))
    slowest, fastest, contact, star_left, star_right, of_left, of_right = found
    left, right = np.asarray(left), np.asarray(right)
    for star, side in ((star_left, left), (star_right, right)):
        np.testing.assert_allclose(star[1 + axis] / star[0], contact, rtol=1e-12)
        np.testing.assert_allclose(star[2 - axis] / star[0], side[2 - axis] / side[0], rtol=1e-12)
    flux_left = of_left + slowest[None] * (star_left - left)
    flux_right = of_right + fastest[None] * (star_right - right)
    jump = contact[None] * (star_right - star_left)
    np.testing.assert_allclose(flux_right - flux_left, jump, atol=1e-11)


def test_fluxes_by_hand():
    u = jnp.asarray([2.0, 6.0, -4.0, 30.0])[:, None]  # v = (3, -2), ½ρv² = 13, p = 0.4·17
    np.testing.assert_allclose(Euler(axes=2).flux(u, 0)[:, 0], [6.0, 24.8, -12.0, 110.4])
    np.testing.assert_allclose(Euler(axes=2).flux(u, 1)[:, 0], [-4.0, -12.0, 14.8, -73.6])
    np.testing.assert_allclose(Euler().pressure(u[jnp.asarray([0, 1, 3])]), [0.4 * 21.0])
    water = ShallowWater2D(g=3.0)
    np.testing.assert_allclose(water.flux(u[:3], 0)[:, 0], [6.0, 24.0, -12.0])
    np.testing.assert_allclose(water.flux(u[:3], 1)[:, 0], [-4.0, -12.0, 14.0])
    np.testing.assert_allclose(IsothermalEuler(c=3.0).flux(u[:3], 0)[:, 0], [6.0, 36.0, -12.0])
    angle = jnp.asarray([[np.pi / 6]])
    assert float(KPP().flux(angle, 0)[0, 0]) == pytest.approx(0.5)
    assert float(KPP().flux(angle, 1)[0, 0]) == pytest.approx(np.sqrt(0.75))


def test_water_on_a_plane_is_water_on_a_line_where_nothing_moves_across():
    line, plane = ShallowWater(beta=2.0), SYSTEMS["shallow-water-2d"].along(1)
    h, _, m = states(SYSTEMS["shallow-water-2d"], 7)
    flux = plane.flux(jnp.stack([h, 0.0 * h, m]))
    np.testing.assert_allclose(flux[jnp.asarray([0, 2])], line.flux(jnp.stack([h, m])), rtol=1e-14)
    np.testing.assert_array_equal(flux[1], 0.0 * h)


def test_fields_vectors_and_walls():
    assert Euler().fields == ("rho", "m", "E")
    assert Euler(axes=2).fields == ("rho", "m_x", "m_y", "E")
    assert Euler(axes=2).vectors == ((1, 2),)
    assert [Euler(axes=2).along(axis).negated_fields for axis in (0, 1)] == [(1,), (2,)]
    assert ShallowWater().vectors == ((1,),)
    assert ShallowWater2D().along(1).negated_fields == (2,)
    assert KPP().along(1).negated_fields == ()


def test_admissible_states_have_density_and_pressure():
    u = jnp.asarray([[1.0, 1.0, -1.0, 1.0], [0.0, 2.0, 0.0, 1.0], [1.0, 1.0, 1.0, 0.5]])
    np.testing.assert_array_equal(Euler().admissible(u), [True, False, False, False])
    np.testing.assert_array_equal(ShallowWater2D().admissible(u), [True, True, False, True])
    assert Cubic().admissible(u) is None


def test_a_law_by_axis_is_its_parts():
    parts = (Cubic(a=0.7), ViscousBurgers(nu=0.1))
    law = ByAxis(parts)
    u = jnp.asarray([[0.3, -0.2]])
    assert isinstance(law, SpaceLaw)
    assert (law.axes, law.fields) == (2, ("u",))
    for axis, part in enumerate(parts):
        assert law.along(axis) is part
        np.testing.assert_array_equal(law.flux(u, axis), part.flux(u))


class Decay(Cubic):
    """Cubic with the source -(1 + x) u."""

    def source(self, u, x, t):
        return -(1.0 + x) * u


def test_sources_of_a_law_by_axis_are_added():
    law = ByAxis((Decay(), Decay()))
    u, x = jnp.asarray([[2.0]]), jnp.asarray([[3.0], [5.0]])
    np.testing.assert_allclose(law.source(u, x, jnp.asarray(0.0)), [[-20.0]])
    assert ByAxis((Cubic(), Cubic())).source(u, x, jnp.asarray(0.0)) is None


def test_what_arises_by_place_is_added_to_the_source_of_the_law():
    x, u = jnp.asarray([[3.0, 5.0]]), jnp.asarray([[2.0, 1.0]])
    factor, arising = jnp.asarray([1.0, 2.0, 3.0]), jnp.asarray([[0.5, -4.0]])

    def source(law, arising):
        placed = LawByPlace(law.fields, law, factor, jnp.zeros(1), arising)
        return placed.source(u, x, jnp.asarray(0.0))

    np.testing.assert_allclose(source(Decay(), arising), [[-8.0 + 0.5, -6.0 - 4.0]])
    np.testing.assert_allclose(source(Decay(), None), [[-8.0, -6.0]])
    np.testing.assert_allclose(source(Cubic(), arising), arising)
    assert source(Cubic(), None) is None


def test_a_factor_of_place_multiplies_the_flux_and_its_offset_at_interfaces():
    factor, u = jnp.asarray([1.0, 2.0, -3.0]), jnp.asarray([[0.5, 1.0, 2.0]])
    law = ViscousBurgers(a=1.0, nu=0.3)
    placed = LawByPlace(law.fields, law, factor, jnp.asarray([0.7]))
    np.testing.assert_allclose(placed.flux(u), factor[None] * (law.flux(u) + 0.7))
    np.testing.assert_allclose(placed.jacobian(u), factor[None, None] * law.jacobian(u))
    np.testing.assert_allclose(placed.diffusivity(u), law.diffusivity(u))


def test_rotation_carries_along_x_what_it_has_across():
    grid = Grid.rectangle((2, 3), (-1.0, -1.0), (1.0, 2.0))
    law = rotation(grid, rate=2.0, center=(0.0, 0.5))
    u = jnp.ones((1, 3, 1))  # along x: one row per y, as a scheme passes it
    np.testing.assert_allclose(law.along(0).flux(u)[0, :, 0], [2.0, 0.0, -2.0])
    np.testing.assert_allclose(law.along(1).flux(u[:, :2])[0, :, 0], [-1.0, 1.0])
    assert isinstance(law.along(0), LawByPlace)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Euler(axes=4), "The Euler equations have 1, 2 or 3 axes; got 4."),
        (lambda: Euler(axes=2).along(2), "A law with 2 axes has no axis 2."),
        (lambda: Cubic().along(1), "A law with 1 axes has no axis 1."),
        (lambda: ByAxis((Cubic(), ShallowWater())), "one or more laws, all with the same fields"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_law_without_a_contact_says_which_solver_it_needs():
    u, speed = jnp.ones((1, 2)), jnp.ones(2)
    for law in (KPP().along(1), Cubic()):
        assert isinstance(law, ConservationLaw)
        with pytest.raises(ValueError, match="has no contact wave; use riemann='hll'"):
            law.contact(u, u, -speed, speed)
