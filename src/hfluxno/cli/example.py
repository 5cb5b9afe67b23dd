"""The example file: in the installed package, or in the checkout."""

from pathlib import Path

NAME = "traffic.nc"


def example_file() -> Path:
    """The path of the example. Raises `FileNotFoundError` if this copy of hfluxno does not include
    it."""
    package = Path(__file__).parents[1]
    places = (package / "examples" / NAME, package.parents[1] / "examples" / NAME)
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"The example {NAME} is missing from this copy of hfluxno; reinstall it, or forecast a "
        "file of your own."
    )
