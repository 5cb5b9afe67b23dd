"""Following a context with a fitted law: the state from which a forecast starts.

    u_j = S(u_{j-1}) + g_j (û_j - S(u_{j-1}))

where S solves the law over one frame and û_j is the observed frame. The gains g say how much each
frame is believed:

- `continue`, g = 0: the trajectory that the fit runs from the first frame;
- `restart`, g = 1 at the last frame: the last frame itself;
- `filter`, g_j = 1/(j + 1): all frames count alike. It is Kalman's gain for independent noise of
  equal size on every frame and a law that only moves things, and leaves σ/√K of the noise.

The innovation is spread evenly over the internal cells of a cell, so it changes totals by what the
observation says and by nothing else.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.fv import solve
from hfluxno.fv.step import limiting_speed
from hfluxno.identify.fitted_law import FittedLaw
from hfluxno.identify.settings import Settings
from hfluxno.identify.subgrid import prolong, restrict

MODES = ("continue", "filter", "restart")
# Shocks that form later must not be run back through.
_BACKWARD_FRAMES = 6


def gains(mode: str, frames: int, last: int) -> np.ndarray:
    """The gains of the frames 1, …, frames - 1 where those after frame `last` are not seen."""
    if mode not in MODES:
        raise ValueError(f"Unknown mode {mode!r}; choose one of {', '.join(MODES)}.")
    index = np.arange(1, frames)
    if mode == "restart":
        return np.where(index == last, 1.0, 0.0)
    weight = 1.0 / (index + 1.0) if mode == "filter" else np.zeros(frames - 1)
    return np.where(index <= last, weight, 0.0)


def track(
    law: FittedLaw,
    settings: Settings,
    values: Float[Array, "time field cells"],
    gains: Float[Array, " steps"],
) -> tuple[Float[Array, "steps field cells"], Float[Array, "field fine"], Float[Array, ""]]:
    """The predictions S(u_{j-1}) of the frames after the first, and the last state on the internal
    grid with its speed/Δx."""
    grid = settings.grid.refine(settings.refinement)
    flux = settings.numerical_flux(law)
    initial = prolong(values[0], settings.grid, settings.refinement, law.odd_fields)
    rate = jnp.where(settings.fresh_start, 0.0, limiting_speed(flux, initial, grid))
    frame = jnp.arange(2, dtype=values.dtype)

    def advance(state, observation):
        u, rate = state
        observed, gain = observation
        run = solve(flux, u, frame, grid, settings.control, rate=rate)
        predicted = restrict(run.values[-1], settings.refinement)
        innovation = jnp.repeat(observed - predicted, settings.refinement, axis=-1)
        return (run.values[-1] + gain * innovation, run.rate), predicted

    (state, rate), predicted = jax.lax.scan(advance, (initial, rate), (values[1:], gains))
    return predicted, state, rate


def first_state(
    law: FittedLaw, settings: Settings, values: Float[Array, "time field cells"]
) -> Float[Array, "field cells"]:
    """The state at the first frame as the first few frames together see it.

    The frames are followed backwards with the filter: with t → -t, f → -f a solution stays one
    where it is smooth. Diffusion, which cannot be reversed, is left out.
    """
    frames = min(_BACKWARD_FRAMES, values.shape[0])
    backward = eqx.tree_at(
        lambda tree: (tree.flux_coefficients, tree.diffusion_coefficients),
        law,
        (-law.flux_coefficients, jnp.zeros_like(law.diffusion_coefficients)),
    )
    mid_run = eqx.tree_at(lambda tree: tree.fresh_start, settings, jnp.asarray(False))
    schedule = jnp.asarray(gains("filter", frames, frames - 1))
    _, state, _ = track(backward, mid_run, values[:frames][::-1], schedule)
    return restrict(state, settings.refinement)
