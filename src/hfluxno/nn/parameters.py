"""The parameters of a module as one real vector, and back.

A hypernetwork emits a vector; this turns it into a module. Parameters are the real and
complex arrays of a module in the order of its tree; a complex array counts as its real parts and
then its imaginary parts.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree


class Template(eqx.Module):
    """A module without its parameters, and where they belong.

    - `rest`: the module with `None` in place of every parameter.
    - `shapes`: of the parameters, in the order of the tree.
    - `is_complex`: which of them are complex.
    """

    rest: PyTree
    shapes: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    is_complex: tuple[bool, ...] = eqx.field(static=True)
    structure: jax.tree_util.PyTreeDef = eqx.field(static=True)

    def __init__(self, module: PyTree):
        parameters, self.rest = eqx.partition(module, eqx.is_inexact_array)
        leaves, self.structure = jax.tree.flatten(parameters)
        self.shapes = tuple(leaf.shape for leaf in leaves)
        self.is_complex = tuple(bool(jnp.iscomplexobj(leaf)) for leaf in leaves)

    @property
    def size(self) -> int:
        """The number of real parameters."""
        return sum(
            math.prod(shape) * (2 if is_complex else 1)
            for shape, is_complex in zip(self.shapes, self.is_complex, strict=True)
        )

    def vector(self, module: PyTree) -> Float[Array, " parameter"]:
        """The parameters of a module of this kind."""
        parts = []
        for leaf in jax.tree.leaves(eqx.filter(module, eqx.is_inexact_array)):
            if jnp.iscomplexobj(leaf):
                parts += [leaf.real.reshape(-1), leaf.imag.reshape(-1)]
            else:
                parts.append(leaf.reshape(-1))
        return jnp.concatenate(parts)

    def module(self, vector: Float[Array, " parameter"]) -> PyTree:
        """The module with these parameters, in the precision of the vector."""
        sizes = []
        for shape, is_complex in zip(self.shapes, self.is_complex, strict=True):
            sizes += [math.prod(shape)] * (2 if is_complex else 1)
        # One split, whose derivative is one concatenation; those of slices would be added one by
        # one.
        parts = iter(jnp.split(vector, np.cumsum(sizes)[:-1]))
        leaves = []
        for shape, is_complex in zip(self.shapes, self.is_complex, strict=True):
            real = next(parts).reshape(shape)
            imaginary = next(parts).reshape(shape) if is_complex else None
            leaves.append(real if imaginary is None else jax.lax.complex(real, imaginary))
        return eqx.combine(jax.tree.unflatten(self.structure, leaves), self.rest)
