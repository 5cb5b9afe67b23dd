"""Where the weights of a network come from."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Training:
    """Where the weights come from; part of `config.json` and of the card.

    **Attributes:**

    - `data`: the data that they were trained on, in words.
    - `data_set`: the name of the set (docs/data_format.md).
    - `preset`: the name of the training preset.
    - `seed`, `steps`, `minutes`: of the training run, up to these weights.
    - `batch`: the windows of an update.
    - `loss`, `augmentation`, `optimizer`: in words.
    - `validation_error`: the relative l2 error on the validation set, in the words of `measure`.
    - `measure`: what the validation error measures.
    - `limits`: what the network cannot do, one sentence each.
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
