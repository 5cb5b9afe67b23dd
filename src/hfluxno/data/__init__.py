"""Data sets of solved trajectories: their configuration, generation and files."""

import importlib
from typing import TYPE_CHECKING

from hfluxno.data.configuration import Configuration
from hfluxno.data.generate import Block, block_size, blocks, solver
from hfluxno.data.recipes import INITIALS, RECIPES, SPLITS, Recipe, recipe

if TYPE_CHECKING:
    from hfluxno.data.schema import SCHEMA, SCHEMA_VERSION
    from hfluxno.data.store import Writer, open_dataset

__all__ = [
    "INITIALS",
    "RECIPES",
    "SCHEMA",
    "SCHEMA_VERSION",
    "SPLITS",
    "Block",
    "Configuration",
    "Recipe",
    "Writer",
    "block_size",
    "blocks",
    "open_dataset",
    "recipe",
    "solver",
]

_OF_THE_STORE = ("SCHEMA", "SCHEMA_VERSION", "Writer", "open_dataset")


if not TYPE_CHECKING:  # a type checker would accept any name

    def __getattr__(name):
        """The store loads Zarr, for which users' files need not wait."""
        if name in _OF_THE_STORE:
            return getattr(importlib.import_module("hfluxno.data.store"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
