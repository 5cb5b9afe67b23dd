"""The kinds of networks by name: one line here makes a kind known to files, training and commands.

A kind is a configuration that builds a network (see `hfluxno.models.configuration`); the name is
that of the method, and begins the names of its weights and presets.
"""

from hfluxno.models.configuration import ModelConfig
from hfluxno.models.dpot import DPOTConfig
from hfluxno.models.fno import FNOConfig
from hfluxno.models.hfluxno_config import HFluxNOConfig

MODELS: dict[str, type[ModelConfig]] = {
    "hfluxno": HFluxNOConfig,
    "dpot": DPOTConfig,
    "fno": FNOConfig,
}
