"""The methods of forecasting by name: one line here makes a forecaster known everywhere."""

from collections.abc import Callable

from hfluxno.forecaster import Forecast, Forecaster
from hfluxno.identify import FittedLawForecaster
from hfluxno.trajectory import Trajectory


def _fit(weights: str | None, refinement: int | None) -> Forecaster:
    if weights is not None or refinement is not None:
        raise ValueError(
            "The method fit has no weights and refines its law until it fits; choose the method "
            "hfluxno for weights or a refinement."
        )
    return FittedLawForecaster()


def _hfluxno(weights: str | None, refinement: int | None) -> Forecaster:
    # The networks and their libraries load only where one is asked for.
    from hfluxno.models.weights import load, shipped

    if weights is None:
        raise ValueError(
            "The method hfluxno needs weights: a shipped name "
            f"({', '.join(shipped()) or 'none in this installation'}), a folder or a hub id."
        )
    network = load(weights)
    return network if refinement is None else network.refined(refinement)


METHODS: dict[str, Callable[[str | None, int | None], Forecaster]] = {
    "fit": _fit,
    "hfluxno": _hfluxno,
}


def forecaster(
    method: str, weights: str | None = None, refinement: int | None = None
) -> Forecaster:
    """The forecaster of that name.

    **Raises:**

    - `ValueError`, where the name is not known, or the weights are not, or have no law to refine.
    """
    if method not in METHODS:
        raise ValueError(f"Unknown method {method!r}; choose one of {', '.join(METHODS)}.")
    return METHODS[method](weights, refinement)


def forecast(
    context: Trajectory, steps: int, method: str = "fit", weights: str | None = None
) -> Forecast:
    """The `steps` frames after the context, at its spacing in time.

    **Arguments:**

    - `context`: the observed trajectory, or a batch of them.
    - `steps`: how many frames to forecast.
    - `method`: `fit` identifies the law from the context and solves it; `hfluxno` uses a trained
      network.
    - `weights`: of the network: a shipped name such as `cubic`, a folder, or an id of the Hugging
      Face hub; for the method `hfluxno` only.

    **Raises:**

    - `ValueError`, where the method or the weights are not known, `steps` is not positive, or the
      context cannot be used.
    """
    return forecaster(method, weights).forecast(context, steps)
