"""A round dam in a basin with a pillar

Water stands high in a circle, and spreads over a basin with walls in which a square pillar stands.
hfluxno is given height and momentum in ten frames, and where the pillar is; it finds that two
fields are the momentum, that the law is the same in all directions, shallow water, and g. The truth
is solved on three times as many cells along each axis, by another scheme.
"""

from pathlib import Path

import numpy as np

import hfluxno
from hfluxno import Grid, Trajectory
from hfluxno.evaluation import relative_l2
from hfluxno.fv import Roe, solve
from hfluxno.laws import ShallowWater2D
from hfluxno.plots import Labels, plane_figure, save

CELLS, FINER, SEEN, AHEAD = 40, 3, 10, 10
pillar = np.zeros((CELLS, CELLS), bool)
pillar[26:31, 16:21] = True


def basin(finer: int) -> Grid:
    """10 m × 10 m with the pillar, on `finer` cells for each along either axis."""
    solid = pillar.repeat(finer, axis=0).repeat(finer, axis=1)
    return Grid.rectangle(solid.shape, upper=(10.0, 10.0), boundary="wall", solid=solid)


fine = basin(FINER)
x = fine.centers()
height = np.where(np.hypot(x[:, None] - 3.5, x - 5.5) < 2.0, 2.0, 1.0)
start = np.stack([height, 0.0 * height, 0.0 * height]).astype(np.float32)
times = 0.06 * np.arange(SEEN + AHEAD)
solution = solve(Roe(ShallowWater2D(g=9.81)), start, times, fine)
states = np.asarray(solution.values).reshape(-1, 3, CELLS, FINER, CELLS, FINER).mean(axis=(3, 5))
frames = Trajectory(np.where(pillar, np.nan, states), times, basin(1), ("h", "m_x", "m_y"))

context, truth = frames.window(0, SEEN), frames.window(SEEN, SEEN + AHEAD).values
forecast = hfluxno.forecast(context, steps=AHEAD)
found = forecast.identifications[0]
print(found.sentence, *found.formulas, "in truth g = 9.81", sep="\n")
water = ~pillar
errors = relative_l2(np.asarray(forecast.trajectory.values)[..., water], truth[..., water])
for step in (1, AHEAD):
    print(f"error after {step} frames {100 * errors[step - 1]:.2g} %")

units = ("m", "m²/s", "m²/s")
labels = Labels(frames.fields, units, x_units="m", y_units="m", time_units="s")
save(plane_figure(context, forecast, truth, labels), Path("basin.png"))
