"""Data sets of solved trajectories: their configuration, generation and files."""

from typing import TYPE_CHECKING

from hfluxno.data.configuration import Configuration
from hfluxno.data.generate import Block, block_size, blocks, solver
from hfluxno.data.recipes import recipe

if TYPE_CHECKING:
    from hfluxno.data.store import Writer, open_dataset

__all__ = [
    "Block",
    "Configuration",
    "Writer",
    "block_size",
    "blocks",
    "open_dataset",
    "recipe",
    "solver",
]

if not TYPE_CHECKING:  # a type checker would accept any name

    def __getattr__(name):
        """The store loads Zarr, for which users' files need not wait."""
        if name in ("Writer", "open_dataset"):
            import hfluxno.data.store as store

            return getattr(store, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
