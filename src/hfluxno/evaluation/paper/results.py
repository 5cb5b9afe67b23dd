"""The raw results of the benchmark: one JSON file that grows and is never half written.

    {"format": …, "version": …, "conditions": {…}, "costs": {…},
     "records": {SET: {METHOD: [the record of each seed]}}}

A run with the same conditions continues the file; with others it stops, so that no table mixes two
samples. An infinite number is the string "inf", because JSON has none.
"""

import json
import math
from pathlib import Path
from typing import Any

from hfluxno.data.replacing import replace_text
from hfluxno.strict_json import with_entries

FORMAT, VERSION = "hfluxno-benchmark", 2

Plain = dict[str, Any]
Weights = tuple[str, int]  # their origin and fingerprint


class Results:
    """What a benchmark has measured so far.

    - `path`: the file.
    - `conditions`: everything that determines the numbers except the methods.
    - `records`: by set and method, one record for each seed.
    - `costs`: by method, and of the classical solver.

    Raises `ValueError` if the file is of another version, damaged, or of other conditions.
    """

    def __init__(self, path: Path, conditions: Plain):
        self.path, self.conditions = path, conditions
        self.records: dict[str, dict[str, list[Plain]]] = {}
        self.costs: Plain = {}
        if not path.exists():
            return
        found = read(path)
        different = [
            key
            for key in sorted({*conditions, *found["conditions"]})
            if conditions.get(key) != found["conditions"].get(key)
        ]
        if different:
            raise ValueError(
                f"{path} holds results of another sample (it differs in {', '.join(different)}); "
                "choose another output, or the options that it was made with."
            )
        self.records, self.costs = found["records"], found["costs"]

    def keep(self, problem: str, method: str, weights: set[Weights]) -> set[Weights]:
        """Drops the records of other weights, and returns the weights that have one."""
        of_set = self.records.get(problem, {})
        kept = [record for record in of_set.get(method, []) if _weights(record) in weights]
        if method in of_set:
            of_set[method] = kept
        return {_weights(record) for record in kept}

    def add(self, problem: str, method: str, record: Plain) -> None:
        """Adds a record, and writes it to disk."""
        self.records.setdefault(problem, {}).setdefault(method, []).append(record)
        self.save()

    def save(self) -> None:
        written = {
            "format": FORMAT,
            "version": VERSION,
            "conditions": self.conditions,
            "records": self.records,
            "costs": self.costs,
        }
        text = json.dumps(with_entries(written, _spelled), indent=1, ensure_ascii=False)
        replace_text(self.path, text + "\n")


def _weights(record: Plain) -> Weights:
    return record["source"], record["fingerprint"]


def read(path: Path) -> Plain:
    """The contents of a results file. Raises `OSError` if it cannot be read; `ValueError` if it is
    not such a file, of another version, or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged: it is not JSON; remove it to start again.") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"{path} does not contain results of the benchmark.")
    if found.get("version") != VERSION:
        raise ValueError(
            f"{path} has version {found.get('version')} of the results, this hfluxno reads version "
            f"{VERSION}; choose another output to measure again."
        )
    for key in ("conditions", "records", "costs"):
        if not isinstance(found.get(key), dict):
            raise ValueError(f"{path} is damaged: {key!r} is missing; remove it to start again.")
    return with_entries(found, lambda entry: math.inf if entry == "inf" else entry)


def _spelled(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "inf" if value > 0.0 else None
    return value
