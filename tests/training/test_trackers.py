"""Trackers: the numbers arrive, and what is not installed is said."""

import importlib.machinery
import io
import json
import sys
import types

from rich.console import Console

from hfluxno.training.progress import ProgressBar
from hfluxno.training.trackers import JsonLines, TensorBoard, WeightsAndBiases


def test_json_lines_drops_what_comes_after_a_checkpoint(tmp_path):
    path = tmp_path / "metrics.jsonl"
    first = JsonLines(path)
    first.start(0, 10)
    for step in (2, 4, 6):
        first.log(step, {"loss": 1.0 / step, "error": float("nan")})
    path.write_text(path.read_text() + '{"step": 8, "lo')  # killed while it wrote
    again = JsonLines(path)
    again.start(4, 10)
    again.log(6, {"loss": 0.5})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6]
    assert lines[0]["error"] is None and lines[-1]["loss"] == 0.5


def test_the_progress_bar_shows_the_numbers():
    shown = io.StringIO()
    bar = ProgressBar("cubic", Console(file=shown, force_terminal=True, width=160))
    bar.start(5, 10)
    bar.log(6, {"loss": 0.123, "samples_per_second": 45.0, "skipped": 0.0})
    bar.log(8, {"error": 0.0567})
    bar.log(10, {"skipped": 2.0})
    bar.close()
    text = shown.getvalue()
    for part in ("cubic", "10/10", "loss 0.123", "45 samples/s", "validation 0.0567", "2 skipped"):
        assert part in text


class _Fake(types.ModuleType):
    def __init__(self, name):
        super().__init__(name)
        self.__spec__ = importlib.machinery.ModuleSpec(name, None)
        self.calls = []

    def SummaryWriter(self, folder, purge_step):
        self.calls.append(purge_step)
        return self

    def init(self, **options):
        self.calls.append(options)
        return self

    def add_scalar(self, name, value, step):
        self.calls.append((name, value, step))

    def log(self, numbers, step):
        self.calls.append((numbers, step))

    def close(self):
        self.calls.append("closed")

    finish = close


def test_tensorboard_gets_scalars(tmp_path, monkeypatch):
    fake = _Fake("tensorboardX")
    monkeypatch.setitem(sys.modules, "tensorboardX", fake)
    tracker = TensorBoard(tmp_path / "board")
    assert list(tmp_path.iterdir()) == []  # the folder of a run is made by the run
    tracker.start(2, 10)
    tracker.log(3, {"loss": 0.5, "error": 0.1})
    tracker.close()
    assert fake.calls == [3, ("loss", 0.5, 3), ("error", 0.1, 3), "closed"]


def test_weights_and_biases_gets_numbers_and_goes_on_with_a_run(tmp_path, monkeypatch):
    fake = _Fake("wandb")
    monkeypatch.setitem(sys.modules, "wandb", fake)
    for _ in range(2):
        tracker = WeightsAndBiases("project", tmp_path / "run", {"seed": 0})
        tracker.start(2, 10)
        tracker.log(3, {"loss": 0.5})
        tracker.close()
    first, second = (call for call in fake.calls if isinstance(call, dict))
    assert first == second and first["resume"] == "allow" and first["id"].startswith("run-")
    assert ({"loss": 0.5}, 3) in fake.calls
