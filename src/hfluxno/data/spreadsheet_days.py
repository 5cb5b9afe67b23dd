"""Times that are probably days as spreadsheets count them, from the end of 1899: 45000.5 is noon of
the 15th of March 2023."""

import numpy as np
from jaxtyping import Float

from hfluxno.data.clock import date
from hfluxno.data.headers import plain

UNITS = "days since 1899-12-30"
_FROM, _TO = 32_874.0, 73_051.0  # 1990 and 2100
_DAY, _STEP, _ROUNDED = 86_400.0, 10.0, 0.6  # seconds; days may have only five decimals
_SHORT, _EXACT = 1e3, 1e-3  # of numbers with three decimals, which other clocks have
_FEWEST = 4
_DATES = {"date", "datetime", "timestamp", "datum", "day", "tag", "zeitstempel", "zeitpunkt"}


def spreadsheet_days(times: Float[np.ndarray, " time"], name: str) -> str:
    """A note on times without units, of a column with this name, if they are such days between 1990
    and 2100: at whole multiples of ten seconds that are no short decimals, or in a column that is
    called a date. Else nothing."""
    if len(times) < _FEWEST or not _FROM <= times[0] <= times[-1] < _TO:
        return ""
    seconds = _DAY * times
    whole = _STEP * np.round(seconds / _STEP)
    even = np.all(np.abs(seconds - whole) <= _ROUNDED)
    long = np.any(np.abs(_SHORT * times - np.round(_SHORT * times)) > _EXACT)
    if not ((even and long) or plain(name) in _DATES):
        return ""
    first, last = (date(float(each) / _DAY, UNITS) for each in whole[[0, -1]])
    return (
        f"The times, {times[0]:.10g} to {times[-1]:.10g}, are taken as numbers without units; if "
        f"they are days of a spreadsheet, from {first} to {last}, write dates, or "
        f"{name} [{UNITS}] as the header."
    )
