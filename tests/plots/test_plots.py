"""Pictures show the numbers they are given, with names and units, for one field and for more."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.axes import Axes

from hfluxno.identify.plane.error_bars import PlaneTerm
from hfluxno.identify.recognition.recognised import Coefficient, Recognised
from hfluxno.law_uncertainty import flux_deviation
from hfluxno.plots import Labels, forecast_figure, law_figure, save
from hfluxno.plots.law import heading
from hfluxno.plots.plane import terms_figure
from hfluxno.trajectory import Trajectory
from tests.identify.laws import one_field
from tests.identify.plane import laws as on_a_plane
from tests.plots.fakes import (
    FakeForecaster,
    FakeIdentification,
    FakeStatus,
    identification,
    shallow_water,
    wave,
)
from tests.slow import slow

LABELS = Labels(("load",), "kg/m", "x", "km", "time", "days since 2024-01-01", origin=100.0)


@pytest.fixture(scope="module")
def scalar():
    whole = Trajectory.from_numpy(wave(10, 24), np.arange(10) * 1e-3, fields=["load"])
    context = whole.window(0, 6)
    return context, FakeForecaster().forecast(context, 4), np.asarray(whole.values[6:])


def panels(figure):
    return {axes.get_title(loc="left"): axes for axes in figure.findobj(Axes)}


def panel(figure, start):
    return next(axes for title, axes in panels(figure).items() if title.startswith(start))


def test_a_forecast_with_truth(scalar):
    context, forecast, truth = scalar
    figure = forecast_figure(context, forecast, jnp.asarray(truth), LABELS)
    figure.canvas.draw()
    profile = panel(figure, "Profile")
    assert profile.get_title(loc="left") == "Profile at time 100 days"
    assert profile.get_xlabel() == "x (km)" and profile.get_ylabel() == "load (kg/m)"
    curves = {line.get_label(): line.get_ydata() for line in profile.get_lines()}
    np.testing.assert_allclose(curves["end of context"], context.values[-1, 0])
    np.testing.assert_allclose(curves["forecast"], forecast.trajectory.values[-1, 0])
    np.testing.assert_allclose(curves["truth"], truth[-1, 0])
    names = panels(figure)
    assert "load (kg/m): truth" in names and "load (kg/m): forecast minus truth" in names
    assert panel(figure, "Flux f").get_ylabel() == "f (kg/m · km/d)"
    assert panel(figure, "Wave speed").get_ylabel() == "f′ (km/d)"


def test_the_line_between_context_and_forecast(scalar):
    context, forecast, _ = scalar
    figure = forecast_figure(context, forecast, None, LABELS)
    chart = panel(figure, "load (kg/m): context and forecast")
    for line in chart.get_lines():
        np.testing.assert_allclose(line.get_ydata(), 100.0055, rtol=1e-9)
    assert not [name for name in panels(figure) if "truth" in name]


def test_the_curves_of_the_law(scalar):
    context, *_ = scalar
    found = identification(context, FakeStatus.POOR_FIT, nu=0.5)
    figure = law_figure(found, context, LABELS)
    u = panel(figure, "Wave speed").get_lines()[0].get_xdata()
    np.testing.assert_allclose([u[0], u[-1]], [found.law.lower[0], found.law.upper[0]])
    np.testing.assert_allclose(
        panel(figure, "Wave speed").get_lines()[0].get_ydata(), 100 - 1.4 * u
    )
    np.testing.assert_allclose(panel(figure, "Diffusivity").get_lines()[0].get_ydata(), 0.5)
    assert "Warning: the law explains the data poorly" in figure.get_suptitle()


def test_a_long_warning_is_broken_into_lines(scalar):
    class Wordy(FakeIdentification):
        @property
        def sentence(self):
            return "another law " * 30

    fake = identification(scalar[0], FakeStatus.POOR_FIT)
    lines = heading(Wordy(**vars(fake))).splitlines()
    assert len(lines) == 5 and max(map(len, lines)) <= 120


def test_a_long_heading_stays_within_the_picture(scalar):
    candidate = "chebyshev-6, no diffusion, roe-entropy-fix CFL 0.9, grid ×4, denoised start"
    found = dataclasses.replace(identification(scalar[0]), candidate=candidate)
    figure = law_figure(found)
    figure.canvas.draw()
    box = figure._suptitle.get_window_extent()
    assert candidate.split()[-1] in figure.get_suptitle()
    assert box.x1 < figure.bbox.x1


def test_the_band_follows_from_the_covariance(scalar, x64):
    found = identification(scalar[0])  # Σ = diag(4, 0.01), f = c₁ u + c₂ u²
    u = np.array([[0.5, 2.0]])
    flux, speed = flux_deviation(found, jnp.asarray(u), jnp.zeros((1, 1)))
    np.testing.assert_allclose(flux, np.sqrt(4.0 * u[0] ** 2 + 0.01 * u[0] ** 4))
    np.testing.assert_allclose(speed, np.sqrt(4.0 + 0.01 * (2 * u[0]) ** 2))
    # A coefficient that the candidate does not leave free is certain.
    one = dataclasses.replace(
        found, coefficients={"nu": 0.0, "f_load[u²]": -0.7}, covariance=np.diag([9.0, 0.01])
    )
    np.testing.assert_allclose(
        flux_deviation(one, jnp.asarray(u), jnp.zeros((1, 1)))[1], 0.2 * u[0]
    )


@pytest.mark.validation
def test_a_system_has_maps_of_fluxes_and_speeds(tmp_path):
    states = shallow_water(12, 24)
    whole = Trajectory.from_numpy(states, np.linspace(0, 0.15, 12), fields=["h", "m"])
    context = whole.window(0, 6)
    forecast = FakeForecaster().forecast(context, 6)
    figure = forecast_figure(context, forecast, states[6:])
    names = panels(figure)
    for name in ("Flux of h", "Flux of m", "Slower wave speed", "Faster wave speed"):
        assert name in names
    profiles = [a for a in figure.findobj(Axes) if a.get_title(loc="left").startswith("Profile")]
    assert [axes.get_ylabel() for axes in profiles] == ["h", "m"]
    save(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_one_of_a_batch_is_shown():
    values = np.stack([wave(10, 24)[:, None], 2 * wave(10, 24)[:, None]])
    context = Trajectory.from_numpy(values, np.arange(10) * 1e-3)
    forecast = FakeForecaster().forecast(context, 3)
    figure = forecast_figure(context, forecast, index=1)
    assert "trajectory 1 of 2" in figure.get_suptitle()
    line = panel(figure, "Profile").get_lines()[0]
    np.testing.assert_allclose(line.get_ydata(), context.values[1, -1, 0])


@pytest.mark.parametrize("suffix", ["png", slow("pdf"), "svg"])
def test_every_format_is_saved(tmp_path, scalar, suffix):
    figure = law_figure(identification(scalar[0]))
    save(figure, tmp_path / f"a.{suffix}")
    assert (tmp_path / f"a.{suffix}").stat().st_size > 3_000


def test_labels_without_units():
    labels = Labels(("u",), time_units="s")
    assert labels.field_axis(0) == "u" and labels.time_axis == "time (s)"
    assert labels.speed_units == "1/s" and labels.flux_units(0) == "1/s"
    assert Labels(("u",), "1", x_units="1").flux_units(0) == ""


def test_each_field_of_a_system_may_have_units_of_its_own():
    labels = Labels(("h", "hu"), ("m", "m2/s"), x_units="m", time_units="s")
    assert [labels.field_axis(i) for i in range(2)] == ["h (m)", "hu (m2/s)"]
    assert [labels.flux_units(i) for i in range(2)] == ["m · m/s", "m2/s · m/s"]


def test_dollars_in_the_words_of_a_file_are_no_formulas(tmp_path, scalar):
    labels = Labels((r"$\bad{$",), "$", x_units="$/km")
    figure = law_figure(identification(scalar[0]), labels=labels)
    save(figure, tmp_path / "a.svg")
    drawn = (tmp_path / "a.svg").read_text()
    assert "$/km" in drawn and r"\$" not in drawn


def test_letters_that_the_font_lacks_are_no_warning(tmp_path, scalar):
    save(law_figure(identification(scalar[0]), labels=Labels(("🚗",), "")), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 0


@pytest.mark.parametrize("fields", [1, slow(2)])
def test_a_constant_field_is_drawn_without_a_warning(fields):
    values = np.ones((6, fields, 24))
    context = Trajectory.from_numpy(values, fields=["h", "m"][:fields])
    law_figure(identification(context), context).canvas.draw()
    forecast = FakeForecaster().forecast(context, 4)
    forecast_figure(context, forecast, values[:4]).canvas.draw()


def test_a_source_has_a_panel_and_no_flux_has_none():
    """s = 1 - 2 v, v = (u - .7)/.6, beside a diffusivity; with a flux its panels come first."""
    law = one_field(diffusion=1, terms=True)
    nothing = np.zeros((1, 0))
    terms = dataclasses.replace(
        law.terms,
        by_state=np.array([[1.0, -2.0]]),
        source_by_place=nothing,
        flux_by_place=np.zeros(0),
        stretches=np.zeros((0, 3)),
    )
    law = dataclasses.replace(law, terms=terms)
    still = dataclasses.replace(law, flux_coefficients=np.zeros((1, 6)))
    for each, flux in ((law, ["Flux f", "Wave speed f′"]), (still, [])):
        found = FakeIdentification(each, covariance=np.zeros((0, 0)), coefficients={})
        axes = law_figure(found).axes
        assert [panel.get_title("left") for panel in axes] == [*flux, "Diffusivity ν", "Source s"]
        u, s = axes[-1].lines[0].get_data()
        np.testing.assert_allclose(s, 1.0 - 2.0 * (u - 0.7) / 0.6, atol=1e-6)


def test_several_coefficients_of_a_law_on_a_plane_are_below_one_another():
    known = Recognised("Burgers", "a", 1.0, 0.01, 0.02, 0.01, (Coefficient("b", 0.5, 0.002),))
    terms = (PlaneTerm(("u",), "x: T2", 0.31, 0.001, 0.31),)
    law = on_a_plane.one_field()
    figure = terms_figure(on_a_plane.identification(law, recognised=known, terms=terms))
    (axes,) = figure.axes
    said = [each.get_text() for each in axes.get_legend().get_texts()]
    assert said[0] == "Burgers\na = 1 ± 0.01\nb = 0.5 ± 0.002"
    assert axes.get_title("left") == "Burgers: terms of the law, OK"
