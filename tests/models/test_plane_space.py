"""Laws on a plane that networks know: the weak form, the guided flux and the law target."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import MUSCL, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.identify.plane.select import functions_of
from hfluxno.laws import Euler, ShallowWater2D
from hfluxno.models.parts import LawConfig, TRecViTConfig, WeakFormConfig
from hfluxno.models.plane_space import PlaneSpace, _equations
from hfluxno.parametric.plane.weak_form import total, weak_systems
from hfluxno.training.batch import Batch
from hfluxno.training.losses import LossConfig, make_loss
from tests import drawn
from tests.compiled import compiled
from tests.models import small

CELLS, FRAMES, DT = (16, 18), 6, 0.02
KNOWN = {"positive": (True, False, False), "momentum": (1, 2)}
GUIDED = dataclasses.replace(
    small.PLANE,
    fields=("h", "m_x", "m_y"),
    cells=CELLS,
    spacing=(1 / 16, 1 / 12),
    interval=DT,
    context=FRAMES,
    encoder=TRecViTConfig((8, 6), 8, 1, 8, 2, 8),
    coordinates=False,
    weak_form=WeakFormConfig(**KNOWN),
)
LAW = dataclasses.replace(
    GUIDED,
    weak_form=None,
    target=LawConfig(scheme="muscl", cfl=(0.45, 0.45, False), width=8, **KNOWN),
)
# Networks of systems take long to compile.
GUIDES = [
    pytest.param(small.CONFIGURATIONS["weak form on a plane"], id="one field"),
    pytest.param(GUIDED, id="system", marks=pytest.mark.validation),
]
SPACE = PlaneSpace(GUIDED.fields, 7, *KNOWN.values())
GRID = GUIDED.grid


def flow(frames=FRAMES, cells=CELLS):
    """Smooth states of water that solve nothing."""
    x, y = np.meshgrid(*(np.arange(n) / n for n in cells), indexing="ij")
    states = []
    for t in 0.04 * np.arange(frames):
        turns = 2 * np.pi * np.array([x - t, y + 2 * t, x + y - t])
        h, u, v = 1.0 + 0.4 * np.sin(turns + np.arange(3)[:, None, None])
        states.append([h, h * u, h * (v - 1.2)])
    return jnp.asarray(np.array(states), float)


def frames_of(config, further=0):
    """A context of a network, with further frames."""
    count = config.context + further
    return flow(count) if config.cells == CELLS else small.context(config, frames=count)


def numbers(space, context, known):
    """The parameters of the law with these fluxes, by term for each of the space's structures;
    a term is a coefficient and the exponents of h, |m| and E."""
    scale = np.asarray(space._basis(context).scale)[[0, 1, -1]]
    half = 0.5 * np.ptp(np.asarray(context), axis=(0, 2, 3))
    found = []
    for each, own in zip(space._structures, known, strict=True):
        assert set(own) <= set(each.names)
        size = half[list(each.fields)].max() * GRID.spacing[0] / DT
        for name in each.names:
            factor, powers = own.get(name, (0.0, (0, 0, 0)))
            found.append(factor * np.prod(scale ** np.array(powers)) / size)
    return np.array(found)


def water(g):
    vector = {"m⊗m/h": (1.0, (-1, 2, 0)), "δ·h²": (0.5 * g, (2, 0, 0))}
    return [{"m": (1.0, (0, 1, 0))}, vector]


def perfect_gas(gamma):
    a = gamma - 1.0
    energy = {"m·E/rho": (gamma, (-1, 1, 1)), "m·|m|²/rho²": (-0.5 * a, (-2, 3, 0))}
    vector = {
        "δ·E": (a, (0, 0, 1)),
        "m⊗m/rho": (1.0, (-1, 2, 0)),
        "δ·|m|²/rho": (-0.5 * a, (-1, 2, 0)),
    }
    return [{"m": (1.0, (0, 1, 0))}, energy, vector]


def emitting(model, context, wanted):
    """The network that emits what the weak form lacks for these parameters on this context."""
    weak = np.asarray(compiled(model.space.weak_form, context, model.grid))
    correction = jnp.asarray((wanted - weak) / np.sqrt(1.0 + np.sum(weak**2)))
    last = model.head.layers[-1]
    last = eqx.tree_at(
        lambda layer: (layer.weight, layer.bias), last, (0 * last.weight, correction)
    )
    return eqx.tree_at(lambda m: m.head.layers, model, (*model.head.layers[:-1], last))


def test_the_equations_are_those_of_identification(x64):
    context = flow()
    basis = SPACE._basis(context)
    fluxes, changes = compiled(_equations, basis, context, GRID)
    columns = np.asarray(fluxes).reshape(-1, fluxes.shape[-1])
    values = np.asarray(context)
    system = total(weak_systems(values, functions_of(basis, (True, True)), (True, True)))
    np.testing.assert_allclose(columns @ columns.T, system.normal, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(changes @ columns.T, system.right, rtol=1e-9, atol=1e-11)


@pytest.mark.validation
def test_the_weak_form_turns_with_the_plane(x64):
    context, square = flow(cells=(16, 16)), Grid.rectangle((16, 16))
    turned = jnp.asarray(np.swapaxes(np.asarray(context)[:, [0, 2, 1]], 2, 3))
    here, there = (compiled(SPACE.weak_form, frames, square) for frames in (context, turned))
    assert here.shape == (SPACE.count,)
    np.testing.assert_allclose(there, here, rtol=1e-5, atol=1e-6)


def test_the_weak_form_of_one_field_finds_a_law_along_each_axis(x64):
    """∂t u + ∂x(.3 u + .2 u²) + ∂y(-.1 u³) = 0 in cells and frames, by characteristics."""
    space, n = PlaneSpace(("u",), 5, (), ()), 48
    x, y = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    frames = []
    for t in range(FRAMES):
        u = np.zeros((n, n))
        for _ in range(60):
            back_x, back_y = x - t * (0.3 + 0.4 * u), y + t * 0.3 * u**2
            u = 1.0 + 0.5 * np.sin(2 * np.pi * back_x / n) * np.cos(2 * np.pi * back_y / n)
        frames.append(u[None])
    context = jnp.asarray(np.array(frames))
    grid = Grid.rectangle((n, n))
    weak = compiled(space.weak_form, context, grid)
    states = np.linspace(0.5, 1.5, 5)[None]

    def speeds(context, weak):
        law = space.law(context, weak, grid)
        return [law.jacobian(jnp.asarray(states), axis)[0, 0] for axis in (0, 1)]

    along_x, along_y = compiled(speeds, context, weak)
    np.testing.assert_allclose(along_x, 0.3 + 0.4 * states[0], atol=2e-3)
    np.testing.assert_allclose(along_y, -0.3 * states[0] ** 2, atol=2e-3)


@pytest.mark.parametrize("config", GUIDES)
def test_at_first_the_guided_network_is_the_central_flux_of_the_weak_form(config, x64):
    network, context = drawn.fresh(config.build), frames_of(config)
    space, grid = network.space, network.grid

    def central(context):
        u = context[-1]
        law = space.law(context, space.weak_form(context, grid), grid)
        for axis in (0, 1):
            f = law.flux(context[-1], axis)
            u = u - 0.5 * (jnp.roll(f, -1, 1 + axis) - jnp.roll(f, 1, 1 + axis))
        return u

    found = compiled(network.predict, context)
    np.testing.assert_allclose(found, compiled(central, context), rtol=1e-9, atol=1e-12)
    assert np.abs(found - context[-1]).max() > 1e-2


# Of one field the law is found by the weak form, above.
@pytest.mark.validation
def test_the_true_coefficients_are_the_true_law(x64):
    law, context = ShallowWater2D(g=3.0), flow()
    model = emitting(small.network(LAW), context, numbers(SPACE, context, water(3.0)))

    @eqx.filter_jit
    def fluxes(law, u):
        return [law.flux(u, axis) for axis in (0, 1)]

    found = compiled(lambda model, context: fluxes(model.law(context), context[-1]), model, context)
    for flux, expected, dx in zip(found, fluxes(law, context[-1]), GRID.spacing, strict=True):
        np.testing.assert_allclose(flux, np.asarray(expected) * DT / dx, rtol=1e-9, atol=1e-11)


@pytest.mark.validation
def test_with_the_true_coefficients_of_a_gas_the_network_is_the_solver(x64):
    known = {"positive": (True, False, False, False), "momentum": (1, 2)}
    target = dataclasses.replace(LAW.target, **known)
    config = dataclasses.replace(LAW, fields=("rho", "m_x", "m_y", "E"), target=target)
    water, law = flow(), Euler(2, 1.3)
    pressure = 1.0 + 0.5 * jnp.roll(water[:, 0], 3, 1)
    square = water[:, 1] ** 2 + water[:, 2] ** 2
    energy = pressure / 0.3 + 0.5 * square / water[:, 0]
    context = jnp.concatenate([water, energy[:, None]], axis=1)
    model = small.network(config)
    model = emitting(model, context, numbers(model.space, context, perfect_gas(1.3)))
    control, times = StepControl(0.45, 0.45, lagged=False), DT * np.arange(2.0)
    solved = compiled(solve, MUSCL(law, "mc", "hllc"), context[-1], times, GRID, control)
    np.testing.assert_allclose(compiled(model.predict, context), solved.values[1], rtol=1e-8)


# What a solver or a flux operator does not change is tested in the folder fv and in
# test_conservation.py.
@pytest.mark.validation
@pytest.mark.parametrize(
    "config",
    [
        pytest.param(small.CONFIGURATIONS["law on a plane"], id="law of one field"),
        pytest.param(GUIDED, id="guided"),
        pytest.param(LAW, id="law"),
    ],
)
def test_totals_are_kept_at_random_weights(config, x64):
    network, context = small.network(config), frames_of(config)
    if config is LAW:  # coefficients of shallow water, and a little of everything
        other = 1e-3 * np.random.default_rng(0).normal(size=SPACE.count)
        network = emitting(network, context, numbers(SPACE, context, water(2.0)) + other)
    found = np.asarray(compiled(network.predict, context))
    assert np.abs(found - context[-1]).max() > 1e-2
    np.testing.assert_allclose(found.mean((1, 2)), context[-1].mean((1, 2)), rtol=1e-12)


def gradient(config, loss, context, network):
    keys = jax.random.split(jax.random.key(0), 1)
    batch = Batch(context[None], jax.tree.map(lambda leaf: leaf[None], ShallowWater2D(g=3.0)))
    error = make_loss(loss, config.context)
    return compiled(eqx.filter_value_and_grad(lambda n: error(n, batch, keys)), network)


@pytest.mark.validation
@pytest.mark.parametrize("config", GUIDES)
def test_every_parameter_of_the_guided_network_has_a_finite_derivative(config):
    loss = LossConfig("many-targets", measure="vrmse", steps=2, targets=2, after=2)
    _, found = gradient(config, loss, frames_of(config, 2), small.network(config))
    leaves = jax.tree.leaves(eqx.filter(found, eqx.is_inexact_array))
    assert all(np.all(np.isfinite(leaf)) for leaf in leaves)
    for part in (*found.hypernetwork.heads, found.encoder.embed):
        assert max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(part)) > 0.0


@pytest.mark.validation
def test_the_speed_loss_vanishes_for_the_true_law_alone(x64):
    context, loss = flow(), LossConfig("speed", measure="relative")
    errors = []
    for g in (3.0, 3.01, 3.03):
        model = emitting(small.network(LAW), context, numbers(SPACE, context, water(g)))
        value, found = gradient(LAW, loss, context, model)
        errors.append(float(value))
        assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(found))
    assert errors[0] < 2e-6
    np.testing.assert_allclose(errors[2] / errors[1], 3.0, rtol=1e-2)


@pytest.mark.validation
def test_the_guided_flux_sees_no_state_outside_the_observed_range():
    config = small.CONFIGURATIONS["weak form on a plane"]
    context = small.context(config)
    operator = small.read(small.network(config), context)
    low, high = float(context.min()), float(context.max())
    u = np.array(context[-1])
    u[0, 2, 3], u[0, 4, 1] = high + 5.0, low - 5.0
    clipped = np.clip(u, low, high)
    change, expected = (np.asarray(compiled(operator, state)) - state for state in (u, clipped))
    np.testing.assert_allclose(change, expected, atol=2e-6)


def test_laws_on_a_plane_that_cannot_be():
    for changes, fault in (
        ({"momentum": ()}, "needs to know which two are the momentum"),
        ({"momentum": (1, 3)}, "needs to know which two are the momentum"),
        ({"positive": (True,)}, "for each whether it stays positive"),
        ({"positive": (False,) * 3}, "and the density does"),
        ({"terms": 1}, "on a plane without diffusion"),
        ({"scheme": "roe"}, "Unknown scheme 'roe'; choose one of muscl, rusanov"),
        ({"refinement": 1}, "not refined by the solver"),
    ):
        with pytest.raises(ValueError, match=fault):
            small.network(
                dataclasses.replace(LAW, target=dataclasses.replace(LAW.target, **changes))
            )
