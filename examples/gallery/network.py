"""A network beside the fit

HFluxNO has been trained on tens of thousands of cubic laws and reads 20 frames to guess the
operator for the 21st; the fitted law needs no training. Both get the same context and forecast
through the same function. The truth is solved on eight times as many cells by another scheme, so it
is like the training set, but not from it.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.evaluation import relative_l2
from hfluxno.fv import MUSCL, solve
from hfluxno.laws import Cubic

fine = Grid.interval(800, 0.0, 1.0)
x = fine.centers()
start = 0.6 * np.sin(2 * np.pi * x) + 0.3 * np.cos(4 * np.pi * x + 1.0)
times = 0.005 * np.arange(80)  # as in the training, like the 100 cells
solution = solve(MUSCL(Cubic(a=0.8, b=-0.5, c=0.3)), start[None].astype(np.float32), times, fine)
values = np.asarray(solution.values).reshape(80, 1, 100, 8).mean(axis=-1)
frames = Trajectory(values, times, Grid.interval(100, 0.0, 1.0), ("u",))
context, truth = frames.window(0, 20), frames.window(20, 80).values

methods = {
    "fitted law": {},
    "HFluxNO": {"method": "hfluxno", "weights": "small-cubic"},
    "last frame repeated": {"method": "persistence"},
}
figure, (errors, profiles) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
profiles.plot(frames.grid.centers(), truth[-1, 0], "k", lw=3, alpha=0.3, label="truth")
for name, options in methods.items():
    forecast = hfluxno.forecast(context, steps=60, **options)
    states = np.asarray(forecast.trajectory.values)
    error = relative_l2(states, truth)
    print(f"{name:20} {error[0]:.2g} after 1 frame, {error[-1]:.2g} after 60")
    errors.semilogy(1 + np.arange(60), error, label=name)
    profiles.plot(frames.grid.centers(), states[-1, 0], lw=1, label=name)
errors.set(xlabel="frames after the context", ylabel="relative l2 error")
profiles.set(xlabel="x", ylabel="u", title="after 60 frames")
errors.legend(fontsize=8)
figure.savefig(Path("network.png"), dpi=120)
