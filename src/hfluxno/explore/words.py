"""The texts of the page: the sentence on trust, candidates, errors."""

import html
import re

import numpy as np

from hfluxno.evaluation.metrics import reported_steps
from hfluxno.explore.explorer import Explorer
from hfluxno.identify import PlaneIdentification
from hfluxno.identify.listener import Tried
from hfluxno.plural import plural
from hfluxno.units import of_constant

_WAITING = "Drag a point or change a field, then press Run."
_COMPILING = (
    "Loading programs; the first run with this kind of ends and size of data compiles them, which "
    "takes minutes."
)


# The controls of the options that sentences of the library name.
CONTROLS = {
    "variable": "Variable",
    "fields": "Variable",
    "context": "Context frames",
    "boundary": "Ends of x",
    "cells": "Cells",
    "domain": "Domain",
    "gamma": "Gamma",
    "walls": "Walls",
}
# What follows an option: a value, or what stands for any.
_ANY = (None, "NAME", "N", "G", "LOWER,UPPER")
_VALUE = r"NAME(?:,NAME)*|N|G|LOWER,UPPER|open|nan|\d+(?:\.\d+)?"
_OPTION = re.compile(
    r"--(?P<option>variable|fields)(?:[ =](?P<names>\S*[^\s.,;:)]))?"
    rf"|--(?P<other>{'|'.join(CONTROLS)})(?! given)\b(?:[ =](?P<value>{_VALUE})\b)?"
)


def for_page(text: str) -> str:
    """A sentence of the library with the controls of the page instead of options, and a word
    on options for which it has none."""

    def control(found: re.Match) -> str:
        option, value = found["option"] or found["other"], found["names"] or found["value"]
        return f"the field {CONTROLS[option]}" + f" = {value}" * (value not in _ANY)

    # Which ends were assumed cannot be said on the page.
    said = re.sub(r"; say --boundary periodic [^.;]*", "", text)
    said = _OPTION.sub(control, said).replace("leave out the field", "leave empty the field")
    said = said.replace("use the method fit", "see the row law")  # which every run has
    if text.startswith("--"):
        said = said[0].upper() + said[1:]
    if re.search(r"(?<![\w-])--[a-z]", said):
        said += " (What begins with -- is an option of hfluxno forecast that the page lacks.)"
    return said


def status(explorer: Explorer) -> tuple[str, str]:
    """The kind of news (`fault`, `busy`, `good`, `doubt` or `idle`), and its text."""
    kind, text = _status(explorer)
    return kind, for_page(text)


def _status(explorer: Explorer) -> tuple[str, str]:
    if explorer.fault:
        return "fault", explorer.fault
    outcome = explorer.outcome
    if outcome is not None:
        kind = "good" if outcome.status == 0 else "doubt"
        return kind, f"Status {outcome.status}: {outcome.sentence}."
    if explorer.running:
        tried = len(explorer.tried)
        said = f"{plural(tried, 'candidate')} tried." if tried else _COMPILING
        return "busy", f"The law is being inferred: {said}"
    return "idle", " ".join((*(explorer.problem.notes if explorer.problem else ()), _WAITING))


def candidates(explorer: Explorer) -> str:
    """A table of the candidates, the best one in bold."""
    tried = explorer.tried
    if not tried:
        if explorer.problem is not None and explorer.problem.on_a_plane:
            return "<p class='none'>A law on a plane is found by its weak form.</p>"
        return "<p class='none'>Candidates appear here while the law is inferred.</p>"
    best = _best(tried)
    rows = [
        f"<tr{' class=best' if one is best else ''}><td>{html.escape(one.label)}</td>"
        f"<td>{_score(one)}</td></tr>"
        for one in tried
    ]
    measure = tried[-1].measure
    return (
        f"<table><thead><tr><th>candidate</th><th>{measure}</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def errors(explorer: Explorer) -> str:
    """A table of relative l2 errors: the law beside other methods."""
    outcome = explorer.outcome
    if outcome is None:
        return "<p class='none'>Errors of the forecast appear here after a run.</p>"
    known = len(outcome.errors)
    steps = [step for step in reported_steps(outcome.problem.steps, known) if step <= known]
    if not steps:
        return "<p class='none'>Nothing is known after the context, so there is no error.</p>"
    head = "".join(f"<th>step {step}</th>" for step in steps)
    law = "".join(f"<td>{of_four_digits(outcome.errors[step - 1])}</td>" for step in steps)
    rows = [f"<tr class=best><td>law</td>{law}</tr>"]
    for each in explorer.rivals:
        if len(each.errors):
            cells = "".join(f"<td>{of_four_digits(each.errors[step - 1])}</td>" for step in steps)
        else:
            cells = (
                f"<td class=why colspan={len(steps)}>{html.escape(for_page(each.sentence))}</td>"
            )
        rows.append(f"<tr><td>{html.escape(each.name)}</td>{cells}</tr>")
    return (
        f"<table><thead><tr><th>error</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def law(explorer: Explorer) -> str:
    """The chosen law in one line: the candidate, its formula if it has one, and the time taken."""
    outcome = explorer.outcome
    if outcome is None:
        return ""
    found, parts = outcome.found, []
    if isinstance(found, PlaneIdentification):
        equations = "<br>".join(map(html.escape, found.formulas))
        return f"{html.escape(found.name)} · {outcome.seconds:.2f} s<br>{equations}"
    readings = found.readings
    if readings is not None and readings.best.is_accepted:
        units = of_constant(found.units, found.law.fields[0], 1, 1)
        parts.append(f"f = {readings.best.formula}" + f" in {units}" * bool(units))
    parts += found.formulas
    parts.append(found.described)
    if np.isfinite(found.backtest_error):
        parts.append(f"back-test error {of_four_digits(found.backtest_error)}")
    parts.append(f"{outcome.seconds:.2f} s")
    return html.escape(" · ".join(parts))


def of_four_digits(part: float) -> str:
    """A percentage with four digits."""
    return f"{100.0 * part:.4g} %" if np.isfinite(part) else "unknown"


def _score(tried: Tried) -> str:
    if not np.isfinite(tried.score):
        return "failed"
    if tried.measure == "log evidence":
        return f"{tried.score:.1f}"
    return f"{100.0 * tried.score:.3g} %"


def _best(tried: tuple[Tried, ...]) -> Tried:
    last = tried[-1].measure
    same = [one for one in tried if one.measure == last and np.isfinite(one.score)]
    if not same:
        return tried[-1]
    pick = max if last == "log evidence" else min
    return pick(same, key=lambda one: one.score)
