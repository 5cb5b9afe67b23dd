"""Traffic on a ring road

Another program (PyClaw) computed how the density of cars on a ring of 10 km moves. From the first
20 of its frames hfluxno infers the law of this traffic and forecasts the next 40, which are
compared with what PyClaw computed. The hidden law is Greenshields', f = 100 ρ (1 − ρ/140):
neither its form nor its numbers are given.
"""

from pathlib import Path

import numpy as np
import xarray as xr

import hfluxno
from hfluxno.evaluation import relative_l2
from hfluxno.plots import Labels, forecast_figure, save

file = Path(__file__).parents[1] / "traffic.nc"
density = xr.open_dataset(file, engine="h5netcdf")["density"]
frames = hfluxno.Trajectory.from_xarray(density)
context, truth = frames.window(0, 20), frames.window(20, 60).values

forecast = hfluxno.forecast(context, steps=40)
found = forecast.identifications[0]
print(found.sentence)
print(found.readings.best.form, found.readings.best.formula, sep=": ")
print(f"back-test error {100 * found.backtest_error:.2g} %")
errors = relative_l2(np.asarray(forecast.trajectory.values), truth)
for step in (1, 20, 40):
    print(f"error after {step} frames {100 * errors[step - 1]:.2g} %")

labels = Labels(("density",), "vehicles/km", x_units="km", time_units="h")
save(forecast_figure(context, forecast, truth, labels), Path("traffic.png"))
