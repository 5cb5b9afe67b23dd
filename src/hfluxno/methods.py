"""The methods of forecasting by name: one line here makes a forecaster known everywhere."""

from collections.abc import Callable

from hfluxno.forecaster import Forecast, Forecaster
from hfluxno.identify import FittedLawForecaster
from hfluxno.trajectory import Trajectory

METHODS: dict[str, Callable[[], Forecaster]] = {"fit": FittedLawForecaster}


def forecaster(method: str) -> Forecaster:
    """The forecaster of that name.

    **Raises:**

    - `ValueError`, where the name is not known.
    """
    if method not in METHODS:
        raise ValueError(f"Unknown method {method!r}; choose one of {', '.join(METHODS)}.")
    return METHODS[method]()


def forecast(context: Trajectory, steps: int, method: str = "fit") -> Forecast:
    """The `steps` frames after the context, at its spacing in time.

    **Arguments:**

    - `context`: the observed trajectory, or a batch of them.
    - `steps`: how many frames to forecast.
    - `method`: `fit` identifies the law from the context and solves it.

    **Raises:**

    - `ValueError`, where the method is not known, `steps` is not positive, or the context cannot
      be used.
    """
    return forecaster(method).forecast(context, steps)
