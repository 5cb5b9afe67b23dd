"""Training on a plane: windows of generated sets and of The Well, symmetries, a run."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.data import Configuration, blocks, generate
from hfluxno.data.plane.quadrants import write_gas
from hfluxno.fv import Rusanov, solve
from hfluxno.grid import Grid
from hfluxno.laws import Euler
from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.network import Network
from hfluxno.models.parts import HypernetworkConfig, LocalConfig, TRecViTConfig
from hfluxno.training.augment import AugmentConfig, augment
from hfluxno.training.batch import Batch
from hfluxno.training.batches_from_files import BatchesFromFiles, check_file
from hfluxno.training.configuration import DataConfig, ValidationConfig
from hfluxno.training.losses import LossConfig, make_loss
from hfluxno.training.plane_windows import PlaneWindows
from hfluxno.training.presets import preset
from hfluxno.training.run_folder import load_best
from hfluxno.training.trainer import train
from tests.compiled import compiled

CELLS, FRAMES, INTERVAL = 16, 8, 0.015
TINY = HFluxNOConfig(
    fields=("density", "momentum_x", "momentum_y", "energy"),
    cells=(CELLS, CELLS),
    spacing=(1 / CELLS,) * 2,
    interval=INTERVAL,
    context=4,
    encoder=TRecViTConfig((8, 8), 8, 1, 8, 2, 8),
    target=LocalConfig(2, 2, 8, 8, 1),
    hypernetwork=HypernetworkConfig(8, 8, 1, 2),
    coordinates=False,
    context_mode="frozen",
)


def well(path, trajectories=2, cells=2 * CELLS, seed=0):
    """Files in The Well's layout, of random numbers, one trajectory each."""
    random = np.random.default_rng(seed)
    path.mkdir()
    states = random.uniform(0.5, 1.5, (trajectories, FRAMES, 4, cells, cells))
    for i, state in enumerate(states):
        write_gas(path / f"{i}.hdf5", state, INTERVAL * np.arange(FRAMES))
    return states


def test_windows_of_the_well_are_averages_of_its_cells(tmp_path):
    states = well(tmp_path / "set", 3)
    means = states.reshape(3, FRAMES, 4, CELLS, 2, CELLS, 2).mean(axis=(4, 6))
    windows = PlaneWindows(tmp_path / "set", 5, np.inf, 0, (CELLS, CELLS))
    seen = set()
    for passed in range(4):
        members = []
        for place in range(3):
            found = windows[3 * passed + place]["frames"]
            (match,) = [
                (member, start)
                for member in range(3)
                for start in range(4)
                if np.allclose(means[member, start : start + 5], found, atol=1e-6)
            ]
            members.append(match[0])
            seen.add(match)
        assert sorted(members) == [0, 1, 2]
    assert len(seen) == 12  # every window, after as many passes as there are starts
    cells = (CELLS, CELLS)
    source = BatchesFromFiles("euler-2d", tmp_path / "set", 5, 2, np.inf, 0, cells=cells)
    batches = source.batches(1)
    first = next(batches)
    batches.close()
    np.testing.assert_array_equal(first.frames[0], windows[2]["frames"].astype(np.float32))


def test_windows_of_npz_are_those_of_the_well(tmp_path):
    states = well(tmp_path / "set", 2)
    (tmp_path / "other").mkdir()
    axis = (np.arange(2 * CELLS) + 0.5) / (2 * CELLS)
    named = {"fields": list(TINY.fields), "x": axis, "y": axis}
    for i, state in enumerate(states):
        times = INTERVAL * np.arange(FRAMES)
        np.savez(tmp_path / "other" / f"{i}.npz", values=state, time=times, **named)
    check_file(tmp_path / "other", "euler-2d", TINY)
    known, other = (
        PlaneWindows(tmp_path / name, 5, np.inf, 0, (CELLS, CELLS)) for name in ("set", "other")
    )
    for number in range(4):
        np.testing.assert_allclose(other[number]["frames"], known[number]["frames"], rtol=1e-6)


def test_files_of_others_that_do_not_fit_are_refused(tmp_path):
    well(tmp_path / "set", 1)
    check_file(tmp_path / "set", "euler-2d", TINY)
    for change, fault in (
        ({"interval": 0.02}, r"its frames are 0\.015 apart, not 0\.02"),
        (
            {"cells": (24, 24), "spacing": (1 / 24,) * 2},
            "its 32 × 32 cells are no multiple of 24 × 24",
        ),
        ({"spacing": (1 / 8,) * 2}, "its domain is 1 × 1, not 2 × 2"),
        ({"fields": ("a", "b", "c", "d")}, "its fields are density, momentum_x"),
    ):
        with pytest.raises(ValueError, match=fault):
            check_file(tmp_path / "set", "euler-2d", dataclasses.replace(TINY, **change))


def test_models_that_a_set_does_not_have_are_refused():
    small = preset("cpu-hfluxno-small-euler-2d")
    for change in ({"cells": (32,), "spacing": (1 / 32,)}, {"cells": (32, 16)}):
        with pytest.raises(ValueError, match="Training on euler-2d is for 2 axes"):
            dataclasses.replace(small, model=dataclasses.replace(small.model, **change))
    with pytest.raises(ValueError, match="Training on cubic is for one axis"):
        dataclasses.replace(small, data=dataclasses.replace(small.data, law="cubic"))


def test_a_transformed_trajectory_of_gas_solves_the_same_law(x64):
    law, grid = Euler(2, 1.4), Grid.rectangle((16, 16))
    state = Configuration("euler-2d", initial="steps", cells=8).initial_state(0, 0)

    def solved(u):
        times = np.array([0.0, 0.02, 0.04])
        return solve(Rusanov(law), u, times, grid, substeps=4).values

    frames = np.asarray(compiled(solved, state))
    many = Batch(
        jnp.asarray(np.broadcast_to(frames, (12, *frames.shape))),
        compiled(jax.vmap(lambda gamma: Euler(2, gamma)), np.full(12, 1.4)),
    )
    transformed = compiled(augment, AugmentConfig(True, True), many, jax.random.key(1))
    found = np.asarray(transformed.frames)
    for moved in found:
        np.testing.assert_allclose(compiled(solved, moved[0]), moved, atol=1e-11)
    assert len(np.unique(found[:, 0, 1, 0, 0].round(9))) > 3


def test_the_error_relative_to_deviations_counts_fields_alike():
    truth = np.random.default_rng(0).normal(size=(1, 5, 2, 6, 6))
    truth[:, :, 1] = 100.0 + 30.0 * truth[:, :, 1]

    class Fixed(Network):
        def predict(self, context):
            return jnp.asarray(truth[0, 4] * 1.01, jnp.float32)

    loss = make_loss(LossConfig("one-step", measure="vrmse"), 4)
    keys = jax.random.split(jax.random.key(0), 1)
    value = loss(Fixed(), Batch(jnp.asarray(truth, jnp.float32)), keys)
    field = truth[0, 4].reshape(2, -1)
    errors = np.linalg.norm(0.01 * field, axis=1) / (field.std(axis=1) * 6.0)
    np.testing.assert_allclose(value, errors.mean(), rtol=1e-4)


def carried(path, trajectories=6):
    """Files of gases of one pressure that are carried along, which solves Euler's equations."""
    random = np.random.default_rng(1)
    path.mkdir()
    centers = (np.arange(CELLS) + 0.5) / CELLS
    times = INTERVAL * np.arange(FRAMES)
    for i, (u, v) in enumerate(random.uniform(-2.0, 2.0, (trajectories, 2))):
        x, y = centers[:, None] - u * times[:, None, None], centers - v * times[:, None, None]
        density = 1.0 + 0.3 * np.sin(2 * np.pi * x) * np.cos(2 * np.pi * y)
        energy = 2.5 + 0.5 * density * (u * u + v * v)
        state = np.stack([density, density * u, density * v, energy], axis=1)
        write_gas(path / f"{i}.hdf5", state, times)


@pytest.mark.validation
def test_a_run_on_files_of_the_well_learns_and_its_network_conserves(tmp_path):
    carried(tmp_path / "gas")
    small = preset("cpu-hfluxno-small-euler-2d")
    config = dataclasses.replace(
        small,
        model=TINY,
        data=DataConfig(
            "euler-2d", "steps", 0.2, train=f"{tmp_path}/gas", validation=f"{tmp_path}/gas"
        ),
        loss=LossConfig("one-step", measure="vrmse"),
        optimizer=dataclasses.replace(small.optimizer, warmup=2),
        validation=ValidationConfig(windows=4, steps=3, every=20),
        steps=40,
        batch=4,
    )
    train(config, tmp_path / "run")
    network, fresh = load_best(tmp_path / "run").network, config.model.build(jax.random.key(5))
    frames = jnp.asarray(PlaneWindows(tmp_path / "gas", 5, np.inf, 0)[3]["frames"])

    def error(network):
        return float(np.linalg.norm(compiled(network.predict, frames[:4]) - frames[4]))

    assert error(network) < error(fresh)
    found = compiled(network.predict, frames[:4])
    np.testing.assert_allclose(found.mean((1, 2)), frames[3].mean((1, 2)), atol=1e-5)


@pytest.mark.validation
def test_a_run_on_generated_trajectories(tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "_CHUNKS_PER_BLOCK", 8)
    small = preset("cpu-hfluxno-small-euler-2d")
    config = dataclasses.replace(
        small,
        model=TINY,
        data=dataclasses.replace(small.data, limit=0.12, windows=4),
        loss=LossConfig("many-targets", measure="vrmse", steps=2, targets=2, after=3),
        optimizer=dataclasses.replace(small.optimizer, warmup=2),
        validation=ValidationConfig(windows=4, steps=3, every=10),
        steps=20,
        batch=8,
    )
    assert train(config, tmp_path / "run").skipped == 0
    network, fresh = load_best(tmp_path / "run").network, config.model.build(jax.random.key(5))
    block = next(blocks(dataclasses.replace(config.trajectories("test"), laws=2)))
    context, truth = jnp.asarray(block.values[0, :4]), block.values[0, 4]
    errors = [np.linalg.norm(compiled(n.predict, context) - truth) for n in (network, fresh)]
    assert errors[0] < errors[1]
