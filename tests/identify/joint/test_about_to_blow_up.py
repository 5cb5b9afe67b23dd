"""A run that is about to blow up: one derivative exceeds all others by so much that the equations
of a step are singular. It promises nothing and is no estimate, and the search goes on."""

import importlib

import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.boundary import Wall
from hfluxno.grid import Grid
from hfluxno.identify.joint.fit import NOTHING, estimate, promise
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward

fit = importlib.import_module("hfluxno.identify.joint.fit")

GRID = Grid((0.0,), (1.0,), (16,), ((Wall(), Wall()),))
X = (np.arange(16) + 0.5) / 16
CONTEXT = Trajectory(
    np.stack([2.0 + np.cos(np.pi * X) * np.exp(-0.1 * k) for k in range(6)])[:, None],
    np.arange(6.0),
    GRID,
    ("u",),
)
NOISE = np.array([0.01])


@pytest.fixture
def forward(monkeypatch):
    """The forward model of a quadratic flux, of which every run has such derivatives."""
    found = make_forward(Kind(2), CONTEXT, (), known_first=True)
    size = found.size

    def values_of(_, z, times, limit):
        values = np.asarray(CONTEXT.values)[: len(times)] + 1e-3
        # Integers and powers of two: the elimination leaves exactly nothing.
        rows = np.ones((len(times), size, *values.shape[1:])) * 2.0**60
        return values, rows, 1

    monkeypatch.setattr(fit, "values_of", values_of)
    return found


def test_it_promises_nothing(forward):
    assert promise(forward, CONTEXT, NOISE, np.zeros(forward.size)) == NOTHING


def test_it_is_no_estimate(forward):
    assert estimate(forward, CONTEXT, (6,), NOISE) is None
