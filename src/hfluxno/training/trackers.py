"""Where the metrics of a run go: a file of JSON lines, TensorBoard, Weights & Biases, a terminal.

The trainer knows only this interface, so a tracker cannot affect a run.
"""

import abc
import importlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from hfluxno.data.replacing import replace_text
from hfluxno.extras import require
from hfluxno.strict_json import finite

Numbers = Mapping[str, float]


class Tracker(abc.ABC):
    """Receives the metrics of a run."""

    def start(self, step: int, steps: int) -> None:  # noqa: B027, most need not know
        """The run begins after `step` of `steps` steps."""

    @abc.abstractmethod
    def log(self, step: int, numbers: Numbers) -> None:
        """The metrics after `step` steps."""

    def close(self) -> None:  # noqa: B027
        """The run has ended, or was given up."""


class JsonLines(Tracker):
    """One JSON object per line; a resumed run drops the lines after its checkpoint."""

    def __init__(self, path: Path):
        self.path = Path(path)

    def start(self, step: int, steps: int) -> None:
        if not self.path.exists():
            return
        kept = [line for line in self.path.read_text().splitlines() if _step_of(line) <= step]
        replace_text(self.path, "".join(line + "\n" for line in kept))

    def log(self, step: int, numbers: Numbers) -> None:
        entries = {name: finite(value) for name, value in numbers.items()}
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, **entries}) + "\n")


class TensorBoard(Tracker):
    """Event files for TensorBoard. Raises `MissingExtra` if tensorboardX is not installed."""

    def __init__(self, folder: Path):
        self._module: Any = _optional("tensorboardX", "--tensorboard")
        self._folder = Path(folder)
        self._writer: Any = None

    def start(self, step: int, steps: int) -> None:
        self._writer = self._module.SummaryWriter(str(self._folder), purge_step=step + 1)

    def log(self, step: int, numbers: Numbers) -> None:
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class WeightsAndBiases(Tracker):
    """A run at Weights & Biases.

    - `project`: the project there.
    - `folder`: for its files.
    - `configuration`: shown with the run.

    Raises `MissingExtra` if wandb is not installed.
    """

    def __init__(self, project: str, folder: Path, configuration: Mapping[str, Any]):
        self._module: Any = _optional("wandb", "--wandb")
        place, name = str(Path(folder).absolute()), Path(folder).name
        self._options = {
            "project": project,
            "dir": place,
            "config": dict(configuration),
            "name": name,
            # A run resumed from its folder continues there too.
            "id": f"{name}-{zlib.crc32(place.encode()):08x}",
            "resume": "allow",
        }
        self._run: Any = None

    def start(self, step: int, steps: int) -> None:
        self._run = self._module.init(**self._options)

    def log(self, step: int, numbers: Numbers) -> None:
        self._run.log(dict(numbers), step=step)

    def close(self) -> None:
        if self._run is not None:
            self._run.finish()


def _optional(module: str, option: str) -> ModuleType:
    require(option, "logs", module, otherwise="or leave it out")
    return importlib.import_module(module)


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):  # the last line of a killed run may be half a line
        return float("inf")
