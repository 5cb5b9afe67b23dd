"""Tiny networks for tests."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from hfluxno.models.configuration import ModelConfig
from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.parts import (
    DPOTEncoderConfig,
    FourierConfig,
    HypernetworkConfig,
    LawConfig,
    LocalConfig,
    TRecViTConfig,
    ViTConfig,
    WeakFormConfig,
)
from hfluxno.models.provenance import Training
from tests import drawn

TRAINING = Training(
    data="nothing",
    data_set="cubic",
    preset="nothing",
    seed=3,
    steps=10,
    batch=64,
    loss="one-step",
    augmentation="none",
    optimizer="AdamW",
    minutes=2.0,
    validation_error=1.0,
    measure="nothing",
)
HYPER = HypernetworkConfig(8, 8, 1, 2)
LINE = HFluxNOConfig(
    fields=("u",),
    cells=(16,),
    spacing=(0.1,),
    interval=0.02,
    context=5,
    encoder=TRecViTConfig((4,), 8, 1, 8, 2, 8),
    target=LocalConfig(3, 2, 6, 6, 1),
    hypernetwork=HYPER,
)
PAIR = dataclasses.replace(LINE, fields=("h", "m"))
PLANE = dataclasses.replace(
    LINE,
    fields=("u", "v"),
    cells=(8, 6),
    spacing=(0.1, 0.2),
    encoder=TRecViTConfig((4, 3), 8, 1, 8, 2, 8),
    target=LocalConfig(2, 2, 6, 6, 1),
)
CONFIGURATIONS = {
    "local": LINE,
    "two fields": PAIR,
    "plane": PLANE,
    "weak form": dataclasses.replace(LINE, weak_form=WeakFormConfig(size=3, terms=1)),
    "weak form of a system": dataclasses.replace(
        PAIR, weak_form=WeakFormConfig(positive=(True, False))
    ),
    "weak form on a plane": dataclasses.replace(
        PLANE, fields=("u",), weak_form=WeakFormConfig(size=3)
    ),
    "fourier": dataclasses.replace(PAIR, target=FourierConfig(2, 2, 4, 6, 2, (3,), 2)),
    "fourier code": dataclasses.replace(PAIR, target=FourierConfig(2, 2, 4, 6, 2, (3,), 2, "code")),
    "fourier plane": dataclasses.replace(PLANE, target=FourierConfig(1, 2, 4, 6, 1, (3, 2), 2)),
    "flux no": dataclasses.replace(PAIR, encoder=None),
    "vit": dataclasses.replace(LINE, encoder=ViTConfig((1, 4), 1, 8, 1, 2, 8)),
    "dpot": dataclasses.replace(LINE, encoder=DPOTEncoderConfig((4,), 8, 8, 1, 8, (2,), 2)),
    "law": dataclasses.replace(LINE, target=LawConfig(size=4, terms=1, width=8)),
    "law on a plane": dataclasses.replace(
        PLANE,
        fields=("u",),
        target=LawConfig(size=4, scheme="muscl", cfl=(0.45, 0.45, False), width=8),
    ),
}


def network(config: ModelConfig, seed: int = 0):
    """A network with random parameters."""
    return drawn.module(config.build, seed=seed)


def size(tree) -> int:
    """The number of parameters of a skeleton, a complex one counted once."""
    leaves = jax.tree.leaves(tree)
    return sum(leaf.size for leaf in leaves if isinstance(leaf, jax.ShapeDtypeStruct))


def skeleton(config: ModelConfig):
    """The network without numbers."""
    return eqx.filter_eval_shape(config.build, jax.random.key(0))


@eqx.filter_jit
def read(network, context):
    return network.read(context)


@eqx.filter_jit
def step(network, context):
    return network.read(context)(context[-1])


def context(config: HFluxNOConfig, seed: int = 1, frames: int | None = None):
    """Waves that travel, so that frames resemble those of a law."""
    random = np.random.default_rng(seed)
    times = np.arange(config.context if frames is None else frames) / 10.0
    places = np.meshgrid(*[np.arange(n) / n for n in config.cells], indexing="ij")
    parts = []
    for row in random.uniform(size=(len(config.fields), len(places))):
        phase = sum(place + shift for place, shift in zip(places, row, strict=True))
        waves = times.reshape((-1,) + (1,) * len(places)) + row[0] + phase[None]
        parts.append(np.sin(2.0 * np.pi * waves) + row[0])
    return jnp.asarray(np.stack(parts, axis=1), float)
