"""Errors as parts of the truth, in the norm l2."""

import numpy as np

from hfluxno.forecaster import Forecast


def relative(values, truth) -> float:
    return np.linalg.norm(values - truth) / np.linalg.norm(truth)


def error_of(forecast: Forecast, truth) -> float:
    return relative(np.asarray(forecast.trajectory.values), truth)
