"""The flux of one field by its name, in LaTeX and for SymPy."""

import numpy as np
import pytest

from hfluxno.export import export_law
from hfluxno.export.to_latex import named_latex
from hfluxno.export.to_sympy import named_expression
from tests.export.test_export import SYMPY, saved
from tests.identify.laws import FULL, LAWS, V, polynomial
from tests.identify.recognition.test_reading import EXAMPLES, approximated, read, triangle

LATEX = {
    "Greenshields": r"98.2\,\rho\,(1 - \rho/141)",
    "Burgers": r"0.5\,\rho^{2}",
    "cubic": r"-0.3\,\rho^{3}",
    "quadratic": r"3.52\,\rho + 1.6\,\rho^{2}",
}


@pytest.mark.parametrize("form", list(EXAMPLES))
def test_the_expression_is_the_flux_up_to_a_constant(form):
    flux, low, high, _ = EXAMPLES[form]
    found = read(approximated(flux, low, high, name="E"))
    u = np.linspace(low, high, 121)
    for reading in (found.best, *found.others):
        text = named_expression(reading.exact, "E")
        least = {"Min": np.minimum, "Max": np.maximum, "Symbol": {"E": u}.get}
        difference = eval(text, SYMPY | least) - flux(u)
        assert np.std(difference) < (1.01 * reading.loss + 1e-4) * np.ptp(flux(u))
    if form in LATEX:
        assert named_latex(found.best.exact, "rho") == LATEX[form]


def test_a_triangle_in_both_languages():
    text = named_expression(read(triangle()).best.exact, "u")
    u = np.linspace(5.0, 125.0, 41)
    found = eval(text, {"Min": np.minimum, "Symbol": {"u": u}.get})
    np.testing.assert_allclose(found, np.minimum(90.0 * u, 22.5 * (150.0 - u)), rtol=1e-5)
    found = named_latex("min(90 u, 22.5 (150 − u)) + 2 max(u − 1.5e−07, 0)", "u")
    right = r"\min(90\,u,\,22.5\,(150 - u)) + 2\,\max(u - 1.5 \cdot 10^{-7},\,0)"
    assert found == right
    assert named_latex("1 u exp(−u/1e+12)", "u") == r"1\,u\,\exp(-u/(1 \cdot 10^{12}))"


def test_the_file_has_the_formula_beside_the_polynomial():
    law = polynomial(20.0, 110.0, 0.0, V, -V / FULL)
    (text,) = export_law(saved(law), "latex").values()
    comments, _, rows = text.partition(r"\begin{align*}")
    density = r"\mathrm{density}"
    assert "% f(density) ≈ 90 density (1 − density/150) (Greenshields; loss " in comments
    assert rf"f({density}) &= 90\,{density} - 0.6\,{density}^{{2}} \\" in rows
    assert rf"f({density}) &\approx 90\,{density}\,(1 - {density}/150) \quad\text{{(" in rows
    assert r"\% of the height)}" in rows and rows.count("&") == 3


@pytest.mark.parametrize("name", ["tensor", "dictionary", "kinks and further terms"])
def test_other_laws_have_none(name):
    (text,) = export_law(saved(LAWS[name]()), "latex").values()
    assert r"\approx" not in text


def test_a_flux_of_no_form_has_none():
    law = approximated(lambda u: np.sin(3 * u) + 0.4 * np.cos(5 * u), -1.0, 1.0)
    (text,) = export_law(saved(law), "latex").values()
    assert r"\approx" not in text
