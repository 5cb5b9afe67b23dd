"""The structure of the law of a joint estimate: the map from coefficients to laws."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.basis import Basis, Kinked, as_array
from hfluxno.parametric.fitted_law import FittedLaw, Terms
from hfluxno.parametric.source_terms import Functions


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
    - `reach`, `functions`, `carrier`, `least`, `most`: as in `FittedLaw` and `Terms`.
    - `still`: one or two states of one field that do not flow, f(u) + c = 0, because they could
      not at a closed end: what leaves nothing, and what fills all. The constant of the flux, and
      for two of them its linear coefficient, follow from the others.
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
    carrier: int | None = eqx.field(static=True, default=None)
    still: Float[Array | np.ndarray, " state"] = eqx.field(
        converter=as_array, default_factory=lambda: np.zeros(0)
    )
    least: Float[Array | np.ndarray, ""] = eqx.field(converter=as_array, default=-np.inf)
    most: Float[Array | np.ndarray, ""] = eqx.field(converter=as_array, default=np.inf)

    @property
    def has_further(self) -> bool:
        """Whether there are terms besides the flux and the diffusivity."""
        return bool(self.by_state or self.source_modes or self.flux_modes or self.stretches)

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

    @property
    def following(self) -> tuple[int, ...]:
        """The indices of the coefficients that follow from the others: the constant of the flux,
        and its linear coefficient."""
        return (sum(self.sizes[:4]), 0)[: self.still.shape[0]]

    def with_still(
        self, coefficients: Float[Array | np.ndarray, " coefficient"]
    ) -> Float[Array | np.ndarray, " coefficient"]:
        """The same with the coefficients that follow: of the flux and its constant, the line
        through their values at the states that do not flow is taken away."""
        if not self.following:
            return coefficients
        constant, size = self.following[0], self.sizes[0]
        basis = self._basis_of(coefficients)
        values = basis.expand(coefficients[:size][None], jnp.asarray(self.still)[None])[0]
        values, slope = values + coefficients[constant], jnp.zeros(())
        if len(self.following) > 1:
            slope = (values[1] - values[0]) / (self.still[1] - self.still[0])
        half, middle = 0.5 * (self.upper - self.lower)[0], 0.5 * (self.upper + self.lower)[0]
        line = np.zeros((2, len(coefficients)))
        line[0, 0] = line[1, constant] = 1.0
        at_middle = values[0] - slope * (self.still[0] - middle)
        return coefficients - slope * half * line[0] - at_middle * line[1]

    def outside(
        self, coefficients: Float[Array | np.ndarray, " coefficient"]
    ) -> Int[np.ndarray, " index"]:
        """The indices of ends of stretches that are at or beyond an end of the domain, where they
        change nothing; on a circle there are none."""
        if self.modes.periodic or not self.stretches:
            return np.zeros(0, int)
        first = sum(self.sizes[:6])
        begin, end, _ = (
            np.asarray(coefficients)[first : first + 3 * self.stretches].reshape(-1, 3).T
        )
        places = first + 3 * np.arange(self.stretches)
        below, above = begin <= float(self.modes.lower), end >= float(self.modes.upper)
        return np.concatenate([places[below], places[above] + 1])

    def _basis_of(self, coefficients) -> Basis:
        """The basis, with its kinks in their places."""
        if not isinstance(self.basis, Kinked):
            return self.basis
        return dataclasses.replace(self.basis, at=coefficients[len(coefficients) - self.kinks :])

    def law(self, coefficients: Float[Array | np.ndarray, " coefficient"]) -> FittedLaw:
        d = len(self.fields)
        ends = np.cumsum(self.sizes)
        flux, diffusion, by_state, by_place, offset, factor, stretches, _ = (
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
                self.carrier,
            )
        return FittedLaw(
            self.fields,
            self._basis_of(coefficients),
            flux.reshape(d, -1) * half,
            diffusion.reshape(d, -1),
            self.lower,
            self.upper,
            self.negated,
            terms,
            self.reach,
            self.least,
            self.most,
        )
