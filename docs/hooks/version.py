"""The foot of every page of the site says which version it describes."""

import tomllib
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

_PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Adds the version of the sources."""
    project = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]
    config.copyright = f"hfluxno {project['version']}"
    return config
