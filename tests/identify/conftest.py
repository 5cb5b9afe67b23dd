"""What the tests of joint estimates share."""

import importlib

import pytest

from hfluxno.identify.joint.prior import Kind


@pytest.fixture
def brief(monkeypatch):
    """One kind of law without further terms, on the cells of the data: each more is a program."""
    attempts, report, prior = (
        importlib.import_module(f"hfluxno.identify.{name}")
        for name in ("joint.attempts", "joint_report", "joint.prior")
    )
    monkeypatch.setattr(prior, "_MOST_MODES", 4)
    monkeypatch.setattr(attempts, "_FINER", ())
    monkeypatch.setattr(report, "KINDS", (Kind(4),))
    monkeypatch.setattr(report, "FURTHER_KINDS", (Kind(4),))
