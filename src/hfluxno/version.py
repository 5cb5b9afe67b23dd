"""The version of this copy of hfluxno."""

from importlib.metadata import PackageNotFoundError, version


def version_name() -> str:
    try:
        return version("hfluxno")
    except PackageNotFoundError:  # run from sources that are not installed
        return "unknown"
