"""What a command shows on the terminal."""

import collections
import json
import math
import re
import sys
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hfluxno.boundary import WALLS
from hfluxno.cli.field_errors import bound_in_words, predicted_in_words, small_fields
from hfluxno.cli.streams import escaped, printable, say
from hfluxno.data.headers import without_units
from hfluxno.data.source import Source
from hfluxno.data.unlikely_values import warnings_of
from hfluxno.plural import plural
from hfluxno.strict_json import with_entries

if TYPE_CHECKING:  # drawing is loaded only for a picture
    from hfluxno.data.plane import PlaneSource
    from hfluxno.plots import Labels

LABEL = 14  # letters before a line of a report
_MOST_ROWS = 10  # a larger batch is summarised
_MOST_COEFFICIENTS = 20
_MOST_LAWS = 3  # of a batch that are written out
_MOST_LETTERS = 40  # of units in a picture
_TERM = r" [+-] [\d.e+-]+ T\d+\(\([^()]*\)/[^()]*\)"  # of a Chebyshev series
_MOST_LABEL = 31  # letters of a label of the table; longer ones would leave no room for values
_SEEN = 0.3  # noise that is less than this part of an error is not worth a word
# Nor is the least error that noise leaves, if it is less than this part of the predicted one.
_LIMITING = 0.1


def hint(source: Source) -> None:
    """Warns on standard error about likely mistakes in the input."""
    say(*warnings_of(source))


def head(found: dict) -> str:
    """The first words of a report: what of which file."""
    return f"[bold]{_shown(found['variable'])}[/bold] in {_shown(found['input'])}"


def _shown(text: str) -> str:
    return escape(printable(text))


def line(console: Console, label: str, text: str, style: str = "dim") -> None:
    """Shows a line of a report."""
    console.print(f"[{style}]{label:<{LABEL}}[/{style}] {_shown(text)}", soft_wrap=True)


def show(summary: dict, as_json: bool) -> None:
    """A short table, or one JSON object and nothing else."""
    if as_json:
        print_json(summary)
        return
    console = Console(highlight=False)
    results = summary["results"]
    cells = " × ".join(map(str, np.atleast_1d(summary["cells"])))
    task = f"{plural(summary['context_frames'], 'frame')} of {cells} cells seen"
    if "steps" in summary:
        task += f", {summary['steps']} forecast"
    console.print(f"{head(summary)}: {task}", soft_wrap=True)
    if len(results) == 1:
        closed = set(np.ravel(summary.get("boundary", ()))) <= {"periodic", *WALLS}
        console.print(_one(results[0], closed))
    else:
        console.print(_each(results) if len(results) <= _MOST_ROWS else _all(results))
        _counts(console, results)
        _laws(console, results)
    if summary["failed_left_out"]:
        count = summary["failed_left_out"]
        console.print(f"{plural(count, 'failed trajectory')} of the file left out")
    for note in dict.fromkeys(note for result in results for note in result.get("notes", ())):
        console.print(f"[yellow]{escape(printable(note))}[/yellow]", soft_wrap=True)
    for file in summary["files"]:
        console.print(f"wrote {_shown(file)}", soft_wrap=True)


def show_outcome(summary: dict) -> None:
    """A short table of a batch that was processed in chunks."""
    console = Console(highlight=False)
    console.print(
        f"{head(summary)}: {plural(summary['contexts'], 'context')} of {summary['cells']} cells"
    )
    for status, count in summary["statuses"].items():
        colour = "green" if status == "ok" else "yellow"
        console.print(f"{count:>9,}  [{colour}]{escape(status)}[/{colour}]")
    if failed := summary.get("first_failed"):
        console.print(
            f"the first that failed is {failed['trajectory']}: {_shown(failed['reason'])}"
        )
    errors = summary.get("backtest_error", {})
    if errors:
        said = ", ".join(f"{name} {_percent(value)}" for name, value in errors.items())
        console.print(f"back-test error: {said}")
    for file in summary["files"]:
        console.print(f"wrote {_shown(file)}", soft_wrap=True)


def print_json(summary: dict) -> None:
    """One JSON object, and nothing else."""
    text = as_json(summary).encode(errors="replace").decode()  # names may be no text
    sys.stdout.write(escaped(text) + "\n")


def as_json(summary: dict) -> str:
    """One JSON object, with null for values that are not finite."""
    return json.dumps(with_entries(summary, _finite), ensure_ascii=False)


def _range(low: float, high: float) -> str:
    """Both ends, with at least four digits of their difference."""
    digits = 4
    if low < high:
        digits += max(0, math.ceil(math.log10(max(abs(low), abs(high)) / (high - low))))
    return f"{low:.{digits}g} to {high:.{digits}g}"


def labels(source: "Source | PlaneSource") -> "Labels":
    """The names and units of the axes of a picture."""
    from hfluxno.plots import Labels

    units = {name: unit[:_MOST_LETTERS] for name, unit in source.units.items()}
    time = source.time_axis
    own = getattr(source, "own_names", source.names)
    called = {axis: own.get(axis, axis) for axis in (time, "x", "y")}
    # Headers of tables contain the units, which are shown anyway.
    named = {axis: without_units(name) or name for axis, name in called.items()}
    shown = named[time]
    start, duration = source.times[0], source.times[-1] - source.times[0]
    far = abs(start) > 1e4 * duration  # the ticks of the axis would all look the same
    return Labels(
        fields=source.fields,
        field_units=tuple(units.get(name, "") for name in source.fields),
        x=named["x"],
        x_units=units.get("x", ""),
        y=named["y"],
        y_units=units.get("y", ""),
        time=f"{shown} - {start:.10g}" if far else shown,
        time_units=units.get("time", ""),
        origin=0.0 if far else float(start),
    )


def shortened(equation: str) -> str:
    """The equation with at most three of many polynomials in a sum, which nobody reads."""

    def few(found: re.Match) -> str:
        more = len(re.findall(_TERM, found[2]))
        return f"{found[1]} + … ({more} more terms: --json)"

    return re.sub(f"((?:{_TERM}){{2}})((?:{_TERM}){{3,}})", few, equation)


def _rows(table: Table, label: str, named: dict[str, str]) -> None:
    """A row for each name, which is beside its value if a label with it would be too long."""
    fits = all(len(f"{label} {name}") <= _MOST_LABEL for name in named)
    for i, (name, value) in enumerate(named.items()):
        if fits:
            table.add_row(f"{label} {escape(name)}", value)
        else:
            table.add_row("" if i else label, f"{escape(name)}: {value}")


def _beyond_range(result: dict) -> str:
    """Whether the forecast left the observed range, and what the law is there."""
    from hfluxno.identify.recognition.recognised import BUCKLEY_LEVERETT

    known = result.get("recognised")
    if not result["left_observed_range"]:
        return "no"
    if known is None:
        return "yes: beyond it the law is a guess"
    if known["symbol"] and known["name"] != BUCKLEY_LEVERETT:
        return "yes: beyond it the recognised law should hold too"
    return "yes: beyond it the function in the recognised law is a guess"


def _one(result: dict, closed: bool) -> Table:
    """The table of one trajectory; `closed` if nothing passes the ends."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("status", _coloured(result["status_sentence"], result))
    for label, key in (("law", "law"), ("known law", "known_law")):
        if result.get(key):  # persistence and networks have none
            table.add_row(label, escape(result[key]))
    reading = result.get("reading") or {}
    if reading.get("accepted"):
        loss = f"{reading['form']}; loss {_percent(reading['loss'])} of the height"
        units = f" [dim]in[/dim] {escape(reading['units'])}" if reading["units"] else ""
        table.add_row("flux", f"{escape(reading['formula'])}{units}  [dim]({loss})[/dim]")
        table.add_row(
            "", escape(", ".join(_constant(*each) for each in reading["constants"].items()))
        )
    for i, equation in enumerate(result.get("equations", ())):
        table.add_row("" if i else "equations", escape(shortened(equation)))
    backtest, repeated = _percent(result["backtest_error"]), result.get("persistence_error")
    if repeated is not None and np.isfinite(repeated):
        backtest += f"; of repeating a frame {_percent(repeated)}"
    table.add_row("back-test error", backtest)
    if "residual" in result:
        table.add_row("misfit of the context", _percent(result["residual"]))
    if result.get("missing"):
        table.add_row("not measured", _percent(result["missing"]))
    # An estimated noise is what the law leaves: misfit too, if it does not explain the data.
    of_noise = result["status"] == 0 or result.get("noise_given")
    noises = {name: f"{value:.3g}" for name, value in result.get("noise", {}).items()}
    _rows(table, "noise of" if of_noise else "noise or misfit of", noises)
    uncertain = result.get("uncertainty", {}).items()
    said = {name: f"{_percent(value)} of its deviation" for name, value in uncertain}
    _rows(table, "uncertainty of", said)
    if "conservation_drift" in result:
        drift = result["conservation_drift"]
        if closed:
            table.add_row("conservation drift", f"{drift:.1e}")
        else:
            table.add_row("change of a total", f"{_percent(drift)}, in- and outflow included")
        table.add_row("left observed range", _beyond_range(result))
    ranges = result.get("observed_range", {}).items()
    _rows(table, "law known for", {name: _range(*ends) for name, ends in ranges})
    # Only a forecast with the status OK promises a bound.
    bounds = result.get("predicted_error_90", {}) if result["status"] == 0 else {}
    least = result.get("cramer_rao_bound", {})
    for step, error in result.get("predicted_error", {}).items():
        bound = f", {bound_in_words(bounds[step], _percent)}" if step in bounds else ""
        # What is expected of the state or the ends may tell more than the measurements alone, and
        # where something other than noise limits a forecast the bound tells nothing.
        if _LIMITING * error < least.get(step, math.inf) <= error:
            bound += f", no unbiased estimate below {_percent(least[step])}"
        size = predicted_in_words(error, _percent)
        table.add_row(f"predicted error, step {step}", size + bound)
    noise = result.get("noise_error", {}) if result["status"] == 0 else {}
    for step, error in result.get("true_error", {}).items():
        share = noise.get(step, 0.0)
        known = f" (noise of the frame: at most {_percent(share)})" if share > _SEEN * error else ""
        table.add_row(f"true error, step {step}", _percent(error) + known)
    for row in small_fields(result, _percent):
        table.add_row(*map(escape, row))
    deviations = result.get("standard_deviations", {})
    coefficients = result.get("coefficients", {})
    shown = {}
    for name, value in list(coefficients.items())[:_MOST_COEFFICIENTS]:
        sigma = f" ± {deviations[name]:.1g}" if name in deviations else ""
        shown[name] = f"{value:.6g}{sigma}"
    _rows(table, "coefficient", shown)
    if len(coefficients) > _MOST_COEFFICIENTS:
        rest = len(coefficients) - _MOST_COEFFICIENTS
        table.add_row("", f"and {plural(rest, 'more coefficient')} (--json lists them)")
    return table


def _each(results: list[dict]) -> Table:
    table = Table(box=None, pad_edge=False)
    errors = _errors(results)
    for column in ("trajectory", "status", *errors):
        table.add_column(column, justify="right")
    for number, result in enumerate(results):
        row = [_percent(numbers[number]) for numbers in errors.values()]
        table.add_row(str(number), _coloured(str(result["status"]), result), *row)
    return table


def _all(results: list[dict]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{len(results)} trajectories", style="dim", no_wrap=True)
    for column in ("mean", "median", "95th percentile", "largest"):
        table.add_column(column, justify="right")
    for name, numbers in _errors(results).items():
        known = np.array([n for n in numbers if math.isfinite(n)] or [math.nan])
        figures = (known.mean(), np.median(known), np.percentile(known, 95), known.max())
        table.add_row(name, *(_percent(float(figure)) for figure in figures))
    return table


def _errors(results: list[dict]) -> dict[str, list[float]]:
    """By name the errors of each result: of the back-test, and at the steps at which any of the
    forecasts can be compared with the truth."""
    found = {"back-test error": [r["backtest_error"] for r in results]}
    for step in sorted({step for r in results for step in r.get("true_error", {})}, key=int):
        found[f"true error, step {step}"] = [r["true_error"].get(step, math.nan) for r in results]
    return found


def _counts(console: Console, results: list[dict]) -> None:
    # Sentences with numbers differ from one another: the first of each status is an example.
    by_status = collections.Counter(result["status"] for result in results).most_common()
    for status, count in by_status:
        alike = [result for result in results if result["status"] == status]
        sentences = {result["status_sentence"] for result in alike}
        example = ", for example" if len(sentences) > 1 else ""
        sentence = f"status {status}{example}: {alike[0]['status_sentence']}"
        console.print(f"{count:>5}  {_coloured(sentence, alike[0])}")
    if left := sum(result.get("left_observed_range", False) for result in results):
        console.print(f"{left:>5}  [yellow]left the observed range[/yellow]")
    laws = collections.Counter(filter(None, (r.get("law") for r in results))).most_common()
    for law, count in laws[:5]:
        console.print(f"{count:>5}  {escape(law)}")
    if len(laws) > 5:
        console.print(f"{sum(count for _, count in laws[5:]):>5}  other laws")


def _laws(console: Console, results: list[dict]) -> None:
    """The equations or the flux of the first trajectories that have any, and where others are."""
    written = [(i, formulas) for i, each in enumerate(results) if (formulas := _written(each))]
    for number, formulas in written[:_MOST_LAWS]:
        for i, formula in enumerate(formulas):
            line(console, "" if i else f"trajectory {number}", shortened(formula))
    if len(written) > _MOST_LAWS:
        line(console, "others", "--trajectory N shows the law of one, --json those of all")


def _written(result: dict) -> list[str]:
    """A law as equations, or the formula of the flux of one field."""
    if result.get("latex") is None:
        return []  # no law was found
    reading = result.get("reading") or {}
    flux = [f"f = {reading['formula']}"] if reading.get("accepted") else []
    return [*flux, *result.get("equations", ())]


def _constant(name: str, found: dict) -> str:
    sigma = found["deviation"]
    known = f" ± {sigma:.1g}" if math.isfinite(sigma) else ""
    text = f"{name} = {found['value']:.5g}".replace("-", "−")
    return f"{text}{known} {found['units']}".rstrip()


def _coloured(text: str, result: dict) -> str:
    colour = "green" if result["status"] == 0 else "yellow"
    return f"[{colour}]{escape(text)}[/{colour}]"


def _percent(value: float) -> str:
    return f"{100.0 * value:.3g} %" if math.isfinite(value) else "unknown"


def _finite(value):
    """`None` for a number that JSON does not have."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
