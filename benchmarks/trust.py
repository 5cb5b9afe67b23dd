"""How reliable the status and bands of forecasts are: the trust table of the documentation.

    python -m benchmarks.trust [--kinds NAME …] [--contexts N] [--seed N]
                                [--json FILE] [--markdown FILE …]

For each kind of data (see `independent/kinds.py`), draws N contexts of 20 frames, infers a law,
forecasts 40 steps and compares with the truth, which comes from a scheme that the library does not
have. A kind either obeys a conservation law or does not, which the status should show. For
forecasts with the status OK, the predicted errors and bands are compared with the true errors. A
Markdown file gets the tables between its lines "trust: begin" and "trust: end".
"""

import argparse
import collections
import dataclasses
import json
import time
from pathlib import Path

import numpy as np
from scipy.special import erf
from scipy.stats import spearmanr

import hfluxno
from benchmarks.independent.kinds import KINDS, Kind
from benchmarks.independent.schemes import INTERVAL
from benchmarks.pages import check_pages, write_pages
from hfluxno.cli.runtime import prepared
from hfluxno.data.replacing import check_writable, replacing
from hfluxno.evaluation import relative_l2
from hfluxno.forecaster import NINETY
from hfluxno.identify import FitStatus, FittedLawForecaster

CONTEXT, STEPS = 20, 40
_SHOWN = (20, 40)
_AT_ONCE = 16
# Relative l2 errors at 20 steps below which a forecast is usable, and above which it is wrong.
_GOOD, _WRONG = 0.02, 0.05


@dataclasses.dataclass(frozen=True)
class Row:
    """One context: its errors after `_SHOWN` steps, and what the forecast says of them.

    `predicted` and `bounds` are the predicted errors after these steps and bounds for 90 of 100
    forecasts, `inside` the share of values within the bands, `score` the mean continuous ranked
    probability score of normal values with these bands divided by their mean absolute error.
    """

    kind: Kind
    errors: tuple[float, ...]
    status: str
    sentence: str
    predicted: tuple[float, ...]
    bounds: tuple[float, ...]
    inside: tuple[float, ...]
    score: tuple[float, ...]


def main() -> None:
    names = {kind.label: kind for kind in KINDS}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", metavar="NAME", choices=names, default=list(names))
    parser.add_argument("--contexts", type=int, default=3, help="contexts drawn for each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", nargs="+", default=[])
    options = parser.parse_args()
    if options.json:
        check_writable(options.json, (".json",))
    check_pages(options.markdown, "trust")
    with prepared():
        rows = run([names[name] for name in options.kinds], options.contexts, options.seed)
    text = (
        f"Relative l2 errors, {options.contexts} contexts of each kind, seed {options.seed}.\n\n"
        f"{table(rows)}\n{summary(rows)}\n\n{calibration(rows)}\n"
    )
    print(f"\n{text}")
    if options.json:
        plain = [vars(row) | {"kind": row.kind.label, "is_law": row.kind.is_law} for row in rows]
        with replacing(options.json) as (path,):
            path.write_text(json.dumps(plain, indent=1, ensure_ascii=False), encoding="utf-8")
    write_pages(options.markdown, {"trust": text})


def run(kinds: list[Kind], contexts: int, seed: int) -> list[Row]:
    """All contexts; those of one shape together, because they share compiled programs."""
    began = time.perf_counter()
    truths = {
        kind.name: _truth(kind, contexts, seed) for kind in {k.name: k for k in kinds}.values()
    }
    print(f"truths of {len(truths)} kinds in {time.perf_counter() - began:.0f} s", flush=True)
    groups: dict = {}
    for kind in kinds:
        truth = truths[kind.name]
        how = truth.shape[2:], kind.boundary, kind.sensors, kind.missing
        groups.setdefault(how, []).append((kind, truth))
    found = {}
    for ((fields, _), boundary, *_), members in groups.items():
        began = time.perf_counter()
        truth = np.concatenate([part for _, part in members])
        seen = np.concatenate([_observed(kind, part, seed) for kind, part in members])
        of_kind = [kind for kind, part in members for _ in part]
        times = INTERVAL * np.arange(CONTEXT)
        # In many at once noisy frames are not fitted together with their first state.
        for begin in range(0, len(seen), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            later = truth[part, CONTEXT:]
            context = hfluxno.Trajectory.from_numpy(
                seen[part], times, fields=("u", "v")[:fields], boundary=boundary
            )
            forecast = FittedLawForecaster().forecast(context, STEPS)
            values = np.asarray(forecast.trajectory.values)
            errors = relative_l2(values, later)
            nothing = np.full(values.shape, np.nan)
            away = np.abs(values - later)
            reach = nothing if forecast.half_width is None else forecast.half_width
            inside = np.mean(away < reach, axis=(2, 3))
            score = np.mean(_crps(away, reach / NINETY), axis=(2, 3)) / np.mean(away, axis=(2, 3))
            unknown = np.full(errors.shape, np.nan)
            predicted = unknown if forecast.predicted_error is None else forecast.predicted_error
            bounds = unknown if forecast.predicted_error is None else forecast.predicted_error_90
            columns = (errors, predicted, bounds, inside, score)
            for member, kind in enumerate(of_kind[part]):
                error, *others = (
                    tuple(float(column[member, step - 1]) for step in _SHOWN) for column in columns
                )
                name = FitStatus(int(forecast.status[member])).name
                row = Row(kind, error, name, forecast.sentences[member], *others)
                found.setdefault(kind, []).append(row)
        print(f"{len(of_kind)} contexts in {time.perf_counter() - began:.0f} s", flush=True)
    return [row for kind in kinds for row in found[kind]]


def _truth(kind: Kind, contexts: int, seed: int) -> np.ndarray:
    # Python's hash of a name would differ from run to run.
    return kind.truth(
        [np.random.default_rng([seed, member, *kind.name.encode()]) for member in range(contexts)]
    )


def _observed(kind: Kind, truth: np.ndarray, seed: int) -> np.ndarray:
    seen = truth[:, :CONTEXT].copy()
    rng = np.random.default_rng([seed, *kind.label.encode()])
    if kind.noise:
        size = kind.noise * seen.std(axis=(1, 3), keepdims=True)
        seen = seen + size * rng.normal(size=seen.shape)
    if kind.sensors > 1:
        without = np.arange(seen.shape[-1]) % kind.sensors != kind.sensors // 2
        seen[..., without] = np.nan
    if kind.missing:
        seen[rng.random(seen.shape) < kind.missing] = np.nan
    return seen


def _crps(away: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """The continuous ranked probability score of a normal variable at a distance from its mean
    (Gneiting and Raftery 2007, equation 5)."""
    z = away / deviation
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    return deviation * (z * erf(z / np.sqrt(2.0)) + 2.0 * density - 1.0 / np.sqrt(np.pi))


def calibration(rows: list[Row]) -> str:
    """How reliable predicted errors and bands are if the status is OK."""
    sound = [row for row in rows if row.status == "OK" and np.all(np.isfinite(row.predicted))]
    if not sound:
        return "No forecast has the status OK."
    lines = [
        f"{len(sound)} forecasts with the status OK, after {' / '.join(map(str, _SHOWN))} steps:\n",
        "| measure | value |",
        "| --- | --- |",
    ]
    true, predicted, bounds, inside, score = (
        np.array([getattr(row, name) for row in sound])
        for name in ("errors", "predicted", "bounds", "inside", "score")
    )
    measures = {
        "share of errors below the 90 % bound": np.mean(true < bounds, axis=0),
        "median bound over median error": np.median(bounds, axis=0) / np.median(true, axis=0),
        "rank correlation of predicted and true error": [
            spearmanr(predicted[:, i], true[:, i])[0] for i in range(len(_SHOWN))
        ],
        "share of values within the 90 % bands": np.mean(inside, axis=0),
        "CRPS over mean absolute error, median": np.median(score, axis=0),
    }
    for name, each in measures.items():
        lines.append(f"| {name} | {' / '.join(f'{value:.2f}' for value in each)} |")
    return "\n".join(lines)


def table(rows: list[Row]) -> str:
    lines = [
        "| kind | contexts | median error, 20 / 40 steps | largest, 20 steps | share OK | others |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for is_law, title in ((True, "**conservation laws**"), (False, "**no conservation laws**")):
        part = [row for row in rows if row.kind.is_law is is_law]
        lines += [f"| {title} | | | | | |"] if part else []
        for kind in dict.fromkeys(row.kind for row in part):
            mine = [row for row in part if row.kind == kind]
            errors = np.array([row.errors for row in mine])
            middle = " / ".join(f"{error:.2g}" for error in np.median(errors, axis=0))
            counts = collections.Counter(row.status for row in mine)
            share = counts.pop("OK", 0) / len(mine)
            others = ", ".join(f"{n} {name}" for name, n in counts.most_common()) or "–"
            lines.append(
                f"| {kind.label} | {len(mine)} | {middle} | {errors[:, 0].max():.2g} "
                f"| {100 * share:.0f} % | {others} |"
            )
    return "\n".join(lines) + "\n"


def summary(rows: list[Row]) -> str:
    """The numbers of wrong and of good forecasts that are flagged."""
    sentences = []
    for is_law, name in ((False, "no conservation laws"), (True, "conservation laws")):
        part = [row for row in rows if row.kind.is_law is is_law]
        sets = {
            "all": part,
            f"error at 20 steps above {_WRONG:g}": [r for r in part if r.errors[0] > _WRONG],
            f"below {_GOOD:g}": [r for r in part if r.errors[0] < _GOOD],
        }
        shares = "; ".join(
            f"{text}: {sum(row.status != 'OK' for row in chosen)} of {len(chosen)} flagged"
            for text, chosen in sets.items()
        )
        sentences.append(f"{name[0].upper()}{name[1:]}: {shares}.")
    return "\n".join(sentences)


if __name__ == "__main__":
    main()
