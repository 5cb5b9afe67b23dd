"""Two-dimensional training runs by name: Euler's equations from random rectangles of gas.

`PUBLISHED` are the sizes of the authors' configurations for The Well's
`euler_multi_quadrants_periodicBC`: 64² cells, ten frames at intervals of .015, patches of 8² cells.
HFluxNO has one flux operator for each axis, written by heads on a common trunk, each of which sees
17 cells along its own axis. FNO is not one of the authors' methods; it is about as large.
`paper-METHOD-euler-2d` trains them as the authors do, on generated trajectories, or with `--train`
and `--validation` on files of The Well.

`cpu-METHOD-euler-2d` are for 32² cells and about 15 minutes of a core. The fluxes do not see
places, so that a free stream is preserved. Runs have a loss of one step, except those of HFluxNO,
whose operator advances any state, with two or four steps. `hfluxno-weak-form` is given the law of
the weak form, and `hfluxno-law` corrects it by regression on the true one, both for about 10
minutes.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from hfluxno.models.baselines.disco.config import DISCOConfig
from hfluxno.models.baselines.dpot import DPOTConfig
from hfluxno.models.baselines.fno import FNOConfig
from hfluxno.models.configuration import ModelConfig
from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.parts import (
    HypernetworkConfig,
    LawConfig,
    LocalConfig,
    TRecViTConfig,
    WeakFormConfig,
)
from hfluxno.training.augment import AugmentConfig
from hfluxno.training.configuration import DataConfig, TrainConfig, ValidationConfig
from hfluxno.training.losses import LossConfig
from hfluxno.training.optimizer import OptimizerConfig

_FIELDS = ("density", "momentum_x", "momentum_y", "energy")
_INTERVAL, _CONTEXT = 0.015, 10


def _of(kind: type[ModelConfig], cells: int, **sizes) -> ModelConfig:
    return kind(
        fields=_FIELDS,
        cells=(cells, cells),
        spacing=(1.0 / cells, 1.0 / cells),
        interval=_INTERVAL,
        context=_CONTEXT,
        **sizes,
    )


PUBLISHED: dict[str, ModelConfig] = {
    "hfluxno": _of(
        HFluxNOConfig,
        64,
        encoder=TRecViTConfig(patch=(8, 8)),
        # The authors' 8 cells before and after the cell to the left of an interface.
        target=LocalConfig(left=9, right=8, depth=5),
    ),
    "dpot": _of(DPOTConfig, 64, patch=(8, 8), modes=(10, 10)),
    "disco": _of(DISCOConfig, 64, patch=8, channels=8, groups=4),
    "fno": _of(FNOConfig, 64, channels=48, modes=(12, 12)),
}
_HFLUXNO: dict[str, Any] = {
    "encoder": TRecViTConfig(patch=(8, 8), embedding=48, channels=48, heads=4),
    "target": LocalConfig(left=3, right=3, lift=48, width=48, depth=2),
    "hypernetwork": HypernetworkConfig(outputs=48, width=48),
    "coordinates": False,
    "context_mode": "frozen",
}
_GAS: dict[str, Any] = {"positive": (True, False, False, False), "momentum": (1, 2)}
_LAW = LawConfig(scheme="muscl", cfl=(0.45, 0.45, False), **_GAS)
_SMALL: dict[str, ModelConfig] = {
    "hfluxno-small": _of(HFluxNOConfig, 32, **_HFLUXNO),
    "hfluxno-weak-form": _of(HFluxNOConfig, 32, **_HFLUXNO, weak_form=WeakFormConfig(**_GAS)),
    "hfluxno-law": _of(HFluxNOConfig, 32, **_HFLUXNO | {"target": _LAW}),
    "dpot": _of(
        DPOTConfig,
        32,
        patch=(4, 4),
        modes=(4, 4),
        patch_width=64,
        output_width=64,
        embedding=64,
        layers=4,
        mlp_width=64,
    ),
    "disco": _of(DISCOConfig, 32, patch=8, embedding=64, blocks=2, heads=4),
    "fno": _of(FNOConfig, 32, channels=24, modes=(10, 10), lift_width=64, projection_width=64),
}
# Updates of 32 windows; all of them would gain from more.
_UPDATES = {
    "hfluxno-small": 1_500,
    "hfluxno-weak-form": 400,
    "hfluxno-law": 600,
    "dpot": 1_600,
    "disco": 300,
    "fno": 600,
}
_MANY = LossConfig("many-targets", measure="vrmse", steps=2, targets=2, after=4)
_LOSSES = {
    "hfluxno-small": _MANY,
    "hfluxno-weak-form": dataclasses.replace(_MANY, steps=4, targets=1),
    "hfluxno-law": LossConfig("speed", measure="relative"),
}


def plane_runs() -> Iterator[TrainConfig]:
    """All two-dimensional runs."""
    yield from (_paper(method, model) for method, model in PUBLISHED.items())
    yield from (_cpu(method, model) for method, model in _SMALL.items())


def _paper(method: str, model: ModelConfig) -> TrainConfig:
    return TrainConfig(
        name=f"paper-{method}-euler-2d",
        model=model,
        data=DataConfig("euler-2d", "steps", limit=1.5, windows=16),
        optimizer=OptimizerConfig(clip=0.1),
        validation=ValidationConfig(windows=64, steps=10, context_mode=model.context_mode),
    )


def _cpu(method: str, model: ModelConfig) -> TrainConfig:
    return TrainConfig(
        name=f"cpu-{method}-euler-2d",
        model=model,
        data=DataConfig("euler-2d", "steps", limit=0.6, windows=16),
        loss=_LOSSES.get(method, LossConfig("one-step", measure="vrmse")),
        augment=AugmentConfig(shift=True, reflection=True),
        optimizer=OptimizerConfig(
            peak=3e-4 if method == "hfluxno-law" else 2e-3, warmup=100, clip=1.0
        ),
        steps=_UPDATES[method],
        batch=32,
        average=0.99,
        validation=ValidationConfig(
            windows=32, steps=10, context_mode=model.context_mode, every=200
        ),
    )
