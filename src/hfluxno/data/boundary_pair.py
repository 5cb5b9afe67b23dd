"""The boundaries of both sides of a line in one text, as the command line takes them."""

from hfluxno.boundary import BOUNDARIES, BoundaryName


def boundary_pair(text: str | None) -> tuple[BoundaryName, BoundaryName]:
    """The boundary of each side from "periodic" or "reflecting,outflow", periodic if nobody says.
    Raises `ValueError` if a name is unknown, or needs what a file cannot provide."""
    text = "periodic" if text is None else text
    if not isinstance(text, str):
        raise ValueError(
            f"The boundaries of a data set are one text, as in 'wall,outflow'; got {text!r}."
        )
    names = [name.strip() for name in text.split(",")]
    known = [name for name in BOUNDARIES if name != "inflow"]
    for name in names:
        if name == "inflow":
            raise ValueError(
                "An inflow boundary needs the state outside the domain, which a file does not "
                "contain: pass it as inflow to Trajectory.from_numpy in Python, or choose outflow."
            )
        if name not in known:
            raise ValueError(f"Unknown boundary {name!r}; choose one of {', '.join(known)}.")
    if len(names) > 2:
        raise ValueError(f"A domain has two sides; got {len(names)} boundaries: {text}.")
    left, right = names[0], names[-1]
    if (left == "periodic") != (right == "periodic"):
        raise ValueError("A periodic boundary joins both sides: make both of them periodic.")
    return left, right  # type: ignore[return-value]
