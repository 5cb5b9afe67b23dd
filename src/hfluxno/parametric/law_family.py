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
      function), (field, diffusion term), (field, source term), (field, mode): one for each free
      parameter, or for each coefficient of a known law, padded with rows of zeros to a number for
      which there is a compiled program.
    - `lower`, `upper`: the observed range of each field.
    - `terms`: the number of terms of each diffusivity.
    - `fields`, `negated`: their names, and the indices of those that change sign at a wall.
    - `sources`: the functions of the source of each field, which are scaled to one at max|u|.
    - `force`: the functions of place of a force of each field, or `None`, for laws with sources.
    - `carrier`: the field that the force acts on, by which it is multiplied, scaled likewise.
    """

    basis: Basis
    directions: Float[Array | np.ndarray, "free parameter"]
    lower: Float[Array | np.ndarray, " field"]
    upper: Float[Array | np.ndarray, " field"]
    terms: int = eqx.field(static=True)
    fields: tuple[str, ...] = eqx.field(static=True)
    negated: tuple[int, ...] = eqx.field(static=True)
    sources: Functions = eqx.field(static=True, default=())
    force: PlaceModes | None = None
    carrier: int | None = eqx.field(static=True, default=None)

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
        force = free[last : last + d * self.modes].reshape(d, -1) * half[:, None]
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
            self._terms(free[end:last].reshape(d, -1) * half[:, None], force)
            if self.sources
            else None,
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
        d, begin, count = len(self.fields), self.before_sources, len(self.sources)
        mask = np.asarray(self.mask)
        last = begin + d * count
        parts = mask[begin:last], mask[last : last + d * self.modes]
        return np.any([np.any(part.reshape(d, -1), axis=1) for part in parts], axis=0)

    @property
    def modes(self) -> int:
        """The number of functions of place of a force."""
        return 0 if self.force is None else self.force.count

    def _terms(self, sources, force) -> Terms:
        d, still = len(self.fields), PlaceModes(0.0, 1.0, 1, True)
        by_state = sources / self.source_sizes[None]
        if self.force is not None:
            force, still = force / self.carrier_size, self.force
        none = np.zeros(0), np.zeros(d), still
        return Terms(by_state, force, *none, functions=self.sources, carrier=self.carrier)

    @property
    def carrier_size(self) -> Float[Array | np.ndarray, ""]:
        """The largest size of the field that the force acts on."""
        carrier = self.carrier
        return jnp.maximum(jnp.abs(self.lower[carrier]), jnp.abs(self.upper[carrier]))

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
        ends = [len(self.basis.names), len(self.basis.names) + len(self.sources)]
        flux, sources, force = jnp.split(known / half[:, None], ends, axis=1)
        parts = [flux, diffusion, sources, force]
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
        before those of sources, of the force and of the diffusion in x, and b in half ranges of the
        field."""
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
        of_sources, of_force = jnp.split(mine, [d * len(self.sources)])
        if self.force is not None:
            places = self.force(0.5 + jnp.arange(values.shape[-1], dtype=values.dtype))
            carried = values[None, :, self.carrier] / self.carrier_size
            functions = jnp.concatenate([functions, places[:, None] * carried])
        free = jnp.concatenate([of_sources.reshape(d, -1), of_force.reshape(d, -1)], axis=1)
        columns = source_columns(functions, weights, periodic)[None] * free[:, None]
        end = len(self.basis.names)
        return jnp.concatenate([matrices[..., :end], columns, matrices[..., end:]], axis=2), rhs
