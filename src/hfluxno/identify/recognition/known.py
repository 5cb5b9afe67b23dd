"""Known laws of several fields on a line.

Each is C₀ + Σ_k θ_k C_k in the coefficients of monomials. Replacing the coefficients c of a fit by
these increases the sum of squares S, in its quadratic model, by

    ΔS = min_θ (c - C₀ - Σ θ_k C_k)ᵀ N (c - C₀ - Σ θ_k C_k),   N = JᵀJ.

It is recognised if ΔS is at most half the share of scheme errors in S, plus the square of three
standard deviations of noise for each of the q coefficients that the known law fixes. Of several,
those with the fewest θ count, and of these the one of the least ΔS, if the noise cannot hide that
of another.

All C may have a factor in common, that of the units, which the coefficient of the first function of
C₀ shows; `hfluxno.identify.recognition.unit_factor` says in which unit the coefficient of the law
is.

The covariance σ² (C N Cᵀ)⁻¹ of θ treats the misfit as independent noise. The deviations of the q
fixed coefficients show how wrong that is: their mean square ΔS/q replaces σ² (the Birge ratio,
Phys. Rev. 40, 1932, 207-227), with one more term, of three standard deviations, because q is small.

For three fields a known law is sought before the fit: if the weak equations allow it, the span of
C₀ and the C_k is fitted instead of unrelated coefficients. C₀ is free as well because lengths are
in cells and times in frames. Then no fixed coefficients show how far the misfit is from independent
noise: the values of a frame share the errors of the scheme, and count as one. Coefficients that
were fitted without it, and those of noisy frames, may have a common factor near one, too.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from hfluxno.identify.recognition.recognised import AS_GOOD, Recognised
from hfluxno.identify.recognition.unit_factor import NEAR, unit_factor, with_unit
from hfluxno.parametric.basis import Basis, Dictionary

_OF_SCHEMES, _DEVIATIONS = 0.5, 3.0

# (field, exponents) and the coefficient of that function in the flux of that field.
_Entries = Mapping[tuple[int, tuple[int, ...]], float]
# The same as coefficients of monomials, if the fit has all of its functions.
_Vector = np.ndarray | None


@dataclasses.dataclass(frozen=True)
class _Known:
    """A family of laws of two fields p and q, which are numbered 0 and 1, or three.

    - `offset`: C₀.
    - `free`: the C_k; θ is zero for those whose functions the fit lacks.
    - `minimum`: how many of them the fit must have.
    - `symbol`, `powers`: the coefficient of the law, Π_k θ_k^{e_k}; without a symbol, the θ are the
      coefficients of a function of p.
    """

    name: str
    offset: _Entries
    free: tuple[_Entries, ...]
    minimum: int = 1
    symbol: str = ""
    powers: tuple[float, ...] = ()

    @property
    def fields(self) -> int:
        """The number of fields."""
        return len(next(powers for _, powers in self.free[0]))


_ROUNDING = float(np.finfo(float).eps)
_TRANSPORT: _Entries = {(0, (0, 1)): 1.0, (1, (-1, 2)): 1.0}
_PRESSURES: tuple[_Entries, ...] = tuple({(1, (k, 0)): 1.0} for k in (1, 2, 3))
_KNOWN = (
    _Known("shallow water", _TRANSPORT, ({(1, (2, 0)): 0.5},), 1, "g", (1.0,)),
    _Known("isothermal Euler", _TRANSPORT, ({(1, (1, 0)): 1.0},), 1, "c²", (1.0,)),
    # y = ρ (v + β ρ)
    _Known(
        "Aw–Rascle–Zhang",
        _TRANSPORT,
        ({(0, (2, 0)): -1.0, (1, (1, 1)): -1.0},),
        1,
        "β",
        (1.0,),
    ),
    # y = ρ (v + p(ρ))
    _Known(
        "Aw–Rascle–Zhang",
        _TRANSPORT,
        tuple({(0, (k + 1, 0)): -1.0, (1, (k, 1)): -1.0} for k in (1, 2, 3, 4)),
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
    units: Mapping[str, str] | None = None,
    common_free: bool = False,
) -> Recognised | None:
    """The known law that a fit agrees with, or `None`.

    - `numbers`, `normal`: the coefficients of monomials, those of the flux field by field before
      those of diffusivities and sources, and N of the misfit in standard deviations of the fields.
    - `free`: which of them were fitted.
    - `equations`, `frames`, `residual`: the numbers of values and frames, and the rms misfit.
    - `noise`: of the data, in standard deviations of the fields.
    - `units`: the known ones of `x`, `time` and the fields.
    - `common_free`: whether all speeds may be wrong by the same small factor, as those of waves in
      coarse cells are.
    """
    if not isinstance(basis, Dictionary):
        return None
    options: list[tuple[int, float, Recognised]] = []
    end = len(basis.fields) * len(basis.names)
    further = np.eye(len(numbers))[end:][free[end:]]
    for known, offset, every, carried, fields in _laws(basis, free):
        directions = [each for each in every if each is not None]
        if offset is None or len(directions) < known.minimum:
            continue
        factor = 1.0 if carried is None else unit_factor(numbers[carried] / offset[carried])
        offset, directions = factor * offset, [factor * each for each in directions]
        common = common_free and carried is not None
        rows = np.concatenate([np.stack([*directions, *([offset] * common)]), further])
        inverse = scaled_inverse(rows @ normal @ rows.T)
        aim = numbers if common else numbers - offset
        theta = inverse @ rows @ normal @ aim
        change = aim - theta @ rows
        # A law of many terms may be so far away that the sum is smaller than its rounding.
        rounding = len(numbers) * _ROUNDING * float(np.abs(change) @ np.abs(normal) @ abs(change))
        cost, fixed = max(float(change @ normal @ change), rounding), int(free.sum()) - len(rows)
        of_schemes = equations * max(residual**2 - noise**2, 0.0)
        allowed = _OF_SCHEMES * of_schemes + fixed * (_DEVIATIONS * noise) ** 2
        if fixed > 0 and not cost <= allowed:
            continue
        shared = float(theta[len(directions)]) if common else 1.0
        theta = theta[: len(directions)] / shared
        if abs(shared - 1.0) > NEAR or (known.symbol and np.prod(theta) <= 0.0):
            continue
        value = float(np.prod(np.abs(theta) ** known.powers)) if known.symbol else np.nan
        slope = value * np.array(known.powers) / theta if known.symbol else np.zeros(len(theta))
        slope = np.append(slope, -float(slope @ theta)) if common else slope
        variance = (cost + (_DEVIATIONS * residual) ** 2) / (fixed + 1)
        if known.fields > 2:
            variance = cost + residual**2 * equations / frames
        part = inverse[: len(slope), : len(slope)] / shared**2
        number = value, float(np.sqrt(max(variance * (slope @ part @ slope), 0.0)))
        constant = with_unit(known.symbol, number, factor, fields, units or {})
        found = Recognised(
            known.name,
            known.symbol,
            constant.value,
            constant.deviation,
            float(np.sqrt(residual**2 + cost / equations)),
            residual,
            unit=constant.unit,
        )
        options.append((len(directions), cost, found))
    if not options:
        return None
    fewest = min(count for count, *_ in options)
    (least, best), *others = sorted(
        ((cost, found) for count, cost, found in options if count == fewest), key=lambda o: o[0]
    )
    as_good = least + (_DEVIATIONS * noise) ** 2
    if any(cost < as_good and found.name != best.name for cost, found in others):
        return None
    return best


def scaled_inverse(matrix: np.ndarray) -> np.ndarray:
    """The pseudo-inverse of a normal matrix or a covariance, whatever the units of its unknowns: a
    pressure in pascals and a velocity have coefficients that differ by twelve orders of
    magnitude."""
    size = np.sqrt(np.diag(matrix))
    size = np.outer(size, size)
    size[size == 0.0] = 1.0
    return np.linalg.pinv(matrix / size, rcond=1e-13, hermitian=True) / size


def known_law_directions(
    basis: Dictionary,
    sizes: Float[np.ndarray, "field function"],
    free: Bool[np.ndarray, " parameter"],
    normals: Float[np.ndarray, "field unknown unknown"],
    left: float,
) -> Float[np.ndarray, "coefficient parameter"] | None:
    """The orthonormal directions of the known law with the smallest weak-form residual, if that is
    not much larger than the one `left` by the free law; else `None`.

    - `sizes`: the parameters for which each function is a monomial of the fields.
    - `free`: which parameters may be fitted.
    - `normals`: (A b)ᵀ(A b) of the weak equations of each field.
    """
    best, smallest = None, AS_GOOD**2 * left
    for _, offset, every, *_ in _laws(basis, free):
        vectors = [each for each in (offset, *every) if each is not None]
        if len(vectors) <= len(every):
            continue
        rows = (np.stack(vectors) * sizes.reshape(-1)).reshape(-1, *sizes.shape)
        matrix = np.einsum("aif,ifg,big->ab", rows, normals[:, :-1, :-1], rows)
        right = np.einsum("aif,if->a", rows, normals[:, :-1, -1])
        theta = scaled_inverse(matrix) @ right
        residual = float(normals[:, -1, -1].sum() - theta @ right)
        if residual <= smallest:
            best, smallest = rows.reshape(len(rows), -1), residual
    if best is None:
        return None
    return np.where(np.any(best != 0.0, axis=0), np.linalg.qr(best.T)[0].T, 0.0)


def _laws(
    basis: Dictionary, free: Bool[np.ndarray, " parameter"]
) -> Iterator[tuple[_Known, _Vector, list[_Vector], int | None, Sequence[str]]]:
    """C₀ and the C_k of each law with these fields in any order, as coefficients of monomials,
    `None` for those with a function that is not free, the place of the first function of C₀, and
    the names of p, q, …."""
    fields, functions = len(basis.fields), len(basis.names)
    places = {powers: k for k, powers in enumerate(basis.exponents)}

    def place_of(field: int, powers: tuple[int, ...], roles: tuple[int, ...]) -> int | None:
        own = tuple(powers[roles.index(i)] for i in range(fields))
        return roles[field] * functions + places[own] if own in places else None

    def vector(entries: _Entries, roles: tuple[int, ...]) -> np.ndarray | None:
        """The entries with the fields p, q, … in these roles."""
        found = np.zeros(len(free))
        for (field, powers), value in entries.items():
            place = place_of(field, powers, roles)
            if place is None or not free[place]:
                return None
            found[place] = value
        return found

    of_these = [known for known in _KNOWN if known.fields == fields]
    for known, roles in itertools.product(of_these, itertools.permutations(range(fields))):
        every = [vector(entries, roles) for entries in known.free]
        carried = [place_of(*entry, roles) for entry in known.offset]
        names = [basis.fields[role] for role in roles]
        yield known, vector(known.offset, roles), every, next(iter(carried), None), names
