"""Data sets of solved trajectories: their configuration, generation and files."""

from hfluxno.data.configuration import Configuration
from hfluxno.data.generate import Block, block_size, blocks, solver
from hfluxno.data.recipes import INITIALS, RECIPES, SPLITS, Recipe, recipe
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
