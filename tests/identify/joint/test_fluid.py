"""A density that flows with its momentum, between gauges."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.boundary import Open
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus, jointly
from hfluxno.identify.enough import too_few_values
from hfluxno.identify.joint.fluid import density_of, drag_and_gravity, waves_of_fluid
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.windows import TooFewValuesError
from hfluxno.parametric.source_terms import names_of
from hfluxno.trajectory import Trajectory
from tests.identify.laws import identification, shallow_water

CELLS, GAUGES = 64, np.array([2, 7, 11, 17, 22, 28, 33, 39, 44, 50, 55, 61])


def gauged(fields=("h", "m"), swapped=False, drag=False, frames=24, noise=0.002):
    """Waves of shallow water (g = 1) at gauges, with the truth: Rusanov's scheme on 640 cells."""
    n, dx, interval = 640, 1.0 / 640, 0.02
    x = (np.arange(n) + 0.5) * dx
    h = 1.0 + 0.2 * np.exp(-60 * (x - 0.35) ** 2) - 0.12 * np.exp(-90 * (x - 0.75) ** 2)
    u, every = np.stack([h, 0.3 * h + 0.05 * np.sin(2 * np.pi * x)]), []
    slope, friction = (2.0, 2.0 / 0.09) if drag else (0.0, 0.0)
    for _ in range(frames):
        every.append(u.reshape(2, CELLS, -1).mean(axis=-1))
        for _ in range(40):
            wide = np.pad(u, [(0, 0), (1, 1)], mode="edge")
            f = np.stack([wide[1], wide[1] ** 2 / wide[0] + 0.5 * wide[0] ** 2])
            speed = np.abs(wide[1] / wide[0]) + np.sqrt(wide[0])
            most = np.maximum(speed[1:], speed[:-1])
            through = 0.5 * (f[:, 1:] + f[:, :-1]) - 0.5 * most * np.diff(wide, axis=1)
            push = slope * u[0] - friction * u[1] * np.abs(u[1]) / u[0] ** 2
            u = u - interval / 40 / dx * np.diff(through, axis=1)
            u[1] += interval / 40 * push
    truth = np.stack(every)[:, ::-1] if swapped else np.stack(every)
    noisy = truth + noise * np.random.default_rng(5).standard_normal(truth.shape)
    seen = np.full(truth.shape, np.nan)
    seen[..., GAUGES] = noisy[..., GAUGES]
    grid = Grid.interval(CELLS, 0.0, 1.0, (Open(), Open()))
    times = interval * np.arange(frames)
    return Trajectory(jnp.asarray(seen), times, grid, fields), truth


@pytest.mark.parametrize("swapped", [False, True])
def test_the_density_is_the_field_that_the_other_carries(swapped):
    context, _ = gauged(swapped=swapped, frames=8, noise=0.0)
    values = np.asarray(context.values)
    density = int(swapped)
    assert density_of((), values, False) == density
    assert density_of((1 - density,), values, False) == density
    assert density_of((), values - 5.0, False) is None
    names = names_of(drag_and_gravity(density), ("a", "b"))
    h, m = ("b", "a") if swapped else ("a", "b")
    assert names[:2] == (h, m)
    assert sorted(names[2].split("/")[0].split("·")) == sorted([m, f"|{m}|"])


@pytest.mark.usefixtures("x64")
def test_the_start_is_waves_both_ways_at_the_speed():
    context, _ = gauged(frames=8)
    forward = make_forward(Kind(3, fluid=True), context, (), known_first=False)
    shape, speed = forward.shape, 1.7
    law = np.zeros(sum(shape.sizes))
    law[: shape.sizes[0]] = waves_of_fluid(shape, speed).reshape(-1)
    state = jnp.asarray(0.5 * (shape.lower + shape.upper))
    found = np.linalg.eigvals(np.asarray(shape.law(law).jacobian(state[:, None]))[..., 0])
    np.testing.assert_allclose(np.sort(found.real), [-speed, speed], rtol=1e-12)
    # Mass flows as the momentum alone; the momentum does not move itself as mass.
    free = np.asarray(forward.spread)[: shape.sizes[0]].reshape(2, -1) > 0.0
    np.testing.assert_array_equal(free, [[True] + 4 * [False], [False] + 4 * [True]])


@pytest.mark.validation
@pytest.mark.parametrize("drag", [False, True])
def test_the_field_between_gauges_and_the_law_are_found(drag):
    context, truth = gauged(drag=drag)
    found = hfluxno.reconstruct(context)
    assert found.identification.status == 0
    law, values = found.identification.law, np.asarray(found.trajectory.values)
    centers = np.arange(CELLS)
    line = [[np.interp(centers, GAUGES, each[GAUGES]) for each in frame] for frame in truth]
    for field in range(2):
        miss = [np.std((v - truth)[:, field, 2:62]) for v in (values, np.array(line))]
        assert miss[0] < 0.6 * miss[1]
    low, high = found.bands
    assert np.mean((low <= truth) & (truth <= high)) > 0.85
    state = np.array([[1.0], [0.3]])
    jacobian = np.asarray(law.jacobian(state))[..., 0]
    np.testing.assert_allclose(jacobian[0], [0.0, 1.0], atol=0.1)
    assert (law.terms is not None) == drag
    # Coefficients, and with them their covariance, are those of the law.
    reported = found.identification.coefficients
    names = {name: i for i, name in enumerate(law.basis.names)}
    of_law = [law.flux_coefficients[1, names[name]] for name in ("m²/h", "h", "h³")]
    expected = [reported[f"f_m[{name}]"] for name in ("m²/h", "h", "h³")]
    np.testing.assert_allclose(of_law, expected, rtol=1e-9)


def test_the_fewest_values_are_those_of_a_fluid_if_it_may_be_one():
    context, _ = gauged(frames=5)
    shifted = Trajectory(context.values - 5.0, context.times, context.grid, context.fields)
    assert "for 121 unknowns (5 of the law" in too_few_values(context)
    assert "for 134 unknowns (18 of the law" in too_few_values(shifted)


def test_the_law_of_a_fluid_is_kept_if_any_other_has_too_many_unknowns(monkeypatch):
    context, _ = gauged(frames=8)
    found = SimpleNamespace(estimate=SimpleNamespace(evidence=1.0))
    report = identification(shallow_water(), status=FitStatus.POOR_FIT)
    enough = set(jointly.FLUIDS)

    def fit(context, negated, kinds):
        if kinds[0] not in enough:
            raise TooFewValuesError("There are only 10 measured values.")
        return found

    monkeypatch.setattr(jointly, "_found", fit)
    monkeypatch.setattr(jointly, "joint_report", lambda *_: report)
    assert jointly.identify_jointly(context, ()).status == FitStatus.POOR_FIT
    enough.clear()
    with pytest.raises(TooFewValuesError, match="only 10"):
        jointly.identify_jointly(context, ())
