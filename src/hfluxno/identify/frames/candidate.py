"""A candidate for a context: a possible form of the law and of the scheme that made the data."""

import dataclasses

from hfluxno.plural import plural

# (desired, maximum, lagged) of a CFL rule.
CLAWPACK_PAPER = (0.5, 0.9, True)

DIFFUSION_TERMS = {"none": 0, "constant": 1, "quadratic": 3}

# The size of the flux that is tried on the first finer grid.
SIZE_OF_FINER = 6


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One hypothesis about the law and about the scheme that made (or best reproduces) the data.

    - `basis`: `chebyshev` for one field; `dictionary` or `tensor` for several.
    - `size`: how many functions are free: the polynomial degree of a Chebyshev basis, and 0 for all
      functions of the others.
    - `kinks`: the number of kinks of the flux of one field, beside the polynomial.
    - `diffusion`: `none`, `constant` or `quadratic` in the field.
    - `scheme`: the numerical flux.
    - `refinement`: internal cells per cell of the data.
    - `cfl`: the CFL rule (desired, maximum, lagged).
    - `steps`: the number of equal steps from a frame to the next; 0 if only the CFL rule counts.
    - `fresh_start`: whether the context begins with the first frame of the run that made it.
    - `sparse`: what decides which functions are dropped because the data do not need them: the
      `weak-form` or an earlier `fit`; `None` keeps all.
    - `sources`: whether each field has a source that depends on the state.
    - `force`: whether one that depends on place acts on the momentum, beside such sources.
    - `rival`: the rank among the sets of functions that explain the weak form well; 0 is the best.
    - `dry`: whether a flow may leave its ground dry, which bounds its velocity.
    - `denoised`: whether the fit starts from an estimate of the first state from several frames
      instead of the first frame itself.
    """

    basis: str = "chebyshev"
    size: int = 4
    kinks: int = 0
    diffusion: str = "none"
    scheme: str = "roe"
    refinement: int = 1
    cfl: tuple[float, float, bool] = CLAWPACK_PAPER
    steps: int = 0
    fresh_start: bool = True
    sparse: str | None = None
    sources: bool = False
    force: bool = False
    rival: int = 0
    dry: bool = False
    denoised: bool = False

    def __str__(self) -> str:
        basis = self.basis if self.size == 0 else f"{self.basis}-{self.size}"
        if self.kinks:
            basis += " with a kink" if self.kinks == 1 else f" with {self.kinks} kinks"
        parts = [
            basis
            + (f" sparse by {self.sparse}" if self.sparse else "")
            + (f" (rival {self.rival})" if self.rival else ""),
            f"{self.diffusion} diffusion" if self.diffusion != "none" else "no diffusion",
            f"{self.scheme} "
            + (
                f"with {plural(self.steps, 'step')} a frame"
                if self.steps
                else f"CFL {self.cfl[0]:g}"
            ),
        ]
        if self.sources:
            parts.insert(1, "with sources")
        if self.force:
            parts.insert(2, "with a force that depends on place")
        if self.dry:
            parts.append("dry ground")
        if self.refinement > 1:
            parts.append(f"grid ×{self.refinement}")
        if not self.fresh_start:
            parts.append("mid-run start")
        if self.denoised:
            parts.append("denoised start")
        return ", ".join(parts)

    @property
    def evaluations(self) -> int:
        """The maximum number of runs of the solver with derivatives. The fit of the full dictionary
        need only be good enough to show which functions are needed; a system on a finer grid is
        expensive, and starts from the fit on the coarser one."""
        if self.basis == "dictionary" and not self.sparse:
            return 8
        return 6 if self.basis != "chebyshev" and self.refinement > 1 else 12

    @property
    def unknowns(self) -> int:
        """Orders candidates that predict equally well, fewest first. A constant speed is no simpler
        than a few functions: under noise the last frames hardly tell them apart, later ones do."""
        kinks = 2 * self.kinks + 1 if self.kinks else 0  # sizes, places, and a width
        size = 4 if self.size == 1 else self.size
        return size + kinks + DIFFUSION_TERMS[self.diffusion] - (6 if self.sparse else 0)
