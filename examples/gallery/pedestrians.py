"""Pedestrians in single file

People walk round a closed corridor of 26 m, as in the experiments from which diagrams of speed over
density are drawn. The hidden law is Weidmann's: the speed falls from 1.34 m/s to nothing at 5.4
persons/m. The truth is solved on eight times as many cells by another scheme; 15 frames, two
seconds apart, are the context. The result holds for the densities that occurred.
"""

from pathlib import Path
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.evaluation import relative_l2
from hfluxno.fv import MUSCL, solve
from hfluxno.laws import ConservationLaw
from hfluxno.plots import Labels, forecast_figure, save


class Weidmann(ConservationLaw):
    """∂t ρ + ∂x(1.34 ρ (1 − exp(−1.913 (1/ρ − 1/5.4)))) = 0."""

    name: ClassVar[str] = "weidmann"
    fields: tuple[str, ...] = eqx.field(static=True, default=("density",))

    def flux(self, u):
        return 1.34 * u * (1.0 - jnp.exp(-1.913 * (1.0 / u - 1.0 / 5.4)))


fine = Grid.interval(520, 0.0, 26.0)
x = fine.centers()
start = 1.5 + 0.7 * np.sin(2 * np.pi * x / 26.0) + 0.3 * np.cos(4 * np.pi * x / 26.0)
times = 2.0 * np.arange(35)
solution = solve(MUSCL(Weidmann()), start[None].astype(np.float32), times, fine)
values = np.asarray(solution.values).reshape(35, 1, 65, 8).mean(axis=-1)
frames = Trajectory(values, times, Grid.interval(65, 0.0, 26.0), ("density",))

context, truth = frames.window(0, 15), frames.window(15, 35).values
forecast = hfluxno.forecast(context, steps=20)
found = forecast.identifications[0]
print(found.sentence, found.candidate, sep="\n")
print("flux at 1.5 persons/m:", f"{found.law.flux(1.5) - found.law.flux(1.0):.3f} more than at 1")
hidden = Weidmann().flux(jnp.array([1.5])) - Weidmann().flux(jnp.array([1.0]))
print(f"in truth {float(hidden[0]):.3f} persons/s")
errors = relative_l2(np.asarray(forecast.trajectory.values), truth)
print(f"error after 1 frame {100 * errors[0]:.2g} %, after 20 {100 * errors[-1]:.2g} %")

labels = Labels(("density",), "persons/m", x_units="m", time_units="s")
save(forecast_figure(context, forecast, truth, labels), Path("pedestrians.png"))
