"""How accurate the shipped networks are: the tables of the documentation.

    python benchmarks/weights.py [--weights NAME …] [--laws N] [--initials N] [--every N]
                                 [--json FILE] [--markdown FILE …]

For each network the test split of its law is solved (N laws, each with N initial conditions), with
smooth and with step initial data, and the windows of 20 + 20 frames with t ≤ 0.5 are forecast, all
or those that start at every N-th frame; the errors of the paper stand beside. Then every network
for one field continues the example, averaged to 100 cells, beside the fitted law. A Markdown file
gets the first table between its lines "weights: begin" and "weights: end", the second between
"example: begin" and "example: end"; it needs one of the two pairs.
"""

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xarray as xr
from accuracy import processors

import hfluxno
from hfluxno.cli.runtime import prepared
from hfluxno.data import Configuration, Writer, blocks
from hfluxno.data.replacing import check_writable, replacing
from hfluxno.evaluation import relative_l2
from hfluxno.evaluation.tables import inserted
from hfluxno.evaluation.windows import Errors, evaluate
from hfluxno.methods import forecaster as forecaster_of
from hfluxno.models.parts import LawConfig
from hfluxno.models.weights import shipped

EXAMPLE = Path(__file__).parents[1] / "examples" / "traffic.nc"
CONTEXT, STEPS = 20, 20
# Relative l2 errors of the published HFluxNO after one step and over 20, in one piece.
PUBLISHED = {
    ("cubic", "grf"): (0.00410, 0.0521),
    ("shallow-water", "grf"): (0.00627, 0.0755),
    ("burgers", "grf"): (0.00132, 0.0172),
    ("shallow-water", "steps"): (0.125, 0.428),
    ("burgers", "steps"): (0.00165, 0.0221),
}
REFINEMENT = 3


@dataclasses.dataclass(frozen=True)
class Row:
    """The errors of one network on one set."""

    weights: str
    refinement: int
    law: str
    initial: str
    errors: Errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", nargs="+", choices=shipped(), default=shipped())
    parser.add_argument("--laws", type=int, default=100)
    parser.add_argument("--initials", type=int, default=2, help="of each law")
    parser.add_argument("--every", type=int, default=1, help="windows start at every N-th frame")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", nargs="+", default=[])
    options = parser.parse_args()
    if options.json:
        check_writable(options.json, (".json",))
    for file in options.markdown:
        check_writable(file, (".md",))
        filled(file.read_text(encoding="utf-8"), {"weights": "", "example": ""})
    with prepared(), tempfile.TemporaryDirectory() as folder:
        rows = run(options, Path(folder))
        example = on_the_example(options.weights)
    conditions = (
        f"{options.laws} laws with {options.initials} initial conditions each"
        f"{'' if options.every == 1 else f', windows from every {options.every}th frame'}; "
        f"{processors()}, JAX on cpu."
    )
    tables = {"weights": f"{conditions}\n\n{table(rows)}", "example": example}
    print("\n{weights}\n{example}".format(**tables))
    if options.json:
        report = {"conditions": conditions, "rows": [dataclasses.asdict(row) for row in rows]}
        with replacing(options.json) as (path,):
            path.write_text(json.dumps(report, indent=1), encoding="utf-8")
    for file in options.markdown:
        whole = filled(file.read_text(encoding="utf-8"), tables)
        with replacing(file) as (path,):
            path.write_text(whole, encoding="utf-8")


def filled(text: str, tables: dict[str, str]) -> str:
    """The text with those tables that it has a place for.

    **Raises:**

    - `ValueError`, where it has none.
    """
    present = [name for name in tables if f"{name}: begin" in text] or list(tables)
    for name in present:
        text = inserted(text, tables[name], name)
    return text


def run(options, folder: Path) -> list[Row]:
    """The rows of all networks, printed as soon as they are there."""
    rows = []
    for name in options.weights:
        forecaster = hfluxno.load(name)
        infers = isinstance(forecaster.config.target, LawConfig)
        for initial in ("grf", "steps"):
            path = solved(law_of(name), initial, options, folder)
            for refinement in (0, REFINEMENT) if infers else (0,):
                used = forecaster.refined(refinement) if infers else forecaster
                errors = evaluate(used, path, steps=STEPS, every=options.every)
                rows.append(Row(name, refinement, law_of(name), initial, errors))
                print(table(rows[-1:]).splitlines()[-1], flush=True)
    return rows


def law_of(name: str) -> str:
    """The law that a network was trained on."""
    return name.removeprefix("hfluxno-").removesuffix("-law")


def solved(law: str, initial: str, options, folder: Path) -> Path:
    """The file of a test split; solved once."""
    path = folder / f"{law}-{initial}.nc"
    if not path.exists():
        configuration = Configuration(
            law,
            split="test",
            laws=options.laws,
            initials=options.initials,
            initial=initial,
        )
        writer = Writer(configuration, path)
        for block in blocks(configuration):
            writer.write(block)
        writer.finish()
    return path


def table(rows: list[Row]) -> str:
    """Relative l2 errors after one step and over 20: mean, median and 95th percentile."""
    lines = [
        "| weights | set | windows | mean | paper | median | 95th percentile | failures |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        errors = (row.errors.one_step["l2"], row.errors.all_steps["l2"])
        name = row.weights.removeprefix("hfluxno-")
        published = PUBLISHED.get((row.law, row.initial))
        cells = (
            name if row.refinement == 0 else f"{name}, {row.refinement} refinement steps",
            row.law if row.initial == "grf" else f"{row.law} with steps",
            str(row.errors.windows),
            pair(error.mean for error in errors),
            "–" if published is None else pair(published),
            pair(error.median for error in errors),
            pair(error.p95 for error in errors),
            str(errors[1].failures),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def pair(numbers: Iterable[float]) -> str:
    return " / ".join(f"{number:.2g}" for number in numbers)


def on_the_example(weights) -> str:
    """Relative l2 errors of the forecasts of the example after 1, 20 and 40 frames."""
    with xr.open_dataset(EXAMPLE, engine="h5netcdf") as data:
        density = data["density"].coarsen(x=2).mean().load()
    values, x, time = density.values[:, None], density["x"].values, density["time"].values
    context = hfluxno.Trajectory.from_numpy(values[:CONTEXT], time[:CONTEXT], x)
    truth = values[CONTEXT:]
    forecasters = {"fitted law": forecaster_of("fit")}
    for name in weights:
        network = hfluxno.load(name)
        if len(network.config.fields) == 1:
            forecasters[name] = network
    lines = ["| method | 1 step | 20 steps | 40 steps |", "| --- | --- | --- | --- |"]
    for name, forecaster in forecasters.items():
        found = np.asarray(forecaster.forecast(context, len(truth)).trajectory.values)
        errors = relative_l2(found, truth)
        numbers = (f"{errors[step - 1]:.2g}" for step in (1, 20, 40))
        lines.append(f"| {name.removeprefix('hfluxno-')} | " + " | ".join(numbers) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
