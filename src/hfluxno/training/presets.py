"""Training runs by name.

`paper-hfluxno-SET` is the published protocol: the published HFluxNO, one-step mean square error,
batches of 256 windows with t ≤ 0.4 from the 100 000 trajectories of a set (here: as many as needed,
generated), 50 000 updates of AdamW, a warm-up of 5 000 to 5e-5 and a cosine to 0. (The authors' own
configuration ends the cosine at 45 000, so its last updates have the learning rate 0; we follow the
text.)

`cpu-hfluxno-base-SET` is the same model, loss and batch with a tenth of the updates (a twentieth
except for the cubic law) and ten times the learning rate. An MSE of 1e-4 has gradients of about
1e-8 per parameter, the usual ε of AdamW, which would slow the run down; so ε is smaller here.

The other `cpu-*` are for two cores and at most 75 minutes. `hfluxno-small` is the published
architecture, half as wide; `hfluxno-weak-form` has a smaller encoder, a flux that is given the law
of the weak form, and a loss that uses a context more than once; `hfluxno-law` trains the `law`
target by regression (see docs/training_log.md). `ablation-*` replace parts of the published network
and protocol (`hfluxno.training.ablation_presets`). `*-euler-2d` are two-dimensional
(`hfluxno.training.plane_presets`). `tiny` is for tests.
"""

import dataclasses
import difflib
import warnings

from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.parts import (
    HypernetworkConfig,
    LawConfig,
    LocalConfig,
    TRecViTConfig,
    WeakFormConfig,
)
from hfluxno.training.ablation_presets import ablations
from hfluxno.training.augment import AugmentConfig
from hfluxno.training.baseline_presets import baselines, cpu, paper
from hfluxno.training.configuration import DataConfig, TrainConfig, ValidationConfig
from hfluxno.training.losses import LossConfig
from hfluxno.training.optimizer import OptimizerConfig
from hfluxno.training.plane_presets import plane_runs

_SMALL_ENCODER = TRecViTConfig(
    patch=(10,), embedding=64, layers=2, channels=64, heads=4, mlp_width=64
)
_FIELDS = {"cubic": ("u",), "shallow-water": ("h", "m"), "burgers": ("u",)}
# Sets for comparison with published numbers, beside those of the text.
_PUBLISHED_FIELDS = _FIELDS | {"shallow-water-authors": ("h", "m")}
_WEAK_FORMS = {
    "cubic": WeakFormConfig(size=6),
    "shallow-water": WeakFormConfig(positive=(True, False)),
    "burgers": WeakFormConfig(size=4, terms=1),
}
_LAW_TARGETS = {
    "cubic": LawConfig(size=7),
    "shallow-water": LawConfig(positive=(True, False)),
    "burgers": LawConfig(size=5, terms=1, scheme="rusanov", cfl=(0.4, 0.4, False)),
}


def _paper(law: str) -> TrainConfig:
    return paper("hfluxno", law, HFluxNOConfig(fields=_PUBLISHED_FIELDS[law]))


def _base(law: str) -> TrainConfig:
    return dataclasses.replace(
        _paper(law),
        name=f"cpu-hfluxno-base-{law}",
        optimizer=OptimizerConfig(peak=5e-4, warmup=500, eps=1e-15),
        steps=5_000 if law == "cubic" else 2_500,
        validation=ValidationConfig(every=500, context_mode="sliding"),
    )


def _weak_form_model(law: str) -> HFluxNOConfig:
    return HFluxNOConfig(
        fields=_FIELDS[law],
        encoder=_SMALL_ENCODER,
        target=LocalConfig(lift=64, width=64),
        hypernetwork=HypernetworkConfig(outputs=64, width=64),
        coordinates=False,
        weak_form=_WEAK_FORMS[law],
        context_mode="frozen",
    )


def _weak_form(law: str) -> TrainConfig:
    return dataclasses.replace(
        cpu("hfluxno-weak-form", law, _weak_form_model(law)),
        loss=LossConfig("many-targets", measure="relative", steps=2, targets=4, after=8),
        optimizer=OptimizerConfig(peak=2e-3, warmup=200, clip=1.0),
        validation=ValidationConfig(every=500),
    )


def _law(law: str) -> TrainConfig:
    local = _weak_form(law)
    return dataclasses.replace(
        local,
        name=f"cpu-hfluxno-law-{law}",
        model=dataclasses.replace(_weak_form_model(law), target=_LAW_TARGETS[law], weak_form=None),
        loss=LossConfig("speed", measure="relative"),
        optimizer=OptimizerConfig(peak=1e-3, warmup=200, clip=1.0),
        # A small diffusivity is less visible in the frames than a speed, and is learned more
        # slowly.
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
        *map(_paper, _PUBLISHED_FIELDS),
        *map(_base, _PUBLISHED_FIELDS),
        *map(_weak_form, _FIELDS),
        *map(_law, _FIELDS),
        *baselines(_PUBLISHED_FIELDS),
        *ablations(),
        *plane_runs(),
        _tiny(),
    )
}
# The names of version 0.1.0, which this version still accepts.
_RENAMED = {f"cpu-hfluxno-plain-{law}": f"cpu-hfluxno-small-{law}" for law in _FIELDS} | {
    old: new
    for law in _FIELDS
    for old, new in (
        (f"paper-{law}", f"paper-hfluxno-{law}"),
        (f"cpu-{law}", f"cpu-hfluxno-weak-form-{law}"),
        (f"cpu-{law}-law", f"cpu-hfluxno-law-{law}"),
    )
}


def preset(name: str) -> TrainConfig:
    """The run of that name; an old name gives a warning with the current one. Raises `ValueError`
    if the name is unknown."""
    if name in _RENAMED:
        present = _RENAMED[name]
        warnings.warn(
            f"The preset {name} is now called {present}; the old name goes with the next version.",
            FutureWarning,
            stacklevel=2,
        )
        name = present
    if name not in PRESETS:
        close = difflib.get_close_matches(name, PRESETS, 3, cutoff=0.0)
        raise ValueError(
            f"Unknown preset {name!r}; the closest are {', '.join(close)}, and hfluxno train list "
            f"prints all {len(PRESETS)}."
        )
    return PRESETS[name]
