"""Coefficients of monomials and quotients of the fields themselves, such as the g/2 of g h²/2.

A fit counts each field in its largest value, so that all functions are about as large; what people
read, and what is compared with laws that have a name, is in the units of the data.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from hfluxno.identify.basis import Basis, Chebyshev, Dictionary
from hfluxno.identify.fitted_law import FittedLaw


def sizes_of(basis: Basis) -> Float[np.ndarray, " function"]:
    """What coefficients are divided by for those of monomials of the fields themselves; of other
    bases nothing."""
    return basis.sizes if isinstance(basis, Dictionary) else np.ones(len(basis.names))


def in_monomials(law: FittedLaw) -> FittedLaw:
    """The same law with a dictionary of the fields themselves; laws in other bases stay."""
    if not isinstance(law.basis, Dictionary):
        return law
    basis = dataclasses.replace(law.basis, scale=np.ones(len(law.fields)))
    coefficients = np.asarray(law.flux_coefficients) / law.basis.sizes
    return dataclasses.replace(law, basis=basis, flux_coefficients=coefficients)


def written(law: FittedLaw) -> tuple[str, ...]:
    """The equation of each field of a law in a dictionary; none of other laws."""
    if not isinstance(law.basis, Dictionary):
        return ()
    diffusivities = np.asarray(law.diffusion_coefficients, float)
    equations = []
    for name, row, nu in zip(law.fields, law.flux_coefficients, diffusivities, strict=True):
        flux = written_sum(law.basis, np.asarray(row, float), law.fields)
        still = f"∂x(ν ∂x {name})" if np.any(nu) else "0"
        if np.any(nu) and not np.any(nu[1:]):
            still = f"{max(nu[0], 0.0):.4g} ∂xx {name}"
        equations.append(f"∂t {name} + ∂x({flux}) = {still}")
    return tuple(equations)


def written_sum(basis: Basis, row: Float[np.ndarray, " function"], fields: tuple[str, ...]) -> str:
    """Σ_k c_k φ_k(u) with four digits of each coefficient, in the fields themselves as far as the
    basis allows."""
    names, row = basis.names, row / sizes_of(basis)
    if isinstance(basis, Chebyshev):
        middle, half = float(basis.middle[0]), float(basis.half[0])
        names = tuple(f"{n}(({fields[0]} - {middle:.4g})/{half:.4g})" for n in names)
    parts = [(value, name) for value, name in zip(row, names, strict=True) if value != 0.0]
    text = " ".join(f"{'-' if v < 0 else '+'} {abs(v):.4g} {name}" for v, name in parts)
    return "-" * text.startswith("-") + text[2:] or "0"
