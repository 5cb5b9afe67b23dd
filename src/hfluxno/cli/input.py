"""The options of several commands that say what to read."""

import dataclasses
import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from hfluxno.data.source import Source
    from hfluxno.identify.plane.saved import SavedPlaneLaw
    from hfluxno.identify.saved.law import SavedLaw

# Options that say where results go and who computes them.
_ELSEWHERE = {"input", "output", "figure", "animate", "json", "scheduler", "workers", "chunk"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class InputConfig:
    """A file, and which part of it to read."""

    input: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="INPUT")]]
    """The file with the snapshots."""
    variable: Annotated[str | None, tyro.conf.arg(metavar="NAME", aliases=["--fields"])] = None
    """The variable to read, if the file has several candidates; h,hu takes two, or two fields of
    one, as the fields of a system, and rho,m,E three; density,momentum,energy are those of a gas in
    two dimensions, where a vector stands for its components."""
    time: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """What the file calls time."""
    x: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """What the file calls x."""
    y: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """What the file calls y, if its frames are two-dimensional."""
    trajectory: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Take only this one of the trajectories of a batch, counted from 0."""
    gamma: Annotated[float | None, tyro.conf.arg(metavar="G")] = None
    """The ratio of specific heats, with which the momentum and the energy of a gas are computed if
    the file has density, velocity and pressure."""
    walls: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The walls inside a plane, as of an obstacle, through which nothing passes: a variable over x
    and y that is 1 (true) in walls and 0 elsewhere, or nan for the cells that are NaN in every
    frame of the context."""
    boundary: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The boundaries at the ends of x: periodic (the default if the file does not say), outflow,
    wall (nothing passes; also called reflecting), open (the inflow is estimated) or given (see
    --ends); two names with a comma (wall,outflow) if the left end differs from the right; in two
    dimensions those of x and of y (wall/periodic)."""
    ends: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The states at the given ends, also for the times of the forecast: a table with the columns
    time, lower and upper (lower_h, upper_h, … for several fields), or NetCDF with the same
    variables along time; by default INPUT contains these variables."""
    cells: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Assign the sensors to a uniform grid of this many cells, 8 or more; by default x itself if it
    is uniform, else the finest grid that leaves at most three quarters of the values missing. Fewer
    than 24 even places between open or given ends are sensors at points: as many cells as places
    says that values are means of cells."""
    domain: Annotated[str | None, tyro.conf.arg(metavar="LOWER,UPPER")] = None
    """The ends of x, if not half a cell beyond the outermost sensors
    (--domain=-1,1 if a number is negative)."""

    missing: Annotated[str | None, tyro.conf.arg(metavar="VALUE")] = None
    """The numbers that stand for missing values, as --missing=-999,9999; they become gaps."""

    @property
    def axes(self) -> dict[str, str]:
        """The names that the user gives for the file's axes."""
        named = {"time": self.time, "x": self.x, "y": self.y}
        return {known: name for known, name in named.items() if name is not None}

    @functools.cached_property
    def given_law(self) -> "SavedLaw | SavedPlaneLaw | None":
        """The law that the option --law of some commands names, read once, so that all parts of a
        command take the same. Raises `ValueError` or `OSError` as `load_law` does."""
        file = getattr(self, "law", None)
        if file is None:
            return None
        # Commands that only read a file do not wait for this.
        from hfluxno.identify import load_law

        return load_law(file)

    def deciding(self) -> list[tuple[str, str]]:
        """The options that affect the results, beside the input; of files, what is in them."""
        from hfluxno.data.parts import file_fingerprint

        names = {each.name for each in dataclasses.fields(self)} - _ELSEWHERE
        found = {name: getattr(self, name) for name in names}
        if self.given_law is not None:
            from hfluxno.identify.saved.file import dumps

            found["law"] = dumps(self.given_law)
        if self.ends is not None:
            found["ends"] = file_fingerprint(self.ends, ())
        return sorted((name, str(value)) for name, value in found.items())

    def read(self, **measured: Any) -> "Source":
        """Reads the file, of which those fields that a given law has; see
        `hfluxno.data.readers.read` for what says how it was measured, and what is raised."""
        from hfluxno.cli.given_law import check_known, with_fields
        from hfluxno.data.marks import marks_of
        from hfluxno.data.numbers import NothingMeasured
        from hfluxno.data.readers import read
        from hfluxno.data.uneven import domain_of

        self.check_line()
        try:
            return read(
                self.input,
                with_fields(self, axes=1).variable,
                self.boundary,
                time=self.time,
                x=self.x,
                cells=self.cells,
                domain=None if self.domain is None else domain_of(self.domain),
                ends=self.ends,
                trajectory=self.trajectory,
                gamma=self.gamma,
                missing=marks_of(self.missing),
                **measured,
            )
        except NothingMeasured as error:
            check_known(self, error.field)
            raise

    def check_line(self) -> None:
        """Checks that no option is for two dimensions only. Raises `ValueError` if one is, with the
        reason why the file has no frames on a plane if it has two axes of one name."""
        if any(option is not None for option in (self.y, self.walls)):
            from hfluxno.data.opening import opened

            with opened(self.input, names=self.axes):
                pass
            raise ValueError(
                f"{self.input} has no two-dimensional frames that could be read, so --y and "
                "--walls have no meaning; leave them out, or see hfluxno check."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasuredConfig(InputConfig):
    """A file, and what is known about its measurement."""

    noise: Annotated[str, tyro.conf.arg(metavar="NOISE")] = "auto"
    """The standard deviation of the noise: auto (estimated), a number, or a variable of INPUT that
    holds one number or one per value; h=0.02,hu=sigma_hu gives one for each field. If it is known,
    law, first state and ends are estimated jointly."""
    flow: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The variable that holds the flow of the one field (cars that pass per unit time, beside their
    density), measured at the same times and places; law, first state and ends are then estimated
    jointly."""
    average: Annotated[float | None, tyro.conf.arg(metavar="DT")] = None
    """The values are means over intervals of this length, in the units of the file's time, with
    their times in the middle, as of detectors that count for half a minute; 0 if they are not
    although the file says so (cell_methods). Also estimated jointly."""
    bounds: Annotated[str | None, tyro.conf.arg(metavar="LEAST,MOST")] = None
    """What the one field is never beyond, as 0,1 for a saturation or 0, for a density
    (--bounds=-1,1 if a number is negative): a law keeps them, and what has reached one does not
    flow at a wall."""

    def read(self, **measured: Any) -> "Source":
        from hfluxno.data.noise import noise_names, read_noise

        measured |= {"flow": self.flow, "average": self.average}
        measured["bounds"] = None if self.bounds is None else bounds_of(self.bounds)
        if self.noise == "auto":
            return super().read(**measured)
        source = super().read(others=noise_names(self.noise), **measured)
        deviation = read_noise(self.noise, source, self.trajectory)
        return dataclasses.replace(source, deviation=deviation)

    def check_method(self, method: str) -> None:
        """Refuses to say how values were measured for a method to which that does not apply. Raises
        `ValueError` where it is said.
        """
        from hfluxno.methods import check_measured

        for name in ("noise", "flow", "average", "bounds"):
            if getattr(self, name) not in (None, "auto"):
                check_measured(method, name)

    def one_noise_of(self, source: "Source") -> tuple[float, ...] | None:
        """One number per field, for work in chunks."""
        if self.noise == "auto":
            return None
        from hfluxno.data.noise import as_one_number, read_noise

        numbers, note = as_one_number(read_noise(self.noise, source))
        if note:
            sys.stderr.write(f"hfluxno: {note}\n")
        return numbers


def bounds_of(text: str) -> tuple[float, float]:
    try:
        low, high = (part.strip() for part in text.split(","))
        if not (low or high):
            raise ValueError("neither is given")
        return float(low or "-inf"), float(high or "inf")
    except ValueError as error:
        raise ValueError(
            f"--bounds needs two numbers, LEAST,MOST, of which one may be left out (0,); got "
            f"{text}."
        ) from error
