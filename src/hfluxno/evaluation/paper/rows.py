"""The description of a row in one line: which network, how it was trained, and how that differs
from the published one."""

from collections.abc import Iterator
from typing import Any

from hfluxno.evaluation.paper.published import parameters
from hfluxno.evaluation.paper.results import Plain
from hfluxno.models.forecaster import NetworkForecaster
from hfluxno.strict_json import to_dict

# What a network forecasts, rather than how it is made.
_NOT_THE_NETWORK = ("fields", "cells", "spacing", "interval")
_ABSENT = "–"


def network_record(network: NetworkForecaster) -> Plain:
    """The record of a network, from that of its weights."""
    training = network.training
    of_training = {} if training is None else vars(training)
    kept = ("data_set", "preset", "seed", "steps", "batch", "loss", "augmentation", "optimizer")
    return {
        "parameters": parameters(network.config),
        "model": to_dict(network.config),
        **{key: of_training.get(key) for key in (*kept, "minutes")},
        "updates": None if training is None else training.updates,
    }


def size(records: list[Plain]) -> str:
    """The number of parameters in millions; of several networks the least and the largest."""
    counts = [record["network"]["parameters"] for record in records if record.get("network")]
    ends = dict.fromkeys(f"{1e-6 * count:.2f}" for count in (min(counts), max(counts)))
    return "–".join(ends) + " M"


def line(title: str, records: list[Plain], published: Plain | None) -> str | None:
    """The description of the row with that title; `None` for one without a network.

    - `records`: of each seed.
    - `published`: the published network and its training, if the row stands beside its errors.
    """
    networks = [record["network"] for record in records if record.get("network")]
    if not networks:
        return None
    one = networks[0]
    seeds = ", ".join(str(network["seed"]) for network in networks)
    ours = _described(one) + f"; seed{'s' * (len(networks) > 1)} {seeds}"
    if published is None:
        return f"{title}: {ours}."
    count = published["seeds"]
    theirs = f"{_described(published)}; {'one seed' if count == 1 else f'{count} seeds'}"
    differ = ", ".join(_differences(one["model"], published["model"]))
    return (
        f"{title}: {ours}. Published: {theirs}."
        f"{f' The networks differ in {differ}.' if differ else ''}"
    )


def _described(network: Plain) -> str:
    # Records of version 0.1.0 have the number alone.
    updates = network.get("updates") or f"{network['steps'] or 0:,}"
    return (
        f"{network['parameters']:,} parameters; {updates} updates of "
        f"{network['batch']} windows of {network['data_set']}; loss {network['loss']}; "
        f"augmentation {network['augmentation']}; {network['optimizer']}"
    )


def _differences(ours: Any, theirs: Any, name: str = "") -> Iterator[str]:
    """Differences like `embedding 64 (published 128)`. A key that one of them lacks is an option of
    another version."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in ours:
            if key in theirs and key not in _NOT_THE_NETWORK:
                yield from _differences(ours[key], theirs[key], f"{name}.{key}".strip("."))
    elif ours != theirs:
        yield f"{name} {_plain(ours)} (published {_plain(theirs)})"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("kind", "given"))
    return _ABSENT if value is None else str(value)
