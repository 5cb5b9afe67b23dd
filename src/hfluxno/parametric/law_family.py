"""A parametric family of laws: which laws a fit may choose from."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.basis import KINK_WIDTH, Basis, Chebyshev, Kinked
from hfluxno.parametric.fitted_law import FittedLaw, Terms
from hfluxno.parametric.source_terms import Functions, values_of
from hfluxno.parametric.weak_form import source_columns, weak_equations, weak_start

# The minimum of ln(width/`KINK_WIDTH`): the square of a width must not vanish in single precision.
_SHARP = -6.0


class LawFamily(eqx.Module):
    """A parametric family of laws: the map from vectors of parameters to laws.

    - `basis`: the functions of the flux.
    - `directions`: along which parameters are free, orthonormal vectors in the order (field,
      function), (field, diffusion term), (field, source term): one for each free parameter, or for
      each coefficient of a known law, padded with rows of zeros to a number for which there is a
      compiled program.
    - `lower`, `upper`: the observed range of each field.
    - `terms`: the number of terms of each diffusivity.
    - `fields`, `negated`: their names, and the indices of those that change sign at a wall.
    - `sources`: the functions of the source of each field, which are scaled to one at max|u|.
    """

    basis: Basis
    directions: Float[Array | np.ndarray, "free parameter"]
    lower: Float[Array | np.ndarray, " field"]
    upper: Float[Array | np.ndarray, " field"]
    terms: int = eqx.field(static=True)
    fields: tuple[str, ...] = eqx.field(static=True)
    negated: tuple[int, ...] = eqx.field(static=True)
    sources: Functions = eqx.field(static=True, default=())

    @property
    def mask(self) -> Float[Array | np.ndarray, " parameter"]:
        """One where a parameter is free, zero elsewhere."""
        return (self.directions != 0.0).any(axis=0).astype(self.directions.dtype)

    def law(self, parameters: Float[Array | np.ndarray, " parameter"]) -> FittedLaw:
        """Flux coefficients are in half ranges of their field times cells per frame, those of
        sources in half ranges per frame."""
        d = len(self.fields)
        count, end = d * len(self.basis.names), self.before_sources
        free = parameters * self.mask
        half = 0.5 * (self.upper - self.lower)
        last = end + d * len(self.sources)
        basis = self.basis
        if isinstance(basis, Kinked):
            width = KINK_WIDTH * jnp.exp(jnp.maximum(free[-1], _SHARP))
            basis = dataclasses.replace(basis, at=free[last:-1], width=width)
        return FittedLaw(
            self.fields,
            basis,
            free[:count].reshape(d, -1) * half[:, None],
            free[count:end].reshape(d, self.terms),
            self.lower,
            self.upper,
            self.negated,
            self._terms(free[end:last].reshape(d, -1) * half[:, None]) if self.sources else None,
        )

    @property
    def kink_parameters(self) -> int:
        """The number of parameters of kinks, which come last: their places, and ln(width/0.02)."""
        return self.basis.kinks + 1 if self.basis.kinks else 0

    @property
    def before_sources(self) -> int:
        """The number of parameters of fluxes and diffusivities, which come first."""
        return len(self.fields) * (len(self.basis.names) + self.terms)

    @property
    def arises(self) -> Bool[np.ndarray, " field"]:
        """Which fields have a source."""
        begin, count = self.before_sources, len(self.fields) * len(self.sources)
        free = np.asarray(self.mask)[begin : begin + count]
        return np.any(free.reshape(len(self.fields), -1), axis=1)

    def _terms(self, sources) -> Terms:
        d, still = len(self.fields), PlaceModes(0.0, 1.0, 1, True)
        by_state = sources / self.source_sizes[None]
        none = np.zeros((d, 0)), np.zeros(0), np.zeros(d), still
        return Terms(by_state, *none, functions=self.sources)

    @property
    def source_sizes(self) -> Float[Array, " function"]:
        """The functions of sources at max|u|."""
        largest = jnp.maximum(jnp.abs(self.lower), jnp.abs(self.upper))
        return values_of(self.sources, largest)

    def start(
        self,
        values: Float[Array, "time field cells"],
        weights: Float[Array, " time"],
        periodic: bool,
    ) -> Float[Array, " parameter"]:
        """The parameters from the weak form.

        Only the first four functions of a Chebyshev basis are fitted: with few values, or frames
        far apart, the higher ones would only fit the errors of the quadrature.
        """
        mask = jnp.asarray(self.mask)
        if isinstance(self.basis, Chebyshev):
            mask = mask * jnp.asarray(np.arange(mask.shape[0]) % self.basis.size < 4, mask.dtype)
            mask = mask.at[self.basis.size :].set(self.mask[self.basis.size :])
        matrices, rhs = self._weak_equations(mask, values, weights, periodic)
        known, diffusion = weak_start(matrices, rhs, self.terms)
        half = 0.5 * (self.upper - self.lower)
        flux, sources = jnp.split(known / half[:, None], [len(self.basis.names)], axis=1)
        parts = [flux, diffusion, sources]
        if isinstance(self.basis, Kinked):
            parts += [jnp.asarray(self.basis.at), jnp.log(self.basis.width / KINK_WIDTH)]
        return jnp.concatenate([part.reshape(-1) for part in parts])

    def weak_normal(
        self,
        values: Float[Array, "time field cells"],
        weights: Float[Array, " time"],
        periodic: bool,
    ) -> Float[Array, "field unknown_ unknown_"]:
        """For each field (A b)ᵀ(A b) of its weak equations A x = b, with the flux coefficients
        before those of sources and of the diffusion in x, and b in half ranges of the field."""
        matrices, rhs = self._weak_equations(self.mask, values, weights, periodic)
        rhs = rhs / (0.5 * (self.upper - self.lower))[:, None]
        augmented = jnp.concatenate([matrices, rhs[..., None]], axis=2)
        return jnp.einsum("fep,feq->fpq", augmented, augmented)

    def _weak_equations(self, mask, values, weights, periodic):
        d = len(self.fields)
        end = len(mask) - self.kink_parameters
        before, mine = jnp.split(jnp.asarray(mask)[:end], [self.before_sources])
        matrices, rhs = weak_equations(
            self.basis, before, self.lower, self.upper, self.terms, values, weights, periodic
        )
        if not self.sources:
            return matrices, rhs
        functions = values_of(self.sources, jnp.moveaxis(values, 1, 0))
        functions = functions / self.source_sizes[:, None, None]
        columns = source_columns(functions, weights, periodic)[None] * mine.reshape(d, 1, -1)
        end = len(self.basis.names)
        return jnp.concatenate([matrices[..., :end], columns, matrices[..., end:]], axis=2), rhs
