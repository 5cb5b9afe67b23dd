"""The whole way, nothing replaced: a file goes in, the right law and forecast come out."""

import json

import jax
import numpy as np
import xarray as xr

from hfluxno.cli import main
from hfluxno.fv import Roe, solve
from hfluxno.grid import Grid
from hfluxno.laws import Cubic
from tests.compiled import compiled


def test_a_cubic_law_is_found_and_continued(tmp_path, capsys):
    grid, times = Grid.interval(64, 0.0, 2.0), 0.01 * np.arange(24)
    with jax.enable_x64(True):
        law = Cubic(a=0.4, b=-0.5, c=0.8)
        x = grid.centers()
        initial = 0.5 + 0.7 * np.sin(np.pi * x) + 0.2 * np.cos(2 * np.pi * x)
        states = compiled(solve, Roe(law), initial[None], times, grid).values
    states = np.asarray(states)
    data = xr.Dataset(
        {"u": (("x", "t"), states[:, 0].T, {"units": "kg/m"})},
        coords={"x": ("x", x, {"units": "m"}), "t": ("t", times, {"units": "s"})},
    )
    data.to_netcdf(tmp_path / "in.nc", engine="h5netcdf")
    out, figure = tmp_path / "out.nc", tmp_path / "out.png"
    arguments = ["forecast", str(tmp_path / "in.nc"), "--steps", "12", "--context", "12", "--json"]
    assert main([*arguments, "--output", str(out), "--figure", str(figure)]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["status"] == 0 and not result["left_observed_range"]
    assert result["backtest_error"] < 1e-3 and result["true_error"]["12"] < 1e-3
    assert len(result["standard_deviations"]) == len(result["coefficients"])
    with xr.open_dataset(out, engine="h5netcdf") as forecast:
        assert forecast["u"].dims == ("x", "t") and forecast["u"].attrs["units"] == "kg/m"
        np.testing.assert_allclose(forecast["t"], times[12:], rtol=1e-12)
        u = forecast["state_u"].values
        exact = 3 * 0.4 * u**2 - 2 * 0.5 * u + 0.8
        inner = slice(10, -10)  # few states are seen near the ends of the range
        np.testing.assert_allclose(
            forecast["flux_derivative"].values[inner], exact[inner], atol=0.02
        )
    assert figure.stat().st_size > 10_000
