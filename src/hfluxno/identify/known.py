"""Laws of several fields on a line that have a name.

Each is C₀ + Σ_k θ_k C_k in the coefficients of monomials. What it costs to have these in place of
the coefficients c of a fit is, in the quadratic model of the sum of squares S,

    ΔS = min_θ (c - C₀ - Σ θ_k C_k)ᵀ N (c - C₀ - Σ θ_k C_k),   N = JᵀJ.

It is recognised where ΔS is at most half of what errors of schemes are in S, and the square of
three standard deviations of noise for each of the q coefficients that a name fixes. Of several, one
with the fewest θ is taken.

The covariance σ² (C N Cᵀ)⁻¹ of θ takes the misfit for independent noise. How far the q coefficients
are from what they should be tells by how much that is wrong: their mean square ΔS/q stands for σ²
(the ratio of Birge, Phys. Rev. 40, 1932, 207-227), with one more, of three standard deviations,
because q is small.

Of three fields a name is asked for before the fit: where the weak equations allow it, what is
fitted is the span of C₀ and the C_k, in place of coefficients that have little to do with each
other. C₀ is free as well because lengths are counted in cells and times in frames. Nothing is left
then to tell how wrong independent noise is as a picture of the misfit: the values of a frame share
the errors of the scheme, and count as one.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Bool, Float

from hfluxno.identify.basis import Basis, Dictionary
from hfluxno.identify.recognised import Recognised

_OF_SCHEMES, _DEVIATIONS = 0.5, 3.0

# A law with a name may leave this multiple of what the weak form leaves without it.
_AS_GOOD = 1.6

# (field, exponents) and the coefficient of that function in the flux of that field.
_Entries = Mapping[tuple[int, tuple[int, ...]], float]


@dataclasses.dataclass(frozen=True)
class _Known:
    """A family of laws of two fields p and q, which are numbered 0 and 1, or three.

    **Attributes:**

    - `offset`: C₀.
    - `free`: the C_k. Of those whose functions the fit does not have, θ is zero.
    - `least`: how many of them it has to have.
    - `symbol`, `powers`: what the law is known by, Π_k θ_k^{e_k}; without a symbol by a function of
      p, which the θ are coefficients of.
    """

    name: str
    offset: _Entries
    free: tuple[_Entries, ...]
    least: int = 1
    symbol: str = ""
    powers: tuple[float, ...] = ()

    @property
    def fields(self) -> int:
        """How many there are."""
        return len(next(powers for _, powers in self.free[0]))


_TRANSPORT: _Entries = {(0, (0, 1)): 1.0, (1, (-1, 2)): 1.0}
_PRESSURES: tuple[_Entries, ...] = tuple({(1, (k, 0)): 1.0} for k in (1, 2, 3))
_KNOWN = (
    _Known("shallow water", _TRANSPORT, ({(1, (2, 0)): 0.5},), 1, "g", (1.0,)),
    _Known("isothermal Euler", _TRANSPORT, ({(1, (1, 0)): 1.0},), 1, "c²", (1.0,)),
    _Known(
        "shallow water by depth and velocity",
        {(0, (1, 1)): 1.0, (1, (0, 2)): 0.5},
        ({(1, (1, 0)): 1.0},),
        1,
        "g",
        (1.0,),
    ),
    # y = ρ (v + β ρ)
    _Known(
        "Aw–Rascle–Zhang",
        _TRANSPORT,
        ({(0, (2, 0)): -1.0, (1, (1, 1)): -1.0},),
        1,
        "β",
        (1.0,),
    ),
    _Known("linear waves", {}, ({(0, (0, 1)): 1.0}, {(1, (1, 0)): 1.0}), 2, "c", (0.5, 0.5)),
    _Known("p-system", {(0, (0, 1)): -1.0}, _PRESSURES, 2),
    _Known("barotropic gas", _TRANSPORT, _PRESSURES, 2),
    # ρ, m and E, with p = (γ - 1)(E - ½ m²/ρ) and the energy flux (E + p) m/ρ.
    _Known(
        "Euler",
        {
            (0, (0, 1, 0)): 1.0,
            (1, (0, 0, 1)): -1.0,
            (1, (-1, 2, 0)): 1.5,
            (2, (-2, 3, 0)): 0.5,
        },
        (
            {
                (1, (0, 0, 1)): 1.0,
                (1, (-1, 2, 0)): -0.5,
                (2, (-1, 1, 1)): 1.0,
                (2, (-2, 3, 0)): -0.5,
            },
        ),
        1,
        "γ",
        (1.0,),
    ),
)


def recognise(
    basis: Basis,
    numbers: Float[np.ndarray, " parameter"],
    normal: Float[np.ndarray, "parameter parameter"],
    free: Bool[np.ndarray, " parameter"],
    equations: int,
    frames: int,
    residual: float,
    noise: float,
) -> Recognised | None:
    """The law with a name that a fit is, or `None`.

    **Arguments:**

    - `numbers`, `normal`: the coefficients of monomials, those of the flux field by field before
      those of the diffusivities and of sources, and N of the misfit in standard deviations of the
      fields.
    - `free`: which of them were fitted.
    - `equations`, `frames`, `residual`: the number of values, in how many frames they are, and
      their root mean square misfit.
    - `noise`: of the data, in standard deviations of the fields.
    """
    if not isinstance(basis, Dictionary):
        return None
    best, fewest = None, len(numbers) + 1
    end = len(basis.fields) * len(basis.names)
    further = np.eye(len(numbers))[end:][free[end:]]
    for known, offset, every in _laws(basis, free):
        directions = [each for each in every if each is not None]
        if offset is None or not known.least <= len(directions) < fewest:
            continue
        rows = np.concatenate([np.stack(directions), further])
        inverse = np.linalg.pinv(rows @ normal @ rows.T, rcond=1e-13, hermitian=True)
        theta = inverse @ rows @ normal @ (numbers - offset)
        rest = numbers - offset - theta @ rows
        cost, fixed = float(rest @ normal @ rest), int(free.sum()) - len(rows)
        of_schemes = equations * max(residual**2 - noise**2, 0.0)
        allowed = _OF_SCHEMES * of_schemes + fixed * (_DEVIATIONS * noise) ** 2
        if fixed > 0 and not cost <= allowed:
            continue
        theta = theta[: len(directions)]
        if known.symbol and np.prod(theta) <= 0.0:
            continue
        value = float(np.prod(np.abs(theta) ** known.powers)) if known.symbol else np.nan
        slope = value * np.array(known.powers) / theta if known.symbol else np.zeros(len(theta))
        variance = (cost + (_DEVIATIONS * residual) ** 2) / (fixed + 1)
        if known.fields > 2:
            variance = cost + residual**2 * equations / frames
        part = inverse[: len(slope), : len(slope)]
        best, fewest = (
            Recognised(
                known.name,
                known.symbol,
                value,
                float(np.sqrt(variance * (slope @ part @ slope))),
                float(np.sqrt(residual**2 + cost / equations)),
                residual,
            ),
            len(directions),
        )
    return best


def as_good_by_weak_form(
    basis: Dictionary,
    sizes: Float[np.ndarray, "field function"],
    free: Bool[np.ndarray, " parameter"],
    normals: Float[np.ndarray, "field unknown unknown"],
    left: float,
) -> Float[np.ndarray, "coefficient parameter"] | None:
    """The orthonormal directions of the law with a name that leaves the least of the weak
    equations, if that is about as little as what is `left` without a name; else `None`.

    **Arguments:**

    - `sizes`: the parameters that are one monomial of the fields.
    - `free`: which parameters may be fitted.
    - `normals`: (A b)ᵀ(A b) of the weak equations of each field.
    """
    best, least = None, _AS_GOOD**2 * left
    for _, offset, every in _laws(basis, free):
        vectors = [each for each in (offset, *every) if each is not None]
        if len(vectors) <= len(every):
            continue
        rows = (np.stack(vectors) * sizes.reshape(-1)).reshape(-1, *sizes.shape)
        matrix = np.einsum("aif,ifg,big->ab", rows, normals[:, :-1, :-1], rows)
        right = np.einsum("aif,if->a", rows, normals[:, :-1, -1])
        theta = np.linalg.pinv(matrix, rcond=1e-13, hermitian=True) @ right
        rest = float(normals[:, -1, -1].sum() - theta @ right)
        if rest <= least:
            best, least = rows.reshape(len(rows), -1), rest
    if best is None:
        return None
    return np.where(np.any(best != 0.0, axis=0), np.linalg.qr(best.T)[0].T, 0.0)


def _laws(
    basis: Dictionary, free: Bool[np.ndarray, " parameter"]
) -> Iterator[tuple[_Known, np.ndarray | None, list[np.ndarray | None]]]:
    """C₀ and the C_k of each law with these fields in any order, as coefficients of monomials;
    `None` in place of those with a function that is not free."""
    fields, functions = len(basis.fields), len(basis.names)
    places = {powers: k for k, powers in enumerate(basis.exponents)}

    def vector(entries: _Entries, roles: tuple[int, ...]) -> np.ndarray | None:
        """The entries with p, q, … for the fields of these numbers."""
        found = np.zeros(len(free))
        for (field, powers), value in entries.items():
            own = tuple(powers[roles.index(i)] for i in range(fields))
            place = roles[field] * functions + places.get(own, 0)
            if own not in places or not free[place]:
                return None
            found[place] = value
        return found

    of_these = [known for known in _KNOWN if known.fields == fields]
    for known, roles in itertools.product(of_these, itertools.permutations(range(fields))):
        every = [vector(entries, roles) for entries in known.free]
        yield known, vector(known.offset, roles), every
