"""Least squares through the solver: the fit of a law to all frames of a context at once.

    min_θ Σ_j w_j ‖ u_j(θ) - û_j ‖²,   u_0 = û_0,

where u_j(θ) is the state that the finite-volume solver reaches at frame j with the law θ, and û_j
the observed one; forward-mode derivatives go through the adaptive solver.

Lengths are counted in cells and times in frames, so nothing here depends on the units of the data
and one compiled program serves every context of the same shape.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hfluxno.fv import Rusanov, Solution, solve
from hfluxno.fv.step import limiting_speed
from hfluxno.identify.basis import Basis, Chebyshev
from hfluxno.identify.fitted_law import FittedLaw
from hfluxno.identify.levenberg_marquardt import levenberg_marquardt
from hfluxno.identify.settings import Settings
from hfluxno.identify.subgrid import prolong, restrict
from hfluxno.identify.weak_form import weak_equations, weak_start

# Holds a coefficient that the data say nothing about near its start.
_PRIOR = 1e-6
# A relative misfit at which data are reproduced, for every purpose, exactly.
_EXACT = 1e-8
# Trial laws that need more steps between two frames than a multiple of what the start of the fit
# needs, and a few, are given up before they cost time.
_SPARE_STEPS = 6
_STEP_FACTOR = 2.0


class Unknowns(eqx.Module):
    """The parametrisation of a fit: which law a vector of parameters means.

    **Attributes:**

    - `basis`: the functions of the flux.
    - `directions`: one unit vector per free parameter, in the order (field, function), (field,
      diffusion term); rows of zeros fill up the number that a compiled program is made for.
    - `lower`, `upper`: the observed range of each field.
    - `terms`: the number of terms of each diffusivity.
    - `fields`, `odd`: the names of the fields and the indices of those that a wall reflects with
      the opposite sign.
    """

    basis: Basis
    directions: Float[Array, "free parameter"]
    lower: Float[Array, " field"]
    upper: Float[Array, " field"]
    terms: int = eqx.field(static=True)
    fields: tuple[str, ...] = eqx.field(static=True)
    odd: tuple[int, ...] = eqx.field(static=True)

    @property
    def mask(self) -> Float[Array, " parameter"]:
        """One where a parameter is free, zero elsewhere."""
        return jnp.sum(self.directions, axis=0)

    def law(self, parameters: Float[Array, " parameter"]) -> FittedLaw:
        """Flux coefficients are counted in half ranges of their field times cells per frame."""
        d = len(self.fields)
        count = d * len(self.basis.names)
        free = parameters * self.mask
        half = 0.5 * (self.upper - self.lower)
        return FittedLaw(
            self.fields,
            self.basis,
            free[:count].reshape(d, -1) * half[:, None],
            free[count:].reshape(d, self.terms),
            self.lower,
            self.upper,
            self.odd,
        )

    def start(
        self,
        values: Float[Array, "time field cells"],
        weights: Float[Array, " time"],
        periodic: bool,
    ) -> Float[Array, " parameter"]:
        """The parameters from the weak form.

        Of a Chebyshev basis only the first four functions start: where few values are observed,
        or the frames are far apart, the higher ones would only fit the quadrature's errors.
        """
        mask = self.mask
        if isinstance(self.basis, Chebyshev):
            mask = mask * jnp.asarray(np.arange(mask.shape[0]) % self.basis.size < 4, mask.dtype)
            mask = mask.at[self.basis.size :].set(self.mask[self.basis.size :])
        matrices, rhs = self._weak_equations(mask, values, weights, periodic)
        flux, diffusion = weak_start(matrices, rhs, self.terms)
        half = 0.5 * (self.upper - self.lower)
        return jnp.concatenate([(flux / half[:, None]).reshape(-1), diffusion.reshape(-1)])

    def weak_normal(
        self,
        values: Float[Array, "time field cells"],
        weights: Float[Array, " time"],
        periodic: bool,
    ) -> Float[Array, "field unknown_ unknown_"]:
        """For each field (A b)ᵀ(A b) of its weak equations A x = b, the flux coefficients before
        the diffusion terms in x, and b in half ranges of its field."""
        matrices, rhs = self._weak_equations(self.mask, values, weights, periodic)
        rhs = rhs / (0.5 * (self.upper - self.lower))[:, None]
        augmented = jnp.concatenate([matrices, rhs[..., None]], axis=2)
        return jnp.einsum("fep,feq->fpq", augmented, augmented)

    def _weak_equations(self, mask, values, weights, periodic):
        return weak_equations(
            self.basis, mask, self.lower, self.upper, self.terms, values, weights, periodic
        )


class Fit(eqx.Module):
    """What a fit returns.

    **Attributes:**

    - `parameters`: the free ones, zero where they are masked.
    - `residual`: root mean square misfit over the weighted frames, relative to the standard
      deviation of each field.
    - `normal`: JᵀJ of the relative misfit.
    - `frames`: the fitted trajectory at all frames, those of weight zero included.
    - `evaluations`: how often the solver was run with its derivatives.
    """

    parameters: Float[Array, " parameter"]
    residual: Float[Array, ""]
    normal: Float[Array, "parameter parameter"]
    frames: Float[Array, "time field cells"]
    evaluations: Int[Array, ""]


def simulate(
    law: FittedLaw,
    settings: Settings,
    initial: Float[Array, "field cells"],
    frames: int,
    rate: Float[Array, ""] | None = None,
    max_steps: Int[Array, ""] | int = 10_000,
) -> tuple[Float[Array, "time field cells"], Solution]:
    """`frames` frames from `initial`, on the cells of the data, and the run on the inner grid.

    `initial` may be given on the inner grid, to continue a run; then `rate` is that run's.
    """
    grid = settings.grid.refine(settings.refinement)
    if initial.shape[-1] != grid.shape[0]:
        initial = prolong(initial, settings.grid, settings.refinement, law.odd_fields)
    flux = settings.numerical_flux(law)
    if rate is None:
        present = limiting_speed(flux, initial, grid)
        rate = jnp.where(settings.fresh_start, 0.0, present)
    times = jnp.arange(frames, dtype=initial.dtype)
    run = solve(flux, initial, times, grid, settings.control, rate=rate, max_steps=max_steps)
    return restrict(run.values, settings.refinement), run


def refine(
    unknowns: Unknowns,
    settings: Settings,
    values: Float[Array, "time field cells"],
    weights: Float[Array, " time"],
    start: Float[Array, " parameter"],
    evaluations: int | Int[Array, ""],
) -> Fit:
    """The fit that starts from `start`, over the frames with weight one."""
    # A constant added to a field changes no law, and must not hide how well one fits.
    size = jnp.std(values, axis=(0, 2))
    size = jnp.where(size > 0.0, size, 1.0)
    count = jnp.sum(weights) * values.shape[1] * values.shape[2]
    limit = _step_limit(unknowns.law(start), settings, values[0])

    def misfit(step):
        law = unknowns.law(start + step @ unknowns.directions)
        frames, _ = simulate(law, settings, values[0], values.shape[0], max_steps=limit)
        relative = (frames - values) * (weights[:, None] / size[None])[..., None]
        return jnp.concatenate([relative.reshape(-1) / jnp.sqrt(count), _PRIOR * step]), frames

    nowhere = jnp.zeros(unknowns.directions.shape[0], start.dtype)
    found = levenberg_marquardt(misfit, nowhere, _EXACT, evaluations)
    relative = (found.aux - values) * (weights[:, None] / size[None])[..., None]
    residual = jnp.sqrt(jnp.sum(relative**2) / count)
    parameters = (start + found.point @ unknowns.directions) * unknowns.mask
    normal = unknowns.directions.T @ found.normal @ unknowns.directions
    return Fit(parameters, residual, normal * count, found.aux, found.evaluations)


def _step_limit(law, settings, initial):
    speed = limiting_speed(Rusanov(law), initial, settings.grid) * settings.refinement
    steps = _STEP_FACTOR * speed / settings.control.desired
    return _SPARE_STEPS * settings.refinement + jnp.ceil(steps).astype(int)
