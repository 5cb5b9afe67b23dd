"""The quality of forecasts: error norms and summaries; its modules measure sets of windows."""

from hfluxno.evaluation.metrics import (
    Summary,
    errors_where_measured,
    relative_l2,
    relative_linf,
    summarize,
)

__all__ = ["Summary", "errors_where_measured", "relative_l2", "relative_linf", "summarize"]
