"""`hfluxno benchmark euler2d`: forecasts of a gas in two dimensions, a table and a picture."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hfluxno.cli import runtime

if TYPE_CHECKING:
    from hfluxno.cli.benchmark import BenchmarkConfig

_TRAJECTORIES, _SMOKE = 16, 2
_SMOKE_CELLS, _SMOKE_METHODS = 16, ("persistence",)
_RESULTS, _TABLE, _PICTURE = "results.json", "table.md", "euler2d.png"


def main(config: "BenchmarkConfig") -> int:
    """Measures whatever is missing, and draws. Raises `ValueError` if an option, weights, a file or
    results cannot be used; `OSError` if a file cannot be read or written.
    """
    from rich.console import Console
    from rich.markup import escape

    from hfluxno.cli.benchmark import filled, names_of, pairs_of, progress_of
    from hfluxno.data.replacing import check_writable, replace_text, replacing
    from hfluxno.evaluation.paper import layout
    from hfluxno.evaluation.paper.results import Results, read
    from hfluxno.evaluation.plane.measure import SET, plane_methods, run
    from hfluxno.evaluation.plane.table import plane_table
    from hfluxno.plots.plane_benchmark import errors_and_maps
    from hfluxno.plots.style import save

    names = names_of(config.methods) or (_SMOKE_METHODS if config.smoke else ())
    added = {name: names_of(value) for name, value in pairs_of("add", config.add).items()}
    methods = plane_methods(names, added)
    sample = _sample(config)
    if config.markdown is not None:
        check_writable(config.markdown, (".md",))
        filled(config.markdown, "", SET)
    config.output.mkdir(parents=True, exist_ok=True)
    results = Results(config.output / _RESULTS, sample.conditions())
    console = Console(stderr=True, highlight=False)
    with runtime.prepared(), progress_of(console) as started:
        run(
            results,
            sample,
            methods,
            started=started,
            report=lambda sentence: console.print(escape(sentence), soft_wrap=True),
        )
    if not any(results.records.get(SET, {}).values()):
        raise ValueError("No method could forecast these windows, so there is nothing to draw.")
    found = read(results.path)
    text = layout.markdown([plane_table(found)])
    replace_text(config.output / _TABLE, text)
    if config.markdown is not None:
        replace_text(config.markdown, filled(config.markdown, text, SET))
    with replacing(config.output / _PICTURE) as (temporary,):
        save(errors_and_maps(found), temporary)
    sys.stdout.write(f"{text}\nwrote {config.output}\n")
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
