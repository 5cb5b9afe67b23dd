"""The methods of forecasting by name: one line here makes a forecaster known everywhere."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hfluxno.forecaster import Forecast, Forecaster, check_steps
from hfluxno.grid import Grid
from hfluxno.identify import FittedLawForecaster
from hfluxno.identify.law_forecaster import FoundLaw, GivenLawForecaster, as_law
from hfluxno.persistence import Persistence
from hfluxno.reconstruction import Noise
from hfluxno.trajectory import Trajectory, as_trajectory

if TYPE_CHECKING:
    import xarray


def _fit(weights: str | None, refinement: int | None) -> Forecaster:
    _without_weights("fit", weights, refinement)
    return FittedLawForecaster()


def _persistence(weights: str | None, refinement: int | None) -> Forecaster:
    _without_weights("persistence", weights, refinement)
    return Persistence()


def _without_weights(method: str, weights: str | None, refinement: int | None) -> None:
    if weights is not None or refinement is not None:
        raise ValueError(
            f"The method {method} has no weights and takes no number of refinement steps; choose "
            "a network for weights, or the method hfluxno-law for a refinement."
        )


def _network(method: str) -> Callable[[str | None, int | None], Forecaster]:
    def of(weights: str | None, refinement: int | None) -> Forecaster:
        # The networks and their libraries load only where one is asked for.
        from hfluxno.models.registry import method_of
        from hfluxno.models.renamed import RENAMED
        from hfluxno.models.weights import load

        names = [name for name, owner in shipped_networks().items() if owner == method]
        if weights is None:
            raise ValueError(
                f"The method {method} needs weights: a shipped name "
                f"({', '.join(names) or 'none in this installation'}), a folder or a hub id."
            )
        short = f"{method}-{weights}"
        network = load(short if short in names or short in RENAMED else weights)
        found = method_of(network.config)
        # In version 0.1.0 the variants were of the method hfluxno.
        if found != method and not {short, weights} & set(RENAMED):
            raise ValueError(
                f"The weights {weights} are of the method {found}, not of {method}; choose that "
                f"method, or other weights."
            )
        return network if refinement is None else network.refined(refinement)

    return of


def _owner(weights: str) -> str:
    """The method that shipped weights belong to: their name begins with it. The name of a variant
    begins with that of the method it is one of, so the longest counts."""
    return max((name for name in METHODS if weights.startswith(f"{name}-")), key=len, default="")


def shipped_networks() -> dict[str, str]:
    """The names of the networks that come with the package, and the method of each."""
    from hfluxno.models.weights import shipped

    return {name: _owner(name) for name in shipped()}


METHODS: dict[str, Callable[[str | None, int | None], Forecaster]] = {
    "fit": _fit,
    "hfluxno": _network("hfluxno"),
    "hfluxno-weak-form": _network("hfluxno-weak-form"),
    "hfluxno-law": _network("hfluxno-law"),
    "flux-no": _network("flux-no"),
    "dpot": _network("dpot"),
    "disco": _network("disco"),
    "fno": _network("fno"),
    "icon": _network("icon"),
    "icon-context": _network("icon-context"),
    "persistence": _persistence,
}


_USELESS = {
    "momentum": "The method {} asks for no momentum; choose the method fit.",
    "noise": "The method {} makes no use of a noise; choose the method fit.",
    "every": "The method {} steps from frame to frame as it was trained; leave out the time step "
    "every, or choose the method fit.",
}


def forecaster(
    method: str,
    weights: str | None = None,
    refinement: int | None = None,
    momentum: str | tuple[str, str] | None = None,
    every: float | None = None,
    noise: Noise | None = None,
    law: FoundLaw | None = None,
) -> Forecaster:
    """The forecaster of that name; `law` is one that was found before, for the method `fit`.

    **Raises:**

    - `ValueError`, where the name is not known, or the weights are not, or have no law to refine,
      or a momentum, a law, a time step or a noise is given to a method that has no use for it.
    - `OSError`, where the file of a law cannot be read.
    """
    if method not in METHODS:
        raise ValueError(f"Unknown method {method!r}; choose one of {', '.join(METHODS)}.")
    if law is not None and method != "fit":
        raise ValueError(f"The method {method} takes no law; choose the method fit.")
    found = METHODS[method](weights, refinement)
    if law is not None and noise is not None:
        raise ValueError("A law that was found before is not fitted, so the noise has no use.")
    if law is not None:
        return GivenLawForecaster(as_law(law), momentum, every)
    options = {"momentum": momentum, "noise": noise, "every": every}
    told = [name for name, value in options.items() if value is not None]
    if not told:
        return found
    if isinstance(found, Persistence) and told == ["every"]:
        return Persistence(every)
    if not isinstance(found, FittedLawForecaster):
        raise ValueError(_USELESS[told[0]].format(method))
    known: Any = noise
    if noise is not None and np.ndim(noise) < 2:
        known = tuple(map(float, np.atleast_1d(noise)))
    return FittedLawForecaster(momentum, every, known)


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
    """The `steps` frames after the context, at its spacing in time or `every` so much.

    **Arguments:**

    - `context`: the observed trajectory, a DataArray, or an array with its times and grid; or a
      batch: a list of the first two, or a leading axis.
    - `steps`: how many frames to forecast.
    - `method`: `fit` identifies the law from the context and solves it; `hfluxno`, its variants
      `hfluxno-weak-form` and `hfluxno-law` and the baselines use a trained network; `persistence`
      repeats the last frame.
    - `weights`: of the network: a shipped name such as `hfluxno-small-cubic` (`small-cubic` for
      short), a folder, or an id of the Hugging Face hub.
    - `momentum`: the field that a reflecting wall turns round; `fit` infers it where it is `None`.
      On a plane a pair of fields.
    - `every`: the time between two frames of the forecast, for `fit` and `persistence`; the mean
      spacing of the context where it is `None`.
    - `noise`: the standard deviation of the noise, of all fields, one for each, or one for each
      value (an array of the shape of the data), for `fit`, which then estimates law and first state
      jointly (see [`reconstruct`][hfluxno.reconstruct]).
    - `times`, `grid`, `fields`: of an array, of shape (time, x) or (time, field, x).
    - `law`: one that was found in other data of the same fields: an identification, what `load_law`
      returned, or its file. It is solved and not fitted; the context may be a single frame, which
      counts at the interval of the data that the law was found in.

    **Raises:**

    - `ValueError`, where the method or the weights are not known, `steps` is no positive whole
      number, or the context cannot be used.
    """
    check_steps(steps)
    trajectory = as_trajectory(context, times, grid, fields)
    made = forecaster(method, weights, momentum=momentum, every=every, noise=noise, law=law)
    return made.forecast(trajectory, int(steps))
