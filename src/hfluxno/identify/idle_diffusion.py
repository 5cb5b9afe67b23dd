"""Diffusivities that are nowhere positive. Runs take a negative diffusivity for zero, so nothing
shows how negative it is: such numbers are no part of what was found."""

from collections.abc import Sequence

import equinox as eqx
import numpy as np
from jaxtyping import Bool

from hfluxno.parametric.fitted_law import FittedLaw

_STATES = 65  # of the observed range


def with_idle_diffusion_zero(law: FittedLaw) -> FittedLaw:
    """The same law with coefficients of zero for diffusivities that are nowhere positive."""
    coefficients = np.asarray(law.diffusion_coefficients)
    found = np.where(_is_idle(law)[:, None], 0.0, coefficients)
    return eqx.tree_at(lambda each: each.diffusion_coefficients, law, found)


def acts(law: FittedLaw, names: Sequence[str]) -> Bool[np.ndarray, " name"]:
    """Which of the coefficients with these names are not those of such a diffusivity."""
    idle = [f for f, is_idle in zip(law.fields, _is_idle(law), strict=True) if is_idle]
    return np.array([not name.startswith(tuple(f"nu_{f}[" for f in idle)) for name in names])


def _is_idle(law: FittedLaw) -> Bool[np.ndarray, " field"]:
    ends = np.asarray(law.lower), np.asarray(law.upper)
    found = law.diffusivity(np.linspace(*ends, _STATES, axis=-1))
    return np.zeros(len(law.fields), bool) if found is None else np.all(found <= 0.0, axis=-1)
