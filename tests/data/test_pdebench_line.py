"""One-dimensional HDF5 files of PDEBench, written as its makers write them."""

import h5py
import numpy as np
import pytest
import xarray as xr

from hfluxno.data.readers import read

GAMMA, CELLS = 5 / 3, 32
X, TIMES = (np.arange(CELLS) + 0.5) / CELLS, 0.05 * np.arange(7)
RANDOM = np.random.default_rng(0)
RHO, V, P = RANDOM.uniform(0.5, 1.5, (3, 2, len(TIMES), CELLS)).astype(np.float32)


def written(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values)
        file.create_dataset("x-coordinate", data=X.astype(np.float32))
        file.create_dataset("t-coordinate", data=np.append(TIMES, 0.35).astype(np.float32))
    return path


def test_a_tensor_is_a_batch_of_trajectories(tmp_path):
    source = read(written(tmp_path / "a.hdf5", tensor=RHO))
    np.testing.assert_array_equal(source.values[:, :, 0], RHO)
    np.testing.assert_allclose(source.times, TIMES, rtol=1e-6)
    np.testing.assert_allclose(source.x, X, rtol=1e-6)
    assert (source.variable, source.fields) == ("tensor", ("tensor",))


def test_momentum_and_energy_of_a_gas_are_computed(tmp_path):
    path = written(tmp_path / "a.hdf5", density=RHO, Vx=V, pressure=P)
    source = read(path, gamma=GAMMA)
    assert source.fields == ("density", "momentum", "energy")
    energy = P / (GAMMA - 1) + 0.5 * RHO * V**2
    expected = np.stack([RHO, RHO * V, energy], axis=2)
    np.testing.assert_allclose(source.values, expected, rtol=1e-6)
    chosen = read(path, "momentum", gamma=GAMMA)
    np.testing.assert_allclose(chosen.values[:, :, 0], RHO * V, rtol=1e-6)


@pytest.mark.parametrize("names", [("density", "velocity", "pressure"), ("rho", "u", "p")])
def test_also_of_a_labelled_file(tmp_path, names):
    dims, path = ("time", "x"), tmp_path / "a.nc"
    fields = {name: (dims, v[0]) for name, v in zip(names, (RHO, V, P), strict=True)}
    xr.Dataset(fields, {"time": TIMES, "x": X}).to_netcdf(path, engine="h5netcdf")
    source = read(path, gamma=GAMMA)
    np.testing.assert_allclose(source.values[:, 1], RHO[0] * V[0], rtol=1e-6)
    assert source.fields == (names[0], "momentum", "energy")
    with pytest.raises(ValueError, match="are not conserved; give the ratio of specific heats"):
        read(path)
    # With another component of the velocity the energy is not that of a line.
    two = fields | {"v": fields[names[1]], "u": fields[names[1]]}
    if "velocity" not in two:
        xr.Dataset(two).to_netcdf(tmp_path / "c.nc", engine="h5netcdf")
        with pytest.raises(ValueError, match="--gamma does not apply"):
            read(tmp_path / "c.nc", gamma=GAMMA)
    # Constants of these names do not make a gas of a field u.
    still = {"u": fields[names[1]], "rho": 1.2, "p": 1.0}
    xr.Dataset(still, {"time": TIMES, "x": X}).to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    assert read(tmp_path / "b.nc").fields == ("u",)


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"density": RHO, "Vx": V, "pressure": P}, {}, "are not conserved; give the ratio"),
        ({"tensor": RHO}, {"gamma": 1.4}, "--gamma does not apply"),
        ({"density": RHO, "Vx": V, "pressure": P}, {"gamma": 1.0}, "above 1; got 1"),
        (
            {"density": RHO, "Vx": V, "pressure": np.where(P[1, 2, 3] == P, -0.25, P)},
            {"gamma": GAMMA},
            "pressure of .* is -0.25 at trajectory 1, time 2, x 3, .* make it NaN where",
        ),
        ({"tensor": RHO}, {"trajectory": 2}, "it has 2, counted from 0"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, arrays, options, message):
    with pytest.raises(ValueError, match=message):
        read(written(tmp_path / "a.hdf5", **arrays), **options)


def test_only_the_chosen_trajectory_is_loaded(tmp_path, monkeypatch):
    """So one of a file that is larger than the memory can be read."""
    path = written(tmp_path / "a.hdf5", tensor=RHO)
    size = RHO[0].nbytes + 1000
    monkeypatch.setattr("hfluxno.data.contained.memory_of_machine", lambda: 4 * size)
    with pytest.raises(ValueError, match="take one trajectory with --trajectory N"):
        read(path)
    source = read(path, trajectory=1)
    np.testing.assert_array_equal(source.values[0, :, 0], RHO[1])
