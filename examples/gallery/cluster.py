"""Many roads on two processes

Twenty-four ring roads with the same law of traffic, unknown to the program, each seen in 20
frames. Dask cuts them into chunks of four; two processes infer a law for every road and forecast 40
frames, each holding one chunk at a time. `hfluxno forecast roads.zarr --scheduler local` does the
same from a file, and can be resumed. The truth is solved on eight times as many cells by another
scheme.
"""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from distributed import Client

import hfluxno
from hfluxno import Grid
from hfluxno.fv import MUSCL, solve
from hfluxno.laws import LWR

ROADS, CELLS, SEEN, AHEAD = 24, 100, 20, 40
KM, HOURS = Grid.interval(CELLS, 0.0, 10.0).centers(), 0.0015 * np.arange(SEEN + AHEAD)


def roads() -> xr.DataArray:
    """Densities from waves of random heights and places."""
    random, fine = np.random.default_rng(0), Grid.interval(8 * CELLS, 0.0, 10.0)
    values, law = [], LWR(v=100.0, rho_max=140.0)
    for _ in range(ROADS):
        heights, places = random.uniform(5.0, 20.0, 3), random.uniform(0.0, 10.0, 3)
        waves = np.arange(1, 4) * 2.0 * np.pi * (fine.centers()[:, None] - places) / 10.0
        start = random.uniform(40.0, 80.0) + np.sin(waves) @ (heights / np.arange(1, 4))
        solution = solve(MUSCL(law), start[None].astype(np.float32), HOURS, fine)
        values.append(np.asarray(solution.values)[:, 0].reshape(-1, CELLS, 8).mean(axis=-1))
    axes = {"time": HOURS, "x": KM}
    return xr.DataArray(np.stack(values), axes, ("trajectory", "time", "x"), "density")


def main() -> None:
    truth = roads()
    ahead = hfluxno.forecast_dataset(truth.chunk(trajectory=4), AHEAD, context=SEEN)
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None):
        found = ahead.compute()
    left = found["density"] - truth[:, SEEN:].assign_coords(time=found["time"])
    error = ((left**2).mean("x") / (truth[:, SEEN:].values ** 2).mean(-1)) ** 0.5
    last, bound = 100.0 * error[:, -1], 100.0 * found["predicted_error_90"][:, -1]
    print(f"a conservation law explains {int((found['status'] == 0).sum())} of {ROADS} roads")
    print(f"error after {AHEAD} frames: median {float(last.median()):.2g} %")
    print(f"below the 90 % bound: {int((last < bound).sum())} of {ROADS}")

    figure, (shown, errors) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    for road, colour in enumerate(("C0", "C1", "C2")):
        shown.plot(KM, truth[road, -1], colour, lw=4, alpha=0.3)
        shown.plot(KM, found["density"][road, -1], colour, lw=1)
    shown.set(xlabel="km", ylabel="density", title="three roads after the forecast, over the truth")
    errors.loglog(bound, last, ".")
    ends = np.array([float(last.min()), float(bound.max())])
    errors.plot(ends, ends, "k--", lw=1)
    errors.set(xlabel="90 % bound of the error, in percent", ylabel="error, in percent")
    errors.set_title("every road, after the last frame")
    figure.savefig("cluster.png", dpi=120)


if __name__ == "__main__":  # every process reads this file
    main()
