"""The cost of methods: Table 5, and error against time of the classical solver.

Size and cost of the published networks need no training: fresh ones are listed beside ours.

| number | how |
|---|---|
| parameters | real numbers; a complex one counts twice |
| megabytes | of the parameters in single precision |
| FLOPs | of one predicted frame, as the compiled program counts them |
| training step | milliseconds of one update of 64 windows with the preset of the weights |
| forecast | milliseconds of `STEPS` frames from a single context |

A method without a fixed program (the solvers choose their steps) has no count of FLOPs.
"""

import contextlib
import dataclasses
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from hfluxno.evaluation.errors import summary
from hfluxno.evaluation.paper.contenders import PreparedMethod, known_law, prepared_network
from hfluxno.evaluation.paper.measure import forecast_windows
from hfluxno.evaluation.paper.problems import STEPS
from hfluxno.evaluation.paper.published import parameters
from hfluxno.evaluation.paper.results import Plain
from hfluxno.evaluation.paper.sample import WindowSet
from hfluxno.models.forecaster import NetworkForecaster
from hfluxno.training.configuration import TrainConfig
from hfluxno.training.presets import PRESETS
from hfluxno.training.sharding import Placement
from hfluxno.training.trainer import beginning, make_batch_source

# Cells of the classical solver, besides those of the data.
GRIDS = (20, 25, 50, 100, 200, 400)
# Methods whose published sizes are measured too.
_PUBLISHED = ("hfluxno", "dpot", "disco", "fno")
_BATCH = 64
_REPEATS = 5


def cost(ready: PreparedMethod, test: WindowSet, config: TrainConfig | None = None) -> Plain:
    """The numbers of one method, on the contexts of a set.

    - `config`: how its network is trained; by default the preset of its weights.

    Raises `ValueError` if the set has no window for it.
    """
    batch = next(test.batches(ready.context, STEPS, ready.pairs), None)
    if batch is None:
        raise ValueError(f"No window of {test.problem.name} can be used; draw more laws.")
    one = batch.first(1)
    context = test.context(one, ready.context)

    def forecast():
        ready.forecast(context, one, STEPS)

    found: Plain = {
        "fingerprint": ready.fingerprint,
        "forecast_milliseconds": 1e3 * _seconds(forecast),
    }
    if ready.network is None:
        return found
    count, training = parameters(ready.network.config), ready.network.training
    if config is None and training is not None:
        config = PRESETS.get(training.preset)
    return found | {
        "parameters": count,
        "megabytes": 4e-6 * count,
        "flops": _flops(ready.network),
        "training_milliseconds": None if config is None else _training_step(config),
    }


def published_sizes(test: WindowSet) -> dict[str, Plain]:
    """The numbers of fresh networks of the published sizes, by method."""
    found = {}
    for method in _PUBLISHED:
        config = PRESETS[f"paper-{method}-{test.problem.trained}"]
        fresh = NetworkForecaster(config.model.build(jax.random.key(0)), config.model, method)
        found[method] = cost(prepared_network(fresh, method), test, config)
    return found


def classical(test: WindowSet) -> list[Plain]:
    """The true law on coarser and finer grids: the error over `STEPS` frames and the time."""
    found, given = [], test.configuration.cells
    for cells in GRIDS:
        if cells % given and given % cells:
            continue
        errors, seconds = forecast_windows(known_law(test.problem.law, cells), test)
        assert errors is not None  # there are windows, as `cost` found one
        milliseconds = 1e3 * seconds / errors.sizes["window"]
        error = summary(errors, "l2_joint", STEPS).mean
        found.append({"cells": cells, "error": error, "milliseconds": milliseconds})
    return found


def _flops(forecaster: NetworkForecaster) -> float | None:
    config = forecaster.config
    state = (len(config.fields), *config.cells)
    arrays, static = eqx.partition(forecaster.network, eqx.is_array)

    @jax.jit
    def program(arrays, context, shown):
        network = eqx.combine(arrays, static)
        return (network if shown is None else network.shown(shown)).predict(context)

    context = jax.ShapeDtypeStruct((config.context, *state), jnp.float32)
    shown = config.pairs and jax.ShapeDtypeStruct((config.pairs.count, 2, *state), jnp.float32)
    compiled = program.lower(arrays, context, shown).compile()
    analysis = compiled.cost_analysis()
    counted = analysis.get("flops") if isinstance(analysis, dict) else None
    return None if counted is None or counted <= 0 else float(counted)


def _training_step(config: TrainConfig) -> float:
    config = dataclasses.replace(config, batch=_BATCH)
    placement = Placement.on(None)
    step, state, _ = beginning(config, placement)
    with contextlib.closing(make_batch_source(config).batches(0)) as batches:
        batch = placement.batch(next(batches))

    def update():
        nonlocal state
        state, metrics = step(state, batch)
        metrics["loss"].block_until_ready()

    return 1e3 * _seconds(update)


def _seconds(function) -> float:
    """The median time of a call, without the first, which compiles."""
    function()
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return float(np.median(times))
