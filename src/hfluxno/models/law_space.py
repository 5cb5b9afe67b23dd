"""The laws that a network can express: the meaning of a vector of numbers on a context.

The numbers are the coefficients of f and ν in a basis on the range of values that the context
shows, in cells and frames, so they do not depend on the units of the data. The space also gives the
law that least squares on the weak form find in a context (`hfluxno.parametric.weak_form`): that is
cheap, needs no training, and has the errors of a quadrature over frames.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.grid import Grid
from hfluxno.models.scaling import observed_range
from hfluxno.parametric.basis import Basis, Chebyshev, Dictionary, physical_exponents
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.law_family import LawFamily
from hfluxno.plural import plural


class LawSpace(eqx.Module):
    """A set of laws on one axis, for any context.

    - `fields`: the names of the fields.
    - `size`: for one field, the number of Chebyshev functions of f.
    - `positive`: for systems, which fields stay away from zero, so that the dictionary may divide
      by them.
    - `terms`: the number of coefficients of ν for each field; 0 without diffusion.
    """

    fields: tuple[str, ...] = eqx.field(static=True)
    size: int = eqx.field(static=True)
    positive: tuple[bool, ...] = eqx.field(static=True)
    terms: int = eqx.field(static=True)

    def __check_init__(self) -> None:
        fields = len(self.fields)
        if self.terms not in (0, 1, 3):
            raise ValueError(f"A diffusivity has 0, 1 or 3 terms; got {self.terms}.")
        if fields == 1 and self.size < 1:
            raise ValueError(f"A speed needs at least one coefficient; got {self.size}.")
        if fields > 1 and len(self.positive) != fields:
            raise ValueError(
                f"The law of {fields} fields needs to know for each whether it stays positive; got "
                f"{plural(len(self.positive), 'answer')}."
            )

    @property
    def count(self) -> int:
        """The number of parameters."""
        fields = len(self.fields)
        functions = self.size if fields == 1 else len(physical_exponents(self.positive))
        return fields * (functions + self.terms)

    def family(self, context: Float[Array, "time field cells"]) -> LawFamily:
        """The laws on the range of this context."""
        middle, half = observed_range(context)
        lower, upper = middle - half, middle + half
        basis: Basis
        if len(self.fields) == 1:
            basis = Chebyshev(middle, half, self.size)
        else:
            scale = jnp.maximum(jnp.abs(lower), jnp.abs(upper))
            basis = Dictionary(scale, physical_exponents(self.positive), self.fields)
        free = jnp.eye(self.count, dtype=context.dtype)
        # The second field of a system is a momentum if there are walls, as in identification.
        negated = (1,) if len(self.fields) > 1 else ()
        return LawFamily(basis, free, lower, upper, self.terms, self.fields, negated)

    def weak_form(
        self, context: Float[Array, "time field cells"], grid: Grid
    ) -> Float[Array, " parameter"]:
        """The parameters from the weak form; zero if it has no solution."""
        weights = jnp.ones(context.shape[0], context.dtype)
        found = self.family(context).start(context, weights, grid.is_periodic())
        return jnp.where(jnp.isfinite(found), found, 0.0)

    def law(
        self,
        context: Float[Array, "time field cells"],
        parameters: Float[Array, " parameter"],
        grid: Grid,
    ) -> FittedLaw:
        """The law in cells and frames on the range of this context."""
        return self.family(context).law(parameters)

    def reach(
        self, context: Float[Array, "time field cells"]
    ) -> tuple[Float[Array, " field"], Float[Array, " field"]]:
        """The states between which the flux may be used: the observed range and as much again on
        both sides."""
        middle, half = observed_range(context)
        lower, upper = middle - half, middle + half
        width = upper - lower
        return lower - width, upper + width
