"""The law target: exact where its coefficients are, and refined by the solver."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import Roe, Rusanov, solve
from hfluxno.grid import Grid
from hfluxno.laws import Cubic, ShallowWater, ViscousBurgers
from hfluxno.models.law_target import LawOperator, integration_matrix
from hfluxno.models.parts import LawConfig
from tests import drawn
from tests.compiled import compiled
from tests.models import small

CELLS, DX, DT = 32, 1 / 32, 0.01
GRID = Grid.interval(CELLS)


def configuration(fields=("u",), **target):
    return dataclasses.replace(
        small.LINE,
        fields=fields,
        cells=(CELLS,),
        spacing=(DX,),
        interval=DT,
        context=8,
        target=LawConfig(width=8, **target),
    )


def network(fields=("u",), **target):
    """One with random numbers in every parameter."""
    return small.network(configuration(fields, **target))


def emitting(model, numbers):
    """The network that emits these numbers for every context: corrections of the weak form."""
    layers = model.head.layers
    weight = jnp.asarray(np.zeros_like(layers[-1].weight))
    last = eqx.tree_at(
        lambda layer: (layer.weight, layer.bias), layers[-1], (weight, jnp.asarray(numbers))
    )
    return eqx.tree_at(lambda m: m.head.layers, model, (*layers[:-1], last))


def knowing(model, context, speeds, diffusion=()):
    """The network of one field that infers these coefficients of f′ and of ν before its softplus on
    this context: it emits how they differ from the weak form's."""
    weak = np.asarray(compiled(model.space.weak_form, context, GRID))
    flux, nu = weak[: len(speeds)], weak[len(speeds) :]
    start = np.linalg.solve(integration_matrix(len(speeds)), flux)
    correction = (np.asarray(speeds) - start) / np.sqrt(1.0 + np.sum(flux**2))
    raised = np.asarray(diffusion) - np.log(np.expm1(np.maximum(nu, 1e-3)))
    return emitting(model, np.append(correction, raised))


def derivatives(model, context, states):
    law = model.law(context)
    return law.jacobian(states), law.diffusivity(states)


def frames(flux, initial, count=9):
    return compiled(solve, flux, initial, DT * np.arange(count), GRID).values


def waves(scale=1.0):
    x = GRID.centers()
    return jnp.asarray(scale * (0.2 + np.sin(2 * np.pi * x) + 0.4 * np.cos(4 * np.pi * x))[None])


def cubic_case(size):
    """A network that emits the speed of a cubic law on the range of its data, in cells a frame."""
    law = Cubic(a=0.4, b=0.3, c=-0.5)
    data = frames(Roe(law, entropy_fix=False), waves())
    context = data[:8]
    low, high = float(context.min()), float(context.max())
    points = np.cos(np.pi * (np.arange(size) + 0.5) / size)
    states = 0.5 * (low + high) + 0.5 * (high - low) * points
    speeds = np.asarray(compiled(law.jacobian, states[None]))[0, 0] * DT / DX
    numbers = np.polynomial.chebyshev.chebfit(points, speeds, size - 1)
    return law, data, knowing(network(size=size), context, numbers)


def test_the_integral_of_chebyshev_polynomials():
    s = np.array([0.3, -1.0, 0.5, 2.0])
    c = np.concatenate([[0.0], integration_matrix(4) @ s])
    v = np.linspace(-1, 1, 7)
    slope = np.polynomial.chebyshev.chebval(v, np.polynomial.chebyshev.chebder(c))
    np.testing.assert_allclose(slope, np.polynomial.chebyshev.chebval(v, s), atol=1e-13)


def test_a_correction_of_the_weak_form_is_zero_at_first(x64):
    """An untrained network already knows the law as well as least squares do."""
    law = Cubic(a=0.4, b=0.3, c=-0.5)
    context = frames(Roe(law, entropy_fix=False), waves())[:8]
    states = np.linspace(context.min(), context.max(), 9)[None]
    fresh = drawn.fresh(configuration(size=3).build)
    speed, _ = compiled(derivatives, fresh, context, states)
    true = np.asarray(compiled(law.jacobian, states)) * DT / DX
    assert np.max(np.abs(speed - true)) / np.max(np.abs(true)) < 0.06


@pytest.mark.validation
def test_a_correction_is_added_to_the_weak_form(x64):
    model = network(fields=("u",), size=3, terms=1, scheme="rusanov")
    data = frames(Rusanov(ViscousBurgers(a=0.5, nu=0.01)), waves())
    plain, corrected, faster = (
        np.asarray(compiled(lambda m, c: m.parameters(c), emitting(model, numbers), data[:8]))
        for numbers in (np.zeros(4), np.eye(4)[3], np.eye(4)[0])
    )
    np.testing.assert_allclose(corrected[:3], plain[:3])
    assert corrected[3] > plain[3] > 0.0
    np.testing.assert_allclose(faster[1:], plain[1:], atol=1e-12)
    np.testing.assert_allclose(faster[0] - plain[0], np.sqrt(1.0 + np.sum(plain[:3] ** 2)))


def test_the_right_coefficients_give_the_true_law(x64):
    law, data, model = cubic_case(3)
    context = data[:8]
    states = np.linspace(context.min(), context.max(), 11)[None]
    operator = compiled(model.read, context)
    found = operator.law

    def of(law):
        with_states = compiled(lambda law, u: (law.jacobian(u), law.flux(u)), law, states)
        return map(np.asarray, with_states)

    (jacobian, flux), (slope, true) = of(found), of(law)
    np.testing.assert_allclose(jacobian, slope * DT / DX, atol=1e-12)
    assert found.diffusivity(states) is None
    np.testing.assert_allclose(flux - flux[:, :1], (true - true[:, :1]) * DT / DX, atol=1e-12)
    # One frame by the solver, from the middle of a run.
    rate = np.max(np.abs(compiled(law.jacobian, context[-1]))) / DX
    scheme = Roe(law, entropy_fix=False)
    expected = compiled(solve, scheme, context[-1], DT * np.arange(2), GRID, rate=rate).values[1]
    np.testing.assert_allclose(compiled(operator, context[-1]), expected, atol=1e-12)


@pytest.mark.validation
def test_diffusion_in_cells_and_frames(x64):
    law = ViscousBurgers(a=1.0, nu=0.01)
    data = frames(Rusanov(law), waves())
    low, high = float(data[:8].min()), float(data[:8].max())
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    speed = np.array([2.0 * middle, 2.0 * half]) * DT / DX  # f′ = 2 a u
    nu = 0.01 * DT / DX**2
    model = network(size=2, terms=1, scheme="rusanov")
    model = knowing(model, data[:8], speed, [np.log(np.expm1(nu))])
    states = jnp.linspace(low, high, 5)[None]
    jacobian, diffusivity = compiled(derivatives, model, data[:8], states)
    np.testing.assert_allclose(jacobian[0, 0], 2.0 * states[0] * DT / DX, atol=1e-12)
    np.testing.assert_allclose(diffusivity, nu * jnp.ones_like(states), rtol=1e-12)


@pytest.mark.validation
def test_systems_are_written_in_the_dictionary(x64):
    law = ShallowWater(alpha=1.2, gamma=0.8, beta=9.0)
    x = jnp.asarray(GRID.centers())
    initial = jnp.stack([2.0 + jnp.sin(2 * jnp.pi * x), 0.5 * jnp.cos(2 * jnp.pi * x)])
    context = frames(Roe(law, entropy_fix=False), initial)[:8]
    model = network(("h", "m"), positive=(True, False))
    family = compiled(model.space.family, context)
    names = family.basis.names
    scale = np.asarray(family.basis.scale)
    half = 0.5 * np.asarray(family.upper - family.lower)
    numbers = np.zeros((2, len(names)))
    numbers[0, names.index("m")] = 1.2 * scale[1]
    numbers[1, names.index("h²")] = 4.5 * scale[0] ** 2
    numbers[1, names.index("m²/h")] = 0.8 * scale[1] ** 2 / scale[0]
    numbers *= (DT / DX) / half[:, None]
    weak = np.asarray(compiled(model.space.weak_form, context, GRID))
    model = emitting(model, (numbers.reshape(-1) - weak) / np.sqrt(1.0 + np.sum(weak**2)))
    states = context[-1]
    jacobian, _ = compiled(derivatives, model, context, states)
    np.testing.assert_allclose(jacobian, law.jacobian(states) * DT / DX, atol=1e-11)


@pytest.mark.validation
def test_refinement_brings_a_rough_law_to_the_true_one(x64):
    _, data, model = cubic_case(4)
    context, truth = data[:8], data[8]
    rough = np.asarray(compiled(model.parameters, context)) * 1.05 + 0.01
    errors = []
    for steps in (0, 1, 3):
        operator = model.refined(np.asarray(context), rough, steps)
        errors.append(float(jnp.max(jnp.abs(compiled(operator, context[-1]) - truth))))
    assert errors[0] > 1e-3 and errors[1] < 0.3 * errors[0] and errors[2] < 1e-2 * errors[0]


@pytest.mark.validation
def test_other_units_and_boundaries(x64):
    _, data, model = cubic_case(3)
    context = data[:8]

    def advanced(settings):
        operator = lambda law: LawOperator(law, settings)(context[-1])  # noqa: E731
        return compiled(operator, law)

    other = dataclasses.replace(model, grid=Grid.interval(CELLS, 0.0, 10.0), interval=3.0)
    law = compiled(model.read, context).law
    assert eqx.tree_equal(compiled(other.read, context).law, law)
    here = advanced(model.settings())
    np.testing.assert_array_equal(advanced(other.settings()), here)
    outflow = Grid.interval(CELLS, 0.0, 10.0, "outflow")
    open_ended = dataclasses.replace(model, grid=outflow, interval=3.0)
    there = advanced(open_ended.settings())
    assert np.allclose(there[:, 4:-4], here[:, 4:-4], atol=1e-10)
    assert not np.allclose(there[:, 0], here[:, 0], atol=1e-6)


def test_laws_that_cannot_be():
    with pytest.raises(ValueError, match="0, 1 or 3 terms; got 2"):
        network(terms=2)
    with pytest.raises(ValueError, match="law of 2 fields needs to know for each"):
        network(("h", "m"))
    with pytest.raises(ValueError, match="Unknown scheme 'hll'; choose one of roe,"):
        network(scheme="hll")
    with pytest.raises(ValueError, match="refined by 0 to 3 steps; got 4"):
        network(refinement=4)
    with pytest.raises(ValueError, match="written from a context: choose an encoder"):
        small.network(dataclasses.replace(small.LINE, encoder=None, target=LawConfig()))
