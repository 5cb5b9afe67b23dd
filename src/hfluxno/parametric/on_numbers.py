"""Functions of a law for numbers, lists and NumPy arrays, by programs that outlast the process.

Evaluated operation by operation, each would be compiled for each shape, in each process.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from hfluxno.coordinates import kept_precision, real
from hfluxno.stored_jit import stored_jit

# Programs are compiled for so many points times a power of two.
_POINTS = 64


def on_numbers(function: Callable, law: Any, u: Any, field_axes: int) -> np.ndarray:
    """`function(law, u)`, whose result has this number of axes of fields before those of the
    points; in float64, or in the precision of shorter floats.

    Raises `ValueError` if the first axis of u is not that of the fields, which those of a single
    field may lack, as does the result then.
    """
    numbers = real(np.asarray(u), "states")
    numbers = numbers.astype(kept_precision(numbers.dtype))
    fields = len(law.fields)
    bare = fields == 1 and (numbers.ndim == 0 or len(numbers) != 1)
    if bare:
        numbers = numbers[None]
    if numbers.ndim == 0 or len(numbers) != fields:
        raise ValueError(
            f"The states have the shape {numbers.shape}; the first axis must hold the {fields} "
            f"fields {', '.join(law.fields)}."
        )
    points, size = numbers.shape[1:], _POINTS
    count = int(np.prod(points, dtype=int))
    while size < count:
        size *= 2
    padded = np.stack([np.resize(row, size) for row in numbers.reshape(fields, count)])
    with jax.enable_x64(True):
        (found,) = _stored(function)(law._like(padded), padded)
    found = np.array(found)[..., :count].reshape(*(fields,) * field_axes, *points)
    return found[(0,) * field_axes] if bare else found


@functools.cache
def _stored(function: Callable) -> stored_jit:
    @functools.wraps(function)
    def evaluated(law: Any, u: jax.Array) -> tuple[jax.Array]:
        return (function(law, u),)

    return stored_jit(evaluated)
