"""A law as StableHLO, the portable intermediate form of JAX, which other runtimes read too."""

import jax
import jax.numpy as jnp
from jax import export

from hfluxno.fv import eigen
from hfluxno.identify.saved_law import SavedLaw


def stablehlo(saved: SavedLaw) -> bytes:
    """The bytecode of u ↦ (f(u), wave speeds), all of shape (field, points), for any number of
    points, in float64.

    It is the module of `jax.export`, without the wrapping of `Exported.serialize`, for which JAX
    needs a further library.
    """
    law = saved.law

    def law_at(u):
        return law.flux(u), eigen.speeds(law.jacobian(u))

    with jax.enable_x64(True):
        shape = export.symbolic_shape(f"{len(law.fields)}, n")
        states = jax.ShapeDtypeStruct(shape, jnp.float64)
        exported = export.export(jax.jit(law_at), platforms=("cpu",))(states)
    return bytes(exported.mlir_module_serialized)
