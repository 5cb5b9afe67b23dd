"""The configuration of a network as typed values: the part common to all kinds.

A configuration is written as JSON beside released weights and inside checkpoints (see
`hfluxno.strict_json`). Each kind of network has a subclass that builds it;
`hfluxno.models.registry` names them.
"""

import abc
import dataclasses
from typing import ClassVar, Literal

import jax

from hfluxno.boundary import Periodic
from hfluxno.grid import Grid
from hfluxno.models.network import Network

ContextMode = Literal["sliding", "frozen"]


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Pairs of states that a network must be shown besides a context, from other trajectories of
    the same law.

    - `count`: how many.
    - `ahead`: how many frames the second state of a pair is after the first.
    """

    count: int
    ahead: int


@dataclasses.dataclass(frozen=True)
class ModelConfig(abc.ABC):
    """One network. The defaults are those of the paper's cubic model.

    - `fields`: the names of the fields.
    - `cells`, `spacing`: the number of cells and Δx along each axis; the domain is periodic.
    - `interval`: Δt, the time between two frames.
    - `context`: the number of frames of a context.
    - `context_mode`: whether forecasts read the context again at every step (`sliding`, the paper)
      or once (`frozen`): the law does not change during the forecast.
    """

    # Whether forecasts conserve the total of every field, whatever the weights.
    conservative: ClassVar[bool] = False
    fields: tuple[str, ...] = ("u",)
    cells: tuple[int, ...] = (100,)
    spacing: tuple[float, ...] = (0.01,)
    interval: float = 0.005
    context: int = 20
    context_mode: ContextMode = "sliding"

    @abc.abstractmethod
    def build(self, key: jax.Array) -> Network:
        """A fresh network of this configuration. Raises `ValueError` if the configuration
        contradicts itself."""

    @property
    @abc.abstractmethod
    def summary(self) -> str:
        """A short description of the network for its card."""

    @property
    def pairs(self) -> Pairs | None:
        """The examples that the network needs besides a context; `None` if it needs none."""
        return None

    @classmethod
    def kinds(cls) -> tuple[type["ModelConfig"], ...]:
        """The existing kinds, for `hfluxno.strict_json`."""
        from hfluxno.models.registry import MODELS

        return tuple(MODELS.values())

    @property
    def grid(self) -> Grid:
        lengths = [dx * n for dx, n in zip(self.spacing, self.cells, strict=True)]
        axes = len(self.cells)
        return Grid((0.0,) * axes, tuple(lengths), self.cells, ((Periodic(), Periodic()),) * axes)

    def __post_init__(self) -> None:
        if not len(self.cells) == len(self.spacing) >= 1:
            raise ValueError(
                "A model needs a number of cells and a spacing for each axis; got "
                f"{len(self.cells)} and {len(self.spacing)}."
            )
        if self.context < 1 or self.interval <= 0.0:
            raise ValueError(
                "A model needs a context of at least one frame and a positive interval; got "
                f"{self.context} and {self.interval}."
            )
        self.check()

    def check(self) -> None:  # noqa: B027
        """Checks the values of the subclass. Raises `ValueError` if they cannot be used."""
