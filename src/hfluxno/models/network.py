"""The interface of a network that forecasts: it predicts the frame after a context.

Most read the context and return an operator. Reading is expensive and advancing is cheap, so the
two are separate. Whether the context is read again at every step is a matter of the roll-out (see
`hfluxno.models.rollout`), not of the network.
"""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from hfluxno.fv import NumericalFlux, conservative_step
from hfluxno.grid import Grid
from hfluxno.nn.sliding import shift_in

Context = Float[Array, "time field *space"]
Frame = Float[Array, "field *space"]


class Operator(eqx.Module):
    """Advances a state (field, *space) by one frame, or by `stride` frames.

    An operator is a pytree: a batch of contexts gives a batch of operators by `eqx.filter_vmap`.
    """

    @property
    def stride(self) -> int:
        """The number of frames by which the operator advances a state."""
        return 1

    @abc.abstractmethod
    def __call__(self, u: Frame) -> Frame: ...

    def together(
        self, states: Float[Array, "state field *space"]
    ) -> Float[Array, "state field *space"]:
        """Many states, each separately."""
        return jax.vmap(self)(states)


class Network(eqx.Module):
    """A network that continues a context of frames (time, field, *space)."""

    @abc.abstractmethod
    def predict(self, context: Context) -> Frame:
        """The frame after the context."""

    def shown(self, pairs: Float[Array, "pair 2 field *space"]) -> "Network":
        """The network with examples: pairs of states of other trajectories of the same law. Raises
        `ValueError` if it takes none.
        """
        raise ValueError(f"{type(self).__name__} reads only a context; give it no examples.")

    def while_training(self, key: Key[Array, ""]) -> "Network":
        """The network for one window in training, if something in it is random; by default the
        network itself."""
        return self

    def window(self, context: Context) -> Any:
        """What the network stores of a sliding context; by default its frames."""
        return context

    def shifted(self, window: Any, frame: Frame) -> Any:
        """The window without its first frame and with one more at its end."""
        return shift_in(window, frame[None])

    def predict_from(self, window: Any, recent: Float[Array, "recent field *space"]) -> Frame:
        """The frame after a window, which ends with `recent`."""
        return self.predict(window)


class ContextNetwork(Network):
    """A network that reads a context and returns an operator, which advances any state."""

    @abc.abstractmethod
    def read(self, context: Context) -> Operator: ...

    def read_window(self, window: Any) -> Operator:
        """The operator of a window."""
        return self.read(window)

    def predict(self, context: Context) -> Frame:
        operator = self.read(context)
        return operator(context[-operator.stride])

    def predict_from(self, window: Any, recent: Float[Array, "recent field *space"]) -> Frame:
        operator = self.read_window(window)
        return operator(recent[-operator.stride])


class FluxOperator(Operator):
    """The conservative step with learned numerical fluxes, one for each axis.

    - `fluxes`: the numerical fluxes.
    - `grid`: the cells.
    - `interval`: Δt, the time between two frames.
    """

    fluxes: tuple[NumericalFlux, ...]
    grid: Grid
    interval: float = eqx.field(static=True)

    def together(
        self, states: Float[Array, "state field *space"]
    ) -> Float[Array, "state field *space"]:
        if not all(flux.rowwise for flux in self.fluxes):
            return jax.vmap(self)(states)
        # One matrix product for all of them; `vmap` would add a transposition.
        return self(states.swapaxes(0, 1)).swapaxes(0, 1)

    def __call__(self, u: Frame) -> Frame:
        return conservative_step(self.fluxes, u, jnp.asarray(self.interval, u.dtype), self.grid)
