"""What tests of several commands share."""

import contextlib
import pickle

import pytest

from hfluxno.datasets import cluster


@pytest.fixture
def alone(monkeypatch):
    """The client does what it would send to processes, the last part first; what it has done is
    listed, and it may end early."""
    worked: list = []
    end_after: list[int] = []

    def done(client, task, parts):
        for part in reversed(parts):
            if end_after and len(worked) == end_after[0]:
                raise OSError("The scheduler is gone, and its workers with it.")
            found = pickle.loads(pickle.dumps(task))(part)
            worked.append(part)
            yield found

    monkeypatch.setattr(cluster, "connected", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(cluster, "done", done)
    return worked, end_after
