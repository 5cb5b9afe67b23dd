"""The methods of the benchmark by name, with their weights.

A contender forecasts contexts of a problem. Networks have weights for the set on which they were
trained (`Problem.trained`); several weights are several seeds. The reference methods need none, and
only the true law is given the coefficients.
"""

import dataclasses
import functools
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Bool, Float

from hfluxno.evaluation.known_law import solve_known_law
from hfluxno.evaluation.paper.problems import CONTEXT, Problem
from hfluxno.evaluation.paper.sample import WindowBatch
from hfluxno.forecaster import Forecaster
from hfluxno.identify import FitStatus, FittedLawForecaster
from hfluxno.methods import METHODS, NETWORKS
from hfluxno.models.configuration import Pairs
from hfluxno.models.forecaster import NetworkForecaster, NetworkStatus
from hfluxno.models.network import Network
from hfluxno.models.weights import available
from hfluxno.persistence import Persistence
from hfluxno.training.release import any_weights
from hfluxno.trajectory import Trajectory

Frames = Float[np.ndarray, "window time field x"]
# (context, its batch, steps) ↦ frames and which windows failed. From the batch a method may use the
# coefficients, if it is the true law, or the examples, if it needs them.
MeasuredForecast = Callable[
    [Trajectory, WindowBatch, int], tuple[Frames, Bool[np.ndarray, " window"]]
]


@dataclasses.dataclass(frozen=True)
class PreparedMethod:
    """A method that can forecast a problem.

    - `forecast`: its forecasts.
    - `context`: how many frames it reads.
    - `source`: the weights, or "" if there are none.
    - `network`: the forecaster with the network, if there is one.
    - `fingerprint`: a number that identifies the weights.
    """

    forecast: MeasuredForecast
    context: int = CONTEXT
    source: str = ""
    network: NetworkForecaster | None = None
    fingerprint: int = 0

    @property
    def pairs(self) -> Pairs | None:
        """The examples that it needs."""
        return None if self.network is None else self.network.config.pairs


@dataclasses.dataclass(frozen=True)
class Contender:
    """One method.

    - `name`: by which it is chosen.
    - `title`: what tables call it.
    - `prepare`: for a problem, the prepared method, one per seed; empty if it has no weights for
      it.
    - `sized`: whether tables give its size beside the title, because it comes in several.
    """

    name: str
    title: str
    prepare: Callable[[Problem], Sequence[PreparedMethod]]
    sized: bool = False


def known_law(law: str, cells: int | None = None) -> PreparedMethod:
    """The true law solved on this number of cells; `None` for those of the data."""
    return PreparedMethod(functools.partial(_solved, law, cells))


def _solved(law: str, cells: int | None, context: Trajectory, batch: WindowBatch, steps: int):
    values, times = np.asarray(context.values), np.asarray(context.times, float)
    interval = (times[-1] - times[0]) / (len(times) - 1)
    frames, solved = solve_known_law(
        law, batch.coefficients, values[:, -1], steps, interval=float(interval), cells=cells
    )
    return frames, ~solved


def network(sources: Sequence[str], refinement: int = 0) -> Sequence[PreparedMethod]:
    """Networks with these weights: names of shipped ones, folders, runs or hub ids. Raises
    `ValueError` if there are no such weights.
    """
    made = ((any_weights(source), source) for source in sources)
    return [prepared_network(n.refined(refinement) if refinement else n, s) for n, s in made]


def prepared_network(forecaster: NetworkForecaster, source: str) -> PreparedMethod:
    """An existing network as a method."""
    return PreparedMethod(
        functools.partial(_forecast, forecaster, NetworkStatus.DIVERGED),
        max(2, forecaster.config.context),  # a trajectory of one frame has no Δt
        source,
        forecaster,
        fingerprint(forecaster.network),
    )


def fingerprint(network: Network) -> int:
    """A number that identifies the weights."""
    found = 0
    for leaf in jax.tree.leaves(eqx.filter(network, eqx.is_array)):
        found = zlib.crc32(np.asarray(leaf).tobytes(), found)
    return found


def _forecast(
    forecaster: Forecaster, failed_at: int, context: Trajectory, batch: WindowBatch, steps: int
):
    shown = {} if batch.examples is None else {"examples": batch.examples}
    result = forecaster.forecast(context, steps, **shown)
    return np.asarray(result.trajectory.values), np.asarray(result.status) == failed_at


def _by(make: Callable[[], Forecaster], failed_at: int = -1):  # by default no status is a failure
    return lambda problem: [PreparedMethod(functools.partial(_forecast, make(), failed_at))]


def _with_weights(method: str, refinement: int = 0):
    """Shipped weights `METHOD-SET` of every seed, if there are any; read once for all sets.

    Those of the seed 0 have that name, further seeds are `METHOD-SET-seed-1` and so on.
    """

    @functools.cache
    def ready(name: str) -> Sequence[PreparedMethod]:
        return network([name], refinement)

    def prepare(problem: Problem) -> Sequence[PreparedMethod]:
        name = f"{method}-{problem.trained}"
        seeds = (one for one in available() if one == name or one.startswith(f"{name}-seed-"))
        return [one for seed in seeds for one in ready(seed)]

    return prepare


def _contenders() -> Iterator[Contender]:
    """The reference methods, then the networks, each followed by its variants, then other methods
    in `METHODS`."""
    yield Contender("persistence", "persistence", _by(Persistence))
    yield Contender("known-law", "true law", lambda problem: [known_law(problem.law)])
    yield Contender("fit", "fitted law", _by(FittedLawForecaster, int(FitStatus.FAILED)))
    for name, title in NETWORKS.items():
        if name == "hfluxno":
            for sized in ("hfluxno-base", "hfluxno-small"):
                yield Contender(sized, title, _with_weights(sized), sized=True)
        else:
            yield Contender(name, title, _with_weights(name))
        if name == "hfluxno-law":
            refined = _with_weights(name, refinement=3)
            yield Contender(f"{name}-refined", f"{title}, 3 refinements", refined)
        elif name == "icon-context":
            far = f"{name}-far"
            yield Contender(far, "ICON, pairs of the context, τ = 0.1", _with_weights(far))
    for name, make in METHODS.items():
        if name not in ("persistence", "fit", *NETWORKS):
            yield Contender(name, name, _by(functools.partial(make, None, None)))


CONTENDERS = {contender.name: contender for contender in _contenders()}


def contenders(
    names: Sequence[str], added: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Contender]:
    """The methods of these names (all if there are none), and those that are added.

    - `added`: weights by name. User's weights are used for every problem that they fit; those for a
      known name replace the shipped ones.

    Raises `ValueError` if a name or weights are unknown; `OSError` if weights cannot be read.
    """
    found = dict(CONTENDERS)
    for name, sources in (added or {}).items():
        if name in CONTENDERS:
            found[name] = dataclasses.replace(CONTENDERS[name], prepare=_fitting(tuple(sources)))
        else:
            found[name] = Contender(name, name, _fitting(tuple(sources)))
    for name in names:
        if name not in found:
            raise ValueError(f"Unknown method {name!r}; choose from {', '.join(found)}.")
    return {name: found[name] for name in (*names, *(added or {}))} if names else found


def _fitting(sources: tuple[str, ...]):
    ready = network(sources)

    def prepare(problem: Problem) -> Sequence[PreparedMethod]:
        fields = problem.configuration(1, 1, 0).fields
        return [one for one in ready if one.network and one.network.config.fields == fields]

    return prepare
