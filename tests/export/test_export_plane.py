"""Exports of a law on a plane, in a world of their own, against our law."""

import ctypes
import dataclasses
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.export import export_law, formula
from hfluxno.export.to_sympy import expressions
from hfluxno.fv import eigen
from hfluxno.identify.plane.saved import to_save
from hfluxno.identify.saved.file import dumps
from tests.export.test_export import (
    assert_close,
    assert_passes_its_own_test,
    by_bytecode,
    compiled_c,
    computed,
    states,
    written,
)
from tests.identify.plane.laws import LAWS, identification, one_field, shallow_water
from tests.identify.plane.test_sources import with_gravity
from tests.slow import slow


def growing():
    """One field that grows with its cube and diffuses along x; walls show the constants."""
    further = {
        "arising": ((0,), (3,)),
        "sources": np.array([[0.3, -0.5]]),
        "diffusivities": np.array([[[0.1]], [[0.0]]]),
        "constant": np.array([[0.4], [-0.2]]),
    }
    return dataclasses.replace(one_field(), **further)


def diffusing():
    """One field that only diffuses."""
    still = np.zeros_like(one_field().coefficients)
    return dataclasses.replace(growing(), coefficients=still, arising=(), sources=np.zeros((1, 0)))


EVERY = LAWS | {
    "water that falls": with_gravity,
    "one field that grows": growing,
    "one that diffuses": diffusing,
}


def saved(law, units=None):
    return to_save(identification(law), units)


@pytest.mark.parametrize("name", list(EVERY))
def test_numpy_alone_gives_the_same_along_both_axes(tmp_path, name):
    law = EVERY[name]()
    written(tmp_path, saved(law), "numpy")
    u = states(law, 0.2)
    np.save(tmp_path / "u.npy", u)
    program = """
import sys
sys.modules["jax"] = sys.modules["hfluxno"] = None  # so that importing either fails
import numpy as np
import exported
u = np.load("u.npy")
found = {f"{n}{a}": getattr(exported, n)(u, a)
         for a in (0, 1) for n in ("flux", "jacobian", "speeds", "diffusivity")}
found["source"] = exported.source(u)
# On a plane.
assert np.array_equal(exported.flux(u.reshape(len(u), 6, 10), 1).reshape(u.shape), found["flux1"])
np.savez("out.npz", **found)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=tmp_path, check=True)
    with jax.enable_x64(True), np.load(tmp_path / "out.npz") as found:
        source = law.source(jnp.asarray(u), jnp.zeros((2, u.shape[1])), jnp.zeros(()))
        np.testing.assert_allclose(found["source"], 0.0 if source is None else source, atol=1e-13)
        for axis in (0, 1):
            nu = law.diffusivity(jnp.asarray(u), axis)
            np.testing.assert_allclose(found[f"diffusivity{axis}"], 0.0 if nu is None else nu)
            flux = np.asarray(law.flux(jnp.asarray(u), axis))
            jacobian = law.jacobian(jnp.asarray(u), axis)
            speeds = np.asarray(eigen.speeds(jacobian))
            assert_close(found[f"flux{axis}"], flux)
            assert_close(found[f"jacobian{axis}"], np.asarray(jacobian))
            assert_close(found[f"speeds{axis}"], speeds, 1e-7)  # where two of them meet


@pytest.mark.parametrize("name", list(EVERY))
def test_expressions_for_sympy_are_the_law_along_both_axes(name):
    law = EVERY[name]()
    u = states(law, beyond=0.0)
    found = computed(expressions(saved(law)), **dict(zip(law.fields, u, strict=True)))
    with jax.enable_x64(True):
        state = jnp.asarray(u)
        arising = law.source(state, jnp.zeros((2, u.shape[1])), jnp.zeros(()))
        laws = {"s": np.zeros_like(u) if arising is None else np.asarray(arising)}
        for axis, (f, nu) in enumerate((("f", "nu"), ("g", "mu"))):
            spread = law.diffusivity(state, axis)
            laws[f] = np.asarray(law.flux(state, axis))
            laws[nu] = np.zeros_like(u) if spread is None else np.asarray(spread)
    for letter, table in laws.items():
        for field, true in zip(law.fields, table, strict=True):
            value = found.get(f"{letter}_{field}" if len(u) > 1 else letter, 0.0 * true)
            if letter in ("f", "g") and law.constant is None:  # up to a constant
                value, true = value - np.mean(value), true - np.mean(true)
            assert_close(value, true, 2e-5)


def test_formulas_are_f_along_x_and_g_along_y():
    lines = formula(saved(shallow_water(), {"h": "m"})).splitlines()
    assert lines[:3] == [
        "f_h(h, m_x, m_y) = 1 m_x",
        "f_m_x(h, m_x, m_y) = 1 m_x²/h + 2 h²",
        "f_m_y(h, m_x, m_y) = 1 m_x m_y/h",
    ]
    assert lines[3] == "g_h(h, m_x, m_y) = 1 m_y"
    assert lines[-3] == "0.5 ≤ h ≤ 1.5 m"
    (text,) = export_law(saved(shallow_water()), "latex").values()
    assert r"g_{h}(h, " in text and r"2\,h^{2}" in text
    assert text.count(r"\begin{align*}") == 1 and text.count("{") == text.count("}")
    scalar = formula(saved(one_field())).splitlines()
    assert scalar[0].startswith("f(density) = ") and scalar[1].startswith("g(density) = ")


@pytest.mark.parametrize("name", list(EVERY))
def test_the_c_header_passes_its_own_test(tmp_path, name):
    def wrong(text):  # the axes are confused
        return text.replace("LAW_FLUX[axis]", "LAW_FLUX[1 - axis]")

    assert_passes_its_own_test(tmp_path, saved(EVERY[name]()), wrong)


def test_formulas_of_sources_and_diffusivities():
    lines = formula(saved(with_gravity())).splitlines()
    assert "s_m_y(h, m_x, m_y) = −2 h + 0.3 m_y" in lines
    assert "ν_m_y(m_y) = 0.1" in lines and "μ_m_y(m_y) = 0.2" in lines
    assert sum(line.startswith("s_") for line in lines) == 1
    assert not any(line.startswith("v_") for line in lines)  # no scaled field is used
    (text,) = export_law(saved(with_gravity()), "latex").values()
    assert r"\mu_{m_{y}}" in text or r"\mu_{" in text
    assert "s(density) = 0.3 − 0.5 density³" in formula(saved(growing())).splitlines()


def test_pyclaw_adds_what_arises(tmp_path):
    files = export_law(saved(with_gravity()), "pyclaw", "falling")
    told = "lacks the diffusion. PyClaw adds the source of this law only with solver.step_source"
    assert told in str(files["falling.py"]).partition("\n")[0]
    source = str(files["falling.py"]).replace("_LIBRARY = _compiled()", "_LIBRARY = _Library()")
    namespace: dict = {"_Library": lambda: _Nothing(), "__file__": str(tmp_path / "falling.py")}
    exec(source.replace("_capsule(_LIBRARY.rpn2_)", "None"), namespace)
    state = _State(np.full((3, 4, 5), 0.7))
    before = state.q.copy()
    for _ in range(100):
        namespace["step_source"](None, state, 0.01)
    # ∂t m_y = -2 h + 0.3 m_y.
    grown = np.exp(0.3)
    expected = before[2] * grown - 2.0 * before[0] * (grown - 1.0) / 0.3
    np.testing.assert_allclose(state.q[2], expected, rtol=1e-5)
    np.testing.assert_array_equal(state.q[:2], before[:2])


class _Nothing:
    def law_waves(self):
        return 3


class _State:
    def __init__(self, q):
        self.q = q


@pytest.mark.parametrize("name", [slow(name) for name in LAWS])
def test_jax_alone_runs_the_bytecode(tmp_path, name):
    law = LAWS[name]()
    like = "lambda u: (jnp.stack([u, u]), jnp.zeros((2, 2, u.shape[1])))"
    for u, flux, speeds in by_bytecode(tmp_path, saved(law), states(law, 0.2), like):
        with jax.enable_x64(True):
            for axis in (0, 1):
                assert_close(flux[axis], np.asarray(law.flux(jnp.asarray(u), axis)))
                assert_close(speeds[axis], np.stack(law.speed_range(jnp.asarray(u), axis)))


@pytest.mark.parametrize("name", list(LAWS))
def test_what_goes_left_and_right_in_pyclaw_is_the_jump_of_the_flux(tmp_path, name):
    law, library = LAWS[name](), tmp_path / "exported_rpn2.so"
    written(tmp_path, saved(law), "pyclaw")
    compiled_c(tmp_path, "-shared", "-fPIC", "exported_rpn2.c", "-o", library)
    solver = ctypes.CDLL(str(library))
    u = states(law, 0.2)
    d, cells, ghost = len(u), u.shape[1], 2
    waves, kept = solver.law_waves(), np.ascontiguousarray(u.T)
    assert waves == d
    wave, s = np.zeros((cells, waves, d)), np.zeros((cells, waves))
    left, right = np.zeros((cells, d)), np.zeros((cells, d))
    for axis in (0, 1):
        numbers = [axis + 1, cells, d, waves, 0, ghost, cells - 2 * ghost]
        arrays = [kept, kept, kept, kept, wave, s, left, right]
        solver.rpn2_(
            *(ctypes.byref(ctypes.c_int(n)) for n in numbers),
            *(array.ctypes.data_as(ctypes.c_void_p) for array in arrays),
        )
        with jax.enable_x64(True):
            flux = np.asarray(law.flux(jnp.asarray(u), axis)).T
        change = np.diff(flux, axis=0)
        np.testing.assert_allclose((left + right)[1:], change, atol=1e-11 * np.abs(flux).max())
        np.testing.assert_allclose(wave[1:].sum(axis=1), np.diff(kept, axis=0), atol=1e-10)
        assert np.all(np.diff(s[1:], axis=1) > 0.0)


def test_the_file_of_a_law_is_a_form_too():
    law = saved(one_field())
    assert export_law(law, "json") == {"law.json": dumps(law)}
