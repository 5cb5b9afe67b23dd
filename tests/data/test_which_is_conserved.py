"""Tables of flow, speed and density: the sentences name what is conserved."""

import numpy as np
import pytest

from hfluxno.data.readers import read
from hfluxno.data.which_is_conserved import measure_of, unconserved

TIMES, PLACES = np.meshgrid(60.0 * np.arange(30), 0.5 * np.arange(16), indexing="ij")
DENSITY = 40.0 + 15.0 * np.sin(1.3 * PLACES - 0.004 * TIMES)
SPEED = 100.0 - DENSITY + 3.0 * np.cos(5.0 * PLACES + TIMES)  # no function of the density
FLOW = DENSITY * SPEED


def table(path, **fields):
    columns = {"time": TIMES, "x": PLACES} | fields
    rows = np.stack([each.ravel() for each in columns.values()], axis=1)
    np.savetxt(path, rows, "%.8g", ",", header=",".join(columns), comments="")
    return path


def refused(path, **how):
    with pytest.raises(ValueError) as error:
        read(path, **how)
    return str(error.value)


def test_a_density_is_what_is_conserved(tmp_path):
    path = table(tmp_path / "a.csv", flow=FLOW, speed=SPEED, density=DENSITY)
    assert refused(path) == (
        f"Several variables of {path} could be meant (flow, speed, density); density is what is "
        "conserved, as flow is the product of speed and density: choose --variable density, or "
        "--variable density --flow flow if flow is its flow, in units of density times x over time "
        "or with the units of all of them in the file, or --variable density,flow if flow is no "
        'function of density and frames are complete (in Python variable="density").'
    )
    said = refused(table(tmp_path / "b.csv", q=FLOW + 3.0 * SPEED, v=SPEED, k=DENSITY))
    assert "k is what is conserved: choose --variable k, or --variable k --flow q" in said
    said = refused(table(tmp_path / "c.csv", speed=SPEED, density=DENSITY))
    assert (
        "density is what is conserved: choose --variable density, or --variable density,speed"
        in said
    )


def test_a_density_is_known_by_the_flow_that_is_its_product(tmp_path):
    path = table(tmp_path / "a.csv", volume=np.round(FLOW), a=DENSITY, mean_speed=SPEED)
    said = "; a is what is conserved, as volume is the product of a and mean_speed: choose "
    assert said in refused(path)
    said = refused(table(tmp_path / "b.csv", b=SPEED, a=DENSITY, c=7.0 * FLOW))
    assert "; c is the product of b and a: the one of the two that is a density" in said
    # One of three that is no product, or of which one factor is constant.
    for c in (FLOW + 500.0 * np.sin(PLACES + 0.1 * TIMES), 3.0 * DENSITY):
        said = refused(table(tmp_path / "c.csv", a=DENSITY, b=3.0 + 0.001 * SPEED, c=c))
        assert "product" not in said and "choose one with --variable NAME" in said


def test_of_flow_and_speed_neither_is_conserved(tmp_path):
    path = table(tmp_path / "a.csv", flow_vph=FLOW, speed_kmh=SPEED)
    assert refused(path) == (
        f"Several variables of {path} could be meant (flow_vph, speed_kmh); what is conserved is "
        "neither flow_vph nor speed_kmh but the density, which is flow_vph / speed_kmh: add it as "
        "a column density (of veh/h and km/h in veh/km), and choose it with --variable density."
    )
    said = refused(table(tmp_path / "b.csv", flow=FLOW, occupancy=DENSITY, speed=SPEED + 5.0))
    assert "is neither flow nor speed but the density" in said
    path = table(tmp_path / "c.csv", flow=FLOW, speed=SPEED)
    assert refused(path, variable="speed", flow="flow") == (
        f"flow of {path} is not the flow of speed, with which it would cross the whole domain 239 "
        "times between two frames; give the density whose flow it is, which is flow / speed, as "
        "--variable."
    )


def test_one_that_is_chosen_in_the_place_of_a_density_is_told(tmp_path):
    path = table(tmp_path / "a.csv", flow=FLOW, speed=SPEED, density=DENSITY)
    for chosen in ("flow", "speed"):
        note = f"{chosen} is hardly what is conserved, but density: --variable density."
        assert note in read(path, chosen).hints
    assert not any("hardly" in hint for hint in read(path, "density").hints)
    assert not any("hardly" in hint for hint in read(path, "density,flow").hints)
    both = table(tmp_path / "b.csv", flow=FLOW, speed=SPEED)
    note = "hardly what is conserved, but the density, flow / speed: add it as a column, and"
    assert any(note in hint for hint in read(both, "speed").hints)
    alone = read(table(tmp_path / "c.csv", speed=SPEED, level=DENSITY), "speed")
    assert not any("hardly" in hint for hint in alone.hints)


def test_a_count_in_a_time_beside_a_speed_is_a_flow(tmp_path):
    path = table(tmp_path / "a.csv", **{"count [veh/min]": FLOW / 60.0, "speed [km/h]": SPEED})
    assert refused(path).endswith(
        "what is conserved is neither count nor speed but the density, which is 60 · count / speed:"
        " add it as a column density (of veh/min and km/h in veh/km), and choose it with "
        "--variable density."
    )
    note = "count is hardly what is conserved, but the density, 60 · count / speed: add it as a"
    assert any(note in hint for hint in read(path, "count").hints)
    # The number in a cell is conserved.
    cells = table(tmp_path / "b.csv", **{"count [veh]": FLOW / 60.0, "speed [km/h]": SPEED})
    assert not any("hardly" in hint for hint in read(cells, "count").hints)


def test_a_count_beside_a_speed_may_be_a_flow_and_units_are_those_of_the_file(tmp_path):
    assert refused(table(tmp_path / "a.csv", count=FLOW, speed=SPEED)).endswith(
        "(count, speed); if count is what passes in a time, as at a detector, what is conserved is "
        "neither it nor speed but the density, which is count / (this time · speed): add it as a "
        "column density (60 · count / speed in veh/km, of counts a minute and km/h), and choose it "
        "with --variable density; if it is the number in a cell, choose --variable count."
    )
    for flow, speed, formula, units in (
        ("veh/5min", "km/h", "12 · q / v", "veh/5min and km/h in veh/km"),
        ("m3/s", "m/s", "q / v", "m3/s and m/s in m3/m"),
        ("m3 s-1", "m/s", "q / v", "both in the same unit of time"),
    ):
        path = table(tmp_path / "b.csv", **{f"q [{flow}]": FLOW, f"v [{speed}]": SPEED})
        assert f"which is {formula}: add it as a column density (of {units})" in refused(path)


def test_a_depth_beside_its_discharge_and_fields_of_a_gas(tmp_path):
    depth = table(tmp_path / "a.csv", velocity=SPEED, discharge=FLOW + 900.0, depth=DENSITY)
    said = refused(depth)
    assert "or --variable depth --flow discharge if discharge is its flow" in said
    gas = table(tmp_path / "b.csv", density=DENSITY, velocity=SPEED, pressure=FLOW)
    other = table(tmp_path / "c.csv", density=DENSITY, temperature=SPEED)
    for path in (gas, other):
        assert "is what is conserved" not in refused(path)


@pytest.mark.parametrize(
    ("name", "attributes", "kind"),
    [
        ("pressure", {}, "pressure"),
        ("p", {"units": "hPa"}, "pressure"),
        ("a", {"standard_name": "air_pressure"}, "pressure"),
        ("T", {"units": "K"}, "temperature"),
        ("tos", {"standard_name": "sea_surface_temperature"}, "temperature"),
        ("mean_speed", {}, "speed"),
        ("v", {"units": "km/h"}, "speed"),
        ("density", {"units": "kg/m3"}, ""),
        ("volume", {"units": "m3"}, ""),
        ("energy", {"units": "K"}, ""),
        ("u", {}, ""),
    ],
)
def test_what_measures_a_conserved_quantity_is_told_by_name_or_units(name, attributes, kind):
    assert measure_of(name, attributes) == kind
    found = {name: {"constant": False, "total_kept": False}}
    said = unconserved([attributes], found)
    assert list(said) == ([name] if kind else [])
    assert all("is not what is conserved, but" in text for text in said.values())
    # Of a field whose total is kept nothing is said, whatever it is called.
    assert not unconserved([attributes], {name: {"constant": False, "total_kept": True}})
