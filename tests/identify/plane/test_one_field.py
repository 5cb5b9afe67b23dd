"""One field on a plane: jumps within cells, and fluxes of any shape."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.fv import MUSCL, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.plane import run
from hfluxno.identify.plane.jumps import jumps
from hfluxno.identify.plane.select import alternatives, choose, estimate, functions_of
from hfluxno.laws import KPP
from hfluxno.parametric.basis import Chebyshev
from hfluxno.parametric.plane.terms import Roles
from hfluxno.parametric.plane.weak_form import total, weak_systems
from hfluxno.trajectory import Trajectory

pytestmark = pytest.mark.usefixtures("x64")


def averaged(u, n):
    return u.reshape(n, len(u) // n, n, -1).mean(axis=(1, 3))


@pytest.mark.parametrize("turned", [False, True])
def test_an_average_over_a_jump_is_that_of_both_sides(turned):
    """A straight front at any place within cells, of a function with several extrema."""
    fine, cells, front = 320, 20, 7.3
    x = (np.arange(fine) + 0.5) * cells / fine
    u = np.where(x < front, 0.4, 11.0)[:, None] + np.zeros(fine)
    u = u.T if turned else u
    field, truth = averaged(u, cells)[None], averaged(np.sin(u), cells)[None]
    found = jumps(field, (False, False))
    crossed = [7] if not turned else slice(None), slice(None) if not turned else [7]
    assert found.here.sum() == cells and found.here[0][crossed].all()
    np.testing.assert_allclose(found.average(np.sin), truth, atol=1e-12)
    assert np.max(np.abs(np.sin(field) - truth)) > 0.1


def test_waves_and_extrema_are_no_jumps():
    x = 2.0 * np.pi * (np.arange(32) + 0.5) / 32
    field = (np.sin(x)[:, None] + np.cos(2.0 * x))[None]
    found = jumps(field, (True, True))
    assert not found.here.any()
    np.testing.assert_array_equal(found.average(np.exp), np.exp(field))
    spike = np.zeros((1, 16, 16))
    spike[0, 5, 5] = 1.0
    assert not jumps(spike, (True, True)).here.any()
    # Over the end of a circle.
    step = np.zeros((1, 16, 16))
    step[0, :8], step[0, 0], step[0, 8] = 1.0, 0.5, 0.5
    assert jumps(step, (True, False)).here[0, [0, 8]].all()
    assert not jumps(step, (False, False)).here[0, 0].any()


def test_stiffness_holds_what_the_equations_do_not_say():
    """As that of ridge regression with the same weights."""
    x = 2.0 * np.pi * (np.arange(24) + 0.5) / 24
    t = 0.1 * np.arange(8)[:, None, None]
    values = (1.0 + 0.3 * np.sin(x[:, None] - t) + 0.2 * np.cos(x + 0.5 * t))[:, None]
    lower, upper = values.min(axis=(0, 2, 3)), values.max(axis=(0, 2, 3))
    basis = Chebyshev(0.5 * (lower + upper), 0.5 * (upper - lower), 12)
    system = total(weak_systems(values, functions_of(basis, (True, True)), (True, True)))
    sizes = np.std(values, axis=(0, 2, 3))
    found, _ = choose(system, basis, Roles(1), sizes, 1.0)
    sparse, *smooth = alternatives(found, system, basis, sizes)
    assert sparse is found and len(smooth) > 1
    (last,) = smooth[-1]
    matrix = system.normal / sizes[0] ** 2
    held = np.diag(last.structure.stiffness * np.mean(np.diag(matrix)))
    expected = np.linalg.solve(matrix + held, system.right[0] / sizes[0] ** 2)
    np.testing.assert_allclose(last.unknowns, expected, rtol=1e-6, atol=1e-12)
    left = estimate(system, dataclasses.replace(last.structure, stiffness=None), sizes)
    assert left.misfit <= last.misfit
    # The higher a polynomial, the less there is of it.
    sizes_of = np.abs(last.unknowns.reshape(2, 12))
    assert np.all(sizes_of[:, 8:].max(axis=1) < 0.05 * sizes_of[:, :2].max(axis=1))


@pytest.mark.validation
def test_a_flux_with_several_extrema_is_found(monkeypatch):
    """sin u and cos u over one and a half periods, from averages of a finer run."""
    monkeypatch.setattr(run, "REFINEMENTS", (2,))
    fine, cells, frames = 96, 48, 12
    x = 2.0 * np.pi * (np.arange(fine) + 0.5) / fine
    first = 4.5 + 2.5 * np.sin(x)[:, None] + 2.0 * np.cos(x - 1.0) * np.sin(x + 2.0)[:, None]
    grid, times = Grid.rectangle((fine, fine)), 0.02 * np.arange(frames)
    solution = solve(MUSCL(KPP(), "mc", "rusanov"), jnp.asarray(first[None]), times, grid)
    values = np.asarray(solution.values).reshape(frames, 1, cells, 2, cells, 2).mean(axis=(3, 5))
    context = Trajectory(values[:9], times[:9], Grid.rectangle((cells, cells)), ("u",))
    ahead = hfluxno.forecast(context, 3)
    (found,) = ahead.identifications
    assert found.status == FitStatus.OK
    seen = np.linspace(values[:9].min(), values[:9].max(), 101)
    for axis, exact in ((0, np.sin(seen)), (1, np.cos(seen))):
        difference = found.law.flux(seen[None], axis)[0] - exact
        assert np.std(difference) < 0.06 * np.std(exact)
    still = np.linalg.norm(values[9:] - values[8:9])
    assert np.linalg.norm(np.asarray(ahead.trajectory.values) - values[9:]) < 0.1 * still


@pytest.mark.validation
def test_what_is_carried_at_a_constant_velocity_has_two_terms(monkeypatch):
    """Exact averages of waves over cells, at a velocity of (.31, -.23) cells a frame."""
    monkeypatch.setattr(run, "_MOST_CELLS", 0)  # one program less
    cells, velocity = 24, np.array([0.31, -0.23])
    edges = 2.0 * np.pi * np.arange(cells + 1) / cells
    waves = (((1, 0), 0.0, 1.0), ((1, 1), 0.4, 0.7), ((-1, 2), 1.0, 0.5), ((0, 1), 2.0, 0.6))
    frames = np.zeros((10, cells, cells))
    for (k, m), phase, size in waves:
        for t, frame in enumerate(frames):
            at = phase - 2.0 * np.pi / cells * t * (k * velocity[0] + m * velocity[1])
            whole = np.exp(1j * (k * edges[:, None] + m * edges + at))
            for axis, number in ((0, k), (1, m)):
                along = np.diff(whole, axis=axis) / (1j * number) if number else whole
                keep = slice(None) if number else slice(cells)
                whole = along[keep] if axis == 0 else along[:, keep]
                whole = whole * (cells / (2.0 * np.pi) if number else 1.0)
            frame += size * whole.real
    seen = Trajectory(frames[:, None], np.arange(10.0), Grid.rectangle((cells, cells)), ("u",))
    found = hfluxno.identify(seen)
    assert found.status == FitStatus.OK and len(found.terms) == 2
    flux = np.asarray(found.grid_law.coefficients)[:, 0]
    assert np.all(flux[:, 1:] == 0.0)
    np.testing.assert_allclose(flux[:, 0], velocity, rtol=0.01)
    # Its name says them in the units of the data, and holds beyond the observed range.
    assert found.name.startswith("linear advection, a = 0.0129") and not found.isotropic
    assert found.recognised.value == pytest.approx(velocity[0] / cells, rel=0.01)
    assert found.recognised.more[0].value == pytest.approx(velocity[1] / cells, rel=0.01)
    assert not found.law.depends_on_range
