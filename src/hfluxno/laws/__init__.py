"""Conservation laws, one a file, each with its published coefficient ranges."""

from hfluxno.laws.base import ConservationLaw
from hfluxno.laws.buckley_leverett import BuckleyLeverett
from hfluxno.laws.burgers import ViscousBurgers
from hfluxno.laws.cubic import Cubic
from hfluxno.laws.lwr import LWR
from hfluxno.laws.shallow_water import ShallowWater
from hfluxno.laws.sine import Sine

LAWS: dict[str, type[ConservationLaw]] = {
    law.name: law for law in (Cubic, Sine, ViscousBurgers, ShallowWater, LWR, BuckleyLeverett)
}

__all__ = [
    "LAWS",
    "LWR",
    "BuckleyLeverett",
    "ConservationLaw",
    "Cubic",
    "ShallowWater",
    "Sine",
    "ViscousBurgers",
]
