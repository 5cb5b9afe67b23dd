"""`hfluxno check`: what it says of files whose content is known."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hfluxno.cli import check, main
from tests.data.test_measures import gaps, wave
from tests.identify.test_velocity import gas, water


def saved(path, u, dims=("time", "x"), name="density", **coords):
    xr.Dataset({name: (dims, u)}, coords=coords).to_netcdf(path, engine="h5netcdf")
    return str(path)


def checked(capsys, *arguments):
    assert main(["check", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_many_fields_are_listed_instead_of_columns_of_a_letter(tmp_path, capsys):
    """As frames on a plane without an array y are: the note that says so stands below."""
    np.savez(tmp_path / "a.npz", values=wave()[0, :12, None] + np.arange(20.0)[:, None])
    assert main(["check", str(tmp_path / "a.npz")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(re.match("fields .*; --json prints what is known of each", line) for line in lines)
    assert not any(line.startswith("values   ") for line in lines) and len(lines) < 20


def test_an_error_of_linear_algebra_is_none_of_the_input(tmp_path, monkeypatch):
    def broken(config: check.CheckConfig) -> int:
        raise np.linalg.LinAlgError("Singular matrix")  # a ValueError

    monkeypatch.setattr(check, "main", broken)
    with pytest.raises(np.linalg.LinAlgError):
        main(["check", str(tmp_path)])


def test_a_wave_on_a_ring(tmp_path, capsys):
    time = ("time", 5.0 + 0.5 * np.arange(30), {"units": "s"})
    u = wave(1.3)[0] + 0.02 * np.std(wave()) * np.random.default_rng(0).normal(size=(30, 80))
    path = saved(tmp_path / "a.nc", u[:, ::-1], time=time, x=4.0 * np.arange(80)[::-1])
    found = checked(capsys, path)
    assert found["frames"] == 30 and found["trajectories"] == 1
    assert found["time"] == {
        "name": "time", "in_file": True, "units": "s", "first": 5.0, "last": 19.5, "spacing": 0.5,
        "entries": 30, "entries_in_file": 30, "uniform": True,
    }  # fmt: skip
    assert found["x"]["spacing"] == 4.0 and found["x"]["falls"] and found["x"]["uniform"]
    density = found["fields"]["density"]
    assert density["cells_per_frame"] == pytest.approx(1.3, abs=0.1)
    assert density["relative_noise"] == pytest.approx(0.02, rel=0.15)
    assert density["total_kept"] and density["oddities"] == []
    assert found["boundary"] == "periodic" and found["missing"]["all"] == 0.0
    options = "--boundary=periodic --context 23 --steps 7"
    assert found["next"] == f"hfluxno forecast {path} {options}" and found["boundary_known"]


def test_pure_numbers_have_no_unit(tmp_path, capsys):
    axes = {
        name: (name, 0.5 * np.arange(n), {"units": "1"}) for name, n in (("time", 30), ("x", 80))
    }
    found = checked(capsys, saved(tmp_path / "a.nc", wave(1.3)[0], **axes))
    assert found["time"]["units"] == found["x"]["units"] == ""


@pytest.mark.parametrize("bounds", ["3,1", "70,80"])
def test_bounds_that_a_forecast_refuses_are_refused(tmp_path, capsys, bounds):
    path = saved(tmp_path / "a.nc", wave()[0])
    said = []
    for command in (["check"], ["forecast", "--context=30", "--steps=1"]):
        assert main([*command, path, f"--bounds={bounds}"]) == 2
        said.append(capsys.readouterr().err)
    words = "the lower one first" if bounds == "3,1" else "of the values of density are beyond"
    assert said[0] == said[1] and words in said[0]


def test_given_ends_that_the_commands_refuse_are_refused(tmp_path, capsys):
    """They cover the first seven frames alone."""
    time = np.arange(7.0)
    path = saved(tmp_path / "a.nc", wave()[0], time=np.arange(len(wave()[0])))
    ends = tmp_path / "ends.nc"
    xr.Dataset({end: ("time", time) for end in ("lower", "upper")}, {"time": time}).to_netcdf(ends)
    said = []
    for command in ("check", "reconstruct"):
        assert main([command, path, "--boundary=given", f"--ends={ends}"]) == 2
        said.append(capsys.readouterr().err)
    assert "for the times 0 to 6, and the measurements are from 0 to" in said[0]
    assert said[0] in said[1]


@pytest.mark.parametrize("name", ["veh/km", "d" * 201, "den\x1b[31msity"])
def test_no_command_is_recommended_that_cannot_store_the_name(tmp_path, capsys, name):
    path = tmp_path / "a.csv"
    rows = [f"{i},{j},{u}" for i, frame in enumerate(wave()[0]) for j, u in enumerate(frame)]
    path.write_text("\n".join([f"time,x,{name}", *rows]))
    found = checked(capsys, path)
    assert found["next"] == found["reconstruct"] == ""
    assert main(["forecast", str(path), "--context=20", "--steps=1"]) == 2
    assert found["hints"][-1].replace("\x1b", "?") in capsys.readouterr().err


def test_four_fields_are_a_system_and_five_are_not(tmp_path, capsys):
    names = ("rho", "m", "E", "q", "w")
    waves = {name: (("time", "x"), 3.0 + wave(k)[0]) for k, name in enumerate(names, 1)}
    path = tmp_path / "a.nc"
    xr.Dataset(waves).to_netcdf(path, engine="h5netcdf")
    for some in ("rho,m,E", "rho,m,E,q"):
        found = checked(capsys, path, "--variable", some)
        assert found["identifiable"].startswith("the fluxes of rho from ")
        assert found["next"].startswith(f"hfluxno forecast {path} --variable={some} ")
    five = checked(capsys, path, "--variable", "rho,m,E,q,w")
    assert "choose one, or up to 4 that form a system" in five["faults"][0]
    assert five["identifiable"] == "nothing" and five["next"] == five["reconstruct"] == ""
    waves["m"][1][3, 5] = np.nan
    xr.Dataset(waves).to_netcdf(path, engine="h5netcdf")
    for some, count in (("rho,m,E", "Three"), ("rho,m,E,q", "Four")):
        gaps = checked(capsys, path, "--variable", some)
        assert f"{count} fields need whole frames" in gaps["faults"][0]
        assert gaps["next"] == gaps["reconstruct"] == ""


def test_gaps_of_a_table_and_the_command_for_it(tmp_path, capsys):
    u = wave(2.0, frames=40)[0]
    u[:, 1::2], u[9] = np.nan, np.nan
    u[3, 0:40:2] = np.nan
    lines = [f"{i},{0.1 * j:.1f},{v}" for (j, i), v in np.ndenumerate(u) if np.isfinite(v)]
    path = tmp_path / "a table.csv"
    path.write_text("\n".join(["pos,timestamp,u", *lines]))
    found = checked(capsys, path, "--domain=-0.5,79.5", "--cells=80")
    assert found["missing"]["all"] == pytest.approx(np.isnan(u).mean())
    assert found["missing"]["worst_frame"] == {"time": pytest.approx(0.3), "part": 0.5}
    assert found["time"]["entries_in_file"] == 39 and found["x"]["entries_in_file"] == 40
    assert not found["x"]["uniform"] and found["x"]["name"] == "pos"
    assert found["fields"]["u"]["cells_per_frame"] == pytest.approx(2.0, abs=0.1)
    assert found["boundary"] == "periodic"
    words = shlex.split(found["next"])
    assert words[2:] == [
        *(str(path), "--cells=80", "--domain=-0.5,79.5", "--boundary=periodic"),
        *("--context", "30", "--steps", "9"),
    ]  # fmt: skip


def test_walls_open_ends_and_leaks_are_told_apart(tmp_path, capsys):
    x, t = (np.arange(60) + 0.5) / 60, np.arange(25)[:, None] / 25
    wall = 2.0 + np.cos(np.pi * x) * np.cos(0.5 * np.pi * t)  # ∂x u = 0 at both ends
    opened = 2.0 + np.cos(np.pi * (x - 0.5 * t))
    leak = wave(frames=25)[0] * np.exp(-0.5 * t)
    pulse = np.exp(-(((x - 0.3 - 0.3 * t) / 0.05) ** 2))
    expected = {
        "reflecting": wall, "open": opened, "source or a leak": leak, "any boundary": pulse,
    }  # fmt: skip
    for said, u in expected.items():
        found = checked(capsys, saved(tmp_path / "a.nc", u))
        assert said in f"{found['boundary']}: {found['boundary_reason']}"
        # What nothing has reached is a guess.
        assert ("--boundary=" in found["next"]) == (said != "any boundary")
        total = found["fields"]["density"]
        assert total["total_kept"] == (said in ("reflecting", "any boundary"))
    found = checked(capsys, saved(tmp_path / "a.nc", wall))
    assert "a shock stands where x ends looks the same (then periodic)" in found["boundary_reason"]
    # Burgers' equation on a ring, on which a shock stands at the seam.
    found = checked(capsys, saved(tmp_path / "a.nc", (x - 0.5) / (0.5 + t)))
    assert found["boundary"] == "periodic" and "--boundary=periodic" in found["next"]
    assert "walls do not explain how the field moves" in found["boundary_reason"]
    found = checked(capsys, saved(tmp_path / "a.nc", opened))
    assert "--boundary=open" in found["next"]
    assert found["reconstruct"] == f"hfluxno reconstruct {tmp_path / 'a.nc'}"
    assert "the flux of density from 1 to 3, a diffusivity, the inflow" in found["identifiable"]
    # Something comes in, and it grows everywhere besides.
    found = checked(capsys, saved(tmp_path / "a.nc", opened * np.exp(np.sin(15.0 * t))))
    assert "steps between frames leave: a source or a leak" in found["boundary_reason"]


def test_a_total_is_exact_unless_one_of_a_batch_was_measured_with_errors(tmp_path, capsys):
    u = 3.0 + wave()[0] + 0.3 * np.cos(4 * np.pi * np.arange(80) / 80)
    for deviation in (0.0, 0.01):
        other = u + deviation * np.random.default_rng(0).normal(size=u.shape)
        path = saved(tmp_path / "a.nc", np.stack([u, other]), ("trajectory", "time", "x"))
        assert checked(capsys, path)["fields"]["density"]["total_exact"] == (deviation == 0.0)


def test_the_total_of_a_flow_beside_its_density_need_not_be_kept(tmp_path, capsys):
    x, t = (np.arange(60) + 0.5) / 60, np.arange(25)[:, None] / 25
    density = 2.0 + np.sin(2 * np.pi * (x - 0.25 * t**2))
    path = saved(tmp_path / "a.nc", np.stack([density * t, density], axis=1),
                 ("time", "field", "x"), field=["q", "k"])  # fmt: skip
    found = checked(capsys, path)
    assert not found["fields"]["q"]["total_kept"]
    said = "the total of k is conserved; that of q, its flow or momentum, need not be"
    assert found["boundary"] == "periodic" and found["boundary_reason"].endswith(said)


def test_the_commands_say_that_a_concentration_is_never_negative(tmp_path, capsys):
    """A jar in which the water gets clear from above, measured with noise."""
    x, t = (np.arange(60) + 0.5) / 60, np.arange(25)[:, None] / 25
    errors = 0.01 * np.random.default_rng(0).normal(size=(25, 60))
    u = np.clip(0.7 * (x - 0.1 - 0.4 * t) / (1.0 + t), 0.0, None) + errors
    path = saved(tmp_path / "a.nc", u)
    found = checked(capsys, path, "--boundary=wall")
    options = "--bounds=0, --boundary=wall"
    assert found["reconstruct"] == f"hfluxno reconstruct {path} {options}"
    assert found["next"] == f"hfluxno forecast {path} {options} --context 19 --steps 6"
    said = "is zero in 31 % of the measurements but for noise, and nowhere less: the commands say"
    assert f"density {said} that it is never negative; of a share" in found["hints"][-1]
    assert "--bounds=-1,2 " in checked(capsys, path, "--bounds=-1,2", "--boundary=wall")["next"]
    assert "of a share" not in checked(capsys, saved(path, 9.0 * u), "--boundary=wall")["hints"][-1]
    (tmp_path / "e.csv").write_text("time,lower,upper\n0,-0.01,1\n30,0.01,1")  # with noise, too
    given = checked(capsys, path, "--boundary=given", "--ends", tmp_path / "e.csv")
    two = np.stack([u, 1.0 + u], axis=1)
    path = saved(tmp_path / "b.nc", two, ("time", "field", "x"), field=["a", "b"])
    for found in (given, checked(capsys, path), checked(capsys, saved(path, u - 0.1))):
        assert "--bounds" not in found["next"] and found["next"]
        assert not any("negative" in hint for hint in found["hints"])


def test_the_commands_say_that_what_fills_a_closed_volume_is_a_part_of_it(tmp_path, capsys):
    """A jar between clear water and a deposit that gets denser, with noise and without; not one
    that does not, or in any other unit, or with open ends."""
    edges, t = np.arange(61) / 60, np.arange(25)[:, None] / 25

    def jar_of(density):
        clear = 0.5 * t
        deposit = 1.0 - 0.2 * clear / (density - 0.2)
        below = 0.2 * np.clip(edges, clear, deposit) + density * np.maximum(edges - deposit, 0.0)
        return 60.0 * np.diff(below, axis=1)

    jar = jar_of(0.4 + 0.5 * t)
    errors = 0.005 * np.random.default_rng(0).normal(size=jar.shape)
    path = tmp_path / "a.nc"
    for u in (jar, jar + errors):
        found = checked(capsys, saved(path, u), "--boundary=wall")
        assert " --bounds=0,1 --boundary=wall " in found["next"]
        assert found["hints"][0].endswith(
            " % of the measurements but for noise, and nowhere above 1: the commands say that it "
            "is a part of a closed volume, which cannot exceed 1; if it can, leave out --bounds, "
            "or write --bounds=0, instead."
        )
        assert 0.2 < found["fields"]["density"]["zero_part"] < 0.26
    for u in (0.7 * jar, 1.3 * jar, jar + 0.05, jar - 0.05, jar_of(0.8)):
        assert "--bounds" not in checked(capsys, saved(path, u), "--boundary=wall")["next"]
    assert "--bounds" not in checked(capsys, saved(path, jar), "--boundary=open")["next"]
    assert " --bounds=0,1 " in checked(capsys, saved(path, jar_of(0.98)), "--boundary=wall")["next"]
    for units, whole, bounds in (("%", 100.0, "0,100"), ("1", 1.0, "0,1"), ("kg/m3", 1.0, None)):
        stored = xr.Dataset({"c": (("time", "x"), whole * jar, {"units": units})})
        stored.to_netcdf(path, engine="h5netcdf")
        command = checked(capsys, path, "--boundary=wall")["next"]
        assert f" --bounds={bounds} " in command if bounds else "--bounds" not in command


def test_the_commands_name_the_momentum_between_walls(tmp_path, capsys):
    x, t = (np.arange(60) + 0.5) / 60, np.arange(25)[:, None] / 25
    h = 1.0 + 0.3 * np.cos(np.pi * x) * np.cos(4.0 * t)
    q = 0.3 * np.sin(np.pi * x) * np.sin(4.0 * t)
    u = np.stack([h, q], axis=1)
    path = saved(tmp_path / "a.nc", u, ("time", "field", "x"), field=["h", "q"])
    found = checked(capsys, path)
    assert found["momentum"] == "q" and "q vanishes at both ends" in found["boundary_reason"]
    options = "--boundary=reflecting --momentum=q"
    assert found["next"] == f"hfluxno forecast {path} {options} --context 19 --steps 6"
    assert "--boundary=wall --momentum=q " in checked(capsys, path, "--boundary=wall")["next"]
    for boundary in ("open", "wall,open"):  # which does not say that it vanishes there
        assert checked(capsys, path, f"--boundary={boundary}")["momentum"] is None
    u[:, 0] = 1.0
    path = saved(tmp_path / "a.nc", u, ("time", "field", "x"), field=["h", "q"])
    assert "--momentum" not in checked(capsys, path, "--boundary=wall")["next"]


def test_sensors_do_not_show_whether_totals_are_kept(tmp_path, capsys):
    """Ten sensors of a pulse that passes; a boundary that is named stays."""
    x, t = np.arange(60.0), np.arange(40.0)[:, None]
    u = 1.0 + np.exp(-(((x - 0.8 * t) / 4.0) ** 2)) + 0.8 * np.tanh((x - 30.0) / 9.0)
    u[:, np.arange(60) % 6 != 3] = np.nan
    path = saved(tmp_path / "a.nc", u)
    found = checked(capsys, path)
    assert found["boundary"] == "open" and "too little is measured" in found["boundary_reason"]
    found = checked(capsys, path, "--boundary=outflow,wall")
    assert (found["boundary"], found["boundary_reason"]) == ("outflow,wall", "as you say")
    assert "--boundary=outflow,wall" in found["reconstruct"]
    found = checked(capsys, path, "--boundary=periodic")
    assert (found["boundary"], found["boundary_reason"]) == ("periodic", "as you say")
    assert "--boundary=periodic" in found["reconstruct"]


def test_a_field_that_is_its_own_mirror_image(tmp_path, capsys):
    x, t = (np.arange(60) + 0.5) / 60, np.arange(25)[:, None] / 25
    u = 1.0 + np.exp(-((x - 0.5) ** 2) / (0.02 + 0.1 * t)) / np.sqrt(0.02 + 0.1 * t)
    found = checked(capsys, saved(tmp_path / "a.nc", u, x=10.0 * x))
    density = found["fields"]["density"]
    assert density["symmetry"] == "even" and density["mirror"] == pytest.approx(5.0)
    assert "no flux of it alone, as that would break the symmetry" in found["identifiable"]
    assert main(["check", str(tmp_path / "a.nc")]) == 0
    assert "symmetric yes, about 5" in " ".join(capsys.readouterr().out.split())


def test_given_ends_and_uneven_times_go_on_into_the_commands(tmp_path, capsys):
    t = np.sort(np.random.default_rng(1).uniform(0.0, 1.0, 25))
    u = 2.0 + np.cos(np.pi * ((np.arange(60) + 0.5) / 60 - 0.5 * t[:, None]))
    path = saved(tmp_path / "a.nc", u, time=t)
    (tmp_path / "e.csv").write_text("time,lower\n0,1\n2,1")
    found = checked(capsys, path, "--boundary=given,open", "--ends", tmp_path / "e.csv")
    options = f"--ends={tmp_path / 'e.csv'} --boundary=given,open"
    assert found["reconstruct"] == f"hfluxno reconstruct {path} {options}"
    assert found["next"] == f"hfluxno forecast {path} {options} --context 19 --steps 6"
    assert not found["time"]["uniform"] and "as you say" in found["boundary_reason"]
    assert main(["check", path]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "(time), uneven" in shown and "The entries of time are uneven" in shown
    words = "what passes or presses at the ends can explain 100 % of that, but so may a source or a"
    assert "not conserved: changes by" in shown and f"; {words} reaction" in shown
    for closed in ("wall", "periodic"):
        assert main(["check", path, "--boundary", closed]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "not conserved: changes by" in shown and "can explain" not in shown


def test_what_one_of_a_batch_lacks_and_its_noise_are_said(tmp_path, capsys):
    u = wave(0.5, trajectories=4)
    u[2, 7], u[2, 9], u[1, :, :20] = np.nan, np.nan, np.nan
    u[0] = np.nan  # which is another matter
    u[3] += 0.2 * np.random.default_rng(0).normal(size=u[3].shape)
    dims = ("trajectory", "time", "x")
    path = saved(tmp_path / "a.nc", u, dims, time=0.5 * np.arange(30.0))
    found = checked(capsys, path)
    missing, density = found["missing"], found["fields"]["density"]
    assert missing["worst_trajectory"] == {"trajectory": 1, "part": 0.25}
    assert missing["first_lacking"] == [{"trajectory": 2, "time": 3.5}]
    assert missing["frames_lacking"] == 2 and density["noisiest_trajectory"] == 3
    assert density["most_noise"] == pytest.approx(0.2, rel=0.1)
    assert density["noise"] < 0.02
    assert main(["check", path]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert ", 25 % of trajectory 1; trajectory 2 lacks the frame at 3.5, and 1 more" in said
    assert re.search(r"deviation; in trajectory 3 about 0\.(19|2|21) ", said)
    assert main(["check", saved(tmp_path / "b.nc", u[3])]) == 0
    assert "trajectory 3" not in capsys.readouterr().out


def test_trajectories_without_a_value_are_not_among_the_measured(tmp_path, capsys):
    u = wave(0.5, trajectories=5)
    u[2] = np.nan
    path = saved(tmp_path / "a.nc", u, ("trajectory", "time", "x"))
    assert main(["check", path]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "5, 1 of them without a value of some field, the first 4 of the others measured" in shown


def test_what_is_shown_of_a_system(tmp_path, capsys):
    moving = gaps(wave(0.5, trajectories=40), 0.1)
    moving[0, 0, 0] = -999.0
    u = np.stack([moving, np.full_like(moving, 2.0)], axis=2)
    path = saved(tmp_path / "a.nc", u, ("trajectory", "time", "field", "x"), field=["h", "b"])
    assert main(["check", path]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for text in (
        "trajectories 40, the first 32 of them measured",
        "x 80 cells, 0.00625 to 0.99375 in steps of 0.0125 (counted: the file has none), uniform",
        "missing 5.1 % of the values; of what is in the file up to 5.7 % of a frame (time 11)",
        "total conserved",
        "+0.50 cells a frame",
        "can infer the flux of h from 1.707 to 4.293, a diffusivity, the field in the gaps",
        "note h: -999 appears 1 time, a mark for missing values, but every method takes it as a "
        "value; make it a gap with --missing=-999",
        "note Constant, and better left out: b.",
        f"next hfluxno forecast {path} --variable=h --missing=-999 --boundary=periodic --context "
        "23 --steps 7",
    ):
        assert text in shown


def test_few_sensors_and_a_known_noise(tmp_path, capsys):
    """What was measured at five places is reconstructed; a variable of the file is its noise."""
    u = wave(2.0, frames=40)[0, :, ::16][:, :5]
    lines = [f"{t},{16 * i},{v},{0.1 + 0.1 * (i == 2)}" for (t, i), v in np.ndenumerate(u)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["time,x,u,sd", *lines]))
    found = checked(capsys, path, "--noise=sd")
    assert found["variable"] == "u" and found["fields"]["u"]["known_noise"] == [0.1, 0.2]
    assert found["x"]["entries"] == 33 and found["faults"] == []
    assert " --noise=sd" in found["reconstruct"] and " --noise=sd" in found["next"]
    alone = checked(capsys, path, "--variable=u", "--boundary=outflow")
    assert "known_noise" not in alone["fields"]["u"] and alone["reconstruct"] != ""
    assert alone["next"] == "" or "open" in alone["boundary"]
    assert main(["check", str(path), "--noise", "sd"]) == 0
    assert "known noise" in capsys.readouterr().out


def test_commands_that_would_be_refused_for_too_few_values_are_not_offered(tmp_path, capsys):
    """Ten of 45 cells: five frames have fewer values than unknowns, six have enough."""
    u = wave(1.0, frames=7)[0]
    places = np.array([0, 4, 9, 14, 19, 23, 28, 33, 38, 42])
    for frames, ends in ((5, ""), (7, " --context 6 --steps 1")):
        lines = [f"{t},{x},{u[t, x]}" for t in range(frames) for x in places]
        path = tmp_path / f"{frames}.csv"
        path.write_text("\n".join(["time,x,u", *lines]))
        found = checked(capsys, path, "--cells=45", "--domain=-0.5,44.5")
        assert found["boundary"] == "open"
        refused = [text for text in found["hints"] if "measured values for" in text]
        assert found["next"].endswith(ends) and bool(found["next"]) == bool(ends)
        assert bool(found["reconstruct"]) == (not refused) == bool(ends)
        assert (found["identifiable"] == "nothing") == bool(refused)
    assert main(["reconstruct", str(tmp_path / "5.csv"), "--cells=45", "--domain=-0.5,44.5"]) == 2
    assert "There are only 50 measured values for 54 " in capsys.readouterr().err


def test_a_doubtful_total_is_shown_as_such(tmp_path, capsys):
    """It falls by 2 %, with an uncertainty of 1.3 %."""
    u = 4.0 + np.sin(2 * np.pi * (np.arange(80) / 80 - np.arange(30)[:, None] / 30))
    u += 0.1 * np.random.default_rng(0).normal(size=u.shape) - 0.08 * np.arange(30)[:, None] / 30
    assert main(["check", str(saved(tmp_path / "a.nc", u))]) == 0
    assert "perhaps conserved: changes by -2" in " ".join(capsys.readouterr().out.split())


def test_of_many_frames_the_commands_take_the_first(tmp_path, capsys):
    u = 1.0 + np.tanh(wave(0.1, frames=1000)[0])
    u[3, 5] = np.nan
    found = checked(capsys, saved(tmp_path / "a.nc", u))
    assert found["next"].endswith(" --context 300 --steps 100")
    assert found["reconstruct"].endswith(" --context 400")
    (hint,) = found["hints"]
    assert (
        "the first few hundred of 1,000 frames" in hint
        and "one frame in 3, or with means of 3" in hint
    )
    found = checked(capsys, saved(tmp_path / "a.nc", u[:400]))
    assert found["next"].endswith(" --context 300 --steps 100") and not found["hints"]
    assert "--context" not in found["reconstruct"]


def test_noise_alone_has_no_boundary(tmp_path, capsys):
    u = np.random.default_rng(0).normal(size=(20, 50))
    found = checked(capsys, saved(tmp_path / "a.nc", u))
    assert "noise" in found["boundary_reason"] and found["fields"]["density"]["oddities"] == []
    assert not found["boundary_known"]
    assert (
        "--boundary=periodic" in checked(capsys, tmp_path / "a.nc", "--boundary=periodic")["next"]
    )
    assert found["fields"]["density"]["relative_noise"] == pytest.approx(1.0, rel=0.15)
    assert found["fields"]["density"]["correlation_of_frames"] < 0.5


def test_the_command_takes_frames_in_which_something_changes(tmp_path, capsys):
    u = wave()[0, :20]
    u[:17] = u[16]
    found = checked(capsys, saved(tmp_path / "a.nc", u))
    assert found["next"].endswith(" --context 18 --steps 2") and not found["faults"]


def test_a_small_range_far_from_zero_is_told(tmp_path, capsys):
    time = -0.1 * np.arange(30.0)[::-1]
    path = saved(tmp_path / "a.nc", 1e9 + wave(1.3)[0, :30], time=time)
    assert main(["check", path]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "30 frames, -2.9 to 0 in steps" in said and " -0 " not in said
    low, high = re.search(r"the flux of density from (\S+) to (\S+), a", said).groups()
    assert float(high) - float(low) == pytest.approx(np.ptp(wave(1.3)[0]), rel=1e-2)


def test_where_nothing_can_be_inferred_no_command_follows(tmp_path, capsys):
    still = checked(capsys, saved(tmp_path / "a.nc", np.ones((6, 9))))
    assert still["faults"] == ["All values are constant: there is nothing to infer a law from."]
    assert still["next"] == ""
    same = checked(capsys, saved(tmp_path / "s.nc", np.repeat(wave()[0, :1], 20, axis=0)))
    assert same["faults"] == ["All frames are the same: there is nothing to infer a law from."]
    assert same["identifiable"] == "nothing" and same["next"] == same["reconstruct"] == ""
    few = gaps(wave()[0], 0.99)
    few = checked(capsys, saved(tmp_path / "b.nc", few))
    (fault,) = few["faults"]
    assert "99 % of the values between" in fault and "a law needs 2 % of them" in fault
    assert few["next"] == ""
    two = np.full((12, 20), np.nan)
    two[:, [3, 9]] = wave(cells=20, frames=12)[0][:, [3, 9]]
    two = checked(capsys, saved(tmp_path / "c.nc", two))
    assert two["faults"][0].startswith("2 cells and 12 frames of a field have measurements")
    assert two["next"] == two["reconstruct"] == ""
    batch = np.stack([wave()[0], np.full_like(wave()[0], np.nan)])
    batch = saved(tmp_path / "d.nc", batch, ("trajectory", "time", "x"))
    empty = checked(capsys, batch)
    assert empty["faults"][0].startswith("Of 2 trajectories 1 (the first is 1, counted from 0)")
    assert empty["next"] == "" and checked(capsys, batch, "--trajectory=0")["next"] != ""


@pytest.mark.parametrize("fault", ["no.nc", "a.nc --domain 0,0.5", "a.nc --variable v"])
def test_faults_end_in_a_sentence(tmp_path, capsys, monkeypatch, fault):
    monkeypatch.chdir(tmp_path)
    u = wave()[0]
    saved(tmp_path / "a.nc", u, x=(np.arange(u.shape[1]) + 0.5) / u.shape[1])
    assert main(["check", *fault.split()]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("hfluxno: ")
    assert captured.err.count("\n") == 1


ELEMENTS = st.one_of(st.just(np.nan), st.just(0.0), st.floats(-1e3, 1e3, width=16))


@given(u=hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=9),
                    elements=ELEMENTS))  # fmt: skip
@settings(max_examples=15)
def test_random_values_end_with_a_status(tmp_path_factory, u):
    path = tmp_path_factory.getbasetemp() / "random.npz"
    u = np.pad(u, [(0, 0)] * (u.ndim - 1) + [(0, 8)], constant_values=np.nan)
    u = np.concatenate([u] * 4, axis=-3 if u.ndim > 2 else 0)
    np.savez(path, values=u)
    assert main(["check", str(path)]) == (2 if np.isnan(u).all(tuple(
        i for i in range(u.ndim) if u.ndim == 2 or i != u.ndim - 2)).any() else 0)  # fmt: skip


def test_the_commands_are_for_the_trajectory_that_was_chosen(tmp_path, capsys):
    noise = 0.1 * np.random.default_rng(0).normal(size=(30, 80))
    u = np.stack([wave(1.0)[0], wave(2.0)[0] + noise])
    path = saved(tmp_path / "a.nc", u, ("trajectory", "time", "x"))
    found = checked(capsys, path, "--trajectory", "1")
    assert found["next"].startswith(f"hfluxno forecast {path} --trajectory=1 ")
    assert found["reconstruct"].startswith(f"hfluxno reconstruct {path} --trajectory=1")
    path = saved(tmp_path / "b.nc", u + noise, ("trajectory", "time", "x"))
    both = checked(capsys, path)
    assert "--trajectory" not in both["next"] and " --trajectory=0" in both["reconstruct"]
    assert main(["reconstruct", path]) == 2
    assert "has 2 trajectories, and a reconstruction takes one" in (said := capsys.readouterr().err)
    assert "choose it with --trajectory N, or take all with --scheduler local" in said


def test_ends_that_hardly_differ_are_told_apart(tmp_path, capsys):
    time = 1711848600.0 + 6.0 * np.arange(30)
    path = saved(tmp_path / "a.nc", 1e6 + 1e-3 * wave()[0], time=time)
    assert main(["check", path]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "30 frames, 1711848600 to 1711848774 in steps of 6" in shown
    assert "values 1000000.00" in shown


def test_fields_on_axes_of_their_own(tmp_path, capsys):
    """Every other value of h, and one of q in six, by another clock."""
    u, day = wave(2.0, frames=40)[0], np.datetime64("2024-05-02T06:00", "ns")
    of_h = ("time", day + 30 * np.arange(40).astype("m8[s]"))
    of_q = ("clock", day + np.timedelta64(30, "s") + 90 * np.arange(13).astype("m8[s]"))
    data = {"h": (("time", "x"), 3.0 + u[:, ::2]), "q": (("clock", "x2"), 2.0 * u[1:39:3, 1::2])}
    axes = {
        "time": of_h,
        "clock": of_q,
        "x": 5.0 * np.arange(0, 80, 2),
        "x2": 5.0 * np.arange(1, 80, 2),
    }
    path = tmp_path / "a.nc"
    xr.Dataset(data, axes).to_netcdf(path, engine="h5netcdf")
    found = checked(capsys, path, "--variable", "h,q", "--time", "time,clock")
    assert found["time"]["name"] == "time,clock" and found["time"]["entries"] == 40
    assert found["x"]["entries"] == 80 and found["x"]["spacing"] == 5.0
    assert found["fields"]["h"]["missing"] == 0.5
    assert found["fields"]["q"]["missing"] == pytest.approx(1.0 - 13 / 80)
    assert found["fields"]["h"]["cells_per_frame"] == pytest.approx(2.0, abs=0.1)
    words = shlex.split(found["reconstruct"])
    assert words[3:6] == ["--variable=h,q", "--time=time,clock", "--boundary=periodic"]


def test_a_mark_that_is_named_is_a_gap(tmp_path, capsys):
    u = 500.0 + 300.0 * wave(1.3)[0]
    u[::5, ::7] = -999.0
    path = saved(tmp_path / "a.nc", u)
    marked = checked(capsys, path)
    found = checked(capsys, path, "--missing=-999")
    assert marked["missing"] == found["missing"] and marked["identifiable"] == found["identifiable"]
    assert marked["next"] == found["next"] and marked["reconstruct"] == found["reconstruct"]
    (oddity,) = marked["fields"]["density"]["oddities"]
    assert oddity.startswith("-999 appears 72 times, a mark") and marked["hints"] == []
    assert found["missing"]["all"] == 6 * 12 / u.size and found["fields"]["density"]["smallest"] > 0
    assert found["fields"]["density"]["oddities"] == [] and "--missing=-999" in found["next"]


def test_marks_that_leave_too_little_leave_no_command(tmp_path, capsys):
    """Three of five depths hold nothing else, as the commands say of them."""
    u = wave(1.0)[0, :, :5]
    u[:, 2:] = -99.0
    lines = [f"{t},{10 * i},{v}" for (t, i), v in np.ndenumerate(u)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["time,depth,water", *lines]))
    found = checked(capsys, path)
    assert found["identifiable"] == "nothing" and found["next"] == found["reconstruct"] == ""
    assert "2 cells and 30 frames of a field have measurements" in found["faults"][0]
    assert found["missing"]["worst_sensor"]["part"] == 1.0
    assert "make it a gap with --missing=-99" in found["fields"]["water"]["oddities"][0]
    assert main(["reconstruct", str(path), "--missing=-99"]) == 2


def test_marks_that_leave_no_grid_end_in_the_sentence_of_the_commands(tmp_path, capsys):
    """Sensors in a sixth of the domain suffice if all of their values are measured."""
    u = np.exp(-((np.arange(30.0)[:, None] - np.arange(60.0)) ** 2) / 50.0)
    x = np.append(1.6 * np.linspace(0.0, 1.0, 59) ** 1.1, 10.0)
    u[::2] = -99.0
    path = tmp_path / "a.csv"
    lines = [f"{t},{x[i]},{v}" for (t, i), v in np.ndenumerate(u)]
    path.write_text("\n".join(["time,x,u", *lines]))
    found = checked(capsys, path)
    assert main(["forecast", str(path), "--missing=-99", "--context=20", "--steps=1"]) == 2
    (fault,) = found["faults"]
    assert fault in capsys.readouterr().err and "sparse in places" in fault
    assert found["identifiable"] == "nothing" and found["next"] == found["reconstruct"] == ""


def test_even_places_between_ends_that_are_proposed_to_be_open(tmp_path, capsys):
    """The axis, the gaps and the commands are those of what the commands will read."""
    u = 2.0 + np.tanh(np.arange(30.0)[:, None] / 2.0 - np.arange(12.0) - 1.0)
    path = saved(tmp_path / "a.nc", u, x=np.arange(12.0))
    found = checked(capsys, path)
    assert found["boundary"] == "open" and "not conserved" in found["boundary_reason"]
    told = checked(capsys, path, "--boundary=open")
    for key in ("x", "missing", "identifiable", "hints", "next", "reconstruct"):
        assert found[key] == told[key]
    assert found["x"]["entries"] == 89 and found["x"]["even_sensors"]
    assert "choose --cells 12;" in found["hints"][0]
    assert not found["fields"]["density"]["total_over_gaps"]
    assert main(["check", path]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "x 12 even places, taken for sensors at points on 89 cells, 0 to 11 in steps" in shown
    means = checked(capsys, path, "--cells=12")
    assert means["x"]["uniform"] and means["missing"]["all"] == 0.0 and means["hints"] == []
    assert means["boundary"] == "open" and "--cells=12" in means["next"]


@pytest.mark.parametrize(
    ("units", "calendar", "start", "words"),
    [
        ("days since 2024-02-27", "standard", 1.0,
         "2024-02-28 00:00 to 2024-03-02 15:00 in steps of 3 h"),
        ("seconds since 2024-05-02T07:00:00+02:00", None, 30.0,
         "2024-05-02 05:00:30 UTC to 2024-05-02 05:00:33.625 UTC in steps of 0.125 s"),
        ("hours since 2024-02-27", "noleap", 1.0, "1 to 4.625 hours since 2024-02-27 in steps"),
        ("s", None, 1.0, "1 to 4.625 s in steps of 0.125"),
    ],
)  # fmt: skip
def test_times_that_count_from_a_date_are_dates(tmp_path, capsys, units, calendar, start, words):
    """Not those of a calendar without leap years."""
    attributes = {"units": units} | ({} if calendar is None else {"calendar": calendar})
    u = wave(1.3)[0]
    u[0, ::2] = np.nan
    time = ("time", start + 0.125 * np.arange(30), attributes)
    path = saved(tmp_path / "a.nc", u, time=time)
    assert main(["check", path]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"time 30 frames, {words}" in shown
    assert f"50 % of a frame (time {words.split(' to ')[0].removesuffix(' s')})" in shown


def test_every_key_is_described(tmp_path, capsys):
    found = checked(capsys, saved(tmp_path / "a.nc", wave()[0]), "--noise=0.1")
    (field,) = found["fields"].values()
    page = Path(__file__).parents[2] / "docs" / "data_format.md"
    described = page.read_text(encoding="utf-8")
    for key in (*found, *found["time"], *found["x"], *field):
        assert f"`{key}`" in described, key
    assert "known_noise" in field


def test_fields_that_are_not_conserved(tmp_path, capsys):
    time = 0.03 * np.arange(10)
    h, u, _ = np.moveaxis(water(10, 0.03), 1, 0)
    path = tmp_path / "a.nc"
    fields = {"h": (("time", "x"), h), "u": (("time", "x"), u)}
    coordinates = {"time": time, "x": (np.arange(80) + 0.5) / 80}
    xr.Dataset(fields, coordinates).to_netcdf(path, engine="h5netcdf")
    sought = (
        "u carries h as a velocity does, and is not conserved in shocks: a law of the momentum "
        "m = h·u is sought instead."
    )
    assert sought in checked(capsys, path, "--variable", "h,u")["hints"]
    unknown = checked(capsys, path, "--variable", "h,u", "--boundary", "open")["hints"]
    replaced = "u carries h as a velocity does, and is not conserved: put the momentum in its place"
    assert f"{replaced}, h · u." in unknown


def test_a_pressure_in_the_place_of_the_energy(tmp_path, capsys):
    seen, path = gas(1.4), tmp_path / "a.nc"
    fields = {
        name: (("time", "x"), seen[:, i]) for name, i in (("rho", 0), ("m", 1), ("p", 2), ("E", 3))
    }
    coordinates = {"time": 0.02 * np.arange(12), "x": (np.arange(80) + 0.5) / 80}
    xr.Dataset(fields, coordinates).to_netcdf(path, engine="h5netcdf")
    said = (
        "p moves the momentum as a pressure does, with γ = 1.4, and is not conserved: put the "
        "energy in its place, which --gamma computes from fields called density, velocity and "
        "pressure."
    )
    assert said in checked(capsys, path, "--variable", "rho,m,p")["hints"]
    assert not any("energy" in h for h in checked(capsys, path, "--variable", "rho,m,E")["hints"])


def test_what_is_no_conserved_quantity_by_its_units(tmp_path, capsys):
    """A rod in air, and a constant field, which is its own mirror image."""
    x, t = (np.arange(60) + 0.5) / 60, np.arange(25)[:, None] / 25
    rod = (3.0 + np.cos(np.pi * x) * np.exp(-t)) * np.exp(-0.8 * t)
    fields = {"T": (("time", "x"), 100.0 * rod, {"units": "K"})}
    path = tmp_path / "rod.nc"
    xr.Dataset(fields, {"time": t[:, 0], "x": x}).to_netcdf(path, engine="h5netcdf")
    found = checked(capsys, path)
    assert any(hint.startswith("T: a temperature is not what is") for hint in found["hints"])
    assert found["boundary"] == "reflecting" and "--boundary=reflecting" in found["next"]
    assert "there is inflow" not in found["boundary_reason"]
    assert main(["check", str(saved(tmp_path / "a.nc", np.full((25, 60), 3.7)))]) == 0
    assert "symmetric yes, about any place" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("falls", [False, True])
def test_a_dead_sensor_is_named_by_its_place_in_the_file(tmp_path, capsys, falls):
    at = np.sort(np.random.default_rng(2).uniform(0.0, 80.0, 14)).round(1)
    frame = np.arange(30)[:, None]
    values = 3.0 + np.sin(0.1 * (at - 0.7 * frame)) + 0.01 * np.cos(7.0 * frame + at)
    values[:, 6] = 0.0
    order = slice(None, None, -1) if falls else slice(None)
    path = saved(tmp_path / "a.nc", values[:, order], x=at[order])
    text = f"the sensor at {at[6]:.4g} hardly ever changes, others do"
    assert text in checked(capsys, path)["fields"]["density"]["oddities"]
    domain = checked(capsys, path, "--domain", "-3,90", "--boundary", "open")
    assert text in domain["fields"]["density"]["oddities"]
