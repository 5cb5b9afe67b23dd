"""Where the weights of a network come from."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Training:
    """Where the weights come from; part of `config.json` and of the card.

    - `data`: the data that they were trained on, in words.
    - `data_set`: the name of the set (docs/data_format.md).
    - `preset`: the name of the training preset.
    - `seed`, `steps`, `minutes`: of the training run, up to these weights.
    - `batch`: the windows of an update.
    - `loss`, `augmentation`, `optimizer`: in words.
    - `validation_error`: the relative l2 error on the validation set, in the words of `measure`.
    - `measure`: what the validation error measures.
    - `limits`: what the network cannot do, one sentence each.
    - `earlier`: the updates of the weights that the run started from.
    """

    data: str
    data_set: str
    preset: str
    seed: int
    steps: int
    batch: int
    loss: str
    augmentation: str
    optimizer: str
    minutes: float
    validation_error: float
    measure: str
    limits: tuple[str, ...] = ()
    earlier: int = 0

    @property
    def updates(self) -> str:
        """How many there were, of each run."""
        return f"{self.earlier:,} + {self.steps:,}" if self.earlier else f"{self.steps:,}"
