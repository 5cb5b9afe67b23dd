"""Which candidates are tried, and from where they start."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from hfluxno.grid import Grid
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.frames.select import FittedCandidate, choose

select = importlib.import_module("hfluxno.identify.frames.select")


def trial(candidate: Candidate, error: float) -> FittedCandidate:
    """One that was tried, without what a fit leaves."""
    made = FittedCandidate.__new__(FittedCandidate)
    made.candidate, made.errors, made.rivals = candidate, np.full(3, error), 0
    made.fit = SimpleNamespace(is_solved=True)
    return made


@pytest.fixture
def chosen(monkeypatch):
    """From a rule for the back-test error of a candidate, what is chosen and what was tried."""

    def run(error_of):
        monkeypatch.setattr(select, "attempt", lambda c, *others: trial(c, error_of(c)))
        monkeypatch.setattr(select, "refit", lambda best, *others: best)
        x = np.arange(16) - 0.3 * np.arange(8)[:, None]
        values = 1.0 + 0.3 * np.sin(np.pi * x / 8.0)[:, None]
        best, tried = choose(values, Grid.interval(16), ("u",), ())
        return best.candidate, [label for label, _ in tried]

    return run


def test_the_scheme_of_the_data_ends_the_search(chosen):
    candidate, tried = chosen(lambda c: 1e-7)
    assert candidate.refinement == 1 and len(tried) == 1


def test_one_field_without_a_shock_is_solved_on_finer_grids_too(chosen):
    """Coarse cells are good enough for the context, but not once a shock has formed."""
    candidate, tried = chosen(lambda c: 5e-5 / c.refinement if c.scheme != "rusanov" else 1.0)
    assert candidate.refinement == 8
    assert not any(label in " ".join(tried) for label in ("denoised", "chebyshev-9", "kink"))


def test_a_poor_fit_goes_through_all_stages(chosen):
    _, tried = chosen(lambda c: 1e-2)
    assert any("denoised" in label for label in tried)
    assert any("grid ×2" in label for label in tried)
    assert any("chebyshev-9" in label for label in tried)


def test_a_diffusivity_that_varies_is_tried_although_rusanovs_scheme_is_best(chosen):
    """That of a porous medium: constant diffusion helps little, with any scheme."""

    def error_of(candidate):
        of = {"none": 6.1e-2, "constant": 5.4e-2, "quadratic": 1e-3}
        return 5e-2 if candidate.scheme == "rusanov" else of[candidate.diffusion]

    candidate, _ = chosen(error_of)
    assert candidate.diffusion == "quadratic" and candidate.scheme == "roe-entropy-fix"


def test_equal_steps_of_a_scheme_of_first_order_are_found(chosen):
    """Among many, and by those near the best one; not where that scheme is far off, or another
    better."""

    def error_of(candidate, most=0.01, steps=37):
        if candidate.scheme != "rusanov" or not candidate.steps:
            return most if candidate.scheme == "rusanov" else 0.1
        away = abs(1.0 / candidate.steps - 1.0 / steps)
        return min(most, 0.001 + 2.0 * away) if away else 1e-9

    candidate, tried = chosen(error_of)
    assert candidate.steps == 37 and len(tried) < 40
    for rule in (lambda c: error_of(c, 0.05), lambda c: 1e-4 if c.scheme == "roe" else 1e-3):
        _, tried = chosen(rule)
        assert not any("a frame" in label for label in tried)


def test_where_the_steps_of_rusanovs_scheme_do_not_explain_it_an_upwind_scheme_may(chosen):
    def error_of(candidate):
        if candidate.scheme != "upwind":
            return 0.01 if candidate.scheme == "rusanov" else 0.1
        away = abs(1.0 / candidate.steps - 1.0 / 29.0)
        return min(0.02, 0.001 + 2.0 * away) if away else 1e-9

    candidate, tried = chosen(error_of)
    assert (candidate.scheme, candidate.steps) == ("upwind", 29) and len(tried) < 60


def test_four_internal_cells_are_tried_although_two_are_hardly_better_than_one(chosen):
    """In clean data a coarse grid that misses may do so by chance as little as a finer one."""

    def error_of(candidate, coarse=6e-3):
        finest = candidate.scheme == "roe-entropy-fix" and candidate.refinement == 4
        return 2e-4 if finest else {1: coarse, 2: 0.995 * coarse}.get(candidate.refinement, 1.0)

    candidate, _ = chosen(error_of)
    assert candidate.refinement == 4
    _, tried = chosen(lambda c: error_of(c, 8e-4))
    assert not any("grid ×4" in label for label in tried)


def test_a_viscous_law_on_finer_cells_has_a_scheme_that_diffuses_little(chosen):
    """What Rusanov's scheme diffuses may be all of ν, which a fit on finer cells begins with."""

    def error_of(candidate):
        if candidate.diffusion == "none":
            return 5e-2
        if candidate.scheme == "rusanov":
            return 8e-3 if candidate.refinement == 1 else 3e-2
        return 9e-3 / candidate.refinement**2

    candidate, _ = chosen(error_of)
    assert candidate.refinement == 8 and candidate.scheme == "roe-entropy-fix"


def test_diffusion_is_tried_on_finer_cells_where_the_schemes_own_has_hidden_it(chosen):
    """On the cells of the data it helps nothing, and without it the finest are no better."""

    def error_of(candidate):
        if candidate.diffusion == "none" or candidate.refinement == 1:
            return {1: 4e-2, 2: 1.2e-2}.get(candidate.refinement, 1.7e-2)
        return 3e-2 if candidate.cfl[0] > 0.5 else 0.05 / candidate.refinement**2

    candidate, tried = chosen(error_of)
    assert candidate.refinement == 8 and candidate.diffusion == "constant"
    _, tried = chosen(lambda c: 0.05 * error_of(c))
    assert not any("constant diffusion" in label and "grid" in label for label in tried)


def test_a_flux_of_high_degree_and_finer_cells_are_tried_together(chosen):
    """Neither alone helps: coarse cells hide what further functions explain, and fewer functions
    what finer cells do. Steps of saturation need both."""

    def error_of(candidate, alone=5e-3):
        together = candidate.size >= 9 and candidate.refinement >= 4
        return 8e-3 / candidate.refinement if together else alone * (1.5 - (candidate.size == 6))

    candidate, _ = chosen(error_of)
    assert (candidate.size, candidate.refinement) == (9, 8)
    _, tried = chosen(lambda c: error_of(c, 5e-4))
    assert not any("chebyshev-9" in label and "grid" in label for label in tried)


def test_a_constant_speed_has_to_be_better_not_only_simpler(chosen):
    for factor, size in ((1.05, 4), (0.95, 1)):
        candidate, _ = chosen(lambda c, f=factor: 1e-2 * (f if c.size == 1 else 1.0))
        assert (candidate.size == 1) is (size == 1)


def test_two_kinks_are_tried_where_one_explains_less_than_a_smooth_flux(chosen):
    """That of a trapezoid."""
    candidate, _ = chosen(lambda c: {0: 1e-2, 1: 3e-2, 2: 1e-3}[c.kinks] / c.refinement**0.1)
    assert candidate.kinks == 2 and candidate.refinement == 8
    _, tried = chosen(lambda c: {0: 4e-3, 1: 3e-2}[c.kinks])
    assert any("a kink" in label for label in tried)


def test_a_fit_without_a_run_is_not_chosen():
    unsolved = trial(Candidate(), 1e-3)
    unsolved.fit = SimpleNamespace(is_solved=False)
    assert unsolved.error == np.inf


def test_the_diffusion_of_rusanovs_scheme_is_no_start_for_another():
    """It is a part of ν there, which may leave none, and from none no derivative leads away."""
    rusanov, roe = (Candidate(diffusion="constant", scheme=s) for s in ("rusanov", "roe"))
    coarse = trial(rusanov, 1e-3)
    assert select._start_of(roe, [coarse]) is None
    finer = Candidate(diffusion="constant", scheme="rusanov", refinement=2)
    assert select._start_of(finer, [coarse]) is coarse
