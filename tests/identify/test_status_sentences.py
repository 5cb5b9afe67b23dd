"""Sentences on how a fit ended, which forecasts and reconstructions share."""

import types

import numpy as np
import pytest

import hfluxno
from hfluxno.identify import reconstruction
from hfluxno.identify.status import OF_GIVEN, FitStatus


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
