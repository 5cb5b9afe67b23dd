"""The kinds of laws that joint estimates choose from: which terms a law may have."""

import dataclasses

from hfluxno.plural import plural

_PROGRAM_SIZES = (8, 12)
# How many terms more than a flux has tell what it does without.
BEYOND = 2
_MOST_MODES = 32
MOST_STRETCHES = 2


@dataclasses.dataclass(frozen=True)
class Kind:
    """The terms that a law may have.

    - `size`: the degree of the flux; 0 is none.
    - `fluid`: whether one of two fields is a density h that flows with the other, its momentum m,
      so that F_h = c m and F_m has m²/h and a pressure of this degree in h.
    - `diffusion`, `by_state`, `source_modes`, `flux_modes`, `kinks`, `stretches`: as in `LawShape`.
    """

    size: int = 4
    diffusion: int = 0
    by_state: int = 0
    source_modes: int = 0
    flux_modes: int = 0
    kinks: int = 0
    stretches: int = 0
    fluid: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether there is only a smooth flux and at most a constant diffusivity."""
        further = self.by_state or self.source_modes or self.flux_modes or self.kinks
        return not (further or self.stretches) and self.diffusion <= 1

    @property
    def program(self) -> "Kind":
        """The kind for which programs are compiled: laws with a similar number of terms share one,
        in which the terms that a law lacks are zero. Where there may be more, one has room for
        terms beyond those of the flux."""
        if self.fluid:
            return self
        least = min(self.size + BEYOND, _PROGRAM_SIZES[-1])
        size = next(size for size in _PROGRAM_SIZES if size >= least)
        if self.is_plain:
            return Kind(size, diffusion=1)
        if self.stretches:
            return Kind(size, diffusion=1, stretches=MOST_STRETCHES)
        if self.kinks:
            return dataclasses.replace(self, diffusion=1)
        return Kind(size, 3, 4, _MOST_MODES, _MOST_MODES)

    def with_more_places(self) -> "Kind":
        """The same with twice as many modes of place, and one more stretch, up to a maximum."""
        source, flux = (min(2 * n, _MOST_MODES) for n in (self.source_modes, self.flux_modes))
        stretches = min(self.stretches + 1, MOST_STRETCHES) if self.stretches else 0
        return dataclasses.replace(self, source_modes=source, flux_modes=flux, stretches=stretches)

    def with_all_places(self) -> "Kind":
        """The same with as many modes of place as there may be."""
        more = self.with_more_places()
        return self if more == self or self.stretches else more.with_all_places()

    def __str__(self) -> str:
        parts = [f"degree {self.size}" if self.size else "no flux"]
        if self.fluid:
            parts = ["the flux of a fluid"]
        if self.kinks:
            parts.append("a kink" if self.kinks == 1 else f"{self.kinks} kinks")
        if self.diffusion:
            parts.append("diffusion" if self.diffusion == 1 else "diffusion of degree 2")
        if self.by_state:
            parts.append("a source that depends on the state")
        if self.source_modes:
            parts.append("a source that depends on place")
        if self.flux_modes:
            parts.append("a flux that depends on place")
        if self.stretches:
            parts.append(f"a flux with another factor on {plural(self.stretches, 'stretch')}")
        return ", ".join(parts)
