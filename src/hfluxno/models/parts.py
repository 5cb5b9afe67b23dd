"""The configurations of the parts of a network: encoders, targets, the hypernetwork.

The defaults are those of the paper's cubic model, if it has the part.
"""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class TRecViTConfig:
    """The paper's encoder (see `hfluxno.models.trecvit`).

    - `patch`: the cells of a patch along each axis.
    - `embedding`, `layers`, `heads`: the size of tokens and embedding; the number of layers and of
      heads.
    - `channels`: the width of the recurrent unit.
    - `mlp_width`: the width of the transformer's small network.
    """

    patch: tuple[int, ...] = (4,)
    embedding: int = 128
    layers: int = 2
    channels: int = 128
    heads: int = 8
    mlp_width: int = 64


@dataclasses.dataclass(frozen=True)
class ViTConfig:
    """A vision transformer over space and time (see `hfluxno.models.vit`).

    The defaults are those of the authors' ablation.

    - `patch`: the frames and then the cells of a patch.
    - `patch_depth`: the number of hidden layers, as wide as a token, between patch and token.
    - `embedding`, `layers`, `heads`, `mlp_width`: as for the paper's encoder.
    """

    patch: tuple[int, ...] = (1, 4)
    patch_depth: int = 32
    embedding: int = 128
    layers: int = 2
    heads: int = 4
    mlp_width: int = 32


@dataclasses.dataclass(frozen=True)
class DPOTEncoderConfig:
    """The DPOT-style encoder (see `hfluxno.models.dpot_encoder`).

    - `patch`: the cells of a patch along each axis.
    - `patch_width`: the hidden width between patch and token.
    - `embedding`, `layers`, `mlp_width`: as for the paper's encoder.
    - `modes`, `blocks`: the largest wave number kept along each axis, and the number of blocks of
      the spectral mixing.
    """

    patch: tuple[int, ...] = (4,)
    patch_width: int = 128
    embedding: int = 128
    layers: int = 2
    mlp_width: int = 128
    modes: tuple[int, ...] = (12,)
    blocks: int = 8


@dataclasses.dataclass(frozen=True)
class LocalConfig:
    """The local flux operator (see `hfluxno.models.local_flux`).

    - `left`, `right`: the cells before and after an interface that it sees.
    - `lift`, `width`, `depth`: the size of the lift, and of the hidden layers and their number.
    """

    left: int = 11
    right: int = 10
    lift: int = 128
    width: int = 128
    depth: int = 4


@dataclasses.dataclass(frozen=True)
class FourierConfig:
    """The Fourier flux operator (see `hfluxno.models.fourier_flux`).

    - `left`, `right`: the cells before and after an interface in its stencil.
    - `channels`, `depth`: of the spectral layers, and how many there are.
    - `width`: of the hidden layer of lift and projection; in the form `code`.
    - `modes`, `blocks`: the largest wave number kept along each axis, and, in the form `code`, the
      number of blocks.
    - `form`: `text`, equation 15 as written, or `code`, what the authors' code computes (with 128
      channels).
    """

    left: int = 4
    right: int = 3
    channels: int = 64
    width: int = 128
    depth: int = 4
    modes: tuple[int, ...] = (12,)
    blocks: int = 4
    form: Literal["text", "code"] = "text"


@dataclasses.dataclass(frozen=True)
class WeakFormConfig:
    """The laws among which least squares on the weak form choose (see `hfluxno.models.law_space`,
    on a plane `hfluxno.models.plane_space`).

    - `size`: the number of Chebyshev functions of f; for one field.
    - `positive`: for each field whether it stays away from zero; for several fields.
    - `terms`: the number of coefficients of ν: 0, 1 or 3; on a plane 0.
    - `momentum`: on a plane, which of several fields are the components of the momentum.
    """

    size: int = 4
    positive: tuple[bool, ...] = ()
    terms: int = 0
    momentum: tuple[int, ...] = ()

    @classmethod
    def upgraded(cls, data: dict) -> dict:
        """Configurations of networks on a line may be older than the momentum."""
        return {"momentum": []} | data


@dataclasses.dataclass(frozen=True)
class LawConfig(WeakFormConfig):
    """The physical law as the target (see `hfluxno.models.law_target`), which corrects that of the
    weak form.

    - `size`: the number of Chebyshev coefficients of f′; for one field.
    - `scheme`, `cfl`: how the law is solved: a numerical flux, and (desired CFL number, largest CFL
      number, whether a step is proposed from the speed in the previous one).
    - `width`, `depth`: of the hidden layers of the network that emits corrections of the
      coefficients.
    - `refinement`: the number of Levenberg-Marquardt steps on the context, 0 to 3; on a plane 0.
    """

    size: int = 7
    scheme: str = "roe"
    cfl: tuple[float, float, bool] = (0.5, 0.9, True)
    width: int = 128
    depth: int = 1
    refinement: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.refinement <= 3:
            raise ValueError(f"A law is refined by 0 to 3 steps; got {self.refinement}.")


@dataclasses.dataclass(frozen=True)
class HypernetworkConfig:
    """The hypernetwork (see `hfluxno.models.hypernetwork`).

    - `outputs`, `width`, `depth`: of the trunk: its output, and its hidden layers and their number.
    - `blocks`: the number of blocks of the head.
    """

    outputs: int = 128
    width: int = 128
    depth: int = 1
    blocks: int = 4
