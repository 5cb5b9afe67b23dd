"""What fields act as: the momentum, velocities in its place, and a pressure in that of an energy.

Velocities carry the density, ∂t ρ + ∇·(ρ u) = 0, and are not conserved.

A pressure p is not conserved, but many terms can imitate the flux of a conserved field for a while.
If p is one, Euler's equations hold with E = a p + k, k = |m|²/2ρ and a = 1/(γ - 1):

    ∂t m + ∇·(m ⊗ m/ρ + p δ) = 0,
    ∂t (a p + k) + ∇·((a p + p + k) m/ρ) = 0,

with one unknown, in the weak form also across shocks. Their residual is compared with that of the
best isotropic flux of p itself, which has more unknowns.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.coordinates import is_vacuum
from hfluxno.identify.plane.frames import Frames
from hfluxno.identify.plane.identification import checked, indices, is_uninformative
from hfluxno.identify.plane.roles import infer_roles, infer_velocity
from hfluxno.identify.plane.search import deviations
from hfluxno.identify.plane.select import estimate, functions_of, in_cells, make_basis, systems_of
from hfluxno.parametric.basis import Dictionary
from hfluxno.parametric.plane.terms import Roles, isotropic_structures
from hfluxno.parametric.plane.weak_form import total, weak_systems
from hfluxno.trajectory import Trajectory

# The momentum may miss its equation by this fraction, and the energy its own by this fraction of
# what the best flux of the field leaves. Energies miss the former by 7 % and more.
_PUSHED, _BETTER = 0.03, 0.5


@dataclasses.dataclass(frozen=True)
class Acting:
    """What fields act as.

    - `momentum`: the components of the momentum along x and y, declared or inferred, or `None`.
    - `velocity`, `carried`: two fields that are velocities and not conserved, and the one that they
      carry, or `None`.
    - `pressure`: the field that is a pressure and is not conserved, or `None`.
    - `gamma`: the ratio of specific heats with which it is one.
    """

    momentum: tuple[str, str] | None = None
    pressure: str | None = None
    gamma: float | None = None
    velocity: tuple[str, str] | None = None
    carried: str | None = None


def acting(
    context: Trajectory, momentum: tuple[str, str] | None = None, among_others: bool = False
) -> Acting:
    """What the fields of a context act as, without a search for the law; arguments and errors as
    for `identify_plane`."""
    seen, fields = checked(context, among_others), context.fields
    if is_uninformative(seen, fields):
        return Acting()
    cell = (float(context.grid.spacing[0]), float(context.grid.spacing[1]))
    aspect = cell[0] / cell[1]
    declared = indices(momentum, fields)
    if (moving := infer_velocity(seen, aspect, declared)) is not None:
        (x, y), carried = moving
        return Acting(velocity=(fields[x], fields[y]), carried=fields[carried])
    roles = infer_roles(seen, aspect, declared)
    if roles.vector is None:
        return Acting()
    pair, carrier = (fields[roles.vector[0]], fields[roles.vector[1]]), roles.carrier
    if carrier is None or is_vacuum(seen.filled[:, carrier]).any():
        return Acting(pair)
    speeds = seen.interval / cell[0] * np.array([1.0, aspect])
    pushing = {
        i: found
        for i in roles.scalars
        if i != carrier and (found := _pushing(seen, roles, i, speeds)) is not None
    }
    if not pushing:
        return Acting(pair)
    basis = make_basis(seen.filled, roles, fields)
    assert isinstance(basis, Dictionary)
    system = total(systems_of(seen, functions_of(basis, seen.around)))
    sizes = deviations(seen.filled, (roles.vector,))
    for own in isotropic_structures(roles, basis.exponents, basis.fields):
        gamma, rest = pushing.get(own.fields[0], (0.0, np.inf))
        if rest <= _BETTER * estimate(system, in_cells(own, aspect), sizes).misfit:
            return Acting(pair, fields[own.fields[0]], gamma)
    return Acting(pair)


def _pushing(
    seen: Frames, roles: Roles, field: int, speeds: Float[np.ndarray, "2"]
) -> tuple[float, float] | None:
    """γ, and the residual of the equation of the energy relative to ∂t p/(γ - 1), if the field
    moves the momentum as a pressure.

    - `speeds`: the interval over the length of a cell along each axis.
    """
    assert roles.vector is not None
    values = seen.filled
    rho, x, y, p = (values[:, i] for i in (roles.carrier, *roles.vector, field))
    k = 0.5 * (x * x + y * y) / rho
    terms = [x * x / rho, x * y / rho, y * y / rho, p]
    terms += [each * m / rho for each in (p, k) for m in (x, y)]
    functions = [lambda _, term=term: term for term in terms]
    # The square of the residual of a p + k is quadratic in a, so three of its values are enough.
    changing = np.stack([x, y, p, k - p, k, k + p], axis=1)
    system = total(
        weak_systems(changing, functions, seen.around, seen.at, seen.gaps, free=seen.grid.free)
    )
    flux = np.zeros((6, 2, len(terms)))
    flux[0, 0, [0, 3]] = flux[0, 1, 1] = flux[1, 0, 1] = 1.0
    flux[1, 1, [2, 3]] = 1.0
    for row, a in ((3, -1.0), (4, 0.0), (5, 1.0)):
        flux[row, 0, [4, 6]] = flux[row, 1, [5, 7]] = a + 1.0, 1.0
    coefficients = (flux * speeds[:, None]).reshape(6, -1)
    rest = [system.squared_residual(i, known) for i, known in enumerate(coefficients)]
    pushed = np.sqrt(max(sum(rest[:2]), 0.0) / sum(system.square[:2]))
    below, middle, above = rest[3:]
    bend, slope = 0.5 * (below + above) - middle, 0.5 * (above - below)
    if pushed > _PUSHED or bend <= 0.0 or slope >= 0.0:
        return None
    a = -0.5 * slope / bend
    left = max(middle + 0.5 * a * slope, 0.0)
    return float(1.0 + 1.0 / a), float(np.sqrt(left / system.square[2]) / a)
