"""Least squares through the solver: the fit of a law to all frames of a context at once.

    min_θ Σ_j w_j ‖ u_j(θ) - û_j ‖²,   u_0 = û_0,

where u_j(θ) is the state that the finite-volume solver reaches at frame j with the law θ, and û_j
the observed one; forward-mode derivatives go through the adaptive solver.

Lengths are in cells and times in frames, so nothing depends on the units of the data, and one
compiled program serves all contexts with the same number of cells and a similar number of frames.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from hfluxno.fv.problem import Problem
from hfluxno.fv.sensitivity import solve_with_derivatives
from hfluxno.fv.solve import MOST_STEPS
from hfluxno.identify.basis import KINK_WIDTH, Basis, Chebyshev, Kinked
from hfluxno.identify.fitted_law import FittedLaw, Terms
from hfluxno.identify.levenberg_marquardt import levenberg_marquardt
from hfluxno.identify.solver_settings import SolverSettings
from hfluxno.identify.source_terms import Functions, values_of
from hfluxno.identify.subgrid import restrict
from hfluxno.identify.track import first_rate, padded_intervals, prepare_track, prolonged
from hfluxno.identify.weak_form import source_columns, weak_equations, weak_start
from hfluxno.laws.place import PlaceModes
from hfluxno.stored_jit import stored_jit

# Holds coefficients that the data do not constrain near their start.
_PRIOR = 1e-6
# Below this relative misfit, data are reproduced exactly for all purposes.
_EXACT = 1e-8
# The minimum of ln(width/`KINK_WIDTH`): the square of a width must not vanish in single precision.
_SHARP = -6.0
# Trial laws are given up early if they need more steps between two frames than this multiple of
# what the start of the fit needs, plus a few.
_SPARE_STEPS = 6
_STEP_FACTOR = 2.0


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


@dataclasses.dataclass(frozen=True)
class Fit:
    """What a fit returns.

    - `parameters`: the free ones, and zeros for those that are masked.
    - `residual`: root mean square misfit over the weighted frames, relative to the standard
      deviation of each field.
    - `normal`: JᵀJ of the relative misfit.
    - `rows`: J along the free directions, divided by the square root of the number of values.
    - `frames`: the fitted trajectory, the first frame included, up to the last weighted one; NaN if
      no law could be solved.
    - `equations`: the number of values in all frames.
    - `evaluations`: how often the solver was run with its derivatives.
    """

    parameters: Float[np.ndarray, " parameter"]
    residual: float
    normal: Float[np.ndarray, "parameter parameter"]
    rows: Float[np.ndarray, "free value"]
    frames: Float[np.ndarray, "time field cells"]
    equations: int
    evaluations: int

    @property
    def is_solved(self) -> bool:
        """Whether the run of the law, and its derivatives, are numbers."""
        return bool(np.all(np.isfinite(self.frames)) and np.all(np.isfinite(self.parameters)))


def refine(
    family: LawFamily,
    settings: SolverSettings,
    values: Float[np.ndarray, "time field cells"],
    weights: Float[np.ndarray, " time"],
    start: Float[np.ndarray, " parameter"],
    evaluations: int,
    seen: Bool[np.ndarray, "time field cells"] | None = None,
) -> Fit:
    """The fit that starts from `start`, over the values in the frames with weight one that were
    `seen` (all if it is `None`)."""
    scale, count = misfit_scale(values, weights, seen)
    directions = np.asarray(family.directions)
    free = len(directions)
    # A run starts from the first frame, and frames after the last weight are not needed.
    intervals = padded_intervals(len(values) - 1, int(np.flatnonzero(weights)[-1]))
    initial, rate = prolonged(values[0], settings, family.negated), first_rate(settings)
    limit = MOST_STEPS

    def misfit(step):
        nonlocal limit
        states, changes, steps = map(
            np.asarray,
            _trajectory(
                family, settings, start + step @ directions, initial, rate, intervals, limit
            ),
        )
        if limit == MOST_STEPS:
            limit = int(_SPARE_STEPS * settings.refinement + _STEP_FACTOR * steps)
        relative = (states[: len(scale)] - values[1:]) * scale
        rows = (changes[: len(scale)] * scale[:, None]).swapaxes(0, 1)
        value = np.concatenate([relative.reshape(-1), _PRIOR * step])
        prior = _PRIOR * np.eye(free)
        rows = np.concatenate([rows.reshape(free, -1), prior], axis=1)
        return value, rows, (relative, states[: len(scale)], rows[:, : relative.size])

    found = levenberg_marquardt(misfit, np.zeros(free), _EXACT, evaluations)
    nothing = (
        values[1:] * scale,
        np.full_like(values[1:], np.nan),
        np.zeros((free, values[1:].size)),
    )
    relative, states, rows = nothing if found.aux is None else found.aux
    return Fit(
        (start + found.point @ directions) * np.asarray(family.mask),
        float(np.sqrt(np.sum(relative**2))),
        directions.T @ found.normal @ directions * count,
        rows,
        np.concatenate([values[:1], states]),
        values.size if seen is None else int(np.sum(seen)),
        found.evaluations,
    )


def misfit_scale(
    values: Float[np.ndarray, "time field cells"],
    weights: Float[np.ndarray, " time"],
    seen: Bool[np.ndarray, "time field cells"] | None,
) -> tuple[Float[np.ndarray, "time-1 field _"], float]:
    """The factors of the misfits of all values after the first frame that make their sum of squares
    a mean square in standard deviations, and the number of values in this mean."""
    # A constant added to a field changes no law, so it must not change the relative misfit.
    size = np.std(values, axis=(0, 2)) if seen is None else measured_deviation(values, seen)
    size = np.where(size > 0.0, size, 1.0)
    scale = (weights[:, None] / size)[..., None]
    if seen is None:
        count = np.sum(weights) * values.shape[1] * values.shape[2]
    else:
        count = float(np.sum(weights[:, None, None] * seen))
        scale = scale * seen
    return (scale / np.sqrt(count))[1:], count


def measured_deviation(
    values: Float[np.ndarray, "time field cells"], seen: Bool[np.ndarray, "time field cells"]
) -> Float[np.ndarray, " field"]:
    """The standard deviation of each field over the values that were seen."""
    return np.std(values, axis=(0, 2), where=seen)


def prepare(family: LawFamily, settings: SolverSettings, values: np.ndarray) -> None:
    """Compiles the programs of a fit and its back-test in the background."""
    nothing = np.zeros(np.shape(family.directions)[1])
    initial = prolonged(values[0], settings, family.negated)
    intervals = padded_intervals(len(values) - 1, 0)
    _trajectory.prepare(family, settings, nothing, initial, 0.0, intervals, MOST_STEPS)
    prepare_track(family.law(nothing), settings, values)


@stored_jit
def _trajectory(family, settings, parameters, initial, rate, intervals, max_steps):
    """The states after each interval on the cells of the data, their derivatives along the free
    directions, and the largest number of steps of an interval."""

    def scheme(parameters):
        return settings.numerical_flux(family.law(parameters))

    def along(direction):
        return eqx.filter_jvp(scheme, (parameters,), (direction,))

    flux, changes = jax.vmap(along, out_axes=(None, 0))(family.directions)
    grid = settings.grid.refine(settings.refinement)
    unchanged = jax.tree.map(lambda _: None, grid)
    states, derivatives, steps = solve_with_derivatives(
        Problem(flux, grid),
        Problem(changes, unchanged),
        initial,
        jnp.zeros((len(family.directions), *initial.shape), initial.dtype),
        intervals,
        settings.control,
        rate,
        max_steps,
    )
    factor = settings.refinement
    return restrict(states, factor), restrict(derivatives, factor), steps
