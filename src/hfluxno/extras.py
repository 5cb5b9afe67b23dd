"""Packages that only an extra of hfluxno installs, and the message if one is missing.

The core identifies, solves, forecasts, reads, writes and draws. Code that needs more calls
`require` before the import, so a missing package gives one sentence that says how to install it.
"""

import importlib.util

# The modules of each extra of `pyproject.toml`.
EXTRAS: dict[str, tuple[str, ...]] = {
    "cluster": ("dask", "distributed"),
    "explore": ("bokeh", "panel"),
    "hub": ("huggingface_hub",),
    "logs": ("tensorboardX", "wandb"),
    "networks": ("diffrax", "safetensors"),
    "parquet": ("pyarrow",),
    "train": ("grain", "optax", "orbax.checkpoint"),
}


class MissingExtra(ImportError, ValueError):
    """A package of an extra is missing; the command line prints the message, as for every
    `ValueError`."""


def require(what: str, extra: str, *modules: str, otherwise: str = "") -> None:
    """Checks that modules of an extra can be imported, without importing them.

    - `what`: the part that needs them; the message begins with it.
    - `modules`: which modules of the extra; by default all.
    - `otherwise`: what can be done instead, such as "or save the table as CSV".

    Raises `MissingExtra` if one of them is missing.
    """
    missing = [module for module in modules or EXTRAS[extra] if not _is_installed(module)]
    if missing:
        instead = f", {otherwise}" if otherwise else ""
        raise MissingExtra(
            f"{what} needs {', '.join(missing)}: pip install 'hfluxno[{extra}]'{instead}."
        )


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the parent package
        return False
