"""Regression of an inferred law on the true one: no solver in the loop.

The error δA = A - A_true of the speeds A = f′(u) (a matrix for systems) is taken at the midpoints
between neighbouring cells of the context, in two means,

    e = ½ Σ |δA Δu|²/|Δu| / Σ |Δu| + ½ mean ‖δA diag(σ)‖²/|σ|²

with the jump Δu across the interface and the standard deviation σ of each field. The first is an
integral over values of the state, each as often as the profile crosses it (Banach's indicatrix):
so a shock counts with the states it joins, a long plateau does not, and for a system only the
directions count in which the state changes. The second sees all states alike. An error of the
diffusivity enters as the speed δν |Δ²u|/|Δu| by which it spreads the profile. Speeds are in cells a
frame. On a plane the means are those over the neighbours and speeds along both axes.
"""

import functools

import jax.numpy as jnp
from jaxtyping import Array, Float

from hfluxno.laws.base import ConservationLaw
from hfluxno.models.law_target import LawNetwork
from hfluxno.models.network import Network

_TINY = 1e-12


def speed_error(
    network: Network,
    context: Float[Array, "time field *space"],
    law: ConservationLaw,
    relative: bool,
) -> Float[Array, ""]:
    """e, or √(e/e₀) if it is `relative`, with e₀ the same means of A_true instead of δA. A speed
    below one cell in the time of the context is invisible, so its square is added to e₀.

    Raises `ValueError` if the network does not infer a law.
    """
    if not isinstance(network, LawNetwork):
        raise ValueError(
            "The speed loss compares laws, but this network writes a numerical flux; use another "
            "loss or the law target."
        )
    inferred, deviation = network.law(context), jnp.std(context, axis=(0, *range(2, context.ndim)))
    error, whole = jnp.zeros(()), jnp.zeros(())
    for axis, dx in enumerate(network.grid.spacing):
        jump = jnp.roll(context, -1, axis=2 + axis) - context
        states, nothing = _flat(context + 0.5 * jump), jnp.zeros(())
        found, true = inferred.along(axis), law.along(axis)
        true_speed = true.jacobian(states) * (network.interval / dx)
        nu, true_nu = found.diffusivity(states), true.diffusivity(states)
        nu = nothing if nu is None else nu
        true_nu = nothing if true_nu is None else true_nu * (network.interval / dx**2)
        curvature = jump - jnp.roll(jump, 1, axis=2 + axis)
        sharpness = jnp.sum(curvature**2) / (jnp.sum(jump**2) + _TINY)
        for_jump = functools.partial(_mean_square, jump=_flat(jump), deviation=deviation)
        difference = for_jump(found.jacobian(states) - true_speed)
        error += difference + sharpness * jnp.mean((nu - true_nu) ** 2)
        whole += for_jump(true_speed) + sharpness * jnp.mean(true_nu**2)
    axes = len(network.grid.spacing)
    error, whole = error / axes, whole / axes
    if not relative:
        return error
    visible = 1.0 / (context.shape[0] - 1) ** 2
    return jnp.sqrt(error / (whole + visible) + _TINY)


def _mean_square(
    speed: Float[Array, "field field point"],
    jump: Float[Array, "field point"],
    deviation: Float[Array, " field"],
) -> Float[Array, ""]:
    length = jnp.sqrt(jnp.sum(jump**2, axis=0) + _TINY)
    carried = jnp.sum(speed * jump[None], axis=1)
    crossed = jnp.sum(jnp.sum(carried**2, axis=0) / length) / jnp.sum(length)
    columns = speed * deviation[None, :, None]
    everywhere = jnp.mean(jnp.sum(columns**2, axis=(0, 1)))
    return 0.5 * crossed + 0.5 * everywhere / (jnp.sum(deviation**2) + _TINY)


def _flat(frames: Float[Array, "time field *space"]) -> Float[Array, "field point"]:
    return jnp.moveaxis(frames, 1, 0).reshape(frames.shape[1], -1)
