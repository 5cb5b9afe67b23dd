"""Forecasting methods by name: one line here makes a forecaster known everywhere."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

from numpy.typing import ArrayLike, NDArray

from hfluxno.contexts import as_trajectory
from hfluxno.coordinates import check_interval
from hfluxno.forecaster import Forecast, Forecaster, check_forecast_memory, check_steps
from hfluxno.grid import Grid
from hfluxno.identify import FittedLawForecaster
from hfluxno.identify.saved.forecaster import FoundLaw, GivenLawForecaster, as_law
from hfluxno.known import Noise
from hfluxno.persistence import Persistence
from hfluxno.trajectory import Trajectory

if TYPE_CHECKING:
    import xarray


Factory = Callable[[str | None, int | None], Forecaster]  # from weights and refinement steps


def _without_weights(
    method: str, kind: Callable[[], Forecaster], weights: str | None, refinement: int | None
) -> Forecaster:
    if weights is not None or refinement is not None:
        raise ValueError(
            f"The method {method} has no weights and takes no number of refinement steps; "
            "choose a network for weights, or the method hfluxno-law for a refinement."
        )
    return kind()


def _network(method: str, weights: str | None, refinement: int | None) -> Forecaster:
    # Networks and their libraries are loaded only when asked for.
    from hfluxno.models.registry import method_of
    from hfluxno.models.renamed import RENAMED
    from hfluxno.models.weights import load

    names = [name for name, owner in named_networks().items() if owner == method]
    if weights is None:
        raise ValueError(
            f"The method {method} needs weights: a shipped name "
            f"({', '.join(names) or 'none in this installation'}), a folder or a hub id."
        )
    short = f"{method}-{weights}"
    network = load(short if short in names or short in RENAMED else weights)
    found = method_of(network.config)
    # In version 0.1.0 the variants belonged to the method hfluxno.
    if found != method and not {short, weights} & set(RENAMED):
        raise ValueError(
            f"The weights {weights} are of the method {found}, not of {method}; choose that "
            f"method, or other weights."
        )
    return network if refinement is None else network.refined(refinement)


def _owner(weights: str) -> str:
    """The method that shipped weights belong to: their name begins with it. The name of a variant
    begins with that of its method, so the longest match counts."""
    return max((name for name in METHODS if weights.startswith(f"{name}-")), key=len, default="")


def named_networks() -> dict[str, str]:
    """The names of the networks that can be loaded by name, and the method of each."""
    from hfluxno.models.weights import available

    return {name: _owner(name) for name in available()}


# The methods that need weights, and what tables call them.
NETWORKS = {
    "hfluxno": "HFluxNO",
    "hfluxno-weak-form": "HFluxNO + weak form",
    "hfluxno-law": "HFluxNO → law",
    "dpot": "DPOT",
    "disco": "DISCO",
    "fno": "FNO",
    "flux-no": "Flux NO",
    "icon": "ICON",
    "icon-context": "ICON, pairs of the context, τ = 0.005",
}
METHODS: dict[str, Factory] = {
    "fit": functools.partial(_without_weights, "fit", FittedLawForecaster),
    **{name: functools.partial(_network, name) for name in NETWORKS},
    "persistence": functools.partial(_without_weights, "persistence", Persistence),
}


_USELESS = {
    "momentum": "The method {} takes no momentum; choose the method fit.",
    "every": "The method {} steps from frame to frame as it was trained; leave out the time step "
    "every, or choose the method fit.",
}


def forecaster(
    method: str,
    weights: str | None = None,
    refinement: int | None = None,
    momentum: str | tuple[str, str] | None = None,
    every: float | None = None,
    law: FoundLaw | None = None,
) -> Forecaster:
    """The forecaster of that name; `law`, for the method `fit`, is one that was found before.
    Raises `ValueError` if the name or the weights are unknown, the weights have no law to refine,
    `every` is no positive time, or a momentum, a law or a time step is given to a method that does
    not take it; `OSError` if the law file cannot be read."""
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"Unknown method {method!r}; choose one of {', '.join(METHODS)}.")
    if every is not None:
        check_interval(every)
        every = float(every)  # of an array or a NumPy scalar, which programs could not hold
    if law is not None and method != "fit":
        raise ValueError(f"The method {method} takes no law; choose the method fit.")
    found = METHODS[method](weights, refinement)
    if law is not None:
        return GivenLawForecaster(as_law(law), momentum, every)
    options = {"momentum": momentum, "every": every}
    given = [name for name, value in options.items() if value is not None]
    if not given:
        return found
    if isinstance(found, Persistence) and given == ["every"]:
        return Persistence(every)
    if not isinstance(found, FittedLawForecaster):
        raise ValueError(_USELESS[given[0]].format(method))
    return FittedLawForecaster(momentum, every)


def check_measured(method: str, what: str = "noise") -> None:
    """Rejects knowledge of the measurements for a method that takes the values as they are. Raises
    `ValueError` if the method is one.
    """
    if method in METHODS and method != "fit":
        raise ValueError(f"The method {method} takes no {what}; choose the method fit.")


@overload
def forecast(
    context: "Trajectory | xarray.DataArray | Sequence[Trajectory | xarray.DataArray]",
    steps: int,
    method: str = "fit",
    weights: str | None = None,
    momentum: str | tuple[str, str] | None = None,
    every: float | None = None,
    noise: Noise | None = None,
    *,
    law: FoundLaw | None = None,
) -> Forecast: ...
@overload
def forecast(
    context: NDArray[Any],
    steps: int,
    method: str = "fit",
    weights: str | None = None,
    momentum: str | tuple[str, str] | None = None,
    every: float | None = None,
    noise: Noise | None = None,
    *,
    times: ArrayLike,
    grid: Grid,
    fields: Sequence[str] | None = None,
    law: FoundLaw | None = None,
) -> Forecast: ...
def forecast(
    context: Any,
    steps: Any,
    method: str = "fit",
    weights: str | None = None,
    momentum: str | tuple[str, str] | None = None,
    every: float | None = None,
    noise: Noise | None = None,
    *,
    times: Any = None,
    grid: Grid | None = None,
    fields: Sequence[str] | None = None,
    law: FoundLaw | None = None,
) -> Forecast:
    """The `steps` frames after the context, at its spacing in time or `every` so often.

    **Arguments:**

    - `context`: the observed trajectory, a DataArray, or an array with its times and grid; or a
      batch: a list of the first two, or a leading axis.
    - `steps`: how many frames to forecast.
    - `method`: `fit` identifies the law from the context and solves it; `hfluxno`, its variants
      `hfluxno-weak-form` and `hfluxno-law` and the baselines use a trained network; `persistence`
      repeats the last frame.
    - `weights`: the weights of the network: a shipped name such as `hfluxno-small-cubic`
      (`small-cubic` for short), a folder, or an id of the Hugging Face hub.
    - `momentum`: the field whose sign a reflecting wall reverses; if `None`, `fit` infers it. In
      two dimensions a pair of fields.
    - `every`: the time between two frames of the forecast, for `fit` and `persistence`; by default
      the mean spacing of the context.
    - `noise`: the standard deviation of the noise, one for all fields, one per field, or one per
      value (an array of the shape of the data), for `fit`, which then estimates law and first state
      jointly (see [`reconstruct`][hfluxno.reconstruct]).
    - `times`, `grid`, `fields`: those of a context that is an array, of shape (time, x) or (time,
      field, x).
    - `law`: a law found in other data of the same fields: an identification, what `load_law`
      returned, or its file. It is solved, not fitted, so the context may be a single frame; frames
      then have the interval of the data in which the law was found.

    **Raises:**

    - `ValueError`, if the method or the weights are unknown, `steps` is not a positive whole
      number or more than the memory holds, or the context cannot be used.
    """
    check_steps(steps)
    trajectory = as_trajectory(context, times, grid, fields)
    check_forecast_memory(int(steps), trajectory.batch[:, 0].size)
    if noise is not None:
        check_measured(method)
    made = forecaster(method, weights, momentum=momentum, every=every, law=law)
    return made.forecast(trajectory.with_deviation(noise), int(steps))
