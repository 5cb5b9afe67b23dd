"""The functions of which a source of several fields is made.

    s_i(u) = Σ_k S_ik Π_j u_j^e_kj |u_j|^a_kj

A function is written as its exponents (e_k1, e_k2, …, a_k1, a_k2, …): those of a dictionary of the
fields and their sizes. The sizes are for friction against the direction of the flow, m|m|/h².
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.laws.base import State, by_field
from hfluxno.parametric.basis import Dictionary, exponents_up_to

Functions = tuple[tuple[int, ...], ...]


def possible_sources(positive: tuple[bool, ...]) -> Functions:
    """The functions that a source may have: 1, monomials of degree 1 and 2, and for every field p
    that stays away from zero p³ and, with the other fields q, drag: q/p, q|q|/p, q|q|/p², q|q|/p³.
    """
    count = len(positive)
    unit, none = np.eye(2 * count, dtype=int), np.zeros(2 * count, int)
    terms = [none, *(np.append(powers, none[:count]) for powers in exponents_up_to(count, 2))]
    for p in range(count):
        if not positive[p]:
            continue
        terms.append(3 * unit[p])
        for q in range(count):
            if q != p:
                squared = unit[q] + unit[count + q]
                terms += [unit[q] - unit[p], *(squared - k * unit[p] for k in (1, 2, 3))]
    return tuple(tuple(map(int, each)) for each in terms)


def values_of(functions: Functions, u: State) -> Float[Array, "function *points"]:
    """The functions at these states."""
    names = tuple(map(str, range(2 * len(u))))
    dictionary = Dictionary(jnp.ones(2 * len(u), u.dtype), functions, names)
    return dictionary(jnp.concatenate([u, jnp.abs(u)]))


def expanded(
    functions: Functions, coefficients: Float[Array | np.ndarray, "field function"], u: State
) -> State:
    """s(u), written out: the compiler fuses sums of arrays."""
    weights = jnp.asarray(coefficients)
    values = values_of(functions, u)
    parts = [by_field(weights[:, k], u) * each[None] for k, each in enumerate(values)]
    return sum(parts[1:], start=parts[0])


def names_of(functions: Functions, fields: tuple[str, ...]) -> tuple[str, ...]:
    """A name of each function, such as m·|m|/h²; that of the constant is 1."""
    every = (*fields, *(f"|{name}|" for name in fields))
    return tuple(name or "1" for name in Dictionary(np.ones(len(every)), functions, every).names)


def names_of_force(fields: tuple[str, ...], carrier: str, modes: int) -> list[str]:
    """A name of each coefficient of a force on fields, for each unit of its carrier, by place."""
    return [f"s_{field}[{carrier}·mode {k + 1}]" for field in fields for k in range(modes)]
