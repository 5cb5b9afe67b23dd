"""The attributes and variables of a data set; see `docs/data_format.md`."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from hfluxno.data.configuration import Configuration
from hfluxno.data.recipes import recipe
from hfluxno.version import version_name

SCHEMA = "hfluxno-trajectories"
SCHEMA_VERSION = 1
# Of a configuration, besides its law and precision.
_STORED = {
    "initial": str, "split": str, "seed": int, "laws": int, "initials": int, "cells": int,
    "frames": int, "final_time": float, "thinning": int,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Variable:
    """A variable of the file before it is written."""

    dimensions: tuple[str, ...]
    dtype: np.dtype
    attributes: dict[str, str]
    values: np.ndarray | None = None  # of a coordinate; the others are filled block by block


def attributes(configuration: Configuration) -> dict[str, str | int | float]:
    """The attributes of the file: everything that determines its numbers."""
    made = recipe(configuration.law)
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "law": configuration.law,
        "equation": made.equation,
        "coefficient_ranges": ", ".join(
            f"{name} in [{low:g}, {high:g}]" for name, (low, high) in made.ranges.items()
        ),
        **{name: getattr(configuration, name) for name in _STORED},
        "boundary": "periodic",
        "dtype": configuration.dtype.name,
        **made.solver_attributes(made.law()),
        "hfluxno_version": version_name(),
        "jax_version": jax.__version__,
        "jax_backend": jax.default_backend(),
    }


def configuration_of(attributes: Mapping[str, Any]) -> Configuration:
    """The configuration that these attributes are of."""
    found = {name: kind(attributes[name]) for name, kind in _STORED.items() if name in attributes}
    return Configuration(attributes["law"], float64=attributes["dtype"] == "float64", **found)


def variables(configuration: Configuration) -> dict[str, Variable]:
    real, trajectory = configuration.dtype, ("trajectory",)
    small, index = np.dtype(np.int8), np.dtype(np.int32)

    def coordinate(dimension: str, values: np.ndarray, **attributes: str) -> Variable:
        return Variable((dimension,), values.dtype, attributes, values)

    grid, axes = configuration.grid, ("x", "y")[: len(configuration.grid.shape)]
    centers = {
        axis: coordinate(axis, grid.centers(i), units="1", long_name="cell centre")
        for i, axis in enumerate(axes)
    }
    return {
        "time": coordinate("time", configuration.times, units="1", long_name="time"),
        "field": coordinate("field", np.asarray(configuration.fields), long_name="conserved field"),
        **centers,
        "parameter": coordinate(
            "parameter", np.asarray(configuration.parameters), long_name="coefficient of the law"
        ),
        "values": Variable(
            ("trajectory", "time", "field", *axes),
            real,
            {"units": "1", "long_name": "cell average; NaN from where a run failed"},
        ),
        "coefficients": Variable(
            ("trajectory", "parameter"), real, {"units": "1", "long_name": "coefficients"}
        ),
        "status": Variable(
            trajectory,
            small,
            {"long_name": "0 solved, 1 the state became non-finite, 2 too many steps"},
        ),
        "law": Variable(trajectory, index, {"long_name": "index of the coefficient draw"}),
        "initial": Variable(trajectory, index, {"long_name": "index of the initial condition"}),
    }
