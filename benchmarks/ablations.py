"""Which encoder, which flux operator, which loss: the table of the ablation runs.

    hfluxno train ablation-trecvit-local --output runs/ablation-trecvit-local   # and so on
    python -m benchmarks.ablations runs/ablation-*

Each row is the best validation of a run: 256 windows of the cubic law with a sliding context, each
relative l2 error at most 1.
"""

import argparse
from pathlib import Path

import equinox as eqx
import jax

from hfluxno.training.release import provenance
from hfluxno.training.run_folder import load_best

HEADER = "encoder | flux operator | loss | parameters | updates × windows | error, 1 / 20 steps"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    rows = sorted(map(row, parser.parse_args().runs))
    print(f"| {HEADER} |", "|---" * (HEADER.count("|") + 1) + "|", sep="\n")
    for _, text in rows:
        print(f"| {text} |")


def row(run: Path) -> tuple[float, str]:
    """The error over 20 steps of a run, and its line of the table."""
    trained = load_best(run)
    model, record = trained.config.model, provenance(trained)
    parameters = sum(
        array.size for array in jax.tree.leaves(eqx.filter(trained.network, eqx.is_array))
    )
    error = trained.numbers["error"]
    columns = (
        type(model.encoder).__name__.removesuffix("Config").removesuffix("Encoder"),
        type(model.target).__name__.removesuffix("Config"),
        record.loss,
        f"{parameters:,}",
        f"{record.updates} × {record.batch}",
        f"{trained.numbers['error_one_step']:.3g} / {error:.3g}",
    )
    return error, " | ".join(columns)


if __name__ == "__main__":
    main()
