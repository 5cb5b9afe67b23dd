"""A dam break between walls

Water stands high on the left of a basin and low on the right. The truth is shallow water, h and m =
h v, with g = 9.81, solved on eight times as many cells by another scheme. hfluxno is given two
columns of numbers, and that both ends are walls; it finds their fluxes, and that m is the momentum
that a wall reverses.
"""

from pathlib import Path

import numpy as np

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.evaluation import relative_l2
from hfluxno.fv import MUSCL, solve
from hfluxno.laws import ShallowWater
from hfluxno.plots import Labels, forecast_figure, save

fine = Grid.interval(512, 0.0, 10.0, boundary="wall")
x = fine.centers()
height = np.where(x < 4.0, 2.0, 1.0) + 0.1 * np.sin(0.6 * np.pi * x)
start = np.stack([height, np.zeros_like(x)]).astype(np.float32)
times = 0.05 * np.arange(40)
solution = solve(MUSCL(ShallowWater(), riemann="hll"), start, times, fine)
values = np.asarray(solution.values).reshape(40, 2, 64, 8).mean(axis=-1)
frames = Trajectory(values, times, Grid.interval(64, 0.0, 10.0, boundary="wall"), ("h", "m"))

context, truth = frames.window(0, 16), frames.window(16, 40).values
forecast = hfluxno.forecast(context, steps=24)
found = forecast.identifications[0]
print(found.sentence, found.candidate, sep="\n")
errors = relative_l2(np.asarray(forecast.trajectory.values), truth)
for step in (1, 24):
    print(f"error after {step} frames {100 * errors[step - 1]:.2g} %")

labels = Labels(("height", "momentum"), ("m", "m²/s"), x_units="m", time_units="s")
save(forecast_figure(context, forecast, truth, labels), Path("dam_break.png"))
