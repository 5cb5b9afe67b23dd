"""Sources and diffusion on a plane: the weak form, the search, the law, and its file."""

import dataclasses
import itertools
import json

import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.identify import FitStatus, identify_plane, load_law
from hfluxno.identify.assembled import kept_by_walls
from hfluxno.identify.plane import identification, search
from hfluxno.identify.plane.frames import frames_of
from hfluxno.identify.plane.residual import residual
from hfluxno.identify.plane.run import Start
from hfluxno.identify.plane.saved import in_cells, to_save
from hfluxno.identify.recognition.monomials import written_sum
from hfluxno.laws.base import pointwise_jacobian
from hfluxno.parametric.basis import Chebyshev
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.trajectory import Trajectory
from tests.identify import runge_kutta
from tests.identify.plane.laws import GRID, INTERVAL, one_field, shallow_water
from tests.identify.plane.laws import identification as identified

pytestmark = pytest.mark.usefixtures("x64")

CELLS, DT = (32, 24), 0.02
DECAY, NU = 1.5, (0.02, 0.005)
VELOCITY = (0.7, -0.4)


def decaying(decay=DECAY, nu=NU) -> Trajectory:
    """∂t u + a ∂x u + b ∂y u = -λ u + ν_0 ∂xx u + ν_1 ∂yy u, exactly."""
    times = DT * np.arange(10)
    x, y = ((np.arange(n) + 0.5) / n for n in CELLS)
    frames = np.ones((len(times), *CELLS))
    random = np.random.default_rng(3)
    for k in range(-2, 3):
        for m in range(3):
            size, phase = random.uniform(0.02, 0.1), random.uniform(0.0, 6.0)
            rate = 4.0 * np.pi**2 * (nu[0] * k**2 + nu[1] * m**2)
            for frame, t in zip(frames, times, strict=True):
                angle = k * (x[:, None] - VELOCITY[0] * t) + m * (y - VELOCITY[1] * t)
                frame += size * np.exp(-rate * t) * np.cos(2.0 * np.pi * angle + phase)
    frames *= np.exp(-decay * times)[:, None, None]
    return Trajectory(frames[:, None], times, Grid.rectangle(CELLS), ("u",))


@pytest.fixture
def every_run_is_right(monkeypatch):
    """Nothing is solved: only the weak form decides."""
    for name in ("back_test", "best_start"):
        monkeypatch.setattr(search, name, lambda *_: (1e-3, Start("restart", 1)))
    monkeypatch.setattr(identification, "is_systematic", lambda *_: False)


def test_decay_and_diffusion_are_found_where_fluxes_do_not_explain(every_run_is_right):
    found = identify_plane(decaying())
    assert found.status == FitStatus.OK
    assert found.law.sources is not None and found.law.diffusivities is not None
    assert found.law.arising == ((1,),)
    np.testing.assert_allclose(found.law.sources, [[-DECAY]], rtol=0.01)
    np.testing.assert_allclose(found.law.diffusivities.ravel(), NU, rtol=0.05)
    by_name = {term.name: term for term in found.terms}
    assert by_name["source: u"].value == pytest.approx(-DECAY, rel=0.01)
    assert by_name["∂yy"].value == pytest.approx(NU[1], rel=0.05)
    assert by_name["∂yy"].fields == ("u",)
    (formula,) = found.formulas
    right = formula.split(" = ")[1]
    assert right.startswith("-1.") and " u + 0.0" in right and right.endswith("∂yy u")
    # The law of the units, in cells and frames.
    back = in_cells(found.law, decaying().grid, DT)
    np.testing.assert_allclose(back.sources, found.grid_law.sources)
    np.testing.assert_allclose(back.diffusivities, found.grid_law.diffusivities)


def rotating(g=4.0, turns=1.5) -> Trajectory:
    """Shallow water on a turning plane, by a spectral method: ∂t m + … = turns (m_y, -m_x)."""
    n = 32
    waves = 2j * np.pi * np.fft.fftfreq(n, 1.0 / n)
    kept = (np.abs(waves)[:, None] < 2.0 * np.pi * n / 3) & (np.abs(waves) < 2.0 * np.pi * n / 3)
    x, y = np.meshgrid(*[2.0 * np.pi * (np.arange(n) + 0.5) / n] * 2, indexing="ij")
    h = 1.0 + 0.1 * np.sin(x + 0.3) * np.cos(y) + 0.08 * np.sin(x - 2.0 * y)
    u = np.stack([h, 0.2 * h * np.sin(y + 1.0), 0.2 * h * np.cos(x)])

    def change(u):
        h, mx, my = u
        square, both = 0.5 * g * h**2, mx * my / h
        along_x, along_y = [mx, mx**2 / h + square, both], [my, both, my**2 / h + square]
        fluxes = waves[:, None] * np.fft.fft2(along_x) + waves * np.fft.fft2(along_y)
        return np.fft.ifft2(-fluxes * kept).real + turns * np.stack([0.0 * h, my, -mx])

    step, frames = INTERVAL / 8, [u]
    for _ in range(9):
        for _ in range(8):
            u = runge_kutta.step(change, u, step)
        frames.append(u)
    times = INTERVAL * np.arange(10)
    return Trajectory(np.stack(frames), times, Grid.rectangle((n, n)), ("h", "m_x", "m_y"))


def test_water_that_turns_is_shallow_water_with_sources(every_run_is_right):
    found = identify_plane(rotating())
    assert found.status == FitStatus.OK and found.recognised.name == "shallow water"
    assert found.recognised.value == pytest.approx(4.0, rel=0.01)
    sources = dict(zip(found.law.arising, found.law.sources.T, strict=True))
    np.testing.assert_allclose(sources[(0, 0, 1)], [0.0, 1.5, 0.0], atol=0.02)
    np.testing.assert_allclose(sources[(0, 1, 0)], [0.0, 0.0, -1.5], atol=0.02)


def test_a_law_that_explains_stays_without(every_run_is_right):
    found = identify_plane(decaying(0.0, (0.0, 0.0)))
    assert found.status == FitStatus.OK and not found.law.has_further
    assert found.formulas[0].endswith(" = 0")


@pytest.mark.parametrize(("nu", "is_found"), [(0.002, True), (2e-5, False)])
def test_a_little_diffusion_is_found_where_fluxes_explain(monkeypatch, nu, is_found):
    """If it is evident in the weak form, and the frames that were held out are predicted better."""
    errors = itertools.count(100, -1)
    for name in ("back_test", "best_start"):
        monkeypatch.setattr(search, name, lambda *_: (1e-4 * next(errors), Start("restart", 1)))
    monkeypatch.setattr(identification, "is_systematic", lambda *_: False)
    found = identify_plane(decaying(0.0, (nu, nu)))
    assert found.status == FitStatus.OK and found.law.has_further == is_found
    if is_found:
        assert found.law.sources is None
        np.testing.assert_allclose(found.law.diffusivities.ravel(), nu, rtol=0.05)


def test_what_sources_do_not_explain_keeps_its_status(every_run_is_right, monkeypatch):
    for name in ("back_test", "best_start"):
        monkeypatch.setattr(search, name, lambda *_: (1.0, Start("restart", 1)))
    monkeypatch.setattr(identification, "search_flow", lambda *_: None)
    found = identify_plane(decaying())
    assert found.status == FitStatus.SOURCE_OR_LEAK and not found.law.has_further


def test_a_law_that_the_weak_form_rejects_is_not_run_with_sources(monkeypatch):
    """Frames of which none follows from another."""
    x, y = (2.0 * np.pi * np.arange(n) / n for n in CELLS)
    phases = np.random.default_rng(1).uniform(0.0, 6.0, (10, 2))
    values = np.stack([np.sin(x + a)[:, None] * np.cos(y + b) for a, b in phases])[:, None]
    context = Trajectory(values, DT * np.arange(10), Grid.rectangle(CELLS), ("u",))
    ran = []

    def back_test(law, *_):
        ran.append(law.has_further)
        return 1.0, Start("restart", 1)

    for name in ("back_test", "best_start"):
        monkeypatch.setattr(search, name, back_test)
    assert identify_plane(context).status == FitStatus.POOR_FIT
    assert ran and not any(ran)


def test_what_changes_no_total_has_no_source_that_would(every_run_is_right):
    context = decaying(decay=0.0)
    assert identification.sources_of(frames_of(context)) == ()
    found = identify_plane(context)
    assert found.status == FitStatus.OK and found.law.sources is None
    np.testing.assert_allclose(found.law.diffusivities.ravel(), NU, rtol=0.05)
    # Decay of a field without mean changes no total either.
    centred = dataclasses.replace(context, values=context.values - context.values.mean())
    assert (1,) in identification.sources_of(frames_of(centred))
    assert len(identification.sources_of(frames_of(decaying()))) == 4


def with_gravity() -> FittedPlaneLaw:
    """Water that falls along y, with a viscosity."""
    sources = np.array([[0.0, 0.0], [0.0, 0.0], [-2.0, 0.3]])
    return dataclasses.replace(
        shallow_water(),
        arising=((1, 0, 0), (0, 0, 1)),
        sources=sources,
        diffusivities=np.array([[0.0, 0.1, 0.1], [0.0, 0.2, 0.2]])[:, :, None],
    )


def test_sources_and_diffusivities_of_the_law():
    law, u = with_gravity(), jnp.array([[0.8, 9.0], [0.1, 0.0], [0.4, -5.0]])
    x, t = jnp.zeros((2, 2)), 0.0
    expected = -2.0 * u[0] + 0.3 * u[2]  # linear beyond the observed range too
    np.testing.assert_allclose(law.source(u, x, t), jnp.stack([0 * u[0], 0 * u[0], expected]))
    jacobian = pointwise_jacobian(lambda v: law.source(v, x, t), u)
    np.testing.assert_allclose(jacobian[2, :, 0], [-2.0, 0.0, 0.3])
    for axis, nu in ((0, 0.1), (1, 0.2)):
        np.testing.assert_allclose(law.along(axis).diffusivity(u), [[0, 0], [nu] * 2, [nu] * 2])
    assert shallow_water().source(u, x, t) is None
    assert shallow_water().diffusivity(u) is None
    moved = in_cells(law, GRID, INTERVAL)
    np.testing.assert_allclose(moved.sources, INTERVAL * law.sources)
    rates = INTERVAL / np.square(GRID.spacing)
    np.testing.assert_allclose(moved.diffusivities, rates[:, None, None] * law.diffusivities)
    cubic = dataclasses.replace(one_field(), arising=((0,), (3,)), sources=np.array([[1.0, -2.0]]))
    inside, beyond = jnp.array([[0.5]]), jnp.array([[2.3]])
    assert cubic.source(inside, x[:, :1], t).item() == pytest.approx(1.0 - 2.0 * 0.5**3)
    tangent = 1.0 - 2.0 * 1.3**3 - 6.0 * 1.3**2 * (2.3 - 1.3)
    assert cubic.source(beyond, x[:, :1], t).item() == pytest.approx(tangent)


def test_its_file(tmp_path):
    saved = to_save(identified(with_gravity()))
    path = tmp_path / "law.json"
    saved.save(path)
    again = load_law(path).law
    assert again.arising == saved.law.arising
    np.testing.assert_array_equal(again.sources, saved.law.sources)
    np.testing.assert_array_equal(again.diffusivities, saved.law.diffusivities)
    data = json.loads(path.read_text())
    for change, sentence in (
        ({"sources": [[1.0]]}, "need 2 coefficients for each field"),
        ({"arising": [[1, 0, 0], [4, 0, 0]]}, "up to the third"),
        ({"diffusivities": [[1.0] * 3]}, "along both axes"),
        ({"diffusivities": [[1.0] * 3, [-1.0] * 3]}, "may be negative"),
    ):
        path.write_text(json.dumps(data | {"further": data["further"] | change}))
        with pytest.raises(ValueError, match=sentence):
            load_law(path)


def test_polynomials_of_low_degree_are_written_in_powers():
    def written(middle, *row):
        basis = Chebyshev(np.array([middle]), np.array([1.5]), 5)
        return written_sum(basis, np.array(row), ("u",))

    # T2(v) = 2 v² - 1 and T3(v) = 4 v³ - 3 v of v = (u - middle)/1.5.
    assert written(0.0, 0.0, 9 / 8, 0.0, 0.0, 0.0) == "1 u²"
    assert written(0.0, 3.0, 0.0, 27 / 32, 0.0, 0.0) == "0.3125 u + 1 u³"
    assert written(-0.75, 0.0, 9 / 8, 0.0, 0.0, 0.0) == "1.5 u + 1 u²"
    assert written(300.0, -4.5, 0.0, 0.0, 0.0, 0.0) == "-3 u"
    # Powers would cancel.
    assert written(300.0, 0.0, 1.0, 0.0, 0.0, 0.0) == "1 T2((u - 300)/1.5)"
    assert written(-0.4, 0.0, 0.0, 0.0, 1.0, 0.0) == "1 T4((u + 0.4)/1.5)"


def test_momentum_that_walls_take_is_no_drift():
    grid = Grid.rectangle((16, 16), boundary=("wall", "periodic"))
    assert kept_by_walls(grid, shallow_water()) == [0, 2]
    assert kept_by_walls(Grid.rectangle((16, 16)), shallow_water()) == [0, 1, 2]


def diffusing(noise=0.0) -> tuple[Trajectory, np.ndarray]:
    """∂t u + .7 ∂x u - .4 ∂y u = ∇·(ν(u) ∇u) with ν = .004 + .012 u², by an explicit scheme."""
    cells, inside, frames, interval = 24, 4, 10, 0.02
    n = cells * inside
    x = 2.0 * np.pi * (np.arange(n) + 0.5) / n
    u = 1.0 + 0.35 * np.sin(x)[:, None] * np.cos(x) + 0.25 * np.cos(x[:, None] + 2.0 * x)

    def change(u):
        total = np.zeros_like(u)
        for axis, speed in ((0, 0.7), (1, -0.4)):
            after = np.roll(u, -1, axis)
            slope = (0.004 + 0.006 * (u**2 + after**2)) * (after - u) * n
            flux = 0.5 * speed * (u + after) - slope
            total -= n * (flux - np.roll(flux, 1, axis))
        return total

    kept, steps = [u], 60
    for _ in range(frames - 1):
        for _ in range(steps):
            half = u + 0.5 * interval / steps * change(u)
            u = u + interval / steps * change(half)
        kept.append(u)
    values = np.stack(kept).reshape(frames, cells, inside, cells, inside).mean(axis=(2, 4))
    values = values + noise * values.std() * np.random.default_rng(0).normal(size=values.shape)
    grid = Grid.rectangle((cells, cells))
    return Trajectory(values[:, None], interval * np.arange(frames), grid, ("u",)), values


@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_a_diffusivity_that_depends_on_the_field(every_run_is_right, noise):
    context, values = diffusing(noise)
    found = identify_plane(context)
    assert found.status == FitStatus.OK and found.law.sources is None
    u = np.linspace(values.min(), values.max(), 7)[None]
    for axis in (0, 1):
        nu = np.asarray(found.law.along(axis).diffusivity(jnp.asarray(u)))[0]
        within = slice(1, -1) if noise else slice(None)
        expected = (0.004 + 0.012 * u[0] ** 2)[within]
        np.testing.assert_allclose(nu[within], expected, rtol=0.15 if noise else 0.05)
    (formula,) = found.formulas
    assert "∂x((" in formula and ("u²) ∂x u)" in formula or noise)
    assert residual(found.grid_law, frames_of(context))[0] == pytest.approx(found.misfit, rel=1e-6)


def test_the_file_of_a_diffusivity_that_depends_on_the_field(tmp_path, every_run_is_right):
    saved = to_save(identify_plane(diffusing()[0]))
    saved.save(tmp_path / "law.json")
    again = load_law(tmp_path / "law.json").law
    np.testing.assert_array_equal(again.diffusivities, saved.law.diffusivities)
    assert again.diffusivities.shape == (2, 1, 3)
    data = json.loads((tmp_path / "law.json").read_text())
    earlier = data["further"] | {"diffusivities": [[0.1], [0.2]]}  # numbers, before
    (tmp_path / "law.json").write_text(json.dumps(data | {"further": earlier}))
    np.testing.assert_array_equal(
        load_law(tmp_path / "law.json").law.diffusivities, [[[0.1]], [[0.2]]]
    )


def test_the_diffusivity_does_not_leave_its_range():
    nu = np.array([[[0.1, 0.2]], [[0.3, -0.5]]])
    law = dataclasses.replace(one_field(), diffusivities=nu)
    low, high = law.lower[0], law.upper[0]
    middle, half = law.basis.middle[0], law.basis.half[0]
    u = jnp.array([[low - 1.0, middle, high, high + 1.0]])
    ends = (np.array([low, middle, high, high]) - middle) / half
    np.testing.assert_allclose(law.along(0).diffusivity(u)[0], np.maximum(0.1 + 0.2 * ends, 0.0))
    np.testing.assert_allclose(law.along(1).diffusivity(u)[0], np.maximum(0.3 - 0.5 * ends, 0.0))


@pytest.mark.validation
def test_one_diffusivity_for_both_axes_needs_equal_ones(every_run_is_right):
    equal, (x, y) = identify_plane(decaying(nu=(0.01, 0.01))), (0.02, 0.005)
    assert "Δ" in {term.name for term in equal.terms}
    np.testing.assert_allclose(equal.law.diffusivities.ravel(), 0.01, rtol=0.02)
    apart = {term.name for term in identify_plane(decaying(nu=(x, y))).terms}
    assert {"∂xx", "∂yy"} <= apart and "Δ" not in apart
