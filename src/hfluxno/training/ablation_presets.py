"""Training runs of the paper's ablation by name: which encoder, which flux operator, which loss.

All have the published protocol on the cubic law, one-step mean square error without augmentation,
but are as small as `cpu-hfluxno-small-cubic` and take ten minutes on one core.

`ablation-ENCODER-FLUX` have the encoder `trecvit`, `vit` or `dpot`, and the flux operator `local`,
or `fourier` in the form of the text. The vision transformer has one hidden layer on every patch:
with the authors' 32 a fresh network does not see its context (`hfluxno.models.vit`).

`ablation-loss-NAME` have the TRecViT encoder and the local flux operator, and the loss `one-step`,
which is `ablation-trecvit-local` once more, `pushforward`, or `denoising` with the authors' noise.
"""

from collections.abc import Iterator

from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.parts import (
    DPOTEncoderConfig,
    FourierConfig,
    HypernetworkConfig,
    LocalConfig,
    TRecViTConfig,
    ViTConfig,
)
from hfluxno.training.configuration import DataConfig, TrainConfig, ValidationConfig
from hfluxno.training.losses import LossConfig
from hfluxno.training.optimizer import OptimizerConfig

_WIDTH = 64
_ENCODERS: dict[str, TRecViTConfig | ViTConfig | DPOTEncoderConfig] = {
    "trecvit": TRecViTConfig(embedding=_WIDTH, channels=_WIDTH, heads=4),
    "vit": ViTConfig(embedding=_WIDTH, patch_depth=1),
    "dpot": DPOTEncoderConfig(patch_width=_WIDTH, embedding=_WIDTH, mlp_width=_WIDTH),
}
_FLUXES: dict[str, LocalConfig | FourierConfig] = {
    "local": LocalConfig(lift=_WIDTH, width=_WIDTH),
    "fourier": FourierConfig(channels=_WIDTH, form="text"),
}
_LOSSES = ("one-step", "pushforward", "denoising")
# Updates of 64 windows, as many as fit into ten minutes.
_UPDATES = {
    ("trecvit", "local", "one-step"): 1_400,
    ("trecvit", "fourier", "one-step"): 680,
    ("vit", "local", "one-step"): 480,
    ("vit", "fourier", "one-step"): 320,
    ("dpot", "local", "one-step"): 6_700,
    ("dpot", "fourier", "one-step"): 1_000,
    ("trecvit", "local", "pushforward"): 1_200,
    ("trecvit", "local", "denoising"): 1_400,
}


def ablations() -> Iterator[TrainConfig]:
    """All runs of the ablation."""
    for encoder in _ENCODERS:
        for flux in _FLUXES:
            yield _run(f"ablation-{encoder}-{flux}", encoder, flux, "one-step")
    for loss in _LOSSES:
        yield _run(f"ablation-loss-{loss}", "trecvit", "local", loss)


def _run(name: str, encoder: str, flux: str, loss: str) -> TrainConfig:
    return TrainConfig(
        name=name,
        model=HFluxNOConfig(
            encoder=_ENCODERS[encoder],
            target=_FLUXES[flux],
            hypernetwork=HypernetworkConfig(outputs=_WIDTH, width=_WIDTH),
        ),
        data=DataConfig("cubic"),
        loss=LossConfig(loss),
        # The usual eps of 1e-8 is larger than the first derivatives by the encoder.
        optimizer=OptimizerConfig(peak=1e-3, warmup=200, eps=1e-15),
        steps=_UPDATES[encoder, flux, loss],
        batch=64,
        validation=ValidationConfig(context_mode="sliding"),
    )
