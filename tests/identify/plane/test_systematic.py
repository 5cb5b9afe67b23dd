"""Errors of a law that are none of the scheme."""

import dataclasses

import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.identify import FitStatus
from hfluxno.identify.plane import identification, systematic
from hfluxno.identify.plane.causes import Causes
from hfluxno.identify.plane.dispersion import NO_DISPERSION, dispersion
from hfluxno.identify.plane.frames import frames_of
from hfluxno.identify.plane.residual import residual, scale_in_time
from hfluxno.identify.plane.run import Followed, Start
from hfluxno.parametric.basis import Chebyshev, Dictionary
from hfluxno.parametric.plane.law import FittedPlaneLaw
from hfluxno.trajectory import Trajectory
from tests.identify.plane.laws import one_field


@pytest.mark.parametrize(
    ("error", "by_scheme", "found"), [(0.1, 0.02, True), (0.1, 0.08, False), (0.02, 0.002, False)]
)
def test_an_error_beyond_that_of_the_scheme_is_one_of_the_law(monkeypatch, error, by_scheme, found):
    x = 2.0 * np.pi * np.arange(16) / 16
    values = np.repeat((np.sin(x)[:, None] + np.cos(x))[None, None], 9, axis=0)
    seen = frames_of(Trajectory(values, np.arange(9.0), Grid.rectangle((16, 16)), ("u",)))

    def predicted(law, seen, start, last):
        off = error + (by_scheme if start.refinement == 1 else 0.0)
        return Followed(seen.values[last + 1 :] + off, seen.values[-1], True)

    monkeypatch.setattr(systematic, "predicted", predicted)
    assert systematic.is_systematic(one_field(), seen, Start("restart", 2)) is found
    monkeypatch.setattr(systematic, "REFINEMENTS", (2,))
    assert not systematic.is_systematic(one_field(), seen, Start("restart", 2))


@pytest.mark.parametrize(
    ("by_law", "by_scheme", "noise", "found"),
    [
        (0.45, 0.1, 0.0, True),
        (0.45, 0.1, 0.03, True),
        (0.1, 0.1, 0.0, False),
        (0.1, 0.3, 0.03, False),
        (0.0, 0.8, 0.0, False),
        (0.45, 0.9, 0.0, True),
    ],
)
def test_two_frames_show_an_error_that_is_none_of_the_scheme(
    monkeypatch, by_law, by_scheme, noise, found
):
    """Relative to the change: that of the law, and that of the scheme of another shape."""
    x = 2.0 * np.pi * np.arange(24) / 24
    wave = np.sin(x)[:, None] + np.cos(x)
    change, shape = 0.4 * (np.cos(x)[:, None] - np.sin(x)), 0.4 * np.sin(3 * x)[:, None] * wave
    exact = np.stack([wave, wave + change])[:, None]
    values = exact + noise * np.random.default_rng(0).normal(size=exact.shape)
    seen = frames_of(Trajectory(values, np.arange(2.0), Grid.rectangle((24, 24)), ("u",)))

    def predicted(law, seen, start, last):
        off = by_law * change + by_scheme * (2.0 if start.refinement == 1 else 1.0) * shape
        return Followed(exact[last + 1 :] + off, seen.values[-1], True)

    monkeypatch.setattr(systematic, "predicted", predicted)
    assert systematic.misses_change(one_field(), seen, Start("restart", 2)) is found


@pytest.mark.parametrize(("change", "noise"), [(0.0, 0.0), (0.0, 0.05), (0.3, 0.0), (0.3, 0.02)])
def test_a_speed_that_changes_in_time_is_no_law(monkeypatch, change, noise):
    """A wave that is carried along at the speeds (.5, .3) (1 + change cos πt/5), exactly."""
    monkeypatch.setattr(identification, "is_systematic", lambda *_: False)
    cells, t = 24, np.arange(12.0)
    gone = t + change * np.sin(np.pi * t / 5) * 5 / np.pi
    x = np.arange(cells) + 0.5
    phase = 2.0 * np.pi / cells
    along = [x[None] - speed * gone[:, None] for speed in (0.5, 0.3)]
    values = np.sin(phase * along[0])[:, :, None] + np.cos(2 * phase * along[1])[:, None]
    values = values + noise * np.random.default_rng(0).normal(size=values.shape)
    grid = Grid.rectangle((cells, cells), upper=(float(cells), float(cells)))
    seen = frames_of(Trajectory(values[:, None], t, grid, ("u",)))
    basis = Chebyshev(np.array([0.0]), np.array([2.0]), 5)
    flux = np.array([[[1.0, 0.0, 0.0, 0.0, 0.0]], [[0.6, 0.0, 0.0, 0.0, 0.0]]])
    law = FittedPlaneLaw(("u",), basis, flux, np.array([-2.0]), np.array([2.0]))
    found = scale_in_time(law, seen)
    assert found.matters is bool(change)
    if change:
        assert found.differs > change and found.explained > 0.8
        assert str(found).startswith("most likely a flux that changes in time: factors that differ")
        partly = str(found._replace(differs=1.08, explained=0.44))
        assert partly.startswith("perhaps a flux that changes in time or depends on place: factors")
    elif not noise:
        assert found.differs < 0.001
    start, causes = Start("restart", 2), Causes(scale_in_time=found)
    status = identification.status_of(law, seen, start, 0.01, 0.5, 0.0, causes)
    assert status == (FitStatus.SYSTEMATIC_MISFIT if change else FitStatus.OK)


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("of_fields", [1, 2])
@pytest.mark.parametrize("delta", [0.0, 4.0])
def test_waves_that_disperse_follow_no_law(monkeypatch, delta, of_fields, noise):
    """∂t u + .5 ∂x u + .3 ∂y u + δ ∂x(∂xx u + ∂yy u) = ν (∂xx u + ∂yy u), mode by mode, beside a
    second field that is only carried along."""
    monkeypatch.setattr(identification, "is_systematic", lambda *_: False)
    cells, t, random = 32, np.arange(10.0), np.random.default_rng(3)
    place = (np.arange(cells) + 0.5)[:, None]
    values = np.zeros((len(t), of_fields, cells, cells))
    for i in range(of_fields):
        for a, b in ((1, 0), (0, 1), (1, 1), (2, 1), (1, -2), (2, -2)):
            k, m = 2.0 * np.pi * a / cells, 2.0 * np.pi * b / cells
            speed = 0.5 * k + 0.3 * m - (delta * (k**3 + k * m**2) if i == 0 else 0.0)
            phase = k * place + m * place.T + random.uniform(0.0, 2.0 * np.pi)
            decay = np.exp(-0.02 * (k**2 + m**2) * t)[:, None, None]
            values[:, i] += decay * np.cos(phase - speed * t[:, None, None])
    values += noise * values.std() * random.normal(size=values.shape)
    names = ("u", "v")[:of_fields]
    grid = Grid.rectangle((cells, cells), upper=(float(cells), float(cells)))
    seen = frames_of(Trajectory(values, t, grid, names))
    basis = Chebyshev(np.array([0.0]), np.array([5.0]), 3)
    flux = np.array([[[2.5, 0.0, 0.0]], [[1.5, 0.0, 0.0]]])
    if of_fields == 2:
        basis = Dictionary(np.ones(2), ((1, 0), (0, 1)), names)
        flux = np.array([0.5 * np.eye(2), 0.3 * np.eye(2)])
    law = FittedPlaneLaw(names, basis, flux, -5.0 * np.ones(of_fields), 5.0 * np.ones(of_fields))
    causes = Causes(dispersion=dispersion(law, seen))
    assert causes.matter is bool(delta)
    few = frames_of(Trajectory(values[:5], t[:5], grid, names))
    assert dispersion(law, few) == NO_DISPERSION
    status = identification.status_of(law, seen, Start("restart", 2), 0.01, 0.5, 0.0, causes)
    assert status == (FitStatus.SYSTEMATIC_MISFIT if delta else FitStatus.OK)
    if delta:
        assert causes.dispersion.field == "u"
        assert str(causes).startswith("most likely dispersion: it explains ")
        if not noise:
            assert causes.dispersion.explained > 0.95


def test_a_law_without_fluxes_has_a_weak_form():
    """Two fields that only decay."""
    t, cells = np.arange(8.0), 16
    shape = 1.0 + 0.3 * np.cos(2 * np.pi * (np.arange(cells) + 0.5) / cells)
    values = np.exp(-0.1 * t)[:, None, None, None] * np.stack([shape[:, None] * shape] * 2)
    seen = frames_of(Trajectory(values, t, Grid.rectangle((cells, cells)), ("a", "b")))
    basis = Dictionary(np.ones(2), ((1, 0), (0, 1)), ("a", "b"))
    ones, decay = np.ones(2), np.array([[-0.1, 0.0], [0.0, -0.1]])
    law = FittedPlaneLaw(("a", "b"), basis, np.zeros((2, 2, 2)), 0.0 * ones, 2.0 * ones)
    law = dataclasses.replace(law, sources=decay, arising=((1, 0), (0, 1)))
    assert residual(law, seen)[0] < 1e-3 and scale_in_time(law, seen).differs < 1e-3


@pytest.mark.parametrize(("share", "status"), [(3.0, FitStatus.POOR_FIT), (0.1, FitStatus.OK)])
def test_frames_of_noise_show_no_law(monkeypatch, share, status):
    """Their back-test is no worse than that of repeating a frame, and noise explains all of it."""
    monkeypatch.setattr(identification, "is_systematic", lambda *_: False)
    x = 2.0 * np.pi * np.arange(16) / 16
    wave = np.sin(x[:, None] + x - 0.3 * np.arange(9.0)[:, None, None])[:, None]
    values = wave + share * np.random.default_rng(0).normal(size=wave.shape)
    seen = frames_of(Trajectory(values, np.arange(9.0), Grid.rectangle((16, 16)), ("u",)))
    error, persistence = 1.01 * seen.relative_noise, 1.5 * seen.relative_noise
    found = identification.status_of(
        one_field(), seen, Start("restart", 2), error, persistence, 0.0, Causes()
    )
    assert found == status
