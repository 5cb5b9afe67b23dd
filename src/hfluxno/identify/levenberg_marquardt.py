"""Levenberg and Marquardt's method for a residual that is dear to evaluate.

    (JᵀJ + λ diag JᵀJ) δ = -Jᵀr,   λ → λ/10 after a step that helps, 10 λ after one that does not

(Marquardt, J. Soc. Indust. Appl. Math. 11, 1963, 431-441). Residual and Jacobian of a trial point
come from one forward-mode pass, so a compiled program holds the solver once. A general library
compiles it three times (for the residual, its linearisation and the trial), which doubled the
time of a first forecast; the answers are the same, and a test compares them.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

_FIRST_DAMPING = 1e-3
# A step that lowers the sum of squares by less than this part ends the iteration.
_SMALL_DECREASE = 1e-2


class Minimum(eqx.Module):
    """The best point, its sum of squares, JᵀJ there, the residual's auxiliary output, and the
    number of evaluations."""

    point: Float[Array, " parameter"]
    cost: Float[Array, ""]
    normal: Float[Array, "parameter parameter"]
    aux: PyTree
    evaluations: Int[Array, ""]


class _State(eqx.Module):
    best: Float[Array, " parameter"]
    trial: Float[Array, " parameter"]
    cost: Float[Array, ""]
    normal: Float[Array, "parameter parameter"]
    gradient: Float[Array, " parameter"]
    aux: PyTree
    damping: Float[Array, ""]
    evaluations: Int[Array, ""]
    done: Bool[Array, ""]


def levenberg_marquardt(
    residual: Callable[[Float[Array, " parameter"]], tuple[Float[Array, " equation"], PyTree]],
    start: Float[Array, " parameter"],
    tolerance: float,
    evaluations: int | Int[Array, ""],
) -> Minimum:
    """Minimises ‖residual(x)[0]‖² from `start`.

    Ends where the sum of squares is below tolerance², where it hardly falls any more, or after
    `evaluations` evaluations. A point with a non-finite residual counts as one that does not help.
    """
    size = start.shape[0]

    def evaluate(point):
        def push(direction):
            return jax.jvp(residual, (point,), (direction,))

        (value, aux), (rows, _) = jax.vmap(push, out_axes=(None, 0))(jnp.eye(size))
        cost = jnp.sum(value * value)
        finite = jnp.isfinite(cost) & jnp.all(jnp.isfinite(rows))
        rows = jnp.where(finite, rows, 0.0)
        value = jnp.where(jnp.isfinite(value), value, 0.0)
        return jnp.where(finite, cost, jnp.inf), rows @ rows.T, rows @ value, aux

    shapes = jax.eval_shape(evaluate, start)
    first = _State(
        best=start,
        trial=start,
        cost=jnp.full((), jnp.inf, start.dtype),
        normal=jnp.zeros((size, size), start.dtype),
        gradient=jnp.zeros(size, start.dtype),
        aux=jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes[3]),
        damping=jnp.full((), _FIRST_DAMPING, start.dtype),
        evaluations=jnp.asarray(0),
        done=jnp.asarray(False),
    )

    def body(state: _State) -> _State:
        cost, normal, gradient, aux = evaluate(state.trial)
        better = cost < state.cost
        first_time = state.evaluations == 0
        settled = better & (cost > (1.0 - _SMALL_DECREASE) * state.cost)
        damping = jnp.where(better | first_time, 0.1, 10.0) * state.damping
        damping = jnp.where(first_time, state.damping, damping)
        kept = _State(
            best=state.trial,
            trial=state.trial,
            cost=cost,
            normal=normal,
            gradient=gradient,
            aux=aux,
            damping=damping,
            evaluations=state.evaluations,
            done=state.done,
        )
        kept = jax.tree.map(
            lambda new, old: jnp.where(better, new, old),
            kept,
            eqx.tree_at(lambda s: s.damping, state, damping),
        )
        diagonal = jnp.diag(kept.normal)
        diagonal = diagonal + 1e-12 * jnp.max(diagonal) + jnp.finfo(start.dtype).tiny
        matrix = kept.normal + kept.damping * jnp.diag(diagonal)
        step = jnp.linalg.solve(matrix, kept.gradient)
        return _State(
            best=kept.best,
            trial=kept.best - step,
            cost=kept.cost,
            normal=kept.normal,
            gradient=kept.gradient,
            aux=kept.aux,
            damping=kept.damping,
            evaluations=state.evaluations + 1,
            done=settled | (kept.cost <= tolerance**2) | (kept.damping > 1e6),
        )

    state = jax.lax.while_loop(lambda s: ~s.done & (s.evaluations < evaluations), body, first)
    return Minimum(state.best, state.cost, state.normal, state.aux, state.evaluations)
