"""Coefficients of monomials and quotients of the fields themselves, such as the g/2 of g h²/2.

A fit scales each field by its largest value, so that all functions are of similar size; what is
shown, and what is compared with known laws, is in the units of the data.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.parametric.basis import Basis, Chebyshev, Dictionary
from hfluxno.parametric.fitted_law import FittedLaw

_ROUNDING = 1e-12
# Polynomials of one field up to this degree are written in its powers.
_IN_POWERS = 3
_MOST_CANCELLED = 3.0


def sizes_of(basis: Basis) -> Float[np.ndarray, " function"]:
    """The divisors that make coefficients those of unscaled monomials; 1 for other bases."""
    return basis.sizes if isinstance(basis, Dictionary) else np.ones(len(basis.names))


def in_monomials(law: FittedLaw) -> FittedLaw:
    """The law with an unscaled dictionary; laws in other bases are unchanged."""
    if not isinstance(law.basis, Dictionary):
        return law
    basis = dataclasses.replace(law.basis, scale=np.ones(len(law.fields)))
    coefficients = np.asarray(law.flux_coefficients) / law.basis.sizes
    return dataclasses.replace(law, basis=basis, flux_coefficients=coefficients)


def written(law: FittedLaw) -> tuple[str, ...]:
    """The equation of each field of a law in a dictionary; none for other laws."""
    if not isinstance(law.basis, Dictionary):
        return ()
    diffusivities = np.asarray(law.diffusion_coefficients, float)
    equations = []
    rows = zip(law.fields, law.flux_coefficients, diffusivities, strict=True)
    for i, (name, row, nu) in enumerate(rows):
        flux = written_sum(law.basis, np.asarray(row, float), law.fields)
        still = f"∂x(ν ∂x {name})" if np.any(nu) else ""
        if np.any(nu) and not np.any(nu[1:]):  # the solver takes a negative one for zero
            still = f"{nu[0]:.4g} ∂xx {name}" if nu[0] > 0.0 else ""
        arising = _written_source(law, i) if law.terms is not None else ""
        right = " + ".join(part for part in (still, arising) if part).replace("+ -", "- ")
        equations.append(written_equation(name, (flux,), right))
    return tuple(equations)


def written_equation(name: str, fluxes: tuple[str, ...], right: str) -> str:
    """∂t u + ∂x(f) + ∂y(g) = s, without fluxes that are 0."""
    terms = [f"∂{axis}({flux})" for axis, flux in zip("xy", fluxes, strict=False) if flux != "0"]
    return f"{' + '.join([f'∂t {name}', *terms])} = {right or '0'}"


def _written_source(law: FittedLaw, field: int) -> str:
    """The source of a field; empty if there is none."""
    assert law.terms is not None
    row = np.asarray(law.terms.by_state, float)[field]
    names = ("" if name == "1" else name for name in law.terms.names(law.fields))
    found = added(list(zip(map(float, row), names, strict=True))) if np.any(row) else ""
    carrier = law.terms.carrier
    if carrier is None or not np.any(law.terms.source_by_place[field]):
        return found
    force = f"{law.fields[carrier]} p(x)"
    return f"{found} + {force}" if found else force


def written_sum(basis: Basis, row: Float[np.ndarray, " function"], fields: tuple[str, ...]) -> str:
    """Σ_k c_k φ_k(u) with four digits of each coefficient, in the fields themselves as far as the
    basis allows."""
    names, row = basis.names, row / sizes_of(basis)
    if isinstance(basis, Chebyshev):
        middle, half = float(basis.middle[0]), float(basis.half[0])
        # Far from zero the powers cancel.
        degree = 1 if abs(middle) > _MOST_CANCELLED * half else _IN_POWERS
        if not np.any(row[degree:]):
            return added(_in_powers(row[:degree], middle, half, fields[0]))
        shift = f"{'+' if middle < 0.0 else '-'} {abs(middle):.4g}"
        names = tuple(f"{n}(({fields[0]} {shift})/{half:.4g})" for n in names)
    return added(list(zip(map(float, row), names, strict=True)))


def _in_powers(
    row: Float[np.ndarray, " function"], middle: float, half: float, field: str
) -> list[tuple[float, str]]:
    """Σ_k c_k T_k((u - middle)/half) without its constant, from degree 1 on."""
    inner = np.polynomial.Polynomial([-middle / half, 1.0 / half])
    series = np.polynomial.Chebyshev([0.0, *row]).convert(kind=np.polynomial.Polynomial)
    powers = series(inner).coef[1:]
    sizes = np.abs(powers) * half ** np.arange(1.0, len(powers) + 1.0)
    counts = sizes > _ROUNDING * np.max(sizes, initial=0.0)
    pairs = zip(np.where(counts, powers, 0.0), ("", "²", "³"), strict=False)
    return [(float(c), field + power) for c, power in pairs]


def added(parts: list[tuple[float, str]]) -> str:
    """The terms whose coefficients are not zero, added; 0 if there is none."""
    text = " ".join(
        f"{'-' if v < 0 else '+'} {abs(v):.4g} {name}".rstrip() for v, name in parts if v != 0.0
    )
    return "-" * text.startswith("-") + text[2:] or "0"
