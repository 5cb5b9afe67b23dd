"""Derivatives through the solver: finite where cells are equal, and equal to differences."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import MUSCL, Roe, Rusanov, StepControl, solve, step
from hfluxno.fv.numerical_flux import largest
from hfluxno.grid import Grid
from hfluxno.laws import LWR, BuckleyLeverett, Cubic, ShallowWater, Sine, ViscousBurgers
from hfluxno.laws.base import ConservationLaw
from tests.slow import slow

pytestmark = pytest.mark.usefixtures("x64")

CELLS = 32
GRID = Grid.interval(CELLS)
TIMES = np.linspace(0.0, 0.06, 4)
SCHEMES = {
    "roe": Roe,
    "roe-no-fix": lambda law: Roe(law, "mc", entropy_fix=False),
    "roe-superbee": lambda law: Roe(law, "superbee"),
    "roe-van-leer": lambda law: Roe(law, "van-leer"),
    "roe-minmod": lambda law: Roe(law, "minmod"),
    "rusanov": Rusanov,
    "muscl": MUSCL,
}
with jax.enable_x64(True):
    LAWS = {
        "cubic": Cubic(a=0.8, b=-0.6, c=0.3),
        "sine": Sine(a=0.9, b=1.3),
        "viscous-burgers": ViscousBurgers(a=0.8, nu=0.01),
        "lwr": LWR(),
        "buckley-leverett": BuckleyLeverett(),
        "shallow-water": ShallowWater(),
    }


def degenerate_states(law):
    """A constant state, a step, a single cell, and a state of rest."""
    i = np.arange(CELLS)
    shapes = (0.5 + 0.0 * i, np.where(i < 12, 0.7, 0.2), np.where(i == 5, 0.9, 0.4), 0.0 * i)
    if isinstance(law, ShallowWater):
        return [np.stack([0.5 + u, 0.0 * u]) for u in shapes]
    return [u[None] for u in shapes]


def real_part(tree):
    return eqx.partition(tree, eqx.is_inexact_array)


def loss(scheme, u, substeps):
    values = solve(scheme, u, TIMES, GRID, substeps=substeps).values
    return jnp.mean(values**2)


@eqx.filter_jit
def forward(scheme, u, substeps):
    moving, rest = real_part(scheme)
    tangent = jax.tree.map(jnp.ones_like, moving)
    return jax.jvp(
        lambda part, u: loss(eqx.combine(part, rest), u, substeps),
        (moving, u),
        (tangent, jnp.ones_like(u)),
    )


@eqx.filter_jit
def reverse(scheme, u, substeps):
    moving, rest = real_part(scheme)
    return jax.grad(lambda part, u: loss(eqx.combine(part, rest), u, substeps), (0, 1))(moving, u)


@eqx.filter_jit
def reverse_of_a_step(scheme, u):
    """The same of one step, which compiles in a fraction of the time."""
    moving, rest = real_part(scheme)

    def loss(part, u):
        return jnp.mean(step(eqx.combine(part, rest), u, jnp.asarray(0.004), GRID) ** 2)

    return jax.grad(loss, (0, 1))(moving, u)


def all_finite(tree):
    return all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize(
    ("scheme", "name"),
    [
        ("roe", "cubic"),
        ("roe", "shallow-water"),
        slow("muscl", "shallow-water"),
        slow("muscl", "cubic"),
        slow("rusanov", "shallow-water"),
    ],
)
def test_finite_where_neighbours_are_equal(scheme, name):
    law = LAWS[name]
    flux = SCHEMES[scheme](law)
    for u in degenerate_states(law):
        whole = (scheme, name) == ("roe", "cubic")
        assert not whole or all_finite(forward(flux, u, None))
        assert all_finite(reverse(flux, u, 3) if whole else reverse_of_a_step(flux, u))


@pytest.mark.parametrize(
    ("scheme", "law"),
    [
        ("roe", "buckley-leverett"),
        *(slow("roe", name) for name in ("sine", "viscous-burgers", "lwr")),
        ("muscl", "cubic"),
        ("roe-superbee", "cubic"),
        *(slow(f"roe-{name}", "cubic") for name in ("no-fix", "minmod", "van-leer")),
    ],
)
def test_finite_with_every_law_and_limiter(scheme, law):
    for u in degenerate_states(LAWS[law]):
        assert all_finite(reverse_of_a_step(SCHEMES[scheme](LAWS[law]), u))


@pytest.mark.parametrize("scheme", ["roe", slow("muscl")])
def test_gradient_of_a_constant_state_is_known(scheme):
    """There the mean of u² changes as the mean of 2u du, which is conserved."""
    constant = degenerate_states(LAWS["cubic"])[0]
    gradient = reverse(SCHEMES[scheme](LAWS["cubic"]), constant, 3)[1]
    np.testing.assert_allclose(gradient, 1.0 / CELLS, atol=1e-12)


def smooth_state(law):
    x = GRID.centers()
    # No two neighbours are equal: there limiters have a kink, and no difference is the derivative.
    u = 0.5 + 0.2 * np.sin(2.0 * np.pi * x) + 0.1 * np.cos(6.0 * np.pi * x + 0.3)
    if isinstance(law, ShallowWater):
        return jnp.asarray(np.stack([0.5 + u, 0.2 * np.cos(2.0 * np.pi * x + 0.4)]))
    return jnp.asarray(u[None])


@pytest.mark.parametrize(
    ("scheme", "name", "substeps"),
    [
        slow("roe", "cubic", None),
        ("roe", "shallow-water", None),
        slow("roe-no-fix", "viscous-burgers", None),
        slow("roe-van-leer", "cubic", None),
        ("rusanov", "shallow-water", None),
        ("muscl", "viscous-burgers", None),
        slow("muscl", "shallow-water", 3),
    ],
)
def test_equal_to_central_differences(scheme, name, substeps):
    law = LAWS[name]
    flux, u = SCHEMES[scheme](law), smooth_state(law)
    moving, rest = real_part(flux)
    random = np.random.default_rng(0)
    direction = jax.tree.map(lambda leaf: np.asarray(random.normal(size=leaf.shape)), (moving, u))

    @jax.jit
    def derivative(size):
        def values(part, u):
            return solve(eqx.combine(part, rest), u, TIMES, GRID, substeps=substeps).values

        at = jax.tree.map(lambda p, d: p + size * d, (moving, u), direction)
        return jax.jvp(values, at, direction)

    size = 1e-6
    tangent = np.asarray(derivative(0.0)[1])
    up, down = (np.asarray(derivative(sign * size)[0]) for sign in (1.0, -1.0))
    difference = (up - down) / (2.0 * size)
    assert np.max(np.abs(tangent)) > 0.1
    # Limiters have kinks, which a difference may straddle in a cell; nowhere else may they differ.
    close = np.isclose(tangent, difference, rtol=0.0, atol=1e-4)
    assert np.mean(close) > 0.95


@pytest.mark.parametrize(
    ("scheme", "name"),
    [
        ("roe", "cubic"),
        slow("muscl", "cubic"),
        slow("roe", "shallow-water"),
        slow("muscl", "shallow-water"),
    ],
)
def test_reverse_equals_forward(scheme, name):
    """⟨gradient, direction⟩ is the directional derivative."""
    law = LAWS[name]
    flux, u = SCHEMES[scheme](law), smooth_state(law)
    slope = forward(flux, u, 3)[1]
    total = sum(float(jnp.sum(leaf)) for leaf in jax.tree.leaves(reverse(flux, u, 3)))
    assert float(slope) == pytest.approx(total, rel=1e-10)


def test_another_compiler_finds_the_same_derivative():
    """Without optimisation numbers are rounded in other places, the speeds of the CFL rule too."""
    flux, u = Roe(LAWS["cubic"]), smooth_state(LAWS["cubic"])
    moving, rest = real_part(flux)
    tangent = jax.tree.map(jnp.ones_like, (moving, u))

    def derivative(part, u):
        def values(part, u):
            return solve(eqx.combine(part, rest), u, TIMES, GRID).values

        return jax.jvp(values, (part, u), tangent)[1]

    lowered = jax.jit(derivative).lower(moving, u)
    plain, optimised = (
        lowered.compile(compiler_options={"xla_backend_optimization_level": level})(moving, u)
        for level in (0, 2)
    )
    np.testing.assert_allclose(plain, optimised, rtol=1e-6, atol=1e-6)


def test_the_largest_value_has_one_derivative():
    values = jnp.asarray([[1.0, 3.0], [3.0, 2.0]])
    value, slope = jax.jvp(largest, (values,), (jnp.asarray([[5.0, 7.0], [11.0, 13.0]]),))
    assert (value, slope) == (3.0, 7.0)
    assert jnp.isnan(largest(values.at[1, 1].set(jnp.nan)))


def test_derivative_of_the_cfl_rule_is_part_of_it():
    """The step lengths depend on the speeds, so also the numbers of the rule have derivatives."""
    u = smooth_state(LAWS["cubic"])

    def final(desired):
        control = StepControl(desired, jnp.asarray(0.9))
        return solve(Roe(LAWS["cubic"], "van-leer"), u, TIMES, GRID, control).values[-1]

    at, size = jnp.asarray(0.41), 1e-6
    derivative = jax.jit(lambda at: jax.jvp(final, (at,), (jnp.ones(()),)))
    tangent = derivative(at)[1]
    difference = (derivative(at + size)[0] - derivative(at - size)[0]) / (2.0 * size)
    assert np.mean(np.isclose(tangent, difference, rtol=1e-3, atol=1e-6)) > 0.9


class Settling(ConservationLaw):
    """Σ c_k T_k(2u - 1), k = 2, …, 6, less the line that makes it zero for u = 0 and u = 1."""

    fields: ClassVar[tuple[str, ...]] = ("u",)
    c: jax.Array

    def flux(self, u):
        v = 2.0 * u - 1.0
        of_degree = [jnp.ones_like(v), v]
        for _ in range(2, 7):
            of_degree.append(2.0 * v * of_degree[-1] - of_degree[-2])
        parts = [of_degree[k] - of_degree[k % 2] for k in range(2, 7)]
        return 0.5 * sum(c * part for c, part in zip(self.c, parts, strict=True))


def test_derivatives_do_not_grow_on_ground_that_is_empty_up_to_rounding():
    """What settles in a closed column leaves 1e-17 behind: jumps below rounding, for which the
    limiter's derivatives repeat step after step."""
    grid = Grid.interval(384, 0.0, 96.0, "wall")
    x = grid.centers() / 96.0
    first = 0.2 + 0.08 * np.sin(4 * np.pi * x + 1.0) + 0.05 * np.cos(10 * np.pi * x)
    first, control = jnp.asarray(first[None]), StepControl(0.45, 0.45, False)
    c = jnp.array([-0.23428166, 0.51336218, -0.30206665, 0.07942521, -0.00650222])

    def last(c):
        return solve(MUSCL(Settling(c)), first, np.array([0.0, 12.0]), grid, control).values[-1]

    state, change = jax.jit(lambda c: jax.jvp(last, (c,), (jnp.ones(5),)))(c)
    assert abs(float(state[0, 0])) < 1e-12  # settled
    assert 1.0 < float(jnp.max(jnp.abs(change))) < 500.0
