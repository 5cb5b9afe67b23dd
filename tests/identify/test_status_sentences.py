"""Sentences on how a fit ended, which forecasts and reconstructions share."""

import dataclasses
import re
import types

import numpy as np
import pytest

import hfluxno
from hfluxno.identify import reconstruction
from hfluxno.identify.frames.candidate import Candidate
from hfluxno.identify.joint.kind import Kind
from hfluxno.identify.status import OF_GIVEN, FitStatus
from tests.identify import laws


def test_no_warning_speaks_of_a_forecast_that_may_not_be_made():
    sentences = [status.sentence for status in FitStatus] + list(OF_GIVEN.values())
    warnings = [text for text in sentences if "do not trust" in text]
    assert len(warnings) == 5 and all(text.endswith("trust the result") for text in warnings)


def test_a_refused_reconstruction_speaks_of_no_forecast(monkeypatch):
    failed = types.SimpleNamespace(estimate=None, sentence=FitStatus.FAILED.sentence)
    monkeypatch.setattr(reconstruction, "identify_all", lambda *_, **__: (failed,))
    values = np.sin(np.arange(54.0)).reshape(6, 1, 9)
    context = hfluxno.Trajectory.from_numpy(values, np.arange(6.0), np.arange(9.0), ("u",), "open")
    with pytest.raises(ValueError, match=r"reconstructed: no candidate could be fitted\.$"):
        hfluxno.reconstruct(context)


@pytest.mark.parametrize(
    "candidate", [Candidate(diffusion="constant"), Kind(diffusion=1)], ids=["frames", "joint"]
)
def test_no_diffusion_is_named_that_the_law_has_not(candidate):
    """Runs take a negative diffusivity for zero, and reports write it as zero."""
    law = laws.one_field()
    for size in (0.0, 0.3):
        one = dataclasses.replace(law, diffusion_coefficients=np.array([[size, 0.0, 0.0]]))
        found = laws.identification(one, candidate=candidate)
        named = re.search(r"(?<!no )\bdiffusion", found.chosen) is not None
        assert named == (size > 0.0) and found.described.endswith(found.chosen)


@pytest.mark.parametrize(
    "candidate", [Candidate(diffusion="constant"), Kind(diffusion=3)], ids=["frames", "joint"]
)
def test_a_diffusion_within_its_error_is_not_claimed(candidate):
    """A scheme that made the data leaves some, whose size the error of the fit's own tells."""
    law = dataclasses.replace(laws.one_field(), diffusion_coefficients=np.array([[0.3, 0.0, 0.0]]))
    for deviation, sure in ((0.01, True), (0.07, False)):
        found = laws.identification(
            law,
            candidate=candidate,
            coefficients={"f_u[T1]": 1.0, "nu_u[T0]": 0.3},
            covariance=np.diag([0.1, deviation**2]),
        )
        assert (found.chosen == str(candidate)) == sure
        assert ("diffusion that may be that of a scheme" in found.chosen) != sure


@pytest.mark.validation
def test_a_biased_place_is_in_the_sentence():
    """Greenshields' law before any shock, by characteristics: u = u₀(x - (1 - 2 u) t)."""
    x, times = (np.arange(96) + 0.5) / 96, np.linspace(0.0, 0.4, 21)[:, None]
    u = np.full((21, 96), 0.3)
    for _ in range(200):
        u = 0.3 + 0.08 * np.sin(2.0 * np.pi * (x - (1.0 - 2.0 * u) * times))
    values = u + 0.002 * np.random.default_rng(4).normal(size=u.shape)
    for bias in (1.0, 1.12):
        read = values.copy()
        read[:, 45] *= bias
        found = hfluxno.identify(
            hfluxno.Trajectory.from_numpy(read, times[:, 0], x, ("density",), "periodic")
        )
        said = "the values of density at x = 0.473958 are on average 1"
        assert (said in found.sentence) == (bias > 1.0)
