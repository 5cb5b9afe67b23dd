"""Every export in a world of its own, against our law: 1e-12 in double precision."""

import dataclasses
import importlib.util
import shutil
import subprocess
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.export import TARGETS, export_law, formula, left_out
from hfluxno.export.to_sympy import expressions
from hfluxno.fv import Roe, eigen
from hfluxno.identify.saved.file import dumps
from hfluxno.identify.saved.law import to_save
from hfluxno.laws.place import PlaceModes
from hfluxno.parametric.basis import Kinked
from tests.compiled import compiled
from tests.identify.laws import LAWS, identification, kinked, one_field, polynomial, shallow_water
from tests.slow import slow

POINTS = 60
# The others are parts of these, or have the same terms.
TOGETHER = ("kinks and further terms", "river over a bed", "tensor", "gas")
EACH = [name if name in TOGETHER else slow(name) for name in LAWS]


def saved(name_or_law, units=None):
    law = LAWS[name_or_law]() if isinstance(name_or_law, str) else name_or_law
    return to_save(identification(law), units)


def states(law, beyond=0.3):
    """Within the observed range and beyond."""
    low, high = np.asarray(law.lower)[:, None], np.asarray(law.upper)[:, None]
    margin = beyond * (high - low)
    u = np.random.default_rng(5).uniform(size=(len(low), POINTS))
    return low - margin + u * (high - low + 2.0 * margin)


def written(folder, law, target, stem="exported"):
    files = export_law(law, target, stem)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(files)


def compiled_c(folder, *arguments):
    """Compiles what was exported, without a warning; skips the test without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O2"]
    subprocess.run([compiler, *flags, *arguments, "-lm"], cwd=folder, check=True)


def assert_passes_its_own_test(folder, law, wrong):
    """That the exported header does, and no longer once its text is `wrong`."""
    assert written(folder, law, "c") == ["exported.h", "exported_test.c"]
    compiled_c(folder, "exported_test.c")
    ended = subprocess.run(["./a.out"], cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.startswith("40 states, largest relative difference ")
    header = folder / "exported.h"
    header.write_text(wrong(header.read_text()))
    compiled_c(folder, "exported_test.c")
    assert subprocess.run(["./a.out"], cwd=folder, capture_output=True).returncode == 1


def by_bytecode(folder, law, u, like):
    """Flux and speeds at the states, and at seven of them, by JAX without hfluxno; `like` is a
    function with results of the same shapes."""
    (folder / "law.json").write_text(dumps(law))
    np.save(folder / "u.npy", u)
    # Checked shapes are of whole numbers, so the export is of a process without the checks.
    export = "from hfluxno.cli import main; main('export law.json --to stablehlo'.split())"
    subprocess.run([sys.executable, "-c", export], cwd=folder, check=True, capture_output=True)
    program = f"""
import dataclasses, sys
sys.modules["hfluxno"] = None
import jax, jax.numpy as jnp, numpy as np
from jax import export
jax.config.update("jax_enable_x64", True)
u = np.load("u.npy")
states = jax.ShapeDtypeStruct(export.symbolic_shape(f"{{len(u)}}, n"), np.float64)
frame = export.export(jax.jit({like}))(states)
code = open("law.stablehlo", "rb").read()
law = dataclasses.replace(frame, mlir_module_serialized=code)
for some in (u, u[:, :7]):
    flux, speeds = law.call(some)
    np.savez(f"out{{some.shape[1]}}.npz", flux=flux, speeds=speeds)
"""
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True)
    for count in (POINTS, 7):
        with np.load(folder / f"out{count}.npz") as found:
            yield u[:, :count], found["flux"], found["speeds"]


def assert_close(found, expected, part=1e-12):
    scale = np.max(np.abs(expected)) or 1.0
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0.0, atol=part)


def ours(law, u, x):
    """The functions of the law, with zeros and ones for those that it lacks."""
    with jax.enable_x64(True):
        found = compiled(_functions, law, u, x)
    return {key: np.asarray(value) for key, value in found.items()}


def _functions(law, states, places):
    jacobian = law.jacobian(states)
    nu, source = law.diffusivity(states), law.source(states, places[None], jnp.zeros(()))
    factor = law.factor(places)
    return {
        "flux": law.flux(states),
        "diffusivity": jnp.zeros_like(states) if nu is None else nu,
        "source": jnp.zeros_like(states) if source is None else source,
        "factor": jnp.ones_like(places) if factor is None else factor,
        "jacobian": jacobian,
        "speeds": eigen.speeds(jacobian),
    }


@pytest.mark.parametrize("name", EACH)
def test_numpy_alone_gives_the_same(tmp_path, name):
    law = LAWS[name]()
    written(tmp_path, saved(name), "numpy")
    u, x = states(law), np.linspace(0.0, 1.0, POINTS)
    np.savez(tmp_path / "in.npz", u=u, x=x)
    program = """
import sys
sys.modules["jax"] = sys.modules["hfluxno"] = None  # so that importing either fails
import numpy as np
import exported
given = np.load("in.npz")
u, x = given["u"], given["x"]
found = {n: getattr(exported, n)(u) for n in ("flux", "jacobian", "speeds", "diffusivity")}
np.savez("out.npz", source=exported.source(u, x), factor=exported.factor(x), **found)
if len(u) == 1:
    assert np.array_equal(exported.flux(u[0]), found["flux"][0])
    assert exported.speeds(float(u[0, 0])) == found["speeds"][0, 0]
else:
    try:
        exported.flux(u[0])
    except ValueError as error:
        assert "must hold the fields" in str(error)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=tmp_path, check=True)
    with np.load(tmp_path / "out.npz") as found:
        for key, expected in ours(law, u, x).items():
            assert_close(found[key], np.asarray(expected))


@pytest.mark.parametrize("name", EACH)
def test_the_c_header_passes_its_own_test(tmp_path, name):
    def wrong(text):  # in a coefficient
        number = text.partition("double LAW_FLUX[")[2].partition("{{")[2].partition("}")[0]
        largest = max(number.split(", "), key=lambda n: abs(float(n)))
        return text.replace(largest, repr(float(largest) * 1.0001))

    assert_passes_its_own_test(tmp_path, saved(name), wrong)


def imported(path):
    spec = importlib.util.spec_from_file_location("exported_law", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    "name", [slow("one field"), slow("a kink"), slow("dictionary"), slow("tensor"), "gas"]
)
def test_fluctuations_sum_to_the_jump_and_are_those_of_our_scheme(tmp_path, name):
    law = LAWS[name]()
    written(tmp_path, saved(name), "pyclaw")
    solver = imported(tmp_path / "exported.py")
    u = states(law, beyond=0.1)
    left, right = u[:, :-1], u[:, 1:]
    wave, s, amdq, apdq = solver.rp(left, right, None, None, {})
    fields = len(u)
    assert wave.shape == (fields, fields, POINTS - 1) and s.shape == (fields, POINTS - 1)
    f = np.asarray(law.flux(jnp.asarray(u)))
    assert_close(amdq + apdq, f[:, 1:] - f[:, :-1])
    assert_close(wave.sum(axis=1), right - left)
    assert np.any(amdq) and np.any(apdq)
    # Without a limiter's correction our flux between two cells is f(l) + amdq.
    for entry in range(0, POINTS - 1, 7):
        pair = np.stack([left[:, entry]] * 2 + [right[:, entry]] * 2, axis=1)
        none = one_sided(law, pair)
        assert_close(none, f[:, entry] + amdq[:, entry])


def one_sided(law, padded):
    """Our flux at the middle interface of two cells that are repeated: there the limiter sees no
    jump upwind, and leaves the first-order flux. (Without diffusion.)"""
    plain = dataclasses.replace(law, diffusion_coefficients=np.zeros((len(law.fields), 0)))
    return np.asarray(compiled(Roe(plain, "mc"), jnp.asarray(padded), jnp.asarray(1e-3), 1.0))[:, 0]


def test_a_riemann_solver_knows_no_place():
    with pytest.raises(ValueError, match="A Riemann solver only sees states"):
        export_law(saved("further terms"), "pyclaw")


def test_pyclaw_adds_what_arises_on_a_line(tmp_path):
    waves = np.array([[0.1, -0.2]])
    law = by_place(flux_by_place=np.zeros(2), source_by_place=waves)
    written(tmp_path, law, "pyclaw")
    module = imported(tmp_path / "exported.py")
    u, x = states(law.law), np.linspace(0.0, 1.0, POINTS)
    grid = types.SimpleNamespace(x=types.SimpleNamespace(centers=x))
    state = types.SimpleNamespace(q=u.copy(), grid=grid)
    module.step_source(None, state, 1e-6)
    expected = ours(law.law, u, x)["source"]
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose((state.q - u) / 1e-6, expected, atol=1e-5)


SOURCE = "PyClaw adds the source of this law only with solver.step_source = step_source."


@pytest.mark.parametrize(
    ("name", "target", "sentence"),
    [
        ("river", "pyclaw", SOURCE),
        ("one field", "pyclaw", "PyClaw's run with this law lacks the diffusion."),
        ("tensor", "c", ""),
        ("dictionary", "stablehlo", ""),
        (
            "further terms",
            "stablehlo",
            "The bytecode has only the flux and its speeds; it lacks the diffusion and the source "
            "and the factor by place.",
        ),
        ("dry ground", "latex", "What is written lacks the largest velocity over dry ground."),
        ("dry ground", "pyclaw", ""),
    ],
)
def test_what_is_left_out_is_said(name, target, sentence):
    assert left_out(saved(name), target) == sentence
    if target == "pyclaw" and sentence:
        assert export_law(saved(name), target)["law.py"].startswith(f"# {sentence}\n")


def test_bounds_are_in_the_law_file_alone():
    law = saved(dataclasses.replace(LAWS["dictionary"](), least=np.array(0.0)))
    assert left_out(law, "numpy") == "What is written lacks the bounds of the field."
    assert left_out(law, "json") == ""


@pytest.mark.parametrize(
    "name", [name if name == "kinks and further terms" else slow(name) for name in LAWS]
)
def test_jax_alone_runs_the_bytecode(tmp_path, name):
    law = LAWS[name]()
    for u, flux, speeds in by_bytecode(tmp_path, saved(name), states(law), "lambda u: (u, u)"):
        expected = ours(law, u, np.zeros(u.shape[1]))
        assert_close(flux, np.asarray(expected["flux"]))
        assert_close(speeds, np.asarray(expected["speeds"]))


def value(line, **names):
    """What the right side of a formula of text gives."""
    body = line.partition(" = ")[2].replace("−", "-").replace("·", "*")
    for digit, power in zip("²³⁴⁵⁶", "23456", strict=True):
        body = body.replace(digit, f"**{power}")
    body = (
        body.replace("√", "sqrt")
        .replace(" ", "*")
        .replace("*+*", " + ")
        .replace("*-*", " - ")
        .replace(",*", ", ")
    )
    return eval(body, {"max": np.maximum, "sqrt": np.sqrt}, names)


def test_the_formula_is_the_law_in_units_of_the_data():
    law = polynomial(20.0, 110.0, 0.0, 98.2, -98.2 / 141.0)
    text = formula(saved(law, {"density": "veh/km"}))
    assert text.startswith("f(density) = 98.2") and text.endswith("20 ≤ density ≤ 110 veh/km")
    u = np.linspace(20.0, 110.0, 9)
    found = value(text.splitlines()[0], density=u)
    expected = law.flux(u)
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=1e-3)


@pytest.mark.parametrize("places", [slow((-0.3,)), (0.4, -1.7)])
def test_kinks_are_written_in_the_field(places):
    law = kinked(*places)
    text = formula(saved(law)).splitlines()[0]
    assert text.count("√((density ") == len(places)
    u = np.linspace(0.1, 1.3, 23)
    found, expected = value(text, density=u), law.flux(u)
    height = np.ptp(expected)
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=1e-5 * height)


def test_a_kink_reads_as_the_triangle_that_it_is():
    """0.5 (90 - 22.5) u - 0.5 (90 + 22.5) |u - 30|, rounded over 1.2 vehicles/km."""
    straight = polynomial(5.0, 125.0, 0.0, 33.75)
    basis = Kinked(straight.basis, np.array([-35.0 / 60.0]))
    weights = np.concatenate([straight.flux_coefficients, [[-56.25 * 60.0]]], axis=1)
    triangle = dataclasses.replace(straight, basis=basis, flux_coefficients=weights)
    text = formula(saved(triangle)).splitlines()[0]
    assert text == "f(density) = 33.75 density − 56.25 √((density − 30)² + 1.2²)"
    (latex,) = export_law(saved(triangle), "latex").values()
    assert r"33.75\,\mathrm{density} - 56.25\,\sqrt{(\mathrm{density} - 30)^2 + (1.2)^2}" in latex
    # A kink without weight, as laws with other further terms have it, is not written.
    none = dataclasses.replace(triangle, flux_coefficients=weights * [1.0, 0.0])
    assert formula(saved(none)) == formula(saved(straight))


@pytest.mark.parametrize(("constant", "line"), [(0.25, ["ν(density) = 0.25"]), (-1e-9, [])])
def test_a_constant_diffusivity_is_written_as_one_and_not_where_it_is_none(constant, line):
    """A joint estimate has room for two more terms, and may end below zero, which is none."""
    law = dataclasses.replace(one_field(), diffusion_coefficients=np.array([[constant, 0.0, 0.0]]))
    shown = [each for each in formula(saved(law)).splitlines() if each.startswith("ν")]
    assert shown == line


def test_a_dictionary_reads_as_mechanics_writes_it():
    first, second = formula(saved("dictionary")).splitlines()[:2]
    assert first == "f_h(h, m) = 1 m" and second == "f_m(h, m) = 1 m²/h + 4.9 h²"


def test_a_source_of_two_fields_reads_as_hydraulics_writes_it():
    third = formula(saved("river")).splitlines()[2]
    assert third == "s_m(h, m) = 0.1 − 1.5 m |m|/h² + 0.8 h"
    (latex,) = export_law(saved("river"), "latex").values()
    assert r"0.1 - 1.5\,\frac{m\left|m\right|}{h^{2}} + 0.8\,h" in latex


def test_powers_that_cancel_are_scaled():
    law = polynomial(299.0, 301.0, 9e4, -600.0, 1.0)
    assert formula(saved(law)).splitlines()[:2] == ["f(density) = 1 v²", "v = density − 300"]


def by_place(**changes):
    law = one_field(terms=True)
    none = {"source_by_place": np.zeros((1, 2)), "stretches": np.zeros((0, 3))}
    return saved(dataclasses.replace(law, terms=dataclasses.replace(law.terms, **none | changes)))


def test_a_factor_by_place_has_no_empty_terms():
    factor = np.array([-6.25e-5, 0.25, 0.0, -2e-7, 0.0, 0.125])
    modes, none = PlaceModes(0.0, 1.0, 6, True), np.zeros((1, 6))
    offset = np.array([-0.5])
    law = by_place(flux_by_place=factor, flux_offset=offset, modes=modes, source_by_place=none)
    assert formula(law).splitlines()[-4:-1] == [
        "k(x) = exp(−6.25e-05 cos(2π ξ) + 0.25 sin(2π ξ) + 0.125 sin(6π ξ))",
        "the flux is k(x) (f − 0.5)",
        "ξ = x",
    ]
    (latex,) = export_law(law, "latex").values()
    rows = latex.partition(r"\begin{align*}")[2]
    waves = r"-6.25 \cdot 10^{-5}\,\cos(2\pi \xi) + 0.25\,\sin(2\pi \xi) + 0.125\,\sin(6\pi \xi)"
    assert rf"k(x) &= \exp\left({waves}\right) \\" in rows
    assert r"\text{flux} &= k(x)\,(f - 0.5) \\" in rows and r"\xi &= x \\" in rows
    assert expressions(law)["f"].count("cos(") == 1


@pytest.mark.parametrize(
    ("lower", "upper", "text", "latex"),
    [
        (0.0, 4.0, "ξ = x/4", r"\xi &= \frac{x}{4} "),
        (-2.0, 3.0, "ξ = (x + 2)/5", r"\xi &= \frac{x + 2}{5} "),
        (0.5, 1.5, "ξ = x − 0.5", r"\xi &= x - 0.5 "),
        (0.0, 2e6, "ξ = x/2e+06", r"\xi &= \frac{x}{2 \cdot 10^{6}} "),
    ],
)
def test_places_are_scaled_without_zeros_and_ones(lower, upper, text, latex):
    law = by_place(modes=PlaceModes(lower, upper, 2, True), flux_offset=np.zeros(1))
    assert text in formula(law).splitlines()
    assert latex in export_law(law, "latex")["law.tex"]
    assert "the flux is k(x) f" in formula(law).splitlines()


def test_stretches_alone_need_no_waves():
    law = by_place(
        flux_by_place=np.zeros(2), stretches=np.array([[0.2, 0.35, -3e-5], [0.8, 1.1, 0.2]])
    )
    shown = formula(law)
    assert "k(x) = exp(−3e-05 for 0.2 ≤ x < 0.35 + 0.2 for 0.8 ≤ x < 1.1)" in shown
    assert "ξ" not in shown
    (latex,) = export_law(law, "latex").values()
    stretches = r"-3 \cdot 10^{-5}\,1_{[0.2,\,0.35)}(x) + 0.2\,1_{[0.8,\,1.1)}(x)"
    assert rf"\exp\left({stretches}\right)" in latex and r"\xi" not in latex


def test_a_small_range_reads_as_latex():
    law = polynomial(-2e-6, 1.0, 0.0, 1.0)
    assert r"-2 \cdot 10^{-6} &\le" in export_law(saved(law), "latex")["law.tex"]


@pytest.mark.parametrize("name", EACH)
def test_latex_has_every_term_and_escapes_names(name):
    law = LAWS[name]()
    (text,) = export_law(saved(name), "latex").values()
    assert text.count(r"\begin{align*}") == 1 and text.count("{") == text.count("}")
    assert (r"\nu" in text) == (law.diffusion_coefficients.size > 0)
    assert (r"\xi" in text) == (law.terms is not None and name != "river")
    if name == "dictionary":
        assert r"f_{m}(h, m) &= 1\,\frac{m^{2}}{h} + 4.9\,h^{2}" in text
    evil = saved(one_field(name=r"\input{a}_%$"))
    (text,) = export_law(evil, "latex").values()
    assert r"\input" not in text.partition(r"\begin{align*}")[2]


# What the expressions for SymPy use of it, for numbers.
SYMPY = {
    "Abs": np.abs,
    "And": np.logical_and,
    "Max": np.maximum,
    "Mod": np.mod,
    "Piecewise": lambda first, last: np.where(first[1], first[0], last[0]),
    "cos": np.cos,
    "exp": np.exp,
    "pi": np.pi,
    "sin": np.sin,
    "sqrt": np.sqrt,
}


def computed(texts, **symbols):
    return {key: eval(text, SYMPY | {"Symbol": symbols.get}) for key, text in texts.items()}


def between_ends():
    law = LAWS["kinks and further terms"]()
    modes = PlaceModes(0.0, 1.0, 2, False)
    return dataclasses.replace(law, terms=dataclasses.replace(law.terms, modes=modes))


EVERY = LAWS | {"between ends": between_ends}
# Formulas have no bound of the velocity: `left_out`.
del EVERY["dry ground"]


@pytest.mark.parametrize("name", list(EVERY))
def test_expressions_for_sympy_are_the_law_within_its_range(name):
    law, x = EVERY[name](), np.linspace(0.0, 1.0, POINTS)
    u = states(law, beyond=0.0)
    expected = ours(law, u, x)
    symbols = dict(zip(law.fields, u, strict=True))
    found = computed(expressions(saved(law)), x=x, **symbols)
    offset = np.zeros(len(u)) if law.terms is None else np.asarray(law.terms.flux_offset)
    for i, field in enumerate(law.fields):
        end = f"_{field}" if len(u) > 1 else ""
        flux = expected["factor"] * (expected["flux"][i] + offset[i])
        # A constant of the flux has no effect without a factor.
        shift = 0.0 if np.ptp(expected["factor"]) else flux[0] - found[f"f{end}"][0]
        pairs = [(found[f"f{end}"] + shift, flux)]
        pairs += [(found.get(f"nu{end}", 0.0 * x), expected["diffusivity"][i])]
        pairs += [(found.get(f"s{end}", 0.0 * x), expected["source"][i])]
        for value, true in pairs:
            scale = np.max(np.abs(true)) or 1.0
            np.testing.assert_allclose(value / scale, true / scale, rtol=0.0, atol=2e-5)


def test_sympy_reads_them_whatever_fields_are_called():
    sympy = pytest.importorskip("sympy")
    for name in ("E", "beta", "lambda", "water level"):
        read = sympy.sympify(expressions(saved(one_field(name=name, terms=True)))["f"])
        assert read.free_symbols == {sympy.Symbol(name), sympy.Symbol("x")}


def test_names_cannot_leave_comments_and_strings(tmp_path):
    evil = saved(one_field(name="*/ int x; /* \"\"\" ''' \\ ??/"))
    written(tmp_path, evil, "numpy")
    assert evil.law.fields == imported(tmp_path / "exported.py").FIELDS
    header = export_law(evil, "c")["law.h"]
    assert "int x; ?" in header and "*/ int" not in header
    broken = saved(one_field(name="a\nimport os"))
    with pytest.raises(ValueError, match="cannot be printed"):
        export_law(broken, "numpy")


def test_json_is_the_file_and_others_are_unknown():
    law = saved("tensor")
    assert export_law(law, "json") == {"law.json": dumps(law)}
    with pytest.raises(ValueError, match=f"'matlab'; choose one of {', '.join(TARGETS)}"):
        export_law(law, "matlab")


def test_shallow_water_has_its_wave_speeds(tmp_path):
    written(tmp_path, saved(shallow_water()), "numpy")
    module = imported(tmp_path / "exported.py")
    h, m = np.array([1.0, 1.6]), np.array([0.3, -0.4])
    root = np.sqrt(9.8 * h)
    np.testing.assert_allclose(module.speeds(np.stack([h, m])), [m / h - root, m / h + root])
