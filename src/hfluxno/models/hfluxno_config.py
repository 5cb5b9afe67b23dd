"""The configuration of an HFluxNO, of its variants and of a Flux NO, and how it is built."""

import dataclasses
import math
from typing import ClassVar

import jax

from hfluxno.models import guided_flux
from hfluxno.models.configuration import ModelConfig
from hfluxno.models.dpot_encoder import DPOTEncoder
from hfluxno.models.encoder import Encoder
from hfluxno.models.fourier_flux import FourierFlux
from hfluxno.models.hfluxno import FluxNO, HFluxNO
from hfluxno.models.hypernetwork import Hypernetwork
from hfluxno.models.law_space import LawSpace
from hfluxno.models.law_target import PLANE_SCHEMES, LawNetwork
from hfluxno.models.local_flux import LocalFlux
from hfluxno.models.network import ContextNetwork
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
from hfluxno.models.plane_space import PlaneSpace
from hfluxno.models.trecvit import TRecViT
from hfluxno.models.vit import ViT
from hfluxno.models.weak_form_hfluxno import WeakFormHFluxNO
from hfluxno.nn.linear import MLP, silent
from hfluxno.parametric.solver_settings import SCHEMES


@dataclasses.dataclass(frozen=True)
class HFluxNOConfig(ModelConfig):
    """An HFluxNO, a variant of it, or a Flux NO. The defaults are the published model of the cubic
    law, in architecture and size.

    - `encoder`: how a context is read, or `None` for a flux operator without context (Flux NO).
    - `target`: what the hypernetwork writes.
    - `hypernetwork`: how it writes it.
    - `coordinates`: whether encoder and flux see the place of each cell. Without it the operator of
      a context commutes with every shift; the encoder's positions are learned in any case.
    - `weak_form`: makes it the variant of `hfluxno.models.weak_form_hfluxno`.
    """

    conservative: ClassVar[bool] = True
    encoder: TRecViTConfig | ViTConfig | DPOTEncoderConfig | None = dataclasses.field(
        default_factory=TRecViTConfig
    )
    target: LocalConfig | FourierConfig | LawConfig = dataclasses.field(default_factory=LocalConfig)
    hypernetwork: HypernetworkConfig = dataclasses.field(default_factory=HypernetworkConfig)
    coordinates: bool = True
    weak_form: WeakFormConfig | None = None

    @property
    def summary(self) -> str:
        target = type(self.target).__name__.removesuffix("Config")
        if self.encoder is None:
            return f"Flux NO, {target} flux"
        encoder = type(self.encoder).__name__.removesuffix("Config").removesuffix("Encoder")
        if isinstance(self.target, LawConfig):
            return f"HFluxNO → law, {encoder} encoder"
        variant = "HFluxNO" if self.weak_form is None else "HFluxNO + weak form"
        return f"{variant}, {encoder} encoder, {target} flux"

    def check(self) -> None:
        refines = isinstance(self.target, LawConfig) and self.target.refinement > 0
        if refines and len(self.cells) > 1:
            raise ValueError("A law on a plane is not refined by the solver; leave refinement out.")

    def build(self, key: jax.Array) -> ContextNetwork:
        target_key, head_key, encoder_key = jax.random.split(key, 3)
        axes = len(self.cells)
        if isinstance(self.target, LawConfig):
            return _law_network(self, self.target, head_key, encoder_key)
        keys = jax.random.split(target_key, axes)
        space = _weak_form(self)
        targets = tuple(_flux(self, axis, k) for axis, k in enumerate(keys))
        if space is not None:
            targets = tuple(map(guided_flux.central, targets))
        if self.encoder is None:
            return FluxNO(targets, self.grid, self.interval)
        inputs = self.encoder.embedding + (0 if space is None else space.count)
        hypernetwork = Hypernetwork(inputs, targets, self.hypernetwork, key=head_key)
        encoder = _encoder(self, encoder_key)
        if space is not None:
            return WeakFormHFluxNO(encoder, hypernetwork, self.grid, self.interval, space)
        return HFluxNO(encoder, hypernetwork, self.grid, self.interval)


def _weak_form(config: HFluxNOConfig) -> LawSpace | PlaneSpace | None:
    if config.weak_form is None:
        return None
    if config.encoder is None:
        raise ValueError("A network with weak_form reads a context: choose an encoder.")
    return _space(config, config.weak_form)


def _space(config: HFluxNOConfig, seen: WeakFormConfig) -> LawSpace | PlaneSpace:
    if len(config.cells) == 1:
        return LawSpace(config.fields, seen.size, seen.positive, seen.terms)
    if len(config.cells) > 2 or seen.terms > 0:
        raise ValueError(
            "Networks know laws on a line or a plane, on a plane without diffusion; got "
            f"{len(config.cells)} axes and {seen.terms} terms of a diffusivity."
        )
    return PlaneSpace(config.fields, seen.size, seen.positive, seen.momentum)


def _encoder(config: HFluxNOConfig, key: jax.Array) -> Encoder:
    fields, encoder = len(config.fields), config.encoder
    if encoder is None:
        raise ValueError("This target is written from a context: choose an encoder.")
    frames, cells, places = config.context, config.cells, config.coordinates
    if isinstance(encoder, ViTConfig):
        return ViT(fields, frames, cells, encoder, coordinates=places, key=key)
    if isinstance(encoder, DPOTEncoderConfig):
        return DPOTEncoder(fields, frames, cells, encoder, coordinates=places, key=key)
    return TRecViT(fields, cells, encoder, coordinates=places, key=key)


def _flux(config: HFluxNOConfig, axis: int, key: jax.Array) -> LocalFlux | FourierFlux:
    fields, axes, target = len(config.fields), len(config.cells), config.target
    seen = config.weak_form
    inputs = fields if seen is None else guided_flux.channels(fields, seen.terms > 0)
    places, cells = config.coordinates, math.prod(config.cells)
    if isinstance(target, FourierConfig):
        return FourierFlux(
            fields, axes, axis, target, inputs=inputs, cells=cells, coordinates=places, key=key
        )
    assert isinstance(target, LocalConfig)
    return LocalFlux(fields, axes, axis, target, inputs=inputs, coordinates=places, key=key)


def _law_network(
    config: HFluxNOConfig, target: LawConfig, head_key: jax.Array, encoder_key: jax.Array
) -> LawNetwork:
    schemes = SCHEMES if len(config.cells) == 1 else PLANE_SCHEMES
    if target.scheme not in schemes:
        raise ValueError(f"Unknown scheme {target.scheme!r}; choose one of {', '.join(schemes)}.")
    encoder = _encoder(config, encoder_key)
    assert config.encoder is not None
    if config.weak_form is not None:
        raise ValueError("The law target starts from the weak form; leave weak_form out.")
    space = _space(config, target)
    head = MLP(
        config.encoder.embedding + space.count,
        space.count,
        target.width,
        target.depth,
        key=head_key,
    )
    return LawNetwork(
        encoder=encoder,
        head=silent(head),
        grid=config.grid,
        interval=config.interval,
        space=space,
        scheme=target.scheme,
        cfl=target.cfl,
    )
