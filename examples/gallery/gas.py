"""A gas on a plane

Four fields in two dimensions, density, momentum and energy; hfluxno is given only ten frames. It
finds which two of them are a vector, that the law is the same in all directions, Euler's equations,
and the adiabatic exponent γ. The truth is solved on three times as many cells along each axis with
another Riemann solver. (Python only: files and commands have one dimension.)
"""

from pathlib import Path

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.evaluation import relative_l2
from hfluxno.fv import MUSCL, solve
from hfluxno.laws import Euler

law = Euler(axes=2, gamma=1.4)
fine = Grid.rectangle((96, 96))
x, y = np.meshgrid(fine.centers(0), fine.centers(1), indexing="ij")
density = (
    1.0
    + 0.3 * np.sin(2 * np.pi * (x + y))
    + 0.4 * np.exp(-60 * (x - 0.4) ** 2 - 60 * (y - 0.5) ** 2)
)
velocity = np.stack([0.4 * np.sin(2 * np.pi * y), -0.3 * np.cos(2 * np.pi * x)])
pressure = 1.0 + 0.5 * np.exp(-40 * (x - 0.6) ** 2 - 40 * (y - 0.4) ** 2)
start = law.conserved(*(jnp.asarray(part, jnp.float32) for part in (density, velocity, pressure)))
times = 0.02 * np.arange(16)
solution = solve(MUSCL(law, riemann="hllc"), start, times, fine)
values = np.asarray(solution.values).reshape(16, 4, 32, 3, 32, 3).mean(axis=(3, 5))
frames = Trajectory(values, times, Grid.rectangle((32, 32)), ("rho", "m_x", "m_y", "E"))

context, truth = frames.window(0, 10), frames.window(10, 16).values
forecast = hfluxno.forecast(context, steps=6)
found = forecast.identifications[0]
print(found.sentence, *found.formulas, sep="\n")
states = np.asarray(forecast.trajectory.values)
error = relative_l2(states.reshape(6, 4, -1), truth.reshape(6, 4, -1))[-1]
print(f"error after 6 frames {100 * error:.2g} %")

figure, panels = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
shown = {"last frame seen": context.values[-1], "forecast": states[-1], "truth": truth[-1]}
low, high = truth[-1, 0].min(), truth[-1, 0].max()
for axes, (name, state) in zip(panels, shown.items(), strict=True):
    picture = axes.imshow(state[0].T, origin="lower", vmin=low, vmax=high, extent=(0, 1, 0, 1))
    axes.set(title=f"density: {name}", xlabel="x", ylabel="y")
figure.colorbar(picture, ax=panels)
figure.savefig(Path("gas.png"), dpi=120)
