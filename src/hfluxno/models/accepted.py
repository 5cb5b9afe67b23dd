"""Which contexts a network accepts, and how it is adapted to the given one.

A network takes the fields and cells that it was trained on. Those with a flux operator on one axis
also take a multiple of the cells; those that count in cells and frames any Δt and Δx; those that
write a law any boundary.
"""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from hfluxno.models.configuration import ModelConfig
from hfluxno.models.finer import FinerNetwork
from hfluxno.models.hfluxno import HFluxNO
from hfluxno.models.law_target import LawNetwork
from hfluxno.models.network import Network
from hfluxno.models.weak_form_hfluxno import WeakFormHFluxNO
from hfluxno.plural import plural
from hfluxno.trajectory import Trajectory

# Spacings that differ relatively by less than this are equal.
_SAME_SPACING = 1e-2


def check_context(name: str, network: Network, config: ModelConfig, context: Trajectory) -> None:
    """Checks whether a network can read a context.

    - `name`: what messages call the network.

    Raises `ValueError` if it may not.
    """
    grid = context.grid
    if len(context.fields) != len(config.fields):
        raise ValueError(
            f"{name} forecasts {plural(len(config.fields), 'field')} "
            f"({', '.join(config.fields)}); the context has "
            f"{len(context.fields)} ({', '.join(context.fields)})."
        )
    if context.fields != config.fields and sorted(context.fields) == sorted(config.fields):
        raise ValueError(
            f"{name} takes its fields in the order {', '.join(config.fields)}; those of the "
            f"context are {', '.join(context.fields)}. Put them in that order, on "
            "the command line by --variable."
        )
    factor = _factor(network, config, context)
    if factor is None:
        multiple = " or a multiple" if _takes_more_cells(network, config) else ""
        raise ValueError(
            f"{name} works on {_shape(config.cells)} cells{multiple}; the context has "
            f"{_shape(grid.shape)}. Interpolate to that grid first, or use the method fit."
        )
    if context.frames < config.context:
        raise ValueError(
            f"{name} reads {plural(config.context, 'frame')}; the context has "
            f"{context.frames}. Give it a longer context, or use the method fit."
        )
    if grid.solid is not None:
        raise ValueError(f"{name} knows no walls inside the domain; use the method fit.")
    if not np.all(np.isfinite(np.asarray(context.values))):
        raise ValueError(
            f"{name} takes no gaps, but the context has some (NaN, or missing times or places). "
            "Fill them first, or use the method fit."
        )
    steps = np.diff(np.asarray(context.times, float))
    if np.ptp(steps) > _SAME_SPACING * np.mean(steps):
        raise ValueError(
            f"{name} steps at equal intervals, but the times of the context are uneven "
            f"({np.min(steps):g} to {np.max(steps):g} apart). Interpolate to equal ones first, or "
            "use the method fit."
        )
    if isinstance(network, LawNetwork):
        return
    ends = [grid.ends(axis) for axis in range(len(grid.shape))]
    if ends != [("periodic", "periodic")] * len(ends):
        sides = "/".join(", ".join(pair) for pair in ends)
        raise ValueError(
            f"{name} works only on periodic domains; the boundary of the context is {sides}. Use "
            "the method fit."
        )
    if isinstance(network, WeakFormHFluxNO):
        return
    present = (_interval(context), *(factor * dx for dx in grid.spacing))
    trained = (config.interval, *config.spacing)
    names = ("Δt", *(f"Δ{axis}" for axis in "xyz"[: len(config.cells)]))
    for spacing, here, there in zip(names, present, trained, strict=True):
        if abs(here - there) > _SAME_SPACING * there:
            raise ValueError(
                f"{name} works at {spacing} = {there:g}; that of the context is {here:g}. "
                "Interpolate or change the units, or use the method fit."
            )


def checked_examples(
    name: str, config: ModelConfig, examples: Any, contexts: int, batched: bool
) -> Float[np.ndarray, "context pair 2 field *space"] | None:
    """The examples of each context, or `None` if the network needs none.

    - `examples`: as given, with a leading axis if they are `batched`.

    Raises `ValueError` if they are not what the network needs.
    """
    pairs = config.pairs
    if pairs is None and examples is None:
        return None
    if pairs is None:
        raise ValueError(f"{name} reads only a context; leave the examples out.")
    if examples is None:
        raise ValueError(
            f"{name} needs examples, {plural(pairs.count, 'pair')} of states of other "
            "trajectories of the same law, which a context does not contain; give them in Python, "
            "forecast(context, steps, examples=pairs), or use a network that reads a context "
            "alone, such as icon-context-cubic."
        )
    found = np.asarray(examples) if batched else np.asarray(examples)[None]
    expected = (contexts, pairs.count, 2, len(config.fields), *config.cells)
    if found.shape != expected or not np.all(np.isfinite(found)):
        raise ValueError(
            f"The examples of {name} must be finite numbers of the shape "
            f"{expected if batched else expected[1:]}, pairs of states "
            f"{plural(pairs.ahead, 'frame')} apart; got the shape "
            f"{found.shape if batched else found.shape[1:]}."
        )
    return found


def fitted_to(network: Network, config: ModelConfig, context: Trajectory) -> Network:
    """The network at the spacing and boundary of a context that it accepts."""
    factor, grid = _factor(network, config, context) or 1, context.grid
    if isinstance(network, (LawNetwork, WeakFormHFluxNO)):
        coarse = dataclasses.replace(grid, shape=tuple(n // factor for n in grid.shape))
        network = dataclasses.replace(network, grid=coarse, interval=_interval(context))
    if factor == 1:
        return network
    assert isinstance(network, (HFluxNO, WeakFormHFluxNO))
    return FinerNetwork(network, grid, factor)


def _takes_more_cells(network: Network, config: ModelConfig) -> bool:
    return len(config.cells) == 1 and isinstance(network, (HFluxNO, WeakFormHFluxNO))


def _factor(network: Network, config: ModelConfig, context: Trajectory) -> int | None:
    """How many cells of the context make one of the network's; `None` if that is impossible."""
    given, own = context.grid.shape, config.cells
    if given == own:
        return 1
    if _takes_more_cells(network, config) and len(given) == 1 and given[0] % own[0] == 0:
        return given[0] // own[0]
    return None


def _interval(context: Trajectory) -> float:
    times = np.asarray(context.times, float)
    return float((times[-1] - times[0]) / max(len(times) - 1, 1))


def _shape(cells: tuple[int, ...]) -> str:
    return "×".join(map(str, cells))
