"""Published errors, and the networks and trainings that they belong to.

Errors are in `published.json`, by norm, set and method: after 1 step / 20 steps. The networks are
those of our presets `paper-METHOD-SET`, whose sizes are the published ones. Three seeds of each
were trained, but only one of ICON, whose error after one step was not published.

The published errors of Burgers' equation include a last frame of zeros, which the authors' solver
did not fill. One window in 62 ends there, and even a perfect forecast u has the error ‖u_last‖/‖(u,
…, u, 0)‖ in it: .22 (l2) and .91 to .96 (l∞) on average, so the published means over 20 steps are
too high by a 62nd of that, `zero_frame`.
"""

import functools
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp

from hfluxno.evaluation.paper.problems import Problem
from hfluxno.evaluation.paper.results import Plain
from hfluxno.models.configuration import ModelConfig
from hfluxno.strict_json import to_dict
from hfluxno.training.configuration import TrainConfig
from hfluxno.training.presets import PRESETS
from hfluxno.training.release import protocol

_SEEDS = {"icon": 1}
_USUAL_SEEDS = 3
Pair = tuple[float | None, float | None]
# Rows with the published architecture, of any size; the variants of HFluxNO are not among them.
_ARCHITECTURE = {"hfluxno-base": "hfluxno", "hfluxno-small": "hfluxno"}


@functools.cache
def _file() -> Plain:
    return json.loads(Path(__file__).with_name("published.json").read_text("utf-8"))


def errors() -> Plain:
    """By norm, set and method."""
    return _file()["errors"]


def zero_frame(norm: str, problem: str) -> float | None:
    """How much the zero frame adds to the published errors over 20 steps of a set."""
    return _file()["zero_frame"].get(problem, {}).get(norm)


def published_for(norm: str, problem: str, method: str) -> Pair | None:
    """The errors after 1 step and 20 steps of the method that has the architecture of a row."""
    found = errors()[norm].get(problem, {}).get(_ARCHITECTURE.get(method, method))
    return None if found is None else (found[0], found[1])


def published_network(problem: Problem, method: str) -> Plain | None:
    """The published network and its training as a `network_record`, if there is a preset."""
    name = _ARCHITECTURE.get(method, method)
    config = PRESETS.get(f"paper-{name}-{problem.trained}")
    return None if config is None else _record(config, _SEEDS.get(name, _USUAL_SEEDS))


@functools.cache
def _record(config: TrainConfig, seeds: int) -> Plain:
    return {
        "parameters": parameters(config.model),
        "model": to_dict(config.model),
        "steps": config.steps,
        "seeds": seeds,
        **protocol(config),
    }


def parameters(config: ModelConfig) -> int:
    """The number of real parameters of a network; a complex one counts twice."""
    network = eqx.filter_eval_shape(config.build, jax.random.key(0))
    arrays = eqx.filter(network, lambda leaf: hasattr(leaf, "shape") and hasattr(leaf, "dtype"))
    leaves = [leaf for leaf in jax.tree.leaves(arrays) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    return sum(leaf.size * (2 if jnp.iscomplexobj(leaf) else 1) for leaf in leaves)
