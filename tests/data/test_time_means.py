"""Means over time and flows beside a field, as files and options say them."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

from hfluxno.cli import main
from hfluxno.data.noise import read_noise
from hfluxno.data.readers import read
from hfluxno.observation import Flow, Points, TimeMean
from tests.data.test_readers import CELLS, FRAMES, dataset, save, wave

STEP = 2.0
TIMES = 10.0 + STEP * np.arange(FRAMES)


def means(tmp_path, lengths=None, methods="time: mean", **more):
    data = dataset(time=TIMES).assign(more)
    data["u"].attrs["cell_methods"] = methods
    if lengths is not None:
        data["time"].attrs["bounds"] = "time_bnds"
        ends = np.stack([TIMES - np.asarray(lengths), TIMES + 0.0 * np.asarray(lengths)], axis=1)
        data["time_bnds"] = (("time", "nv"), ends)
    return save(data, tmp_path / "a.nc")


def test_a_file_says_that_its_values_are_means(tmp_path):
    """Between the bounds of its times, or half way to the next ones."""
    source = read(means(tmp_path, 1.5))
    (mean,) = source.trajectory.observation
    assert isinstance(mean, TimeMean) and (mean.duration, mean.shift) == (1.5, -0.75)
    assert any(
        "means over 1.5 of time, as cell_methods says; --average 0" in h for h in source.hints
    )
    (mean,) = read(means(tmp_path, methods="area: mean time: mean")).trajectory.observation
    assert (mean.duration, mean.shift) == (STEP, 0.0)
    for methods in ("time: point", "time: maximum x: mean", ""):
        assert read(means(tmp_path, methods=methods)).observation == ()
    for wrong, message in (
        (
            STEP - 0.1 * np.arange(FRAMES),
            "over intervals of 1.5 to 2; give .* --average 0 .in Python delete the attr",
        ),
        (
            3.0,
            "over intervals of 3, longer than the 2 between .* --average 0 .*in Python delete",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            read(means(tmp_path, wrong))
    assert read(means(tmp_path, 3.0), average=0.0).observation == ()
    path = means(tmp_path, time_bnds=("time", TIMES))
    with xr.open_dataset(path, decode_times=False) as stored:
        stored = stored.load()
    stored["time"].attrs["bounds"] = "time_bnds"
    with pytest.raises(ValueError, match=r"give two for each time, leave the bounds out, or say"):
        read(save(stored, tmp_path / "b.nc"))


def test_an_option_says_that_values_are_means(tmp_path):
    path = means(tmp_path, 1.5)
    (mean,) = read(path, average=0.5).observation
    assert (mean.duration, mean.shift) == (0.5, 0.0)
    points, mean = read(path, cells=8, domain=(0.0, 1.0), average=2.0).observation
    assert isinstance(points, Points) and mean.duration == 2.0
    with pytest.raises(ValueError, match="needs a positive interval of time; got -1"):
        read(path, average=-1.0)


def test_a_flow_stands_after_its_field(tmp_path):
    values = np.array(wave(), float)
    flow = ("time", "x"), 3.0 * values, {"units": "1/s"}
    path = save(dataset(values).assign(q=flow, other=2.0), tmp_path / "a.nc")
    source = read(path, flow="q")
    source = dataclasses.replace(source, deviation=read_noise("u=0.1,q=0.3", source))
    context = source.context(5)
    assert (source.fields, context.fields, context.unit("q")) == (("u",), ("u", "q"), "1/s")
    assert read(path, "u,q", flow="q").fields == ("u",)
    assert source.units.keys() == {"u"}  # a law has no unit of a flow
    assert isinstance(context.observation[0], Flow) and context.states.fields == ("u",)
    np.testing.assert_array_equal(context.values[:, 1], 3.0 * values[:5])
    np.testing.assert_array_equal(context.deviation[0, :, 0], [0.1, 0.3])
    with pytest.raises(ValueError, match=r"one for each field \(u=VALUE,q=VALUE\); got 0[.]1"):
        read_noise("0.1", source)
    with pytest.raises(ValueError, match=r"no variable 'p' in"):
        read(path, "u", flow="p")
    short = dataset(values).assign(q=(("time", "place"), values[:, :5]))
    with pytest.raises(ValueError, match=r"axis time of u in .* needs a variable of numbers"):
        read(save(short, tmp_path / "b.nc"), "u", flow="q")
    batch = np.stack([values, 2.0 * values])
    both = dataset(batch, ("trajectory", "time", "x")).assign(
        q=(("trajectory", "time", "x"), batch)
    )
    some = read(save(both, tmp_path / "c.nc"), "u", flow="q").members(slice(1, 2))
    np.testing.assert_array_equal(some.trajectory.values[0, :, 1], batch[1])
    pair = dataset(batch, ("field", "time", "x")).assign(q=(("time", "x"), values))
    with pytest.raises(ValueError, match="A flow is that of a single field; choose one"):
        read(save(pair, tmp_path / "d.nc"), "u", flow="q")


def test_a_flow_is_converted_to_the_units_of_its_field(tmp_path):
    """Vehicles an hour beside vehicles a kilometre and dates, which count seconds."""
    lines = ["time,x [km],density [veh/km],flow [veh/h]"]
    for k in range(6):
        lines += [f"2024-05-02T07:0{k}:00,{x},{20 + k + x},{60 * (20 + k + x)}" for x in range(8)]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    source = read(tmp_path / "a.csv", "density", flow="flow")
    context = source.context(6)
    np.testing.assert_allclose(context.values[:, 1], context.values[:, 0] / 60.0)
    assert context.unit("flow") == "veh/s" and any("from veh/h to veh/s" in h for h in source.hints)
    bare = "\n".join(lines).replace(" [km]", "").replace(" [veh/km]", "").replace(" [veh/h]", "")
    (tmp_path / "b.csv").write_text(bare)
    with pytest.raises(ValueError, match=r"cross the whole domain 514 times .* time in seconds"):
        read(tmp_path / "b.csv", "density", flow="flow")
    with pytest.raises(ValueError, match="or --variable density --flow flow if flow is its flow"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("variable", [None, "u"])
def test_a_flow_needs_a_density(tmp_path, variable):
    save(dataset(), tmp_path / "a.nc")
    with pytest.raises(ValueError, match=r"u is the only variable of .*; leave out --flow, or add"):
        read(tmp_path / "a.nc", variable, flow="u")


def test_a_flow_in_a_table(tmp_path):
    lines = [f"{t},{x},{t + x},{t * x}" for t in range(FRAMES) for x in range(CELLS)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["time,x,density,flow", *lines]))
    context = read(path, "density", flow="flow").trajectory
    t, x = np.arange(FRAMES)[:, None], np.arange(CELLS)
    np.testing.assert_array_equal(context.values, np.stack([t + x, t * x + 0.0 * x], axis=1))


@pytest.mark.parametrize("option", ["--average=2", "--flow=q", "--noise=0.1"])
def test_methods_that_take_values_as_they_are_refuse_to_be_told(tmp_path, option, capsys):
    path = save(dataset().assign(q=(("time", "x"), wave())), tmp_path / "a.nc")
    arguments = ["forecast", str(path), "-n", "2", "--variable", "u", "--method", "persistence"]
    assert main([*arguments, option]) == 2
    assert "persistence takes no" in capsys.readouterr().err
