"""The configuration of a training run as typed values.

Equal configurations give equal runs on the same machine. The full configuration is stored with
every run, and a run is never resumed with another one. Settings that do not affect the result
(workers, trackers, paths) are not part of it.
"""

import dataclasses

from hfluxno.data import Configuration, recipe
from hfluxno.models.configuration import ContextMode, ModelConfig
from hfluxno.training.augment import AugmentConfig
from hfluxno.training.losses import LossConfig
from hfluxno.training.optimizer import OptimizerConfig


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Where windows come from.

    - `law`: the law of the trajectories.
    - `initial`: the kind of initial condition of generated ones, `grf` or `steps`.
    - `limit`: no window of the training or the validation reaches beyond this time.
    - `windows`: the number of windows of a generated trajectory.
    - `train`, `validation`: files of `hfluxno generate` to read them from, or in two dimensions
      HDF5 of The Well or NPZ, or a folder of such files; if one is `None`, its trajectories are
      generated.
    """

    law: str = "cubic"
    initial: str = "grf"
    limit: float = 0.4
    windows: int = 2
    train: str | None = None
    validation: str | None = None

    def __post_init__(self) -> None:
        if self.windows < 1 or not self.limit > 0.0:
            raise ValueError(
                "Data need at least one window of a trajectory and a positive time limit; got "
                f"{self.windows} and {self.limit}."
            )


@dataclasses.dataclass(frozen=True)
class ValidationConfig:
    """The fixed validation set and how a network is judged on it.

    - `windows`: the number of windows, each from a different trajectory.
    - `steps`: the length of the forecasts, whose error determines the best checkpoint.
    - `context_mode`: whether they read the context at every step or once.
    - `every`: the number of steps between validations, each with a checkpoint.
    """

    windows: int = 256
    steps: int = 20
    context_mode: ContextMode = "frozen"
    every: int = 1_000

    def __post_init__(self) -> None:
        if min(self.windows, self.steps, self.every) < 1:
            raise ValueError(
                "A validation needs at least one window, one step and a period of one step; got "
                f"{self.windows}, {self.steps} and {self.every}."
            )


@dataclasses.dataclass(frozen=True)
class StopConfig:
    """The conditions for giving up a run.

    - `skipped`: after this many updates in a row that were not finite.
    - `validations`: after this many validations in a row in which the forecasts were no better than
      repeating the last frame of the context.
    """

    skipped: int = 50
    validations: int = 20

    def __post_init__(self) -> None:
        if min(self.skipped, self.validations) < 1:
            raise ValueError(
                "A run is given up after at least one failure; got "
                f"{self.skipped} updates and {self.validations} validations."
            )


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """One training run.

    - `name`: what the run is called.
    - `model`, `data`, `loss`, `augment`, `optimizer`, `validation`, `stop`: its parts.
    - `steps`: the number of updates.
    - `batch`: the number of windows of each.
    - `average`: the decay of the mean of the weights that is evaluated and released; 0 for the
      weights themselves.
    - `seed`: the seed of everything, split by name.
    - `start`: the initial weights: the name, folder or hub id of released ones, or a run; `None`
      for random ones.
    - `best`, `latest`: how many checkpoints are kept by error and by recency.
    """

    name: str
    model: ModelConfig
    data: DataConfig = DataConfig()
    loss: LossConfig = dataclasses.field(default_factory=LossConfig)
    augment: AugmentConfig = dataclasses.field(default_factory=AugmentConfig)
    optimizer: OptimizerConfig = dataclasses.field(default_factory=OptimizerConfig)
    validation: ValidationConfig = ValidationConfig()
    stop: StopConfig = StopConfig()
    steps: int = 50_000
    batch: int = 256
    average: float = 0.0
    seed: int = 0
    start: str | None = None
    best: int = 1
    latest: int = 2

    def __post_init__(self) -> None:
        if min(self.steps, self.batch) < 1:
            raise ValueError(
                f"A run needs at least one step and one window; got {self.steps} and {self.batch}."
            )
        if self.optimizer.warmup >= self.steps:
            raise ValueError(
                f"The warm-up of {self.optimizer.warmup} updates is not shorter than the run of "
                f"{self.steps}; shorten the one or lengthen the other."
            )
        if not 0.0 <= self.average < 1.0:
            raise ValueError(f"The decay of the mean must be in [0, 1); got {self.average}.")
        axes = recipe(self.data.law).axes
        lengths = [n * dx for n, dx in zip(self.model.cells, self.model.spacing, strict=True)]
        if (
            len(lengths) != axes
            or max(abs(length - 1.0) for length in lengths) > 1e-6
            or len(set(self.model.cells)) > 1
        ):
            domain = "one axis" if axes == 1 else f"{axes} axes with as many cells on each,"
            raise ValueError(
                f"Training on {self.data.law} is for {domain} of length 1; the model has "
                f"{self.model.cells} cells of {self.model.spacing}."
            )
        if self.model.pairs is not None:
            self._check_examples()
        fields = self.trajectories("train").fields
        if fields != self.model.fields:
            raise ValueError(
                f"The data of {self.data.law} have the fields {', '.join(fields)}, but the model "
                f"has {', '.join(self.model.fields)}; choose a model for these data."
            )

    def _check_examples(self) -> None:
        if self.augment.active:
            raise ValueError(
                "A network that is shown examples must see them with its window, but the "
                "symmetries transform only the window; leave the augmentation out."
            )
        if self.data.train is not None or self.data.validation is not None:
            raise ValueError(
                "A network that is shown examples needs several trajectories of each law, which "
                "are generated during training; leave the files out."
            )

    @property
    def window(self) -> int:
        """The number of frames of a training window."""
        return self.loss.frames(self.model.context)

    def trajectories(self, split: str) -> Configuration:
        """The set of generated trajectories, on the model's cells and frames, up to the limit."""
        interval = self.model.interval
        frames = int(self.data.limit / interval + 1e-6) + 1
        return Configuration(
            self.data.law,
            split=split,
            laws=self.validation.windows,
            initials=1,
            initial=self.data.initial,
            cells=self.model.cells[0],
            seed=self.seed,
            frames=frames,
            final_time=(frames - 1) * interval,
        )
