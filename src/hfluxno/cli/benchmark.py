"""`hfluxno benchmark`: the tables and figures of the paper, or forecasts on a plane."""

import contextlib
import dataclasses
import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from hfluxno.extras import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

_NOT_OF = {"euler2d": ("tables", "figures", "sets", "windows", "initials"), "paper": ("cells",)}
_RESULTS, _MARKDOWN, _LATEX = "results.json", "tables.md", "tables.tex"
_SMOKE_WINDOWS, _SMOKE_LAWS, _SMOKE_SETS = 4, 2, ("cubic", "sine-steps")
_SMOKE_METHODS = ("persistence", "known-law", "dpot", "fno")


@dataclasses.dataclass(frozen=True)
class BenchmarkConfig:
    """Measure every method as in the paper and make its tables and figures; or forecast a gas in
    two dimensions with all of them (euler2d).

    The folder OUTPUT gets results.json with all measurements, tables.md, tables.tex and the
    figures. Repeating the command resumes an interrupted run, and redraws what has been measured.

    Example: hfluxno benchmark paper --tables 1,2 --methods fit,hfluxno-small --windows 200
    """

    suite: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="paper|euler2d")]]
    """The benchmark: paper, or euler2d, which makes one table and one picture of 12 steps from 10
    frames of gases that meet; it takes the options output, methods, laws, seed, cells, data, add,
    markdown and smoke."""
    output: Annotated[Path, tyro.conf.arg(metavar="FOLDER", aliases=["-o"])] = Path("benchmark")
    """The folder for results, tables and figures; it is created."""
    tables: str = "1,2,3,4,5,6"
    """Which tables: 1 in distribution, 2 out of distribution, 3 and 4 ICON, 5 size and cost,
    6 forecasts on twice the cells of training."""
    figures: str = "2,3"
    """Which figures: 2 long roll-outs, 3 examples."""
    sets: str = ""
    """Only these sets, such as cubic,sine-steps."""
    methods: str = ""
    """Only these methods, such as fit,hfluxno-small,dpot; by default all with weights."""
    windows: str = "400"
    """How many windows of each set are used, spread evenly, or all (the published protocol)."""
    laws: int | None = None
    """The number of coefficient draws of each set, 100 by default; for euler2d the number of
    trajectories, 16 by default."""
    initials: int = 100
    """The number of initial conditions of each law; a sample draws no more than it needs."""
    seed: int = 0
    """The random seed of the sets."""
    cells: int = 32
    """The cells of euler2d along each axis; the networks that ship have 32."""
    data: Annotated[tuple[str, ...], tyro.conf.arg(metavar="SET=FILE")] = ()
    """Read a set from a file of hfluxno generate instead; euler2d also from HDF5 of The Well or
    NPZ, or a folder of such files."""
    add: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=WEIGHTS")] = ()
    """Add weights of your own to the tables: a folder, a run of hfluxno train or a hub id; several
    seeds separated by commas. Weights of a known method replace the shipped ones."""
    markdown: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also insert the tables into this file, between its lines <!-- results: begin --> and <!--
    results: end -->."""
    smoke: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Run everything on a handful of windows, to see whether it works."""


def main(config: BenchmarkConfig) -> int:
    """Measures whatever is missing, and draws. Raises `ValueError` if an option, weights, a set or
    a results file cannot be used; `OSError` if a file cannot be read or written."""
    require("hfluxno benchmark", "train")
    from hfluxno.evaluation.paper.contenders import contenders
    from hfluxno.evaluation.paper.problems import PROBLEMS, sets_of
    from hfluxno.evaluation.paper.run import run

    usual = {each.name: each.default for each in dataclasses.fields(config)}
    for name in _NOT_OF.get(config.suite, ()):
        if getattr(config, name) != usual[name]:
            raise ValueError(f"--{name} does not apply to {config.suite}; leave it out.")
    if config.suite == "euler2d":
        from hfluxno.cli import benchmark_plane

        return benchmark_plane.main(config)
    if config.suite != "paper":
        raise ValueError(f"Unknown benchmark {config.suite!r}; choose paper or euler2d.")
    tables, figures = _numbers("tables", config.tables), _numbers("figures", config.figures)
    sets = sets_of(tables, figures)
    chosen = names_of(config.sets) or (_SMOKE_SETS if config.smoke else ())
    for name in chosen:
        if name not in PROBLEMS:
            raise ValueError(f"Unknown set {name!r}; choose from {', '.join(PROBLEMS)}.")
    sets = tuple(name for name in PROBLEMS if name in (chosen or sets))
    names = names_of(config.methods) or (_SMOKE_METHODS if config.smoke else ())
    added = {name: names_of(value) for name, value in pairs_of("add", config.add).items()}
    methods = contenders(names, added)
    for name in (*names_of(config.methods), *added):
        if not any(methods[name].prepare(PROBLEMS[problem]) for problem in sets):
            raise ValueError(
                f"{methods[name].title} has no weights for {', '.join(sets) or 'these tables'}; "
                f"train it (hfluxno train) and pass --add {name}=FOLDER."
            )
    sample = _sample(config)
    work = functools.partial(run, sample=sample, sets=sets, methods=methods, with_costs=5 in tables)
    _draw(config, tables, figures, measured(config, sample.conditions(), "results", work))
    return 0


def measured(config: BenchmarkConfig, conditions: dict, part: str, run: Callable) -> dict[str, Any]:
    """The content of the results file, after `run(results, started=…, report=…)` has measured what
    it lacks; `part` names the lines of --markdown, which must exist."""
    from rich.console import Console
    from rich.markup import escape

    from hfluxno.cli import runtime
    from hfluxno.data.replacing import check_writable
    from hfluxno.evaluation.paper.results import Results, read

    if config.markdown is not None:
        check_writable(config.markdown, (".md",))
        _filled(config.markdown, "", part)
    config.output.mkdir(parents=True, exist_ok=True)
    results = Results(config.output / _RESULTS, conditions)
    console = Console(stderr=True, highlight=False)

    def report(sentence: str) -> None:
        console.print(escape(sentence), soft_wrap=True)

    with runtime.prepared(), _progress(console) as started:
        run(results, started=started, report=report)
    return read(results.path)


def write(
    config: BenchmarkConfig,
    part: str,
    texts: Mapping[str, str],
    pictures: "Mapping[str, Figure | None]",
    shown: str,
) -> None:
    """Writes texts and pictures by the names of their files, the first text also into --markdown,
    and shows another one."""
    from hfluxno.data.replacing import replace_text, replacing
    from hfluxno.plots.style import save

    for name, text in texts.items():
        replace_text(config.output / name, text)
    for name, figure in pictures.items():
        if figure is not None:
            with replacing(config.output / name) as (temporary,):
                save(figure, temporary)
    if config.markdown is not None:
        first = next(iter(texts.values()))
        replace_text(config.markdown, _filled(config.markdown, first, part))
    sys.stdout.write(f"{shown}\nwrote {config.output}\n")


def _draw(config: BenchmarkConfig, tables, figures, found: dict[str, Any]) -> None:
    """Tables and figures of the results."""
    from hfluxno.evaluation.paper import layout
    from hfluxno.evaluation.paper.tables import diagnostics, sampling
    from hfluxno.evaluation.paper.tables import tables as tables_of
    from hfluxno.plots import benchmark as plots

    drawn = tables_of(found, tables)
    whole = [*drawn, *diagnostics(found), sampling(found)]
    known = {2: plots.long_rollouts, 3: plots.examples}
    pictures = {f"figure_{number}.png": known[number](found) for number in figures}
    pictures["cost_and_error.png"] = plots.cost_and_error(found)
    texts = {_MARKDOWN: layout.markdown(whole), _LATEX: layout.latex(whole)}
    write(config, "results", texts, pictures, layout.markdown(drawn))


def _filled(path: Path, text: str, part: str) -> str:
    """The file with `text` inserted. Raises `OSError` or `ValueError` if the file or the lines do
    not exist."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path} to insert the tables into.")
    return inserted(path.read_text(encoding="utf-8"), text, part)


def inserted(text: str, table: str, name: str) -> str:
    """`text` with `table` between its lines `<!-- NAME: begin -->` and `<!-- NAME: end -->`. Raises
    `ValueError` if the text does not have one of each, in this order.
    """
    first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end) or first in rest or last in after:
        raise ValueError(f"The text needs one line {first} and after it one line {last}.")
    return f"{before}{first}\n\n{table}\n{last}{after}"


def _sample(config: BenchmarkConfig):
    from hfluxno.evaluation.paper.run import Sample

    windows, laws = config.windows, 100 if config.laws is None else config.laws
    if config.smoke:
        windows, laws = str(_SMOKE_WINDOWS), _SMOKE_LAWS
    if windows != "all" and not windows.isdecimal():
        raise ValueError(f"--windows is a number or all; got {windows!r}.")
    files = {name: Path(value) for name, value in pairs_of("data", config.data).items()}
    return Sample(
        None if windows == "all" else int(windows), laws, config.initials, config.seed, files
    )


def _numbers(option: str, text: str) -> tuple[int, ...]:
    names = names_of(text)
    if not all(name.isdecimal() for name in names):
        raise ValueError(f"--{option} takes numbers separated by commas; got {text!r}.")
    return tuple(map(int, names))


def names_of(text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def pairs_of(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    """The pairs NAME=VALUE. Raises `ValueError` if one has another form."""
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            raise ValueError(f"--{option} takes NAME=VALUE; got {text!r}.")
        found[name] = value
    return found


@contextlib.contextmanager
def _progress(console: "Console") -> Iterator[Callable[[str, str], Callable[[int], None]]]:
    """A progress bar on standard error; yields the callback for `run`."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} windows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None)

        def started(problem: str, method: str) -> Callable[[int], None]:
            bar.reset(task, description=f"{problem}: {method}")
            return functools.partial(bar.advance, task)

        yield started
