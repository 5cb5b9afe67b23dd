"""Where the example file is: in the installed package, or in the checkout that it runs from."""

from pathlib import Path

NAME = "traffic.nc"


def example_file() -> Path:
    """The path of the example.

    **Raises:**

    - `FileNotFoundError`, where this copy of hfluxno came without it.
    """
    package = Path(__file__).parents[1]
    places = (package / "examples" / NAME, package.parents[1] / "examples" / NAME)
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"The example {NAME} is missing from this copy of hfluxno; install it anew, or forecast a "
        "file of your own."
    )
