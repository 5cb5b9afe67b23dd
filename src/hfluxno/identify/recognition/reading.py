"""Reading a flux of one field as a named formula.

Each form of `hfluxno.identify.recognition.forms` is fitted to the flux over its observed range, up
to a constant, by least squares weighted with the uncertainty at each state:

    min_{a, c, p} mean_j (f(u_j) - c - Σ a_i g_i(u_j; p))² / (σ_j² + ε²)

with σ_j the standard deviation of the flux from the covariance of its coefficients, and ε 0.2 % of
its height, because the covariance treats the errors of a scheme as noise. A form is accepted if the
root of this mean is at most 2 (two standard deviations) and its root mean square difference from
the flux at most 2 % of the height; of those accepted, one with the fewest parameters is chosen.
`hfluxno.identify.recognition.reading_deviation` says how well its parameters are known.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

from hfluxno.identify.recognition.forms import Form, Points, forms, number, precise
from hfluxno.identify.recognition.reading_deviation import deviations_of, parameter_covariance
from hfluxno.law_curves import law_curves
from hfluxno.parametric.basis import KINK_WIDTH, Chebyshev, Kinked
from hfluxno.parametric.fitted_law import FittedLaw

_POINTS = 121
_FLOOR = 2e-3
_MOST_DEVIATIONS, _MOST_LOSS = 2.0, 0.02
_OTHERS = 3
_SHARP = 1e-6  # half ranges
_ROUNDING = 1e-12  # of the height of a flux
_STEP = 1e-3  # of the distance of two values of a shape parameter that are tried


@dataclasses.dataclass(frozen=True)
class Constant:
    """A parameter of a formula, whose unit is (unit of x / unit of time)^speed (unit of u)^field.

    - `name`: as in the documentation of the forms.
    - `deviation`: its standard deviation; NaN if that of the flux is unknown.
    """

    name: str
    value: float
    speed: int
    field: int
    deviation: float = float("nan")


@dataclasses.dataclass(frozen=True)
class Reading:
    """A form with its best parameters.

    - `formula`: in the units of the data.
    - `form`: its name.
    - `parameters`: their number.
    - `constants`: the parameters.
    - `loss`: the root mean square difference from the flux over the observed range, relative to the
      height of the flux.
    - `deviations`: the same in standard deviations of the flux.
    - `exact`: the formula with nine digits, of a field called u.
    """

    formula: str
    form: str
    parameters: int
    loss: float
    deviations: float
    constants: tuple[Constant, ...] = ()
    exact: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.deviations <= _MOST_DEVIATIONS and self.loss <= _MOST_LOSS


@dataclasses.dataclass(frozen=True)
class _Flux:
    """The flux that is read: its values at u with their standard deviations, its height, its
    derivatives by its coefficients and their covariance; no coefficients if that is unknown."""

    symbol: str
    u: Points
    values: Points
    known: Points
    height: float
    changes: Float[np.ndarray, "point coefficient"]
    covariance: Float[np.ndarray, "coefficient coefficient"]


@dataclasses.dataclass(frozen=True)
class Readings:
    """The best form of a flux, and the next best ones by `deviations`.

    If no form is accepted (see `best.is_accepted`), the best is merely the closest.
    """

    best: Reading
    others: tuple[Reading, ...]


def read_flux(
    law: FittedLaw, coefficients: Mapping[str, float], covariance: np.ndarray
) -> Readings | None:
    """The readings of a flux, given its coefficients by name and their covariance; `None` for
    several fields and for a constant flux."""
    if len(law.fields) > 1:
        return None
    # JAX arrays would lose precision outside of `enable_x64`.
    low, high = float(np.asarray(law.lower)[0]), float(np.asarray(law.upper)[0])
    u = np.linspace(low, high, _POINTS)
    law = _sharpened(law)
    flux = law_curves(law, u[None], np.array([[low]]))[0][0]
    height = float(np.ptp(flux))
    if height <= 1e-12 * float(np.max(np.abs(flux))) or not np.isfinite(height):
        return None
    changes, own = _uncertain(law, coefficients, covariance, u)
    known = np.hypot(_deviation(changes, own), _FLOOR * height)
    read = _Flux(law.fields[0], u, flux, known, height, changes, own)
    found = [_fitted(form, read) for form in forms()]
    ranked = sorted((each for each in found if each is not None), key=lambda r: r.deviations)
    accepted = [reading for reading in ranked if reading.is_accepted]
    best = min(accepted or ranked[:1], key=lambda reading: reading.parameters)
    others = [reading for reading in ranked if reading is not best]
    return Readings(best, tuple(others[:_OTHERS]))


def _sharpened(law: FittedLaw) -> FittedLaw:
    """The law without the rounding of its kinks, if that is slight: no form has it."""
    if not isinstance(law.basis, Kinked) or float(law.basis.width) > KINK_WIDTH:
        return law
    return dataclasses.replace(law, basis=dataclasses.replace(law.basis, width=np.asarray(_SHARP)))


def _uncertain(
    law: FittedLaw, coefficients, covariance, u: Points
) -> tuple[np.ndarray, np.ndarray]:
    """The derivatives of the flux by its coefficients, and their covariance."""
    names, changes = list(coefficients), _changes(law, u)
    rows = [i for i, name in enumerate(names) if name in changes]
    if not rows or np.shape(covariance) != (len(names), len(names)):
        return np.zeros((len(u), 0)), np.zeros((0, 0))
    chosen = np.stack([changes[names[i]] for i in rows], axis=1)
    return chosen, np.asarray(covariance, float)[np.ix_(rows, rows)]


def _deviation(changes: np.ndarray, covariance: np.ndarray) -> Points:
    """σ at each state, for the flux less its mean."""
    chosen = changes - changes.mean(axis=0)
    return np.sqrt(np.maximum(np.sum((chosen @ covariance) * chosen, axis=1), 0.0))


def _changes(law: FittedLaw, u: Points) -> dict[str, Points]:
    """The derivatives of the flux by its coefficients, by name; none for other bases."""
    basis, flux = law.basis, f"f_{law.fields[0]}"
    smooth = basis.smooth if isinstance(basis, Kinked) else basis
    if not isinstance(smooth, Chebyshev):
        return {}
    v = (u - np.asarray(smooth.middle)[0]) / np.asarray(smooth.half)[0]
    values = list(np.polynomial.chebyshev.chebvander(v, smooth.size).T[1:])
    places = {}
    if isinstance(basis, Kinked):
        beside = v - np.asarray(basis.at)[:, None]
        values += list(np.abs(beside))
        weights = np.asarray(law.flux_coefficients)[0, smooth.size :]
        moved = -weights[:, None] * np.sign(beside)
        places = {f"v[kink {k}]": each for k, each in enumerate(moved, start=1)}
    named = zip(basis.names, values, strict=True)
    return {f"{flux}[{name}]": value for name, value in named} | places


def _fitted(form: Form, read: _Flux) -> Reading | None:
    """The form with its best parameters, or `None` if it does not allow these states."""
    u = read.u
    shapes = form.shapes(u[0], u[-1])
    if not len(shapes):
        return None

    def deviations(p: float) -> float:
        return _solved(form, p, read)[1]

    best = int(np.argmin([deviations(p) for p in shapes]))
    around = shapes[[max(best - 1, 0), min(best + 1, len(shapes) - 1)]]
    p = float(shapes[best])
    if form.has_shape:
        finer = minimize_scalar(deviations, bounds=tuple(around), method="bounded")
        p = min(p, float(finer.x), key=deviations)
    a, size, residual = _solved(form, p, read)
    loss = float(np.sqrt(np.mean((residual - residual.mean()) ** 2))) / read.height
    loss = loss if loss > _ROUNDING else 0.0
    numbers = _shown(form, a, p, u)
    name = form.name if form.called is None else form.called(numbers)
    slopes = np.stack(form.columns(u, p), axis=1)
    if form.has_shape:
        step = _STEP * float(np.ptp(around))
        above, below = (np.stack(form.columns(u, q), axis=1) @ a for q in (p + step, p - step))
        slopes = np.column_stack([slopes, (above - below) / (2.0 * step)])
        a = np.append(a, p)

    def constants(parameters: np.ndarray) -> list[Constant]:
        own, shape = (parameters[:-1], float(parameters[-1])) if form.has_shape else (parameters, p)
        return _constants(form, name, _shown(form, own, shape, u), shape)

    known = parameter_covariance(slopes, residual, read.known, read.changes, read.covariance)
    sigmas = deviations_of(lambda own: [each.value for each in constants(own)], a, known)
    uncertain = [
        dataclasses.replace(each, deviation=sigma)
        for each, sigma in zip(constants(a), sigmas, strict=True)
    ]
    shown = form.show(read.symbol, numbers, p, number)
    exact = form.show("u", numbers, p, precise)
    return Reading(shown, name, len(a), loss, size, tuple(uncertain), exact)


def _shown(form: Form, a: np.ndarray, p: float, u: Points) -> list[float]:
    """The factors a as the formula shows them."""
    # The column of an exponential is counted from the middle of the range.
    factor = np.exp(-p * np.mean(u)) if form.name == "exponential" else 1.0
    return [float(each) for each in factor * a]


def _constants(form: Form, name: str, a: list[float], p: float) -> list[Constant]:
    """The parameters as the formula shows them."""
    match name:
        case "Greenshields":
            return [Constant("v", a[0], 1, 0), Constant("K", -a[0] / a[1], 0, 1)]
        case "Underwood":
            return [Constant("v", a[0], 1, 0), Constant("K", 1.0 / p, 0, 1)]
        case "triangular":
            before, after = a
            if before > 0.0 > after:
                w, full = -after, p - before * p / after
                return [
                    Constant("v", before, 1, 0),
                    Constant("w", w, 1, 0),
                    Constant("K", full, 0, 1),
                ]
            slopes = [Constant(f"v{i}", value, 1, 0) for i, value in enumerate(a, start=1)]
            return [*slopes, Constant("kink", p, 0, 1)]
        case "Buckley–Leverett":
            return [Constant("q", a[0], 1, 1), Constant("M", p, 0, 0)]
        case "sine" | "sine with a phase":
            phase = [Constant("phase", float(np.arctan2(a[1], a[0])), 0, 0)] if len(a) > 1 else []
            size = float(np.hypot(a[0], a[1])) if len(a) > 1 else a[0]
            return [Constant("a", size, 1, 1), Constant("k", p, 0, -1), *phase]
        case "exponential":
            return [Constant("a", a[0], 1, 1), Constant("k", p, 0, -1)]
    # Of a polynomial, whose columns are powers.
    powers = [round(float(np.log2(each[0]))) for each in form.columns(np.array([2.0]), p)]
    return [Constant(f"a{e}", value, 1, 1 - e) for e, value in zip(powers, a, strict=True)]


def _solved(form: Form, p: float, read: _Flux) -> tuple[Float[np.ndarray, " term"], float, Points]:
    """a, the residual in standard deviations (root mean square), and the residual."""
    columns = np.stack([np.ones_like(read.u), *form.columns(read.u, p)], axis=1)
    scale = np.max(np.abs(columns), axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    rows = columns / scale / read.known[:, None]
    solution = np.linalg.lstsq(rows, read.values / read.known, rcond=None)[0] / scale
    residual = read.values - columns @ solution
    return solution[1:], float(np.sqrt(np.mean((residual / read.known) ** 2))), residual
