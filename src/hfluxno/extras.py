"""Packages that only an extra of hfluxno installs, and the sentence where one is missing.

The core identifies, solves, forecasts, reads, writes and draws. Whoever needs more asks for it here
before importing it, so a missing package ends in one sentence that says how to install it.
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
    """A package of an extra is missing; the command line prints the sentence, as that of every
    `ValueError`."""


def require(what: str, extra: str, *modules: str, otherwise: str = "") -> None:
    """Checks that modules of an extra can be imported, without importing them.

    **Arguments:**

    - `what`: needs them; the sentence begins with it.
    - `modules`: of the extra; all of them if none are named.
    - `otherwise`: what can be done instead, such as "or save the table as CSV".

    **Raises:**

    - `MissingExtra`, if one of them is missing.
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
    except ModuleNotFoundError:  # the package that it would be in
        return False
