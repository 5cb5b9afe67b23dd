"""A progress bar of a training run."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hfluxno.training.trackers import Numbers, Tracker


class ProgressBar(Tracker):
    """Steps done, loss, validation error, samples a second and the time left."""

    def __init__(self, name: str, console: Console):
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
        )
        self._name = name
        self._known: dict[str, float] = {}
        self._task = TaskID(0)

    def start(self, step: int, steps: int) -> None:
        self._task = self._bar.add_task(self._name, total=steps, completed=step, numbers="")
        self._bar.start()

    def log(self, step: int, numbers: Numbers) -> None:
        self._known |= numbers
        shown = [
            text.format(self._known[name])
            for name, text in (
                ("loss", "loss {:.3g}"),
                ("error", "validation {:.3g}"),
                ("samples_per_second", "{:.0f} samples/s"),
                ("skipped", "{:.0f} skipped"),
            )
            if self._known.get(name)
        ]
        self._bar.update(self._task, completed=step, numbers=", ".join(shown))

    def close(self) -> None:
        self._bar.stop()
