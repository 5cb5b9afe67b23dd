"""The terms that the fluxes of a law on a plane may have, and those that isotropy allows.

A law has scalars s (density, energy) and perhaps a vector m (momentum). One of the scalars, the
carrier ρ, is transported by the vector, ∂t ρ + ∇·m = 0; if it stays away from zero, the others may
be divided by it. In an isotropic medium the fluxes are

    of a scalar   m g(s, |m|²),
    of the vector p(s, |m|²) δ + m ⊗ m q(s, |m|²),

and no others (the isotropic functions of a vector; Wang, Arch. Ration. Mech. Anal. 36, 1970,
166-197).
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from hfluxno.parametric.basis import Dictionary

Powers = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Roles:
    """The roles of the fields.

    - `fields`: how many there are.
    - `vector`: the indices of both components of the momentum, or `None` if there is none.
    - `carrier`: the index of the field that the momentum transports, or `None`.
    """

    fields: int
    vector: tuple[int, int] | None = None
    carrier: int | None = None

    @property
    def scalars(self) -> tuple[int, ...]:
        return tuple(i for i in range(self.fields) if self.vector is None or i not in self.vector)


@dataclasses.dataclass(frozen=True)
class Structure:
    """Fluxes that share unknowns: those of the `fields` are C = Σ_j θ_j D_j.

    - `fields`: whose fluxes they are.
    - `directions`: D, of shape (unknown, field, axis, term).
    - `names`: one for each unknown.
    - `stiffness`: the weight of a penalty on each unknown, relative to the equations; or `None`.
    - `further`: of shape (unknown, field, coefficient), the same for the coefficients of sources
      and the diffusivities along x and y; or `None` without them.
    - `powers`: the number of coefficients of each diffusivity.
    """

    fields: tuple[int, ...]
    directions: Float[np.ndarray, "unknown field 2 term"]
    names: tuple[str, ...]
    stiffness: Float[np.ndarray, " unknown"] | None = None
    further: Float[np.ndarray, "unknown field coefficient"] | None = None
    powers: int = 1

    def keep(self, mask: np.ndarray) -> "Structure":
        kept = np.asarray(mask, bool)
        names = tuple(name for name, stays in zip(self.names, kept, strict=True) if stays)
        further = None if self.further is None else self.further[kept]
        return Structure(
            self.fields, self.directions[kept], names, further=further, powers=self.powers
        )

    @property
    def flat(self) -> Float[np.ndarray, "unknown field coefficient"]:
        """All coefficients of each field in the order of its weak equations."""
        fluxes = self.directions.reshape(*self.directions.shape[:2], -1)
        return fluxes if self.further is None else np.concatenate([fluxes, self.further], axis=2)

    @property
    def is_diffusivity(self) -> Bool[np.ndarray, " unknown"]:
        """Which unknowns are the diffusivity along an axis, in the middle of the range if it
        depends on the field."""
        if self.further is None:
            return np.zeros(len(self.names), bool)
        in_middle = [-2 * self.powers, -self.powers]
        return np.any(self.further[:, :, in_middle] != 0.0, axis=(1, 2))


def free_structures(
    roles: Roles, terms: tuple[Powers, ...], fields: tuple[str, ...]
) -> list[Structure]:
    """Each coefficient of each field and axis is an unknown of its own."""
    count = len(terms)
    directions = np.eye(2 * count).reshape(2 * count, 1, 2, count)
    labels = tuple(f"{axis}: {_named(fields, each)}" for axis in "xy" for each in terms)
    return [Structure((i,), directions, labels) for i in range(roles.fields)]


def isotropic_structures(
    roles: Roles, terms: tuple[Powers, ...], fields: tuple[str, ...]
) -> list[Structure]:
    """The fluxes that are possible in an isotropic medium: of each scalar, and of the vector."""
    assert roles.vector is not None
    place = {powers: k for k, powers in enumerate(terms)}
    unit = np.eye(roles.fields, dtype=int)
    m = [unit[i] for i in roles.vector]
    one = np.zeros(roles.fields, int)
    # The products of scalars that may multiply a product of momenta.
    scalar_part = {tuple(0 if i in roles.vector else e for i, e in enumerate(t)) for t in terms}
    factors = sorted({tuple(map(int, one)), *scalar_part}, key=lambda f: (sum(map(abs, f)), f))
    of_scalar: list[tuple[str, np.ndarray]] = []
    of_vector: list[tuple[str, np.ndarray]] = []

    def add(to, name, entries):
        """Adds the function with the entries (component, axis, exponents), if all are terms."""
        indices = [place.get(tuple(map(int, powers))) for *_, powers in entries]
        if all(k is not None for k in indices):
            direction = np.zeros((len(m) if to is of_vector else 1, 2, len(terms)))
            for (component, axis, _), k in zip(entries, indices, strict=True):
                direction[component, axis, k] += 1.0
            to.append((name, direction))

    vector = "m"
    for factor in map(np.asarray, factors):
        plain = _named(fields, factor)
        with_square = _named((*fields, f"|{vector}|"), (*factor, 2))
        add(of_scalar, _times(vector, plain), [(0, a, factor + m[a]) for a in (0, 1)])
        add(
            of_scalar,
            _times(vector, with_square),
            [(0, a, factor + m[a] + 2 * m[b]) for a in (0, 1) for b in (0, 1)],
        )
        add(of_vector, _times("δ", plain), [(a, a, factor) for a in (0, 1)])
        add(
            of_vector,
            _times("δ", with_square),
            [(a, a, factor + 2 * m[b]) for a in (0, 1) for b in (0, 1)],
        )
        add(
            of_vector,
            _times(f"{vector}⊗{vector}", plain),
            [(i, a, factor + m[i] + m[a]) for i in (0, 1) for a in (0, 1)],
        )
    found = []
    groups: list[tuple[tuple[int, ...], list]] = [((i,), of_scalar) for i in roles.scalars]
    for group, parts in [*groups, (roles.vector, of_vector)]:
        labels, directions = zip(*parts, strict=True)
        found.append(Structure(group, np.stack(directions), labels))
    return found


@dataclasses.dataclass(frozen=True)
class Further:
    """What a law may have besides fluxes: sources with these terms, and diffusivities of each field
    along x and y. A diffusivity of several `powers`, which one field may have, depends on it:

        ν(u) = Σ_k c_k w^k,   ∂x(ν(u) ∂x u) = ∂xx Σ_k c_k half w^(k+1)/(k+1)

    with w = (u - middle)/half, and the middle and half of the basis of its flux.

    - `alike`: if diffusivities are the same along x and y, (Δx/Δy)², their quotient in cells.
    - `supply`: functions of place, as functions of states, of which what arises may be a sum.
    """

    sources: tuple[Powers, ...]
    powers: int = 1
    alike: float | None = None
    supply: tuple[Callable[[np.ndarray], np.ndarray], ...] = ()

    @property
    def count(self) -> int:
        """The number of coefficients of a field."""
        return self.arising + 2 * self.powers

    @property
    def arising(self) -> int:
        """The number of coefficients of sources and the supply."""
        return len(self.sources) + len(self.supply)

    def names(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """Of the unknowns."""
        own = [f"source: {_named(fields, powers) or '1'}" for powers in self.sources]
        own += [f"supply {k + 1}" for k in range(len(self.supply))]
        for axis in ("∂xx", "∂yy") if self.alike is None else ("Δ",):
            own += [axis, *(f"{axis} w^{k + 1}/{k + 1}" for k in range(1, self.powers))]
        return tuple(own)

    @property
    def directions(self) -> Float[np.ndarray, "unknown coefficient"]:
        """The coefficients that each unknown of a field stands for."""
        every = np.eye(self.count)
        if self.alike is None:
            return every
        along_y = every[: -self.powers].copy()
        own = np.arange(self.arising, len(along_y))
        along_y[own, own + self.powers] = self.alike
        return along_y


def with_further(structure: Structure, further: Further, fields: tuple[str, ...]) -> Structure:
    """The same fluxes, with the further terms."""
    names, count = further.names(fields), len(structure.fields)
    own, before = count * len(names), len(structure.names)
    added = np.zeros((before + own, count, further.count))
    for i in range(count):
        added[before + i * len(names) :][: len(names), i] = further.directions
    without = np.zeros((own, *structure.directions.shape[1:]))
    return Structure(
        structure.fields,
        np.concatenate([structure.directions, without]),
        structure.names + len(structure.fields) * names,
        None if structure.stiffness is None else np.append(structure.stiffness, np.zeros(own)),
        added,
        further.powers,
    )


def possible_sources(fields: int) -> tuple[Powers, ...]:
    """The terms of a source: of one field a cubic polynomial, of several linear functions."""
    if fields == 1:
        return ((0,), (1,), (2,), (3,))
    return tuple(
        map(tuple, np.vstack([np.zeros((1, fields), int), np.eye(fields, dtype=int)]).tolist())
    )


def _named(fields: tuple[str, ...], powers) -> str:
    return Dictionary(np.ones(len(fields)), (tuple(map(int, powers)),), fields).names[0]


def _times(vector: str, term: str) -> str:
    if not term:
        return vector
    return vector + term[1:] if term.startswith("1/") else f"{vector}·{term}"
