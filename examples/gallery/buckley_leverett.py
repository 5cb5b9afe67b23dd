"""Water that displaces oil

Buckley and Leverett's flux has an inflection, so that a front is a shock with a rarefaction
behind it, and most of the flux lies between states that the shock skips. The truth is solved on
eight times as many cells by another scheme. Grey bars show how often each state was observed:
where there are none, a law is a guess.
"""

from pathlib import Path

import numpy as np

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.evaluation import relative_l2
from hfluxno.fv import MUSCL, solve
from hfluxno.laws import BuckleyLeverett
from hfluxno.plots import Labels, forecast_figure, law_figure, save

law = BuckleyLeverett(q=1.0, M=0.5)
fine = Grid.interval(800, 0.0, 1.0)
x = fine.centers()
start = 0.45 + 0.33 * np.sin(2 * np.pi * x) + 0.06 * np.cos(4 * np.pi * x)
times = 0.005 * np.arange(60)
solution = solve(MUSCL(law), start[None].astype(np.float32), times, fine)
values = np.asarray(solution.values).reshape(60, 1, 100, 8).mean(axis=-1)
frames = Trajectory(values, times, Grid.interval(100, 0.0, 1.0), ("saturation",))

context, truth = frames.window(0, 20), frames.window(20, 60).values
forecast = hfluxno.forecast(context, steps=40)
found = forecast.identifications[0]
print(found.sentence, found.candidate, sep="\n")
lower, upper = np.ravel([found.law.lower, found.law.upper])
states = np.linspace(lower, upper, 50)
inferred, hidden = found.law.flux(states), np.asarray(law.flux(states[None]))[0]
difference = (inferred - inferred[0]) - (hidden - hidden[0])
print(f"largest difference of the fluxes {np.abs(difference).max():.2g} (up to a constant)")
error = relative_l2(np.asarray(forecast.trajectory.values), truth)[-1]
print(f"error after 40 frames {100 * error:.2g} %")

labels = Labels(("saturation",))
save(forecast_figure(context, forecast, truth, labels), Path("buckley_leverett.png"))
save(law_figure(found, context, labels), Path("buckley_leverett_law.png"))
