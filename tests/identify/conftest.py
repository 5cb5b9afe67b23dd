"""What the tests of joint estimates share."""

import importlib

import pytest

from hfluxno.identify.joint.kind import Kind


@pytest.fixture
def brief(monkeypatch):
    """One kind of law without further terms, on the cells of the data: each more is a program."""
    attempts, jointly, kind = (
        importlib.import_module(f"hfluxno.identify.{name}")
        for name in ("joint.attempts", "jointly", "joint.kind")
    )
    monkeypatch.setattr(kind, "_MOST_MODES", 4)
    monkeypatch.setattr(attempts, "_FINER", ())
    monkeypatch.setattr(jointly, "KINDS", (Kind(4),))
    monkeypatch.setattr(jointly, "FURTHER_KINDS", (Kind(4),))
