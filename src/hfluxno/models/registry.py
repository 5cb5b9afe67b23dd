"""The kinds of networks by name: one line here makes a kind known to files, training and commands.

A kind is a configuration that builds a network (see `hfluxno.models.configuration`); the name is
that of the method, with which the names of its weights and presets begin.
"""

from hfluxno.models.baselines.disco.config import DISCOConfig
from hfluxno.models.baselines.dpot import DPOTConfig
from hfluxno.models.baselines.fno import FNOConfig
from hfluxno.models.baselines.icon.model import ICONConfig
from hfluxno.models.configuration import ModelConfig
from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.parts import LawConfig

MODELS: dict[str, type[ModelConfig]] = {
    "hfluxno": HFluxNOConfig,
    "dpot": DPOTConfig,
    "disco": DISCOConfig,
    "fno": FNOConfig,
    "icon": ICONConfig,
}


def method_of(config: ModelConfig) -> str:
    """The name of the method of a configuration; HFluxNO is that of the published architecture."""
    if isinstance(config, HFluxNOConfig):
        if config.encoder is None:
            return "flux-no"
        if isinstance(config.target, LawConfig):
            return "hfluxno-law"
        return "hfluxno" if config.weak_form is None else "hfluxno-weak-form"
    if isinstance(config, ICONConfig) and config.examples_from == "context":
        return "icon-context"  # a variant of ours
    return next(name for name, kind in MODELS.items() if type(config) is kind)
