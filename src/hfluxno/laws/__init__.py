"""Conservation laws, one per file; those in `LAWS` have one axis and ranges of coefficients."""

from hfluxno.laws.aw_rascle_zhang import AwRascleZhang
from hfluxno.laws.base import ConservationLaw
from hfluxno.laws.buckley_leverett import BuckleyLeverett
from hfluxno.laws.burgers import ViscousBurgers
from hfluxno.laws.by_axis import ByAxis
from hfluxno.laws.cubic import Cubic
from hfluxno.laws.euler import Euler
from hfluxno.laws.isothermal_euler import IsothermalEuler
from hfluxno.laws.kpp import KPP
from hfluxno.laws.lwr import LWR
from hfluxno.laws.rotation import rotation
from hfluxno.laws.shallow_water import ShallowWater
from hfluxno.laws.shallow_water_2d import ShallowWater2D
from hfluxno.laws.sine import Sine
from hfluxno.laws.space import SpaceLaw

LAWS: dict[str, type[ConservationLaw]] = {
    law.name: law for law in (Cubic, Sine, ViscousBurgers, ShallowWater, LWR, BuckleyLeverett)
}

__all__ = [
    "KPP",
    "LAWS",
    "LWR",
    "AwRascleZhang",
    "BuckleyLeverett",
    "ByAxis",
    "ConservationLaw",
    "Cubic",
    "Euler",
    "IsothermalEuler",
    "ShallowWater",
    "ShallowWater2D",
    "Sine",
    "SpaceLaw",
    "ViscousBurgers",
    "rotation",
]
