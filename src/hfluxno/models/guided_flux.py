"""A learned numerical flux that is given the law of the weak form in its stencil.

    F_{i+1/2} = s Δx/Δt (½ (f̃_i + f̃_{i+1}) + H(v, ½ (ν_i + ν_{i+1})) + G(V))

with the scaled variable v = (u - m)/s, the flux f̃ and the diffusivity ν of v that least squares
find in the context, in cells and frames (`hfluxno.models.law_space`), the diffusive flux H of a
whole frame (`hfluxno.models.heat_flux`), and a stencil V of v, f̃(v), f̃′(v) and ν(v). The law
changes from context to context; how a law becomes the mean flux of a frame does not. So G is nearly
the same for every context, whereas a network that sees only v must differ for each; G learns
faster. At first G is zero.

G knows nothing about states far from those it has seen. So the flux clips states to at most the
width of the observed range outside it, on a plane to this range: it stays bounded, and a failing
forecast does not explode.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.fv import NumericalFlux
from hfluxno.fv.numerical_flux import Interfaces, Number, Padded
from hfluxno.models.fourier_flux import FourierFlux
from hfluxno.models.heat_flux import heat_flux
from hfluxno.models.learned_flux import LearnedFlux
from hfluxno.models.local_flux import LocalFlux
from hfluxno.models.scaling import per_field
from hfluxno.nn.linear import silent
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.plane.law import FittedPlaneLaw


class GuidedFlux(LearnedFlux):
    """The flux of u along one axis. It is applied to u itself, so the step is conservative to
    rounding.

    - `inner`: G; it sees v, f̃(v), the entries of f̃′(v) and, with diffusion, ν(v).
    - `shift`, `scale`: m and s of every field.
    - `law`: the law of u in cells and frames.
    - `lower`, `upper`: to which states are clipped.
    - `axis`: along which it is.
    """

    inner: NumericalFlux
    shift: Float[Array, " field"]
    scale: Float[Array, " field"]
    law: FittedLaw | FittedPlaneLaw
    lower: Float[Array, " field"]
    upper: Float[Array, " field"]
    axis: int = eqx.field(static=True)

    @property
    def ghost(self) -> int:
        return self.inner.ghost

    @property
    def rowwise(self) -> bool:
        return self.inner.rowwise

    def __call__(self, padded: Padded, dt: Number, dx: float) -> Interfaces:
        scale = per_field(self.scale, padded, 0)
        lower, upper = (per_field(end, padded, 0) for end in (self.lower, self.upper))
        padded = jnp.clip(padded, lower, upper)
        v = (padded - per_field(self.shift, padded, 0)) / scale
        law = self.law.along(self.axis)
        f = law.flux(padded) / scale
        # s_j/s_i for the derivative of the flux of field i with respect to field j.
        ratio = scale[None] / scale[:, None]
        slopes = (law.jacobian(padded) * ratio).reshape(-1, *padded.shape[1:])
        nu = law.diffusivity(padded)
        seen = jnp.concatenate([v, f, slopes] if nu is None else [v, f, slopes, nu])

        first, last = self.ghost - 1, padded.shape[-1] - self.ghost
        left, right = slice(first, last), slice(first + 1, last + 1)
        flux = 0.5 * (f[..., left] + f[..., right]) + self.inner(seen, dt, dx)
        if nu is not None:
            flux += heat_flux(v, 0.5 * (nu[..., left] + nu[..., right]), self.ghost)
        return scale * (dx / dt) * flux


def channels(fields: int, diffusive: bool) -> int:
    """The number of inputs of G per cell."""
    return fields * (2 + fields + (1 if diffusive else 0))


def central(inner: LocalFlux | FourierFlux) -> LocalFlux | FourierFlux:
    """The same G with zero output."""
    if isinstance(inner, FourierFlux):
        return eqx.tree_at(lambda flux: flux.project, inner, silent(inner.project))
    return eqx.tree_at(lambda flux: flux.mlp, inner, silent(inner.mlp))
