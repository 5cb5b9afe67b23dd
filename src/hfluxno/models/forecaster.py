"""A trained network as a forecaster."""

import dataclasses
import enum

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hfluxno.forecaster import Forecast, Forecaster, continuation
from hfluxno.lanes import WIDE_VECTORS, run_lanes
from hfluxno.models.configuration import ModelConfig
from hfluxno.models.finer import FinerNetwork
from hfluxno.models.hfluxno import HFluxNO
from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.law_target import LawNetwork
from hfluxno.models.network import Network
from hfluxno.models.parts import LawConfig
from hfluxno.models.provenance import Training
from hfluxno.models.rollout import frozen, rollout
from hfluxno.models.weak_form_hfluxno import WeakFormHFluxNO
from hfluxno.trajectory import Trajectory

# Spacings that differ by less than this part are the same.
_SAME_SPACING = 1e-2
# Contexts that are forecast at once: what fits the cache of a core, and what fills a GPU.
_LANES, _LANES_OF_ACCELERATOR = 4, 256
_RANGE_MARGIN = 0.01
# Schemes for laws that the scheme of the network cannot solve.
_FALLBACKS = ("roe-entropy-fix", "rusanov")
# A forecast is called poor where its back-test error is more than this part of that of persistence.
_POOR = 0.5


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

    The network reads the last frames of a context, as many as it was trained with. Where the
    context has more, the network also predicts its last frames from those before: the back-test.

    **Attributes:**

    - `network`: the network; its precision is that of the forecast, except where a law is refined.
    - `config`: what it was built from.
    - `name`: how sentences call it.
    - `training`: where the weights come from, where that is known.
    """

    network: Network
    config: ModelConfig = eqx.field(static=True)
    name: str = eqx.field(static=True, default="this network")
    training: Training | None = eqx.field(static=True, default=None)

    def forecast(
        self,
        context: Trajectory,
        steps: int,
        examples: Float[np.ndarray, "..."] | None = None,
    ) -> Forecast:
        """The `steps` frames after the context.

        **Arguments:**

        - `examples`: for a network that must be shown them (`config.pairs`), pairs of states of
          other trajectories of the same law, `config.pairs.ahead` frames apart, shape
          (pair, 2, field, *space); of a batch of contexts those of each, with a leading axis.

        **Raises:**

        - `ValueError`, where `steps` is not positive, the context is not of the kind that the
          network was trained on, or there are examples too few or too many.
        """
        if steps < 1:
            raise ValueError(f"steps must be at least 1; got {steps}.")
        self.check(context)
        network = self._fitted_to(context)
        values = np.asarray(context.values)
        batch = values if context.is_batched else values[None]
        shown = self._examples(examples, batch.shape[0], context.is_batched)
        given = self.config.context
        frames, bounded = self._advance(network, batch[:, -given:], steps, shown)
        held_out = min(max(1, given // 4), batch.shape[1] - given)
        errors = np.full(len(batch), np.nan)
        persistence = np.full(len(batch), np.nan)
        if held_out > 0:
            seen, after = batch[:, -given - held_out : -held_out], batch[:, -held_out:]
            predicted, _ = self._advance(network, seen, held_out, shown)
            errors = _relative_error(predicted, after)
            persistence = _relative_error(np.broadcast_to(seen[:, -1:], after.shape), after)
        status = np.where(errors > _POOR * persistence, NetworkStatus.POOR, NetworkStatus.OK)
        status = np.where(bounded, status, NetworkStatus.DIVERGED).astype(int)
        sentences = tuple(NetworkStatus(int(s)).sentence for s in status)
        drift = _drift(batch[:, -1], frames)
        left = _left_range(batch, frames)
        if not context.is_batched:
            frames, status, errors, drift, left = (
                part[0] for part in (frames, status, errors, drift, left)
            )
        return Forecast(
            continuation(context, frames),
            np.asarray(status),
            sentences,
            np.asarray(errors),
            np.asarray(drift),
            np.asarray(left),
        )

    def refined(self, steps: int) -> "NetworkForecaster":
        """The same forecaster with so many Levenberg-Marquardt steps on each context.

        **Raises:**

        - `ValueError`, where `steps` is not 0 to 3, or the network does not infer a law.
        """
        config, target = self.config, _law(self.config)
        if target is None or not isinstance(config, HFluxNOConfig):
            raise ValueError(
                f"{self.name} infers no law that could be refined; use weights of the target law."
            )
        target = dataclasses.replace(target, refinement=steps)
        return dataclasses.replace(self, config=dataclasses.replace(config, target=target))

    def check(self, context: Trajectory) -> None:
        """Whether the network may read the context.

        **Raises:**

        - `ValueError`, where it may not.
        """
        config, grid = self.config, context.grid
        if len(context.fields) != len(config.fields):
            raise ValueError(
                f"{self.name} forecasts {_counted(len(config.fields), 'field')} "
                f"({', '.join(config.fields)}); the context has "
                f"{len(context.fields)} ({', '.join(context.fields)})."
            )
        if self._factor(context) is None:
            multiple = " or a multiple" if self._takes_more_cells else ""
            raise ValueError(
                f"{self.name} works on {_shape(config.cells)} cells{multiple}; the context has "
                f"{_shape(grid.shape)}. Interpolate to that grid first, or use the method fit."
            )
        if context.frames < config.context:
            raise ValueError(
                f"{self.name} reads {_counted(config.context, 'frame')}; the context has "
                f"{context.frames}. Give it a longer context, or use the method fit."
            )
        if not np.all(np.isfinite(np.asarray(context.values))):
            raise ValueError(
                f"{self.name} takes no gaps, and the context has some (NaN, or times or places "
                "that are left out). Fill them first, or use the method fit."
            )
        if isinstance(self.network, LawNetwork):
            return
        if grid.ends() != config.grid.ends():
            raise ValueError(
                f"{self.name} works on periodic domains only; the boundary of the context is "
                f"{', '.join(grid.ends())}. Use the method fit."
            )
        if isinstance(self.network, WeakFormHFluxNO):
            return  # it counts in cells and frames
        factor = self._factor(context) or 1
        present = (_interval(context), *(factor * dx for dx in grid.spacing))
        trained = (config.interval, *config.spacing)
        names = ("Δt", *(f"Δ{axis}" for axis in "xyz"[: len(config.cells)]))
        for name, here, there in zip(names, present, trained, strict=True):
            if abs(here - there) > _SAME_SPACING * there:
                raise ValueError(
                    f"{self.name} works at {name} = {there:g}; that of the context is {here:g}. "
                    "Interpolate or change the units, or use the method fit."
                )

    def _examples(self, examples, contexts: int, batched: bool):
        """The examples of each context, or `None` where the network needs none."""
        pairs = self.config.pairs
        if pairs is None and examples is None:
            return None
        if pairs is None:
            raise ValueError(f"{self.name} reads a context alone; leave the examples out.")
        if examples is None:
            raise ValueError(
                f"{self.name} needs examples, {pairs.count} pairs of states of other trajectories "
                "of the same law, which a context does not hold; give them in Python, "
                "forecast(context, steps, examples=pairs), or use a network that reads a context "
                "alone, such as icon-context-cubic."
            )
        found = np.asarray(examples) if batched else np.asarray(examples)[None]
        expected = (contexts, pairs.count, 2, len(self.config.fields), *self.config.cells)
        if found.shape != expected or not np.all(np.isfinite(found)):
            raise ValueError(
                f"The examples of {self.name} must be finite numbers of the shape "
                f"{expected if batched else expected[1:]}, pairs of states {pairs.ahead} frames "
                f"apart; got the shape {found.shape if batched else found.shape[1:]}."
            )
        return found

    def _fitted_to(self, context: Trajectory) -> Network:
        """The network at the spacing and boundary of the context, where it can change them."""
        network, factor = self.network, self._factor(context) or 1
        grid = context.grid
        coarse = dataclasses.replace(grid, shape=tuple(n // factor for n in grid.shape))
        if isinstance(network, (LawNetwork, WeakFormHFluxNO)):
            network = network.at(coarse, _interval(context))
        if factor == 1:
            return network
        assert isinstance(network, (HFluxNO, WeakFormHFluxNO))
        return FinerNetwork(network, grid, factor)

    @property
    def _takes_more_cells(self) -> bool:
        one_axis = len(self.config.cells) == 1
        return one_axis and isinstance(self.network, (HFluxNO, WeakFormHFluxNO))

    def _factor(self, context: Trajectory) -> int | None:
        """How many cells of the context make one of the network's; `None` where it cannot be."""
        given, own = context.grid.shape, self.config.cells
        if given == own:
            return 1
        if self._takes_more_cells and len(given) == 1 and given[0] % own[0] == 0:
            return given[0] // own[0]
        return None

    def _advance(self, network, batch, steps, shown):
        """The frames after each context of a batch, and whether none of them diverged.

        A law that cannot be solved by the network's scheme is solved by more dissipative ones.
        """
        frames, good = self._run(network, batch, steps, shown)
        for scheme in _FALLBACKS if isinstance(network, LawNetwork) else ():
            failed = np.flatnonzero(~good[:, -1])
            if len(failed) == 0:
                break
            other = dataclasses.replace(network, scheme=scheme)
            again, fine = self._run(other, batch[failed], steps, None)
            solved = fine[:, -1]
            frames[failed[solved]], good[failed[solved]] = again[solved], True
        for lane in np.flatnonzero(~good[:, -1]):
            count = int(np.sum(good[lane]))
            frames[lane, count:] = frames[lane, count - 1] if count else batch[lane, -1]
        return frames, good[:, -1]

    def _run(self, network, batch, steps, shown):
        """The frames after each context, and which of them can be used: those before the first that
        is not finite or leaves the range of the context by more than the largest value in it."""
        lanes = _LANES if jax.default_backend() == "cpu" else _LANES_OF_ACCELERATOR

        def program(chunk):
            seen, pairs = chunk
            return self._continue(network, seen, pairs, steps)

        frames = run_lanes(program, (batch, shown), np.zeros(len(batch)), lanes)
        space = tuple(range(3, batch.ndim))
        lower, upper = batch.min((1, *space), keepdims=True), batch.max((1, *space), keepdims=True)
        margin = np.maximum(np.abs(lower), np.abs(upper))
        margin = np.where(margin > 0.0, margin, np.inf)
        # What is not a number is not inside either.
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


# Equinox hands the options of jax.jit on but does not declare them.
@eqx.filter_jit(compiler_options=WIDE_VECTORS)  # type: ignore[call-overload]
def _rollouts(network, batch, shown, steps, mode):
    def one(context, pairs):
        ready = network if pairs is None else network.shown(pairs)
        return rollout(ready, context, steps, mode)

    return jax.vmap(one)(batch, shown)


@eqx.filter_jit
def _parameters(network: LawNetwork, batch):
    return jax.vmap(network.parameters)(batch)


def _refined(network: LawNetwork, batch, start, steps, refinement):
    operators = [
        network.refined(context, vector, refinement)
        for context, vector in zip(batch, start, strict=True)
    ]
    return np.stack([_frozen(*pair, steps) for pair in zip(operators, batch, strict=True)])


@eqx.filter_jit
def _frozen(operator, context, steps):
    return frozen(operator, context, steps)


def _law(config: ModelConfig) -> LawConfig | None:
    """How a network infers a law, where it does."""
    target = config.target if isinstance(config, HFluxNOConfig) else None
    return target if isinstance(target, LawConfig) else None


def _interval(context: Trajectory) -> float:
    times = np.asarray(context.times, float)
    return float((times[-1] - times[0]) / max(len(times) - 1, 1))


def _relative_error(predicted, truth):
    axes = tuple(range(1, truth.ndim))
    size = np.sum(truth**2, axis=axes)
    error = np.sum((predicted - truth) ** 2, axis=axes)
    return np.sqrt(error / np.where(size > 0.0, size, 1.0))


def _drift(last, frames):
    axes = tuple(range(3, frames.ndim))
    totals = np.asarray(np.mean(frames, axis=axes, dtype=np.float64))
    begin = np.asarray(np.mean(last[:, None], axis=axes, dtype=np.float64))
    size = np.mean(np.abs(frames), axis=(1, *axes))
    change = np.abs(totals - begin).max(axis=1)
    return np.max(change / np.where(size > 0.0, size, 1.0), axis=-1)


def _left_range(batch, frames):
    axes = (1, *range(3, frames.ndim))
    lower, upper = batch.min(axis=axes), batch.max(axis=axes)
    margin = _RANGE_MARGIN * (upper - lower)
    low, high = frames.min(axis=axes), frames.max(axis=axes)
    return np.any((low < lower - margin) | (high > upper + margin), axis=1)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _shape(cells: tuple[int, ...]) -> str:
    return "×".join(map(str, cells))
