"""The estimates of a search are made on the free cores, and noted in order."""

import threading

import numpy as np
import pytest

from hfluxno import Trajectory, batching
from hfluxno.identify.joint.attempts import Attempts
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.listener import Tried, listening

CELLS, TIMES = 32, np.arange(12.0)
WAVE = np.sin(2 * np.pi * (np.arange(CELLS) - 0.7 * TIMES[:, None]) / CELLS)[:, None]


def search() -> Attempts:
    return Attempts(Trajectory.from_numpy(WAVE, TIMES), (), (Kind(4),), known_first=True)


def noting(attempts: Attempts, number: int) -> tuple[int, str]:
    attempts._note(f"kind {number}", float(number))
    return number, threading.current_thread().name


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_results_and_notes_are_in_order_and_of_what_was_asked_for(cores, monkeypatch):
    monkeypatch.setattr(batching, "cores", lambda: cores)
    attempts, said = search(), []
    with listening(lambda tried: said.append(tried)):
        results = attempts.each(noting, range(5))
        found = [next(results) for _ in range(3)]
    numbers, threads = zip(*found, strict=True)
    assert numbers == (0, 1, 2)
    assert attempts.tried == [(f"kind {i}", float(i)) for i in range(3)]
    assert said == [Tried(f"kind {i}", float(i), "log evidence") for i in range(3)]
    assert (threading.current_thread().name in threads) == (cores == 1)


def test_the_context_of_a_batch_stays_on_its_core(monkeypatch):
    monkeypatch.setattr(batching, "cores", lambda: 2)
    with batching.on_one_core():
        threads = {thread for _, thread in search().each(noting, range(4))}
    assert threads == {threading.current_thread().name}
