"""`hfluxno benchmark euler2d`: what it measures, that it goes on, what it refuses."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

from hfluxno.cli import main
from hfluxno.data.plane.quadrants import write_gas
from hfluxno.evaluation.metrics import vrmse
from hfluxno.evaluation.plane import measure
from hfluxno.evaluation.plane.sample import CONTEXT, FIELDS, STEPS, PlaneSample
from hfluxno.evaluation.windows import Windows
from hfluxno.models.provenance import Training
from hfluxno.models.weights import load, save_pretrained
from hfluxno.trajectory import Trajectory
from tests.models import small

CELLS, FRAMES = 16, CONTEXT + STEPS


@pytest.fixture(scope="module")
def gases(tmp_path_factory):
    """A folder of two files in The Well's layout, of random walks."""
    folder = tmp_path_factory.mktemp("gases")
    random = np.random.default_rng(0)
    steps = random.normal(0.0, 0.02, (2, FRAMES, 4, CELLS, CELLS))
    states = np.cumsum(steps, axis=1) + random.uniform(1.0, 2.0, (2, 1, 4, CELLS, CELLS))
    for i, state in enumerate(states):
        write_gas(folder / f"{i}.hdf5", state, 0.015 * np.arange(FRAMES))
    return folder, states


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    config = dataclasses.replace(
        small.PLANE, fields=FIELDS, cells=(CELLS, CELLS), spacing=(1 / CELLS,) * 2,
        interval=0.015, coordinates=False, context_mode="frozen", encoder=None,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("weights") / "mine"
    training = Training("", "euler-2d", "test", 0, 3, 8, "one-step", "", "", 0.0, 0.0, "")
    save_pretrained(folder, small.network(config), config, training)
    return folder


def command(gases, output, *more):
    chosen = ("--data", f"euler2d={gases[0]}", "--cells", CELLS, "--laws", 2)
    return main(list(map(str, ("benchmark", "euler2d", "-o", output, *chosen, *more))))


@pytest.mark.validation
def test_errors_are_those_of_the_frames_and_a_run_goes_on(
    gases, weights, tmp_path, capsys, monkeypatch
):
    text = tmp_path / "page.md"
    text.write_text("a\n<!-- euler2d: begin -->\nold\n<!-- euler2d: end -->\nb\n")
    out = tmp_path / "out"
    assert command(gases, out, "--methods", "persistence", "--markdown", text) == 0
    record = json.loads((out / "results.json").read_text())["records"]["euler2d"]["persistence"][0]
    windows = PlaneSample(2, CELLS, 0, gases[0]).windows()
    np.testing.assert_allclose(
        np.sort(windows.mean((1, 2, 3, 4))), np.sort(gases[1].mean((1, 2, 3, 4))), rtol=1e-6
    )
    last, truth = windows[:, CONTEXT - 1 : CONTEXT], windows[:, CONTEXT:]
    whole = (2, 3, 4)
    errors = np.linalg.norm((last - truth).reshape(2, STEPS, -1), axis=2)
    errors = errors / np.sqrt((truth.astype(float) ** 2).sum(whole))
    np.testing.assert_allclose(record["errors"], errors, rtol=1e-5)
    ten = truth[:, :10]
    joint = np.sqrt(((last - ten) ** 2).sum((1, *whole)) / (ten**2).sum((1, *whole)))
    np.testing.assert_allclose(record["together"], joint, rtol=1e-5)
    assert record["network"] is None and record["drift"] == 0.0
    # What is measured is not measured again, and what is added stands beside it.
    measured = []
    once = measure.measured
    monkeypatch.setattr(
        measure, "measured", lambda m, *more: measured.append(m.name) or once(m, *more)
    )
    again = ("--methods", "persistence", "--add", f"mine={weights}", "--markdown", text)
    assert command(gases, out, *again) == 0
    assert measured == ["mine"]
    printed = capsys.readouterr().out
    assert "| mine | 0.00 M |" in printed and "| persistence | – |" in printed
    assert "mine (mine): 3 updates of 8 windows, one-step, preset test." in printed
    assert (out / "table.md").read_text() in printed
    assert (out / "euler2d.png").stat().st_size > 10_000
    assert "old" not in text.read_text() and "| mine |" in text.read_text()


def test_a_network_is_evaluated_on_all_windows_of_a_set(gases, weights, tmp_path):
    """`hfluxno evaluate`: the same errors as of forecasts one by one."""
    path, states = tmp_path / "set.nc", gases[1].astype(np.float32)
    axis = (np.arange(CELLS) + 0.5) / CELLS
    times = 0.015 * np.arange(FRAMES)
    dims = ("trajectory", "time", "field", "x", "y")
    variables = {
        "values": (dims, states),
        "coefficients": (("trajectory", "parameter"), [[1.4]] * 2),
    }
    variables["status"] = ("trajectory", np.zeros(2, np.int8))
    coordinates = {"time": times, "field": list(FIELDS), "x": axis, "y": axis}
    attributes = {"schema": "hfluxno-trajectories", "schema_version": 1, "law": "euler-2d"}
    xr.Dataset(variables, coordinates, attributes).to_netcdf(path, engine="h5netcdf")
    network = load(weights)
    found = Windows.of(network, path, steps=3, every=8).evaluated(network, path)
    assert (found.windows, found.trajectories) == (4, 2)
    errors = []
    for state in states:
        for start in (0, 8):
            seen = Trajectory.from_numpy(
                state[start : start + 5], times[start : start + 5], axis, FIELDS, y=axis
            )
            ahead = np.asarray(network.forecast(seen, 3).trajectory.values)
            after = state[start + 5 : start + 8]
            errors.append(np.linalg.norm(ahead - after) / np.linalg.norm(after))
    np.testing.assert_allclose(found.all_steps["l2"].mean, np.mean(errors), rtol=1e-4)


def test_the_error_of_a_mean_is_one():
    truth = np.random.default_rng(0).normal(3.0, 1.0, (2, 5, 3, 400))
    mean = np.broadcast_to(truth.mean(axis=-1, keepdims=True), truth.shape)
    np.testing.assert_allclose(vrmse(mean, truth), 1.0, rtol=1e-6)
    np.testing.assert_allclose(vrmse(truth + 0.1, truth), 0.1 / truth.std(axis=-1), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--methods", "oracle"), "Unknown method 'oracle'; choose from persistence, fit"),
        (("--data", "paper=a"), "Unknown set 'paper'; choose euler2d."),
        (("--laws", "0"), "laws must be at least 1; got 0."),
        (("--add", "mine=a,b"), "Give one source of weights for mine; got 2."),
        (("--seed", "1"), "holds results of another sample (it differs in seed)"),
        (("--cells", "24"), "its 16 × 16 cells are no multiple of 24 × 24"),
    ],
)
def test_what_cannot_be_done_is_said(gases, tmp_path, capsys, options, message):
    out = tmp_path / "out"
    if "--seed" in options:
        assert command(gases, out, "--methods", "persistence") == 0
        capsys.readouterr()
    methods = () if "--methods" in options else ("--methods", "persistence")
    assert command(gases, out, *methods, *options) == 2
    assert message in capsys.readouterr().err
