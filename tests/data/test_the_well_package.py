"""The Well's own package reads our sets, and we read what its writer of dummy data makes.

pip install the-well
pytest -m validation tests/data/test_the_well_package.py
"""

import h5py
import numpy as np
import pytest

from hfluxno.data import Block, Configuration, Writer
from hfluxno.data.plane import read_plane

pytest.importorskip("the_well", reason="the-well is not installed")
pytestmark = pytest.mark.validation


def test_its_loader_reads_a_generated_set(tmp_path):
    from the_well.data import WellDataset

    configuration = Configuration(
        "euler-2d", laws=2, initials=1, initial="steps", cells=16, frames=6, final_time=0.075
    )
    values = np.random.default_rng(0).uniform(0.5, 1.5, (2, 6, 4, 16, 16)).astype(np.float32)
    gamma, numbers = np.array([[1.2], [1.4]], np.float32), np.arange(2, dtype=np.int32)
    writer = Writer(configuration, tmp_path / "set.hdf5")
    writer.write(Block(0, numbers, 0 * numbers, gamma, values, np.zeros(2, np.int8)))
    writer.finish()

    theirs = WellDataset(path=str(tmp_path), n_steps_input=4, n_steps_output=2)
    assert len(theirs) == 2
    names = [name for order in theirs.metadata.field_names.values() for name in order]
    for number in range(2):
        sample = theirs[number]
        frames = np.concatenate([sample["input_fields"], sample["output_fields"]])
        # Last axis: the fields in the order of their ranks as tensors.
        found = {name: frames[..., k] for k, name in enumerate(names)}
        for k, name in enumerate(("density", "momentum_x", "momentum_y", "energy")):
            np.testing.assert_array_equal(found[name], values[number, :, k])
        assert float(sample["constant_scalars"][0]) == gamma[number, 0]
        grid = np.asarray(sample["space_grid"])
        np.testing.assert_allclose(grid[:, 0, 0], configuration.grid.centers(0), rtol=1e-6)
        np.testing.assert_allclose(grid[0, :, 1], configuration.grid.centers(1), rtol=1e-6)


def test_its_dummy_data_are_read(tmp_path):
    from the_well.utils.dummy_data import write_dummy_data

    write_dummy_data(str(tmp_path / "dummy.hdf5"))
    source = read_plane(tmp_path / "dummy.hdf5")
    assert source.layout == "The Well" and source.trajectories == 2
    assert source.boundary == (("periodic",) * 2,) * 2
    assert source.fields == ("field_x", "field_y")
    with h5py.File(tmp_path / "dummy.hdf5") as file:
        field = file["t1_fields/field"][()]
        np.testing.assert_allclose(source.times, file["dimensions/time"][()])
        np.testing.assert_allclose(source.x, file["dimensions/x"][()])
    np.testing.assert_array_equal(source.context(1).values, np.moveaxis(field[1], -1, 1))
