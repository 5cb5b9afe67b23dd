"""Networks and training runs on a plane: Euler's equations from random quadrants of gas.

`PUBLISHED` are the sizes of the authors' configurations for The Well's
`euler_multi_quadrants_periodicBC`: 64² cells, ten frames at intervals of .015, patches of 8² cells.
HFluxNO has one flux operator for each axis, written by heads on a common trunk, each of which sees
17 cells along its own axis. FNO is not among the authors' methods; it is about as large.
"""

from hfluxno.models.baselines.disco.config import DISCOConfig
from hfluxno.models.baselines.dpot import DPOTConfig
from hfluxno.models.baselines.fno import FNOConfig
from hfluxno.models.configuration import ModelConfig
from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.parts import LocalConfig, TRecViTConfig

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
        # The authors' 8 cells before and after the one on the left of an interface.
        target=LocalConfig(left=9, right=8, depth=5),
    ),
    "dpot": _of(DPOTConfig, 64, patch=(8, 8), modes=(10, 10)),
    "disco": _of(DISCOConfig, 64, patch=8, channels=8, groups=4),
    "fno": _of(FNOConfig, 64, channels=48, modes=(12, 12)),
}
