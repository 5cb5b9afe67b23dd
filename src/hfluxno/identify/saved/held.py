"""Joint estimates with a law that is held fixed, and its uncertainty.

    cov(p, x) = [[P, -P Gᵀ], [-G P, C + G P Gᵀ]],   G = (JₓᵀJₓ + 1)⁻¹ JₓᵀJₚ

for the law's coefficients p, whose covariance P comes from the data in which it was found, and the
other unknowns x, whose covariance is C if p is exact: an error δ of p changes the estimate of x by
-G δ. J are the derivatives of the measurements, in units of their noise (Schmidt's consider
parameters: Jazwinski, Stochastic Processes and Filtering Theory, 1970, section 8.4).
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.fv.solve import MOST_STEPS
from hfluxno.identify.joint.beyond import UncertainLaw
from hfluxno.identify.joint.estimate import Estimate, values_of
from hfluxno.identify.joint.first_state import shows_first_state
from hfluxno.identify.joint.fit import estimate, in_double, sizes
from hfluxno.identify.joint.forward import Forward
from hfluxno.identify.joint.found import JointFit
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.law_shape import LawShape
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.shared_errors import with_shared_errors
from hfluxno.identify.joint.windows import predicted_late, settled, windows
from hfluxno.identify.joint_report import joint_report
from hfluxno.identify.result import Identification
from hfluxno.identify.saved.law import SavedLaw, in_cells
from hfluxno.law_uncertainty import free_covariance
from hfluxno.parametric.basis import Kinked
from hfluxno.parametric.solver_settings import SolverSettings
from hfluxno.trajectory import Trajectory

# A misfit in standard deviations that another start could hardly make smaller.
_LITTLE = 0.05


def with_law(saved: SavedLaw, context: Trajectory) -> Identification | None:
    """The joint estimate of first state and ends with a law that is not fitted; `None` if no run
    can be solved."""
    context = in_double(context)
    if context.bounds is None and np.isfinite([saved.law.least, saved.law.most]).any():
        bounds = float(saved.law.least), float(saved.law.most)
        context = dataclasses.replace(context, bounds=bounds)
    forward, frames = _forward(saved, context), windows(context)
    first = estimate(forward, context, frames[:-1] or frames, quick=True)
    best = None
    if first is not None:
        best = estimate(forward, context, frames[-1:], first.noise, first.z)
    if best is None:
        return None
    if np.any(best.noise > _LITTLE * sizes(context)):
        best = settled(best, context, frames)
    name = label(saved, forward.settings)
    late = predicted_late(best, context, frames)
    best = with_uncertain_law(with_shared_errors(best, context), saved, context)
    found = JointFit(best, name, (), (frames[-2:-1] or frames)[0], late)
    report = joint_report(found, context, saved.law.negated)
    return dataclasses.replace(
        report, law=saved.law, coefficients=saved.coefficients, covariance=saved.covariance
    )


def _forward(saved: SavedLaw, context: Trajectory) -> Forward:
    """The forward model with unknown first state and ends, and a known law."""
    around = make_forward(
        Kind(1),
        context,
        saved.law.negated,
        known_first=shows_first_state(context),
        refinement=saved.scheme.refinement,
    )
    law = in_cells(saved.law, context.grid, around.scale.interval)
    terms, half = law.terms, (0.5 * (law.upper - law.lower))[:, None]
    modes = around.shape.modes
    by_place = terms is not None and terms.scales_flux
    closed = terms is not None and not by_place and bool(np.any(terms.flux_offset))
    shape = LawShape(
        law.basis,
        law.lower,
        law.upper,
        modes if terms is None else terms.modes,
        law.fields,
        law.negated,
        law.diffusion_coefficients.shape[1],
        0 if terms is None else terms.by_state.shape[1],
        0 if terms is None else terms.source_by_place.shape[1],
        terms.flux_by_place.shape[0] if terms is not None and by_place else 0,
        closed,
        0 if terms is None else len(terms.stretches),
        functions=() if terms is None else terms.functions,
        carrier=None if terms is None else terms.carrier,
        least=np.asarray(law.least),
        most=np.asarray(law.most),
    )
    parts = [law.flux_coefficients / half, law.diffusion_coefficients]
    if terms is not None:
        parts += [terms.by_state / half, terms.source_by_place / half]
        parts += [terms.flux_offset / half[:, 0], terms.flux_by_place] if shape.has_offset else []
        parts += [terms.stretches]
    parts += [law.basis.at] if isinstance(law.basis, Kinked) else []
    center = np.concatenate([np.ravel(part) for part in parts])
    return dataclasses.replace(around, shape=shape, center=center, spread=np.zeros(len(center)))


def with_uncertain_law(found: Estimate, saved: SavedLaw, context: Trajectory) -> Estimate:
    """The estimate with the uncertainty of the `saved` law in its spread and its forecasts;
    unchanged if the covariance of the law is unknown."""
    spread, law_covariance = _of_law(saved, found.forward)
    law = np.flatnonzero(spread)
    if not len(law) or not np.all(np.isfinite(law_covariance)):
        return found
    forward, z = dataclasses.replace(found.forward, spread=spread), found.z
    seen = context.observed
    noise = found.noise[None, :, None] if context.deviation is None else context.deviation
    rows = values_of(forward, z, context.times, MOST_STEPS)[1] / noise[:, None]
    rows = np.where(seen[:, None], rows, 0.0).swapaxes(0, 1).reshape(len(z), -1)
    others = np.arange(len(spread), len(z))
    inner = found.covariance[np.ix_(others, others)]
    normal = rows[others] @ rows[others].T + np.eye(len(others))
    gain = np.linalg.solve(normal, rows[others] @ rows[law].T)
    covariance = found.covariance.copy()
    covariance[np.ix_(law, law)] = law_covariance
    covariance[np.ix_(others, law)] = -gain @ law_covariance
    covariance[np.ix_(law, others)] = -law_covariance @ gain.T
    covariance[np.ix_(others, others)] = inner + gain @ law_covariance @ gain.T
    none = np.zeros((0, len(z)))
    return dataclasses.replace(found, uncertain=UncertainLaw(spread, covariance, none))


def _of_law(
    saved: SavedLaw, forward: Forward
) -> tuple[Float[np.ndarray, " coefficient"], Float[np.ndarray, "free free"]]:
    """The standard deviations of all coefficients of the forward model, and the correlations of
    those that are uncertain."""
    places, covariance = free_covariance(saved)
    shape, scale = forward.shape, forward.scale
    half = 0.5 * (np.asarray(shape.upper) - np.asarray(shape.lower))
    count, fields = len(shape.basis.names), len(shape.fields)
    unit = [
        np.repeat(half, count) * scale.cell / scale.interval,
        np.full(fields * shape.diffusion, scale.cell**2 / scale.interval),
        np.repeat(half, shape.by_state) / scale.interval,
        # What arises by place has a covariance if it is a force.
        np.repeat(half, 0 if shape.carrier is None else shape.source_modes) / scale.interval,
        np.ones(shape.kinks),
    ]
    last = sum(shape.sizes) - shape.kinks
    where = [np.arange(sum(map(len, unit[:4]))), last + np.arange(shape.kinks)]
    deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    known = deviation > 0.0
    spread = np.zeros(len(forward.center))
    at = np.concatenate(where)[places]
    spread[at] = deviation / np.concatenate(unit)[places]
    order = np.argsort(at[known])
    found = covariance[np.ix_(known, known)] / np.outer(deviation[known], deviation[known])
    return spread, found[np.ix_(order, order)]


def label(saved: SavedLaw, settings: SolverSettings) -> str:
    return f"{saved.fit.law} (given), solved by {settings.scheme}, grid ×{settings.refinement}"
