"""A tracer in a steady flow on a plane: the velocity, its search, and forecasts with it."""

import dataclasses
import re

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

import hfluxno
from hfluxno.boundary import Outflow, Periodic, Wall
from hfluxno.export.targets import TARGETS, export_law
from hfluxno.fv import MUSCL, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus, identify_plane
from hfluxno.identify.plane import identification, run, search, steady_flow
from hfluxno.identify.plane.flow_kinds import kinds_of
from hfluxno.identify.plane.frames import frames_of
from hfluxno.identify.plane.run import Start
from hfluxno.identify.plane.saved import in_cells, to_save
from hfluxno.laws import rotation
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.plane.flow import SteadyFlow, modes, without_divergence
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.plane.terms import Further
from hfluxno.trajectory import Trajectory
from tests.identify.plane.laws import identification as identified
from tests.identify.plane.laws import tracer
from tests.slow import slow

pytestmark = pytest.mark.usefixtures("x64")

RATE, DT = 0.7, 0.08
LOWER, UPPER, CELLS = (1.0, -2.0), (2.0, -0.5), (32, 48)
CENTER = (1.45, -1.3)


def turning(count: int, start: float = 0.0, noise: float = 0.0, slows: float = 0.0) -> Trajectory:
    """Bumps that turn around a point, exactly: averages of 3 × 3 points of a cell. The rate of
    turning changes if it `slows`."""
    grid = Grid.rectangle(CELLS, LOWER, UPPER, boundary="outflow")
    fine = grid.refine(3)
    x, y = np.meshgrid(fine.centers(0) - CENTER[0], fine.centers(1) - CENTER[1], indexing="ij")
    times = start + DT * np.arange(count)
    frames = []
    for angle in RATE * (times - 0.5 * slows * times**2):
        a = x * np.cos(angle) + y * np.sin(angle)
        b = y * np.cos(angle) - x * np.sin(angle)
        u = np.exp(-60.0 * ((a - 0.15) ** 2 + 2.0 * b**2))
        u = u + 0.7 * np.exp(-50.0 * (2.0 * (a + 0.12) ** 2 + (b - 0.2) ** 2))
        frames.append(u.reshape(CELLS[0], 3, CELLS[1], 3).mean(axis=(1, 3)))
    values = np.stack(frames)[:, None]
    values = values + noise * values.std() * np.random.default_rng(0).normal(size=values.shape)
    return Trajectory(values, times, grid, ("c",))


@pytest.fixture
def every_run_is_right(monkeypatch):
    """Nothing is solved: only the weak form decides."""
    for name in ("back_test", "best_start"):
        monkeypatch.setattr(steady_flow, name, lambda *_: (1e-3, Start("restart", 1)))
        monkeypatch.setattr(search, name, lambda *_: (1.0, Start("restart", 1)))
    monkeypatch.setattr(identification, "is_systematic", lambda *_: False)


@pytest.mark.parametrize("around", [(True, True), (True, False), (False, True), (False, False)])
def test_flows_of_stream_functions_have_no_divergence(around):
    order, lengths, h = 3, (2.0, 0.7), 1e-5
    x, y = np.linspace(0.1, 1.9, 15), np.linspace(0.05, 0.65, 15)

    def divergence(coefficients):
        flow = SteadyFlow(coefficients, np.zeros(2), np.array(lengths), order, around)
        along = (flow.velocity(0, x + h, y) - flow.velocity(0, x - h, y)) / (2.0 * h)
        return along + (flow.velocity(1, x, y + h) - flow.velocity(1, x, y - h)) / (2.0 * h)

    count = len(modes(order, around))
    every = np.stack([divergence(e) for e in np.eye(2 * count).reshape(-1, 2, count)])
    flows = without_divergence(order, around, lengths)
    for each in flows:
        np.testing.assert_allclose(divergence(each), 0.0, atol=1e-6 * np.abs(every).max())
    # These are all: the others have a divergence.
    rank = np.linalg.matrix_rank(every.reshape(2 * count, -1), tol=1e-6 * np.abs(every).max())
    assert np.linalg.matrix_rank(flows.reshape(len(flows), -1)) == 2 * count - rank


@pytest.mark.parametrize("sides", [(Wall(), Wall()), (Periodic(), Wall()), (Wall(), Outflow())])
def test_no_flow_passes_walls(sides):
    boundary = tuple((side, side) for side in sides)
    grid = Grid((0.0, 0.0), (16.0, 20.0), (16, 20), boundary)
    values = np.random.default_rng(0).normal(size=(6, 1, 16, 20))
    seen = frames_of(Trajectory(values, np.arange(6.0), grid, ("c",)))
    along = np.linspace(0.0, 1.0, 11)
    found = kinds_of(3, 3, seen, Further(()), ("c",), 1.0)
    assert len(found) == 4  # with divergence or not, with diffusion or not
    assert not any(kind.is_supplied for kind in found)
    for kind in found:
        for direction in kind.structure.directions:
            if not np.any(direction):
                continue
            flow = SteadyFlow(direction[0], np.zeros(2), np.ones(2), 3, seen.around)
            for axis, side in enumerate(sides):
                ends = np.array([0.0, 1.0])
                through = flow.velocity(axis, *((ends, along) if axis == 0 else (along, ends)))
                if isinstance(side, Wall):
                    np.testing.assert_allclose(through, 0.0, atol=1e-12)


def test_it_is_solved_as_the_rotation_of_the_same_velocity():
    grid = Grid.rectangle((16, 20), (-1.0, -1.0), (1.0, 1.5), boundary="outflow")
    every, coefficients = modes(1, (False, False)), np.zeros((2, 6))
    # -ω (y - 0.1) and ω (x - 0.2) in Legendre polynomials of the domain.
    coefficients[0, every.index((0, 0))] = -RATE * (0.25 - 0.1)
    coefficients[0, every.index((0, 1))] = -RATE * 1.25
    coefficients[1, every.index((0, 0))] = -RATE * 0.2
    coefficients[1, every.index((1, 0))] = RATE * 1.0
    flow = SteadyFlow(coefficients, np.array([-1.0, -1.0]), np.array([1.0, 1.5]), 1, (False, False))
    law = FittedPlaneLaw(
        ("u",),
        Dictionary(np.ones(1), ((1,),), ("u",)),
        np.zeros((2, 1, 1)),
        np.zeros(1),
        np.ones(1),
        flow=flow,
    )
    with pytest.raises(ValueError, match=r"take law\.on\(grid\)"):
        law.flux(np.ones((1, 2)))
    x, y = np.meshgrid(grid.centers(0), grid.centers(1), indexing="ij")
    start = jnp.asarray(np.exp(-4.0 * ((x - 0.4) ** 2 + y**2)))[None]
    times, control = jnp.array([0.0, 0.3]), StepControl(0.4, 0.4, lagged=False)
    expected = solve(MUSCL(rotation(grid, RATE, (0.2, 0.1))), start, times, grid, control)
    found = solve(MUSCL(law.on(grid)), start, times, grid, control)
    np.testing.assert_allclose(found.values, expected.values, atol=1e-13)


def test_a_flow_is_linear_if_it_has_no_bent_part():
    ends, around = (np.array([1.0, -1.0]), np.array([3.0, 2.0])), (False, False)
    coefficients = np.random.default_rng(1).normal(size=(2, 6))
    assert SteadyFlow(coefficients, *ends, 1, around).linear is None
    assert SteadyFlow(np.zeros((2, 6)), *ends, 1, (True, False)).linear is None
    for m, pair in enumerate(modes(1, around)):
        coefficients[:, m] *= sum(pair) < 2
    flow, x, y = SteadyFlow(coefficients, *ends, 1, around), np.array([1.2, 2.9]), np.array([0.4])
    assert flow.linear is not None
    for axis, (constant, along_x, along_y) in enumerate(flow.linear):
        expected = constant + along_x * x[:, None] + along_y * y
        np.testing.assert_allclose(flow.velocity(axis, x, y), expected)


@pytest.mark.parametrize(("noise", "close"), [(0.0, 4e-3), slow(0.03, 6e-2)])
def test_a_rotation_is_found(every_run_is_right, noise, close):
    context = turning(12, noise=noise)
    found = identify_plane(context)
    assert found.status == FitStatus.OK
    flow = found.law.flow
    assert flow is not None and not found.law.has_further
    assert found.name.startswith("a tracer in a steady flow")
    (formula,) = found.formulas
    assert re.fullmatch(r"∂t c \+ ∂x\(\(-0.91.* - 0.7 y\) c\) \+ ∂y\(\(.*\) c\) = 0", formula)
    x, y = (context.grid.centers(axis) for axis in (0, 1))
    near = np.hypot(x[:, None] - CENTER[0], y - CENTER[1]) < 0.3
    for axis, exact in ((0, -RATE * (y - CENTER[1])), (1, RATE * (x[:, None] - CENTER[0]))):
        missed = flow.velocity(axis, x, y) - exact
        assert np.sqrt(np.mean(missed[near] ** 2)) < close * RATE * 0.3
    # The same in cells and frames.
    back = in_cells(found.law, context.grid, DT).flow
    assert back is not None and found.grid_law.flow is not None
    np.testing.assert_allclose(back.coefficients, found.grid_law.flow.coefficients)
    np.testing.assert_allclose([back.lower, back.upper], [[0.0, 0.0], CELLS], atol=1e-12)


@pytest.mark.parametrize("boundary", ["outflow", "periodic"])
def test_a_rotation_is_known_where_no_tracer_has_been(every_run_is_right, boundary):
    """One bump that turns by a third: quadratic flows fit it as well, and differ where it goes."""
    grid = Grid.rectangle((40, 40), boundary=boundary)
    x, y = np.meshgrid(grid.centers(0) - 0.5, grid.centers(1) - 0.5, indexing="ij")
    angles = 0.2 * np.arange(10)[:, None, None]
    bump = np.exp(-((x + 0.2 * np.sin(angles)) ** 2 + (y - 0.2 * np.cos(angles)) ** 2) / 0.08**2)
    found = identify_plane(Trajectory(bump[:, None], np.arange(10.0), grid, ("c",)))
    flow = found.law.flow
    assert found.status == FitStatus.OK and flow is not None
    for axis, exact in enumerate((-0.2 * y, 0.2 * x)):
        missed = flow.velocity(axis, grid.centers(0), grid.centers(1)) - exact
        np.testing.assert_allclose(missed, 0.0, atol=1e-3)
    assert re.fullmatch(r"∂t c \+ ∂x\(\(.* y\) c\) \+ ∂y\(\(.* x .*\) c\) = 0", found.formulas[0])


def test_what_arises_at_a_place(every_run_is_right):
    """∂t c + a ∂x c = p(x, y), exactly: what moves, and the integral of p along the path."""
    speed, times, grid = 0.6, 0.05 * np.arange(12), Grid.rectangle((32, 24))
    x, y = np.meshgrid(grid.centers(0), grid.centers(1), indexing="ij")
    t = times[:, None, None]
    moving = np.exp(np.cos(2 * np.pi * (x - speed * t - 0.2)) + np.sin(2 * np.pi * y))
    path = np.cos(2 * np.pi * (x - speed * t)) - np.cos(2 * np.pi * x)
    arisen = np.sin(2 * np.pi * y) * path / (2 * np.pi * speed)
    found = identify_plane(Trajectory((moving + arisen)[:, None], times, grid, ("c",)))
    assert found.status == FitStatus.OK
    flow = found.law.flow
    assert flow is not None and flow.supply is not None
    (formula,) = found.formulas
    assert formula.startswith("∂t c + ∂x(v_x(x, y) c) + ∂y(v_y(x, y) c) = ")
    assert formula.endswith("p(x, y)") and np.max(found.law.diffusivities) < 1e-5
    x, y = grid.centers(0), grid.centers(1)
    expected = np.sin(2 * np.pi * x)[:, None] * np.sin(2 * np.pi * y)
    np.testing.assert_allclose(flow.supplied(x, y), expected, atol=0.02)
    np.testing.assert_allclose(flow.velocity(0, x, y), speed, atol=0.01)
    # It is added to the cells of a grid, once.
    state = jnp.zeros((1, 32, 24))
    added = found.law.on(grid).source(state, jnp.zeros((2, 32, 24)), jnp.zeros(()))
    np.testing.assert_allclose(added[0], flow.supplied(x, y), atol=1e-12)
    back = in_cells(found.law, grid, 0.05).flow
    assert back is not None and found.grid_law.flow is not None
    np.testing.assert_allclose(back.supply, found.grid_law.flow.supply, atol=1e-14)


def test_what_arises_between_free_sides_is_known_up_to_them(every_run_is_right):
    """∂t c + a ∂x c = p(x, y) as above, with p of a few cells between sides that are not alike."""
    speed, times = 0.6, 0.05 * np.arange(12)
    grid = Grid.rectangle((32, 32), boundary="outflow")
    x, y = np.meshgrid(grid.centers(0), grid.centers(1), indexing="ij")
    across, path = np.exp(-(((y - 0.45) / 0.2) ** 2)), x - speed * times[:, None, None]
    moving = 0.5 + 0.4 * np.exp(-(((path - 0.3) / 0.25) ** 2)) * np.sin(2.0 * y)
    below = [0.5 * np.sqrt(np.pi) * 0.2 * erf((at - 0.4) / 0.2) for at in (x, path)]
    values = moving + across * (below[0] - below[1]) / speed
    found = identify_plane(Trajectory(values[:, None], times, grid, ("c",)))
    assert found.status == FitStatus.OK
    flow = found.law.flow
    assert flow is not None and flow.supply is not None
    x, y = grid.centers(0), grid.centers(1)
    expected = np.exp(-(((x - 0.4) / 0.2) ** 2))[:, None] * across[0]
    constant = 0.0 if found.law.sources is None else found.law.sources[0, 0]
    np.testing.assert_allclose(flow.supplied(x, y) + constant, expected, atol=0.05)


@pytest.mark.validation
def test_many_cells_are_averaged(every_run_is_right):
    """For the weak form alone, in which a wave of a few hundred cells needs no more."""
    grid = Grid.rectangle((128, 192), LOWER, UPPER, boundary="outflow")
    x, y = grid.centers(0), grid.centers(1)
    angles = RATE * DT * np.arange(12)[:, None, None]
    east, north = x[:, None] - CENTER[0], y - CENTER[1]
    a = east * np.cos(angles) + north * np.sin(angles)
    b = north * np.cos(angles) - east * np.sin(angles)
    values = np.exp(-60.0 * ((a - 0.15) ** 2 + 2.0 * b**2))[:, None]
    context = Trajectory(values, DT * np.arange(12), grid, ("c",))
    seen = frames_of(context)
    coarse = steady_flow.coarsened(dataclasses.replace(seen, noise=0.02), 3)
    assert coarse.grid.shape == (64, 96) and coarse.noise == 0.01  # 3 does not divide 128
    np.testing.assert_allclose(coarse.filled[3, 0, 5, 7], values[3, 0, 10:12, 14:16].mean())
    assert steady_flow.coarsened(seen, 1) is seen
    found = identify_plane(context)
    flow = found.law.flow
    assert found.status == FitStatus.OK and flow is not None
    near = np.hypot(east, north) < 0.3
    missed = flow.velocity(1, x, y) - RATE * east
    assert np.sqrt(np.mean(missed[near] ** 2)) < 4e-3 * RATE * 0.3
    assert found.grid_law.flow is not None
    np.testing.assert_allclose(found.grid_law.flow.upper, grid.shape)
    assert found.law.upper[0] > 0.98 * values.max()


def test_a_flow_that_changes_in_time_is_none(every_run_is_right):
    found = identify_plane(turning(12, slows=0.6))
    assert found.status != FitStatus.OK and found.law.flow is None


def test_a_flux_that_is_not_linear_is_not_taken_for_a_flow(every_run_is_right):
    """∂t c + ∂x(k c²/2) = 0 with k = 1 + .5 sin 2πy, exactly by characteristics."""
    times, grid = 0.05 * np.arange(12), Grid.rectangle((32, 24))
    x, y = np.meshgrid(grid.centers(0), grid.centers(1), indexing="ij")
    k, c = 1.0 + 0.5 * np.sin(2 * np.pi * y), 0.0 * x
    frames = []
    for t in times:
        for _ in range(200):  # c = c₀(x - k c t), a contraction before waves break
            c = 0.3 + 0.15 * np.sin(2 * np.pi * (x - k * c * t)) * np.cos(2 * np.pi * y)
        frames.append(c)
    context = Trajectory(np.stack(frames)[:, None], times, grid, ("c",))
    seen = frames_of(context)
    assert steady_flow.search_flow(seen, ("c",), (1.0, 1.0), ()) is None


def test_frames_of_which_none_follows_from_another_are_not_run(monkeypatch):
    random = np.random.default_rng(1)
    grid = Grid.rectangle((24, 24))
    x = 2.0 * np.pi * grid.centers(0)
    phases = random.uniform(0.0, 6.0, (10, 2))
    values = np.stack([np.sin(x + a)[:, None] * np.cos(x + b) for a, b in phases])[:, None]
    seen = frames_of(Trajectory(values, np.arange(10.0), grid, ("c",)))
    monkeypatch.setattr(steady_flow, "back_test", None)
    assert steady_flow.search_flow(seen, ("c",), (1.0, 1.0), ()) is None


def missed_by(ahead, truth):
    """The relative errors of the frames."""
    off = np.asarray(ahead.trajectory.values) - truth
    return np.sqrt(np.sum(off**2, axis=(1, 2, 3)) / np.sum(truth**2, axis=(1, 2, 3)))


@pytest.mark.parametrize(
    ("refinement", "close", "close_later"),
    [
        # On the cells of the data the scheme misses more than the law.
        (1, 0.06, 0.06),
        slow(2, 0.01, 0.02),
    ],
)
@pytest.mark.validation
def test_forecasts_and_another_day(
    every_run_is_right, monkeypatch, tmp_path, refinement, close, close_later
):
    """A forecast is near the exact frames, and so is one of the other half of a turn, with the law
    from a file."""
    start = Start("restart", refinement)
    monkeypatch.setattr(run, "REFINEMENTS", (refinement,))
    monkeypatch.setattr(steady_flow, "best_start", lambda *_: (1e-3, start))
    ahead = hfluxno.forecast(turning(12), 6)
    assert ahead.status == FitStatus.OK
    errors = missed_by(ahead, np.asarray(turning(18).values)[12:])
    assert errors[-1] < close and np.all(errors < np.asarray(ahead.predicted_error_90))
    file = tmp_path / "flow.json"
    ahead.identifications[0].save(file)
    law = hfluxno.load_law(file)
    other = hfluxno.forecast(turning(8, start=3.0), 4, law=law)
    assert other.status == FitStatus.OK
    assert missed_by(other, np.asarray(turning(12, start=3.0).values)[8:])[-1] < close_later
    slower = hfluxno.forecast(turning(8, slows=0.6), 2, law=law)
    assert slower.status != FitStatus.OK


def test_only_a_law_file_keeps_its_velocity():
    saved = to_save(identified(tracer()))
    assert "law.json" in export_law(saved, "json")
    for target in set(TARGETS) - {"json"}:
        with pytest.raises(ValueError, match="save the law as JSON"):
            export_law(saved, target)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"order": 0}, "the order of a flow is from 1"),
        ({"order": 3}, "wrong number of coefficients"),
        ({"upper": (0.0, 1.5)}, "the flow needs a domain"),
    ],
)
def test_what_is_no_flow_is_refused_in_a_sentence(change, sentence):
    law = tracer()
    assert law.flow is not None
    arrays = {key: np.array(each) if key == "upper" else each for key, each in change.items()}
    wrong = dataclasses.replace(law, flow=dataclasses.replace(law.flow, **arrays))
    saved = dataclasses.replace(to_save(identified(law)), law=wrong)
    with pytest.raises(ValueError, match=sentence):
        export_law(saved, "json")
