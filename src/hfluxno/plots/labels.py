"""The labels of a picture: the names of the quantities and their units."""

import dataclasses

from hfluxno.units import bare, of_flux, rate


@dataclasses.dataclass(frozen=True)
class Labels:
    """Names and units; a unit of "" or "1" is left out.

    **Attributes:**

    - `fields`, `x`, `time`, `y`: the names.
    - `field_units`, `x_units`, `time_units`, `y_units`: the units; one for all fields, or one per
      field.
    - `origin`: added to the times of the trajectories.
    """

    fields: tuple[str, ...]
    field_units: str | tuple[str, ...] = ""
    x: str = "x"
    x_units: str = ""
    time: str = "time"
    time_units: str = ""
    origin: float = 0.0
    y: str = "y"
    y_units: str = ""

    def __post_init__(self) -> None:
        # A dollar sign in the user's names must not begin a formula.
        for name in ("x", "x_units", "y", "y_units", "time", "time_units"):
            object.__setattr__(self, name, getattr(self, name).replace("$", r"\$"))
        if isinstance(self.field_units, str):
            object.__setattr__(self, "field_units", (self.field_units,) * len(self.fields))
        for name in ("fields", "field_units"):
            words = tuple(word.replace("$", r"\$") for word in getattr(self, name))
            object.__setattr__(self, name, words)

    def field_axis(self, index: int) -> str:
        return with_units(self.fields[index], self.field_units[index])

    @property
    def x_axis(self) -> str:
        return with_units(self.x, self.x_units)

    @property
    def y_axis(self) -> str:
        return with_units(self.y, self.y_units)

    @property
    def time_axis(self) -> str:
        return with_units(self.time, self.time_units)

    @property
    def speed_units(self) -> str:
        return rate(bare(self.x_units), self.time_units)

    def flux_units(self, index: int) -> str:
        return of_flux(bare(self.field_units[index]), self.speed_units)

    @property
    def diffusivity_units(self) -> str:
        x_units = bare(self.x_units)
        return rate(f"{x_units}²" if x_units else "", self.time_units)

    def source_units(self, index: int) -> str:
        return rate(bare(self.field_units[index]), self.time_units)


def with_units(name: str, units: str) -> str:
    return f"{name} ({bare(units)})" if bare(units) else name
