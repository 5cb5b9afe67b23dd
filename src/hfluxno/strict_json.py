"""Configurations to JSON and back, with nothing lost or guessed.

A dataclass becomes an object; if a field may hold one of several dataclasses, the object says which
under "kind". An abstract dataclass stands for those that its class method `kinds` lists. Reading
rejects unknown and missing keys, unknown kinds and wrong types: a misspelt option that silently
falls back to its default would give a different model from the one described.

A class that has gained a key has a class method `upgraded`, which completes the object of an
earlier file: a law that was saved must stay readable.
"""

import dataclasses
import inspect
import math
import types
import typing
from collections.abc import Callable
from typing import Any, Literal

from hfluxno.plural import plural


def to_dict(config: Any) -> Any:
    """Plain numbers, strings, lists and dictionaries."""
    if dataclasses.is_dataclass(config):
        hints = typing.get_type_hints(type(config))
        result = {}
        for field in dataclasses.fields(config):
            value = getattr(config, field.name)
            plain = to_dict(value)
            if dataclasses.is_dataclass(value) and _is_choice(hints[field.name]):
                plain = {"kind": type(value).__name__} | plain
            result[field.name] = plain
        return result
    if isinstance(config, (tuple, list)):
        return [to_dict(item) for item in config]
    return config


def finite(number: Any) -> float | None:
    """The number, or `None` for one that JSON does not have."""
    return float(number) if math.isfinite(number) else None


def with_entries(data: Any, changed: Callable[[Any], Any]) -> Any:
    """The same dictionaries and lists, with `changed` entries."""
    if isinstance(data, dict):
        return {key: with_entries(entry, changed) for key, entry in data.items()}
    if isinstance(data, (tuple, list)):
        return [with_entries(entry, changed) for entry in data]
    return changed(data)


def from_dict(kind: Any, data: Any, where: str = "the configuration") -> Any:
    """A value of the type `kind` from what `to_dict` made of it.

    - `where`: what messages call the value.

    Raises `ValueError` if the data do not describe such a value.
    """
    if _is_choice(kind):
        return _from_union(_members(kind), data, where)
    if dataclasses.is_dataclass(kind):
        return _from_object(kind, data, where)
    origin = typing.get_origin(kind)
    if origin is tuple:
        return _from_list(kind, data, where)
    if origin is Literal:
        choices = typing.get_args(kind)
        if data not in choices:
            raise ValueError(
                f"Unknown {where} {data!r}; choose one of {', '.join(map(str, choices))}."
            )
        return data
    if kind is float and type(data) is int:
        return float(data)
    if type(data) is not kind:
        raise ValueError(f"{where} must be of type {kind.__name__}; got {data!r}.")
    return data


def _is_choice(kind: Any) -> bool:
    return inspect.isabstract(kind) or len(_members(kind)) > 1


def _members(kind: Any) -> tuple[Any, ...]:
    if inspect.isabstract(kind):
        return kind.kinds()
    is_union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    return typing.get_args(kind) if is_union else (kind,)


def _from_union(members, data, where):
    if data is None and type(None) in members:
        return None
    present: list[type] = [member for member in members if member is not type(None)]
    classes = {member.__name__: member for member in present if dataclasses.is_dataclass(member)}
    if classes:
        if not isinstance(data, dict):
            raise ValueError(f"{where} must be an object; got {data!r}.")
        name = data.get("kind")
        if not isinstance(name, str) or name not in classes:
            raise ValueError(
                f"Unknown kind {name!r} of {where}; choose one of {', '.join(classes)}."
            )
        rest = {key: value for key, value in data.items() if key != "kind"}
        return _from_object(classes[name], rest, where)
    if len(present) > 1:
        raise TypeError(f"{where} may be of several plain types, which JSON cannot tell apart.")
    return from_dict(present[0], data, where)


def _from_object(kind, data, where):
    if not isinstance(data, dict):
        raise ValueError(f"{where} must be an object; got {data!r}.")
    if hasattr(kind, "upgraded"):
        data = kind.upgraded(data)
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    unknown = [key for key in data if key not in names]
    if unknown:
        raise ValueError(f"Unknown key {unknown[0]!r} in {where}; it may have {', '.join(names)}.")
    missing = [name for name in names if name not in data]
    if missing:
        raise ValueError(f"The key {missing[0]!r} is missing in {where}.")
    return kind(**{name: from_dict(hints[name], data[name], name) for name in names})


def _from_list(kind, data, where):
    if not isinstance(data, list):
        raise ValueError(f"{where} must be a list; got {data!r}.")
    items = typing.get_args(kind)
    if len(items) == 2 and items[1] is Ellipsis:
        items = (items[0],) * len(data)
    if len(items) != len(data):
        raise ValueError(f"{where} must have {plural(len(items), 'entry')}; got {len(data)}.")
    return tuple(from_dict(item, entry, where) for item, entry in zip(items, data, strict=True))
