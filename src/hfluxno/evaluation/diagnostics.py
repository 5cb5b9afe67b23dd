"""Physical diagnostics of a forecast, beside its error.

| diagnostic | of forecast u and truth û |
|---|---|
| `drift` | largest change of a field's total during the forecast, relative to the mean of abs(û) |
| `variation` | TV(u)/TV(û) at the last frame; above 1 it oscillates, below 1 it is smeared |
| `spectrum` | ‖abs(F u) - abs(F û)‖₂/‖F û‖₂ at the last frame, without the mean |
| `shock` | distance in cells between the steepest jumps at the last frame, if û has a shock |

TV is the total variation Σ abs(u_{i+1} - u_i) around the periodic domain. A shock is a jump between
neighbours of at least a quarter of the range of û; that of u is its largest jump of the same sign,
half the domain away if there is none. For a forecast that is not finite the diagnostics are
infinite.
"""

import numpy as np
from jaxtyping import Float

from hfluxno.forecast_checks import change_of_totals, relative_l2

DIAGNOSTICS = ("drift", "variation", "spectrum", "shock")
_SHOCK = 0.25
_TINY = 1e-12


def diagnose(
    forecast: Float[np.ndarray, "window time field x"],
    truth: Float[np.ndarray, "window time field x"],
    last: Float[np.ndarray, "window field x"],
) -> dict[str, Float[np.ndarray, " window"]]:
    """Every diagnostic of every window; NaN where it is undefined.

    - `last`: the last frame of the context, from which totals are counted.
    """
    forecast, truth, last = (np.asarray(v, np.float64) for v in (forecast, truth, last))
    finite = np.all(np.isfinite(forecast), axis=(1, 2, 3))
    forecast = np.where(finite[:, None, None, None], forecast, 0.0)
    found = (
        _drift(forecast, truth, last),
        _variation(forecast[:, -1], truth[:, -1]),
        _spectrum(forecast[:, -1], truth[:, -1]),
        _shock(forecast[:, -1], truth[:, -1]),
    )
    named = zip(DIAGNOSTICS, found, strict=True)
    return {name: np.where(finite | np.isnan(v), v, np.inf) for name, v in named}


def _drift(forecast, truth, last):
    size = np.abs(truth).mean(axis=(1, 3))
    return np.max(change_of_totals(last, forecast) / np.maximum(size, _TINY), axis=-1)


def _variation(u, truth):
    totals = [np.abs(_jumps(v)).sum(axis=-1) for v in (u, truth)]
    moving = totals[1] > _TINY
    ratio = totals[0] / np.where(moving, totals[1], 1.0)
    # The mean over the fields that vary; NaN if none does.
    count = moving.sum(axis=-1)
    return np.where(count > 0, (ratio * moving).sum(axis=-1) / np.maximum(count, 1), np.nan)


def _spectrum(u, truth):
    sizes = [np.abs(np.fft.rfft(v, axis=-1))[..., 1:] for v in (u, truth)]
    waves = np.sqrt(np.sum(sizes[1] ** 2, axis=(1, 2))) > _TINY
    return np.where(waves, relative_l2(sizes[0], sizes[1], (1, 2)), np.nan)


def _shock(u, truth):
    """The shock position of the first field: a density, a height."""
    jumps, true = _jumps(u[:, 0]), _jumps(truth[:, 0])
    place = np.argmax(np.abs(true), axis=-1)
    largest = np.take_along_axis(true, place[:, None], axis=-1)[:, 0]
    same_way = jumps * np.sign(largest)[:, None]
    found, cells = np.argmax(same_way, axis=-1), truth.shape[-1]
    distance = np.abs(found - place)
    distance = np.minimum(distance, cells - distance).astype(float)
    distance = np.where(np.max(same_way, axis=-1) > 0.0, distance, cells / 2)
    span = np.ptp(truth[:, 0], axis=-1)
    has_shock = (np.abs(largest) >= _SHOCK * span) & (span > _TINY)
    return np.where(has_shock, distance, np.nan)


def _jumps(v):
    return np.roll(v, -1, axis=-1) - v
