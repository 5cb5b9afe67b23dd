"""What stands behind the page: drawings, measurements, and the threads that work."""

import dataclasses
import threading
import time

import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.data.plane import read_plane
from hfluxno.data.plane.quadrants import write_gas
from hfluxno.explore import curves, downloads, drawing, explorer, inference, words
from hfluxno.explore.controls import Controls
from hfluxno.explore.drawing import FLUXES, STATES, Drawing, solved
from hfluxno.explore.explorer import Explorer
from hfluxno.explore.measuring import Measuring, measured
from hfluxno.explore.pictures import Law, Map, Profile
from hfluxno.explore.problem import FileChoice, Request, opened, prepare
from hfluxno.identify.listener import Tried, announce, listening
from tests.compiled import compiled
from tests.identify.laws import identification, polynomial

HILL, TRAFFIC = STATES["a hill"], FLUXES["traffic"]
TIMEOUT = 30.0


def wait(state: Explorer) -> None:
    end = time.monotonic() + TIMEOUT
    while state.running:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_flux_through_points_of_a_parabola_is_the_parabola(x64):
    law, u = curves.DrawnFlux.through(TRAFFIC), np.linspace(0.0, 1.0, 41)
    np.testing.assert_allclose(law.at(u), 2 * u * (1 - u), atol=1e-14)
    flux, slope = compiled(lambda law, u: (law.flux(u), law.jacobian(u)), law, jnp.asarray(u[None]))
    np.testing.assert_allclose(flux[0], law.at(u), atol=1e-14)
    np.testing.assert_allclose(slope[0, 0], 2 - 4 * u, atol=1e-13)
    beyond = jnp.array([[-0.5, 1.5]])
    np.testing.assert_allclose(law.flux(beyond)[0], [-1.0, -1.0], atol=1e-13)
    np.testing.assert_allclose(law.at(np.array([-0.5, 1.5])), [-1.0, -1.0], atol=1e-13)


@pytest.mark.parametrize("name", STATES)
def test_a_state_meets_its_points_and_overshoots_none(name):
    points = np.array(STATES[name])
    for periodic in (True, False):
        np.testing.assert_allclose(
            curves.state_curve(STATES[name], points[:, 0], periodic), points[:, 1], atol=1e-12
        )
        every = curves.state_curve(STATES[name], np.linspace(0, 1, 999), periodic)
        assert points[:, 1].min() <= every.min() and every.max() <= points[:, 1].max()
    around = curves.state_curve(STATES[name], np.array([0.0, 1.0]), True)
    assert around[0] == pytest.approx(around[1], abs=1e-12)


def test_points_that_make_no_curve_are_refused():
    with pytest.raises(ValueError, match="Two points of the flux are at nearly the same place"):
        curves.DrawnFlux.through(((0.0, 0.0), (0.5, 0.1), (0.505, 0.4), (1.0, 0.0)))
    with pytest.raises(ValueError, match="A point of the first state is not a number"):
        curves.state_curve(((0.0, float("nan")), (1.0, 0.0)), np.zeros(1), False)


def test_a_drawing_moves_as_its_law_says():
    line = tuple((u, 2.0 * u) for u in (0.0, 0.25, 0.5, 0.75, 1.0))
    seen, law = solved(Drawing(HILL, line), 60)
    values = np.asarray(seen.values)[:, 0]
    assert values.shape == (60, 100) and law.fields == ("u",)
    # 20 frames of 0.005 at the speed 2: a fifth of the circle.
    assert np.abs(values[20] - np.roll(values[0], 20)).max() < 0.02
    np.testing.assert_allclose(values.sum(axis=1), values[0].sum(), rtol=1e-12)


@pytest.mark.validation
def test_walls_keep_everything_and_open_ends_do_not():
    totals = {
        ends: np.asarray(solved(Drawing(HILL, TRAFFIC, ends), 60)[0].values).sum(axis=(1, 2))
        for ends in ("wall", "open")
    }
    np.testing.assert_allclose(totals["wall"], totals["wall"][0], rtol=1e-12)
    assert abs(totals["open"][-1] - totals["open"][0]) > 1e-3 * totals["open"][0]
    with pytest.raises(ValueError, match="Unknown ends 'moving'; choose one of periodic"):
        solved(Drawing(HILL, TRAFFIC, "moving"), 2)


def test_what_is_measured():
    context = solved(Drawing(HILL, TRAFFIC), 60)[0]
    clean = np.asarray(context.values)
    noisy = np.asarray(measured(context, Measuring(noise=0.1)).values) - clean
    assert noisy.std() == pytest.approx(0.1 * clean.std(), rel=0.1)
    gaps = np.isnan(np.asarray(measured(context, Measuring(missing=0.3)).values))
    assert gaps.mean() == pytest.approx(0.3, abs=0.05)
    seen = np.isfinite(np.asarray(measured(context, Measuring(sensors=10)).values))
    np.testing.assert_array_equal(np.flatnonzero(seen.all(axis=(0, 1))), np.arange(5, 100, 10))
    assert seen.any(axis=(0, 1)).sum() == 10
    for wrong, said in (
        (Measuring(noise=-0.1), "The noise must be between"),
        (Measuring(missing=1.0), "The missing fraction must be"),
        (Measuring(sensors=101), "There are 100 cells"),
    ):
        with pytest.raises(ValueError, match=said):
            measured(context, wrong)


def test_a_request_that_asks_for_too_much():
    with pytest.raises(ValueError, match="Forecast at least 1 frame; got 0"):
        prepare(Request(Drawing(HILL, TRAFFIC), steps=0))
    for more, said in (
        ({"frames": 100_000}, "The context of a drawn road has up to 200 frames; got 100000"),
        ({"steps": 1001}, "The forecast of a drawn road has up to 1000 frames; got 1001"),
    ):
        with pytest.raises(ValueError, match=said):
            prepare(Request(Drawing(HILL, TRAFFIC), **more))
    with pytest.raises(ValueError, match="No file is named"):
        opened(FileChoice(" "))


def test_a_file_and_its_window(tmp_path):
    problem = prepare(Request(Drawing(HILL, TRAFFIC)))
    (tmp_path / "data.nc").write_bytes(downloads.data(problem))
    choice = FileChoice(str(tmp_path / "data.nc"), start=2)
    again = prepare(Request(choice, frames=5, steps=70), opened(choice))
    assert again.available == (60, 1) and again.context.fields == ("u",)
    np.testing.assert_array_equal(again.context.values, problem.context.values[2:7])
    np.testing.assert_array_equal(again.after[13:], problem.after)
    with pytest.raises(ValueError, match="The frames 59 to 63 are more than the 60 available"):
        late = FileChoice(choice.path, start=58)
        prepare(Request(late, frames=5), opened(late))
    with pytest.raises(ValueError, match="There is no trajectory 1 in"):
        other = FileChoice(choice.path, trajectory=1)
        prepare(Request(other, frames=5), opened(other))


# Panel 1.6 knows no other name.
@pytest.mark.filterwarnings("ignore:.*deprecated:PendingDeprecationWarning")
def test_the_context_fits_a_short_file_until_its_frames_are_chosen(tmp_path):
    data = downloads.data(prepare(Request(Drawing(HILL, TRAFFIC), frames=5, steps=10)))
    (tmp_path / "short.nc").write_bytes(data)
    controls = Controls(lambda: None, FileChoice(str(tmp_path / "short.nc")))
    source = opened(controls.request().origin)
    problem = prepare(controls.request(), source)
    controls.fit_to(problem)
    assert problem.context.frames == controls.frames.value == 10 and len(problem.after) == 5
    assert controls.request().frames is None
    controls.frames.value = 20
    with pytest.raises(ValueError, match="The frames 1 to 20 are more than the 15 available"):
        prepare(controls.request(), source)
    controls.fit_to(problem)
    assert controls.frames.value == 20
    assert controls.frames.name == "Context frames"
    controls.frames.value = 500
    controls.origin.value = "drawn"
    assert controls.frames.name == "Context frames ≤ 200"
    assert controls.steps.name == "Forecast frames ≤ 1000"
    with pytest.raises(ValueError, match="up to 200 frames; got 500"):
        prepare(controls.request())


def test_what_a_file_may_need_beside(tmp_path):
    names = ("density", "velocity", "pressure")
    states = np.random.default_rng(0).uniform(0.5, 1.5, (3, 6, 20))
    np.savez(tmp_path / "gas.npz", **dict(zip(names, states, strict=True)))
    choice = FileChoice(str(tmp_path / "gas.npz"), gamma=" 1.4")
    with pytest.raises(ValueError, match=r"--gamma 1\.4"):
        opened(dataclasses.replace(choice, gamma=""))
    assert opened(choice).fields == ("density", "momentum", "energy")
    x = np.cumsum(np.linspace(0.5, 1.5, 20))
    np.savez(tmp_path / "sensors.npz", u=states[0], x=x)
    choice = FileChoice(str(tmp_path / "sensors.npz"), cells="25", domain=" 0,25")
    np.testing.assert_allclose(opened(choice).x, np.arange(25) + 0.5)
    for wrong, said in (
        ({"cells": "2.5"}, "--cells needs a whole number; got '2.5'"),
        ({"gamma": "air"}, "--gamma needs a number; got 'air'"),
    ):
        with pytest.raises(ValueError, match=said):
            opened(dataclasses.replace(choice, **wrong))
    for domain in ("0", "0,b"):
        with pytest.raises(ValueError, match=f"--domain needs two numbers.*got {domain}"):
            opened(dataclasses.replace(choice, domain=domain))
    for plane in ({"walls": "nan"}, {"ends_of_y": "wall"}):
        with pytest.raises(ValueError, match="no two-dimensional frames; leave --walls empty"):
            opened(dataclasses.replace(choice, **plane))


def test_maps_have_a_scale_of_colours_unless_they_are_empty():
    picture = Map("Forecast")
    (scale,) = picture.plot.right
    assert not scale.visible
    picture.show(np.eye(3), np.arange(3.0), (0.0, 1.0), (-2.0, 5.0), ("x", "time"))
    assert scale.visible and (scale.color_mapper.low, scale.color_mapper.high) == (-2.0, 5.0)
    assert scale.color_mapper is picture.plot.renderers[0].glyph.color_mapper
    picture.clear()
    assert not scale.visible


def test_a_legend_names_what_is_drawn():
    def named(picture):
        return [item.label.value for item in picture.plot.legend[0].items if item.visible]

    u = np.linspace(0.0, 1.0, 5)
    picture, bare = Law(), inference.FluxCurve(u, u)
    assert named(picture) == []
    picture.show(dataclasses.replace(bare, sigma=u), bare)
    assert named(picture) == ["± 2σ", "hidden", "inferred"]
    picture.show(bare, None)
    assert named(picture) == ["inferred"]
    profile = Profile()
    profile.show("", u, np.full(5, np.nan), u, None)
    assert named(profile) == ["forecast"]


def test_a_second_press_while_running_starts_nothing(monkeypatch):
    begun, go = threading.Semaphore(0), threading.Event()
    calls = []

    def slow(problem):
        calls.append(problem)
        begun.release()
        go.wait(TIMEOUT)
        raise ValueError("nothing moves")

    monkeypatch.setattr(explorer, "infer", slow)
    state = Explorer()
    assert not state.run()  # nothing was asked for
    state.ask(Request(Drawing(HILL, TRAFFIC)))
    assert state.run() and begun.acquire(timeout=TIMEOUT)
    assert state.running and not state.run()
    go.set()
    wait(state)
    assert len(calls) == 1 and state.fault == "nothing moves"
    assert words.status(state) == ("fault", "nothing moves")
    assert state.run()
    wait(state)
    assert len(calls) == 2
    state.close()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("the law\n  is none"), "the law is none"),
        (ZeroDivisionError("division"), "hfluxno itself is at fault (ZeroDivisionError: division)"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_whatever_goes_wrong_is_a_sentence(monkeypatch, error, said):
    def broken(problem):
        raise error

    monkeypatch.setattr(explorer, "infer", broken)
    state = Explorer()
    state.ask(Request(Drawing(HILL, TRAFFIC)))
    state.run()
    wait(state)
    assert state.fault.startswith(said) and "\n" not in state.fault
    assert explorer.sentence(error) == state.fault
    state.close()


def test_a_run_is_heard_and_stopped(monkeypatch):
    heard, go = threading.Event(), threading.Event()

    def search(problem):
        announce("first", 0.5, "back-test error")
        heard.set()
        go.wait(TIMEOUT)
        announce("second", 0.1, "back-test error")
        raise AssertionError("it goes on")

    monkeypatch.setattr(explorer, "infer", search)
    state = Explorer()
    state.ask(Request(Drawing(HILL, TRAFFIC)))
    state.run()
    assert heard.wait(TIMEOUT)
    assert "1 candidate tried" in words.status(state)[1]
    assert "<tr class=best><td>first</td><td>50 %</td></tr>" in words.candidates(state)
    state.ask(Request(Drawing(HILL, FLUXES["Burgers"])))  # what runs is of no use any more
    go.set()
    wait(state)
    assert state.tried == () and state.fault == "" and state.outcome is None
    state.close()


def test_listeners_hear_their_own_thread():
    heard: list[Tried] = []
    with listening(heard.append):
        announce("a", 1.0, "log evidence")
        thread = threading.Thread(target=announce, args=("b", 2.0, "log evidence"))
        thread.start()
        thread.join()
    announce("c", 3.0, "log evidence")
    assert heard == [Tried("a", 1.0, "log evidence")]


@pytest.mark.validation
def test_persistence_and_networks_as_rivals():
    problem = prepare(Request(Drawing(HILL, TRAFFIC)))
    still = inference.rival(problem, "persistence")
    last, truth = np.asarray(problem.context.values)[-1, 0], problem.after[3, 0]
    assert still.errors[3] == pytest.approx(
        np.linalg.norm(last - truth) / np.linalg.norm(truth), rel=1e-12
    )
    name = inference.networks()[0]
    refused = inference.rival(
        dataclasses.replace(problem, context=problem.context.window(0, 5)), name
    )
    assert len(refused.errors) == 0 and "the context has 5" in refused.sentence
    assert not any("shallow" in each for each in inference.networks())


def test_the_inferred_flux_stands_over_the_hidden_one(x64):
    problem = prepare(Request(Drawing(HILL, TRAFFIC)))
    found = identification(polynomial(0.2, 0.85, 7.0, 2.0, -2.0, fields=("u",)))
    still = hfluxno.forecast(problem.context, 40, "persistence")
    outcome = inference.Outcome(problem, found, still, np.zeros(40), 0.0)
    curve, hidden = inference.inferred_flux(outcome), inference.hidden_flux(problem)
    np.testing.assert_allclose(curve.f, 2 * curve.u * (1 - curve.u), atol=1e-12)
    np.testing.assert_allclose(hidden.f, 2 * hidden.u * (1 - hidden.u), atol=1e-12)
    assert (curve.u[0], curve.u[-1]) == (0.2, 0.85) and curve.sigma.shape == curve.u.shape


def test_drawn_cells_are_those_of_the_networks():
    assert (drawing.CELLS, drawing.INTERVAL) == (100, 0.005)


@pytest.fixture
def gas(tmp_path):
    path = tmp_path / "gas.hdf5"
    states = np.random.default_rng(0).uniform(0.5, 1.5, (12, 4, 16, 16)).astype(np.float32)
    write_gas(path, states, 0.015 * np.arange(12))
    return path, states


def test_frames_on_a_plane_are_read_as_they_are_needed(gas):
    path, states = gas
    choice = FileChoice(str(path), "density,momentum", start=1)
    source = opened(choice)
    problem = prepare(Request(choice, 6, 9), source)
    assert problem.on_a_plane and problem.available == (12, 1)
    assert problem.context.fields == ("density", "momentum_x", "momentum_y")
    np.testing.assert_array_equal(problem.context.values, states[1:7, :3])
    np.testing.assert_array_equal(problem.after, states[7:, :3])
    still = inference.rival(problem, "persistence")
    last = states[6, :3].astype(float)
    expected = np.linalg.norm(states[9, :3] - last) / np.linalg.norm(states[9, :3].astype(float))
    assert still.errors[2] == pytest.approx(expected, rel=1e-6) and len(still.errors) == 5
    with pytest.raises(ValueError, match="not inferred from a few sensors; set them to 0, for all"):
        prepare(Request(choice, 6, 9, Measuring(sensors=5)), source)
    with pytest.raises(ValueError, match=r"no trajectory 3 in .*; it has 1, counted from 0"):
        prepare(Request(dataclasses.replace(choice, trajectory=3), 6, 9), source)
    with pytest.raises(ValueError, match="The frames 2 to 21 are more than the 12"):
        prepare(Request(choice, 20, 9), source)


def test_noise_and_gaps_on_a_plane(gas):
    path, states = gas
    choice = FileChoice(str(path), "density,momentum", start=1)
    problem = prepare(Request(choice, 6, 9, Measuring(noise=0.1, missing=0.2)), opened(choice))
    found, true = np.asarray(problem.context.values), states[1:7, :3].astype(float)
    assert np.mean(np.isnan(found)) == pytest.approx(0.2, abs=0.02)
    deviation = np.nanstd(found - true, axis=(0, 2, 3)) / np.std(true, axis=(0, 2, 3))
    np.testing.assert_allclose(deviation, 0.1, rtol=0.1)
    np.testing.assert_array_equal(problem.after, states[7:, :3])  # what it is compared with
    assert np.isfinite(inference.rival(problem, "persistence").errors).all()


def test_walls_and_sides_of_a_plane(gas, tmp_path):
    path, states = gas
    seen = np.array(states[:, 0])
    seen[:, 3:5, 6:8] = np.nan
    np.savez(tmp_path / "a.npz", values=seen, x=np.arange(16.0), y=np.arange(16.0))
    choice = FileChoice(str(tmp_path / "a.npz"), ends_of_y="wall", start=2)
    with pytest.raises(ValueError, match="say so with --walls nan"):
        prepare(Request(choice, 6, 4), opened(choice))
    choice = dataclasses.replace(choice, walls=" nan")
    problem = prepare(Request(choice, 6, 4), opened(choice))
    grid = problem.context.grid
    assert grid.ends(0) == ("periodic",) * 2 and grid.ends(1) == ("reflecting",) * 2
    assert grid.solid.sum() == 4
    np.testing.assert_array_equal(problem.context.values[:, 0], seen[2:8])
    np.testing.assert_array_equal(problem.after[:, 0], seen[8:12])
    assert np.isfinite(inference.rival(problem, "persistence").errors).all()
    (tmp_path / downloads.DATA).write_bytes(downloads.data(problem))
    assert "'periodic,periodic/reflecting,reflecting', walls='nan')" in downloads.lines(problem)
    again = read_plane(tmp_path / downloads.DATA, None, walls="nan").context(0, 6)
    np.testing.assert_array_equal(again.grid.solid, grid.solid)
    for line in ({"cells": "20"}, {"domain": "0,1"}):
        with pytest.raises(ValueError, match="leave --cells and --domain empty"):
            opened(dataclasses.replace(choice, **line))
    pressure = FileChoice(str(path), "density,momentum", gamma="1.4")
    with pytest.raises(ValueError, match="gamma does not apply"):
        opened(pressure)


def test_data_on_a_plane_are_taken_away_and_read_again(gas, tmp_path):
    path, states = gas
    choice = FileChoice(str(path), "density", ends="wall")
    problem = prepare(Request(choice, 6, 4), opened(choice))
    (tmp_path / downloads.DATA).write_bytes(downloads.data(problem))
    sides = "/".join(2 * ["reflecting,reflecting"])
    again = read_plane(tmp_path / downloads.DATA, None, sides)
    np.testing.assert_allclose(again.values(0, 0, 10), states[:10, :1])
    assert again.grid.ends(0) == again.grid.ends(1) == problem.context.grid.ends(1)
    lines = downloads.lines(problem)
    assert f"read_plane('explored.nc', 'density', '{sides}')" in lines
    compile(lines, "explored.py", "exec")
