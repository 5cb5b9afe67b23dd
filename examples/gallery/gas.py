"""A gas on a plane

Four fields in two dimensions, density, momentum and energy; hfluxno is given only ten frames. It
finds which two of them are a vector, that the law is the same in all directions, Euler's equations,
and the adiabatic exponent γ. The truth is solved on three times as many cells along each axis with
another Riemann solver. `hfluxno forecast gas.hdf5 --fields density,momentum,energy --context 10
--steps 6 --figure gas.png` does the same with a file.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.evaluation import relative_l2
from hfluxno.fv import MUSCL, solve
from hfluxno.laws import Euler
from hfluxno.plots import plane_figure, save

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
solution = solve(MUSCL(law, riemann="rusanov"), start, times, fine)
values = np.asarray(solution.values).reshape(16, 4, 32, 3, 32, 3).mean(axis=(3, 5))
frames = Trajectory(values, times, Grid.rectangle((32, 32)), ("rho", "m_x", "m_y", "E"))

context, truth = frames.window(0, 10), frames.window(10, 16).values
forecast = hfluxno.forecast(context, steps=6)
found = forecast.identifications[0]
print(found.sentence, *found.formulas, sep="\n")
states = np.asarray(forecast.trajectory.values)
error = relative_l2(states.reshape(6, 4, -1), truth.reshape(6, 4, -1))[-1]
print(f"error after 6 frames {100 * error:.2g} %")

save(plane_figure(context, forecast, truth), Path("gas.png"))
