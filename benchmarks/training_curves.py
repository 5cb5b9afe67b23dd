"""A picture of training runs: error on the validation set over the updates.

    python benchmarks/training_curves.py RUN … --figure FILE

RUN is the folder of a run of `hfluxno train`. Each run has a line in both panels, the relative l2
errors of the first step and over all steps.
"""

import argparse
import json
from pathlib import Path

from hfluxno.data.replacing import check_writable, replacing
from hfluxno.plots import save
from hfluxno.plots.style import light_grid, new_figure, styled

PANELS = {"error_one_step": "one step", "error": "20 steps"}
COLOURS = {"cubic": "#1f5f8b", "shallow-water": "#c4462d", "burgers": "#4b8b3b"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--figure", type=Path, metavar="FILE", required=True)
    options = parser.parse_args()
    check_writable(options.figure, (".png", ".svg", ".pdf"))
    figure = draw({run.name: validations(run) for run in options.runs})
    with replacing(options.figure) as (path,):
        save(figure, path)


def validations(run: Path) -> list[dict[str, float]]:
    """The validations of a run, oldest first."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [record for record in map(json.loads, lines) if "error" in record]


def draw(runs: dict[str, list[dict[str, float]]]):
    with styled():
        figure = new_figure(8.4, 3.0)
        for axes, (key, title) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
            for name, records in runs.items():
                law = name.removeprefix("cpu-")
                line = "--" if law.endswith("-law") else "-"
                axes.semilogy(
                    [record["step"] for record in records],
                    [record[key] for record in records],
                    line,
                    color=COLOURS.get(law.removesuffix("-law")),
                    label=law,
                )
            axes.set_title(title)
            axes.set_xlabel("updates")
            light_grid(axes)
        figure.axes[0].set_ylabel("relative l2 error")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center")
    return figure


if __name__ == "__main__":
    main()
