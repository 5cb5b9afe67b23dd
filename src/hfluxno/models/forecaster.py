"""A trained network as a forecaster."""

import dataclasses
import enum

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hfluxno.batching import WIDE_VECTORS, map_in_chunks
from hfluxno.forecast_checks import POOR, conservation_drift, left_observed_range, relative_l2
from hfluxno.forecaster import Forecast, Forecaster, check_steps, continuation
from hfluxno.models.accepted import check_context, checked_examples, fitted_to
from hfluxno.models.configuration import ModelConfig
from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.law_target import LawNetwork
from hfluxno.models.network import Network
from hfluxno.models.parts import LawConfig
from hfluxno.models.provenance import Training
from hfluxno.models.rollout import frozen, rollout
from hfluxno.trajectory import Trajectory

# Contexts forecast at once: as many as fit a core's cache, or fill a GPU.
_CHUNK, _CHUNK_OF_ACCELERATOR = 4, 256


class NetworkStatus(enum.IntEnum):
    """Whether a network's forecast can be used."""

    OK = 0
    POOR = 1
    DIVERGED = 2

    @property
    def sentence(self) -> str:
        return {
            NetworkStatus.OK: "the network advanced the context without incident",
            NetworkStatus.POOR: "the network predicts the context's own last frames hardly better "
            "than repeating the frame before them; do not trust the forecast",
            NetworkStatus.DIVERGED: "the forecast became non-finite or left the observed range by "
            "more than the largest value observed; frames from there on repeat the last one before",
        }[self]


class NetworkForecaster(Forecaster):
    """Continues contexts like those that the network was trained on.

    The network reads as many of the last frames of a context as it was trained with. If the context
    has more, the network also predicts its last frames from the earlier ones: the back-test.

    - `network`: the network; the forecast has its precision, unless a law is refined.
    - `config`: what it was built from.
    - `name`: how sentences call it.
    - `training`: where the weights come from, if known.
    """

    network: Network
    config: ModelConfig = eqx.field(static=True)
    name: str = eqx.field(static=True, default="this network")
    training: Training | None = eqx.field(static=True, default=None)

    @property
    def statuses(self) -> dict[int, tuple[str, str]]:
        return {int(s): (s.name.lower(), s.sentence) for s in NetworkStatus}

    def forecast(
        self, context: Trajectory, steps: int, examples: Float[np.ndarray, "..."] | None = None
    ) -> Forecast:
        """The `steps` frames after the context.

        - `examples`: for a network that must be shown them (`config.pairs`), pairs of states of
          other trajectories of the same law, `config.pairs.ahead` frames apart, shape (pair, 2,
          field, *space); for a batch of contexts with a leading axis.

        Raises `ValueError` if `steps` is not positive, the context is not of the kind that the
        network was trained on, or the number of examples is wrong.
        """
        check_steps(steps)
        self.check(context)
        network = fitted_to(self.network, self.config, context)
        batch = context.batch
        shown = checked_examples(self.name, self.config, examples, len(batch), context.is_batched)
        given = self.config.context
        frames, bounded = self._advance(network, batch[:, -given:], steps, shown)
        held_out = min(max(1, given // 4), batch.shape[1] - given)
        errors = np.full(len(batch), np.nan)
        persistence = np.full(len(batch), np.nan)
        if held_out > 0:
            seen, after = batch[:, -given - held_out : -held_out], batch[:, -held_out:]
            predicted, _ = self._advance(network, seen, held_out, shown)
            whole = tuple(range(1, after.ndim))
            errors = relative_l2(predicted, after, whole)
            persistence = relative_l2(seen[:, -1:], after, whole)
        status = np.where(errors > POOR * persistence, NetworkStatus.POOR, NetworkStatus.OK)
        status = np.where(bounded, status, NetworkStatus.DIVERGED).astype(int)
        sentences = tuple(NetworkStatus(int(s)).sentence for s in status)
        drift = conservation_drift(batch[:, -1], frames)
        axes = (1, *range(3, batch.ndim))
        left = left_observed_range(frames, batch.min(axes), batch.max(axes))
        made = Forecast(continuation(context, frames), status, sentences, errors, drift, left)
        return made if context.is_batched else made.single()

    def refined(self, steps: int) -> "NetworkForecaster":
        """The same forecaster with this number of Levenberg-Marquardt steps on each context. Raises
        `ValueError` if `steps` is not 0 to 3, or the network does not infer a law.
        """
        config, target = self.config, _law(self.config)
        if target is None or not isinstance(config, HFluxNOConfig):
            raise ValueError(
                f"{self.name} infers no law that could be refined; use weights of the target law."
            )
        target = dataclasses.replace(target, refinement=steps)
        return dataclasses.replace(self, config=dataclasses.replace(config, target=target))

    def check(self, context: Trajectory) -> None:
        """Checks whether the network can read the context. Raises `ValueError` if it may not."""
        check_context(self.name, self.network, self.config, context)

    def _advance(self, network, batch, steps, shown):
        """The frames after each context of a batch, and whether none of them diverged.

        A law that cannot be solved by the network's scheme is solved by more dissipative ones.
        """
        frames, good = self._run(network, batch, steps, shown)
        for scheme in network.fallbacks if isinstance(network, LawNetwork) else ():
            failed = np.flatnonzero(~good[:, -1])
            if len(failed) == 0:
                break
            other = dataclasses.replace(network, scheme=scheme)
            again, fine = self._run(other, batch[failed], steps, None)
            solved = fine[:, -1]
            frames[failed[solved]], good[failed[solved]] = again[solved], True
        for member in np.flatnonzero(~good[:, -1]):
            count = int(np.sum(good[member]))
            frames[member, count:] = frames[member, count - 1] if count else batch[member, -1]
        return frames, good[:, -1]

    def _run(self, network, batch, steps, shown):
        """The frames after each context, and which are usable: those before the first that is not
        finite or leaves the range of the context by more than its largest value."""
        size = _CHUNK if jax.default_backend() == "cpu" else _CHUNK_OF_ACCELERATOR

        def program(chunk):
            seen, pairs = chunk
            return self._continue(network, seen, pairs, steps)

        frames = map_in_chunks(program, (batch, shown), np.zeros(len(batch)), size)
        space = tuple(range(3, batch.ndim))
        lower, upper = batch.min((1, *space), keepdims=True), batch.max((1, *space), keepdims=True)
        margin = np.maximum(np.abs(lower), np.abs(upper))
        margin = np.where(margin > 0.0, margin, np.inf)
        # NaN is not inside the range.
        inside = (frames >= lower - margin) & (frames <= upper + margin) & np.isfinite(frames)
        return frames, np.logical_and.accumulate(inside.all((2, *space)), axis=1)

    def _continue(self, network, batch, shown, steps):
        target = _law(self.config)
        dtype = jax.tree.leaves(eqx.filter(network, eqx.is_inexact_array))[0].dtype
        seen = jnp.asarray(batch, dtype)
        if target is not None and target.refinement > 0:
            with jax.enable_x64(True):
                start = np.asarray(_parameters(network, seen), np.float64)
                exact = np.asarray(batch, np.float64)
                return _refined(network, exact, start, steps, target.refinement)
        shown = None if shown is None else jnp.asarray(shown, dtype)
        return _rollouts(network, seen, shown, steps, self.config.context_mode)


# Equinox passes on the options of jax.jit but does not declare them.
@eqx.filter_jit(compiler_options=WIDE_VECTORS)  # type: ignore[call-overload]
def _rollouts(network, batch, shown, steps, mode):
    def one(context, pairs):
        ready = network if pairs is None else network.shown(pairs)
        return rollout(ready, context, steps, mode)

    return jax.vmap(one)(batch, shown)


@eqx.filter_jit
def _parameters(network: LawNetwork, batch):
    return jax.vmap(network.parameters)(batch)


_frozen = eqx.filter_jit(frozen)


def _refined(network: LawNetwork, batch, start, steps, refinement):
    operators = [
        network.refined(context, vector, refinement)
        for context, vector in zip(batch, start, strict=True)
    ]
    return np.stack([_frozen(*pair, steps) for pair in zip(operators, batch, strict=True)])


def _law(config: ModelConfig) -> LawConfig | None:
    """How a network infers a law, if it does."""
    target = config.target if isinstance(config, HFluxNOConfig) else None
    return target if isinstance(target, LawConfig) else None
