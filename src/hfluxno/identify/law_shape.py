"""The structure of the law of a joint estimate: the map from coefficients to laws."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.identify.basis import Basis, Kinked, as_array
from hfluxno.identify.fitted_law import FittedLaw, Terms
from hfluxno.identify.source_terms import Functions
from hfluxno.laws.place import PlaceModes


class LawShape(eqx.Module):
    """The terms of a law, and how a vector of coefficients is split among them.

    The order is (field, flux function), (field, diffusion term), (field, source term), (field, mode
    of the source), (field, offset of the flux), (mode of the flux), (stretch: begin, end and log
    factor), (place of a kink). Coefficients of the flux are in half ranges of their field times
    cells per frame, those of sources in half ranges per frame.

    - `basis`: the functions of the flux.
    - `lower`, `upper`: the observed range of each field.
    - `modes`: the functions of place.
    - `fields`, `negated`: names, and the indices of the fields that change sign at a wall.
    - `diffusion`, `by_state`, `source_modes`, `flux_modes`, `stretches`: the number of terms of
      each kind.
    - `closed`: whether the constant of the flux is a coefficient although the flux is the same
      everywhere, because a closed end or a measured flow determines it.
    - `reach`, `functions`: as in `FittedLaw` and `Terms`.
    """

    basis: Basis
    lower: Float[Array | np.ndarray, " field"]
    upper: Float[Array | np.ndarray, " field"]
    modes: PlaceModes
    fields: tuple[str, ...] = eqx.field(static=True)
    negated: tuple[int, ...] = eqx.field(static=True, default=())
    diffusion: int = eqx.field(static=True, default=0)
    by_state: int = eqx.field(static=True, default=0)
    source_modes: int = eqx.field(static=True, default=0)
    flux_modes: int = eqx.field(static=True, default=0)
    closed: bool = eqx.field(static=True, default=False)
    stretches: int = eqx.field(static=True, default=0)
    reach: Float[Array | np.ndarray, ""] = eqx.field(converter=as_array, default=0.0)
    functions: Functions = eqx.field(static=True, default=())

    @property
    def has_offset(self) -> bool:
        """Whether the constant of the flux is a coefficient."""
        return self.closed or self.flux_modes > 0 or self.stretches > 0

    @property
    def kinks(self) -> int:
        """The number of kinks of the flux, whose places are unknowns."""
        return self.basis.kinks

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of coefficients of each part."""
        d = len(self.fields)
        parts = (
            len(self.basis.names),
            self.diffusion,
            self.by_state,
            self.source_modes,
            int(self.has_offset),
        )
        return (*(d * n for n in parts), self.flux_modes, 3 * self.stretches, self.kinks)

    def law(self, coefficients: Float[Array | np.ndarray, " coefficient"]) -> FittedLaw:
        d = len(self.fields)
        ends = np.cumsum(self.sizes)
        flux, diffusion, by_state, by_place, offset, factor, stretches, at = (
            coefficients[end - size : end] for end, size in zip(ends, self.sizes, strict=True)
        )
        half = (0.5 * (self.upper - self.lower))[:, None]
        terms = None
        if self.by_state or self.source_modes or self.has_offset:
            terms = Terms(
                by_state.reshape(d, -1) * half,
                by_place.reshape(d, -1) * half,
                factor,
                offset * half[:, 0] if self.has_offset else jnp.zeros(d),
                self.modes,
                stretches.reshape(-1, 3),
                self.functions,
            )
        basis = self.basis
        if isinstance(basis, Kinked):
            basis = dataclasses.replace(basis, at=at)
        return FittedLaw(
            self.fields,
            basis,
            flux.reshape(d, -1) * half,
            diffusion.reshape(d, -1),
            self.lower,
            self.upper,
            self.negated,
            terms,
            self.reach,
        )
