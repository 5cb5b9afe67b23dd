"""The configuration of a data set, and the random numbers of each sample."""

import dataclasses
import zlib

import numpy as np
from jaxtyping import Float

from hfluxno.coordinates import LARGEST_SINGLE, SMALLEST_SINGLE
from hfluxno.data.recipes import INITIALS, SPLITS, recipe
from hfluxno.grid import Grid


@dataclasses.dataclass(frozen=True)
class Configuration:
    """One data set. Two equal configurations give equal files.

    - `law`: the name of the set, a key of `hfluxno.data.recipes.RECIPES`; most are named after
      their law.
    - `split`: `train`, `validation` or `test`; each has its own random numbers.
    - `laws`: the number of coefficient draws.
    - `initials`: the number of initial conditions for each of them.
    - `initial`: the kind of initial condition, `grf` or `steps`.
    - `cells`: the number of cells on [0, 1], along each axis, periodic.
    - `seed`: the non-negative seed of all random numbers.
    - `float64`: whether the set is solved and stored in double precision.
    - `frames`: the number of times, the initial one included.
    - `final_time`: the last time; the first is 0.
    - `thinning`: the solver lands on `thinning` times as many frames, of which every `thinning`-th
      is kept; 10 in the authors' cubic and sine sets. It shortens the solver's steps.

    Raises `ValueError` if a name is unknown or a number is out of range.
    """

    law: str
    split: str = "train"
    laws: int = 1000
    initials: int = 100
    initial: str = "grf"
    cells: int = 100
    seed: int = 0
    float64: bool = False
    frames: int = 101
    final_time: float = 0.5
    thinning: int = 1

    def __post_init__(self) -> None:
        recipe(self.law)
        if self.split not in SPLITS:
            raise ValueError(f"Unknown split {self.split!r}; choose one of {', '.join(SPLITS)}.")
        if self.initial not in INITIALS:
            raise ValueError(
                f"Unknown initial condition {self.initial!r}; choose one of {', '.join(INITIALS)}."
            )
        if self.initial not in recipe(self.law).initials:
            raise ValueError(
                f"There are no initial conditions {self.initial} of {self.law}; choose "
                f"{', '.join(recipe(self.law).initials)}."
            )
        for name, least in (
            ("laws", 1),
            ("initials", 1),
            ("cells", 8),
            ("frames", 2),
            ("thinning", 1),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}; got {getattr(self, name)}.")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"The seed must not be negative, and less than 2^63; got {self.seed}.")
        if not SMALLEST_SINGLE <= self.final_time <= LARGEST_SINGLE:
            raise ValueError(
                f"final_time must be between {SMALLEST_SINGLE:g} and {LARGEST_SINGLE:g}; got "
                f"{self.final_time}."
            )

    @property
    def trajectories(self) -> int:
        return self.laws * self.initials

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float64 if self.float64 else np.float32)

    @property
    def grid(self) -> Grid:
        return recipe(self.law).grid(self.cells)

    @property
    def times(self) -> Float[np.ndarray, " time"]:
        return np.linspace(0.0, self.final_time, self.frames)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the law's coefficients."""
        return tuple(recipe(self.law).ranges)

    @property
    def fields(self) -> tuple[str, ...]:
        return recipe(self.law).fields

    def indices(self, trajectory: int) -> tuple[int, int]:
        """The law's index and the initial condition's index of a trajectory."""
        return divmod(trajectory, self.initials)

    def coefficients(self, law_index: int) -> Float[np.ndarray, " parameter"]:
        """The coefficients of one law, uniform in the ranges of the recipe."""
        random = self._random("coefficients", law_index)
        low, high = np.asarray(list(recipe(self.law).ranges.values())).T
        return random.uniform(low, high)

    def initial_state(
        self, law_index: int, initial_index: int
    ) -> Float[np.ndarray, "field *space"]:
        """The state at time 0 of one trajectory, on the cells of the solver."""
        random, made = self._random(self.initial, law_index, initial_index), recipe(self.law)
        drawn = made.initials[self.initial](random, made.finer * self.cells)
        if made.conserved is None:
            return drawn
        return made.conserved(self.coefficients(law_index), drawn)

    def _random(self, purpose: str, *index: int) -> np.random.Generator:
        """A separate generator for each purpose and index: samples depend neither on their order
        and number nor on the grid."""
        stream = zlib.crc32(f"data/{self.law}/{self.split}/{purpose}".encode())
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(stream, *index)))
