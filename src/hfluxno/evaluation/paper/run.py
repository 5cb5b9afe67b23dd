"""Runs the benchmark: every requested method on every requested set, then the costs.

Existing records are not measured again, and every record is on disk before the next begins.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hfluxno.evaluation.paper import costs
from hfluxno.evaluation.paper.contenders import Contender
from hfluxno.evaluation.paper.measure import measured
from hfluxno.evaluation.paper.problems import PROBLEMS
from hfluxno.evaluation.paper.results import Results
from hfluxno.evaluation.paper.sample import WindowSet, generated, given

_COST_SET = "cubic"


@dataclasses.dataclass(frozen=True)
class Sample:
    """Which windows are used.

    - `windows`: the number of each set, spread evenly; `None` for all.
    - `laws`, `initials`: the number of coefficient draws, and of initial conditions of each. A
      sample draws no more of the latter than it needs.
    - `seed`: of the sets.
    - `files`: sets that are read instead of generated, by name.
    """

    windows: int | None = 400
    laws: int = 100
    initials: int = 100
    seed: int = 0
    files: Mapping[str, Path] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("windows", "laws", "initials"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}.")
        for name in self.files:
            if name not in PROBLEMS:
                raise ValueError(f"Unknown set {name!r}; choose from {', '.join(PROBLEMS)}.")

    def conditions(self) -> dict:
        """The description of the sample in a results file."""
        return {
            "windows": "all" if self.windows is None else self.windows,
            "laws": self.laws,
            "initials": self.initials,
            "seed": self.seed,
            "files": {name: str(path) for name, path in sorted(self.files.items())},
        }

    def test_set(self, name: str) -> WindowSet:
        """The set of that name. Raises `OSError` or `ValueError` if its file cannot be used."""
        if name in self.files:
            return given(PROBLEMS[name], self.windows, self.files[name])
        return generated(PROBLEMS[name], self.windows, self.laws, self.initials, self.seed)


# (set, method) that begin ↦ a callback with the number of windows newly done.
Report = Callable[[str, str], Callable[[int], None]]


def run(
    results: Results,
    sample: Sample,
    sets: Sequence[str],
    methods: Mapping[str, Contender],
    *,
    with_costs: bool,
    started: Report = lambda problem, method: lambda windows: None,
    report: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Measures what the results lack.

    - `with_costs`: whether to measure size and cost too.
    - `started`: called with the set and method that begin; returns a callback for the number of
      windows done.
    - `report`: called with one sentence for each method that was left out of a set.

    Raises `OSError` or `ValueError` if a set or weights cannot be used at all.
    """
    for problem in sets:
        test = sample.test_set(problem)
        for name, contender in methods.items():
            ready = contender.prepare(test.problem)
            if not ready:  # records of weights that are missing now remain
                continue
            there = results.keep(problem, name, {(one.source, one.fingerprint) for one in ready})
            for one in ready:
                if (one.source, one.fingerprint) in there:
                    continue
                try:
                    record = measured(one, test, started(problem, name))
                except ValueError as error:
                    report(f"{contender.title} was left out of {test.problem.title}: {error}")
                    continue
                results.add(problem, name, record)
    if with_costs:
        try:
            _costs(results, sample.test_set(_COST_SET), methods, started)
        except ValueError as error:
            report(f"Sizes and costs were left out: {error}")


def _costs(results: Results, test: WindowSet, methods: Mapping[str, Contender], started) -> None:
    there = results.costs.setdefault("methods", {})
    for name, contender in methods.items():
        ready = contender.prepare(test.problem)
        if ready and there.get(name, {}).get("fingerprint") != ready[0].fingerprint:
            started("cost", name)
            there[name] = costs.cost(ready[0], test)
            results.save()
    if "published" not in results.costs:
        started("cost", "published sizes")
        results.costs["published"] = costs.published_sizes(test)
        results.save()
    if "classical" not in results.costs:
        started("cost", "classical solver")
        results.costs["classical"] = costs.classical(test)
        results.save()
