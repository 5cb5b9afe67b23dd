"""The `law` target: the context determines the physical flux, and a solver does the rest.

    c = E(context),   (f′, ν) = (f′, ν)_weak + M(c, arsinh a),   ∂t u + ∂x f(u) = ∂x(ν(u) ∂x u)

Least squares on the weak form give a first law (`hfluxno.models.law_space`). The network M emits a
correction of its coefficients a, which it also reads: it only has to learn their errors. At first
the correction is zero.

The coefficients are those of a basis on the range of values that the context shows, in cells and
frames. So the result does not depend on the units of the data, and once converted it is valid for
any Δt, grid and boundary. Numerics are known and need not be learned.

For one field, M corrects the Chebyshev coefficients of the speed f′ and the law is their integral:
the speed is what frames show, and what the regression on known laws compares. For systems it
corrects the coefficients of each flux in the dictionary of `hfluxno.parametric.basis`, on a plane
those of `hfluxno.models.plane_space`.

The law amortises identification: it can be used directly, or as the start of a few
Levenberg-Marquardt steps on the context if the weak form is a poor start.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.fv import MUSCL, NumericalFlux, Rusanov, Status, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.identify.frames.refine import refine
from hfluxno.models.encoder import Encoder
from hfluxno.models.law_space import LawSpace
from hfluxno.models.network import Context, ContextNetwork, Frame, Operator
from hfluxno.models.plane_space import PlaneSpace
from hfluxno.models.scaling import observed_range, per_field
from hfluxno.nn.linear import MLP
from hfluxno.parametric.fitted_law import FittedLaw
from hfluxno.parametric.law_family import LawFamily
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.parametric.solver_settings import SolverSettings

# The least diffusivity of the weak form, in cells² per frame: the network must be able to raise it.
_LEAST_DIFFUSIVITY = 1e-3
# Of `hfluxno.parametric.solver_settings.SCHEMES` those that know laws on a plane.
PLANE_SCHEMES = ("muscl", "rusanov")
# Schemes for laws that the scheme of a network cannot solve.
_FALLBACKS = ("roe-entropy-fix", "rusanov")


class LawOperator(Operator):
    """Solves a law over one frame; NaN if it cannot be solved.

    - `law`: in cells and frames.
    - `settings`: the scheme, its CFL rule and the grid.
    """

    law: FittedLaw | FittedPlaneLaw
    settings: SolverSettings

    def __call__(self, u: Frame) -> Frame:
        flux = self._numerical_flux()
        # In the middle of a run whose last speed is unknown.
        control, rate = self.settings.control, -jnp.ones((), u.dtype)
        run = solve(flux, u, np.arange(2.0), self.settings.grid, control, rate=rate)
        # The solver repeats the last finite state, which would look like a steady state.
        return jnp.where(run.status == Status.OK, run.values[1], jnp.nan)

    def _numerical_flux(self) -> NumericalFlux:
        if isinstance(self.law, FittedLaw):
            return self.settings.numerical_flux(self.law)
        if self.settings.scheme == "rusanov":
            return Rusanov(self.law)
        return MUSCL(self.law, "mc", "hllc" if self.law.has_contact else "hll")


class LawNetwork(ContextNetwork):
    """Reads a context and returns its conservation law.

    - `encoder`, `head`: E and M; the encoder sees the context scaled to [-1, 1].
    - `grid`, `interval`: the cells and Δt of the contexts; only their number of cells and the
      boundary matter to `read`.
    - `space`: the laws that it can express.
    - `scheme`, `cfl`: the numerical flux, a name of `hfluxno.parametric.solver_settings.SCHEMES`,
      and the CFL rule (desired, maximum, lagged).
    """

    encoder: Encoder
    head: MLP
    grid: Grid
    interval: float = eqx.field(static=True)
    space: LawSpace | PlaneSpace
    scheme: str = eqx.field(static=True)
    cfl: tuple[float, float, bool] = eqx.field(static=True)

    def read(self, context: Context) -> LawOperator:
        return LawOperator(self.law(context), self.settings())

    def law(self, context: Context) -> FittedLaw | FittedPlaneLaw:
        """The law in cells and frames: with the physical f′ and ν it has f′ Δt/Δx and ν Δt/Δx²."""
        return self.space.law(context, self.parameters(context), self.grid)

    def parameters(self, context: Context) -> Float[Array, " parameter"]:
        """The parameters of its law in `space`."""
        middle, half = observed_range(context)
        scaled = (context - per_field(middle, context, 1)) / per_field(half, context, 1)
        weak = self.space.weak_form(context, self.grid)
        code = jnp.concatenate([self.encoder(scaled), jnp.arcsinh(weak)])
        emitted = self.head(code[:, None])[:, 0]
        d = len(self.space.fields)
        terms = self.space.terms if isinstance(self.space, LawSpace) else 0
        split = emitted.shape[0] - d * terms
        flux, diffusion = emitted[:split], emitted[split:].reshape(d, terms)
        if d == 1:
            speeds = flux.reshape(-1, self.space.size)  # one row for each axis
            matrix = jnp.asarray(integration_matrix(self.space.size), flux.dtype)
            flux = (speeds @ matrix.T).reshape(-1)
        # The error of the quadrature grows with the speeds.
        flux = weak[:split] + jnp.sqrt(1.0 + jnp.sum(weak[:split] ** 2)) * flux
        mean = jnp.maximum(weak[split:].reshape(d, terms)[:, :1], _LEAST_DIFFUSIVITY)
        diffusion = diffusion.at[:, :1].add(jnp.log(jnp.expm1(mean)))
        if terms:
            # The mean of ν is positive, and its gradient never vanishes.
            mean = jax.nn.softplus(diffusion[:, :1])
            diffusion = jnp.concatenate([mean, diffusion[:, 1:]], axis=1)
        return jnp.concatenate([flux, diffusion.reshape(-1)])

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """Schemes for laws that its own scheme cannot solve."""
        return _FALLBACKS if isinstance(self.space, LawSpace) else PLANE_SCHEMES[1:]

    def settings(self) -> SolverSettings:
        """How its laws are solved: from the middle of a run, on the cells of the data."""
        desired, maximum, lagged = self.cfl
        unit = self.grid.of_unit_cells()
        control = StepControl(jnp.asarray(desired), jnp.asarray(maximum), jnp.asarray(lagged))
        return SolverSettings(control, jnp.asarray(False), unit, self.scheme, 1)

    def refined(
        self,
        context: Float[np.ndarray, "time field cells"],
        start: Float[np.ndarray, " parameter"],
        steps: int,
    ) -> LawOperator:
        """The operator after `steps` Levenberg-Marquardt steps through the solver, which bring the
        law closer to all frames of the context. Not to be compiled: it compiles the solver."""
        family = jax.tree.map(np.asarray, _family(self, context))
        settings = self.settings()
        # The first evaluation is that of the start.
        fit = refine(family, settings, context, np.ones(len(context)), start, steps + 1)
        return LawOperator(family.law(fit.parameters), settings)


@eqx.filter_jit
def _family(network: LawNetwork, context) -> LawFamily:
    assert isinstance(network.space, LawSpace)
    return network.space.family(context)


def integration_matrix(size: int) -> np.ndarray:
    """From the coefficients of Σ_{k<size} s_k T_k to those of T_1, …, T_size of its integral."""
    return np.polynomial.chebyshev.chebint(np.eye(size))[1:]
