"""What the fields of a one-dimensional file act as, as sentences."""

from typing import TYPE_CHECKING

from hfluxno.trajectory import Trajectory

if TYPE_CHECKING:
    from hfluxno.identify.acting import Acting


def mistakes(context: Trajectory) -> list[str]:
    """Fields that are not conserved, and what to put in their place."""
    from hfluxno.identify.acting import acting

    found = acting(context)
    return [] if found.is_used else list(sentences(found).values())


def sentences(found: "Acting") -> dict[str, str]:
    """What each field that is not conserved does."""
    words = {}
    if (change := found.momentum) is not None:
        velocity, density = change.velocity, change.density
        what = f"{velocity} carries {density} as a velocity does, and is not conserved"
        if found.is_used:
            words[velocity] = f"{what} in shocks: a law of the momentum {change} is sought instead."
        else:
            words[velocity] = f"{what}: put the momentum in its place, {density} · {velocity}."
    if found.pressure is not None:
        words[found.pressure] = (
            f"{found.pressure} moves the momentum as a pressure does, with γ = {found.gamma:.3g}, "
            "and is not conserved: put the energy in its place, which --gamma computes from fields "
            "called density, velocity and pressure."
        )
    return words
