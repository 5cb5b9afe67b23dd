"""Two space axes: conservation, symmetry, walls, order of accuracy and derivatives."""

import importlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.boundary import Inflow
from hfluxno.fv import MUSCL, Roe, Rusanov, Status, StepControl, solve
from hfluxno.fv.step import conservative_step
from hfluxno.grid import Grid
from hfluxno.laws import KPP, ByAxis, Cubic, Euler, IsothermalEuler, rotation
from tests.compiled import compiled
from tests.slow import slow

pytestmark = pytest.mark.usefixtures("x64")

compiled_solve = eqx.filter_jit(solve)

with jax.enable_x64(True):
    GAS = Euler(axes=2)
    SCHEMES = {
        "roe": Roe(GAS),
        "rusanov": Rusanov(GAS),
        "muscl-rusanov": MUSCL(GAS),
        "muscl-hll": MUSCL(GAS, "van-leer", "hll"),
        "muscl-hllc": MUSCL(GAS, "mc", "hllc"),
    }


def gas(density, velocity, pressure):
    parts = [np.broadcast_to(part, np.shape(density)) for part in (*velocity, pressure)]
    return GAS.conserved(
        jnp.asarray(density), jnp.asarray(np.stack(parts[:2])), jnp.asarray(parts[2])
    )


def wavy(shape, seed=0):
    random = np.random.default_rng(seed)
    x, y = np.meshgrid(*[(np.arange(n) + 0.5) / n for n in shape], indexing="ij")
    waves = [
        np.sin(2.0 * np.pi * (k * x + m * y) + phase)
        for k, m, phase in zip([1, 0, 1, -1], [0, 1, 1, 1], random.uniform(0, 6, 4), strict=True)
    ]
    return gas(1.0 + 0.2 * waves[0], (0.3 + 0.3 * waves[1], 0.4 * waves[2]), 1.0 + 0.3 * waves[3])


def finished(solution):
    assert int(solution.status) == Status.OK
    return np.asarray(solution.values)


# Between equal states each flux is that of the law (test_riemann_solvers.py).
@pytest.mark.parametrize("name", ["rusanov", *map(slow, ("roe", "muscl-rusanov", "muscl-hll")),
                                  "muscl-hllc"])  # fmt: skip
def test_a_uniform_stream_stays_exactly(name):
    grid = Grid.rectangle((12, 10), upper=(1.0, 2.0), boundary=("periodic", "outflow"))
    stream = gas(np.full(grid.shape, 1.3), (0.7, -1.1), 0.9)
    # Each stage of a step leaves it as it is.
    advanced = compiled(conservative_step, SCHEMES[name], stream, np.asarray(0.01), grid)
    np.testing.assert_array_equal(advanced, stream)


def test_totals_are_constant_over_a_thousand_steps():
    initial = wavy((12, 10))
    grid = Grid.rectangle((12, 10), upper=(1.0, 2.0))
    times = np.linspace(0.0, 10.0, 3)
    scheme = SCHEMES["muscl-hllc"]
    values = finished(compiled_solve(scheme, initial, times, grid, substeps=500))
    drift = np.abs(values.sum(axis=(2, 3)) - values[0].sum(axis=(1, 2))) / np.abs(values[0]).sum()
    assert np.max(drift) < 1e-12
    assert np.max(np.abs(values[-1] - values[0])) > 0.1


@pytest.mark.parametrize("walls", [0, slow(1)])
def test_walls_are_mirrors(walls):
    """Between walls on one axis the solution is half of the one whose mirror image goes on.

    So a wall turns the momentum across it and no other, and lets no mass and no energy through.
    """
    shape = (16, 16)
    initial = np.asarray(wavy(shape, seed=3))
    between = tuple("wall" if axis == walls else "periodic" for axis in range(2))
    upper = tuple(2.0 if axis == walls else 1.0 for axis in range(2))
    double = tuple(2 * n if axis == walls else n for axis, n in enumerate(shape))
    mirrored = np.flip(initial, axis=1 + walls).copy()
    mirrored[1 + walls] *= -1.0
    whole = np.concatenate([initial, mirrored], axis=1 + walls)
    times = np.array([0.0, 0.2])
    scheme = SCHEMES["muscl-rusanov"]
    inside = finished(
        compiled_solve(
            scheme, jnp.asarray(initial), times, Grid.rectangle(shape, boundary=between), substeps=8
        )
    )
    free = finished(
        compiled_solve(
            scheme, jnp.asarray(whole), times, Grid.rectangle(double, upper=upper), substeps=8
        )
    )
    half = np.split(free, 2, axis=2 + walls)[0]
    np.testing.assert_allclose(inside, half, atol=1e-13)
    totals = inside.sum(axis=(2, 3))
    kept = [0, 2 - walls, 3]
    np.testing.assert_allclose(totals[1, kept], totals[0, kept], rtol=1e-13, atol=1e-12)
    assert abs(totals[1, 1 + walls] - totals[0, 1 + walls]) > 1.0


@pytest.mark.validation
def test_a_plane_wave_on_cells_that_are_not_square_is_a_wave_on_a_line():
    """Along y, with a wall and an inflow; the velocity along x is carried."""
    cells = 30
    law, line = GAS, Euler()
    y = (np.arange(cells) + 0.5) / cells
    density, pressure = np.where(y < 0.5, 1.0, 0.4), np.where(y < 0.5, 1.5, 0.3)
    narrow = line.conserved(*map(jnp.asarray, (density, 0.2 + 0.0 * y[None], pressure)))
    wide = gas(np.broadcast_to(density, (4, cells)), (0.0, 0.2), pressure)
    coming = np.array([0.5, 0.1, 1.2])
    times = np.array([0.0, 0.15])
    alone = finished(
        compiled_solve(
            MUSCL(line),
            narrow,
            times,
            Grid.interval(cells, boundary=(Inflow(coming), "wall")),
            substeps=20,
        )
    )
    for profile in (coming[[0, 1, 1, 2]] * [1, 0, 1, 1], None):
        state = np.array([0.5, 0.0, 0.1, 1.2])
        state = state if profile is None else np.repeat(state[:, None], 4, axis=1)
        sides = ("periodic", (Inflow(state), "wall"))
        grid = Grid.rectangle((4, cells), upper=(7.0, 1.0), boundary=sides)
        together = finished(compiled_solve(MUSCL(law), wide, times, grid, substeps=20))
        for row in range(4):
            np.testing.assert_allclose(together[:, [0, 2, 3], row], alone, atol=1e-12)
        np.testing.assert_allclose(together[:, 1], 0.0, atol=1e-12)


def vortex(cells, time):
    """The isentropic vortex of Shu (1998) as cell averages over [-5, 5]², moved by (t, t)."""
    fine = Grid.interval(4 * cells, -5.0, 5.0).centers()
    x, y = np.meshgrid(*[(fine - time + 5.0) % 10.0 - 5.0] * 2, indexing="ij")
    bump = 5.0 / (2.0 * np.pi) * np.exp(0.5 * (1.0 - x**2 - y**2))
    temperature = 1.0 - 0.4 / 2.8 * bump**2
    density = temperature**2.5
    fields = gas(density, (1.0 - bump * y, 1.0 + bump * x), density * temperature)
    return np.asarray(fields).reshape(4, cells, 4, cells, 4).mean(axis=(2, 4))


# Shorter runs are compared with PyClaw's in test_pyclaw_plane.py.
@pytest.mark.validation
@pytest.mark.parametrize(("name", "least"), [("muscl-hllc", 1.8), ("rusanov", 0.3)])
def test_order_on_a_vortex(name, least):
    errors = []
    for cells in (32, 64):
        grid = Grid.rectangle((cells, cells), (-5.0, -5.0), (5.0, 5.0))
        initial = jnp.asarray(vortex(cells, 0.0))
        values = finished(compiled_solve(SCHEMES[name], initial, np.array([0.0, 2.0]), grid))
        errors.append(np.mean(np.abs(values[-1] - vortex(cells, 2.0))))
    assert np.log2(errors[0] / errors[1]) > least


@pytest.mark.validation
def test_order_of_a_rotation():
    """A quarter of a turn takes (x, y) to (-y, x)."""
    errors = []
    for cells in (40, 80):
        grid = Grid.rectangle((cells, cells), (-1.0, -1.0), (1.0, 1.0), "outflow")
        x = grid.centers()
        bump = np.exp(-40.0 * ((x[:, None] - 0.4) ** 2 + (x - 0.1) ** 2))
        scheme = MUSCL(rotation(grid))
        times = np.array([0.0, 0.5 * np.pi])
        values = finished(compiled_solve(scheme, jnp.asarray(bump[None]), times, grid))
        exact = np.exp(-40.0 * ((x[:, None] + 0.1) ** 2 + (x - 0.4) ** 2))
        errors.append(np.mean(np.abs(values[-1, 0] - exact)))
    assert np.log2(errors[0] / errors[1]) > 1.8


@pytest.mark.validation
def test_order_on_a_simple_wave_of_an_isothermal_gas():
    """With n - c ln ρ constant, ρ is carried at n + c, here along y."""
    c, time, errors = 0.8, 0.2, []
    law = IsothermalEuler(c=c)
    for cells in (40, 80):
        grid = Grid.rectangle((4, cells))
        y = grid.centers(1)
        start = np.linspace(-1.0, 2.0, 20_001)
        density = lambda s: 1.0 + 0.3 * np.sin(2.0 * np.pi * s)  # noqa: E731
        moved = start + time * (c + c * np.log(density(start)))
        initial = np.zeros((3, 4, cells))
        initial[0], initial[2] = density(y), c * density(y) * np.log(density(y))
        run = compiled_solve(MUSCL(law), jnp.asarray(initial), np.array([0.0, time]), grid)
        exact = density(np.interp(y, moved, start))
        errors.append(np.mean(np.abs(finished(run)[-1, 0] - exact)))
    assert np.log2(errors[0] / errors[1]) > 1.7


@pytest.mark.validation
def test_diagonal_data_of_a_cubic_law_are_data_on_a_line():
    """u(x + y) with the same law along both axes obeys ∂t u + 2 ∂s f(u) = 0."""
    cells = 80
    x = Grid.interval(cells).centers()
    initial = 0.3 + 0.4 * np.sin(2.0 * np.pi * (x[:, None] + x))
    law = Cubic(a=0.5, b=-0.3, c=0.2)
    plane = Grid.rectangle((cells, cells))
    times = np.array([0.0, 0.15])
    scheme = MUSCL(ByAxis((law, law)))
    values = finished(compiled_solve(scheme, jnp.asarray(initial[None]), times, plane))[-1, 0]
    fine = Grid.interval(8 * cells)
    double = Cubic(a=1.0, b=-0.6, c=0.4)
    start = jnp.asarray(0.3 + 0.4 * np.sin(2.0 * np.pi * fine.centers())[None])
    line = finished(compiled_solve(MUSCL(double), start, times, fine))[-1, 0]
    s = (x[:, None] + x) % 1.0
    expected = np.interp(s, fine.centers(), line, period=1.0)
    assert np.mean(np.abs(values - expected)) < 2e-3
    np.testing.assert_allclose(values, values.T, atol=1e-13)


@pytest.mark.parametrize("scheme", [Rusanov(KPP()), slow(MUSCL(KPP(), "minmod", "hll"))])
def test_a_rotating_wave_keeps_its_range_and_moves_by_its_fluxes(scheme):
    """∂t ∫x u = ∫(sin u - sin u₀) and ∂t ∫y u = ∫(cos u - cos u₀), with u = u₀ far away."""
    cells, time = 48, 0.2
    grid = Grid.rectangle((cells, cells), (-2.0, -2.5), (2.0, 1.5), "outflow")
    x, y = np.meshgrid(grid.centers(0), grid.centers(1), indexing="ij")
    far, within = 0.25 * np.pi, 3.5 * np.pi
    initial = np.where(np.hypot(x, y) < 1.0, within, far)
    times = np.linspace(0.0, time, 21)
    values = finished(compiled_solve(scheme, jnp.asarray(initial[None]), times, grid))[:, 0]
    assert values.min() > far - 1e-12
    assert values.max() < within + 1e-12
    for place, flux in ((x, np.sin), (y, np.cos)):
        moved = np.mean(place * (values[-1] - initial))
        flow = np.mean(flux(values) - flux(far), axis=(1, 2))
        expected = np.mean(0.5 * (flow[1:] + flow[:-1])) * time
        assert abs(expected) > 0.03
        assert moved == pytest.approx(expected, rel=0.05)


@pytest.mark.validation
def test_derivatives_of_both_modes_are_those_of_differences():
    grid = Grid.rectangle((8, 6), upper=(1.0, 0.5), boundary=("periodic", "wall"))
    initial, times = wavy((8, 6), seed=5), np.array([0.0, 0.05])
    scheme = SCHEMES["muscl-rusanov"]

    def moment(gamma, **how):
        flux = eqx.tree_at(lambda flux: flux.law.gamma, scheme, gamma)
        values = solve(flux, initial, times, grid, **how).values[-1]
        return jnp.sum(values[1] * values[1])

    gamma, h = jnp.asarray(1.4), 1e-5
    low, high = (compiled(moment, gamma + d, substeps=6) for d in (-h, h))
    backward = compiled(jax.grad(moment), gamma, substeps=6)
    assert float(backward) == pytest.approx(float((high - low) / (2.0 * h)), rel=1e-5)

    def forward(gamma):
        adaptive = {"control": StepControl(lagged=False)}
        return jax.jvp(lambda g: moment(g, **adaptive), (gamma,), (jnp.ones_like(gamma),))[1]

    assert float(compiled(forward, gamma)) == pytest.approx(float(backward), rel=0.2)


@pytest.mark.parametrize("name", [*map(slow, ("roe", "muscl-rusanov", "cubic")), "rotation"])
def test_rows_in_blocks_are_rows(name, monkeypatch):
    """Whatever their number: the last block is not full. A rotation knows its rows."""
    grid = Grid.rectangle((11, 14), upper=(1.0, 2.0), boundary=("periodic", "wall"))
    initial, scheme = wavy(grid.shape), SCHEMES.get(name)
    if scheme is None:
        law = rotation(grid) if name == "rotation" else ByAxis((Cubic(a=0.5), Cubic(b=0.3)))
        scheme, initial = Rusanov(law), initial[:1]

    def advanced(u):
        new = conservative_step(scheme, u, jnp.asarray(0.01), grid)
        return jnp.sum(new * new), new

    def of_program():
        return jax.jit(jax.value_and_grad(advanced, has_aux=True))(initial)

    (_, whole), slope = of_program()
    module = importlib.import_module("hfluxno.fv.step")
    monkeypatch.setattr(module, "_BLOCK", 5 * initial.nbytes // grid.shape[0])
    (_, parts), of_parts = of_program()
    np.testing.assert_allclose(parts, whole, rtol=0.0, atol=1e-14)
    np.testing.assert_allclose(of_parts, slope, rtol=0.0, atol=1e-12)
    assert jnp.max(jnp.abs(whole - initial)) > 0.01


@pytest.mark.validation
def test_derivatives_are_finite_where_nothing_happens():
    """Equal cells, where limiters and eigenvalues are degenerate."""
    grid = Grid.rectangle((6, 5))
    rest = gas(np.ones(grid.shape), (0.0, 0.0), 1.0)
    scheme = Roe(GAS, entropy_fix=False)

    def energy(initial):
        values = solve(scheme, initial, np.array([0.0, 0.1]), grid, substeps=2).values
        return jnp.sum(values[-1] * values[-1])

    assert bool(jnp.all(jnp.isfinite(compiled(jax.grad(energy), rest))))


def test_law_and_grid_must_have_the_same_axes():
    u = jnp.ones((1, 4, 4))
    with pytest.raises(ValueError, match=r"2 axes needs as many numerical fluxes; got 1\."):
        solve(Roe(Cubic()), u, np.array([0.0, 1.0]), Grid.rectangle((4, 4)))
    with pytest.raises(ValueError, match=r"1 axes needs as many numerical fluxes; got 2\. Use"):
        solve(Rusanov(KPP()), u[..., 0], np.array([0.0, 1.0]), Grid.interval(4))
