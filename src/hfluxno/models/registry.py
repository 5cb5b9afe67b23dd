"""The kinds of networks by name: one line here makes a kind known to files, training and commands.

A kind is a configuration that builds a network (see `hfluxno.models.configuration`); the name is
that of the method, and begins the names of its weights and presets.
"""

from hfluxno.models.configuration import ModelConfig
from hfluxno.models.disco.config import DISCOConfig
from hfluxno.models.dpot import DPOTConfig
from hfluxno.models.fno import FNOConfig
from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.icon import ICONConfig

# Flux NO is an HFluxNO without an encoder.
FLUX_NO = "flux-no"
MODELS: dict[str, type[ModelConfig]] = {
    "hfluxno": HFluxNOConfig,
    "dpot": DPOTConfig,
    "disco": DISCOConfig,
    "fno": FNOConfig,
    "icon": ICONConfig,
}


def method_of(config: ModelConfig) -> str:
    """The name of the method that a configuration is one of."""
    if isinstance(config, HFluxNOConfig) and config.encoder is None:
        return FLUX_NO
    return next(name for name, kind in MODELS.items() if type(config) is kind)
