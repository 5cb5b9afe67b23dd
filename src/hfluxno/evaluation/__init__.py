"""The quality of forecasts: error norms, the sets of the accuracy table, and its layout."""

from hfluxno.evaluation.accuracy import CASES, STEPS, Case, Result, measure
from hfluxno.evaluation.metrics import (
    Summary,
    errors_where_measured,
    relative_l2,
    relative_linf,
    summarize,
)

__all__ = [
    "CASES",
    "STEPS",
    "Case",
    "Result",
    "Summary",
    "errors_where_measured",
    "measure",
    "relative_l2",
    "relative_linf",
    "summarize",
]
