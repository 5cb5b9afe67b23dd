"""Which of several further terms the weak form of complete frames shows, on exact solutions."""

import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify.joint import mixtures
from hfluxno.identify.joint.further_kinds import FurtherKinds
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.mixtures import mixed_kind
from hfluxno.identify.joint.prior import make_forward
from tests.identify.exact import logistic, through_a_factor
from tests.slow import slow

CELLS, RATE = 48, 3.0
TIMES = 0.02 * np.arange(24)


@pytest.fixture(autouse=True)
def few_kinds(monkeypatch):
    """Terms have as many functions as these laws need: a fifth of all kinds."""
    parts = {"size": (1, 2), "diffusion": (0,), "by_state": (0, 2, 4)}
    monkeypatch.setattr(mixtures, "_PARTS", parts | {"source_modes": (0, 4), "flux_modes": (0, 8)})


def found(values, noise=0.0):
    values = values + noise * values.std() * np.random.default_rng(0).normal(size=values.shape)
    context = Trajectory.from_numpy(values, TIMES)
    return mixed_kind(context, lambda kind: make_forward(kind, context, (), known_first=True))


@pytest.mark.parametrize("noise", [slow(0.0), 0.02])
def test_a_velocity_by_place_and_decay(noise):
    """∂t u + ∂x(k(x) u) = -r u: what it is without decay, times exp(-r t)."""
    moved = through_a_factor(TIMES, CELLS, 0.4)
    kind = found(moved * np.exp(-RATE * TIMES)[:, None, None], noise)
    assert kind is not None
    assert kind.flux_modes and kind.by_state and not kind.source_modes


@pytest.mark.parametrize(
    "values",
    [through_a_factor(TIMES, CELLS, 0.4), slow(logistic(TIMES, CELLS, rate=2.0, speed=0.7))],
)
def test_one_term_alone_is_no_mixture(values):
    assert found(values) is None
    assert found(np.where(np.arange(CELLS) == 3, np.nan, values)) is None


def test_where_no_further_terms_are_tried_there_is_none():
    context = Trajectory.from_numpy(through_a_factor(TIMES, CELLS, 0.4), TIMES)
    kinds = FurtherKinds(context, (Kind(4),), lambda kind, refinement: pytest.fail("made"))
    assert kinds.mixed is None
