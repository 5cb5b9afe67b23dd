"""The table of the two-dimensional benchmark, from its raw results."""

import numpy as np

from hfluxno.evaluation.paper.results import Plain
from hfluxno.evaluation.paper.tables import Table
from hfluxno.evaluation.plane.measure import JOINT, SET
from hfluxno.evaluation.plane.sample import CONTEXT

# DPOT and DISCO on 512 windows of The Well's periodic Euler set at 64² (Appendix of the paper's
# authors' notebook evaluate_the_well; relative l2 over ten frames together).
PUBLISHED = {"dpot": 0.222, "disco": 0.235}


def plane_table(results: Plain) -> Table:
    """Means over windows with their standard errors."""
    records = {name: found[0] for name, found in results["records"].get(SET, {}).items() if found}
    conditions = results["conditions"]
    cells, count = conditions["cells"], max(len(r["together"]) for r in records.values())
    origin = "of the set euler-2d (split test)"
    if conditions["file"] is not None:
        origin = f"of {conditions['file']}"
    notes = [
        f"{count} windows {origin}, seed {conditions['seed']}; {CONTEXT} frames seen, Δt .015. "
        "Relative l2 errors of all fields together, mean ± standard error.",
        "VRMSE: the error of each field over its deviation, mean of steps 6 to 12 and of fields.",
        "Drift: the largest change of a field's total, relative to its mean size.",
        "Published for The Well's set at 64² cells, other windows and other sizes: DPOT "
        f"{PUBLISHED['dpot']}, DISCO {PUBLISHED['disco']} over ten frames together. The figure "
        "for HFluxNO, .298, left the fluxes along y out.",
    ]
    notes += [
        f"{record['title']} ({name}): {_training(record['network'])}."
        for name, record in records.items()
        if record["network"]
    ]
    bad = {name: sum(s != 0 for s in record["status"]) for name, record in records.items()}
    notes += [
        f"{records[name]['title']}: {number} of {count} forecasts with a status other than OK."
        for name, number in bad.items()
        if number
    ]
    return Table(
        f"Euler's equations on a plane, {cells} × {cells} cells",
        (
            "method",
            "parameters",
            "1 step",
            f"{JOINT} steps together",
            f"step {JOINT}",
            "VRMSE 6:12",
            "drift",
            "seconds",
        ),
        tuple(_row(record) for record in records.values()),
        tuple(notes),
    )


def _row(record: Plain) -> tuple[str, ...]:
    errors = np.asarray(record["errors"])
    network = record["network"]
    return (
        record["title"],
        "–" if network is None else f"{1e-6 * network['parameters']:.2f} M",
        _mean(errors[:, 0]),
        _mean(np.asarray(record["together"])),
        _mean(errors[:, JOINT - 1]),
        _mean(np.asarray(record["vrmse"])),
        f"{record['drift']:.0e}",
        f"{record['seconds']:.2g}",
    )


def _mean(values: np.ndarray) -> str:
    mean = float(np.mean(values))
    if len(values) < 2 or not np.isfinite(mean):
        return f"{mean:.3f}"
    return f"{mean:.3f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"


def _training(network: Plain) -> str:
    minutes = f", {network['minutes']:.0f} minutes" if network["minutes"] else ""
    return (
        f"{network['steps']} updates of {network['batch']} windows{minutes}, {network['loss']}, "
        f"preset {network['preset']}"
    )
