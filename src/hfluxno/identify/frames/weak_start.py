"""Where fits start: the coefficients, and the places of kinks, that the weak form finds.

Its quadrature in time sees only what changes little from a frame to the next. So the frames of one
field on a ring are shifted back by the whole number c of cells an interval by which they follow
each other best, and c u is added to the flux of what remains.
"""

import dataclasses
import itertools

import numpy as np
from jaxtyping import Float

from hfluxno.identify.frames.candidate import DIFFUSION_TERMS
from hfluxno.identify.frames.sparsify import weak_form_residual
from hfluxno.parametric.basis import Kinked
from hfluxno.parametric.law_family import LawFamily
from hfluxno.stored_jit import stored_jit

TERMS = max(DIFFUSION_TERMS.values())  # of programs with diffusion
# The places of kinks that are tried, in half ranges from the middle, and their widths.
_PLACES, _WIDTHS = np.linspace(-0.9, 0.9, 13), (0.02, 0.2)


def with_kinks(family: LawFamily, values, weights, grid) -> LawFamily:
    """The family with the kinks of the flux where the weak-form residual is smallest."""
    basis = family.basis
    if not isinstance(basis, Kinked):
        return family
    values = followed(values, common_shift(values, grid.is_periodic()))

    def left_over(at: np.ndarray, width: float) -> float:
        there = dataclasses.replace(basis, at=at, width=np.asarray(width))
        placed = dataclasses.replace(family, basis=there)
        normal = np.asarray(weak_normal(placed, values, weights, grid)[0])[0]
        return weak_form_residual(normal, np.ones(len(normal) - 1))

    places = itertools.product(itertools.combinations(_PLACES, basis.kinks), _WIDTHS)
    at, width = min(places, key=lambda each: left_over(np.array(each[0]), each[1]))
    there = dataclasses.replace(basis, at=np.array(at), width=np.asarray(width))
    return dataclasses.replace(family, basis=there)


def weak_parameters(family: LawFamily, values, weights, grid) -> np.ndarray:
    """The start of a fit, from one program for all fits in a basis: the columns of terms that are
    not free are zero, and so are their parameters."""
    fields, mask, end = len(family.fields), np.asarray(family.mask), family.before_sources
    further = slice(end, end + (TERMS - family.terms) * fields)
    every = np.insert(mask, end, np.zeros(further.stop - end))[None]
    family = dataclasses.replace(family, directions=every, terms=TERMS)
    shift = common_shift(values, grid.is_periodic()) if mask[0] else 0
    found = np.array(_weak_start(family, followed(values, shift), weights, grid)[0])
    found[0] += shift
    return np.delete(found, further)


def common_shift(values: Float[np.ndarray, "time field cells"], periodic: bool) -> int:
    """The shift, in whole cells, at which the frames of one field on a ring are most like those
    before them; zero for anything else."""
    if values.shape[1] > 1 or not periodic:
        return 0
    cells = values.shape[-1]
    waves = np.fft.rfft(values[:, 0], axis=-1)
    waves[:, 0] = 0.0
    alike = np.fft.irfft(np.sum(waves[1:] * np.conj(waves[:-1]), axis=0), cells)
    shift = int(np.argmax(alike))
    return shift - cells if shift > cells // 2 else shift


def followed(values, shift: int) -> np.ndarray:
    """The frames in a frame of reference that moves by as many cells in each interval."""
    return np.stack([np.roll(frame, -shift * j, axis=-1) for j, frame in enumerate(values)])


@stored_jit
def _weak_start(family, values, weights, grid):
    return (family.start(values, weights, grid.is_periodic()),)


@stored_jit
def weak_normal(family, values, weights, grid):
    return (family.weak_normal(values, weights, grid.is_periodic()),)
