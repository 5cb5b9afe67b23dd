"""What decides a network, as typed values, and how they become one.

A configuration is written as JSON beside released weights and inside checkpoints (see
`hfluxno.models.strict_json`).
"""

import dataclasses
import json
from typing import Literal

import jax

from hfluxno.grid import Grid
from hfluxno.identify.settings import SCHEMES
from hfluxno.models import guided_flux, law_target
from hfluxno.models.dpot_encoder import DPOTEncoder
from hfluxno.models.encoder import Encoder
from hfluxno.models.flux_no import FluxNO
from hfluxno.models.fourier_flux import FourierFlux
from hfluxno.models.hfluxno import HFluxNO
from hfluxno.models.hypernetwork import Hypernetwork
from hfluxno.models.law_space import LawSpace
from hfluxno.models.law_target import LawNetwork
from hfluxno.models.local_flux import LocalFlux
from hfluxno.models.network import ContextNetwork
from hfluxno.models.parts import (
    DPOTConfig,
    FourierConfig,
    HypernetworkConfig,
    LawConfig,
    LocalConfig,
    TRecViTConfig,
    ViTConfig,
    WeakFormConfig,
)
from hfluxno.models.strict_json import from_dict, to_dict
from hfluxno.models.trecvit import TRecViT
from hfluxno.models.vit import ViT
from hfluxno.nn.activation import activation
from hfluxno.nn.linear import MLP, silent

ContextMode = Literal["sliding", "frozen"]


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """One network. The defaults are the paper's model of the cubic law.

    **Attributes:**

    - `fields`: the names of the fields.
    - `cells`, `spacing`: the number of cells and Δx along each axis; the domain is periodic.
    - `interval`: Δt, the time between two frames.
    - `context`: the number of frames of a context.
    - `encoder`: how a context is read, or `None` for a flux operator without context (Flux NO).
    - `target`: what the hypernetwork writes.
    - `hypernetwork`: how it does.
    - `activation`: `gelu_tanh` (what the published model computes) or `gelu`.
    - `coordinates`: whether encoder and flux see the place of each cell. Without it, and without
      learned positions, the network commutes with shifts by whole strides of the patches; once a
      context is read, its operator commutes with every shift.
    - `normalise`, `spacing_aware`, `weak_form`: see `hfluxno.models.hfluxno`.
    - `context_mode`: whether forecasts read the context again at every step (`sliding`, the paper)
      or once (`frozen`): the law does not change while it is forecast.
    """

    fields: tuple[str, ...] = ("u",)
    cells: tuple[int, ...] = (100,)
    spacing: tuple[float, ...] = (0.01,)
    interval: float = 0.005
    context: int = 20
    encoder: TRecViTConfig | ViTConfig | DPOTConfig | None = dataclasses.field(
        default_factory=TRecViTConfig
    )
    target: LocalConfig | FourierConfig | LawConfig = dataclasses.field(default_factory=LocalConfig)
    hypernetwork: HypernetworkConfig = dataclasses.field(default_factory=HypernetworkConfig)
    activation: str = "gelu_tanh"
    coordinates: bool = True
    normalise: bool = False
    spacing_aware: bool = False
    weak_form: WeakFormConfig | None = None
    context_mode: ContextMode = "sliding"

    @property
    def grid(self) -> Grid:
        lengths = [dx * n for dx, n in zip(self.spacing, self.cells, strict=True)]
        axes = len(self.cells)
        return Grid((0.0,) * axes, tuple(lengths), self.cells, (("periodic", "periodic"),) * axes)

    def __post_init__(self):
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
        activation(self.activation)


def to_json(config: ModelConfig) -> str:
    return json.dumps(to_dict(config), indent=2)


def from_json(text: str) -> ModelConfig:
    """The configuration that `to_json` wrote.

    **Raises:**

    - `ValueError`, where a key is unknown or missing or a value has the wrong type.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"The configuration is not JSON: {error}.") from error
    return from_dict(ModelConfig, data, "the model configuration")


def build(config: ModelConfig, key: jax.Array) -> ContextNetwork:
    """A fresh network of that configuration.

    **Raises:**

    - `ValueError`, where the configuration contradicts itself.
    """
    target_key, head_key, encoder_key = jax.random.split(key, 3)
    axes = len(config.cells)
    if isinstance(config.target, LawConfig):
        return _law_network(config, config.target, head_key, encoder_key)
    keys = jax.random.split(target_key, axes)
    space = _weak_form(config)
    targets = tuple(_flux(config, axis, k) for axis, k in enumerate(keys))
    if space is not None:
        targets = tuple(map(guided_flux.central, targets))
    if config.encoder is None:
        return FluxNO(targets, config.grid, config.interval)
    hyper = config.hypernetwork
    inputs = config.encoder.embedding + (1 + axes if config.spacing_aware else 0)
    hypernetwork = Hypernetwork(
        inputs + (space.count if space is not None else 0),
        targets,
        outputs=hyper.outputs,
        width=hyper.width,
        depth=hyper.depth,
        blocks=hyper.blocks,
        initialisation=hyper.initialisation,
        activation=config.activation,
        key=head_key,
    )
    return HFluxNO(
        _encoder(config, encoder_key),
        hypernetwork,
        config.grid,
        config.interval,
        config.normalise,
        (config.interval, *config.spacing) if config.spacing_aware else None,
        space,
    )


def _weak_form(config: ModelConfig) -> LawSpace | None:
    seen = config.weak_form
    if seen is None:
        return None
    if len(config.cells) > 1:
        raise ValueError(f"The weak form is for one axis; got {len(config.cells)}.")
    if config.encoder is None or not config.normalise:
        raise ValueError(
            "A network with weak_form reads a context and works with the scaled variable: choose "
            "an encoder and set normalise."
        )
    return LawSpace(config.fields, seen.size, seen.positive, seen.terms)


def _encoder(config: ModelConfig, key: jax.Array) -> Encoder:
    fields, encoder = len(config.fields), config.encoder
    if encoder is None:
        raise ValueError("This target is written from a context: choose an encoder.")
    if isinstance(encoder, ViTConfig):
        return ViT(
            fields,
            config.context,
            config.cells,
            patch=encoder.patch,
            embedding=encoder.embedding,
            layers=encoder.layers,
            heads=encoder.heads,
            mlp_width=encoder.mlp_width,
            coordinates=config.coordinates,
            activation=config.activation,
            key=key,
        )
    if isinstance(encoder, DPOTConfig):
        return DPOTEncoder(
            fields,
            config.context,
            config.cells,
            patch=encoder.patch,
            patch_width=encoder.patch_width,
            embedding=encoder.embedding,
            layers=encoder.layers,
            mlp_width=encoder.mlp_width,
            modes=encoder.modes,
            blocks=encoder.blocks,
            coordinates=config.coordinates,
            activation=config.activation,
            key=key,
        )
    return TRecViT(
        fields,
        config.cells,
        patch=encoder.patch,
        stride=encoder.patch if encoder.stride is None else encoder.stride,
        embedding=encoder.embedding,
        layers=encoder.layers,
        channels=encoder.channels,
        heads=encoder.heads,
        mlp_width=encoder.mlp_width,
        positions=encoder.positions,
        coordinates=config.coordinates,
        activation=config.activation,
        key=key,
    )


def _flux(config: ModelConfig, axis: int, key: jax.Array) -> LocalFlux | FourierFlux:
    fields, axes, target = len(config.fields), len(config.cells), config.target
    seen = config.weak_form
    inputs = fields if seen is None else guided_flux.channels(fields, seen.terms > 0)
    if isinstance(target, FourierConfig):
        return FourierFlux(
            fields,
            axes,
            axis,
            inputs=inputs,
            left=target.left,
            right=target.right,
            channels=target.channels,
            width=target.width,
            depth=target.depth,
            modes=target.modes,
            blocks=target.blocks,
            activation=config.activation,
            coordinates=config.coordinates,
            key=key,
        )
    assert isinstance(target, LocalConfig)
    return LocalFlux(
        fields,
        axes,
        axis,
        inputs=inputs,
        left=target.left,
        right=target.right,
        lift=target.lift,
        width=target.width,
        depth=target.depth,
        activation=config.activation,
        coordinates=config.coordinates,
        key=key,
    )


def _law_network(
    config: ModelConfig, target: LawConfig, head_key: jax.Array, encoder_key: jax.Array
) -> LawNetwork:
    if len(config.cells) != 1:
        raise ValueError(f"The law target is one-dimensional; got {len(config.cells)} axes.")
    if target.scheme not in SCHEMES:
        raise ValueError(f"Unknown scheme {target.scheme!r}; choose one of {', '.join(SCHEMES)}.")
    if config.spacing_aware:
        raise ValueError("The law target counts in cells and frames: it needs no spacing_aware.")
    encoder = _encoder(config, encoder_key)
    assert config.encoder is not None
    if config.weak_form is not None:
        raise ValueError("The law target has a start of its own in place of weak_form.")
    space = LawSpace(config.fields, target.size, target.positive, target.terms)
    if target.start not in law_target.STARTS:
        raise ValueError(
            f"Unknown start {target.start!r}; choose one of {', '.join(law_target.STARTS)}."
        )
    corrects = target.start == "weak-form"
    head = MLP(
        config.encoder.embedding + (space.count if corrects else 0),
        space.count,
        target.width,
        target.depth,
        config.activation,
        key=head_key,
    )
    return LawNetwork(
        encoder=encoder,
        head=silent(head) if corrects else head,
        grid=config.grid,
        interval=config.interval,
        space=space,
        scheme=target.scheme,
        cfl=target.cfl,
        substeps=target.substeps,
        normalise=config.normalise,
        start=target.start,
    )
