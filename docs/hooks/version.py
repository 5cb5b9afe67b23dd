"""The foot of every page of the site says which version it describes.

A site that mike builds has a selector of versions. Others do not ask for a list of versions, which
they have not.
"""

import os
import tomllib
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

_PROJECT = Path(__file__).parents[2] / "pyproject.toml"
_SET_BY_MIKE = "MIKE_DOCS_VERSION"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Adds the version of the sources, and the selector."""
    project = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]
    config.copyright = f"hfluxno {project['version']}"
    if _SET_BY_MIKE in os.environ:
        config.extra["version"] = {"provider": "mike"}
    return config
