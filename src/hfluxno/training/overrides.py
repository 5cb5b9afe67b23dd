"""Single values of a configuration replaced by text from a command line."""

import json
from collections.abc import Mapping
from typing import Any

from hfluxno.strict_json import from_dict, to_dict
from hfluxno.training.configuration import TrainConfig


def override(config: TrainConfig, changes: Mapping[str, str]) -> TrainConfig:
    """The configuration with other values.

    - `changes`: by place, such as `optimizer.peak`. Text that is JSON is parsed (`1e-3`, `true`,
      `null`, `[4]`), any other is taken literally.

    Raises `ValueError` if there is no such place, or the value is not one for it.
    """
    tree = to_dict(config)
    for place, text in changes.items():
        *path, last = place.split(".")
        branch: Any = tree
        for i, key in enumerate(path):
            branch = _at(branch, key, ".".join(path[:i]))
        _at(branch, last, ".".join(path))
        branch[last] = _value(text)
    return from_dict(TrainConfig, tree, "the training configuration")


def _at(branch: Any, key: str, where: str) -> Any:
    if not isinstance(branch, dict) or key not in branch:
        known = f"; it may be one of {', '.join(branch)}" if isinstance(branch, dict) else ""
        place = f" in {where}" if where else ""
        raise ValueError(f"Unknown key {key!r}{place} of the training configuration{known}.")
    return branch[key]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
