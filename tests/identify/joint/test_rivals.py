"""Which of two further terms is right is decided on cells that are fine enough to show it."""

import importlib

import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.found import Option
from hfluxno.identify.joint.further_kinds import FurtherKinds
from hfluxno.identify.joint.kind import Kind

module = importlib.import_module("hfluxno.identify.joint.search")
CELLS, TIMES = 32, np.arange(12.0)
WAVE = np.sin(2 * np.pi * (np.arange(CELLS) - 0.7 * TIMES[:, None]) / CELLS)[:, None]
PLAIN, STATE, PLACE = Kind(4), Kind(4, by_state=4), Kind(4, source_modes=4)


@pytest.fixture
def search():
    return module._Search(Trajectory.from_numpy(WAVE, TIMES), (), (PLAIN, STATE, PLACE), True)


def option(kind: Kind, evidence: float) -> Option:
    """Of which nothing else is known."""
    found = object.__new__(Estimate)
    found.__dict__.update(evidence=evidence, noise=np.ones(1))
    return Option(found, kind)


@pytest.mark.parametrize(
    ("behind", "plain", "refined"),
    [
        (1960.0, 1200.0, [PLACE, STATE, PLAIN]),
        (1600.0, 1200.0, [PLACE, PLAIN]),
        # Finer cells alone gain most of it.
        (1960.0, 1950.0, [PLACE, PLAIN]),
        (None, 1200.0, [PLACE, PLAIN]),
    ],
)
def test_what_gains_alike_on_finer_cells_is_refined_too(
    search, monkeypatch, behind, plain, refined
):
    on_finer = {PLACE: 2000.0, STATE: behind, PLAIN: plain}
    taken = []

    def finer(_, each, factor):
        found = on_finer[each.kind]
        return None if found is None else option(each.kind, found)

    monkeypatch.setattr(module._Search, "each", lambda self, f, items: [f(self, i) for i in items])
    monkeypatch.setattr(module._Search, "finer", finer)
    monkeypatch.setattr(module._Search, "refined", lambda _, o: taken.append(o.kind) or o)
    monkeypatch.setattr(module._Search, "leaves_noise", lambda *_: True)
    first = option(PLAIN, 1000.0)
    found = search.on_finest(first, [first, option(STATE, 1490.0), option(PLACE, 1500.0)])
    assert taken == refined and found.kind == PLACE


@pytest.mark.parametrize("noisy", [True, False])
def test_a_source_loses_no_terms_that_the_errors_of_coarse_cells_hide(search, monkeypatch, noisy):
    simplified = []
    monkeypatch.setattr(FurtherKinds, "mixed", None)
    monkeypatch.setattr(FurtherKinds, "smooth", lambda *_: [STATE])
    for name in ("with_places", "with_diffusion"):
        monkeypatch.setattr(module._Search, name, lambda _, each: each)
    monkeypatch.setattr(module._Search, "richer", lambda *_, **__: option(STATE, 20.0))
    monkeypatch.setattr(module._Search, "simplified", lambda _, o: simplified.append(o) or o)
    monkeypatch.setattr(module._Search, "leaves_noise", lambda *_: noisy)
    monkeypatch.setattr(module._Search, "explains", lambda *_: True)
    options = search.further(option(PLAIN, 10.0), anew=False)
    assert [each.kind for each in options] == [PLAIN, STATE]
    assert len(simplified) == noisy
