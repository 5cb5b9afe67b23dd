"""Training runs by name.

`paper-*` follow the published protocol: one-step mean square error, batches of 256 windows with
t ≤ 0.4 from the 100 000 trajectories of a set (here: as many as are needed, generated), 50 000
updates of AdamW, a warm-up of 5 000 to 5e-5 and a cosine to 0. (The authors' own configuration ends
the cosine at 45 000, so its last updates have the learning rate 0; we follow the text.)

`cpu-*` are for two cores and at most 75 minutes: a smaller encoder, a flux that is told the law of
the weak form, and a loss that uses a context more than once (see docs/training_log.md). Those that
end with `-law` train the `law` target by regression. `tiny` is for tests.
"""

import dataclasses

from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.parts import (
    HypernetworkConfig,
    LawConfig,
    LocalConfig,
    TRecViTConfig,
    WeakFormConfig,
)
from hfluxno.training.augment import AugmentConfig
from hfluxno.training.baseline_presets import baselines
from hfluxno.training.configuration import DataConfig, TrainConfig, ValidationConfig
from hfluxno.training.losses import LossConfig
from hfluxno.training.optimizer import OptimizerConfig

_SMALL_ENCODER = TRecViTConfig(
    patch=(10,), embedding=64, layers=2, channels=64, heads=4, mlp_width=64
)
_FIELDS = {"cubic": ("u",), "shallow-water": ("h", "m"), "burgers": ("u",)}
_WEAK_FORMS = {
    "cubic": WeakFormConfig(size=6),
    "shallow-water": WeakFormConfig(positive=(True, False)),
    "burgers": WeakFormConfig(size=4, terms=1),
}
_LAW_TARGETS = {
    "cubic": LawConfig(size=7, start="weak-form"),
    "shallow-water": LawConfig(positive=(True, False), start="weak-form"),
    "burgers": LawConfig(
        size=5, terms=1, scheme="rusanov", cfl=(0.4, 0.4, False), start="weak-form"
    ),
}


def _paper(law: str) -> TrainConfig:
    return TrainConfig(
        name=f"paper-{law}",
        model=HFluxNOConfig(fields=_FIELDS[law]),
        data=DataConfig(law),
        validation=ValidationConfig(context_mode="sliding"),
    )


def _told_the_law(law: str) -> HFluxNOConfig:
    return HFluxNOConfig(
        fields=_FIELDS[law],
        encoder=_SMALL_ENCODER,
        target=LocalConfig(lift=64, width=64),
        hypernetwork=HypernetworkConfig(outputs=64, width=64),
        coordinates=False,
        normalise=True,
        weak_form=_WEAK_FORMS[law],
        context_mode="frozen",
    )


def _cpu_local(law: str) -> TrainConfig:
    return TrainConfig(
        name=f"cpu-{law}",
        model=_told_the_law(law),
        data=DataConfig(law),
        loss=LossConfig("many-targets", measure="relative", steps=2, targets=4, after=8),
        augment=AugmentConfig(shift=True, reflection=True),
        optimizer=OptimizerConfig(peak=2e-3, warmup=200, clip=1.0),
        steps=4_000,
        batch=64,
        average=0.99,
        validation=ValidationConfig(every=500),
    )


def _cpu_law(law: str) -> TrainConfig:
    local = _cpu_local(law)
    return dataclasses.replace(
        local,
        name=f"cpu-{law}-law",
        model=dataclasses.replace(_told_the_law(law), target=_LAW_TARGETS[law], weak_form=None),
        loss=LossConfig("speed", measure="relative"),
        optimizer=OptimizerConfig(peak=1e-3, warmup=200, clip=1.0),
        # A small diffusivity shows less in the frames than a speed, and is learned more slowly.
        steps=8_000 if law == "burgers" else local.steps,
    )


def _tiny() -> TrainConfig:
    return TrainConfig(
        name="tiny",
        model=HFluxNOConfig(
            cells=(20,),
            spacing=(0.05,),
            context=4,
            encoder=TRecViTConfig(
                patch=(5,), embedding=8, layers=1, channels=8, heads=2, mlp_width=8
            ),
            target=LocalConfig(left=2, right=2, lift=8, width=8, depth=1),
            hypernetwork=HypernetworkConfig(outputs=8, width=8, blocks=2),
            coordinates=False,
            context_mode="frozen",
        ),
        data=DataConfig("cubic", limit=0.06),
        loss=LossConfig("many-targets", steps=2, targets=3, after=2),
        augment=AugmentConfig(shift=True, reflection=True),
        optimizer=OptimizerConfig(peak=1e-3, warmup=2, clip=1.0),
        validation=ValidationConfig(windows=8, steps=3, every=4),
        steps=12,
        batch=8,
        average=0.9,
    )


PRESETS: dict[str, TrainConfig] = {
    config.name: config
    for config in (
        *map(_paper, _FIELDS),
        *map(_cpu_local, _FIELDS),
        *map(_cpu_law, _FIELDS),
        *baselines(_FIELDS),
        _tiny(),
    )
}


def preset(name: str) -> TrainConfig:
    """The run of that name.

    **Raises:**

    - `ValueError`, where the name is not known.
    """
    if name not in PRESETS:
        raise ValueError(f"Unknown preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
