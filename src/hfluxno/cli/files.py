"""The files of a command: checked before the work, and the failure of one loses no other."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfluxno.cli import report
from hfluxno.data.replacing import check_writable, replacing

if TYPE_CHECKING:  # drawing is loaded only for a picture
    from matplotlib.figure import Figure

FIGURES, LAWS = (".png", ".pdf", ".svg"), (".json",)  # suffixes


class Files:
    """What a command writes. Its results take longer than what it draws or saves beside them, so a
    failure of the latter is only reported at the end.

    Raises `ValueError` or `OSError` if one of the `outputs` (a path, if it is wanted, and its
    possible suffixes) cannot be written; `source` is the input, and `ends` the file of the states
    at the ends, if there is one.
    """

    def __init__(
        self, source: Path, *outputs: tuple[Path | None, tuple[str, ...]], ends: Path | None = None
    ):
        for path, suffixes in outputs:
            if path is not None:
                for read in (source, ends):
                    check_writable(path, suffixes, read)
        self.written: list[Path] = []
        self._faults: list[str] = []

    def add(self, path: Path | None, writer: Callable[[Path], None], what: str) -> None:
        """Writes `what` to a path, if it is wanted."""
        if path is None:
            return
        try:
            with replacing(path) as (temporary,):
                writer(temporary)
        except Exception as error:
            fault = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            self._faults.append(f"The {what} is missing: {fault}; everything else is complete.")
        else:
            self.written.append(path)

    def draw(self, path: Path | None, figure: "Callable[[Any], Figure]") -> None:
        """Draws a picture by `hfluxno.plots`, which is loaded for it, if it is wanted."""

        def writer(temporary: Path) -> None:
            import hfluxno.plots as plots

            plots.save(figure(plots), temporary)

        self.add(path, writer, "picture")

    def save_law(self, path: Path | None, found, source) -> None:
        """Saves an identified law with the units of its source, if that is wanted."""
        if path is None:
            return
        try:
            with replacing(path) as (temporary,):
                found.save(temporary, source.units)
        except ValueError as error:
            self._faults.append(f"{path} was not written: {error}")
        else:
            self.written.append(path)

    def finish(self, summary: dict, as_json: bool) -> int:
        """Shows the report and what was written; returns the exit status. Raises `OSError` if
        something is missing."""
        report.show(summary | {"files": [str(path) for path in self.written]}, as_json)
        if self._faults:
            raise OSError(" ".join(self._faults))
        return 0
