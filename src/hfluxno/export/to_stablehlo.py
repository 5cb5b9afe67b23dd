"""A law as StableHLO, JAX's portable intermediate form, which other runtimes read too."""

import jax
import jax.numpy as jnp
from jax import export

from hfluxno.fv import eigen
from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved.law import SavedLaw


def stablehlo(saved: SavedLaw | SavedPlaneLaw) -> bytes:
    """The bytecode of u ↦ (f(u), wave speeds), all of shape (field, points), for any number of
    points, in float64; of a law on a plane u ↦ (fluxes, bounds of the speeds), of the shapes
    (axis, field, points) and (axis, 2, points).

    It is the module of `jax.export` without the wrapper of `Exported.serialize`, which needs
    another library.
    """
    law = saved.law

    def law_at(u):
        if isinstance(saved, SavedLaw):
            return law.flux(u), eigen.speeds(law.jacobian(u))
        axes = range(saved.law.axes)
        fluxes = jnp.stack([saved.law.flux(u, axis) for axis in axes])
        return fluxes, jnp.stack([jnp.stack(saved.law.speed_range(u, axis)) for axis in axes])

    with jax.enable_x64(True):
        shape = export.symbolic_shape(f"{len(law.fields)}, n")
        states = jax.ShapeDtypeStruct(shape, jnp.float64)
        exported = export.export(jax.jit(law_at), platforms=("cpu",))(states)
    return bytes(exported.mlir_module_serialized)
