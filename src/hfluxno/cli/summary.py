"""What a command reports, as plain numbers and words: the content of `--json`."""

import dataclasses
import math

import numpy as np

from hfluxno.cli.field_errors import by_step, errors_of_fields
from hfluxno.data.source import Source
from hfluxno.data.unlikely_values import warnings_of
from hfluxno.evaluation.metrics import cells_in_a_row, errors_where_measured, reported_steps
from hfluxno.export.to_latex import latex, named_latex
from hfluxno.export.to_sympy import expressions, named_expression
from hfluxno.forecaster import Forecast
from hfluxno.identify import PlaneIdentification, Reconstruction
from hfluxno.identify.plane import saved as saved_plane
from hfluxno.identify.saved import law as saved_law
from hfluxno.identify.saved.file import dumps
from hfluxno.trajectory import Trajectory
from hfluxno.units import of_constant

# One error in ten is above its bound; few are by so much, and less than this is negligible.
_MOST_OVER_BOUND, _LEAST_ERROR = 1.5, 0.005
_ABOVE_BOUND = (
    "The true error is more than 1.5 times its 90 % bound: what happened after the context follows "
    "the law less well than the status says. Are the values conserved quantities, and the "
    "boundary right?"
)


def law_summary(source: Source, context: Trajectory, results: list[dict]) -> dict:
    """The input and the `results`, one for each trajectory."""
    return {
        "input": str(source.path),
        "variable": source.variable,
        "fields": list(source.fields),
        "boundary": list(source.boundary),
        "frames": source.frames,
        "cells": len(source.x),
        "context_frames": context.frames,
        "failed_left_out": source.failed,
        "hints": warnings_of(source),
        "results": results,
    }


def read_result(found) -> dict:
    """An inferred law, and the flux of one field as a formula."""
    reading, result = reading_summary(found), law_result(found)
    if reading is not None and reading["accepted"]:
        result["recognised"] = _recognised(reading)
    return result | {"reading": reading}


def reading_summary(found) -> dict | None:
    """The flux as a formula, whether that holds, and the next best ones; with units, as far as they
    are known."""
    readings = found.readings
    if readings is None:
        return None
    best, *others = (_described(each, found) for each in (readings.best, *readings.others))
    return {**best, "accepted": readings.best.is_accepted, "others": others}


def _recognised(reading: dict) -> dict:
    """A formula as the name of a law; with a value if it has a single number."""
    unknown = {"symbol": "", "value": None, "deviation": None, "misfit": None, "without": None}
    constants = reading["constants"]
    for symbol, each in constants.items() if len(constants) == 1 else ():
        own = {"symbol": symbol, "value": each["value"], "deviation": each["deviation"]}
        return {"name": reading["form"]} | unknown | own
    return {"name": reading["form"]} | unknown


def _described(reading, found) -> dict:
    (field,) = found.law.fields
    constants = {
        each.name: {
            "value": each.value,
            "deviation": each.deviation,
            "units": of_constant(found.units, field, each.speed, each.field),
        }
        for each in reading.constants
    }
    described = dataclasses.asdict(reading) | {
        "units": of_constant(found.units, field, 1, 1),
        "constants": constants,
        "latex": named_latex(reading.exact, field),
        "sympy": named_expression(reading.exact, field),
    }
    del described["exact"]
    return described


def forecast_results(forecast: Forecast, truth: np.ndarray) -> list[dict]:
    """An entry per trajectory: its law, its forecast and the true error."""
    steps, axes = forecast.trajectory.frames, len(forecast.trajectory.grid.shape)
    results = [law_result(found) for found in forecast.identifications]
    results = results or [{} for _ in forecast.sentences]
    values = cells_in_a_row(np.asarray(forecast.trajectory.values), axes)
    if forecast.observed is not None:
        values = forecast.observed[..., : values.shape[-2], :]
    truth = cells_in_a_row(truth, axes)
    known = values[..., : truth.shape[-3], :, :]
    errors = np.atleast_2d(errors_where_measured(known, truth))
    expected = {
        "predicted_error": forecast.predicted_error,
        "predicted_error_90": forecast.predicted_error_90,
        "cramer_rao_bound": forecast.least_error,
        "noise_error": forecast.noise_error,
    }
    reported = reported_steps(steps, errors.shape[1])
    of_fields = errors_of_fields(forecast, known, truth, reported)
    for i, result in enumerate(results):
        result |= {
            "status": int(np.ravel(forecast.status)[i]),
            "status_sentence": forecast.sentences[i],
            "backtest_error": float(np.ravel(forecast.backtest_error)[i]),
            "conservation_drift": float(np.ravel(forecast.conservation_drift)[i]),
            "left_observed_range": bool(np.ravel(forecast.left_observed_range)[i]),
        }
        for name, each in expected.items():
            if each is not None and not np.isnan(own := np.atleast_2d(each)[i]).all():
                result[name] = by_step(own, reported)
        result["true_error"] = by_step(errors[i], reported)
        result |= {"by_field": of_fields[i]} if of_fields[i] else {}
        if result["status"] == 0 and _is_above_bound(result):
            result["notes"] = [_ABOVE_BOUND]
    return results


def _is_above_bound(result: dict) -> bool:
    """Whether an error that is known is too large for its bound, noise of the data aside."""
    bound, noise = result.get("predicted_error_90", {}), result.get("noise_error", {})
    return any(
        error > max(_LEAST_ERROR, _MOST_OVER_BOUND * math.hypot(bound[n], noise.get(n, 0.0)))
        for n, error in result["true_error"].items()
        if n in bound
    )


def reconstruction_summary(source: Source, context: Trajectory, found: Reconstruction) -> dict:
    """The law behind the measurements, and how well they determine the field."""
    result = read_result(found.identification) | {"status_sentence": found.sentence}
    size = np.nanstd(np.asarray(context.states.values), axis=(0, 2))
    result["noise"] = dict(zip(source.quantities, map(float, found.noise), strict=True))
    result["noise_given"] = context.deviation is not None
    result["uncertainty"] = {
        name: float(value)
        for name, value in zip(
            source.fields, np.sqrt(np.mean(found.deviation**2, axis=(0, 2))) / size, strict=True
        )
    }
    return law_summary(source, context, [result])


def law_result(found) -> dict:
    """An inferred law."""
    if isinstance(found, PlaneIdentification):
        return _plane_law(found)
    known = found.recognised
    result = {
        "status": int(found.status),
        "status_sentence": found.sentence,
        "law": found.chosen,
        "known_law": None if known is None else known.short,
        "recognised": None if known is None else dataclasses.asdict(known),
        "cause": None if found.cause is None else dataclasses.asdict(found.cause),
        "not_conserved": list(found.not_conserved),
        "exceeded": {name: list(ends) for name, ends in found.exceeded.items()},
        "equations": list(found.formulas),
        **_formulas(found, saved_law.to_save),
        "backtest_error": float(found.backtest_error),
        "persistence_error": float(found.persistence_error),
        "residual": float(found.residual),
        "missing": float(found.missing),
        "suspect": found.suspect,
        "limited": found.limited,
        "odd": [dataclasses.asdict(each) for each in found.odd],
        "total_drift": [float(drift) for drift in np.ravel(found.total_drift)],
        "observed_range": _observed_range(found.law),
        "coefficients": {name: float(value) for name, value in found.coefficients.items()},
        "tried": [[label, float(error)] for label, error in found.tried],
    }
    variance = np.diagonal(np.atleast_2d(np.asarray(found.covariance, float)))
    if len(variance) == len(found.coefficients):
        deviations = np.sqrt(np.maximum(variance, 0.0))
        result["standard_deviations"] = dict(
            zip(found.coefficients, map(float, deviations), strict=True)
        )
    return result


def _plane_law(found: PlaneIdentification) -> dict:
    known = found.recognised
    return {
        "status": int(found.status),
        "status_sentence": found.sentence,
        "law": f"{found.name} (given)" if found.is_given else found.name,
        "recognised": None if known is None else dataclasses.asdict(known),
        "cause": {"name": str(found.causes)} if found.causes.matter else None,
        "equations": list(found.formulas),
        **_formulas(found, saved_plane.to_save),
        "terms": [dataclasses.asdict(term) for term in found.terms],
        "flow": None if found.law.flow is None else {"fastest": found.law.flow.fastest()},
        "isotropic": found.isotropic,
        "momentum": found.momentum,
        "backtest_error": float(found.backtest_error),
        "persistence_error": float(found.persistence_error),
        "misfit": float(found.misfit),
        "missing": float(found.missing),
        "internal_cells": found.refinement,
        "observed_range": _observed_range(found.law),
    }


def _formulas(found, to_save) -> dict:
    """The law as `hfluxno export` writes it in LaTeX, and for SymPy; `None` if there is no law, or
    it has no such form."""
    try:
        saved = to_save(found, found.units)
        dumps(saved)  # rejects laws with numbers that are not finite
        return {"latex": latex(saved), "sympy": expressions(saved)}
    except ValueError:
        return {"latex": None, "sympy": None}


def _observed_range(law) -> dict[str, list[float]]:
    ends = zip(law.fields, np.asarray(law.lower), np.asarray(law.upper), strict=True)
    return {name: [float(low), float(high)] for name, low, high in ends}
