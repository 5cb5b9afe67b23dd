"""`hfluxno benchmark euler2d`: forecasts of a gas in two dimensions, a table and a picture."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfluxno.cli.benchmark import BenchmarkConfig

_TRAJECTORIES, _SMOKE = 16, 2
_SMOKE_CELLS, _SMOKE_METHODS = 16, ("persistence",)
_TABLE, _PICTURE = "table.md", "euler2d.png"


def main(config: "BenchmarkConfig") -> int:
    """Measures whatever is missing, and draws. Raises `ValueError` if an option, weights, a file or
    results cannot be used; `OSError` if a file cannot be read or written."""
    from hfluxno.cli.benchmark import measured, names_of, pairs_of, write
    from hfluxno.evaluation.paper import layout
    from hfluxno.evaluation.plane.measure import SET, plane_methods, run
    from hfluxno.evaluation.plane.table import plane_table
    from hfluxno.plots.plane_benchmark import errors_and_maps

    names = names_of(config.methods) or (_SMOKE_METHODS if config.smoke else ())
    added = {name: names_of(value) for name, value in pairs_of("add", config.add).items()}
    methods = plane_methods(names, added)
    sample = _sample(config)
    work = functools.partial(run, sample=sample, methods=methods)
    found = measured(config, sample.conditions(), SET, work)
    if not any(found["records"].get(SET, {}).values()):
        raise ValueError("No method could forecast these windows, so there is nothing to draw.")
    text = layout.markdown([plane_table(found)])
    write(config, SET, {_TABLE: text}, {_PICTURE: errors_and_maps(found)}, text)
    return 0


def _sample(config: "BenchmarkConfig"):
    from hfluxno.cli.benchmark import pairs_of
    from hfluxno.evaluation.plane.measure import SET
    from hfluxno.evaluation.plane.sample import PlaneSample

    files = pairs_of("data", config.data)
    for name in files:
        if name != SET:
            raise ValueError(f"Unknown set {name!r}; choose {SET}.")
    laws = _TRAJECTORIES if config.laws is None else config.laws
    cells = config.cells
    if config.smoke:
        laws, cells = _SMOKE, _SMOKE_CELLS
    file = Path(files[SET]) if SET in files else None
    return PlaneSample(laws, cells, config.seed, file)
