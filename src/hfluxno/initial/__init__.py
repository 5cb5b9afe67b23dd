"""Initial conditions: random fields, random steps and rectangles.

Everything here is NumPy in float64 and unbatched: one call draws one sample from the given
generator, so a sample depends on its own seed alone.
"""

from hfluxno.initial.bounded import bounded
from hfluxno.initial.fourier_field import FourierField
from hfluxno.initial.periodic_field import periodic_covariance, periodic_field
from hfluxno.initial.steps import random_patches, random_steps

__all__ = [
    "FourierField",
    "bounded",
    "periodic_covariance",
    "periodic_field",
    "random_patches",
    "random_steps",
]
