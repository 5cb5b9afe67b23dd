"""Training runs of the baselines by name.

`paper-METHOD-SET` have the sizes and the protocol of arXiv:2605.05488. `cpu-METHOD-SET` are for two
cores and about 20 minutes (up to 29): smaller networks, the same one-step loss, relative to the
size of the truth, and the same data, augmentation and validation set as the `cpu` runs of HFluxNO.
They have about as many updates as fit into the 20 minutes; a preset gives the number, not the time,
so that runs are reproducible (docs/training_log.md has the minutes).

ICON sees other data: several trajectories of a law, as examples of each other, and no symmetries.
"""

import dataclasses
from collections.abc import Iterator, Mapping

from hfluxno.models.baselines.disco.config import DISCOConfig
from hfluxno.models.baselines.dpot import DPOTConfig
from hfluxno.models.baselines.fno import FNOConfig
from hfluxno.models.baselines.icon.model import ICONConfig
from hfluxno.models.configuration import ModelConfig
from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.parts import HypernetworkConfig, LocalConfig, TRecViTConfig
from hfluxno.training.augment import AugmentConfig
from hfluxno.training.configuration import DataConfig, TrainConfig, ValidationConfig
from hfluxno.training.losses import LossConfig
from hfluxno.training.optimizer import OptimizerConfig

_SMALL: dict[str, ModelConfig] = {
    "dpot": DPOTConfig(patch_width=128, output_width=128, embedding=64, layers=4, mlp_width=128),
    "disco": DISCOConfig(embedding=64, blocks=2, heads=4),
    "fno": FNOConfig(),
    # The published architecture, half as wide.
    "hfluxno-small": HFluxNOConfig(
        encoder=TRecViTConfig(embedding=64, channels=64, heads=4),
        target=LocalConfig(lift=64, width=64),
        hypernetwork=HypernetworkConfig(outputs=64, width=64),
    ),
    "flux-no": HFluxNOConfig(
        encoder=None,
        target=LocalConfig(lift=64, width=64),
        coordinates=False,
        context_mode="frozen",
    ),
}
# On the set that the authors trained on, only the compared methods are trained.
_ON_AUTHORS_SET = ("hfluxno-small", "dpot", "disco")
_SMALL_ICON = ICONConfig(
    context=20, examples_from="context", examples=5, width=48, heads=2, layers=3, points=20
)
# ICON is compared only on the cubic law. These two are our variants of it.
_SMALL_ICONS: dict[str, ModelConfig] = {
    "icon-context": _SMALL_ICON,
    "icon-context-far": dataclasses.replace(_SMALL_ICON, stride=20, context=25),  # τ = 0.1
}
_PUBLISHED: dict[str, ModelConfig] = {
    "dpot": DPOTConfig(),
    "disco": DISCOConfig(),
    "fno": FNOConfig(),
}
# Updates of 64 windows. Flux NO would have time for more, and does not improve.
_UPDATES = {
    "dpot": 12_000,
    "disco": 1_700,
    "fno": 12_000,
    "hfluxno-small": 5_000,
    "hfluxno-weak-form": 4_000,
    "flux-no": 12_000,
    "icon": 5_000,
    "icon-context": 3_000,
    "icon-context-far": 3_000,
}


def baselines(fields: Mapping[str, tuple[str, ...]]) -> Iterator[TrainConfig]:
    """The runs of all baselines on the sets with these fields."""
    yield _paper_icon()
    yield _cpu_icon()
    for law, names in fields.items():
        authors = law.endswith("-authors")
        for method, model in _PUBLISHED.items():
            yield paper(method, law, dataclasses.replace(model, fields=names))
        icons = _SMALL_ICONS if law == "cubic" else {}
        for method, model in (_SMALL | icons).items():
            if authors and method not in _ON_AUTHORS_SET:
                continue
            yield cpu(method, law, dataclasses.replace(model, fields=names))


def paper(method: str, law: str, model: ModelConfig) -> TrainConfig:
    """The published protocol."""
    return TrainConfig(
        name=f"paper-{method}-{law}",
        model=model,
        data=DataConfig(law),
        validation=ValidationConfig(context_mode=model.context_mode),
    )


def cpu(method: str, law: str, model: ModelConfig) -> TrainConfig:
    """Our usual protocol on a CPU."""
    alone = model.pairs is None  # examples must be seen with their window
    return TrainConfig(
        name=f"cpu-{method}-{law}",
        model=model,
        data=DataConfig(law),
        loss=LossConfig("one-step", measure="relative"),
        augment=AugmentConfig(shift=alone, reflection=alone),
        optimizer=OptimizerConfig(peak=1e-3, warmup=200, clip=1.0),
        steps=_UPDATES[method],
        batch=64,
        average=0.99,
        validation=ValidationConfig(every=1_000, context_mode=model.context_mode),
    )


def _paper_icon() -> TrainConfig:
    """The protocol of the authors' ICON. A pair begins at t ≤ 0.4, so it ends at 0.405.

    A prompt has 4 100 tokens: the attention weights of one layer for 16 windows are 8.6 GB.
    """
    return TrainConfig(
        name="paper-icon-cubic",
        model=ICONConfig(),
        data=DataConfig("cubic", limit=0.405),
        optimizer=OptimizerConfig(peak=1e-4, warmup=100_000, clip=1.0),
        steps=1_000_000,
        batch=16,
        validation=ValidationConfig(every=10_000, context_mode="frozen"),
    )


def _cpu_icon() -> TrainConfig:
    usual = cpu("icon", "cubic", ICONConfig(width=48, heads=2, layers=3, points=10))
    return dataclasses.replace(
        usual, optimizer=dataclasses.replace(usual.optimizer, warmup=500), batch=16
    )
