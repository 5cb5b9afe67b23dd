"""A search for further terms ends early where they do not help, and only there."""

import contextlib
import dataclasses
import importlib

import numpy as np
import pytest

from hfluxno import Trajectory
from hfluxno.identify.joint.estimate import Estimate
from hfluxno.identify.joint.fit import Promise
from hfluxno.identify.joint.further_kinds import FurtherKinds
from hfluxno.identify.joint.hopeless import hardly_explains, is_far_off
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.joint.prior import make_forward
from hfluxno.identify.joint.search import fit_jointly

attempts = importlib.import_module("hfluxno.identify.joint.attempts")
CELLS, TIMES = 32, np.arange(12.0)
WAVE = np.sin(2 * np.pi * (np.arange(CELLS) - 0.7 * TIMES[:, None]) / CELLS)[:, None]
KINDS = (Kind(4), Kind(4, by_state=4))


@pytest.fixture
def no_mixture(monkeypatch):
    """The weak form shows no several terms of the wave; to find that takes longer than all else."""
    monkeypatch.setattr(FurtherKinds, "mixed", None)


def of_noise(*noise: float) -> Estimate:
    """An estimate of which nothing else is known."""
    found = object.__new__(Estimate)
    found.__dict__.update(noise=np.array(noise), evidence=-noise[0])
    return found


def test_a_large_misfit_that_is_not_noise_is_far_off():
    clean = Trajectory.from_numpy(WAVE, TIMES)
    noisy = WAVE + 0.4 * np.random.default_rng(0).standard_normal(WAVE.shape)
    given = dataclasses.replace(clean, deviation=np.full(WAVE.shape, 0.4))
    assert is_far_off(of_noise(0.4), clean) and not is_far_off(of_noise(0.1), clean)
    assert not is_far_off(of_noise(0.4), Trajectory.from_numpy(noisy, TIMES))
    assert not is_far_off(of_noise(0.4), given)


def test_all_quantities_have_to_remain():
    assert hardly_explains(of_noise(0.8, 0.9), of_noise(1.0, 1.0))
    assert not hardly_explains(of_noise(0.8, 0.5), of_noise(1.0, 1.0))


@pytest.mark.usefixtures("no_mixture")
@pytest.mark.parametrize(
    ("promised", "reached", "gives_up", "steps"),
    [
        (0.95, 0.5, True, ["first"]),
        (0.8, 0.75, True, ["first", "further"]),
        (0.8, 0.5, True, ["first", "further", "finest"]),
        (0.95, 0.9, False, ["first", "further", "finest"]),
    ],
)
def test_what_a_search_does(promised, reached, gives_up, steps, monkeypatch):
    """The steps that are taken if the first law leaves half of the deviation."""
    module = importlib.import_module("hfluxno.identify.joint.search")
    search, taken = module._Search, []

    def option(left: float):
        return module.Option(of_noise(left), KINDS[0])

    def finest(*_):
        taken.append("finest")
        raise InterruptedError

    monkeypatch.setattr(search, "first", lambda *_: taken.append("first") or option(0.5))
    monkeypatch.setattr(
        search,
        "further",
        lambda _, first, anew: taken.append("further") or [first, option(0.5 * reached)],
    )
    monkeypatch.setattr(FurtherKinds, "outlook", lambda *_: Promise(0.0, promised))
    monkeypatch.setattr(search, "on_finest", finest)
    context = Trajectory.from_numpy(WAVE, TIMES)
    with contextlib.suppress(InterruptedError):
        assert fit_jointly(context, (), KINDS, gives_up=gives_up) is None
    assert taken == steps


@pytest.mark.usefixtures("no_mixture")
def test_an_estimate_from_before_ends_the_search_at_once(monkeypatch):
    module = importlib.import_module("hfluxno.identify.joint.search")
    monkeypatch.setattr(module._Search, "first", lambda *_: pytest.fail("it was not over"))
    monkeypatch.setattr(FurtherKinds, "outlook", lambda *_: Promise(0.0, 0.95))
    context = Trajectory.from_numpy(WAVE, TIMES)
    assert fit_jointly(context, (), KINDS, gives_up=True, before=of_noise(0.5)) is None


def test_an_estimate_from_before_is_the_start_of_the_first_kind(monkeypatch):
    """No window grows again, and no kink is tried from starts of its own."""
    module = importlib.import_module("hfluxno.identify.joint.search")
    monkeypatch.setattr(module._Search, "anew", lambda *_: pytest.fail("it begins anew"))
    search = module._Search(few_sensors(), (), (Kind(4),), False)
    before, starts = of_noise(0.5), []
    forward = search.forward(Kind(4), 1)
    z = np.zeros(forward.size)
    z[forward.free] = 0.1
    before.__dict__.update(forward=forward, z=z)

    def estimated(_, start, source, target):
        starts.append(start)
        return source.estimate

    monkeypatch.setattr(module._Search, "estimated", estimated)
    first = search.first(before)
    assert first.estimate is before
    np.testing.assert_allclose(starts, [before.z])
    monkeypatch.setattr(module._Search, "kinked", lambda *_: [])
    monkeypatch.setattr(FurtherKinds, "smooth", lambda *_: [])
    assert search.further(first, anew=False) == [first]


@pytest.mark.usefixtures("no_mixture")
@pytest.mark.parametrize("shown", [0, 1, 2])
def test_stretches_that_the_weak_form_has_found_are_tried_whatever_else_promises(
    shown, monkeypatch
):
    """What is linear where a run begins does not tell what they would do."""
    module = importlib.import_module("hfluxno.identify.joint.search")
    stretch, others = Kind(4, stretches=1), tuple(Kind(4, diffusion=n) for n in (1, 2, 3))
    asked, kinds = [], FurtherKinds
    monkeypatch.setattr(kinds, "outlook", lambda _, __, kind: Promise(-float(kind.stretches), 0.5))
    monkeypatch.setattr(kinds, "_shown", lambda *_: (None,) * shown)
    monkeypatch.setattr(module._Search, "richer", lambda _, __, kind, **___: asked.append(kind))
    context = Trajectory.from_numpy(WAVE, TIMES)
    monkeypatch.setattr(module._Search, "kinked", lambda *_: [])
    search = module._Search(context, (), (Kind(4), stretch, *others), True)
    search.further(module.Option(of_noise(0.5), Kind(4)))
    assert asked == [*others, *([Kind(4, stretches=shown)] if shown else [])]


def test_windows_grow_from_laws_alone(monkeypatch):
    """The first state and the ends of a start belong to another law."""
    module = importlib.import_module("hfluxno.identify.joint.windows")
    context = Trajectory.from_numpy(WAVE, TIMES)
    forward = make_forward(Kind(2), context, (), known_first=False)
    begun = []

    def estimated(forward, context, frames, noise=None, start=None, quick=False):
        begun.append(start)
        return None

    monkeypatch.setattr(module, "estimate", estimated)
    start = np.arange(1.0, 1.0 + forward.size)
    assert module.grown(forward, context, (5, 12), [start]) is None
    laws = len(forward.spread)
    (found,) = begun
    np.testing.assert_array_equal(found[:laws], start[:laws])
    np.testing.assert_array_equal(found[laws:], 0.0)


@pytest.mark.parametrize(("more", "kept"), [(-1.0, True), (1.0, False)])
def test_of_a_few_sensors_the_more_probable_end_counts(monkeypatch, more, kept):
    """That of the growing windows, or of one that begins where a parabola has ended."""
    module = importlib.import_module("hfluxno.identify.joint.search")
    monkeypatch.setattr(attempts, "on_wider_cells", lambda _: None)
    search = module._Search(few_sensors(), (), (Kind(4),), False)
    asked, found = [], {4: of_evidence(-50.0), 2: of_evidence(-90.0)}

    def grown(forward, context, frames):
        asked.append(int(np.sum(forward.spread > 0.0)))  # the degree
        each = found[asked[-1]]
        each.__dict__.update(forward=forward, z=np.zeros(forward.size))
        return each

    monkeypatch.setattr(attempts, "grown", grown)
    other = of_evidence(-50.0 + more)
    other.__dict__["forward"] = search.forward(Kind(4), 1)
    monkeypatch.setattr(module._Search, "estimated", lambda *_: other)
    first = search.first()
    assert asked == [4, 2] and (first.estimate is found[4]) == kept
    assert first.estimate is found[4] or first.estimate is other
    # Frames of which most was measured have fewer minima.
    module._Search(Trajectory.from_numpy(WAVE, TIMES), (), (Kind(4),), True).first()
    assert asked == [4, 2, 4]


def test_sensors_are_first_fitted_on_wider_cells(monkeypatch):
    """Windows grow there, and what is found is the start on the cells of the context."""
    module = importlib.import_module("hfluxno.identify.joint.search")
    context, cells, starts = few_sensors(), [], []

    def grown(forward, wider, frames):
        cells.append(wider.grid.shape[0])
        each = of_evidence(-50.0)
        each.__dict__.update(forward=forward, z=0.1 * np.ones(forward.size))
        return each

    def estimated(search, start, source, target):
        cells.append(search.context.grid.shape[0])
        starts.append(target.law(start).flux(np.linspace(0.1, 0.3, 3)[None]))
        return source.estimate

    monkeypatch.setattr(attempts, "grown", grown)
    monkeypatch.setattr(module._Search, "estimated", estimated)
    monkeypatch.setattr(module._Search, "by_parabola", lambda _, base, found: found)
    found = module._Search(context, (), (Kind(4),), False).first().estimate
    whole = context.grid.shape[0]
    assert cells == [-(-whole // 2), whole]
    wide = found.forward.law(found.z).flux(np.linspace(0.1, 0.3, 3)[None])
    ratio = whole / cells[0]  # in cells per frame
    np.testing.assert_allclose(starts[-1], ratio * np.asarray(wide), rtol=1e-9)


@pytest.mark.parametrize(("gain", "count"), [(9.0, 0), (11.0, 1)])
def test_a_kink_from_starts_of_its_own_must_be_more_probable(monkeypatch, gain, count):
    module = importlib.import_module("hfluxno.identify.joint.search")
    monkeypatch.setattr(module._Search, "leaves_noise", lambda *_: False)
    monkeypatch.setattr(module._Search, "is_exact", lambda *_: False)
    found = of_evidence(-200.0 + gain)
    found.__dict__["forward"] = make_forward(Kind(2), few_sensors(), (), known_first=False)
    monkeypatch.setattr(attempts, "on_wider_cells", lambda _: None)
    monkeypatch.setattr(attempts, "grown", lambda *_: found)
    first = module.Option(of_evidence(-200.0), Kind(4))
    search = module._Search(few_sensors(), (), (Kind(4),), False)
    options = search.kinked_anew(first)
    assert [each.kind for each in options] == [Kind(2, kinks=1)] * count
    dense = module._Search(Trajectory.from_numpy(WAVE, TIMES), (), (Kind(4),), True)
    assert dense.kinked_anew(first) == []


@pytest.mark.parametrize(("gain", "taken"), [(9.0, False), (11.0, True)])
def test_what_is_no_better_on_finer_cells_is_estimated_anew_there(monkeypatch, gain, taken):
    """It may have fitted the errors of a coarse scheme: a column of sediment ended at .10."""
    module = importlib.import_module("hfluxno.identify.joint.search")
    monkeypatch.setattr(module._Search, "richer", lambda *_: None)
    monkeypatch.setattr(module._Search, "is_exact", lambda *_: False)
    noise = monkeypatch.context()
    search = module._Search(Trajectory.from_numpy(WAVE, TIMES), (), (Kind(4),), True)
    cells = []

    def grown(forward, context, frames):
        cells.append(forward.settings.refinement)
        each = of_evidence(-200.0 + gain)
        each.__dict__.update(forward=forward)
        return each

    monkeypatch.setattr(attempts, "grown", grown)
    first = of_evidence(-200.0)
    first.__dict__.update(forward=search.forward(Kind(4), 1), steps=4)
    first = module.Option(first, Kind(4))
    with noise as patch:
        patch.setattr(module._Search, "leaves_noise", lambda *_: True)
        assert search.finer(first, 4) is None and not cells
    monkeypatch.setattr(module._Search, "leaves_noise", lambda *_: False)
    found = search.finer(first, 2)
    assert cells == [2] and (found is not None) == taken
    assert [label for label, _ in search.tried] == ["degree 4, grid ×2"] * taken


def few_sensors() -> Trajectory:
    seen = np.full(WAVE.shape, np.nan)
    seen[..., ::4] = WAVE[..., ::4]
    return Trajectory.from_numpy(seen, TIMES)


def of_evidence(evidence: float) -> Estimate:
    found = of_noise(0.1)
    found.__dict__["evidence"] = evidence
    return found
