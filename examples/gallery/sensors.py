"""A field behind a few sensors

Twelve detectors stand along a road of 48 cells, with noise of 2 %. What enters at the upstream end
is unknown. From these records the law, the first state, the ends and the noise are estimated
together, and with them the whole field with 90 % bands. The truth is solved on eight times as many
cells by another scheme.
"""

from pathlib import Path

import numpy as np

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.boundary import Given
from hfluxno.evaluation import relative_l2
from hfluxno.fv import MUSCL, solve
from hfluxno.laws import LWR
from hfluxno.plots import Labels, reconstruction_figure, save

# A pulse of cars drives in; at the far end they leave.
times = 0.06 * np.arange(24)
entering = 0.25 + 0.12 * np.sin(2.0 * np.pi * times / 0.9)
fine = Grid.interval(384, 0.0, 1.0, boundary=(Given(times, entering[None]), "outflow"))
start = 0.25 + 0.15 * np.exp(-(((fine.centers() - 0.35) / 0.12) ** 2))
solution = solve(MUSCL(LWR()), start[None].astype(np.float32), times, fine)
truth = np.asarray(solution.values).reshape(24, 1, 48, 8).mean(axis=-1)

random = np.random.default_rng(0)
measured = np.full(truth.shape, np.nan)
seen = np.linspace(1, 46, 12).astype(int)
noise = 0.02 * truth.mean()
measured[..., seen] = truth[..., seen] + noise * random.normal(size=(24, 1, 12))
context = Trajectory(measured, times, Grid.interval(48, 0.0, 1.0, boundary="open"), ("density",))

found = hfluxno.reconstruct(context)
print(found.identification.sentence)
print(f"noise {found.noise[0]:.2g}, in truth {noise:.2g}")
error = relative_l2(np.asarray(found.trajectory.values), truth).mean()
lower, upper = found.bands
inside = np.mean((lower <= truth) & (truth <= upper))
print(f"error of the field {100 * error:.2g} %; {100 * inside:.0f} % of it in the bands")

save(reconstruction_figure(context, found, Labels(("density",))), Path("sensors.png"))
